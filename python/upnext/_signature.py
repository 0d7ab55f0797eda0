"""The named arguments of a task: bound when a job is submitted, checked again when a stored job is run."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from upnext import _json

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_NAMED = (*_POSITIONAL, inspect.Parameter.KEYWORD_ONLY)


class ArgumentsError(TypeError):
    """The arguments of a stored job do not fit its task. Trying again cannot help."""


class Arguments:
    """What a task can be called with."""

    __slots__ = ("_names", "_positional", "_positional_only", "_required", "_task", "takes_any")

    def __init__(self, task: str, function: Callable[..., Any]) -> None:
        parameters = inspect.signature(function).parameters.values()
        named = [parameter for parameter in parameters if parameter.kind in _NAMED]
        self._task = task
        self._positional = [parameter.name for parameter in named if parameter.kind in _POSITIONAL]
        self._positional_only = [
            parameter.name for parameter in named if parameter.kind is inspect.Parameter.POSITIONAL_ONLY
        ]
        self._names = {parameter.name for parameter in named}
        self._required = {parameter.name: None for parameter in named if parameter.default is parameter.empty}
        self.takes_any = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters)

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
            raise TypeError(problem)
        return _json.encode_arguments(kwargs, f"task '{self._task}'") if kwargs else "{}"

    def unpack(self, payload: str) -> dict[str, Any]:
        """The named arguments of a stored job."""
        kwargs = _json.decode(payload) if payload != "{}" else {}
        problem = self._mismatch(kwargs)
        if problem:
            raise ArgumentsError(problem)
        return kwargs

    def split(self, kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]] | None:
        """The arguments as a call needs them, if some can only be given by place."""
        if not self._positional_only:
            return None
        given = [name for name in self._positional_only if name in kwargs]
        return [kwargs[name] for name in given], {
            name: value for name, value in kwargs.items() if name not in self._positional_only
        }

    def _name(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        if len(args) > len(self._positional):
            raise TypeError(
                f"task '{self._task}' takes {len(self._positional)} positional arguments, not {len(args)}: "
                "a job carries named arguments, *args cannot be carried"
            )
        named = dict(zip(self._positional, args, strict=False))
        for name in kwargs:
            if name in named:
                raise TypeError(f"task '{self._task}' got two values for the argument '{name}'")
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
