"""`upnext.testing`: deployments of one test, and clocks moved by hand."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

import upnext
from upnext import testing


def test_a_task_runs_with_all_that_belongs_to_it(worker: upnext.Worker, home: Path) -> None:
    @worker.task
    async def double(n: int) -> int:
        return n * 2

    @worker.task(retries=1, retry_delay=0.0)
    async def report(kind: str) -> int:
        context = upnext.get_current_context()
        if context.attempt == 1:
            raise ConnectionError("lost")
        await upnext.create_artifact("report.json", {"kind": kind, "attempt": context.attempt})
        return (await double.wait(21)).value

    run = testing.run_sync(report, "monthly")
    assert run.value == 42
    assert run.result.attempts == 2
    assert run.contents == {"report.json": b'{"kind":"monthly","attempt":2}'}
    assert run.artifacts["report.json"].type is upnext.ArtifactType.JSON
    assert not home.exists(), "a test's deployment should leave nothing in the data folder"


def test_what_fails_raises_as_it_does_elsewhere(worker: upnext.Worker) -> None:
    @worker.task
    def fail() -> None:
        raise ValueError("on purpose")

    with pytest.raises(upnext.TaskExecutionError, match="on purpose"):
        testing.run_sync(fail)


def test_a_delay_of_a_month_passes_at_once(worker: upnext.Worker) -> None:
    ran: list[str] = []

    @worker.task
    async def remind(who: str) -> None:
        ran.append(who)

    async def main() -> None:
        began = time.monotonic()
        async with testing.deployment(worker) as test:
            await remind.options(delay=timedelta(days=30)).submit("Ann")
            await remind.options(at=test.clock.now + timedelta(days=20)).submit("Bob")
            await test.settle()
            assert ran == []
            test.clock.advance(days=25)
            await test.settle()
            assert ran == ["Bob"]
            test.clock.advance(timedelta(days=5))
            await test.settle()
            assert ran == ["Bob", "Ann"]
        assert time.monotonic() - began < 10

    asyncio.run(main())


def test_a_schedule_follows_the_clock_through_daylight_saving_time(worker: upnext.Worker) -> None:
    ran: list[datetime] = []
    clocks: list[testing.Clock] = []

    @worker.cron("30 2 * * *", timezone="Europe/Berlin", missed_run_policy=upnext.MissedRunPolicy.CATCH_UP)
    async def nightly() -> None:
        ran.append(clocks[0].now)

    async def main() -> None:
        # On 29 March 2026 there is no half past two in Berlin.
        async with testing.deployment(worker, now=datetime(2026, 3, 28, 0, 0, tzinfo=timezone.utc)) as test:
            clocks.append(test.clock)
            for _ in range(3 * 24):
                test.clock.advance(hours=1)
                await test.settle()

    asyncio.run(main())
    # 02:30 winter time is 01:30 UTC, the moment after the gap 01:00, 02:30 summer time 00:30; seen to the full hour.
    assert [(moment.day, moment.hour) for moment in ran] == [(28, 2), (29, 1), (30, 1)]


def test_leases_outlive_a_clock_that_is_moved(worker: upnext.Worker) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    @worker.task
    async def slow() -> int:
        started.set()
        await go_on.wait()
        return upnext.get_current_context().attempt

    async def main() -> None:
        async with testing.deployment(worker) as test:
            job = await slow.submit()
            await started.wait()
            test.clock.advance(days=365)
            go_on.set()
            assert await job.value(timeout=20) == 1

    asyncio.run(main())


def test_settling_says_what_it_waits_for(worker: upnext.Worker) -> None:
    @worker.task
    async def mine() -> None: ...

    @upnext.Worker("not started").task
    async def nobody_runs() -> None: ...

    async def main() -> None:
        async with testing.deployment(worker) as test:
            await nobody_runs.submit()
            with pytest.raises(TimeoutError, match="does a worker of this test offer their tasks"):
                await test.settle(timeout=0.2)

    asyncio.run(main())


def test_clocks_refuse_what_makes_no_sense(worker: upnext.Worker) -> None:
    @worker.task
    async def mine() -> None: ...

    async def main() -> None:
        async with testing.deployment(worker) as test:
            with pytest.raises(ValueError, match="is advanced by a positive time"):
                test.clock.advance(seconds=-1)
            with pytest.raises(ValueError, match="has no time zone"):
                test.clock.set(datetime(2026, 1, 1))  # noqa: DTZ001
        with pytest.raises(ValueError, match="has no time zone"):
            async with testing.deployment(worker, now=datetime(2026, 1, 1)):  # noqa: DTZ001
                pass

    asyncio.run(main())


def test_two_deployments_share_nothing(worker: upnext.Worker) -> None:
    @worker.task
    async def make() -> str:
        await upnext.create_artifact("a.json", {})
        return upnext.get_current_context().job_id

    async def main() -> None:
        async with testing.deployment(worker):
            first = (await make.wait()).value
            assert len(await upnext.list_artifacts()) == 1
        async with testing.deployment(worker):
            assert await upnext.list_artifacts() == []
            assert (await make.wait()).value != first

    asyncio.run(main())
