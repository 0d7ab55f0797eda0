"""Payloads: Python values to JSON text and back, with errors that say which value cannot be carried."""

from __future__ import annotations

import json.encoder
import math
from collections.abc import Callable
from json import JSONDecoder, JSONEncoder
from typing import Any, cast

_encoder = JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":"))
_decoder = JSONDecoder()
_scan: Callable[[str, int], tuple[Any, int]] = cast("Any", _decoder).scan_once


def _kept_encoder() -> Callable[[Any], str]:
    """`JSONEncoder.encode` without what it prepares anew for each call: twice as fast for the small values of most
    jobs. What it keeps is an inner part of CPython's `json`; where that is not as expected, the usual way serves."""
    inner: Any = json.encoder
    try:
        encode_value = inner.c_make_encoder(
            None, _encoder.default, inner.c_encode_basestring, None, ":", ",", False, False, False
        )

        def encode(value: Any) -> str:
            return "".join(encode_value(value, 0))

        if encode([{"ä": 'a"', "b": None}, 1.5, True]) == '[{"ä":"a\\"","b":null},1.5,true]':
            return encode
    except (AttributeError, TypeError):
        pass
    return _encoder.encode


_encode = _kept_encoder()

_SCALARS = (str, int, float, bool, type(None))


class NotSerializableError(TypeError):
    """A value that JSON cannot carry; the message names its place and its type."""


def encode(value: Any, root: str) -> str:
    """`value` as compact JSON. `root` is how an error calls the value itself."""
    try:
        text = _encode(value)
        if not text.isascii():
            text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise NotSerializableError(_find_problem(value, root, set()) or f"{root}: {error}") from None
    return text


def encode_arguments(arguments: dict[str, Any], root: str) -> str:
    """The same for named arguments: an error calls each by its name alone."""
    try:
        text = _encode(arguments)
        if not text.isascii():
            text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        for name, value in arguments.items():
            problem = _find_problem(value, name, set())
            if problem:
                raise NotSerializableError(f"{root}: the argument {problem}") from None
        raise NotSerializableError(f"{root}: {error}") from None
    return text


def decode(text: str) -> Any:
    """The value that this JSON stands for."""
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        return _decoder.decode(text)
    # Whitespace around it is rare: only what people wrote by hand has any.
    return value if end == len(text) else _decoder.decode(text)


def _find_problem(value: Any, path: str, seen: set[int]) -> str | None:
    """The first value under `path` that JSON cannot carry, as a clause that begins with its path."""
    if isinstance(value, str):
        return None if _is_text(value) else f"{path} holds a lone surrogate, which UTF-8 cannot carry"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{path} is {value!r}, and JSON has no such number"
    if isinstance(value, _SCALARS):
        return None
    if id(value) in seen:
        return f"{path} contains itself"
    if isinstance(value, dict):
        entries = [(f"{path}{step(key)}", key, item) for key, item in value.items()]
    elif isinstance(value, list | tuple):
        entries = [(f"{path}[{index}]", None, item) for index, item in enumerate(value)]
    else:
        return f"{path} is {a_type(value)}, which JSON cannot carry"
    seen.add(id(value))
    for place, key, item in entries:
        if not isinstance(key, _SCALARS):
            return f"{path} has a key of type {type_name(key)}; JSON has only text keys"
        if isinstance(key, str) and not _is_text(key):
            return f"{path} has a key with a lone surrogate, which UTF-8 cannot carry"
        if len(seen) > 500:
            return f"{path} is nested too deeply"
        problem = _find_problem(item, place, seen)
        if problem:
            return problem
    seen.discard(id(value))
    return None


def step(key: object) -> str:
    """How a path goes on to what stands under this key."""
    return f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]"


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def type_name(value: object) -> str:
    """How errors call the type of a value."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def a_type(value: object) -> str:
    """The same with its article: `a dict`, `an int`."""
    name = type_name(value)
    return f"{'an' if name[0] in 'AEIOaeio' else 'a'} {name}"
