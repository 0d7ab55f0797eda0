"""Several processes: forks, shared work, workers that are killed or asked to stop."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
from pathlib import Path

import peek
import pytest
from harness import DEADLINE, Programs, eventually_sync, running

import upnext

TASKS = """
    import asyncio, os, pathlib, time
    import upnext

    worker = upnext.Worker("shared", concurrency=4)
    trace = pathlib.Path(os.environ["TRACE"])

    def note(line):
        with trace.open("a") as file:
            file.write(line + "\\n")

    @worker.task
    async def work(n: int) -> int:
        note(f"work {n} {os.getpid()}")
        await asyncio.sleep(0.002)
        return n

    @worker.task
    async def hang(seconds: float = 60.0) -> int:
        note(f"hang {upnext.get_current_context().attempt} {os.getpid()}")
        await asyncio.sleep(seconds)
        note("hang ended")
        return 1

    @worker.task
    def hang_sync() -> None:
        note("hang_sync")
        time.sleep(60)

    @worker.task
    async def in_thread() -> None:
        note("in_thread")
        await asyncio.to_thread(time.sleep, 60)

    @worker.task
    async def deaf() -> None:
        while True:
            try:
                note("deaf")
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                pass

    if __name__ == "__main__":
        print("ready", flush=True)
        upnext.run(worker, worker_timeout=float(os.environ.get("PATIENCE", "3")))
        print("stopped", flush=True)
"""

client = upnext.Worker("client")


@client.task
async def work(n: int) -> int:
    return n


@client.task
async def hang(seconds: float = 60.0) -> int:
    return 0


@client.task
def hang_sync() -> None: ...


@client.task
async def deaf() -> None: ...


@client.task
async def in_thread() -> None: ...


@pytest.fixture
def trace(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file into which the tasks write what they do."""
    path = programs.folder / "trace.txt"
    path.touch()
    monkeypatch.setenv("TRACE", str(path))
    programs.write("tasks.py", TASKS)
    return path


def lines(trace: Path, begin: str) -> list[str]:
    return [line for line in trace.read_text().splitlines() if line.startswith(begin)]


@pytest.mark.every_backend
def test_two_workers_share_the_work_and_run_nothing_twice(programs: Programs, trace: Path) -> None:
    processes = [programs.start("tasks.py") for _ in range(2)]
    for process in processes:
        programs.wait_for(process, "ready")
    eventually_sync(lambda: len(peek.workers()) == 2)

    async def main() -> list[int]:
        futures = await upnext.submit_many(work, [{"n": n} for n in range(400)])
        return await upnext.gather(futures)

    assert asyncio.run(asyncio.wait_for(main(), DEADLINE)) == list(range(400))
    ran = [line.split() for line in lines(trace, "work")]
    assert sorted(int(n) for _, n, _ in ran) == list(range(400))
    assert {int(pid) for _, _, pid in ran} == {process.pid for process in processes}


@pytest.mark.every_backend
def test_the_job_of_a_killed_worker_runs_again(
    programs: Programs, trace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPNEXT_QUEUE_CLAIM_TIMEOUT_MS", "300")
    future = hang.submit_sync(60.0)
    first = programs.start("tasks.py")
    eventually_sync(lambda: lines(trace, "hang 1"), "the first attempt")
    first.kill()
    first.wait(DEADLINE)
    programs.start("tasks.py")
    eventually_sync(lambda: lines(trace, "hang 2"), "the second attempt")
    assert peek.job(future.job_id)["attempts"] == 2
    assert [attempt["outcome"] for attempt in peek.attempts(future.job_id)] == ["lost", "active"]


@pytest.mark.every_backend
def test_sigterm_drains(programs: Programs, trace: Path) -> None:
    process = programs.start("tasks.py")
    future = hang.submit_sync(0.5)
    eventually_sync(lambda: lines(trace, "hang 1"))
    process.send_signal(signal.SIGTERM)
    assert process.wait(DEADLINE) == 0
    assert lines(trace, "hang ended")
    assert peek.job(future.job_id)["status"] == "complete"
    assert "stopped" in programs.output(process)


@pytest.mark.every_backend
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_drain_that_takes_too_long_gives_the_job_back(programs: Programs, trace: Path, number: int) -> None:
    process = programs.start("tasks.py", env={"PATIENCE": "0.2"})
    future = hang.submit_sync(60.0)
    eventually_sync(lambda: lines(trace, "hang 1"))
    process.send_signal(number)
    assert process.wait(DEADLINE) == 0
    assert peek.job(future.job_id)["status"] == "queued"
    assert "Traceback" not in programs.output(process)


def test_a_coroutine_that_swallows_its_cancellation_keeps_nobody_from_stopping(programs: Programs, trace: Path) -> None:
    process = programs.start("tasks.py", env={"PATIENCE": "0.1"})
    future = deaf.submit_sync()
    eventually_sync(lambda: lines(trace, "deaf"))
    process.send_signal(signal.SIGTERM)
    assert process.wait(DEADLINE) == 0
    assert peek.job(future.job_id)["status"] == "queued"
    output = programs.output(process)
    assert "stopped" in output
    assert f"job {future.job_id} (deaf) does not end although it was cancelled, and is left behind, at " in output
    assert "tasks.py:" in output
    assert "Task was destroyed" not in output


@pytest.mark.every_backend
def test_a_second_signal_stops_at_once(programs: Programs, trace: Path) -> None:
    process = programs.start("tasks.py", env={"PATIENCE": "600"})
    waiting = [hang.submit_sync(60.0), hang_sync.submit_sync()]
    eventually_sync(lambda: lines(trace, "hang 1") and lines(trace, "hang_sync"))
    # Two different ones: of two equal ones that come at once the system keeps one.
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    assert process.wait(DEADLINE) in (128 + signal.SIGINT, 128 + signal.SIGTERM)
    for future in waiting:
        assert peek.job(future.job_id)["status"] == "queued"


@pytest.mark.parametrize("command", [["-m", "upnext", "run", "tasks.py"], ["tasks.py"]])
def test_a_thread_of_asyncio_that_blocks_keeps_nobody_from_stopping(
    programs: Programs, trace: Path, command: list[str]
) -> None:
    process = programs.start(*command)
    future = in_thread.submit_sync()
    eventually_sync(lambda: lines(trace, "in_thread"))
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    assert process.wait(DEADLINE) in (128 + signal.SIGINT, 128 + signal.SIGTERM)
    assert peek.job(future.job_id)["status"] == "queued"
    assert "Traceback" not in programs.output(process)


def _in_child(connection: multiprocessing.connection.Connection) -> None:
    async def submit_and_wait() -> int:
        return (await work.wait(2, wait_timeout=DEADLINE)).value

    job = work.submit_sync(1)
    connection.send((job.job_id, asyncio.run(submit_and_wait()), work.wait_sync(3, wait_timeout=DEADLINE).value))


@pytest.mark.every_backend
def test_a_forked_child_makes_its_own_connections(programs: Programs, trace: Path) -> None:
    """The parent has a runtime, connections and a running loop; the child must use none of them."""
    programs.start("tasks.py")
    assert work.wait_sync(0, wait_timeout=DEADLINE).value == 0

    async def main() -> None:
        assert (await work.wait(0, wait_timeout=DEADLINE)).value == 0
        context = multiprocessing.get_context("fork")
        here, there = context.Pipe()
        child = context.Process(target=_in_new_thread, args=(there,))
        child.start()
        there.close()
        job_id, second, third = await asyncio.to_thread(here.recv)
        await asyncio.to_thread(child.join, DEADLINE)
        here.close()
        assert (child.exitcode, second, third) == (0, 2, 3)
        assert await upnext.Future[int](job_id).value(DEADLINE) == 1
        # And the parent still has what it had.
        assert (await work.wait(4, wait_timeout=DEADLINE)).value == 4

    asyncio.run(main())


def _in_new_thread(connection: multiprocessing.connection.Connection) -> None:
    """The forked child believes that the parent's loop runs in its main thread: work in another."""
    import threading

    thread = threading.Thread(target=_in_child, args=(connection,))
    thread.start()
    thread.join()


@pytest.mark.every_backend
def test_a_bare_fork_while_a_worker_runs(worker: upnext.Worker, tmp_path: Path) -> None:
    @worker.task
    async def noop() -> int:
        return 1

    async def main() -> None:
        async with running(worker):
            assert (await noop.wait()).value == 1
            pid = os.fork()
            if pid == 0:
                # The child submits by itself and leaves without cleaning up, as a crashed one would.
                try:
                    import threading

                    ids: list[str] = []
                    thread = threading.Thread(target=lambda: ids.append(noop.submit_sync().job_id))
                    thread.start()
                    thread.join(DEADLINE)
                    (tmp_path / "ids.json").write_text(json.dumps(ids))
                finally:
                    os._exit(0)
            await asyncio.to_thread(os.waitpid, pid, 0)
            [job_id] = json.loads((tmp_path / "ids.json").read_text())
            assert await upnext.Future[int](job_id).value(DEADLINE) == 1

    asyncio.run(main())


@pytest.mark.every_backend
def test_ctrl_c_interrupts_a_sync_wait(programs: Programs) -> None:
    programs.write(
        "waiter.py",
        """
        import upnext
        worker = upnext.Worker("w")
        @worker.task
        async def never() -> None: ...
        print("waiting", flush=True)
        try:
            never.wait_sync()
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        """,
    )
    process = programs.start("waiter.py")
    programs.wait_for(process, "waiting")
    eventually_sync(lambda: peek.jobs("never"))
    process.send_signal(signal.SIGINT)
    assert process.wait(DEADLINE) == 0
    assert "interrupted" in programs.output(process)


def test_a_worker_that_leaves_signals_alone_still_drains_on_ctrl_c(programs: Programs, trace: Path) -> None:
    programs.write(
        "quiet.py",
        """
        import tasks, upnext
        tasks.worker.handle_signals = False
        try:
            tasks.worker.run(worker_timeout=5)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        """,
    )
    process = programs.start("quiet.py")
    future = hang.submit_sync(0.5)
    eventually_sync(lambda: lines(trace, "hang 1"))
    process.send_signal(signal.SIGINT)
    assert process.wait(DEADLINE) == 0
    assert "interrupted" in programs.output(process)
    assert peek.job(future.job_id)["status"] == "complete"


def test_run_says_why_it_cannot(programs: Programs) -> None:
    programs.write(
        "bad.py",
        """
        import asyncio, upnext
        worker = upnext.Worker("bad", url="sqlite:////proc/nothing/upnext.db")
        @worker.task
        async def noop() -> None: ...
        try:
            upnext.run(worker)
        except upnext.BackendError as error:
            print("refused:", error)

        async def main() -> None:
            try:
                upnext.run(worker)
            except RuntimeError as error:
                print("in a loop:", error)
        asyncio.run(main())
        """,
    )
    code, output = programs.run("bad.py")
    assert code == 0
    assert "refused:" in output
    assert "in a loop: run() would block the running event loop" in output
