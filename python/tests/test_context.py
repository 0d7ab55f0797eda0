"""The context: what a running task knows of its job and says about it."""

from __future__ import annotations

import asyncio
from typing import Any

import peek
import pytest
from harness import running

import upnext

pytestmark = pytest.mark.every_backend


@pytest.mark.one_backend
def test_there_is_no_context_outside_a_job() -> None:
    with pytest.raises(RuntimeError, match=r"get_current_context\(\) works only inside a running job"):
        upnext.get_current_context()


def _facts() -> dict[str, Any]:
    context = upnext.get_current_context()
    return {
        "job_id": context.job_id,
        "job_key": context.job_key,
        "parent_id": context.parent_id,
        "root_id": context.root_id,
        "attempt": context.attempt,
        "max_attempts": context.max_attempts,
        "function": context.function,
        "function_name": context.function_name,
        "is_cancelled": context.is_cancelled,
        "checkpoint_state": context.checkpoint_state,
    }


@pytest.mark.parametrize("kind", ["async", "sync", "nested"])
def test_the_context_knows_the_job(worker: upnext.Worker, kind: str) -> None:
    async def facts_async() -> dict[str, Any]:
        return _facts()

    async def facts_nested() -> dict[str, Any]:
        return await asyncio.create_task(asyncio.to_thread(_facts))

    functions: dict[str, Any] = {"async": facts_async, "sync": lambda: _facts(), "nested": facts_nested}
    task = worker.task(name="facts", retries=4)(functions[kind])

    async def main() -> upnext.TaskResult[Any]:
        async with running(worker):
            return await task.wait_idempotent("the key", wait_timeout=20)

    result = asyncio.run(main())
    assert result.value == {
        "job_id": result.job_id,
        "job_key": "the key",
        "parent_id": None,
        "root_id": result.job_id,
        "attempt": 1,
        "max_attempts": 5,
        "function": "facts",
        "function_name": "facts",
        "is_cancelled": False,
        "checkpoint_state": None,
    }


def test_a_retry_finds_the_last_checkpoint(worker: upnext.Worker) -> None:
    @worker.task(retries=1, retry_delay=0.01)
    def resume() -> Any:
        context = upnext.get_current_context()
        if context.attempt == 1:
            context.checkpoint({"row": 1})
            context.checkpoint({"row": 2, "größe": [None]})
            raise ConnectionError
        return context.checkpoint_state

    async def main() -> Any:
        async with running(worker):
            return (await resume.wait(wait_timeout=20)).value

    assert asyncio.run(main()) == {"row": 2, "größe": [None]}


@pytest.mark.one_backend
def test_bad_checkpoints(worker: upnext.Worker) -> None:
    @worker.task
    async def bad() -> list[str]:
        messages = []
        for state in ([1], {"a": {1}}):
            with pytest.raises(TypeError) as caught:
                upnext.get_current_context().checkpoint(state)  # type: ignore[arg-type]
            messages.append(str(caught.value))
        return messages

    async def main() -> Any:
        async with running(worker):
            return (await bad.wait(wait_timeout=20)).value

    assert asyncio.run(main()) == [
        "a checkpoint is a dict, not list",
        "checkpoint.a is a set, which JSON cannot carry",
    ]


def test_log_lines_are_kept_in_order_before_the_end(worker: upnext.Worker) -> None:
    @worker.task
    async def talk() -> None:
        context = upnext.get_current_context()
        context.send_log("INFO", "first", rows=3, who="größe")
        context.log.warning("second %d of %s", 2, "3")
        context.log.debug("100 %")
        with pytest.raises(ValueError, match="one of debug, info"):
            context.send_log("loud", "x")
        with pytest.raises(TypeError, match="log: the argument bad is an object"):
            context.send_log("info", "x", bad=object())

    async def main() -> str:
        async with running(worker):
            return (await talk.wait(wait_timeout=20)).job_id

    assert peek.logs(asyncio.run(main())) == [
        ("info", "first", {"rows": 3, "who": "größe"}),
        ("warning", "second 2 of 3", None),
        ("debug", "100 %", None),
    ]


@pytest.mark.parametrize(("said", "kept"), [(0.25, 0.25), (1, 1.0), (50, 0.5), (0, 0.0), (100, 1.0), (1.5, 0.015)])
def test_progress_is_a_fraction_or_percent(worker: upnext.Worker, said: float, kept: float) -> None:
    @worker.task
    async def work() -> None:
        upnext.get_current_context().set_progress(said, "so far")
        raise ValueError("stop here")

    async def main() -> str:
        async with running(worker):
            future = await work.submit()
            with pytest.raises(upnext.TaskExecutionError):
                await future.result(20)
            return future.job_id

    row = peek.job(asyncio.run(main()))
    assert (row["progress"], row["progress_message"]) == (pytest.approx(kept), "so far")


@pytest.mark.one_backend
@pytest.mark.parametrize("bad", [-0.1, 100.5, float("nan"), float("inf"), True, "half", None])
def test_bad_progress(worker: upnext.Worker, bad: Any) -> None:
    @worker.task
    async def work() -> None:
        with pytest.raises(ValueError, match="progress is"):
            upnext.get_current_context().set_progress(bad)

    async def main() -> None:
        async with running(worker):
            assert (await work.wait(wait_timeout=20)).ok

    # A float("nan") in a closure is fine: arguments are what cannot carry it.
    asyncio.run(main())


def test_fast_progress_is_merged_and_the_last_step_arrives(
    worker: upnext.Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPNEXT_PROGRESS_MIN_INTERVAL_SECONDS", "0.1")
    seen: list[float] = []

    @worker.task
    async def work() -> None:
        context = upnext.get_current_context()
        for step in range(1, 60):
            context.set_progress(step / 100)
        seen.append(peek.job(context.job_id)["progress"])
        # What was held back comes by itself, without another call.
        while peek.job(context.job_id)["progress"] != 0.59:
            await asyncio.sleep(0.01)
        context.set_progress(0.595)
        context.set_progress(1.0)

    async def main() -> str:
        # The first look takes longer than what is held back.
        assert peek.workers() == []
        async with running(worker):
            return (await work.wait(wait_timeout=20)).job_id

    job_id = asyncio.run(main())
    assert seen[0] <= 0.01
    assert peek.job(job_id)["progress"] == 1.0
