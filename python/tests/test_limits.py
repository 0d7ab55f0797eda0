"""Limits over all workers, concurrency keys, shared results, and when a job is due."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from harness import DEADLINE, running

import upnext

pytestmark = pytest.mark.every_backend


def test_no_more_jobs_run_at_once_than_allowed_over_two_workers(worker: upnext.Worker) -> None:
    now, most = 0, 0

    async def hold() -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.005)
        now -= 1

    task = worker.task(max_concurrency=2)(hold)
    other = upnext.Worker("other", concurrency=4)
    other.task(max_concurrency=2)(hold)

    async def main() -> None:
        async with running(worker, other):
            await upnext.gather(*await upnext.submit_many(task, [{}] * 20))

    asyncio.run(main())
    assert most == 2


def test_jobs_of_one_key_run_one_after_the_other_and_others_pass_them(worker: upnext.Worker) -> None:
    running_now: set[str] = set()
    order: list[str] = []
    release = asyncio.Event()

    @worker.task(concurrency_key="{customer}")
    async def serve(customer: str, number: int) -> None:
        assert customer not in running_now, f"two jobs of {customer} at once"
        running_now.add(customer)
        order.append(f"{customer}{number}")
        if customer == "a":
            await release.wait()
        running_now.discard(customer)

    async def main() -> None:
        async with running(worker):
            first = await upnext.submit_many(serve, [{"customer": "a", "number": n} for n in range(10)])
            other = await serve.wait("b", 0, wait_timeout=DEADLINE)
            assert other.ok
            assert order == ["a0", "b0"], "the job of b should pass those of a that wait"
            release.set()
            await upnext.gather(*first)

    asyncio.run(main())
    assert order == ["a0", "b0", *(f"a{n}" for n in range(1, 10))]


def test_a_rate_limit_spreads_the_starts(worker: upnext.Worker) -> None:
    starts: list[float] = []

    @worker.task(rate_limit="5/s")
    async def tick() -> None:
        starts.append(time.monotonic())

    @worker.task
    async def noop() -> None: ...

    async def main() -> None:
        async with running(worker):
            # Starts are counted by the claim, and the first one of all takes its time to come back.
            await noop.wait(wait_timeout=DEADLINE)
            await upnext.gather(*await upnext.submit_many(tick, [{}] * 12))

    asyncio.run(main())
    for first, sixth in zip(starts, starts[5:], strict=False):
        assert sixth - first > 0.98, f"six jobs began within {sixth - first:.3f} s"


def test_a_result_is_shared_with_jobs_of_the_same_arguments(worker: upnext.Worker) -> None:
    ran: list[str] = []

    @worker.task(cache_key="report:{kind}", cache_ttl=timedelta(minutes=5))
    def report(kind: str, unused: int = 0) -> dict[str, int]:
        ran.append(kind)
        return {"runs": len(ran)}

    async def main() -> None:
        async with running(worker):
            assert (await report.wait("a")).value == {"runs": 1}
            again = await report.wait("a", unused=7)
            assert (again.value, again.status, again.attempts) == ({"runs": 1}, upnext.JobStatus.COMPLETE, 1)
            assert (await report.wait("b")).value == {"runs": 2}

    asyncio.run(main())
    assert ran == ["a", "b"]


def test_a_delay_and_a_moment_hold_a_job_back(worker: upnext.Worker) -> None:
    @worker.task
    async def when() -> float:
        return time.time()

    async def main() -> None:
        async with running(worker):
            before = time.time()
            delayed = await when.options(delay=timedelta(seconds=0.3)).submit()
            at = await when.options(at=datetime.now(timezone.utc) + timedelta(seconds=0.3)).submit()
            past = await when.options(at=datetime(2000, 1, 1, tzinfo=timezone.utc)).submit()
            assert (await past.value(timeout=DEADLINE)) - before < 0.3
            for future in (delayed, at):
                assert (await future.value(timeout=DEADLINE)) - before >= 0.299

    asyncio.run(main())


def test_the_more_urgent_job_runs_first(worker: upnext.Worker) -> None:
    order: list[int] = []

    @worker.task
    async def note(priority: int) -> None:
        order.append(priority)

    async def main() -> None:
        futures = [await note.options(priority=priority).submit(priority) for priority in (0, -5, 10, 3)]
        worker.concurrency = 1
        async with running(worker):
            await upnext.gather(*futures)

    asyncio.run(main())
    assert order == [10, 3, 0, -5]


def test_options_leave_the_task_itself_alone(worker: upnext.Worker) -> None:
    @worker.task
    async def now() -> str:
        return "now"

    later = now.options(delay=3600)

    async def main() -> None:
        async with running(worker):
            waiting = await later.submit()
            assert (await now.wait(wait_timeout=DEADLINE)).value == "now"
            assert await waiting.cancel()

    asyncio.run(main())
    assert asyncio.run(later()) == "now"


@pytest.mark.one_backend
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate_limit": "often"}, "task 'f': 'often' is not a rate limit: write count/unit"),
        ({"rate_limit": 5}, "task 'f': rate_limit is a text, not a int"),
        ({"max_concurrency": 0}, "task 'f': max_concurrency is a whole number of at least 1, not 0"),
        ({"max_concurrency": True}, "not True"),
        ({"group_max_concurrency": 3}, "task 'f': group_max_concurrency needs a routing_group"),
        ({"cache_ttl": 5}, "task 'f': cache_ttl needs a cache_key"),
        ({"cache_key": "{b}"}, "task 'f': cache_key uses 'b', but it takes a"),
        ({"cache_key": "{a"}, "task 'f': cache_key: '{a' has a { that is not closed"),
        ({"key_max_concurrency": 2}, "task 'f': key_max_concurrency needs a concurrency_key"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_options_say_what_is_wrong(worker: upnext.Worker, options: dict[str, Any], message: str) -> None:
    def f(a: int) -> None: ...

    with pytest.raises((ValueError, TypeError)) as caught:
        worker.task(**options)(f)
    assert message in str(caught.value)


@pytest.mark.one_backend
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delay": -1}, "delay is a number of seconds of at least 0"),
        ({"delay": float("nan")}, "delay is a number of seconds of at least 0"),
        ({"at": datetime(2026, 1, 1)}, "at=2026-01-01T00:00:00 has no time zone"),  # noqa: DTZ001
        ({"at": "tomorrow"}, "at is a datetime, not a str"),
        ({"priority": 1.5}, "priority is a whole number"),
        ({"priority": 2**31}, "priority is a whole number"),
    ],
)
def test_bad_options_of_a_submission_say_what_is_wrong(
    worker: upnext.Worker, options: dict[str, Any], message: str
) -> None:
    @worker.task
    def f() -> None: ...

    with pytest.raises((ValueError, TypeError)) as caught:
        f.options(**options)
    assert message in str(caught.value)
