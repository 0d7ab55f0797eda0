"""The lifespan of a worker: what runs before its first job and after its last, in one coroutine all along."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

from upnext._resources import NOTHING

_log = logging.getLogger("upnext.worker")

#: How long a shut-down may go on when the worker is told a second time to stop.
_LAST_GRACE = 1.0


class Lifespan:
    """One run of a lifespan function. It enters and leaves in the same asyncio task, as task groups need it."""

    def __init__(self, worker: str, function: Callable[..., Any], argument: Any) -> None:
        self._worker = worker
        self._function = function
        self._argument = argument
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def enter(self) -> Any:
        """Runs the start-up and gives what it yields. Raises `RuntimeError` when it fails."""
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[Any] = loop.create_future()
        self._task = loop.create_task(self._live(ready), name=f"upnext-lifespan-{self._worker}")
        try:
            return await ready
        except asyncio.CancelledError:
            self._task.cancel()
            await asyncio.wait({self._task})
            raise
        except Exception as error:
            await asyncio.wait({self._task})
            raise RuntimeError(
                f"worker '{self._worker}' does not start, because its lifespan failed: {type(error).__name__}: {error}"
            ) from error

    async def leave(self, *, hurry: bool = False) -> None:
        """Runs the shut-down. What goes wrong in it is logged. With `hurry` it is cancelled soon."""
        self._over.set()
        if self._task is None:
            return
        await asyncio.wait({self._task}, timeout=_LAST_GRACE if hurry else None)
        if not self._task.done():
            _log.warning("worker '%s': the shut-down of its lifespan was still running, and is cancelled", self._worker)
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=_LAST_GRACE)

    async def _live(self, ready: asyncio.Future[Any]) -> None:
        try:
            async with _opened(self._function, self._argument) as resources:
                if ready.cancelled():
                    return
                ready.set_result(resources)
                await self._last_job()
        except asyncio.CancelledError:
            ready.cancel()
            raise
        except Exception as error:
            if ready.done():
                _log.exception("worker '%s': the shut-down of its lifespan failed", self._worker)
            else:
                ready.set_exception(error)

    async def _last_job(self) -> None:
        """Waits until the worker has stopped, also when the loop ends and cancels everything: the worker stops then by
        itself, and its jobs need their resources until it has."""
        while not self._over.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await self._over.wait()


def checked(worker: str, function: Any) -> Callable[..., Any]:
    """`function` if it can be a lifespan."""
    if not callable(function):
        raise TypeError(f"@worker.lifespan decorates a function, not {type(function).__qualname__}")
    if inspect.iscoroutinefunction(function):
        raise TypeError(
            f"the lifespan {function.__qualname__} of worker '{worker}' is a coroutine: write it with a yield between "
            "start-up and shut-down"
        )
    lifespan: Callable[..., Any] = function
    return lifespan


def opening(function: Callable[..., Any], argument: Any) -> Any:
    """The context manager, async or not, that a lifespan is."""
    given = (argument,) if _takes_one(function) else ()
    if inspect.isasyncgenfunction(function):
        return contextlib.asynccontextmanager(function)(*given)
    if inspect.isgeneratorfunction(function):
        return contextlib.contextmanager(function)(*given)
    opened = function(*given)
    if hasattr(opened, "__aenter__") or hasattr(opened, "__enter__"):
        return opened
    raise TypeError(
        f"a lifespan is a generator with one yield, or gives a context manager; {function.__qualname__} "
        f"gives a {type(opened).__qualname__}"
    )


@contextlib.asynccontextmanager
async def _opened(function: Callable[..., Any], argument: Any) -> AsyncIterator[Any]:
    manager = opening(function, argument)
    if hasattr(manager, "__aenter__"):
        async with manager as resources:
            yield NOTHING if resources is None else resources
    else:
        with manager as resources:
            yield NOTHING if resources is None else resources


def _takes_one(function: Callable[..., Any]) -> bool:
    by_place = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return any(
        parameter.kind in by_place and parameter.default is parameter.empty
        for parameter in inspect.signature(function).parameters.values()
    )
