"""What a submitted job gives back: the future to wait with, and the result."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any, Generic, TypeAlias, TypeVar

from upnext import _json
from upnext._client import connection_async, opened
from upnext._errors import ResultError, TaskExecutionError, TaskTimeoutError
from upnext._kind import Mismatch
from upnext._mailbox import mailbox_of
from upnext._returns import ReturnsOf
from upnext._types import FailureReason, JobStatus

R = TypeVar("R")

#: The fields of `TaskResult` in its order, the value as JSON, the times in microseconds since 1970.
JobRecord: TypeAlias = tuple[
    str | None,  # value
    str,  # job_id
    str,  # function
    str,  # function_name
    str,  # status
    str | None,  # error
    str | None,  # failure_reason
    int | None,  # started_at
    int | None,  # completed_at
    int,  # attempts
    str | None,  # parent_id
    str,  # root_id
    str | None,  # traceback
]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def moment(micros: int) -> datetime:
    """The moment this many microseconds after 1970, in UTC."""
    return _EPOCH + timedelta(microseconds=micros)


@dataclass(frozen=True)
class TaskResult(Generic[R]):
    """How a job ended.

    >>> result = await double.wait(21)
    >>> result.value, result.status.value, result.attempts, result.ok
    (42, 'complete', 1, True)
    """

    value: R
    job_id: str
    function: str
    function_name: str
    status: JobStatus
    error: str | None = None
    failure_reason: FailureReason | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    attempts: int = 0
    parent_id: str | None = None
    root_id: str | None = None
    traceback: str | None = None

    @property
    def ok(self) -> bool:
        """True when the task returned."""
        return self.status is JobStatus.COMPLETE


def read_result(record: JobRecord, returns_of: ReturnsOf | None = None) -> TaskResult[Any]:
    """The result that a job's record holds, of the type that its task returns; raises when it did not complete."""
    (
        value,
        job_id,
        function,
        name,
        status,
        error,
        reason,
        started,
        completed,
        attempts,
        parent,
        root,
        trace,
    ) = record
    result = TaskResult(
        _json.decode(value) if value is not None else None,
        job_id,
        function,
        name,
        JobStatus(status),
        error,
        FailureReason(reason) if reason is not None else None,
        moment(started) if started is not None else None,
        moment(completed) if completed is not None else None,
        attempts,
        parent,
        root,
        trace,
    )
    if result.ok:
        return result if returns_of is None else _typed(result, returns_of)
    if result.failure_reason is FailureReason.TIMEOUT:
        raise TaskTimeoutError(result)
    raise TaskExecutionError(result)


def _typed(result: TaskResult[Any], returns_of: ReturnsOf) -> TaskResult[Any]:
    returns = returns_of(result.function)
    if returns is None:
        return result
    try:
        value = returns.decode(result.value)
    except Mismatch as mismatch:
        raise ResultError(
            f"job {result.job_id} completed, and its result does not fit the annotation of task '{result.function}': "
            f"the result{mismatch.path} {mismatch.rule}",
            result,
        ) from None
    return result if value is result.value else replace(result, value=value)


class Future(Generic[R]):
    """A submitted job. Its value has the type that the task returns; `upnext.Future(job_id)`, which knows no task,
    gives what JSON carries.

    >>> future = await double.submit(21)
    >>> await future.value(timeout=20)
    42
    >>> await future.cancel()
    False
    """

    __slots__ = ("_job_id", "_returns_of", "_url")

    def __init__(self, job_id: str, url: str | None = None, returns_of: ReturnsOf | None = None) -> None:
        self._job_id = job_id
        self._url = url
        self._returns_of = returns_of

    @property
    def job_id(self) -> str:
        """The job's id."""
        return self._job_id

    async def result(self, timeout: float | None = None) -> TaskResult[R]:
        """Waits for the job's end. Raises `TaskExecutionError` when it failed or was cancelled, `TimeoutError` when
        it has not ended within `timeout` seconds (it goes on), `ResultError` when its result does not fit the task's
        annotation.

        >>> (await (await double.submit(21)).result(timeout=20)).attempts
        1
        """
        connection = opened(self._url) or await connection_async(self._url)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[JobRecord] = loop.create_future()
        pending = connection.wait(mailbox_of(loop), answer, self._job_id, timeout)
        try:
            return read_result(await answer, self._returns_of)
        except asyncio.CancelledError:
            pending.abort()
            raise

    async def value(self, timeout: float | None = None) -> R:
        """Waits for the job's end and gives what the task returned; raises as `result` does."""
        return (await self.result(timeout)).value

    async def cancel(self) -> bool:
        """Asks for the job's end. False when it had ended before, or does not exist."""
        connection = opened(self._url) or await connection_async(self._url)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bool] = loop.create_future()
        connection.cancel(mailbox_of(loop), answer, self._job_id)
        return await answer

    def __repr__(self) -> str:
        return f"<upnext.Future of job {self._job_id}>"
