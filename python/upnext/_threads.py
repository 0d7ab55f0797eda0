"""The threads that run sync tasks.

Not `ThreadPoolExecutor`: a task that does not stop when asked to keeps its thread, and the engine gives its slot to
another job, so the pool must be able to grow; and such a thread must not keep the process from ending.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

_Job = tuple[Callable[..., Any], tuple[Any, ...]]


class Threads:
    """Runs calls in daemon threads: as many as are busy at once, each used again."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._numbers = itertools.count(1)
        self._calls: SimpleQueue[_Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0
        self._alive = 0

    def submit(self, function: Callable[..., Any], *args: Any) -> None:
        """Has a thread call `function`, which must not raise. There is one free, or there soon is."""
        with self._lock:
            if self._idle > 0:
                self._idle -= 1
            else:
                self._alive += 1
                name = f"{self._name}-{next(self._numbers)}"
                threading.Thread(target=self._work, name=name, daemon=True).start()
        self._calls.put((function, args))

    def close(self) -> None:
        """Lets every thread end after what it is doing."""
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
