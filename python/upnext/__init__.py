"""UpNext: background jobs that keep what they make.

Define tasks with `Worker.task`, submit them from anywhere, keep their output with `create_artifact` and read it back
with `get_artifact`, in any process. The engine under this package is Rust (`upnext._bridge`); without any setting,
everything is kept in `~/.upnext`.

>>> upnext.__version__ == importlib.metadata.version("upnext")
True
"""

from upnext._api import Api, ApiGroup
from upnext._artifact import Artifact
from upnext._artifact_data import ArtifactData
from upnext._artifact_file import ArtifactFile, ArtifactTextFile, open_artifact_sync
from upnext._artifact_reader import ArtifactReader
from upnext._artifact_search import (
    ArtifactFilters,
    get_artifact,
    get_artifact_sync,
    iter_artifacts,
    iter_artifacts_sync,
    list_artifacts,
    list_artifacts_sync,
)
from upnext._artifact_writer import ArtifactWriter, open_artifact
from upnext._artifacts import create_artifact, create_artifact_sync
from upnext._bridge import VERSION as __version__
from upnext._context import Context, get_current_context
from upnext._errors import (
    ArgumentError,
    ArtifactConflictError,
    ArtifactDigestError,
    ArtifactError,
    ArtifactNotFoundError,
    ArtifactStorageError,
    ArtifactTooLargeError,
    BackendError,
    BackendUnavailableError,
    ConfigurationError,
    InvalidArtifactError,
    ResultError,
    StaleLeaseError,
    TaskExecutionError,
    TaskTimeoutError,
)
from upnext._events import EventHandle, TypedEvent
from upnext._future import Future, TaskResult
from upnext._gather import first_completed, gather, map_tasks, submit_many
from upnext._packages import PackageManager
from upnext._queue_config import WorkerQueueConfig
from upnext._resources import resource
from upnext._run import run
from upnext._task import TaskHandle
from upnext._types import ArtifactType, FailureReason, JobStatus, MissedRunPolicy, SyncExecutor
from upnext._worker import Worker

__all__ = [
    "Api",
    "ApiGroup",
    "ArgumentError",
    "Artifact",
    "ArtifactConflictError",
    "ArtifactData",
    "ArtifactDigestError",
    "ArtifactError",
    "ArtifactFile",
    "ArtifactFilters",
    "ArtifactNotFoundError",
    "ArtifactReader",
    "ArtifactStorageError",
    "ArtifactTextFile",
    "ArtifactTooLargeError",
    "ArtifactType",
    "ArtifactWriter",
    "BackendError",
    "BackendUnavailableError",
    "ConfigurationError",
    "Context",
    "EventHandle",
    "FailureReason",
    "Future",
    "InvalidArtifactError",
    "JobStatus",
    "MissedRunPolicy",
    "PackageManager",
    "ResultError",
    "StaleLeaseError",
    "SyncExecutor",
    "TaskExecutionError",
    "TaskHandle",
    "TaskResult",
    "TaskTimeoutError",
    "TypedEvent",
    "Worker",
    "WorkerQueueConfig",
    "__version__",
    "create_artifact",
    "create_artifact_sync",
    "first_completed",
    "gather",
    "get_artifact",
    "get_artifact_sync",
    "get_current_context",
    "iter_artifacts",
    "iter_artifacts_sync",
    "list_artifacts",
    "list_artifacts_sync",
    "map_tasks",
    "open_artifact",
    "open_artifact_sync",
    "resource",
    "run",
    "submit_many",
]
