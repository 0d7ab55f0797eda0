"""Code that does not stop or lets nobody else run: noticed, said in the log, survived."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from concurrent.futures import CancelledError
from typing import Any

import peek
import pytest
from harness import DEADLINE, eventually, running

import upnext
from upnext._threads import ImpatientPool


def lines(caplog: pytest.LogCaptureFixture, words: str) -> list[str]:
    """What was logged with these words in it."""
    return [message for message in map(logging.LogRecord.getMessage, caplog.records) if words in message]


def test_a_thread_and_a_coroutine_that_do_not_stop_are_reported_and_replaced(caplog: pytest.LogCaptureFixture) -> None:
    worker = upnext.Worker("narrow", concurrency=2)
    release = threading.Event()
    begun: list[str] = []

    @worker.task(timeout=0.1)
    def stuck_thread() -> None:
        begun.append("thread")
        release.wait(60)

    @worker.task(timeout=0.1)
    async def deaf() -> None:
        begun.append("coroutine")
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.05)

    @worker.task
    def thread_name() -> str:
        return threading.current_thread().name

    async def main() -> None:
        async with running(worker):
            stuck = [await stuck_thread.submit(), await deaf.submit()]
            await eventually(lambda: len(begun) == 2)
            # Both slots are taken until the engine gives them to others.
            names = await upnext.gather([await thread_name.submit() for _ in range(4)])
            assert "narrow-1" not in names
            for future in stuck:
                with pytest.raises(upnext.TaskTimeoutError):
                    await future.result(DEADLINE)
            said = await eventually(lambda: len(both := lines(caplog, "does not stop")) == 2 and both)
            [thread] = [line for line in said if "stuck_thread" in line]
            assert thread.startswith(
                f"job {stuck[0].job_id} (stuck_thread) does not stop although it was told to (timeout)"
            )
            assert "its slot is given to another job; its thread stays behind, at " in thread
            assert "test_left_behind.py:" in thread
            assert "in stuck_thread" in thread
            assert "sync_executor=SyncExecutor.PROCESS" in thread
            [coroutine] = [line for line in said if "deaf" in line]
            assert f"job {stuck[1].job_id} (deaf)" in coroutine
            assert "in deaf" in coroutine
            assert "has to raise it again" in coroutine
            assert any("(2 left behind now)" in line for line in said)
            release.set()
            await eventually(lambda: len(lines(caplog, "that was left behind has ended")) == 2)

    asyncio.run(main())


def test_a_worker_that_stops_names_the_threads_it_leaves(caplog: pytest.LogCaptureFixture) -> None:
    worker = upnext.Worker("leaver", concurrency=1)
    begun, release = threading.Event(), threading.Event()

    @worker.task
    def stuck() -> None:
        begun.set()
        release.wait(60)

    async def main() -> str:
        async with running(worker, timeout=0.1):
            future = await stuck.submit()
            await eventually(begun.is_set)
        return future.job_id

    job_id = asyncio.run(main())
    assert peek.job(job_id)["status"] == "queued"
    [line] = lines(caplog, "the worker stops without it")
    assert f"job {job_id} (stuck) does not stop although it was told to (shutdown)" in line
    release.set()


@pytest.mark.parametrize("where", ["task", "subtask"])
def test_a_blocked_loop_is_reported_with_its_job(caplog: pytest.LogCaptureFixture, where: str) -> None:
    worker = upnext.Worker("blocked", concurrency=2)

    async def crunch() -> None:
        # Until the watch has said so: it must not wait for the end.
        end = time.monotonic() + DEADLINE
        while not lines(caplog, "has been blocked"):
            assert time.monotonic() < end, "nobody reported that the loop is blocked"
            time.sleep(0.01)

    @worker.task
    async def blocks() -> None:
        await (crunch() if where == "task" else asyncio.create_task(crunch()))

    async def main() -> str:
        async with running(worker):
            result = await blocks.wait(wait_timeout=DEADLINE)
            await eventually(lambda: lines(caplog, "was blocked for"))
            return result.job_id

    job_id = asyncio.run(main())
    [during] = lines(caplog, "has been blocked for more than 1 s")
    [after] = lines(caplog, "the event loop was blocked for")
    assert f"most likely by task 'blocks', job {job_id}, at " in during
    assert "test_left_behind.py:" in during
    assert "in crunch" in during or "in lines" in during
    assert "asyncio.to_thread" in after


def test_busy_and_idle_loops_are_not_reported(worker: upnext.Worker, caplog: pytest.LogCaptureFixture) -> None:
    @worker.task
    def waits() -> None:
        time.sleep(1.7)

    async def main() -> None:
        async with running(worker):
            await waits.wait(wait_timeout=DEADLINE)

    asyncio.run(main())
    assert not lines(caplog, "blocked")


def test_the_threads_of_asyncio_while_workers_run() -> None:
    """As many at once as usual, results, errors, cancellation, and no wait for one that blocks."""
    pool = ImpatientPool()
    release = threading.Event()
    together = threading.Semaphore(0)

    def block() -> None:
        together.release()
        release.wait(60)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(pool)
        assert await asyncio.to_thread(lambda x: x + 1, 1) == 2
        with pytest.raises(KeyError, match="lost"):
            await asyncio.to_thread(_raise, KeyError("lost"))
        most = pool._daemons._most
        assert most is not None
        blocked: list[Any] = [pool.submit(block) for _ in range(most)]
        for _ in range(most):
            await eventually(lambda: together.acquire(blocking=False))
        waiting = pool.submit(lambda: "never")
        pool.shutdown()
        release.set()
        for future in blocked:
            assert future.result(DEADLINE) is None
        with pytest.raises(CancelledError):
            waiting.result(DEADLINE)
        with pytest.raises(RuntimeError, match="after shutdown"):
            pool.submit(block)

    asyncio.run(main())


def _raise(error: Exception) -> None:
    raise error
