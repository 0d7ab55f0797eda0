"""Functions that run by themselves."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone
from typing import Any

import pytest
from harness import eventually, running

import upnext
from upnext import _client

pytestmark = pytest.mark.every_backend


def test_a_schedule_runs_once_a_tick_over_two_workers(worker: upnext.Worker) -> None:
    ran: list[str] = []

    async def tick() -> None:
        ran.append(upnext.get_current_context().job_id)

    worker.cron("* * * * * *")(tick)
    other = upnext.Worker("other")
    other.cron("* * * * * *")(tick)

    async def main() -> None:
        async with running(worker, other):
            began = datetime.now(timezone.utc)
            await eventually(lambda: len(ran) >= 3, "three runs")
            seconds = (datetime.now(timezone.utc) - began).total_seconds()
        assert len(ran) <= seconds + 1, f"{len(ran)} runs in {seconds:.1f} s"
        assert len(set(ran)) == len(ran)

    asyncio.run(main())


def test_the_policy_decides_about_runs_that_nobody_was_there_for(home: Any) -> None:
    ran: dict[str, int] = {"catch_up": 0, "latest_only": 0, "skip": 0}

    def made(schedule: str) -> upnext.Worker:
        worker = upnext.Worker("cron", concurrency=8)
        for policy in upnext.MissedRunPolicy:

            def count(name: str = policy.value) -> None:
                ran[name] += 1

            worker.cron(schedule, name=policy.value, missed_run_policy=policy, retries=1)(count)
        return worker

    async def main() -> None:
        # Registers a schedule of every second, whose runs of the next three seconds nobody makes.
        worker = made("* * * * * *")
        await worker.start()
        await worker.stop()
        before = dict(ran)
        await asyncio.sleep(3.2)
        worker = made("* * * * * *")
        await worker.start()
        await eventually(lambda: ran["catch_up"] - before["catch_up"] >= 3, "the missed runs")
        await eventually(lambda: ran["latest_only"] > before["latest_only"], "the latest run")
        await worker.stop()
        missed = {name: ran[name] - before[name] for name in ran}
        assert missed["latest_only"] < missed["catch_up"], missed

    asyncio.run(main())
    _client.forget()


@pytest.mark.one_backend
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("every day",), "task 'f': 'every day' is not a schedule: it has 2 fields"),
        (("61 * * * *",), "task 'f': '61 * * * *' is not a schedule"),
        ((5,), "schedule is a text, not a int"),
    ],
)
def test_bad_schedules_say_what_is_wrong(worker: upnext.Worker, arguments: tuple[Any, ...], message: str) -> None:
    def f() -> None: ...

    with pytest.raises((ValueError, TypeError)) as caught:
        worker.cron(*arguments)(f)
    assert message in str(caught.value)


@pytest.mark.one_backend
def test_a_time_zone_that_does_not_exist_is_named(worker: upnext.Worker) -> None:
    with pytest.raises(ValueError, match="there is no time zone 'Mars/Base'"):
        worker.cron("* * * * *", timezone="Mars/Base", name="f")(lambda: None)


@pytest.mark.one_backend
def test_a_policy_that_does_not_exist_is_named(worker: upnext.Worker) -> None:
    with pytest.raises(ValueError, match="'sometimes'"):
        worker.cron("* * * * *", missed_run_policy="sometimes", name="f")(lambda: None)
