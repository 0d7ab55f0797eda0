"""Kinds of what holds other values: lists, tuples, sets, dictionaries, and one of several kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from upnext._kind import Kind, Mismatch


class Items(Kind):
    """A list, set or the like: an array in JSON. `item` is None where its items may be anything."""

    def __init__(self, name: str, item: Kind | None, given: tuple[type, ...], make: Callable[[Any], Any]) -> None:
        self.name = name
        self._item = item
        self._given = given
        self._make = make
        self.reads_text = False
        if item is None and make is list:
            self.passes = frozenset((list,))

    def dump(self, value: Any) -> Any:
        if not isinstance(value, self._given):
            self.refuse(value)
        return self._each(value, "dump")

    def load(self, value: Any) -> Any:
        if not isinstance(value, list):
            self.refuse(value)
        items = self._each(value, "load")
        try:
            return items if self._make is list else self._make(items)
        except TypeError as error:
            self.refuse(value, str(error))

    def _each(self, values: Any, way: str) -> list[Any]:
        item = self._item
        if item is None or (item.passes and item.passes.issuperset(map(type, values))):
            return values if isinstance(values, list) else list(values)
        convert = getattr(item, way)
        items = []
        for place, value in enumerate(values):
            try:
                items.append(value if type(value) in item.passes else convert(value))
            except Mismatch as mismatch:
                raise mismatch.below(place) from None
        return items


class Places(Kind):
    """`tuple[int, str]`: an array in JSON with a kind for each place."""

    def __init__(self, name: str, items: list[Kind | None]) -> None:
        self.name = name
        self.reads_text = False
        self._items = items

    def dump(self, value: Any) -> Any:
        return self._each(value, "dump")

    def load(self, value: Any) -> Any:
        return tuple(self._each(value, "load"))

    def _each(self, values: Any, way: str) -> list[Any]:
        if not isinstance(values, list | tuple):
            self.refuse(values)
        if len(values) != len(self._items):
            self.refuse(values, f"it has {len(values)} items")
        items = []
        for place, (kind, value) in enumerate(zip(self._items, values, strict=True)):
            try:
                items.append(value if kind is None else getattr(kind, way)(value))
            except Mismatch as mismatch:
                raise mismatch.below(place) from None
        return items


class Entries(Kind):
    """A dictionary: an object in JSON. Keys that are no text become text and are read again."""

    def __init__(self, name: str, key: Kind | None, value: Kind | None) -> None:
        self.name = name
        self.reads_text = False
        self._key = None if key is None or str in key.passes else key
        self._value = value
        if self._key is None and value is None:
            self.passes = frozenset((dict,))

    def dump(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            self.refuse(value)
        return self._each(value, "dump")

    def load(self, value: Any) -> Any:
        return self._each(value, "load") if isinstance(value, dict) else self.refuse(value)

    def _each(self, entries: Mapping[Any, Any], way: str) -> dict[Any, Any]:
        key_of = None if self._key is None else getattr(self._key, f"{way}_key")
        kind = self._value
        if key_of is None and (kind is None or (kind.passes and kind.passes.issuperset(map(type, entries.values())))):
            return entries if isinstance(entries, dict) else dict(entries)
        value_of = None if kind is None else getattr(kind, way)
        made = {}
        for key, value in entries.items():
            try:
                made[key if key_of is None else key_of(key)] = value if value_of is None else value_of(value)
            except Mismatch as mismatch:
                raise mismatch.below(key) from None
        return made


class OneOf(Kind):
    """A union. What is the same in JSON comes first, then the order in which it is written."""

    def __init__(self, options: list[Kind]) -> None:
        self._options = options
        names = [option.name for option in options]
        self.name = f"{', '.join(names[:-1])} or {names[-1]}"
        self.reads_text = any(option.reads_text for option in options)
        passes: set[type] = set()
        before_text = True
        for option in options:
            # Text may also be the JSON form of an option before `str`, so the order decides about it.
            passes.update(option.passes if before_text else option.passes - {str})
            before_text = before_text and not option.reads_text
        self.passes = frozenset(passes)

    def dump(self, value: Any) -> Any:
        return self._first(value, "dump")

    def load(self, value: Any) -> Any:
        return self._first(value, "load")

    def _first(self, value: Any, way: str) -> Any:
        if type(value) in self.passes:
            return value
        nearest: Mismatch | None = None
        for option in self._options:
            try:
                return getattr(option, way)(value)
            except Mismatch as mismatch:
                # One that fits on the outside says best what is wrong within.
                if mismatch.path and (nearest is None or len(mismatch.path) > len(nearest.path)):
                    nearest = mismatch
        if nearest is not None:
            raise nearest
        return self.refuse(value)
