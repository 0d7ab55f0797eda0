"""Runs attempts: coroutines on the loop, plain functions in threads, and says how each ended.

This is the hot path of the package: what happens here happens once for each job.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import traceback
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from upnext import _hooks, _json, _recording, _resources
from upnext._context import current
from upnext._errors import ArgumentError
from upnext._threads import Threads

if TYPE_CHECKING:
    from upnext._bridge import Attempt
    from upnext._task import TaskHandle

_log = logging.getLogger("upnext.worker")
#: Apart, because on the command line the engine reports failures itself.
_failures = logging.getLogger("upnext.worker.failures")

_OURS = str(Path(__file__).parent)
_MAX_ERROR = 2_000
_MAX_TRACEBACK = 64_000


class Runner:
    """The attempts of one worker on one loop."""

    def __init__(self, worker: str, loop: asyncio.AbstractEventLoop, resources: Any = _resources.NOTHING) -> None:
        self._loop = loop
        self._resources = resources
        self._threads = Threads(worker)
        self._running: dict[int, tuple[Attempt, asyncio.Task[None] | None]] = {}
        self._chatty = _log.isEnabledFor(logging.INFO)
        #: True once nothing that is reported counts any more.
        self.closed = False

    def start(self, batch: list[tuple[TaskHandle[Any, Any], Attempt, str]]) -> None:
        """Takes over these attempts. Called by the mailbox, on the loop."""
        # Coroutines and threads begin with a copy of this context.
        _resources.here.set(self._resources)
        for task, attempt, payload in batch:
            if task.is_async:
                coroutine = self._run_async(task, attempt, payload)
                self._running[attempt.key] = (attempt, self._loop.create_task(coroutine))
            else:
                self._running[attempt.key] = (attempt, None)
                context = contextvars.copy_context()
                self._threads.submit(context.run, self._run_sync, task, attempt, payload)

    def stop(self, key: int, reason: str) -> None:
        """Asks an attempt to stop. Called by the mailbox, on the loop."""
        entry = self._running.get(key)
        if entry is None:
            return
        attempt, task = entry
        attempt.ask_to_stop(reason)
        if task is None:
            return
        if not attempt.begun or task.done():
            # Cancelled before its first step, a coroutine never runs, not even its own `finally`; or its loop ended.
            del self._running[key]
            attempt.stopped()
        task.cancel()

    def close(self) -> None:
        """Ends what the engine no longer waits for."""
        self.closed = True
        for _, task in list(self._running.values()):
            if task is not None:
                task.cancel()
        self._threads.close()

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
            text = "null" if result is None else _encode(task, result)
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
            end = _Failure(task, error, attempt)
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
                self._running.pop(attempt.key, None)

    def _run_sync(self, task: TaskHandle[Any, Any], attempt: Attempt, payload: str) -> None:
        try:
            if attempt.stop_reason is not None:
                attempt.stopped()
                return
            self._call_sync(task, attempt, payload)
        finally:
            self._running.pop(attempt.key, None)

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
            text = "null" if result is None else _encode(task, result)
        except BaseException as error:
            end = _Failure(task, error, attempt)
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


class _ResultError(TypeError):
    """What the task returned cannot be carried. Trying again cannot help."""


def _encode(task: TaskHandle[Any, Any], result: Any) -> str:
    try:
        return _json.encode(result, "the result")
    except _json.NotSerializableError as error:
        raise _ResultError(f"task '{task.key}' returned a value that cannot be kept: {error}") from None


class _Failure:
    """An attempt that did not return."""

    __slots__ = ("_attempt", "_error", "_retryable", "_stopped", "_traceback")

    def __init__(self, task: TaskHandle[Any, Any], error: BaseException, attempt: Attempt) -> None:
        self._attempt = attempt
        self._stopped = attempt.stop_reason is not None and isinstance(error, asyncio.CancelledError)
        ours = isinstance(error, ArgumentError | _ResultError)
        rules = task.retry_rules
        self._retryable = not ours and (rules is None or rules.allow(error))
        self._error = _one_line(error)
        self._traceback = None if ours else _formatted(error)

    @property
    def _ends_job(self) -> bool:
        last = self._attempt.number >= self._attempt.max_attempts
        return last or not self._retryable

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
        attempt.fail(self._error, self._traceback, self._retryable)
        _failures.warning(
            "job %s (%s) failed in attempt %d of %d: %s",
            attempt.job_id,
            attempt.function,
            attempt.number,
            attempt.max_attempts,
            self._error,
        )


def _one_line(error: BaseException) -> str:
    name = "TypeError" if isinstance(error, ArgumentError | _ResultError) else type(error).__qualname__
    try:
        message = " ".join(str(error).split("\n")).strip()
    except Exception:
        message = "(the exception cannot say what it is)"
    return _utf8(f"{name}: {message}" if message else name)[:_MAX_ERROR]


def _formatted(error: BaseException) -> str | None:
    """The traceback from the task's own first frame on."""
    trace: TracebackType | None = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_OURS):
        trace = trace.tb_next
    try:
        text = "".join(traceback.format_exception(type(error), error, trace))
    except Exception:
        return None
    return _utf8(text)[-_MAX_TRACEBACK:]


def _utf8(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
