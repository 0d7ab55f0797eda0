"""Attempts that were told to stop and do not: said in the log, with where they stand and the way out.

Python can end neither a thread nor a coroutine that catches its cancellation. The engine gives their jobs and slots up;
the thread or coroutine itself goes on, and whoever runs the worker has to know.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from upnext import _standing

if TYPE_CHECKING:
    from upnext._bridge import Attempt

_log = logging.getLogger("upnext.worker")

#: Seconds after which the engine gives an attempt up: `stop_grace` of its `WorkerConfig`.
STOP_GRACE = 5.0

_ADVICE_THREAD = (
    "let long loops look at get_current_context().is_cancelled, give calls that block a timeout, or run sync tasks in "
    "processes, which can be killed (sync_executor=SyncExecutor.PROCESS)"
)
_ADVICE_COROUTINE = "a task that catches asyncio.CancelledError has to raise it again when it has cleaned up"


def left_coroutine(task: asyncio.Task[Any]) -> str:
    """Says that a coroutine that was cancelled does not end, which job it is and where it waits."""
    coroutine = task.get_coro()
    frame = getattr(coroutine, "cr_frame", None)
    attempt: Attempt | None = None if frame is None else frame.f_locals.get("attempt")
    name = repr(coroutine) if attempt is None else f"job {attempt.job_id} ({attempt.function})"
    where = _standing.of_coroutine(coroutine)
    return f"{name} does not end although it was cancelled, and is left behind, at {where}: {_ADVICE_COROUTINE}"


class Running:
    """An attempt that a runner has in hand."""

    __slots__ = ("attempt", "left_at", "task", "thread")

    def __init__(self, attempt: Attempt, task: asyncio.Task[None] | None) -> None:
        self.attempt = attempt
        #: None for a sync task, which has a thread, known once it has begun.
        self.task = task
        self.thread: int | None = None
        #: When it was left behind.
        self.left_at: float | None = None


class LeftBehind:
    """The attempts of one runner that did not stop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, running: dict[int, Running]) -> None:
        self._loop = loop
        self._running = running
        self.count = 0

    def expect_end(self, key: int) -> None:
        """This attempt was told to stop. Called on the loop."""
        self._loop.call_later(STOP_GRACE, self._look, key)

    def ended(self, entry: Running) -> None:
        """An attempt is over; says so if it had been left behind."""
        if entry.left_at is not None:
            self.count -= 1
            attempt, late = entry.attempt, time.monotonic() - entry.left_at
            _log.warning(
                "job %s (%s): the attempt that was left behind has ended, %.1f s too late; its outcome does not count",
                attempt.job_id,
                attempt.function,
                late,
            )

    def close(self) -> None:
        """The runner stops: says which threads go on without it. Coroutines are reported by who ends the loop."""
        for entry in list(self._running.values()):
            if entry.task is None and entry.thread is not None and entry.left_at is None:
                self._report(entry, "the worker stops without it")

    def _look(self, key: int) -> None:
        entry = self._running.get(key)
        if entry is not None and entry.left_at is None:
            self._report(entry, "its slot is given to another job")

    def _report(self, entry: Running, consequence: str) -> None:
        entry.left_at = time.monotonic()
        self.count += 1
        attempt, task = entry.attempt, entry.task
        where = _standing.of_thread(entry.thread) if task is None else _standing.of_coroutine(task.get_coro())
        _log.warning(
            "job %s (%s) does not stop although it was told to (%s): %s; its %s stays behind, at %s (%d left behind "
            "now): %s",
            attempt.job_id,
            attempt.function,
            attempt.stop_reason,
            consequence,
            "thread" if task is None else "coroutine",
            where,
            self.count,
            _ADVICE_THREAD if task is None else _ADVICE_COROUTINE,
        )
