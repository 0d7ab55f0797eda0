"""The lifespan of a worker in one of its child processes: before its first task and after its last."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from upnext import _lifespan, _origin, _resources
from upnext._origin import Module

if TYPE_CHECKING:
    from upnext._worker import Worker

_log = logging.getLogger("upnext.worker")


class Shared(NamedTuple):
    """What a child has to know to run the lifespan of its worker."""

    #: The worker's name, which may be one that it was given at random.
    worker: str
    #: The modules that may register the lifespan, the likeliest first.
    modules: tuple[Module, ...]
    #: The tasks that want its resources.
    tasks: tuple[str, ...]


def found(shared: Shared, worker: Worker) -> ChildLifespan:
    """The lifespan of this worker of a child process. Imports what registers it."""
    worker.name = shared.worker
    for module in shared.modules:
        _origin.import_again(module)
        function = worker._lifespan  # noqa: SLF001 (a child stands in for the worker)
        if function is not None:
            return ChildLifespan(worker, function)
    where = " or ".join(module.described for module in shared.modules)
    raise LookupError(
        f"it is not registered when {where} is imported there: register it at the top level of a module, not inside of "
        'a function or under `if __name__ == "__main__":`'
    )


class ChildLifespan:
    """One run of a lifespan. What is not async runs in the main thread, as the tasks do: connections of `sqlite3`, for
    one, may be used in no other. An async one has an event loop in a thread, which goes on while tasks run."""

    def __init__(self, worker: Worker, function: Callable[..., Any]) -> None:
        self._worker = worker
        self._function = function
        self._open: contextlib.ExitStack | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._on_loop: _lifespan.Lifespan | None = None

    def enter(self) -> Any:
        """Runs the start-up and gives what it yields. Raises what went wrong in it."""
        if inspect.isgeneratorfunction(inspect.unwrap(self._function)):
            self._open = contextlib.ExitStack()
            resources = self._open.enter_context(_lifespan.opening(self._function, self._worker))
            return _resources.NOTHING if resources is None else resources
        self._loop = loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=loop.run_forever, name="upnext-lifespan", daemon=True)
        self._thread.start()
        self._on_loop = _lifespan.Lifespan(self._worker.name, self._function, self._worker)
        try:
            return asyncio.run_coroutine_threadsafe(self._on_loop.enter(), loop).result()
        except RuntimeError as error:
            self._end_loop()
            raise error.__cause__ or error from None

    def leave(self) -> None:
        """Runs the shut-down. What goes wrong in it is logged."""
        if self._open is not None:
            try:
                self._open.close()
            except Exception:
                _log.exception("worker '%s': the shut-down of its lifespan failed", self._worker.name)
        if self._on_loop is not None and self._loop is not None:
            asyncio.run_coroutine_threadsafe(self._on_loop.leave(), self._loop).result()
            self._end_loop()

    def _end_loop(self) -> None:
        if self._loop is None or self._thread is None:
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
