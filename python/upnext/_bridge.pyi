# The native half of the package: a handful of opaque classes. Its source is python/src.

from asyncio import Future
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar, final

from upnext._artifact import ArtifactRecord, Changes
from upnext._artifact_labels import Extras
from upnext._artifact_search import Filter
from upnext._channel import Description
from upnext._future import JobRecord
from upnext._queue_config import WorkerQueueConfig
from upnext._transactions import Statement

__all__ = [
    "VERSION",
    "ApiReporter",
    "ArtifactReader",
    "ArtifactWriter",
    "Attempt",
    "Connection",
    "Feed",
    "Follower",
    "Mailbox",
    "Making",
    "Pending",
    "RunningWorker",
    "Server",
    "StoredArtifact",
    "Submitting",
    "TaskSpec",
    "TestClock",
    "Work",
    "adopt_attempt",
    "after_fork_in_child",
    "after_fork_in_parent",
    "before_fork",
    "command_line",
    "connect",
    "create_artifact",
    "create_artifact_sync",
    "find_artifact",
    "follow_parent",
    "is_job_id",
    "list_artifacts",
    "log_to_stderr",
    "open_artifact",
    "open_for_tests",
    "report_api",
    "start_server",
    "start_worker",
]
VERSION: str
_T = TypeVar("_T")

@final
class Mailbox:
    def __new__(cls, call_soon: Callable[..., object] | None = None) -> Mailbox: ...
    def fileno(self) -> int: ...
    def drain(self) -> None: ...
    def forget(self, runner: int) -> None: ...

@final
class TaskSpec:
    def __new__(
        cls,
        *,
        key: str,
        timeout: float,
        retry: tuple[int, float, float, float, float],
        parameters: list[tuple[str, bool]],
        takes_any: bool,
        artifact_ttl: float | None = None,
        rules: dict[str, Any] | None = None,
    ) -> TaskSpec: ...

@final
class Submitting:
    def __new__(
        cls,
        delay: float | None = None,
        at: int | None = None,
        priority: int | None = None,
        tags: list[str] | None = None,
    ) -> Submitting: ...

@final
class Pending:
    def abort(self) -> None: ...

@final
class Work(Generic[_T]):
    def wait(self) -> _T: ...
    def answer(self, mailbox: Mailbox, future: Future[_T]) -> Pending: ...

@final
class Connection:
    def submit(
        self,
        mailbox: Mailbox,
        future: Future[str],
        spec: TaskSpec,
        kwargs: str,
        key: str | None = None,
        parent: Attempt | None = None,
        options: Submitting | None = None,
    ) -> None: ...
    def submit_sync(
        self,
        spec: TaskSpec,
        kwargs: str,
        key: str | None = None,
        parent: Attempt | None = None,
        options: Submitting | None = None,
    ) -> str: ...
    def submit_many(
        self,
        mailbox: Mailbox,
        future: Future[list[str]],
        spec: TaskSpec,
        kwargs: list[str],
        parent: Attempt | None = None,
        options: Submitting | None = None,
    ) -> None: ...
    def wait(
        self, mailbox: Mailbox, future: Future[JobRecord], job_id: str, timeout: float | None = None
    ) -> Pending: ...
    def run(
        self,
        mailbox: Mailbox,
        future: Future[JobRecord],
        spec: TaskSpec,
        kwargs: str,
        timeout: float | None,
        key: str | None = None,
        parent: Attempt | None = None,
        options: Submitting | None = None,
    ) -> Pending: ...
    def run_sync(
        self,
        spec: TaskSpec,
        kwargs: str,
        timeout: float | None,
        key: str | None = None,
        parent: Attempt | None = None,
        options: Submitting | None = None,
    ) -> JobRecord: ...
    def send_event(
        self,
        mailbox: Mailbox,
        future: Future[list[str]],
        name: str,
        data: str,
        declared: list[TaskSpec],
        key: str | None = None,
        parent: Attempt | None = None,
    ) -> None: ...
    def send_event_sync(
        self,
        name: str,
        data: str,
        declared: list[TaskSpec],
        key: str | None = None,
        parent: Attempt | None = None,
    ) -> list[str]: ...
    def statement(
        self,
        spec: TaskSpec,
        kwargs: list[str],
        key: str | None = None,
        parent: Attempt | None = None,
        options: Submitting | None = None,
    ) -> Work[Statement]: ...
    def event_statement(
        self,
        name: str,
        data: str,
        declared: list[TaskSpec],
        key: str | None = None,
        parent: Attempt | None = None,
    ) -> Work[Statement]: ...
    def cancel(self, mailbox: Mailbox, future: Future[bool], job_id: str) -> None: ...
    def describe(self) -> str: ...
    def describe_storage(self) -> str: ...

def before_fork() -> None: ...
def after_fork_in_parent() -> None: ...
def after_fork_in_child() -> None: ...
def connect(url: str | None = None) -> tuple[Connection, list[str]]: ...

@final
class ApiReporter:
    def record(self, method: str, route: str | None, status: int, seconds: float, error: str | None = None) -> None: ...
    def stop(self) -> Work[None]: ...

def report_api(connection: Connection, name: str, host: str, port: int) -> ApiReporter: ...

@final
class Attempt:
    @property
    def key(self) -> int: ...
    @property
    def job_id(self) -> str: ...
    @property
    def job_key(self) -> str | None: ...
    @property
    def parent_id(self) -> str | None: ...
    @property
    def root_id(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def max_attempts(self) -> int: ...
    @property
    def function(self) -> str: ...
    @property
    def function_name(self) -> str: ...
    @property
    def artifact_ttl(self) -> float | None: ...
    @property
    def connection(self) -> Connection: ...
    @property
    def checkpoint_state(self) -> str | None: ...
    @property
    def begun(self) -> bool: ...
    @property
    def stop_reason(self) -> str | None: ...
    def ask_to_stop(self, reason: str) -> None: ...
    def begin(self) -> None: ...
    def complete(self, result: str) -> None: ...
    def fail(self, error: str, traceback: str | None, retryable: bool) -> None: ...
    def stopped(self) -> None: ...
    def description(self) -> Description: ...
    def flush(self) -> None: ...
    def set_progress(self, fraction: float, message: str | None) -> None: ...
    def checkpoint(self, state: str) -> None: ...
    def log(self, level: str, message: str, extra: str | None, at: int | None = None) -> None: ...

def adopt_attempt(connection: Connection, description: Description, artifact_ttl: float | None = None) -> Attempt: ...
def follow_parent(parent: int) -> None: ...

@final
class Feed:
    def __new__(cls) -> Feed: ...
    def push(self, piece: bytes) -> bool: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...

@final
class Making:
    def wait(self) -> ArtifactRecord: ...

def create_artifact(
    attempt: Attempt,
    mailbox: Mailbox,
    future: Future[ArtifactRecord],
    name: str,
    artifact_type: str | None,
    data: str | bytes | Path | Feed,
    extras: Extras | None,
) -> None: ...
def create_artifact_sync(
    attempt: Attempt, name: str, artifact_type: str | None, data: str | bytes | Path | Feed, extras: Extras | None
) -> Making: ...

@final
class ArtifactWriter:
    def record(self) -> ArtifactRecord: ...
    def write(self, data: bytes) -> Work[None]: ...
    def flush(self) -> Work[None]: ...
    def close(self) -> Work[ArtifactRecord]: ...
    def release(self) -> None: ...

def open_artifact(
    attempt: Attempt, name: str, artifact_type: str | None, extras: Extras | None
) -> Work[ArtifactWriter]: ...

@final
class ArtifactReader:
    @property
    def size(self) -> int: ...
    def read(self, at: int, most: int) -> Work[bytes]: ...

@final
class Follower:
    def next(self) -> Work[bytes]: ...

@final
class StoredArtifact:
    @property
    def is_ours(self) -> bool: ...
    def read_all(self, reader: Attempt | None) -> Work[bytes]: ...
    def save(self, path: Path, reader: Attempt | None) -> Work[None]: ...
    def open(self, reader: Attempt | None) -> Work[ArtifactReader]: ...
    def follow(self, start: int, reader: Attempt | None) -> Work[Follower]: ...
    def update(self, changes: Changes) -> Work[ArtifactRecord]: ...
    def delete(self) -> Work[bool]: ...

def is_job_id(text: str) -> bool: ...
def find_artifact(connection: Connection, artifact_id: str) -> Work[ArtifactRecord | None]: ...
def list_artifacts(connection: Connection, wanted: Filter) -> Work[tuple[list[ArtifactRecord], str | None]]: ...
def command_line(
    arguments: list[str],
    run: Callable[[list[str], list[str], str | None, bool], tuple[int, str | None]],
    dev: Callable[[list[str], list[str], str | None, bool, str, int], tuple[int, str | None]],
) -> int: ...

@final
class Server:
    @property
    def url(self) -> str: ...
    def stop(self) -> str | None: ...

def start_server(host: str, port: int) -> Server: ...
def log_to_stderr() -> None: ...

@final
class RunningWorker:
    @property
    def id(self) -> str: ...
    def stop(self, mailbox: Mailbox, future: Future[None], drain: float) -> None: ...

def start_worker(
    connection: Connection,
    mailbox: Mailbox,
    future: Future[RunningWorker],
    name: str,
    concurrency: int,
    tasks: list[Any],
    start: Callable[..., None],
    stop: Callable[[int, str], None],
    queue_config: WorkerQueueConfig | None = None,
) -> int: ...

@final
class TestClock:
    def now(self) -> int: ...
    def set(self, micros: int) -> None: ...
    def settle(self, mailbox: Mailbox, future: Future[None]) -> None: ...

def open_for_tests(now: int) -> tuple[Connection, TestClock]: ...
