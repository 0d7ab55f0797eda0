"""UpNext: background jobs that keep what they make.

Define tasks with `Worker.task`, submit them from anywhere, keep their output with `create_artifact`. The engine under
this package is Rust (`upnext._bridge`); without any setting, everything is kept in `~/.upnext`.
"""

from upnext._artifacts import Artifact, create_artifact, create_artifact_sync
from upnext._bridge import VERSION as __version__
from upnext._context import Context, get_current_context
from upnext._errors import (
    ArtifactError,
    ArtifactStorageError,
    ArtifactTooLargeError,
    BackendError,
    BackendUnavailableError,
    ConfigurationError,
    InvalidArtifactError,
    StaleLeaseError,
    TaskExecutionError,
    TaskTimeoutError,
)
from upnext._future import Future, TaskResult
from upnext._gather import gather, submit_many
from upnext._run import run
from upnext._task import TaskHandle
from upnext._types import ArtifactType, FailureReason, JobStatus, SyncExecutor
from upnext._worker import Worker

__all__ = [
    "Artifact",
    "ArtifactError",
    "ArtifactStorageError",
    "ArtifactTooLargeError",
    "ArtifactType",
    "BackendError",
    "BackendUnavailableError",
    "ConfigurationError",
    "Context",
    "FailureReason",
    "Future",
    "InvalidArtifactError",
    "JobStatus",
    "StaleLeaseError",
    "SyncExecutor",
    "TaskExecutionError",
    "TaskHandle",
    "TaskResult",
    "TaskTimeoutError",
    "Worker",
    "__version__",
    "create_artifact",
    "create_artifact_sync",
    "gather",
    "get_current_context",
    "run",
    "submit_many",
]
