"""How an attempt ended, in the words that a job keeps: its result as JSON, or what went wrong."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from upnext._errors import ArgumentError, ResultError

if TYPE_CHECKING:
    from upnext._task import TaskHandle

_OURS = str(Path(__file__).parent)
_MAX_ERROR = 2_000
_MAX_TRACEBACK = 64_000


def encode_result(task: TaskHandle[Any, Any], result: Any) -> str:
    """The result as the job keeps it."""
    return "null" if result is None else task.returns.encode(result)


class Failed(NamedTuple):
    """An attempt that did not return."""

    #: One line, for example `ValueError: no rows`.
    error: str
    #: From the task's own first frame on.
    traceback: str | None = None
    #: False when a further attempt could not end otherwise.
    retryable: bool = True

    @classmethod
    def of(cls, error: BaseException, task: TaskHandle[Any, Any] | None = None) -> Failed:
        """What this exception means for the job, by the rules of its task."""
        ours = isinstance(error, ArgumentError | ResultError)
        rules = None if task is None else task.retry_rules
        retryable = not ours and (rules is None or rules.allow(error))
        return cls(_one_line(error), None if ours else _formatted(error), retryable)


def _one_line(error: BaseException) -> str:
    name = "TypeError" if isinstance(error, ArgumentError | ResultError) else type(error).__qualname__
    try:
        message = " ".join(str(error).split("\n")).strip()
    except Exception:
        message = "(the exception cannot say what it is)"
    return _utf8(f"{name}: {message}" if message else name)[:_MAX_ERROR]


def _formatted(error: BaseException) -> str | None:
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
