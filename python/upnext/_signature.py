"""The named arguments of a task: bound when a job is submitted, checked again when a stored job is run."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Literal

from upnext import _json, _resources
from upnext._errors import ArgumentError
from upnext._kind import Kind, Mismatch
from upnext._kind_of import kinds_of, local_names

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_NAMED = (*_POSITIONAL, inspect.Parameter.KEYWORD_ONLY)


class Arguments:
    """What a task can be called with."""

    __slots__ = (
        "_annotations",
        "_function",
        "_kinds",
        "_local",
        "_names",
        "_none_by_default",
        "_positional",
        "_positional_only",
        "_required",
        "_rest",
        "_task",
        "resources",
        "takes_any",
    )

    def __init__(self, task: str, function: Callable[..., Any]) -> None:
        parameters = list(inspect.signature(function).parameters.values())
        named = [parameter for parameter in parameters if parameter.kind in _NAMED]
        #: The parameters that get a resource and are no arguments of the job, with its name.
        self.resources: dict[str, str] = _resources.wanted_by(task, named)
        named = [parameter for parameter in named if parameter.name not in self.resources]
        self._task = task
        self._function = function
        self._positional = [parameter.name for parameter in named if parameter.kind in _POSITIONAL]
        self._positional_only = [
            parameter.name for parameter in named if parameter.kind is inspect.Parameter.POSITIONAL_ONLY
        ]
        self._names = {parameter.name for parameter in named}
        self._required = {parameter.name: None for parameter in named if parameter.default is parameter.empty}
        rest = [parameter for parameter in parameters if parameter.kind is inspect.Parameter.VAR_KEYWORD]
        self._rest = rest[0].name if rest else None
        self.takes_any: bool = bool(rest)
        self._annotations = {
            parameter.name: parameter.annotation
            for parameter in (*named, *rest)
            if parameter.annotation is not parameter.empty
        }
        self._none_by_default = {parameter.name for parameter in named if parameter.default is None}
        self._local = local_names(self._annotations)
        #: Looked up when first needed: an annotation may name what is defined further down.
        self._kinds: dict[str, Kind] | None = None

    @property
    def parameters(self) -> list[tuple[str, bool]]:
        """Every name, with whether it must be given."""
        ordered = [*self._positional, *sorted(self._names.difference(self._positional))]
        return [(name, name in self._required) for name in ordered]

    def pack(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """A call's arguments as the JSON object that a job carries."""
        if args:
            kwargs = self._name(args, kwargs)
        problem = self._mismatch(kwargs)
        if problem:
            raise ArgumentError(problem)
        if not kwargs:
            return "{}"
        kinds = self._known_kinds() if self._kinds is None else self._kinds
        for name, value in kwargs.items():
            kind = kinds.get(name)
            if kind is not None and type(value) not in kind.passes:
                kwargs = self._converted(kwargs, "dump")
                break
        return _json.encode_arguments(kwargs, f"task '{self._task}'")

    def unpack(self, payload: str) -> dict[str, Any]:
        """The named arguments of a stored job."""
        kwargs = _json.decode(payload) if payload != "{}" else {}
        problem = self._mismatch(kwargs)
        if problem:
            raise ArgumentError(problem)
        kinds = self._known_kinds() if self._kinds is None else self._kinds
        for name, value in kwargs.items():
            kind = kinds.get(name)
            if kind is not None and type(value) not in kind.passes:
                return self._converted(kwargs, "load")
        return kwargs

    def split(self, kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]] | None:
        """The arguments as a call needs them, if some can only be given by place."""
        if not self._positional_only:
            return None
        given = [name for name in self._positional_only if name in kwargs]
        return [kwargs[name] for name in given], {
            name: value for name, value in kwargs.items() if name not in self._positional_only
        }

    def _known_kinds(self) -> dict[str, Kind]:
        kinds = kinds_of(self._task, self._function, self._annotations, self._local, self._none_by_default)
        if self._rest is not None:
            # `**rest: int` says it of each of them, whatever its name.
            kind = kinds.pop(self._rest, None)
            kinds = kinds if kind is None else _Kinds(kinds, kind, self._names)
        self._kinds = kinds
        return kinds

    def _converted(self, kwargs: dict[str, Any], way: Literal["dump", "load"]) -> dict[str, Any]:
        """The arguments as JSON carries them, or as the task gets them."""
        kinds = self._known_kinds() if self._kinds is None else self._kinds
        converted = {}
        for name, value in kwargs.items():
            kind = kinds.get(name)
            if kind is None or type(value) in kind.passes:
                converted[name] = value
                continue
            try:
                converted[name] = kind.dump(value) if way == "dump" else kind.load(value)
            except Mismatch as mismatch:
                raise ArgumentError(f"task '{self._task}': {mismatch.sentence(name)}") from None
        return converted

    def _name(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        if len(args) > len(self._positional):
            raise ArgumentError(
                f"task '{self._task}' takes {len(self._positional)} positional arguments, not {len(args)}: "
                "a job carries named arguments, *args cannot be carried"
            )
        named = dict(zip(self._positional, args, strict=False))
        for name in kwargs:
            if name in named:
                raise ArgumentError(f"task '{self._task}' got two values for the argument '{name}'")
        return {**named, **kwargs}

    def _mismatch(self, kwargs: dict[str, Any]) -> str | None:
        given = kwargs.keys()
        if given == self._names:
            return None
        missing = self._required.keys() - given
        if missing:
            first = next(name for name in self._required if name in missing)
            return f"task '{self._task}' needs the argument '{first}': it takes {self._described()}"
        if not self.takes_any:
            for name in given:
                if name not in self._names:
                    return f"task '{self._task}' has no argument '{name}': it takes {self._described()}"
        return None

    def _described(self) -> str:
        names = [name if required else f"{name} (optional)" for name, required in self.parameters]
        return ", ".join(names) or "none"


class _Kinds(dict[str, Kind]):
    """Kinds by name, with one for all further names."""

    def __init__(self, kinds: dict[str, Kind], rest: Kind, names: set[str]) -> None:
        super().__init__(kinds)
        self._rest = rest
        self._own = names

    def get(self, name: str, default: Any = None) -> Any:
        """The kind of what is called so."""
        return super().get(name, default) if name in self._own else self._rest
