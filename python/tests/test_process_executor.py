"""Sync tasks in child processes: context, records, failures, stopping, and no process that outlives its worker."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import peek
import process_tasks as tasks
import pytest
from harness import DEADLINE, Programs, eventually, eventually_sync, running

import upnext

RUN = ["-c", "import process_tasks, upnext; upnext.run(process_tasks.worker)"]


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file into which the tasks write what they do; and workers in other processes find the tasks."""
    path = tmp_path / "trace.txt"
    path.touch()
    monkeypatch.setenv("TRACE", str(path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]))
    return path


def noted(trace: Path, begin: str) -> Callable[[], list[str]]:
    return lambda: [line for line in trace.read_text().splitlines() if line.startswith(begin)]


def number(line: str) -> int:
    return int(line.split()[-1])


def is_gone(pid: int) -> bool:
    """Whether this process has ended, even if nobody has asked how."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] in "ZX"


def children(pid: int) -> list[int]:
    """The processes that this one has started and that still live."""
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in found for child in file.read_text().split() if not is_gone(int(child))]


async def failure(task: upnext.TaskHandle[Any, Any], *args: Any) -> upnext.TaskResult[Any]:
    with pytest.raises(upnext.TaskExecutionError) as caught:
        await task.wait(*args, wait_timeout=DEADLINE)
    return caught.value.task_result


@pytest.mark.every_backend
def test_a_task_knows_its_job_in_a_process_of_its_own_which_is_used_again() -> None:
    async def main() -> None:
        async with running(tasks.worker):
            first = await tasks.facts.wait_idempotent("the key", x=5, wait_timeout=DEADLINE)
            second = await tasks.facts.wait(wait_timeout=DEADLINE)
            here = await tasks.on_the_loop.wait(wait_timeout=DEADLINE)
            assert (await tasks.renamed.wait(wait_timeout=DEADLINE)).value == "found"
            assert (await tasks.uses_a_loop.wait(wait_timeout=DEADLINE)).value is True
        facts = first.value
        pids = {facts.pop("pid"), second.value["pid"]}
        assert os.getpid() not in pids
        assert len(pids) == 1
        assert here.value == os.getpid()
        assert facts == {
            "main_thread": True,
            "x": 5,
            "job_id": first.job_id,
            "job_key": "the key",
            "parent_id": None,
            "root_id": first.job_id,
            "attempt": 1,
            "max_attempts": 1,
            "function": "facts",
            "function_name": "facts",
            "is_cancelled": False,
            "checkpoint_state": None,
        }
        assert all(is_gone(pid) for pid in pids)

    asyncio.run(main())


@pytest.mark.every_backend
def test_progress_checkpoints_and_logs_are_recorded_before_the_end() -> None:
    async def main() -> None:
        async with running(tasks.worker):
            result = await tasks.resume.wait(wait_timeout=DEADLINE)
            assert (result.value, result.attempts) == ({"row": 2, "größe": [None]}, 2)
            row = peek.job(result.job_id)
            assert row["progress"] == 1.0 or row["progress"] == 0.5
            assert peek.logs(result.job_id) == [("warning", "half way", {"rows": 2})]

    asyncio.run(main())


@pytest.mark.every_backend
def test_artifacts_and_lineage() -> None:
    async def main() -> None:
        async with running(tasks.worker):
            made = await tasks.makes_artifacts.wait(wait_timeout=DEADLINE)
            found = {each.name: each for each in await upnext.list_artifacts(job=made.job_id)}
            assert set(found) == {"table.json", "large.bin", "live.log"}
            assert await found["large.bin"].bytes() == b"x" * 300_000
            assert await found["live.log"].bytes() == b"one\ntwo\n"
            assert found["table.json"].expires_at is not None
            family = (await tasks.parent.wait(wait_timeout=DEADLINE)).value
            assert family["waited"]["parent_id"] == family["waited"]["root_id"] == family["me"]
            child = await upnext.Future[Any](family["submitted"]).result(DEADLINE)
            assert (child.parent_id, child.root_id) == (family["me"], family["me"])

    asyncio.run(main())


def test_failures_are_those_of_threads() -> None:
    async def main() -> None:
        async with running(tasks.worker):
            result = await failure(tasks.fails)
            assert (result.error, result.attempts) == ("ValueError: no rows at all", 1)
            assert result.traceback is not None
            assert result.traceback.startswith("Traceback (most recent call last):\n")
            assert "in fails" in result.traceback
            assert "in inner" in result.traceback
            assert "upnext/_" not in result.traceback
            result = await failure(tasks.gives_up)
            assert (result.error, result.attempts) == ("ValueError: for good", 1)
            assert [line[1] for line in peek.logs(result.job_id)] == ["what was printed"]
            result = await failure(tasks.odd_result)
            assert "task 'odd_result' returned a value that cannot be kept" in (result.error or "")
            assert result.attempts == 1
            result = await failure(tasks.leaves, "sys.exit")
            assert result.error == "SystemExit: 3"

    asyncio.run(main())


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("exit", "ended with exit code 7"),
        ("segfault", "was killed by signal 11 (SIGSEGV)"),
        ("kill", "was killed by signal 9 (SIGKILL), as the system does when memory runs out"),
    ],
)
def test_a_child_that_dies_fails_its_attempt_and_another_takes_its_place(how: str, words: str) -> None:
    async def main() -> None:
        async with running(tasks.worker):
            result = await failure(tasks.leaves, how)
            what = f"task 'leaves', job {result.job_id}"
            assert result.error == f"ChildProcessError: the child process that ran {what}, {words}"
            assert result.failure_reason is upnext.FailureReason.EXCEPTION
            assert (await tasks.facts.wait(x=1, wait_timeout=DEADLINE)).value["x"] == 1

    asyncio.run(main())


def test_a_crash_is_tried_again_and_does_not_wait_for_what_the_task_has_forked(trace: Path) -> None:
    async def main() -> None:
        async with running(tasks.worker):
            assert (await tasks.crashes_once.wait(wait_timeout=DEADLINE)).value == 2
            assert "was killed by signal 9" in ((await failure(tasks.forks)).error or "")
            [line] = noted(trace, "fork")()
            await eventually(lambda: is_gone(number(line)), "the end of what the task forked")

    asyncio.run(main())


@pytest.mark.parametrize("way", ["sleep", "polite", "deaf", "lock", "subprocess"])
def test_a_cancelled_job_ends_with_its_process(trace: Path, way: str) -> None:
    async def main() -> None:
        async with running(tasks.worker):
            future = await tasks.hangs.submit(way)
            [line] = await eventually(noted(trace, "hangs"))
            sleepers = (
                [number(line) for line in await eventually(noted(trace, "sleeper"))] if way == "subprocess" else []
            )
            asked = time.monotonic()
            assert await future.cancel()
            with pytest.raises(upnext.TaskExecutionError, match="was cancelled") as caught:
                await future.result(DEADLINE)
            assert caught.value.status is upnext.JobStatus.CANCELLED
            # Long before the engine would give it up, after 5 s.
            assert time.monotonic() - asked < 4.5
            for pid in [number(line), *sleepers] if way != "polite" else []:
                await eventually(lambda pid=pid: is_gone(pid), f"the end of process {pid}")
            assert noted(trace, "cleaned up")() == (["cleaned up"] if way == "sleep" else [])
            assert noted(trace, "stopped by itself")() == (["stopped by itself"] if way == "polite" else [])
            after = await tasks.facts.wait(wait_timeout=DEADLINE)
            assert (after.value["pid"] == number(line)) <= (way == "polite")

    asyncio.run(main())


@pytest.mark.parametrize("way", ["sleep", "lock"])
def test_a_timeout_kills_the_process(trace: Path, way: str) -> None:
    async def main() -> None:
        async with running(tasks.worker):
            # A warm child, so that the time is the task's.
            await tasks.facts.wait(wait_timeout=DEADLINE)
            with pytest.raises(upnext.TaskTimeoutError) as caught:
                await tasks.too_slow.wait(way, wait_timeout=DEADLINE)
            assert caught.value.task_result.failure_reason is upnext.FailureReason.TIMEOUT
            [line] = noted(trace, "hangs")()
            await eventually(lambda: is_gone(number(line)))

    asyncio.run(main())


def test_jobs_that_hang_keep_no_slot(trace: Path) -> None:
    async def main() -> None:
        async with running(tasks.worker):
            stuck = [await tasks.hangs.submit("deaf") for _ in range(2)]
            await eventually(lambda: len(noted(trace, "hangs")()) == 2)
            waiting = await tasks.facts.submit()
            for future in stuck:
                await future.cancel()
            assert (await waiting.value(DEADLINE))["x"] == 0

    asyncio.run(main())


@pytest.mark.every_backend
def test_a_stopping_worker_gives_the_job_back_and_leaves_no_process(trace: Path) -> None:
    async def main() -> None:
        await tasks.worker.start()
        future = await tasks.hangs.submit("deaf")
        [line] = await eventually(noted(trace, "hangs"))
        await tasks.worker.stop(timeout=0.1)
        assert is_gone(number(line))
        assert not [
            pid for pid in children(os.getpid()) if b"upnext._child" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        row = peek.job(future.job_id)
        assert (row["status"], row["attempts"]) == ("queued", 0)

    asyncio.run(main())


def test_hooks_are_called_in_the_worker_even_after_a_crash() -> None:
    async def main() -> None:
        here = os.getpid()
        async with running(tasks.worker):
            tasks.hook_calls.clear()
            assert (await tasks.hooked.wait("live", wait_timeout=DEADLINE)).value == 1
            assert tasks.hook_calls == [("start", 1, here), ("success", 1, here), ("complete", 1, here)]
            tasks.hook_calls.clear()
            await failure(tasks.hooked, "die")
            names = ["start", "retry", "start", "failure", "complete"]
            assert tasks.hook_calls == [(name, 1 if at < 2 else 2, here) for at, name in enumerate(names)]

    asyncio.run(main())


def test_a_child_is_replaced_after_its_share_of_tasks() -> None:
    async def main() -> None:
        async with running(tasks.one_each):
            pids = [(await tasks.pid.wait(wait_timeout=DEADLINE)).value for _ in range(3)]
            assert len(set(pids)) == 3

    asyncio.run(main())


def test_a_killed_worker_takes_its_children_with_it(programs: Programs, trace: Path) -> None:
    process = programs.start(*RUN)
    tasks.hangs.submit_sync("lock")
    tasks.hangs.submit_sync("subprocess")
    eventually_sync(lambda: len(noted(trace, "hangs")()) == 2 and noted(trace, "sleeper")())
    started = [number(line) for line in noted(trace, "hangs")() + noted(trace, "sleeper")()]
    assert set(children(process.pid)) >= set(started[:2])
    process.kill()
    process.wait(DEADLINE)
    for pid in started:
        eventually_sync(lambda pid=pid: is_gone(pid), f"the end of process {pid}")


def test_signals_to_all_processes_do_not_disturb_a_drain(programs: Programs, trace: Path) -> None:
    """As a terminal or a service manager sends them."""
    process = programs.start(*RUN)
    future = tasks.lasts.submit_sync(1.0)
    [line] = eventually_sync(noted(trace, "lasts"))
    for number_of_signal in (signal.SIGINT, signal.SIGTERM):
        os.kill(number(line), number_of_signal)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(DEADLINE) == 0, programs.output(process)
    assert peek.job(future.job_id)["status"] == "complete"
    assert is_gone(number(line))
    assert "Traceback" not in programs.output(process)


@pytest.mark.every_backend
def test_a_child_whose_worker_lost_the_lease_records_nothing(
    programs: Programs, trace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPNEXT_QUEUE_CLAIM_TIMEOUT_MS", "500")
    first = programs.start(*RUN)
    future = tasks.stale.submit_sync()
    eventually_sync(noted(trace, "stale 1"))
    first.send_signal(signal.SIGSTOP)
    programs.start(*RUN)
    eventually_sync(noted(trace, "stale 2"), "the second attempt")
    Path(f"{trace}.go").touch()
    eventually_sync(noted(trace, "refused"), "the refusal of the first attempt's artifact")
    eventually_sync(lambda: peek.job(future.job_id)["status"] == "complete")
    assert peek.job(future.job_id)["result"] == "second"


SCRIPT = """
    import os, sys
    import upnext

    worker = upnext.Worker(concurrency=1, sync_executor="process")

    @worker.task
    def where() -> list:
        return [__name__, os.getpid()]

    @worker.task
    def pools() -> list:
        import multiprocessing
        found = []
        for method in ("spawn", "fork"):
            with multiprocessing.get_context(method).Pool(1) as pool:
                found.append(pool.apply(abs, (-3,)))
        return found

    def local():
        @worker.task
        def hidden() -> None: ...
"""
GUARDED = '\n    if __name__ == "__main__":\n        local()\n        upnext.run(worker)\n'
UNGUARDED = '\n    upnext.run(worker)\n    assert __name__ == "__main__", "not for children"\n'

client = upnext.Worker("client")


@client.task
def where() -> list[Any]:
    return []


@client.task
def pools() -> list[int]:
    return []


@client.task
def hidden() -> None: ...


@pytest.mark.parametrize(
    ("tail", "arguments", "name"),
    [
        (GUARDED, ["script.py"], "__mp_main__"),
        (UNGUARDED, ["script.py"], "__mp_main__"),
        (GUARDED, ["-m", "package.script"], "__mp_main__"),
        ("", ["-m", "upnext", "run", "script.py"], "script"),
        ("", ["-m", "upnext", "run", "package/script.py"], "package.script"),
    ],
    ids=["script", "script without guard", "module", "upnext run", "upnext run in a package"],
)
def test_tasks_are_found_however_their_file_is_run(
    programs: Programs, tail: str, arguments: list[str], name: str
) -> None:
    source = SCRIPT
    if "package" in " ".join(arguments):
        (programs.folder / "package").mkdir()
        programs.write("package/__init__.py", "")
        programs.write("package/part.py", "import upnext")
        source = source.replace("import upnext\n", "from .part import upnext\n", 1)
        programs.write("package/script.py", source + tail)
    else:
        programs.write("script.py", source + tail)
    process = programs.start(*arguments)
    result = where.wait_sync(wait_timeout=DEADLINE)
    assert result.value[0] == name, programs.output(process)
    if tail == GUARDED:
        # A task may have processes of its own.
        assert pools.wait_sync(wait_timeout=DEADLINE).value == [3, 3]
        with pytest.raises(upnext.TaskExecutionError) as caught:
            hidden.wait_sync(wait_timeout=DEADLINE)
        error = caught.value.error or ""
        assert error.startswith(f"TaskNotFoundError: job {caught.value.job_id}: task 'hidden' is not defined when ")
        assert "script.py is imported in a child process: define it at the top level of a module" in error
    process.send_signal(signal.SIGTERM)
    assert process.wait(DEADLINE) == 0, programs.output(process)
    assert is_gone(result.value[1])


def test_a_module_that_fails_in_the_child_fails_the_job_with_its_traceback(programs: Programs) -> None:
    source = SCRIPT + '\n    if __name__ != "__main__":\n        raise KeyError("only here")\n' + GUARDED
    programs.write("script.py", source)
    process = programs.start("script.py")
    with pytest.raises(upnext.TaskExecutionError) as caught:
        where.wait_sync(wait_timeout=DEADLINE)
    assert caught.value.error == (
        f"{programs.folder / 'script.py'} cannot be imported in a child process: KeyError: 'only here'"
    )
    assert 'raise KeyError("only here")' in (caught.value.task_result.traceback or "")
    assert "cannot be imported in a child process" in programs.output(process)


def test_what_no_child_can_import_is_refused_at_the_start(programs: Programs) -> None:
    programs.write("session.txt", SCRIPT + "\n    upnext.run(worker)\n")
    code, output = programs.run("-c", "exec(open('session.txt').read())")
    assert code == 1
    assert "defined in an interactive session or on a command line, which a child process cannot import" in output


def test_a_task_that_wants_resources_needs_a_lifespan() -> None:
    worker = upnext.Worker("resourceful", sync_executor="process")

    @worker.task
    def wants(pool: Any = upnext.resource()) -> None: ...

    with pytest.raises(RuntimeError, match="task 'wants' wants the resource 'pool', and there are none here"):
        asyncio.run(worker.start())


def test_options(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ValueError, match=r"sync_executor is SyncExecutor\.THREAD or SyncExecutor\.PROCESS, not 'fork'"):
        upnext.Worker(sync_executor="fork")
    with pytest.raises(ValueError, match="max_tasks_per_child is a whole number of at least 1, not 0"):
        upnext.Worker(sync_executor="process", max_tasks_per_child=0)
    with pytest.raises(ValueError, match="max_tasks_per_child is for workers with sync_executor"):
        upnext.Worker(max_tasks_per_child=5)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
