"""Every exception that UpNext raises and Python does not have. The bridge raises them by name (src/error.rs)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from upnext._future import TaskResult
    from upnext._types import JobStatus


class ConfigurationError(ValueError):
    """A setting or a URL cannot be used; the message names it and its rule.

    >>> elsewhere = upnext.Worker("elsewhere", url="oracle://jobs")
    >>> try:
    ...     await elsewhere.task(name="work")(print).submit()
    ... except upnext.ConfigurationError as error:
    ...     print(error)
    a database URL begins with sqlite:, postgres: or redis: (a server's with http:), not with 'oracle:'
    """


class ArgumentError(TypeError, ValueError):
    """The arguments do not fit the task: of a call, which submits nothing then, or of a stored job, which fails then
    and is not tried again.

    >>> try:
    ...     await double.submit("two")
    ... except upnext.ArgumentError as error:
    ...     print(error)
    task 'double': the argument 'n' must be int, not 'two' (str)
    """


class ResultError(TypeError):
    """What a task returned does not fit. JSON cannot carry it: the job fails then and is not tried again. Or the job
    completed, and its result does not fit the annotation of the task that waits for it: then `task_result` has it, with
    the JSON as its value.

    >>> @worker.task
    ... async def names() -> list[str]:
    ...     return {"Ann": 1}
    >>> try:
    ...     await names.wait()
    ... except upnext.ResultError as error:
    ...     print(error.task_result.value)
    {'Ann': 1}
    """

    def __init__(self, message: str, task_result: TaskResult[Any] | None = None) -> None:
        super().__init__(message)
        #: How the job ended; None in the job itself.
        self.task_result = task_result


class BackendError(RuntimeError):
    """The job database failed or cannot be opened.

    >>> elsewhere = upnext.Worker("elsewhere", url="sqlite:////dev/null/jobs.db")
    >>> try:
    ...     await elsewhere.task(name="work")(print).submit()
    ... except upnext.BackendError:
    ...     print("no job was submitted")
    no job was submitted
    """


class BackendUnavailableError(BackendError):
    """The job database cannot be reached, is busy or has no room; the same call may succeed later.

    >>> async def submit_patiently(n: int) -> upnext.Future[int]:
    ...     while True:
    ...         try:
    ...             return await double.submit(n)
    ...         except upnext.BackendUnavailableError:
    ...             await asyncio.sleep(1)
    >>> await (await submit_patiently(21)).value()
    42
    """


class ArtifactError(Exception):
    """An artifact could not be made, found or read. Of one that could not be made nothing can be read or listed.

    >>> try:
    ...     await upnext.create_artifact("chart.png", "no base64!")
    ... except upnext.ArtifactError as error:
    ...     print(error)
    artifact 'chart.png'...
    """


class InvalidArtifactError(ArtifactError, ValueError):
    """The name or the data of an artifact break a rule.

    >>> try:
    ...     await upnext.create_artifact("../report.json", {"rows": 42})
    ... except upnext.InvalidArtifactError as error:
    ...     print(error)
    the artifact name "../report.json" holds the segment '..'; names hold no '.' or '..'
    """


class ArtifactTooLargeError(ArtifactError):
    """The data is larger than UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES.

    >>> os.environ["UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES"]
    '1000000'
    >>> try:
    ...     await upnext.create_artifact("frames.bin", bytes(1_000_001))
    ... except upnext.ArtifactTooLargeError as error:
    ...     print(error)
    artifact 'frames.bin'...
    """


class ArtifactStorageError(ArtifactError):
    """The storage or the job database failed under an artifact.

    >>> try:
    ...     await upnext.create_artifact("report.json", {"rows": 42})
    ... except upnext.ArtifactStorageError:
    ...     raise  # The job fails, and its next attempt may find the storage back.
    """


class ArtifactConflictError(ArtifactError):
    """It does not fit to what is there: the key was used for another artifact, or the artifact is closed.

    >>> first = await upnext.create_artifact("a.txt", b"one", key="once")
    >>> try:
    ...     await upnext.create_artifact("b.txt", b"two", key="once")
    ... except upnext.ArtifactConflictError as error:
    ...     print(error)
    artifact 'b.txt'...
    """


class ArtifactDigestError(ArtifactError):
    """The bytes do not have the digest that was announced.

    >>> try:
    ...     await upnext.create_artifact("a.txt", b"hello", sha256="0" * 64)
    ... except upnext.ArtifactDigestError as error:
    ...     print(error)
    artifact 'a.txt'...
    """


class ArtifactNotFoundError(ArtifactError, LookupError):
    """There is no such artifact, or no more.

    >>> try:
    ...     await upnext.get_artifact(job=future, name="nothing.json")
    ... except upnext.ArtifactNotFoundError as error:
    ...     print("not there:", error)
    not there: ...nothing.json...
    """


class StaleLeaseError(ArtifactError):
    """This attempt has lost its lease: another one may be running the job, so nothing more is recorded for it.

    >>> try:
    ...     await upnext.create_artifact("report.json", {"rows": 42})
    ... except upnext.StaleLeaseError:
    ...     raise  # Nothing more can be kept here: another attempt does the work.
    """


class TaskExecutionError(RuntimeError):
    """A job that was waited for failed or was cancelled.

    >>> @worker.task
    ... async def halve(n: int) -> int:
    ...     if n % 2:
    ...         raise ValueError(f"{n} is odd")
    ...     return n // 2
    >>> try:
    ...     await halve.wait(7)
    ... except upnext.TaskExecutionError as error:
    ...     print(error.status, error.error, error.task_result.attempts)
    failed ValueError: 7 is odd 1
    """

    def __init__(self, task_result: TaskResult[Any]) -> None:
        super().__init__(task_result)
        self.task_result = task_result

    @property
    def job_id(self) -> str:
        """The job."""
        return self.task_result.job_id

    @property
    def status(self) -> JobStatus:
        """How it ended."""
        return self.task_result.status

    @property
    def error(self) -> str | None:
        """What went wrong, in one line."""
        return self.task_result.error

    def __str__(self) -> str:
        result = self.task_result
        what = "was cancelled" if result.status.value == "cancelled" else "failed"
        reason = f": {result.error}" if result.error else ""
        return f"job {result.job_id} ({result.function_name}) {what}{reason}"


class TaskTimeoutError(TaskExecutionError):
    """A job that was waited for ran longer than its timeout.

    >>> @worker.task(timeout=0.05)
    ... async def sleepy() -> None:
    ...     await asyncio.sleep(60)
    >>> try:
    ...     await sleepy.wait(wait_timeout=20)
    ... except upnext.TaskTimeoutError as error:
    ...     print(error.task_result.failure_reason)
    timeout
    """
