"""What a running task knows about its job, and can say about it."""

from __future__ import annotations

import math
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from upnext import _json, _resources

if TYPE_CHECKING:
    from upnext._bridge import Attempt

#: The attempt that runs in this context. The public view of it is made when asked for.
current: ContextVar[Attempt | None] = ContextVar("upnext_attempt", default=None)

_LEVELS = ("debug", "info", "warning", "error", "critical")


def current_attempt(wanted: str) -> Attempt:
    """The running attempt; `wanted` is what is impossible outside one."""
    attempt = current.get()
    if attempt is None:
        raise RuntimeError(f"{wanted} works only inside a running job, and none is running here")
    return attempt


def get_current_context() -> Context:
    """The context of the job that is running here. Raises `RuntimeError` outside a job.

    >>> @worker.task
    ... async def count(n: int) -> str:
    ...     context = upnext.get_current_context()
    ...     for done in range(n):
    ...         context.set_progress((done + 1) / n)
    ...     return f"attempt {context.attempt} of {context.max_attempts}"
    >>> (await count.wait(3)).value
    'attempt 1 of 1'
    """
    return Context(current_attempt("get_current_context()"))


class Context:
    """The running job.

    >>> @worker.task(retries=1, retry_delay=0)
    ... async def crawl() -> dict:
    ...     context = upnext.get_current_context()
    ...     if context.checkpoint_state is None:
    ...         context.checkpoint({"page": 7})
    ...         context.send_log("warning", "broken off", page=7)
    ...         raise ConnectionError("lost")
    ...     return context.checkpoint_state
    >>> (await crawl.wait()).value
    {'page': 7}
    """

    __slots__ = ("_attempt",)

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    @property
    def job_id(self) -> str:
        """The job's id."""
        return self._attempt.job_id

    @property
    def job_key(self) -> str:
        """The idempotency key it was submitted with, else its id."""
        return self._attempt.job_key or self._attempt.job_id

    @property
    def parent_id(self) -> str | None:
        """The job that submitted it."""
        return self._attempt.parent_id

    @property
    def root_id(self) -> str:
        """The top of its tree; itself when no job submitted it."""
        return self._attempt.root_id

    @property
    def attempt(self) -> int:
        """Number of this attempt, 1 for the first."""
        return self._attempt.number

    @property
    def max_attempts(self) -> int:
        """Number of the last attempt that the task's retries grant; an attempt that lost its worker counts on top."""
        return self._attempt.max_attempts

    @property
    def function(self) -> str:
        """Key of its task."""
        return self._attempt.function

    @property
    def function_name(self) -> str:
        """Name of its task."""
        return self._attempt.function_name

    @property
    def is_cancelled(self) -> bool:
        """True once the attempt should stop: cancelled, out of time, or its worker is stopping."""
        return self._attempt.stop_reason is not None

    @property
    def checkpoint_state(self) -> dict[str, Any] | None:
        """What an earlier attempt saved last with `checkpoint`."""
        saved = self._attempt.checkpoint_state
        return None if saved is None else _json.decode(saved)

    @property
    def resources(self) -> Any:
        """What the worker's lifespan has yielded in this process. Raises `RuntimeError` where there is none."""
        resources = _resources.here.get()
        if resources is _resources.NOTHING:
            raise RuntimeError(
                f"task '{self.function}' asks for resources, and there are none here: give its worker a lifespan "
                "that yields them (@worker.lifespan); child processes (SyncExecutor.PROCESS) have them where a task "
                "that runs there asks for one with upnext.resource()"
            )
        return resources

    @property
    def log(self) -> JobLogger:
        """A logger whose lines are kept with the job."""
        return JobLogger(self._attempt)

    def set_progress(self, progress: float, message: str | None = None) -> None:
        """Says how far the job is: 0.0 to 1.0, or 1 to 100. Steps that come too fast are merged; the end is always
        sent.

        >>> @worker.task
        ... async def load(rows: list[int]) -> None:
        ...     for done, row in enumerate(rows, 1):
        ...         upnext.get_current_context().set_progress(done / len(rows), f"row {row}")
        >>> (await load.wait([7, 8])).ok
        True
        """
        if isinstance(progress, bool) or not isinstance(progress, int | float):
            raise ValueError(f"progress is a number from 0.0 to 1.0 or from 1 to 100, not {progress!r}")
        if not math.isfinite(progress) or not 0 <= progress <= 100:
            raise ValueError(f"progress is between 0.0 and 1.0 or between 1 and 100, not {progress!r}")
        self._attempt.set_progress(progress if progress <= 1 else progress / 100, message)

    def checkpoint(self, state: dict[str, Any]) -> None:
        """Saves state that a further attempt finds in `checkpoint_state`."""
        if not isinstance(state, dict):
            raise TypeError(f"a checkpoint is a dict, not {type(state).__qualname__}")
        self._attempt.checkpoint(_json.encode(state, "checkpoint"))

    def send_log(self, level: str, message: str, **extra: Any) -> None:
        """Adds a line to the job's log."""
        word = str(level).lower()
        if word not in _LEVELS:
            raise ValueError(f"a log level is one of {', '.join(_LEVELS)}, not {level!r}")
        fields = _json.encode_arguments(extra, "log") if extra else None
        self._attempt.log(word, str(message).encode("utf-8", "replace").decode(), fields)

    def __repr__(self) -> str:
        return f"<upnext.Context of job {self.job_id}, attempt {self.attempt}>"


class JobLogger:
    """Writes lines to the log of a job."""

    __slots__ = ("_context",)

    def __init__(self, attempt: Attempt) -> None:
        self._context = Context(attempt)

    def debug(self, message: str, *args: object, **extra: Any) -> None:
        """A line for whoever looks for a mistake."""
        self._context.send_log("debug", message % args if args else message, **extra)

    def info(self, message: str, *args: object, **extra: Any) -> None:
        """A line about the normal course of things."""
        self._context.send_log("info", message % args if args else message, **extra)

    def warning(self, message: str, *args: object, **extra: Any) -> None:
        """A line about something unexpected."""
        self._context.send_log("warning", message % args if args else message, **extra)

    def error(self, message: str, *args: object, **extra: Any) -> None:
        """A line about something that failed."""
        self._context.send_log("error", message % args if args else message, **extra)

    def critical(self, message: str, *args: object, **extra: Any) -> None:
        """A line about something that must not happen."""
        self._context.send_log("critical", message % args if args else message, **extra)
