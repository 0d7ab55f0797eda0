"""Many jobs at once: a few at a time, the first of several, and what is refused."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import peek
import pytest
from harness import eventually, running

import upnext

pytestmark = pytest.mark.every_backend


def test_map_tasks_keeps_the_order_and_the_limit(worker: upnext.Worker) -> None:
    at_once = most = 0

    @worker.task
    async def double(n: int) -> int:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        # Longer for the first ones, so that they end last.
        await asyncio.sleep(0.05 / (n + 1))
        at_once -= 1
        return 2 * n

    async def main() -> None:
        async with running(worker):
            assert await upnext.map_tasks(double, [{"n": n} for n in range(7)], concurrency=2) == [
                2 * n for n in range(7)
            ]
            assert await upnext.map_tasks(double, ({"n": n} for n in range(2))) == [0, 2]
            assert await upnext.map_tasks(double, []) == []

    asyncio.run(main())
    assert most == 2


@pytest.mark.one_backend
def test_map_tasks_checks_everything_first(worker: upnext.Worker, home: Path) -> None:
    @worker.task
    async def double(n: int) -> int:
        return 2 * n

    async def main() -> None:
        with pytest.raises(upnext.ArgumentError, match="the argument 'n' must be int, not 'x'"):
            await upnext.map_tasks(double, [{"n": 1}, {"n": "x"}])
        with pytest.raises(TypeError, match="each input is a dict of named arguments, and number 1 is a int"):
            await upnext.submit_many(double, [{"n": 1}, 2])  # type: ignore[list-item]
        for bad in (0, True, 1.5):
            with pytest.raises(ValueError, match="concurrency is a whole number of at least 1"):
                await upnext.map_tasks(double, [], concurrency=bad)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=r"map_tasks\(\) takes a task, .* not a function"):
            await upnext.map_tasks(main, [])  # type: ignore[arg-type]
        assert not (home / "upnext.db").exists()

    asyncio.run(main())


def test_map_tasks_submits_no_more_after_a_failure(worker: upnext.Worker) -> None:
    @worker.task
    async def fragile(n: int) -> int:
        if n == 1:
            raise ValueError("no")
        return n

    async def main() -> None:
        async with running(worker):
            with pytest.raises(upnext.TaskExecutionError, match="ValueError: no"):
                await upnext.map_tasks(fragile, [{"n": n} for n in range(50)], concurrency=1)
            assert len(peek.jobs("fragile")) == 2

    asyncio.run(main())


def test_the_first_that_ends_well_wins_and_the_rest_is_cancelled(worker: upnext.Worker) -> None:
    @worker.task
    async def slow() -> str:
        await asyncio.sleep(60)
        return "slow"

    @worker.task
    async def bad() -> str:
        raise ValueError("bad")

    @worker.task
    async def quick() -> str:
        return "quick"

    async def main() -> None:
        async with running(worker):
            futures = [await slow.submit(), await bad.submit(), await quick.submit()]
            assert await upnext.first_completed(*futures) == "quick"
            await eventually(lambda: peek.job(futures[0].job_id)["status"] == "cancelled", "the slow job is cancelled")
            assert await upnext.first_completed(iter([await quick.submit()])) == "quick"
            result = await upnext.first_completed(quick.wait(), asyncio.sleep(60))
            assert result.value == "quick"

    asyncio.run(main())


def test_nobody_ends_well(worker: upnext.Worker) -> None:
    @worker.task
    async def bad(n: int) -> str:
        raise ValueError(f"bad {n}")

    @worker.task
    async def slow() -> None:
        await asyncio.sleep(60)

    async def main() -> None:
        async with running(worker):
            with pytest.raises(upnext.TaskExecutionError, match="bad 1"):
                await upnext.first_completed(await bad.submit(1))
            several: Any = [await bad.submit(1), await bad.submit(2)]
            if sys.version_info < (3, 11):
                with pytest.raises(upnext.TaskExecutionError, match="bad"):
                    await upnext.first_completed(several)
            else:
                with pytest.raises(ExceptionGroup, match="all 2 that were waited for have failed") as group:  # noqa: F821
                    await upnext.first_completed(several)
                assert {error.error for error in group.value.exceptions} == {"ValueError: bad 1", "ValueError: bad 2"}
            future = await slow.submit()
            with pytest.raises(
                TimeoutError, match=f"none of these had ended well after 0.05 s: job {future.job_id}, sleep"
            ):
                await upnext.first_completed(future, asyncio.sleep(60), timeout=0.05)
            await eventually(lambda: peek.job(future.job_id)["status"] == "cancelled", "the slow job is cancelled")
            waiting = asyncio.ensure_future(upnext.first_completed(await slow.submit()))
            # A coroutine that is cancelled before its first step never runs.
            await asyncio.sleep(0)
            await eventually(lambda: peek.jobs("slow")[-1]["status"] == "active", "the second one runs")
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await eventually(lambda: peek.jobs("slow")[-1]["status"] == "cancelled", "it is cancelled with its waiter")

    asyncio.run(main())


@pytest.mark.one_backend
def test_what_cannot_be_waited_for() -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match="at least one"):
            await upnext.first_completed()
        with pytest.raises(ValueError, match="timeout is 0 seconds or more"):
            await upnext.first_completed(upnext.Future("a"), timeout=-1)
        for wait in (upnext.gather, upnext.first_completed):
            with pytest.raises(TypeError, match="a Future or an awaitable can be waited for, not a int"):
                await wait(asyncio.sleep(0), 7)
            with pytest.raises(TypeError, match="an iterable of them can be waited for, not a int"):
                await wait(7)

    asyncio.run(main())


def test_gather_takes_one_iterable(worker: upnext.Worker) -> None:
    @worker.task
    async def double(n: int) -> int:
        return 2 * n

    async def main() -> None:
        async with running(worker):
            futures = await upnext.submit_many(double, ({"n": n} for n in range(3)))
            assert await upnext.gather(iter(futures)) == [0, 2, 4]
            assert await upnext.gather([]) == []
            mixed = await upnext.gather(futures[1], double.wait(5))
            assert mixed[0] == 2
            assert mixed[1].value == 10

    asyncio.run(main())
