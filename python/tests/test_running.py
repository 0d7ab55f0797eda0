"""Running jobs: failures, retries, timeouts, cancellation, hooks, threads."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
import time
from typing import Any

import peek
import pytest
from harness import eventually, running

import upnext


async def failure(handle: upnext.TaskHandle[Any, Any], *args: Any, **kwargs: Any) -> upnext.TaskResult[Any]:
    """The result of a job that must fail."""
    with pytest.raises(upnext.TaskExecutionError) as caught:
        await handle.wait(*args, wait_timeout=20, **kwargs)
    error = caught.value
    assert (error.job_id, error.status, error.error) == (
        error.task_result.job_id,
        error.task_result.status,
        error.task_result.error,
    )
    assert not error.task_result.ok
    assert error.job_id in str(error)
    return error.task_result


def _raise(message: str) -> None:
    raise ValueError(message)


@pytest.mark.every_backend
@pytest.mark.parametrize("kind", ["async", "sync"])
def test_a_failure_carries_its_error_and_the_tasks_own_traceback(worker: upnext.Worker, kind: str) -> None:
    async def fail_async() -> None:
        _raise("no rows\nat all")

    def fail_sync() -> None:
        _raise("no rows\nat all")

    task = worker.task(name="fail")(fail_async if kind == "async" else fail_sync)

    async def main() -> None:
        async with running(worker):
            result = await failure(task)
            assert result.error == "ValueError: no rows at all"
            assert result.failure_reason is upnext.FailureReason.EXCEPTION
            assert result.status is upnext.JobStatus.FAILED
            assert result.attempts == 1
            assert result.traceback is not None
            assert result.traceback.startswith("Traceback (most recent call last):\n")
            assert "in _raise" in result.traceback
            assert f"in fail_{kind}" in result.traceback
            assert "upnext/_" not in result.traceback

    asyncio.run(main())


@pytest.mark.every_backend
def test_retries_wait_longer_each_time(worker: upnext.Worker) -> None:
    begun: list[float] = []

    @worker.task(retries=2, retry_delay=0.1, retry_backoff=3.0)
    async def flaky() -> str:
        begun.append(time.monotonic())
        context = upnext.get_current_context()
        assert (context.attempt, context.max_attempts) == (len(begun), 3)
        if context.attempt < 3:
            raise OSError("try again")
        return "at last"

    async def main() -> upnext.TaskResult[str]:
        async with running(worker):
            return await flaky.wait(wait_timeout=20)

    result = asyncio.run(main())
    assert (result.value, result.attempts) == ("at last", 3)
    first, second = begun[1] - begun[0], begun[2] - begun[1]
    assert 0.1 <= first < second
    assert second >= 0.3
    assert [row["error"] for row in peek.attempts(result.job_id)] == [*["OSError: try again"] * 2, None]


@pytest.mark.every_backend
def test_retries_run_out(worker: upnext.Worker) -> None:
    @worker.task(retries=1, retry_delay=0.01)
    def never() -> None:
        raise KeyError("x")

    async def main() -> None:
        async with running(worker):
            result = await failure(never)
            assert (result.attempts, result.error) == (2, "KeyError: 'x'")

    asyncio.run(main())


@pytest.mark.every_backend
@pytest.mark.parametrize("kind", ["async", "sync"])
def test_a_timeout_stops_the_task(worker: upnext.Worker, kind: str) -> None:
    stopped: list[str] = []

    async def slow_async() -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            stopped.append("async")
            raise

    def slow_sync() -> None:
        context = upnext.get_current_context()
        while not context.is_cancelled:
            time.sleep(0.01)
        stopped.append("sync")

    task = worker.task(name="slow", timeout=0.2)(slow_async if kind == "async" else slow_sync)

    async def main() -> None:
        async with running(worker):
            with pytest.raises(upnext.TaskTimeoutError) as caught:
                await task.wait(wait_timeout=20)
            result = caught.value.task_result
            assert result.failure_reason is upnext.FailureReason.TIMEOUT
            assert result.status is upnext.JobStatus.FAILED
            await eventually(lambda: stopped == [kind])

    asyncio.run(main())


@pytest.mark.every_backend
@pytest.mark.parametrize("kind", ["async", "sync"])
def test_cancelling_a_running_job(worker: upnext.Worker, kind: str) -> None:
    begun = threading.Event()

    async def slow_async() -> None:
        begun.set()
        await asyncio.sleep(30)

    def slow_sync() -> None:
        begun.set()
        context = upnext.get_current_context()
        while not context.is_cancelled:
            time.sleep(0.01)

    task = worker.task(name="slow")(slow_async if kind == "async" else slow_sync)

    async def main() -> None:
        async with running(worker):
            future = await task.submit()
            await eventually(begun.is_set)
            assert await future.cancel()
            with pytest.raises(upnext.TaskExecutionError, match="was cancelled") as caught:
                await future.result(20)
            assert caught.value.status is upnext.JobStatus.CANCELLED
            assert caught.value.task_result.failure_reason is upnext.FailureReason.CANCELLED
            assert not isinstance(caught.value, upnext.TaskTimeoutError)
            assert not await future.cancel()

    asyncio.run(main())


@pytest.mark.every_backend
def test_cancelling_a_waiting_job(worker: upnext.Worker) -> None:
    @worker.task
    async def noop() -> None: ...

    async def main() -> None:
        future = await noop.submit()
        assert await future.cancel()
        with pytest.raises(upnext.TaskExecutionError):
            await future.value(20)

    asyncio.run(main())


def test_a_cancelled_error_of_the_tasks_own_is_a_failure(worker: upnext.Worker) -> None:
    @worker.task
    async def strange() -> None:
        raise asyncio.CancelledError("mine")

    async def main() -> None:
        async with running(worker):
            result = await failure(strange)
            assert result.error == "CancelledError: mine"

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["async", "sync"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_exits_raised_by_a_task_fail_the_job_not_the_worker(
    worker: upnext.Worker, kind: str, error: type[BaseException]
) -> None:
    async def exits_async() -> None:
        raise error("bye")

    def exits_sync() -> None:
        raise error("bye")

    exits = worker.task(name="exits")(exits_async if kind == "async" else exits_sync)

    @worker.task
    async def fine() -> int:
        return 1

    async def main() -> None:
        async with running(worker):
            assert (await failure(exits)).error == f"{error.__name__}: bye"
            assert (await fine.wait(wait_timeout=20)).value == 1

    asyncio.run(main())


@pytest.mark.every_backend
def test_a_result_that_json_cannot_carry_is_not_tried_again(worker: upnext.Worker) -> None:
    @worker.task(retries=5)
    async def odd() -> Any:
        return {"rows": [1, {"when": threading}]}

    async def main() -> None:
        async with running(worker):
            result = await failure(odd)
            assert result.attempts == 1
            assert result.error == (
                "TypeError: task 'odd' returned a value that cannot be kept: "
                "the result.rows[1].when is a module, which JSON cannot carry"
            )

    asyncio.run(main())


@pytest.mark.every_backend
def test_stored_arguments_that_do_not_fit_are_not_tried_again(worker: upnext.Worker) -> None:
    old = upnext.Worker("old")

    @old.task(name="report", retries=5)
    async def report_before(kind: str) -> None: ...

    @worker.task(name="report", retries=5)
    async def report_now(sort: str) -> None: ...

    async def main() -> None:
        future = await report_before.submit("x")
        async with running(worker):
            with pytest.raises(upnext.TaskExecutionError) as caught:
                await future.result(20)
            assert caught.value.error == "TypeError: task 'report' needs the argument 'sort': it takes sort"
            assert caught.value.task_result.attempts == 1

    asyncio.run(main())


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def test_exceptions_that_cannot_be_shown(worker: upnext.Worker) -> None:
    @worker.task
    async def mute() -> None:
        raise UnspeakableError

    @worker.task
    async def surrogate() -> None:
        raise ValueError("\ud800")

    @worker.task
    async def empty() -> None:
        raise ValueError

    async def main() -> None:
        async with running(worker):
            assert (await failure(mute)).error == "UnspeakableError: (the exception cannot say what it is)"
            assert (await failure(surrogate)).error == "ValueError: \\ud800"
            assert (await failure(empty)).error == "ValueError"

    asyncio.run(main())


def test_a_stuck_thread_gives_its_slot_back_and_the_worker_stops() -> None:
    worker = upnext.Worker("narrow", concurrency=1)
    release = threading.Event()

    @worker.task(timeout=0.1)
    def stuck() -> None:
        release.wait(60)

    @worker.task
    def fine() -> int:
        return 1

    async def main() -> None:
        async with running(worker, timeout=0.1):
            first = await stuck.submit()
            assert (await fine.wait(wait_timeout=20)).value == 1
            with pytest.raises(upnext.TaskTimeoutError):
                await first.result(20)

    asyncio.run(main())
    release.set()


@pytest.mark.every_backend
def test_hooks_are_called_around_attempts(worker: upnext.Worker, caplog: pytest.LogCaptureFixture) -> None:
    calls: list[str] = []

    def plain(name: str) -> Any:
        return lambda: calls.append(name)

    def with_context(name: str) -> Any:
        async def hook(context: upnext.Context) -> None:
            await asyncio.sleep(0)
            calls.append(f"{name} {context.attempt} {context.function}")

        return hook

    def broken() -> None:
        calls.append("broken")
        raise RuntimeError("hook failed")

    options: dict[str, Any] = {
        "retries": 1,
        "retry_delay": 0.01,
        "on_start": with_context("start"),
        "on_success": broken,
        "on_failure": plain("failure"),
        "on_retry": with_context("retry"),
        "on_complete": plain("complete"),
    }

    @worker.task(**options)
    async def good() -> int:
        return 1

    @worker.task(**options)
    def bad() -> None:
        raise ValueError

    async def main() -> None:
        async with running(worker):
            assert (await good.wait(wait_timeout=20)).value == 1
            assert calls == ["start 1 good", "broken", "complete"]
            calls.clear()
            await failure(bad)
            assert calls == ["start 1 bad", "retry 1 bad", "start 2 bad", "failure", "complete"]

    asyncio.run(main())
    assert "hook failed" in caplog.text


@pytest.mark.every_backend
def test_hooks_after_timeout_and_cancel(worker: upnext.Worker) -> None:
    calls: list[str] = []
    begun = threading.Event()

    async def slow() -> None:
        begun.set()
        await asyncio.sleep(30)

    def record(name: str) -> Any:
        return lambda context: calls.append(name)

    hooks: dict[str, Any] = {name: record(name) for name in ("on_success", "on_failure", "on_retry", "on_complete")}
    timed = worker.task(name="timed", timeout=0.1, **hooks)(slow)
    cancelled = worker.task(name="cancelled", **hooks)(slow)

    async def main() -> None:
        async with running(worker):
            with pytest.raises(upnext.TaskTimeoutError):
                await timed.wait(wait_timeout=20)
            assert calls == ["on_failure", "on_complete"]
            calls.clear()
            begun.clear()
            future = await cancelled.submit()
            await eventually(begun.is_set)
            await future.cancel()
            with pytest.raises(upnext.TaskExecutionError):
                await future.result(20)
            assert calls == ["on_complete"]

    asyncio.run(main())


tenant: contextvars.ContextVar[str] = contextvars.ContextVar("tenant", default="nobody")


def test_context_variables_of_the_caller_do_not_leak_into_jobs(worker: upnext.Worker) -> None:
    @worker.task
    async def who() -> str:
        before = tenant.get()
        tenant.set("job")
        return before

    @worker.task
    def who_sync() -> str:
        before = tenant.get()
        tenant.set("job")
        return before

    async def main() -> None:
        tenant.set("caller")
        async with running(worker):
            for _ in range(3):
                assert (await who.wait(wait_timeout=20)).value == "nobody"
                assert (await who_sync.wait(wait_timeout=20)).value == "nobody"

    asyncio.run(main())


def test_failures_are_logged_and_successes_only_when_asked(
    worker: upnext.Worker, caplog: pytest.LogCaptureFixture
) -> None:
    @worker.task
    async def fine() -> None: ...

    @worker.task
    async def bad() -> None:
        raise ValueError("oh")

    async def main() -> None:
        async with running(worker):
            await fine.wait(wait_timeout=20)
            await failure(bad)

    asyncio.run(main())
    assert "failed in attempt 1 of 1: ValueError: oh" in caplog.text
    assert "completed" not in caplog.text
    with caplog.at_level(logging.INFO, "upnext.worker"):
        asyncio.run(main())
    assert "(fine) started" in caplog.text
    assert "(fine) completed" in caplog.text


def test_concurrency_is_kept() -> None:
    worker = upnext.Worker("three", concurrency=3)
    now, most = 0, 0

    @worker.task
    async def count() -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1

    async def main() -> None:
        async with running(worker):
            await upnext.gather(await upnext.submit_many(count, [{}] * 20))

    asyncio.run(main())
    assert most == 3


@pytest.mark.every_backend
def test_a_stopping_worker_waits_and_then_gives_back(worker: upnext.Worker) -> None:
    begun: list[str] = []
    ended: list[str] = []

    @worker.task
    async def work(name: str, seconds: float) -> str:
        begun.append(name)
        await asyncio.sleep(seconds)
        ended.append(name)
        return name

    async def main() -> None:
        await worker.start()
        quick = await work.submit("quick", 0.2)
        slow = await work.submit("slow", 30)
        await eventually(lambda: len(begun) == 2)
        await worker.stop(timeout=0.5)
        assert ended == ["quick"]
        assert await quick.value(5) == "quick"
        assert peek.job(slow.job_id)["status"] == "queued"
        assert peek.job(slow.job_id)["attempts"] == 0
        assert peek.workers()[-1]["stopped_at"] is not None
        await worker.stop()

    asyncio.run(main())


@pytest.mark.every_backend
def test_a_loop_that_ends_without_stop_leaves_no_job_behind(worker: upnext.Worker) -> None:
    begun = threading.Event()

    @worker.task
    async def slow() -> None:
        begun.set()
        await asyncio.sleep(30)

    async def main() -> str:
        await worker.start()
        future = await slow.submit()
        await eventually(begun.is_set)
        return future.job_id

    job_id = asyncio.run(main())
    assert peek.job(job_id)["status"] == "queued"
    assert peek.workers()[-1]["stopped_at"] is not None


def test_starting_twice_and_starting_nothing(worker: upnext.Worker) -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match="worker 'demo' has no task"):
            await worker.start()

        @worker.task
        async def noop() -> None: ...

        async with running(worker):
            with pytest.raises(RuntimeError, match="running already"):
                await worker.start()
        async with running(worker):
            assert (await noop.wait(wait_timeout=20)).ok

    asyncio.run(main())
