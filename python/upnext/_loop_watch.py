"""Notices when something blocks an event loop that jobs run on, and says which job it most likely is."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import threading
import time
import weakref
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from upnext import _standing
from upnext._context import current

if TYPE_CHECKING:
    from upnext._bridge import Attempt
    from upnext._left_behind import Running

_log = logging.getLogger("upnext.worker")

#: How often the loop is asked for a sign of life while jobs run, in seconds.
_EVERY = 0.5
#: Seconds without one that are worth a line.
_TOO_LONG = 1.0

#: Most jobs that are named when nobody knows which it was.
_MOST_SUSPECTS = 3
#: Whether an asyncio task shows its context, and with it its job.
_TASKS_TELL = hasattr(asyncio.Task, "get_context")

_ADVICE = (
    "make the task a plain function (def), which runs beside the loop, or await asyncio.to_thread(...) for what blocks"
)
_RUNNER = str(Path(__file__).with_name("_runner.py"))

_watches: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, LoopWatch] = weakref.WeakKeyDictionary()


class LoopWatch:
    """A thread that watches one loop for as long as workers run on it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = weakref.ref(loop)
        self._loop_thread = threading.get_ident()
        self._running: list[dict[int, Running]] = []
        self._ended = threading.Event()
        self._ended.set()

    @classmethod
    def of(cls, loop: asyncio.AbstractEventLoop) -> LoopWatch:
        """The watch of this loop, which is the running one."""
        if loop not in _watches:
            _watches[loop] = cls(loop)
        return _watches[loop]

    def add(self, running: dict[int, Running]) -> None:
        """Watches while there are attempts in `running`."""
        self._running.append(running)
        if self._ended.is_set():
            self._loop_thread = threading.get_ident()
            self._ended = threading.Event()
            threading.Thread(target=self._watch, args=(self._ended,), name="upnext-loop-watch", daemon=True).start()

    def remove(self, running: dict[int, Running]) -> None:
        """No longer watches for these."""
        self._running = [each for each in self._running if each is not running]
        if not self._running:
            self._ended.set()

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(_EVERY):
            loop = self._loop()
            if loop is None or loop.is_closed():
                return
            if loop.is_running() and any(self._running):
                self._ask(loop, ended)
            del loop

    def _ask(self, loop: asyncio.AbstractEventLoop, ended: threading.Event) -> None:
        """Asks for a sign of life, and waits until it comes."""
        alive = threading.Event()
        asked = time.monotonic()
        try:
            loop.call_soon_threadsafe(alive.set)
        except RuntimeError:
            return
        if alive.wait(_TOO_LONG):
            if time.monotonic() - asked > 2 * _TOO_LONG:
                self._report_standstill(time.monotonic() - asked)
            return
        if ended.is_set() or not loop.is_running():
            return
        culprit = self._culprit(loop)
        _log.warning(
            "the event loop has been blocked for more than %g s, most likely by %s; nothing else on it goes on: %s",
            _TOO_LONG,
            culprit,
            _ADVICE,
        )
        while not alive.wait(_EVERY):
            if ended.is_set() or not loop.is_running():
                return
        blocked = time.monotonic() - asked
        _log.warning("the event loop was blocked for %.1f s, most likely by %s: %s", blocked, culprit, _ADVICE)

    def _report_standstill(self, seconds: float) -> None:
        """Neither the loop nor this thread ran, so nobody saw who it was."""
        _log.warning(
            "nothing in this process ran for %.1f s: something held Python's interpreter lock, most likely %s, or the "
            "machine stood still; make such tasks plain functions and run them with sync_executor=SyncExecutor.PROCESS",
            seconds,
            self._suspects(on_the_loop=False),
        )

    def _culprit(self, loop: asyncio.AbstractEventLoop) -> str:
        frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001
        attempt = _attempt_in(frame) or _attempt_of(loop)
        where = _standing.of_frame(frame)
        if attempt is not None:
            return f"task '{attempt.function}', job {attempt.job_id}, at {where}"
        # Python 3.10 and 3.11 do not tell who made the asyncio task that runs now.
        suspects = "code that belongs to no job" if _TASKS_TELL else self._suspects(on_the_loop=True)
        return f"{suspects}, at {where}"

    def _suspects(self, *, on_the_loop: bool) -> str:
        entries = [entry for running in self._running for entry in list(running.values())]
        attempts = [entry.attempt for entry in entries if entry.task is not None or not on_the_loop]
        named = [f"task '{attempt.function}', job {attempt.job_id}" for attempt in attempts[:_MOST_SUSPECTS]]
        return " or ".join(named) or "code that belongs to no job"


def _attempt_in(frame: FrameType | None) -> Attempt | None:
    """The attempt whose coroutine is on the stack."""
    while frame is not None:
        if frame.f_code.co_name == "_run_async" and frame.f_code.co_filename == _RUNNER:
            attempt: Attempt | None = frame.f_locals.get("attempt")
            return attempt
        frame = frame.f_back
    return None


def _attempt_of(loop: asyncio.AbstractEventLoop) -> Attempt | None:
    """The attempt that made the asyncio task which runs now, if Python tells."""
    with contextlib.suppress(Exception):
        task = asyncio.current_task(loop)
        if _TASKS_TELL and task is not None:
            attempt: Attempt | None = task.get_context().get(current)  # type: ignore[attr-defined]
            return attempt
    return None
