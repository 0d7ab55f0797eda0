"""SAQ: asyncio jobs on Redis lists and sorted sets."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Any

from saq import Queue

from peers import bodies
from peers.base import Arguments, Peer, command

PROCESSES = int(os.environ.get("BENCH_PROCESSES", "1"))
#: How often a waiting caller looks for a result, in seconds.
POLL = 0.002
queue = Queue.from_url(os.environ["BENCH_URL"])


async def noop(_context: Any) -> None:
    await bodies.noop()


async def stamp(_context: Any, *, sent: int) -> None:
    await bodies.stamp(sent)


async def nap(_context: Any) -> None:
    await bodies.nap()


async def crunch(_context: Any) -> None:
    bodies.crunch()


async def echo(_context: Any, *, number: int) -> int:
    return await bodies.echo(number)


async def branch(_context: Any, *, leaves: int) -> int:
    return sum(await queue.map("echo", [{"number": 1}] * leaves, poll_interval=POLL))


async def root(_context: Any, *, branches: int, leaves: int) -> int:
    return sum(await queue.map("branch", [{"leaves": leaves}] * branches, poll_interval=POLL))


settings = {
    "queue": queue,
    "functions": [noop, stamp, nap, crunch, echo, branch, root],
    "concurrency": bodies.CONCURRENCY if PROCESSES == 1 else 4,
}


class Saq(Peer):
    """SAQ with hiredis."""

    settings = "hiredis; concurrency 32; results polled every 2 ms"

    def worker_command(self, processes: int) -> list[str]:
        return [command("saq"), "peers.saq.settings", "--workers", str(processes), "--quiet"]

    async def open(self) -> None:
        await queue.connect()

    async def close(self) -> None:
        await queue.disconnect()

    async def submit_many(self, task: str, arguments: Sequence[Arguments]) -> None:
        names = {"stamp": "sent", "echo": "number"}
        for start in range(0, len(arguments), 1000):
            some = arguments[start : start + 1000]
            # A job may wait for as long as the others need.
            await asyncio.gather(
                *(queue.enqueue(task, timeout=0, **({names[task]: given[0]} if given else {})) for given in some)
            )

    async def drained(self) -> bool:
        return await queue.count("incomplete") == 0

    async def ping(self, number: int) -> object:
        return await queue.apply("echo", poll_interval=POLL, number=number)

    async def tree(self, branches: int, leaves: int) -> object:
        return await queue.apply("root", poll_interval=POLL, branches=branches, leaves=leaves)


PEER = Saq
