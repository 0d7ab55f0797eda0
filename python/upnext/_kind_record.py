"""Kinds of what has named fields: dataclasses, named tuples, typed dictionaries, and all that pydantic understands."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from upnext import _json
from upnext._kind import Kind, Mismatch, reason_of


class Record(Kind):
    """Named fields: an object in JSON.

    `fields` is called when first needed, since a class may name itself in its fields. `required` are those that must be
    there, and `make` makes the value of all that are.
    """

    def __init__(
        self,
        kind: type,
        fields: Callable[[], dict[str, Kind | None]],
        required: frozenset[str],
        make: Callable[..., Any],
    ) -> None:
        self.name = kind.__name__
        self._kind = kind
        self._fields_of = fields
        self._fields: dict[str, Kind | None] | None = None
        self._required = required
        self._make = make

    def dump(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            # Its JSON form may be given as well, and is checked as when it is read.
            return self._each(value, "dump")
        if self._kind is dict or not isinstance(value, self._kind):
            self.refuse(value)
        return self._each({name: getattr(value, name) for name in self._known()}, "dump")

    def load(self, value: Any) -> Any:
        if not isinstance(value, dict):
            self.refuse(value)
        fields = self._each(value, "load")
        try:
            return self._make(**fields)
        except (TypeError, ValueError) as error:
            self.refuse(value, reason_of(error))

    def _known(self) -> dict[str, Kind | None]:
        if self._fields is None:
            self._fields = self._fields_of()
        return self._fields

    def _each(self, given: Mapping[str, Any], way: str) -> dict[str, Any]:
        known = self._known()
        # In the order of the fields, so that the same mistake is always told with the same words.
        for name in known:
            if name in self._required and name not in given:
                self.refuse(given, f"it has no '{name}'")
        made = {}
        for name, value in given.items():
            if name not in known:
                self.refuse(given, f"it has no field '{name}'")
            kind = known[name]
            try:
                made[name] = value if kind is None else getattr(kind, way)(value)
            except Mismatch as mismatch:
                raise mismatch.below(name) from None
        return made


def dataclass_kind(kind: type, kind_of_field: Callable[[type, str], Kind | None]) -> Kind:
    """The kind of a dataclass: its fields that its constructor takes."""
    fields = [field for field in dataclasses.fields(kind) if field.init]
    required = frozenset(
        field.name
        for field in fields
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    )
    return Record(kind, lambda: {field.name: kind_of_field(kind, field.name) for field in fields}, required, kind)


def typed_dict_kind(kind: Any, kind_of_field: Callable[[type, str], Kind | None]) -> Kind:
    """The kind of a `TypedDict`."""
    record = Record(
        dict, lambda: {name: kind_of_field(kind, name) for name in kind.__annotations__}, kind.__required_keys__, dict
    )
    record.name = kind.__name__
    return record


class NamedTupleKind(Kind):
    """A named tuple: an array in JSON, or an object of its fields."""

    def __init__(self, kind: Any, kind_of_field: Callable[[type, str], Kind | None]) -> None:
        self.name = kind.__name__
        names: tuple[str, ...] = kind._fields
        required = frozenset(names) - frozenset(kind._field_defaults)
        self._names = names
        self._record = Record(kind, lambda: {name: kind_of_field(kind, name) for name in names}, required, kind)

    def dump(self, value: Any) -> Any:
        return self._record.dump(self._named(value))

    def load(self, value: Any) -> Any:
        return self._record.load(self._named(value))

    def _named(self, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return value
        if len(value) > len(self._names):
            self.refuse(value, f"it has {len(value)} items")
        return dict(zip(self._names, value, strict=False))


class PydanticKind(Kind):
    """A pydantic model, or anything else that pydantic can read and write."""

    def __init__(self, annotation: Any, name: str, adapter: Any) -> None:
        self.name = name
        self._kind = annotation if isinstance(annotation, type) else None
        self._adapter = adapter

    def dump(self, value: Any) -> Any:
        try:
            if self._kind is None or not isinstance(value, self._kind):
                value = self._validated(value)
            return self._adapter.dump_python(value, mode="json", by_alias=True, round_trip=True, warnings="error")
        except ValueError as error:
            self.refuse(value, _first_problem(error))

    def _validated(self, value: Any) -> Any:
        try:
            return self._adapter.validate_python(value)
        except ValueError:
            # Its JSON form, which strict models tell apart.
            try:
                return self._adapter.validate_json(_json.encode(value, self.name))
            except _json.NotSerializableError:
                pass
            raise

    def load(self, value: Any) -> Any:
        # As JSON, because strict models take the text of a date only from there.
        try:
            return self._adapter.validate_json(_json.encode(value, self.name))
        except ValueError as error:
            self.refuse(value, _first_problem(error))


def pydantic_kind(annotation: Any, name: str) -> Kind | None:
    """The kind of what pydantic 2 understands, if it is installed; else None."""
    try:
        from pydantic import TypeAdapter
        from pydantic.errors import PydanticSchemaGenerationError, PydanticUndefinedAnnotation
    except ImportError:
        return None
    try:
        return PydanticKind(annotation, name, TypeAdapter(annotation))
    except (PydanticSchemaGenerationError, PydanticUndefinedAnnotation):
        return None


def _first_problem(error: ValueError) -> str:
    problems: list[Any] = error.errors(include_url=False) if hasattr(error, "errors") else []
    if not problems:
        return reason_of(error)
    first = problems[0]
    place = ".".join(str(part) for part in first["loc"])
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{place}: {first['msg']}{more}" if place else f"{first['msg']}{more}"
