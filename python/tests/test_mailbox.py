"""The border between the engine and asyncio: loops without sockets, cancelled waits, several loops."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from typing import Any

import pytest
from harness import eventually_sync, running

import upnext
from upnext import _mailbox


class NoReaders(asyncio.SelectorEventLoop):
    """A loop that cannot watch descriptors, as Windows' proactor."""

    def add_reader(self, fd: Any, callback: Any, *args: Any) -> Any:
        raise NotImplementedError


def test_a_loop_without_readers_is_woken_by_a_thread(worker: upnext.Worker) -> None:
    @worker.task
    async def double(x: int) -> int:
        return 2 * x

    async def main() -> list[Any]:
        async with running(worker):
            return [
                result.value for result in await asyncio.gather(*(double.wait(x, wait_timeout=20) for x in range(100)))
            ]

    before = threading.active_count()
    loop = NoReaders()
    try:
        assert loop.run_until_complete(main()) == [2 * x for x in range(100)]
    finally:
        loop.close()
    eventually_sync(lambda: threading.active_count() <= before, "the end of every thread")


def test_a_cancelled_wait_lets_go(worker: upnext.Worker) -> None:
    @worker.task
    async def noop() -> int:
        return 1

    async def main() -> None:
        future = await noop.submit()
        with pytest.raises((asyncio.TimeoutError, TimeoutError)):
            await asyncio.wait_for(future.result(), 0.05)
        waits = [asyncio.ensure_future(noop.wait()) for _ in range(10)]
        await asyncio.sleep(0)
        for wait in waits:
            wait.cancel()
        assert all(
            isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*waits, return_exceptions=True)
        )
        async with running(worker):
            assert await future.value(20) == 1

    asyncio.run(main())


def test_each_loop_has_its_own_mailbox_and_takes_it_along(worker: upnext.Worker) -> None:
    @worker.task
    async def noop() -> None: ...

    gc.collect()
    before = len(_mailbox._mailboxes)
    loops: list[weakref.ref[Any]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert _mailbox.mailbox_of(loop) is _mailbox.mailbox_of(loop)
        loops.append(weakref.ref(loop))
        async with running(worker):
            await noop.wait(wait_timeout=20)

    for _ in range(3):
        asyncio.run(main())
    gc.collect()
    assert [loop() for loop in loops] == [None] * 3
    assert len(_mailbox._mailboxes) <= before


def test_loops_in_several_threads() -> None:
    workers = [upnext.Worker(f"w{n}") for n in range(3)]
    results: list[int] = []

    def in_thread(number: int) -> None:
        @workers[number].task(name=f"task{number}")
        async def task() -> int:
            return number

        async def main() -> None:
            async with running(workers[number]):
                results.append((await task.wait(wait_timeout=20)).value)

        asyncio.run(main())

    threads = [threading.Thread(target=in_thread, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    eventually_sync(lambda: sorted(results) == [0, 1, 2])
