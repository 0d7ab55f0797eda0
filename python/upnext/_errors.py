"""Every exception that UpNext raises and Python does not have. The bridge raises them by name (src/error.rs)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from upnext._future import TaskResult
    from upnext._types import JobStatus


class ConfigurationError(ValueError):
    """A setting or a URL cannot be used; the message names it and its rule."""


class ArgumentError(TypeError, ValueError):
    """The arguments do not fit the task: of a call, which submits nothing then, or of a stored job, which fails then
    and is not tried again.

    >>> try:
    ...     await double.submit("two")
    ... except upnext.ArgumentError as error:
    ...     print(error)
    task 'double': the argument 'n' must be int, not 'two' (str)
    """


class BackendError(RuntimeError):
    """The job database failed or cannot be opened."""


class BackendUnavailableError(BackendError):
    """The job database cannot be reached, is busy or has no room; the same call may succeed later."""


class ArtifactError(Exception):
    """An artifact could not be made, found or read. Of one that could not be made nothing can be read or listed."""


class InvalidArtifactError(ArtifactError, ValueError):
    """The name or the data of an artifact break a rule."""


class ArtifactTooLargeError(ArtifactError):
    """The data is larger than UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES."""


class ArtifactStorageError(ArtifactError):
    """The storage or the job database failed under an artifact."""


class ArtifactConflictError(ArtifactError):
    """It does not fit to what is there: the key was used for another artifact, or the artifact is closed."""


class ArtifactDigestError(ArtifactError):
    """The bytes do not have the digest that was announced."""


class ArtifactNotFoundError(ArtifactError, LookupError):
    """There is no such artifact, or no more."""


class StaleLeaseError(ArtifactError):
    """This attempt has lost its lease: another one may be running the job, so nothing more is recorded for it."""


class TaskExecutionError(RuntimeError):
    """A job that was waited for failed or was cancelled."""

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
    """A job that was waited for ran longer than its timeout."""
