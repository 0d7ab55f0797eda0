"""Events and their handlers."""

from __future__ import annotations

import asyncio

import pytest
from harness import Programs, running

import upnext

pytestmark = pytest.mark.every_backend


def test_every_handler_whose_pattern_fits_gets_a_job(worker: upnext.Worker) -> None:
    @worker.event("order.placed").on
    async def reserve(order_id: int) -> str:
        return f"reserve {order_id}"

    @worker.event("order.*").on(retries=2)
    def audit(order_id: int) -> str:
        return f"audit {order_id}"

    @worker.event("order.cancelled").on
    async def refund(order_id: int) -> str:
        return f"refund {order_id}"

    async def main() -> None:
        async with running(worker):
            jobs = await worker.event("order.placed").send(order_id=7)
            assert sorted(await upnext.gather(*jobs)) == ["audit 7", "reserve 7"]
            jobs = await refund.send(8)
            assert sorted(await upnext.gather(*jobs)) == ["audit 8", "refund 8"]
            assert await worker.event("nothing.happened").send(x=1) == []

    asyncio.run(main())
    assert asyncio.run(reserve(1)) == "reserve 1"
    assert audit(order_id=1) == "audit 1"


def test_an_event_needs_no_started_worker_and_is_kept(worker: upnext.Worker) -> None:
    event = worker.event("user.signed_up")

    @event.on
    async def welcome(name: str) -> str:
        return f"Welcome {name}"

    async def main() -> None:
        [job] = await event.send_idempotent("k", name="Ann")
        [same] = await event.send_idempotent("k", name="Ann")
        assert job.job_id == same.job_id
        async with running(worker):
            result = await job.result(timeout=20)
            assert (result.value, result.function) == ("Welcome Ann", "welcome")

    asyncio.run(main())


def test_an_event_reaches_handlers_of_other_processes(worker: upnext.Worker, programs: Programs) -> None:
    programs.write(
        "handlers.py",
        """
        import upnext

        worker = upnext.Worker("elsewhere")

        @worker.event("order.**").on
        def elsewhere(order_id: int) -> int:
            return order_id * 2
        """,
    )
    process = programs.start("-m", "upnext", "run", "handlers.py")
    programs.wait_for(process, "elsewhere")

    async def main() -> None:
        async def sent() -> list[upnext.Future[object]]:
            return await worker.event("order.item.added").send(order_id=21)

        for _ in range(200):
            jobs = await sent()
            if jobs:
                break
            await asyncio.sleep(0.05)
        assert await jobs[0].value(timeout=20) == 42

    asyncio.run(main())


@pytest.mark.one_backend
def test_events_are_sent_under_one_name(worker: upnext.Worker) -> None:
    with pytest.raises(ValueError, match=r"'order\.\*' is a pattern"):
        worker.event("order.*").send_sync(a=1)
    with pytest.raises(ValueError, match="is not an event pattern"):
        worker.event("two words").on(lambda: None, name="f")


@pytest.mark.one_backend
def test_sending_blocks_no_loop(worker: upnext.Worker) -> None:
    event = worker.event("e")
    assert event.send_sync(a=1) == []

    async def main() -> None:
        with pytest.raises(RuntimeError, match=r"await handle\.send"):
            event.send_sync(a=1)

    asyncio.run(main())


def test_what_a_job_sends_is_its_child(worker: upnext.Worker) -> None:
    event = worker.event("made")

    @event.on
    def child() -> str:
        return str(upnext.get_current_context().parent_id)

    @worker.task
    async def parent() -> list[str]:
        return [await job.value() for job in await event.send()]

    async def main() -> None:
        async with running(worker):
            result = await parent.wait(wait_timeout=20)
            assert result.value == [result.job_id]

    asyncio.run(main())
