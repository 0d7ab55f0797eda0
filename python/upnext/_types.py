"""The words of the contract that are enums: what jobs, failures and artifacts can be."""

from __future__ import annotations

from enum import Enum


class _Word(str, Enum):
    """An enum whose members are their wire values."""

    def __str__(self) -> str:
        return str(self.value)


class JobStatus(_Word):
    """Where a job stands.

    >>> (await future.result()).status is upnext.JobStatus.COMPLETE
    True
    >>> upnext.JobStatus("queued") == "queued"
    True
    """

    PENDING = "pending"
    QUEUED = "queued"
    ACTIVE = "active"
    RETRYING = "retrying"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELLED = "cancelled"


class FailureReason(_Word):
    """Why a job failed or was cancelled.

    >>> [str(reason) for reason in upnext.FailureReason]
    ['timeout', 'exception', 'cancelled', 'unknown']
    """

    TIMEOUT = "timeout"
    EXCEPTION = "exception"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class MissedRunPolicy(_Word):
    """What to do about runs of a schedule whose time passed while no worker was there: every one of them is run, oldest
    first; only the latest is; or none is.

    >>> upnext.MissedRunPolicy("skip")
    <MissedRunPolicy.SKIP: 'skip'>
    """

    CATCH_UP = "catch_up"
    LATEST_ONLY = "latest_only"
    SKIP = "skip"


class SyncExecutor(_Word):
    """What runs tasks that are plain functions.

    >>> upnext.Worker("reports", sync_executor=upnext.SyncExecutor.THREAD)
    <upnext.Worker reports: no tasks>
    """

    THREAD = "thread"
    PROCESS = "process"


class ArtifactType(_Word):
    """What an artifact is.

    >>> artifact = await upnext.create_artifact("log.txt", "3 warnings.", upnext.ArtifactType.TEXT)
    >>> artifact.type, artifact.content_type
    (<ArtifactType.TEXT: 'text'>, 'text/plain; charset=utf-8')
    """

    JSON = "json"
    TEXT = "text"
    PNG = "image/png"
    JPEG = "image/jpeg"
    WEBP = "image/webp"
    GIF = "image/gif"
    SVG = "image/svg"
    PDF = "file/pdf"
    CSV = "file/csv"
    XML = "file/xml"
    HTML = "file/html"
    BINARY = "file/binary"
