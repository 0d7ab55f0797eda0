"""Kinds of single values: numbers and text, choices, moments, and what is written as text."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from enum import Enum
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any

from upnext._kind import Kind, reason_of
from upnext._loaded import loaded

if TYPE_CHECKING:
    from decimal import Decimal


class Plain(Kind):
    """`str`, `bool`, `None`: the same in JSON."""

    def __init__(self, kind: type, name: str) -> None:
        self.passes = frozenset((kind,))
        self.reads_text = False
        self.name = name
        self._kind = kind

    def dump(self, value: Any) -> Any:
        return value if isinstance(value, self._kind) else self.refuse(value)

    load = dump


class Int(Kind):
    """Whole numbers, those of numpy too."""

    passes = frozenset((int,))
    reads_text = False
    name = "int"

    def dump(self, value: Any) -> Any:
        if isinstance(value, int):
            return value
        return int(value) if isinstance(value, numbers.Integral) else self.refuse(value)

    load = dump

    def load_key(self, key: str) -> int:
        try:
            return int(key)
        except ValueError:
            self.refuse(key)


class Float(Kind):
    """Numbers. A whole one becomes a float, as type checkers allow it."""

    passes = frozenset((float,))
    reads_text = False
    name = "float"

    def dump(self, value: Any) -> Any:
        if isinstance(value, float):
            return value
        if isinstance(value, numbers.Real) and not isinstance(value, bool):
            try:
                return float(value)
            except OverflowError as error:
                self.refuse(value, reason_of(error))
        return self.refuse(value)

    load = dump

    def load_key(self, key: str) -> float:
        try:
            return float(key)
        except ValueError:
            self.refuse(key)


class Choice(Kind):
    """`Literal`: one of these values."""

    def __init__(self, options: tuple[Any, ...]) -> None:
        self._options = [
            (option, option.value if isinstance(option, Enum) else option, type(option)) for option in options
        ]
        names = [repr(option) for option in options]
        self.name = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"

    def dump(self, value: Any) -> Any:
        for option, text, kind in self._options:
            if type(value) is kind and value == option:
                return text
        # The value of a member of an enum may be given as well.
        self.load(value)
        return value

    def load(self, value: Any) -> Any:
        for option, text, _ in self._options:
            if type(value) is type(text) and value == text:
                return option
        return self.refuse(value)


class Member(Kind):
    """An enum: its member in Python, the member's value in JSON."""

    def __init__(self, enum: type[Enum]) -> None:
        self._enum = enum
        values = [repr(member.value) for member in enum]
        listed = ", ".join(values[:8]) + (", ..." if len(values) > 8 else "")
        self.name = f"{enum.__name__} ({listed})"

    def dump(self, value: Any) -> Any:
        return value.value if isinstance(value, self._enum) else self.load(value).value

    def load(self, value: Any) -> Any:
        try:
            return self._enum(value)
        except (ValueError, TypeError, KeyError):
            self.refuse(value)

    def load_key(self, key: str) -> Any:
        for member in self._enum:
            if str(member.value) == key:
                return member
        return self.refuse(key)


class Text(Kind):
    """What JSON carries as text: read by `read`, written by `write`."""

    def __init__(
        self,
        kind: type,
        name: str,
        read: Callable[[Any], Any],
        write: Callable[[Any], str] = str,
        *,
        also: tuple[type, ...] = (),
    ) -> None:
        self.name = name
        self._kind = kind
        self._read = read
        self._write = write
        self._readable = (str, *also)

    def dump(self, value: Any) -> Any:
        if isinstance(value, self._kind) and not (self._kind is date and isinstance(value, datetime)):
            return self._write(value)
        # Its JSON form may be given as well.
        return self._write(self.load(value))

    def load(self, value: Any) -> Any:
        if not isinstance(value, self._readable) or isinstance(value, bool):
            self.refuse(value)
        try:
            return self._read(value)
        except (ValueError, ArithmeticError) as error:
            # What `decimal` says of itself is the name of a class.
            self.refuse(value, None if isinstance(error, loaded("decimal", "InvalidOperation")) else reason_of(error))


class Duration(Kind):
    """`timedelta`: a number of seconds in JSON."""

    name = "timedelta (a number of seconds)"

    def dump(self, value: Any) -> Any:
        return value.total_seconds() if isinstance(value, timedelta) else self.load(value).total_seconds()

    def load(self, value: Any) -> Any:
        if not isinstance(value, int | float) or isinstance(value, bool):
            self.refuse(value)
        try:
            return timedelta(seconds=value)
        except (OverflowError, ValueError) as error:
            self.refuse(value, reason_of(error))


def _zulu(text: str) -> str:
    # Python 3.10 knows no Z.
    return f"{text[:-1]}+00:00" if text[-1:] in ("Z", "z") else text


def _decimal(value: Any) -> Decimal:
    from decimal import Decimal

    # Of a float what it shows, not its binary digits.
    return Decimal(repr(value) if isinstance(value, float) else value)


def plain_kind(kind: type) -> Kind | None:
    """The kind of one of the types that are known here."""
    known = _KINDS.get(kind)
    if known is not None:
        return known
    if kind is loaded("uuid", "UUID"):
        return Text(kind, "UUID", kind)
    if kind is loaded("decimal", "Decimal"):
        return Text(kind, "Decimal", _decimal, also=(int, float))
    if issubclass(kind, Enum):
        return Member(kind)
    if issubclass(kind, PurePath):
        return Text(kind, kind.__name__, kind)
    return None


def _iso(value: Any) -> str:
    return str(value.isoformat())


_KINDS: dict[type, Kind] = {
    str: Plain(str, "str"),
    bool: Plain(bool, "bool"),
    type(None): Plain(type(None), "None"),
    int: Int(),
    float: Float(),
    datetime: Text(datetime, "datetime (ISO 8601 text)", lambda text: datetime.fromisoformat(_zulu(text)), _iso),
    date: Text(date, "date (ISO 8601 text)", date.fromisoformat, _iso),
    time: Text(time, "time (ISO 8601 text)", lambda text: time.fromisoformat(_zulu(text)), _iso),
    timedelta: Duration(),
    Path: Text(Path, "Path", Path),
    PurePath: Text(PurePath, "PurePath", PurePosixPath),
}
