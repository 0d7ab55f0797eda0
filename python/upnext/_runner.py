"""Runs attempts: coroutines on the loop, plain functions in threads or processes, and says how each ended.

This is the hot path of the package: what happens here happens once for each job.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from typing import TYPE_CHECKING, Any

from upnext import _hooks, _recording, _resources
from upnext._context import current
from upnext._left_behind import LeftBehind, Running
from upnext._loop_watch import LoopWatch
from upnext._outcome import Failed, encode_result
from upnext._threads import Threads

if TYPE_CHECKING:
    from upnext._bridge import Attempt
    from upnext._child_process import ChildProcess, Setting
    from upnext._processes import Processes
    from upnext._task import TaskHandle

_log = logging.getLogger("upnext.worker")
#: Apart, because on the command line the engine reports failures itself.
_failures = logging.getLogger("upnext.worker.failures")


class Runner:
    """The attempts of one worker on one loop."""

    def __init__(self, worker: str, loop: asyncio.AbstractEventLoop, resources: Any = _resources.NOTHING) -> None:
        self._loop = loop
        self._worker = worker
        self._resources = resources
        self._threads = Threads(worker)
        self._processes: Processes | None = None
        self._running: dict[int, Running] = {}
        self._left_behind = LeftBehind(loop, self._running)
        self._watch = LoopWatch.of(loop)
        self._watch.add(self._running)
        self._chatty = _log.isEnabledFor(logging.INFO)
        #: True once nothing that is reported counts any more.
        self.closed = False

    def open_processes(self, most: int, setting: Setting, runs_each: int | None) -> None:
        """Has plain functions run in processes, at most so many at once, each for at most so many attempts."""
        from upnext._processes import Processes

        self._processes = Processes(self._worker, most, setting, self._threads, runs_each)
        self._processes.open()

    async def first_process(self) -> Failed | None:
        """Waits until the first child process is ready. Answers why it is not."""
        if self._processes is None:
            return None
        answer: asyncio.Future[Failed | None] = self._loop.create_future()

        def tell(failed: Failed | None) -> None:
            if not answer.done():
                answer.set_result(failed)

        def wait(processes: Processes) -> None:
            self._loop.call_soon_threadsafe(tell, processes.first())

        self._threads.submit(wait, self._processes)
        return await answer

    def start(self, batch: list[tuple[TaskHandle[Any, Any], Attempt, str]]) -> None:
        """Takes over these attempts. Called by the mailbox, on the loop."""
        # Coroutines and threads begin with a copy of this context.
        _resources.here.set(self._resources)
        for task, attempt, payload in batch:
            if task.is_async:
                coroutine = self._run_async(task, attempt, payload)
                self._running[attempt.key] = Running(attempt, self._loop.create_task(coroutine))
            else:
                self._running[attempt.key] = entry = Running(attempt, None)
                context = contextvars.copy_context()
                self._threads.submit(context.run, self._run_sync, task, entry, payload)

    def stop(self, key: int, reason: str) -> None:
        """Asks an attempt to stop. Called by the mailbox, on the loop."""
        entry = self._running.get(key)
        if entry is None:
            return
        attempt, task = entry.attempt, entry.task
        attempt.ask_to_stop(reason)
        self._left_behind.expect_end(key)
        if task is None:
            if self._processes is not None:
                self._processes.stop(attempt, reason)
            return
        if not attempt.begun or task.done():
            # Cancelled before its first step, a coroutine never runs, not even its own `finally`; or its loop ended.
            del self._running[key]
            attempt.stopped()
        task.cancel()

    async def close(self, *, hurry: bool = False) -> None:
        """Ends what the engine no longer waits for. No child process is left when this returns. With `hurry`, which may
        come when this runs already, lifespans in child processes have little time left."""
        self.closed = True
        self._watch.remove(self._running)
        for entry in list(self._running.values()):
            if entry.task is not None:
                entry.task.cancel()
        if self._processes is not None:
            await self._close_processes(self._processes, hurry)
        self._left_behind.close()
        self._threads.close()

    async def _close_processes(self, processes: Processes, hurry: bool) -> None:
        closed = asyncio.Event()

        def close() -> None:
            processes.close(hurry=hurry)
            self._loop.call_soon_threadsafe(closed.set)

        # Not in the loop's own threads: tasks may hold them all.
        self._threads.submit(close)
        await closed.wait()

    async def _run_async(self, task: TaskHandle[Any, Any], attempt: Attempt, payload: str) -> None:
        current.set(attempt)
        attempt.begin()
        if self._chatty:
            _log.info("job %s (%s) started", attempt.job_id, attempt.function)
        recording = _recording.begin(task.capture, attempt) if task.capture else None
        hooks = task.hooks
        orphaned = False
        try:
            arguments = task.arguments.unpack(payload)
            if hooks is not None:
                await _hooks.call(attempt, hooks.on_start)
            result = await task.invoke(arguments)
            text = "null" if result is None else encode_result(task, result)
        except GeneratorExit:
            raise
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError) and attempt.stop_reason is None:
                # The task's own doing, or the end of the loop: the worker's keeper, cancelled with us, knows.
                await asyncio.sleep(0)
                if self.closed:
                    # The engine, told to stop, takes the job back through `stop`, which finds it here.
                    orphaned = True
                    raise
            end = _Failure.of(task, attempt, error)
            try:
                if hooks is not None:
                    await _hooks.call(attempt, *end.hooks(hooks))
            finally:
                if recording is not None:
                    _recording.end(recording)
                end.tell()
        else:
            try:
                if hooks is not None:
                    await _hooks.call(attempt, hooks.on_success, hooks.on_complete)
            finally:
                if recording is not None:
                    _recording.end(recording)
                attempt.complete(text)
            if self._chatty:
                _log.info("job %s (%s) completed", attempt.job_id, attempt.function)
        finally:
            if recording is not None:
                _recording.end(recording)
            if not orphaned:
                self._forget(attempt)

    def _forget(self, attempt: Attempt) -> None:
        entry = self._running.pop(attempt.key, None)
        if entry is not None and entry.left_at is not None:
            self._left_behind.ended(entry)

    def _run_sync(self, task: TaskHandle[Any, Any], entry: Running, payload: str) -> None:
        attempt = entry.attempt
        entry.thread = threading.get_ident()
        try:
            if attempt.stop_reason is not None:
                attempt.stopped()
            elif self._processes is None:
                self._call_sync(task, attempt, payload)
            else:
                self._call_in_process(self._processes, task, attempt, payload)
        finally:
            self._forget(attempt)

    def _call_sync(self, task: TaskHandle[Any, Any], attempt: Attempt, payload: str) -> None:
        current.set(attempt)
        attempt.begin()
        if self._chatty:
            _log.info("job %s (%s) started", attempt.job_id, attempt.function)
        recording = _recording.begin(task.capture, attempt) if task.capture else None
        hooks = task.hooks
        try:
            arguments = task.arguments.unpack(payload)
            if hooks is not None:
                _hooks.call_sync(attempt, self._loop, hooks.on_start)
            result = task.invoke(arguments)
            text = "null" if result is None else encode_result(task, result)
        except BaseException as error:
            end = _Failure.of(task, attempt, error)
            if hooks is not None:
                _hooks.call_sync(attempt, self._loop, *end.hooks(hooks))
            if recording is not None:
                _recording.end(recording)
            end.tell()
        else:
            if hooks is not None:
                _hooks.call_sync(attempt, self._loop, hooks.on_success, hooks.on_complete)
            if recording is not None:
                _recording.end(recording)
            attempt.complete(text)
            if self._chatty:
                _log.info("job %s (%s) completed", attempt.job_id, attempt.function)

    def _call_in_process(
        self, processes: Processes, task: TaskHandle[Any, Any], attempt: Attempt, payload: str
    ) -> None:
        """As `_call_sync`, with the function itself in a child. The hooks stay here: they have to be called after the
        end of a child, too."""
        child = processes.take(attempt)
        if child is None:
            attempt.stopped()
            return
        current.set(attempt)
        attempt.begin()
        if self._chatty:
            _log.info("job %s (%s) started", attempt.job_id, attempt.function)
        hooks = task.hooks
        end = child if isinstance(child, Failed) else self._work_of(processes, child, task, attempt, payload)
        if isinstance(end, str):
            if hooks is not None:
                _hooks.call_sync(attempt, self._loop, hooks.on_success, hooks.on_complete)
            attempt.complete(end)
            if self._chatty:
                _log.info("job %s (%s) completed", attempt.job_id, attempt.function)
            return
        failure = _Failure(attempt, end)
        if hooks is not None:
            _hooks.call_sync(attempt, self._loop, *failure.hooks(hooks))
        failure.tell()

    def _work_of(
        self, processes: Processes, child: ChildProcess, task: TaskHandle[Any, Any], attempt: Attempt, payload: str
    ) -> str | Failed | None:
        try:
            if task.hooks is not None:
                _hooks.call_sync(attempt, self._loop, task.hooks.on_start)
            return processes.run(attempt, child, payload)
        except Exception as error:
            # Without this the job would wait for its timeout.
            return Failed.of(error)
        finally:
            processes.give_back(attempt)


class _Failure:
    """An attempt that did not return."""

    __slots__ = ("_attempt", "_failed", "_stopped")

    def __init__(self, attempt: Attempt, failed: Failed | None) -> None:
        """`failed` is what went wrong; None for an attempt that was told to stop and did."""
        self._attempt = attempt
        self._stopped = failed is None
        self._failed = failed or Failed("")

    @classmethod
    def of(cls, task: TaskHandle[Any, Any], attempt: Attempt, error: BaseException) -> _Failure:
        """The end of an attempt that raised this."""
        stopped = attempt.stop_reason is not None and isinstance(error, asyncio.CancelledError)
        return cls(attempt, None if stopped else Failed.of(error, task))

    @property
    def _ends_job(self) -> bool:
        last = self._attempt.number >= self._attempt.max_attempts
        return last or not self._failed.retryable

    def hooks(self, hooks: _hooks.Hooks) -> tuple[_hooks.Hook | None, ...]:
        """Those to call."""
        if self._stopped and self._attempt.stop_reason != "timeout":
            # Cancelled ends the job; a lost lease or a stopping worker does not, another attempt will.
            return (hooks.on_complete,) if self._attempt.stop_reason == "cancelled" else ()
        return (hooks.on_failure, hooks.on_complete) if self._ends_job else (hooks.on_retry,)

    def tell(self) -> None:
        """Reports it."""
        attempt = self._attempt
        if self._stopped:
            attempt.stopped()
            _failures.warning("job %s (%s) stopped: %s", attempt.job_id, attempt.function, attempt.stop_reason)
            return
        attempt.fail(*self._failed)
        _failures.warning(
            "job %s (%s) failed in attempt %d of %d: %s",
            attempt.job_id,
            attempt.function,
            attempt.number,
            attempt.max_attempts,
            self._failed.error,
        )
