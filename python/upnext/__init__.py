"""UpNext: background jobs that keep what they make.

Define tasks with `Worker.task`, submit them from anywhere, keep their output with `create_artifact` and read it back
with `get_artifact`, in any process. The engine under this package is Rust (`upnext._bridge`); without any setting,
everything is kept in `~/.upnext`.

Each name is imported when it is first used: a server needs none of them, and most programs few.

>>> upnext.__version__ == importlib.metadata.version("upnext")
True
"""

import importlib

from upnext._bridge import VERSION as __version__

#: What type checkers take for true.
TYPE_CHECKING = False

if TYPE_CHECKING:
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

#: The module of each name.
_HOMES = {
    "Api": "_api",
    "ApiGroup": "_api",
    "ArgumentError": "_errors",
    "Artifact": "_artifact",
    "ArtifactConflictError": "_errors",
    "ArtifactData": "_artifact_data",
    "ArtifactDigestError": "_errors",
    "ArtifactError": "_errors",
    "ArtifactFile": "_artifact_file",
    "ArtifactFilters": "_artifact_search",
    "ArtifactNotFoundError": "_errors",
    "ArtifactReader": "_artifact_reader",
    "ArtifactStorageError": "_errors",
    "ArtifactTextFile": "_artifact_file",
    "ArtifactTooLargeError": "_errors",
    "ArtifactType": "_types",
    "ArtifactWriter": "_artifact_writer",
    "BackendError": "_errors",
    "BackendUnavailableError": "_errors",
    "ConfigurationError": "_errors",
    "Context": "_context",
    "EventHandle": "_events",
    "FailureReason": "_types",
    "Future": "_future",
    "InvalidArtifactError": "_errors",
    "JobStatus": "_types",
    "MissedRunPolicy": "_types",
    "PackageManager": "_packages",
    "ResultError": "_errors",
    "StaleLeaseError": "_errors",
    "SyncExecutor": "_types",
    "TaskExecutionError": "_errors",
    "TaskHandle": "_task",
    "TaskResult": "_future",
    "TaskTimeoutError": "_errors",
    "TypedEvent": "_events",
    "Worker": "_worker",
    "WorkerQueueConfig": "_queue_config",
    "create_artifact": "_artifacts",
    "create_artifact_sync": "_artifacts",
    "first_completed": "_gather",
    "gather": "_gather",
    "get_artifact": "_artifact_search",
    "get_artifact_sync": "_artifact_search",
    "get_current_context": "_context",
    "iter_artifacts": "_artifact_search",
    "iter_artifacts_sync": "_artifact_search",
    "list_artifacts": "_artifact_search",
    "list_artifacts_sync": "_artifact_search",
    "map_tasks": "_gather",
    "open_artifact": "_artifact_writer",
    "open_artifact_sync": "_artifact_file",
    "resource": "_resources",
    "run": "_run",
    "submit_many": "_gather",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'upnext' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"upnext.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
