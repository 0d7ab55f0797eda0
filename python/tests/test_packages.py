"""Finding tasks in packages, and how a worker talks to the queue."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import peek
import pytest
from harness import Programs, eventually, running

import upnext


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package `shop` with tasks in `shop.tasks.mail` and a worker in `shop`."""
    folder = tmp_path / "shop"
    (folder / "tasks" / "deep").mkdir(parents=True)
    (folder / "__init__.py").write_text("import upnext\nworker = upnext.Worker('shop')\n")
    (folder / "tasks" / "__init__.py").write_text("")
    (folder / "tasks" / "__main__.py").write_text("raise SystemExit('started')\n")
    for module, task in (("tasks/mail", "send"), ("tasks/deep/__init__", "deep"), ("tasks/deep/er", "deeper")):
        (folder / f"{module}.py").write_text(
            f"from shop import worker\n\n@worker.task\nasync def {task}() -> str:\n    return '{task}'\n"
        )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
        del sys.modules[name]


def test_discovery_imports_every_module(shop: Path) -> None:
    import shop as package  # type: ignore[import-not-found]

    packages = upnext.PackageManager()
    packages.add("shop.tasks")
    packages.add(package)
    packages.add("shop.tasks")
    assert packages.packages == ["shop.tasks", "shop"]
    assert "shop.tasks" not in sys.modules
    modules = ["shop.tasks", "shop.tasks.deep", "shop.tasks.deep.er", "shop.tasks.mail"]
    assert packages.discover() == [*modules, "shop"]
    assert packages.discover() == [*modules, "shop"]
    assert sorted(package.worker.tasks) == ["deep", "deeper", "send"]


def test_workers_discover(shop: Path) -> None:
    import shop as package

    assert package.worker.autodiscover("shop.tasks.mail") == ["shop.tasks.mail"]
    assert list(package.worker.tasks) == ["send"]

    other = upnext.Worker("other", autodiscover_packages=["shop.tasks"])
    other.task(name="own")(lambda: None)

    async def main() -> None:
        async with running(other):
            assert sorted(package.worker.tasks) == ["deep", "deeper", "send"]

    asyncio.run(main())


def test_the_command_discovers_before_it_looks_at_the_tasks(shop: Path, programs: Programs) -> None:
    (shop / "__init__.py").write_text(
        "import upnext\nworker = upnext.Worker('shop', autodiscover_packages=['shop.tasks'])\n"
    )
    process = programs.start("-m", "upnext", "run", "shop", env={"PYTHONPATH": ":".join([str(shop.parent), *sys.path])})
    programs.wait_for(process, "worker shop (2 at once): deep, deeper, send")


@pytest.mark.parametrize(
    ("package", "error", "message"),
    [
        ("shop.tsks", ImportError, "there is no package 'shop.tsks' to discover tasks in: no module named 'shop.tsks'"),
        ("nowhere.tasks", ImportError, "no module named 'nowhere' can be imported here; look at its spelling"),
        (".tasks", ValueError, "'.tasks' is not the name of a package: write it as in an import, absolute"),
        ("", ValueError, "is not the name of a package"),
        ("shop/tasks", ValueError, "is not the name of a package"),
        (7, TypeError, "a package is given by its name or as a module, not as a int"),
    ],
)
def test_packages_that_are_not_there(shop: Path, package: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        upnext.Worker().autodiscover(package)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("import shop.tsks", "ModuleNotFoundError: No module named 'shop.tsks'"),
        ("def f(:", "SyntaxError: invalid syntax"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_module_that_is_broken(shop: Path, source: str, problem: str) -> None:
    (shop / "tasks" / "bad.py").write_text(source)
    with pytest.raises(ImportError) as caught:
        upnext.Worker().autodiscover("shop.tasks")
    assert str(caught.value).startswith(
        f"the module 'shop.tasks.bad' of the package 'shop.tasks' cannot be imported to discover its tasks: {problem}"
    )
    assert caught.value.__cause__ is not None


def test_a_text_is_not_a_list_of_packages() -> None:
    with pytest.raises(TypeError, match="autodiscover_packages is a list of names"):
        upnext.Worker(autodiscover_packages="shop")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"batch_size": 0}, "WorkerQueueConfig: batch_size is a whole number from 1 to 10,000, or None, not 0"),
        ({"inbox_size": -1}, "inbox_size is a whole number from 0 to 100,000"),
        ({"outbox_size": True}, "outbox_size is a whole number from 1 to 100,000, or None, not True"),
        ({"claim_timeout_ms": 99}, "claim_timeout_ms is a whole number from 100 to 86,400,000"),
        ({"stream_maxlen": 1.5}, "stream_maxlen is a whole number"),
    ],
)
def test_bad_queue_configs(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r"WorkerQueueConfig: ") as caught:
        upnext.WorkerQueueConfig(**fields)
    assert message in str(caught.value)


def lease_end(job: str) -> float:
    """When the lease of a running job ends, which only the database itself tells.

    Asked by another process: SQLite is in this one already, inside the bridge, and a second copy, Python's, that closes
    the same file drops the locks of the first.
    """
    question = """if True:
        import sqlite3, sys, uuid
        database = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, timeout=10)
        row = database.execute("SELECT lease_expires_at FROM jobs WHERE id = ?", [uuid.UUID(sys.argv[2]).bytes])
        print(row.fetchone()[0])
    """
    file = str(Path(os.environ["UPNEXT_HOME"], "upnext.db"))
    answer = subprocess.run([sys.executable, "-c", question, file, job], capture_output=True, text=True, check=True)
    return int(answer.stdout) / 1_000_000


def test_a_queue_config_reaches_the_engine(caplog: pytest.LogCaptureFixture) -> None:
    config = upnext.WorkerQueueConfig(batch_size=1, inbox_size=0, claim_timeout_ms=7_000, stream_maxlen=5)
    worker = upnext.Worker("demo", queue_config=config)
    default = upnext.Worker("usual")

    finish = asyncio.Event()
    lasting = worker.task(name="of-demo")(finish.wait)
    usual = default.task(name="of-usual")(finish.wait)

    async def seconds_left(task: Any) -> float:
        """How long the lease of a running job of this task lasts."""
        job = (await task.submit()).job_id
        await eventually(lambda: peek.job(job)["status"] == "active", "the job runs")
        return lease_end(job) - time.time()

    async def main() -> None:
        async with running(worker, default):
            assert 0 < await seconds_left(lasting) <= 7
            assert 20 < await seconds_left(usual) <= 30
            finish.set()

    asyncio.run(main())
    assert caplog.messages == [
        "worker 'demo': WorkerQueueConfig.stream_maxlen has no effect: it is for Redis; no stream is kept here"
    ]
    with pytest.raises(TypeError, match="queue_config is a WorkerQueueConfig, not a dict"):
        upnext.Worker(queue_config={"batch_size": 1})  # type: ignore[arg-type]
