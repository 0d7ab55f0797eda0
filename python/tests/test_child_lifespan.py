"""The lifespan of a worker in its child processes."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from pathlib import Path

import lifespan_tasks as tasks
import peek
import pytest
from harness import DEADLINE, Programs, eventually, running

import upnext
from upnext import _child_process


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file into which the tasks and lifespans write what they do."""
    path = tmp_path / "trace.txt"
    path.touch()
    monkeypatch.setenv("TRACE", str(path))
    return path


def lines(trace: Path) -> list[list[str]]:
    return [line.split() for line in trace.read_text().splitlines()]


def test_it_runs_once_in_each_child_and_nowhere_else(trace: Path) -> None:
    async def main() -> list[int]:
        async with running(tasks.worker):
            # The worker waits for its first child.
            assert len(lines(trace)) == 1
            first = (await tasks.add.wait(1, 2, wait_timeout=DEADLINE)).value
            second = (await tasks.add.wait(3, 4, wait_timeout=DEADLINE)).value
            assert (first[0], second[0]) == (3, 7)
            return [first[1], second[1]]

    pids = asyncio.run(main())
    assert pids[0] == pids[1] != os.getpid()
    name = tasks.worker.name
    assert name.startswith("worker-"), "the children know the name that this process drew"
    assert lines(trace) == [["up", name, str(pids[0])], ["down", str(pids[0])]]


def test_a_child_that_is_retired_shuts_down(trace: Path) -> None:
    async def main() -> list[int]:
        async with running(tasks.retired):
            return [(await tasks.ticking.wait(wait_timeout=DEADLINE)).value for _ in range(5)]

    pids = asyncio.run(main())
    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4]
    ups = {pid for what, pid in lines(trace) if what == "up"}
    downs = {pid for what, pid in lines(trace) if what == "down"}
    assert {str(pid) for pid in pids} <= ups
    assert ups == downs, "also a child that was ready and got no task"


def test_with_async_tasks_it_runs_in_the_worker_too(trace: Path) -> None:
    async def main() -> list[int]:
        async with running(tasks.mixed):
            async_pid = (await tasks.on_the_loop.wait(wait_timeout=DEADLINE)).value
            return [async_pid, (await tasks.in_a_process.wait(wait_timeout=DEADLINE)).value]

    here, there = asyncio.run(main())
    assert here == os.getpid() != there
    assert {int(line[-1]) for line in lines(trace)} == {here, there}


def test_a_worker_whose_children_cannot_start_up_does_not_start(trace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIL", "start")
    name = tasks.worker.name

    async def start() -> None:
        with pytest.raises(RuntimeError) as caught:
            await tasks.worker.start()
        assert str(caught.value) == (
            f"worker '{name}' does not start: the lifespan of worker '{name}' failed in a child process: "
            "ConnectionError: no database at 10.0.0.1"
        )
        assert peek.workers() == []

    asyncio.run(start())
    monkeypatch.setenv("FAIL", "lacking")

    async def lacking() -> None:
        with pytest.raises(RuntimeError, match="task 'add' wants the resource 'database', which the worker's lifespan"):
            await tasks.worker.start()

    asyncio.run(lacking())
    assert lines(trace)[-1][0] == "down", "what was started is shut down"


def test_children_that_come_later(trace: Path) -> None:
    def hanging() -> list[int]:
        return [int(line[-1]) for line in lines(trace) if line[0] == "hanging"]

    async def kill_one() -> None:
        job = await tasks.hangs.submit()
        before = len(hanging())
        await eventually(lambda: len(hanging()) > before, "the task runs")
        os.kill(hanging()[-1], signal.SIGKILL)
        with pytest.raises(upnext.TaskExecutionError, match="was killed by signal 9"):
            await job.result(DEADLINE)

    async def main() -> None:
        async with running(tasks.worker):
            await kill_one()
            assert (await tasks.add.wait(1, 2, wait_timeout=DEADLINE)).value[0] == 3
            Path(f"{trace}.fail").touch()
            await kill_one()
            with pytest.raises(upnext.TaskExecutionError, match="failed in a child process: ConnectionError: no data"):
                await tasks.add.wait(1, 2, wait_timeout=DEADLINE)
            Path(f"{trace}.fail").unlink()
            assert (await tasks.add.wait(1, 2, wait_timeout=DEADLINE)).value[0] == 3

    asyncio.run(main())


def test_a_task_that_is_interrupted_leaves_a_child_that_shuts_down(trace: Path) -> None:
    async def main() -> None:
        async with running(tasks.worker):
            job = await tasks.hangs.submit()
            await eventually(lambda: any(line[0] == "hanging" for line in lines(trace)), "the task runs")
            assert await job.cancel()
            await eventually(lambda: lines(trace)[-1][0] == "down" or lines(trace)[-2][0] == "down", "the shut-down")

    asyncio.run(main())
    ups = {line[-1] for line in lines(trace) if line[0] == "up"}
    downs = {line[-1] for line in lines(trace) if line[0] == "down"}
    assert ups == downs


def test_a_shut_down_that_hangs_is_waited_for_and_killed(
    trace: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FAIL", "stop")
    monkeypatch.setattr(_child_process, "SHUT_DOWN", 0.3)

    async def main() -> float:
        await tasks.worker.start()
        assert (await tasks.add.wait(1, 2, wait_timeout=DEADLINE)).value[0] == 3
        begun = time.monotonic()
        with caplog.at_level(logging.WARNING, "upnext.worker"):
            await tasks.worker.stop()
        return time.monotonic() - begun

    assert asyncio.run(main()) < 5
    assert lines(trace)[-1][0] == "hangs"
    assert "the shut-down of the lifespan in child process" in caplog.text
    assert "took too long; it was killed" in caplog.text


def test_a_second_stop_hurries_shut_downs(trace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIL", "stop")

    async def main() -> float:
        await tasks.worker.start()
        await tasks.add.wait(1, 2, wait_timeout=DEADLINE)
        begun = time.monotonic()
        stopping = asyncio.ensure_future(tasks.worker.stop())
        await eventually(lambda: lines(trace)[-1][0] == "hangs", "the shut-down hangs")
        await tasks.worker.stop(0.0)
        await stopping
        return time.monotonic() - begun

    assert asyncio.run(main()) < 6, "less than the ten seconds that it would have had"


def test_a_lifespan_that_children_do_not_find(programs: Programs) -> None:
    programs.write(
        "app.py",
        """
        import upnext
        worker = upnext.Worker("shop", sync_executor="process")

        @worker.task
        def f(a: int = upnext.resource()): ...

        if __name__ == "__main__":
            @worker.lifespan
            def resources():
                yield {"a": 1}

            upnext.run(worker)
        """,
    )
    code, output = programs.run("app.py")
    assert code == 1
    assert "it is not registered when" in output
    assert "register it at the top level of a module" in output
