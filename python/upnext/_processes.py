"""The child processes of one worker: at most as many as it runs jobs at once, kept warm between jobs, one always ahead.

A child that was interrupted, killed or has died is never used again; another takes its place.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from upnext._child_process import SHUT_DOWN, ChildEndedError, ChildProcess, Setting
from upnext._outcome import Failed
from upnext._threads import Threads

if TYPE_CHECKING:
    from upnext._bridge import Attempt

_log = logging.getLogger("upnext.worker")

#: Children in a row that may die before they are ready until the jobs that wait for one are failed.
_START_TRIES = 3
#: Seconds in which a child should be ready.
_SLOW_START = 30.0
#: Seconds after which a closing worker no longer waits for children that the system does not end.
_CLOSE = 5.0
#: Seconds that shut-downs still have when the worker is told a second time to stop.
_LAST_GRACE = 1.0


class Processes:
    """Runs attempts in child processes. All methods but `open` and `stop` may block, in any thread."""

    def __init__(self, worker: str, most: int, setting: Setting, threads: Threads, runs_each: int | None) -> None:
        self._worker = worker
        self._most = most
        self._setting = setting
        self._threads = threads
        self._runs_each = runs_each
        self._changed = threading.Condition()
        self._idle: list[ChildProcess] = []
        self._busy: dict[int, ChildProcess] = {}
        self._starting: list[ChildProcess | None] = []
        #: Children that were let go and are not gone yet.
        self._leaving: list[ChildProcess] = []
        self._waiting = 0
        self._deaths = 0
        #: What became of the last start that failed, and how many did.
        self._failed: Failed | None = None
        self._failures = 0
        self._closed = False

    def open(self) -> None:
        """Starts the first child ahead of the first job."""
        with self._changed:
            self._start_ahead()

    def first(self) -> Failed | None:
        """Waits until the first child is ready. Answers why it is not."""
        with self._changed:
            self._changed.wait_for(lambda: self._idle or self._failed is not None or self._closed)
            return self._failed

    def run(self, attempt: Attempt, child: ChildProcess, payload: str) -> str | Failed | None:
        """Runs an attempt in a child that was taken for it. Answers its result as JSON, what went wrong, or None if it
        was stopped."""
        try:
            answer = child.run(attempt, payload)
        except ChildEndedError as error:
            if attempt.stop_reason is not None:
                return None
            what = f"task '{attempt.function}', job {attempt.job_id}"
            return Failed(f"ChildProcessError: the child process that ran {what}, {error}")
        if "interrupted" in answer:
            return None
        return Failed(*answer["failed"]) if "failed" in answer else str(answer["result"])

    def take(self, attempt: Attempt) -> ChildProcess | Failed | None:
        """A child for this attempt, as soon as there is one; None if it is told to stop before."""
        with self._changed:
            seen = self._failures
            self._waiting += 1
            try:
                while attempt.stop_reason is None and not self._closed:
                    if self._idle:
                        child = self._idle.pop()
                        if not child.is_alive:
                            self._let_go(child)
                            continue
                        self._busy[attempt.key] = child
                        return child
                    if self._failures > seen and self._failed is not None:
                        return self._failed
                    self._start_ahead()
                    self._changed.wait()
                return None
            finally:
                self._waiting -= 1
                self._start_ahead()

    def give_back(self, attempt: Attempt) -> None:
        """The attempt no longer needs its child."""
        with self._changed:
            child = self._busy.pop(attempt.key, None)
            if child is None:
                return
            worn = self._runs_each is not None and child.runs >= self._runs_each
            if child.spent or worn or self._closed:
                self._let_go(child)
            else:
                self._idle.append(child)
            self._start_ahead()
            self._changed.notify_all()

    def stop(self, attempt: Attempt, reason: str) -> None:
        """Stops an attempt, which was told so already. Does not block."""
        with self._changed:
            child = self._busy.get(attempt.key)
            self._changed.notify_all()
        if child is not None:
            self._threads.submit(child.stop, attempt.key, reason)

    def close(self, *, hurry: bool = False) -> None:
        """Ends every child and returns when none is left. With `hurry`, which may come when this runs already,
        lifespans have little time left to shut down."""
        with self._changed:
            self._closed = True
            for child in self._idle:
                self._let_go(child)
            self._idle.clear()
            for busy in [*self._busy.values(), *self._starting]:
                if busy is not None:
                    busy.kill()
            self._changed.notify_all()
            if hurry and not self._wait_for_all(_LAST_GRACE):
                for child in self._leaving:
                    child.kill()
            self._wait_for_all(_CLOSE if self._setting.lifespan is None else SHUT_DOWN + _CLOSE)

    def _wait_for_all(self, timeout: float) -> bool:
        """True when no child is left."""
        return self._changed.wait_for(lambda: not (self._busy or self._starting or self._leaving), timeout)

    def _start_ahead(self) -> None:
        """Starts a child if none is idle for the next job. Called with the lock held."""
        alive = len(self._idle) + len(self._busy) + len(self._starting)
        missing = max(self._waiting, 1) - len(self._idle) - len(self._starting)
        if self._closed or (self._failed is not None and not self._waiting):
            return
        for _ in range(min(missing, self._most - alive)):
            self._starting.append(None)
            self._threads.submit(self._start)

    def _start(self) -> None:
        child: ChildProcess | None = None
        failed: Failed | None
        died = False
        try:
            child = ChildProcess(self._setting)
            with self._changed:
                self._starting[self._starting.index(None)] = child
                if self._closed:
                    child.kill()
            with self._impatience(child):
                refused = child.get_ready()
            failed = None if refused is None else Failed(*refused)
        except ChildEndedError as error:
            failed, died = Failed(f"ChildProcessError: a child process of the worker {error} before it was ready"), True
        except Exception as error:
            failed = Failed(f"ChildProcessError: no child process could be started: {error}")
        with self._changed:
            self._starting.remove(child)
            self._started(child, failed, died)
            self._start_ahead()
            self._changed.notify_all()

    @contextlib.contextmanager
    def _impatience(self, child: ChildProcess) -> Iterator[None]:
        """Says so if a child takes long to get ready: jobs wait for it, and nothing else would show why."""
        words = "worker '%s': child process %d is not ready after %g s; it still imports the modules of the tasks{}"
        words = words.format("" if self._setting.lifespan is None else ", or starts up its lifespan")
        timer = threading.Timer(_SLOW_START, _log.warning, (words, self._worker, child.pid, _SLOW_START))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _started(self, child: ChildProcess | None, failed: Failed | None, died: bool) -> None:
        if child is not None and failed is None and not self._closed:
            self._failed, self._deaths = None, 0
            self._idle.append(child)
            return
        if child is not None:
            self._let_go(child)
        self._deaths = self._deaths + 1 if died else 0
        # One that died may have met somebody's signal or a full memory: try again before jobs have to fail for it.
        if failed is not None and not self._closed and not (died and self._deaths < _START_TRIES):
            self._deaths = 0
            self._failed = failed
            self._failures += 1
            _log.error("worker '%s': %s\n%s", self._worker, failed.error, failed.traceback or "")

    def _let_go(self, child: ChildProcess) -> None:
        self._leaving.append(child)
        self._threads.submit(self._see_off, child)

    def _see_off(self, child: ChildProcess) -> None:
        if not child.end():
            words = "worker '%s': the shut-down of the lifespan in child process %d took too long; it was killed"
            _log.warning(words, self._worker, child.pid)
        with self._changed:
            self._leaving.remove(child)
            self._changed.notify_all()
