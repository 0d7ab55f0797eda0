"""What a worker's lifespan gives to its tasks, and the parameters through which they ask for it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Final

#: Stands for no resources at all: None is something that a lifespan may yield.
NOTHING: Final = object()

#: What the lifespan of the worker whose job runs here has yielded, in this process.
here: ContextVar[Any] = ContextVar("upnext_resources", default=NOTHING)


class Wanted:
    """The default value of a parameter that gets a resource."""

    __slots__ = ("name",)

    def __init__(self, name: str | None) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"upnext.resource({'' if self.name is None else repr(self.name)})"


def resource(name: str | None = None) -> Any:
    """The default value of a task's parameter that gets a resource of the worker's lifespan: an entry of the dict that
    it yields, or an attribute of any other object. Without a name it is the one that is called like the parameter.

    Such a parameter is no argument of the job: nobody submits it. It stands behind the arguments. The annotation is
    the resource's own type.

    >>> @worker.lifespan
    ... async def resources():
    ...     yield {"rates": {"EUR": 2}}
    >>> @worker.task
    ... async def convert(amount: int, rates: dict = upnext.resource()) -> int:
    ...     return amount * rates["EUR"]
    >>> (await convert.wait(21)).value
    42
    """
    if name is not None and (not isinstance(name, str) or not name):
        raise TypeError(f"the name of a resource is a text that is not empty, not {name!r}")
    return Wanted(name)


def wanted_by(task: str, parameters: list[inspect.Parameter]) -> dict[str, str]:
    """The parameters that get a resource, with its name."""
    wanted = {
        parameter.name: parameter.default.name or parameter.name
        for parameter in parameters
        if isinstance(parameter.default, Wanted)
    }
    last: str | None = None
    for parameter in parameters:
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY and parameter.name in wanted:
            raise TypeError(
                f"task '{task}': the parameter '{parameter.name}' gets a resource, so it cannot be positional-only"
            )
        if parameter.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
            continue
        if parameter.name in wanted:
            last = parameter.name
        elif last is not None:
            raise TypeError(
                f"task '{task}': the parameter '{last}' gets a resource and is no argument of the job: put it behind "
                f"'{parameter.name}', last or after a *"
            )
    return wanted


def take(task: str, wanted: dict[str, str]) -> dict[str, Any]:
    """The resources for these parameters, where a job runs."""
    return {parameter: _one(task, here.get(), name) for parameter, name in wanted.items()}


def check(task: str, resources: Any, wanted: dict[str, str]) -> None:
    """Raises `RuntimeError` when these resources lack one that is wanted."""
    for name in wanted.values():
        _one(task, resources, name)


def _one(task: str, resources: Any, name: str) -> Any:
    if resources is NOTHING:
        raise RuntimeError(
            f"task '{task}' wants the resource '{name}', and there are none here: the lifespan of a worker makes them "
            "(@worker.lifespan); outside of a worker give the argument yourself"
        )
    try:
        return resources[name] if isinstance(resources, Mapping) else getattr(resources, name)
    except (KeyError, AttributeError):
        known = ", ".join(map(str, resources)) if isinstance(resources, Mapping) else type(resources).__qualname__
        raise RuntimeError(
            f"task '{task}' wants the resource '{name}', which the worker's lifespan does not yield: it yields "
            f"{known or 'nothing'}"
        ) from None


def given_inline(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> set[str]:
    """The parameters that a call of the function itself gives."""
    return set(inspect.signature(function).bind_partial(*args, **kwargs).arguments)
