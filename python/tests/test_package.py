"""The package itself: what it exports, what it refuses for now, and that its stub tells the truth."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import upnext

NAMES = [
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


def test_the_names() -> None:
    assert sorted(upnext.__all__) == NAMES
    assert all(hasattr(upnext, name) for name in NAMES)
    assert upnext.__version__ == importlib.metadata.version("upnext")
    requirements = importlib.metadata.requires("upnext") or []
    assert all("extra ==" in requirement for requirement in requirements), "nothing but Python is needed"


def test_importing_the_package_costs_what_is_used_of_it() -> None:
    code = """
import sys
before = set(sys.modules)
import upnext
heavy = {"asyncio", "inspect", "logging", "typing"} & (set(sys.modules) - before)
assert not heavy, f"importing upnext imports {heavy}"
assert set(upnext.__all__) <= set(dir(upnext))
assert upnext.ArtifactType.JSON == "json"
assert "asyncio" not in sys.modules
upnext.Worker
assert upnext.Worker is vars(upnext)["Worker"] and "asyncio" in sys.modules
@upnext.Worker("shop").task
async def ship(order: int) -> int: ...
assert not {"decimal", "uuid"} & set(sys.modules)
upnext.worker
"""
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)
    assert "AttributeError: module 'upnext' has no attribute 'worker'" in done.stderr.splitlines()[-1], done.stderr


def test_enums_are_their_wire_values() -> None:
    assert upnext.ArtifactType.PNG == "image/png"
    assert str(upnext.ArtifactType.PDF) == f"{upnext.ArtifactType.PDF}" == "file/pdf"
    assert upnext.ArtifactType("json") is upnext.ArtifactType.JSON
    assert [status.value for status in upnext.JobStatus] == [
        "pending", "queued", "active", "retrying", "complete", "failed", "cancelled",
    ]  # fmt: skip
    assert [reason.value for reason in upnext.FailureReason] == [
        "timeout",
        "exception",
        "cancelled",
        "unknown",
    ]
    assert upnext.SyncExecutor.THREAD == "thread"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"retries": -1}, ValueError, "task 'f': retries is a whole number of at least 0, not -1"),
        ({"retries": 1.5}, ValueError, "retries is a whole number"),
        ({"retry_delay": -1}, ValueError, "task 'f': retry_delay is -1"),
        ({"retry_backoff": float("inf")}, ValueError, "retry_backoff is inf"),
        ({"retry_jitter": 2}, ValueError, "retry_jitter is 2"),
        ({"timeout": 0}, ValueError, "task 'f': timeout is 0"),
        ({"timeout": float("nan")}, ValueError, "timeout is NaN"),
        ({"artifact_ttl": 0}, ValueError, "task 'f': artifact_ttl is a number of seconds or a timedelta"),
        ({"artifact_ttl": "1d"}, ValueError, "at most 100 years, not '1d'"),
        ({"on_start": 7}, TypeError, "task 'f': on_start must be a function, not int"),
        ({"retrys": 1}, TypeError, "unexpected keyword argument 'retrys'"),
        ({"name": ""}, ValueError, "a task needs a name"),
        ({"name": "a\nb"}, ValueError, "it has 1 to 255 printable characters"),
        ({"name": "x" * 256}, ValueError, "it has 1 to 255 printable characters"),
    ],
)
def test_bad_options(worker: upnext.Worker, options: dict[str, Any], error: type[Exception], message: str) -> None:
    def f() -> None: ...

    with pytest.raises(error) as caught:
        worker.task(**options)(f)
    assert message in str(caught.value)


def test_what_cannot_be_a_task(worker: upnext.Worker) -> None:
    async def stream() -> Any:
        yield 1

    with pytest.raises(TypeError, match="stream is a generator"):
        worker.task(stream)
    with pytest.raises(TypeError, match="decorates functions, not int"):
        worker.task(7)  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="needs a name"):
        worker.task(lambda: None)

    def taken() -> None: ...

    worker.task(taken)
    worker.task(taken)
    with pytest.raises(ValueError, match="has a task 'taken' already"):
        worker.task(name="taken")(lambda: None)


@pytest.mark.parametrize("options", [{"name": " "}, {"concurrency": 0}, {"concurrency": 1.5}, {"sync_executor": "x"}])
def test_bad_workers(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"worker's name|concurrency is|sync_executor is"):
        upnext.Worker(**options)
    with pytest.raises(ValueError, match="give one of them"):
        upnext.Worker(url="sqlite:a", redis_url="redis:b")


def test_worker_names() -> None:
    names = {upnext.Worker().name for _ in range(20)}
    assert len(names) == 20
    assert all(name.startswith("worker-") and len(name) == 15 for name in names)


def test_run_takes_workers() -> None:
    with pytest.raises(ValueError, match="at least one Worker or Api"):
        upnext.run()
    with pytest.raises(TypeError, match="runs Worker and Api objects, not int"):
        upnext.run(7)  # type: ignore[arg-type]


def test_the_stub_of_the_bridge_is_true() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "upnext._bridge", "--ignore-disjoint-bases"],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stdout


USES = """
    from typing import assert_type
    import upnext

    worker = upnext.Worker("demo")

    @worker.task
    async def add(a: int, b: int = 0) -> int:
        return a + b

    @worker.task(retries=3)
    def name(n: int) -> str:
        return str(n)

    async def use() -> None:
        assert_type(await add(1), int)
        assert_type(name(1), str)
        future = await add.submit(1, b=2)
        assert_type(future, upnext.Future[int])
        assert_type(await future.value(), int)
        assert_type(await name.wait(1, wait_timeout=2), upnext.TaskResult[str])
        assert_type((await name.wait(1)).value, str)
        assert_type(await (await upnext.submit_many(add, [{"a": 1}]))[0].value(), int)
        artifact = await upnext.get_artifact(job=future, name="a.json")
        assert_type(artifact, upnext.Artifact)
        assert_type(await artifact.bytes(), bytes)
        assert_type(artifact.sha256, str | None)
        assert_type(await upnext.list_artifacts(function=add, min_size=1), list[upnext.Artifact])
        async with artifact.open() as reader, upnext.open_artifact("a.log") as log:
            assert_type(await reader.read(5), bytes)
            assert_type(log.artifact, upnext.Artifact)
        with upnext.open_artifact_sync("a.log", mode="w") as text:
            assert_type(text, upnext.ArtifactTextFile)
        await upnext.create_artifact("a", 7)  # error: arg-type
        await upnext.list_artifacts(tag="x")  # error: call-arg
        await add.submit("x")  # error: arg-type
        await name.submit(1, m=2)  # error: call-arg
        await add.submit_idempotent(7, 1)  # error: arg-type
        worker.task(colour="red")  # error: call-overload
"""


def test_types_as_users_see_them(tmp_path: Path) -> None:
    source = textwrap.dedent(USES).replace(
        "from typing import assert_type", "from typing_extensions import assert_type"
    )
    (tmp_path / "uses.py").write_text(source)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--config-file=", "uses.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    expected = [
        (number, line.split("# error: ")[1])
        for number, line in enumerate(source.splitlines(), 1)
        if "# error: " in line
    ]
    reported = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert [(int(line.split(":")[1]), line.rsplit("[", 1)[1].rstrip("]")) for line in reported] == expected, done.stdout
