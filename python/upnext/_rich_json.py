"""JSON of artifacts: what `_json` carries, and beyond it the values that Python programs keep their results in.

Arguments and results of jobs stay strict, because they are read back; an artifact is only shown and downloaded.

- Dataclasses and pydantic models become objects, enums their value, sets a sorted list, numpy arrays lists.
- A datetime is RFC 3339; one without a time zone is written without an offset, since nobody knows it.
- A timedelta is an ISO 8601 duration. UUID, Decimal and paths are text, also as keys.
- bytes, NaN and infinity are refused.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from enum import Enum
from pathlib import PurePath
from typing import Any, TypeGuard

from upnext import _json
from upnext._json import NotSerializableError
from upnext._loaded import loaded

_PLAIN = (str, int, float, bool, type(None))


def encode_rich(data: Any, what: str) -> str:
    """`data` as compact JSON. `what` is how an error calls the data itself."""
    try:
        # Plain data, which is most, takes the short way.
        return _json.encode(data, what)
    except NotSerializableError:
        pass
    try:
        return _json.encode(_plain(data, what, ()), what)
    except RecursionError:
        raise NotSerializableError(f"{what} is nested too deeply") from None


def is_model(data: object) -> bool:
    """Whether this is an instance of a pydantic model."""
    return any(
        kind.__name__ == "BaseModel" and kind.__module__.partition(".")[0] == "pydantic" for kind in type(data).__mro__
    )


def is_dataclass_instance(data: object) -> bool:
    """Whether this is an instance of a dataclass, and not the class."""
    return dataclasses.is_dataclass(data) and not isinstance(data, type)


def model_json(model: Any) -> str:
    """A pydantic model as the JSON that it writes itself."""
    dump = getattr(model, "model_dump_json", None)
    if dump is None:
        raise NotSerializableError(
            f"{type(model).__qualname__} is a model of pydantic 1, which cannot be stored: use pydantic 2 or give "
            "its .json()"
        )
    return str(dump())


def _plain(value: Any, path: str, parents: tuple[int, ...]) -> Any:
    """`value` in what JSON has."""
    if isinstance(value, Enum):
        return _plain(value.value, path, parents)
    if isinstance(value, _PLAIN):
        return _checked_float(value, path) if isinstance(value, float) else value
    text = _as_text(value, path)
    if text is not None:
        return text
    if id(value) in parents:
        raise NotSerializableError(f"{path} contains itself")
    inside = (*parents, id(value))
    if isinstance(value, Mapping):
        return {_key(key, path): _plain(item, f"{path}{_json.step(key)}", inside) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{path}[{index}]", inside) for index, item in enumerate(value)]
    if isinstance(value, set | frozenset):
        return _sorted(_plain(item, f"an item of {path}", inside) for item in value)
    if is_model(value):
        return _json.decode(model_json(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _plain(getattr(value, field.name), f"{path}.{field.name}", inside)
            for field in dataclasses.fields(value)
        }
    if _is_numpy(value):
        return _plain(value.tolist(), path, inside)
    raise NotSerializableError(_refusal(value, path))


def _as_text(value: Any, path: str) -> str | None:
    """What stands for itself as text; None for anything else."""
    if isinstance(value, date | time):
        return _moment(value, path)
    if isinstance(value, timedelta):
        return _duration(value, path)
    if isinstance(value, loaded("decimal", "Decimal")):
        if not value.is_finite():
            raise NotSerializableError(f"{path} is {value}, and JSON has no such number")
        return str(value)
    if isinstance(value, loaded("uuid", "UUID")):
        return str(value)
    if isinstance(value, PurePath):
        return os.fspath(value)
    if _is_numpy(value) and value.dtype.kind in "Mm" and not value.ndim:
        if value != value:
            raise NotSerializableError(f"{path} is NaT, and JSON has no such time")
        return str(value) if value.dtype.kind == "M" else _duration(value.astype("m8[us]").item(), path)
    return None


def _moment(value: date | time, path: str) -> str:
    """RFC 3339, as far as the value says enough."""
    if isinstance(value, datetime):
        if value != value:  # pandas' NaT, which calls itself a datetime
            raise NotSerializableError(f"{path} is NaT, and JSON has no such time")
        offset = value.utcoffset()
        # RFC 3339 has no offsets with seconds, which some historical time zones have.
        if offset is not None and offset % timedelta(minutes=1):
            value = value.astimezone(timezone.utc)
    text = value.isoformat()
    return f"{text.removesuffix('+00:00')}Z" if text.endswith("+00:00") else text


def _duration(value: timedelta, path: str) -> str:
    if value != value:
        raise NotSerializableError(f"{path} is NaT, and JSON has no such duration")
    sign, length = ("-", -value) if value < timedelta(0) else ("", value)
    seconds = length.days * 86_400 + length.seconds
    fraction = f".{length.microseconds:06}".rstrip("0") if length.microseconds else ""
    return f"{sign}PT{seconds}{fraction}S"


def _key(key: Any, path: str) -> Any:
    if isinstance(key, Enum):
        key = key.value
    if isinstance(key, _PLAIN):
        return _checked_float(key, f"a key of {path}") if isinstance(key, float) else key
    if _is_numpy(key) and key.dtype.kind in "biufU":
        return _key(key.item(), path)
    text = _as_text(key, f"a key of {path}")
    if text is None:
        raise NotSerializableError(f"{path} has a key of type {_json.type_name(key)}; JSON has only text keys")
    return text


def _checked_float(value: float, path: str) -> float:
    if not math.isfinite(value):
        raise NotSerializableError(f"{path} is {float(value)!r}, and JSON has no such number")
    # A plain float: numpy's writes itself differently.
    return float(value)


def _sorted(items: Iterable[Any]) -> list[Any]:
    """In an order that is the same in every run, whatever the items are."""
    found = list(items)
    try:
        return sorted(found)
    except TypeError:
        return sorted(found, key=lambda item: _json.encode(item, "item"))


def _is_numpy(value: Any) -> TypeGuard[Any]:
    """Whether this is an array or a scalar of numpy."""
    return any(
        kind.__name__ in ("ndarray", "generic") and kind.__module__.partition(".")[0] == "numpy"
        for kind in type(value).__mro__
    )


def _refusal(value: object, path: str) -> str:
    it_is = f"{path} is {_json.a_type(value)}, which JSON cannot carry"
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{it_is}: make an artifact of these bytes, or write them as base64"
    return it_is
