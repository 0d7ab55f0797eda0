"""The threads that run sync tasks, and those of `asyncio.to_thread`.

Not `ThreadPoolExecutor`: a task that does not stop when asked to keeps its thread, and the engine gives its slot to
another job, so the pool must be able to grow; and such a thread must not keep the process from ending.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_Job = tuple[Callable[..., Any], tuple[Any, ...]]


class Threads:
    """Runs calls in daemon threads: as many as are busy at once, or at most `most`, each used again."""

    def __init__(self, name: str, most: int | None = None) -> None:
        self._name = name
        self._most = most
        self._numbers = itertools.count(1)
        self._calls: SimpleQueue[_Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        #: Threads that wait, less calls that wait for them.
        self._idle = 0
        self._alive = 0

    def submit(self, function: Callable[..., Any], *args: Any) -> None:
        """Has a thread call `function`, which must not raise. There is one free, or there soon is."""
        with self._lock:
            if self._idle > 0 or self._alive == self._most:
                self._idle -= 1
            else:
                self._alive += 1
                name = f"{self._name}-{next(self._numbers)}"
                threading.Thread(target=self._work, name=name, daemon=True).start()
        self._calls.put((function, args))

    def close(self) -> None:
        """Lets every thread end after what it is doing and what waits already."""
        with self._lock:
            alive = self._alive
        for _ in range(alive):
            self._calls.put(None)

    def _work(self) -> None:
        while True:
            call = self._calls.get()
            if call is None:
                return
            function, args = call
            function(*args)
            del call, function, args
            with self._lock:
                self._idle += 1


class ImpatientPool(ThreadPoolExecutor):
    """The threads of `asyncio.to_thread` while `upnext.run` runs: as many as usual, but neither `asyncio.run` nor the
    interpreter that ends waits for one that blocks. Its job was given back."""

    def __init__(self) -> None:
        # A loop takes nothing else for its default executor; the threads of this base class are never used.
        super().__init__()
        self._daemons = Threads("asyncio", min(32, (os.cpu_count() or 1) + 4))
        self._ended = False

    def submit(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Has a thread call `function`."""
        if self._ended:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future: Future[R] = Future()
        self._daemons.submit(self._fulfil, future, function, args, kwargs)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """Takes no more calls; those that wait are cancelled."""
        self._ended = True
        self._daemons.close()

    def _fulfil(
        self, future: Future[R], function: Callable[..., R], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        if self._ended:
            future.cancel()
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)
