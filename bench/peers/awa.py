"""awa: a Rust core on PostgreSQL. Run as a module, it is the worker: its package has no command for one."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from awa import AsyncClient

from peers import bodies
from peers.base import Arguments, Peer
from peers.twice import several

QUEUE = "bench"


@dataclass
class Noop:
    """Does nothing."""


@dataclass
class Stamp:
    """Notes when it was submitted."""

    sent: int


@dataclass
class Nap:
    """Waits."""


@dataclass
class Crunch:
    """Computes."""


KINDS = {"noop": Noop, "stamp": Stamp, "nap": Nap, "crunch": Crunch}


async def work() -> None:
    """A worker."""
    client = AsyncClient(os.environ["BENCH_URL"])

    @client.task(Noop, queue=QUEUE)
    async def noop(_job: Any) -> None:
        await bodies.noop()

    @client.task(Stamp, queue=QUEUE)
    async def stamp(job: Any) -> None:
        await bodies.stamp(job.args.sent)

    @client.task(Nap, queue=QUEUE)
    async def nap(_job: Any) -> None:
        await bodies.nap()

    @client.task(Crunch, queue=QUEUE)
    async def crunch(_job: Any) -> None:
        bodies.crunch()

    several_processes = os.environ.get("BENCH_PROCESSES", "1") != "1"
    await client.start([(QUEUE, 4 if several_processes else bodies.CONCURRENCY)])
    await asyncio.Event().wait()


class Awa(Peer):
    """awa with its queue storage and COPY ingestion."""

    settings = "32 workers; enqueue_many_copy; queue storage"

    def worker_command(self, processes: int) -> list[str]:
        return several(processes, [sys.executable, "-m", "peers.awa"])

    async def prepare(self) -> None:
        client = AsyncClient(self.url)
        await client.migrate()
        await client.install_queue_storage(schema="awa")

    async def open(self) -> None:
        self._client = AsyncClient(self.url)

    async def close(self) -> None:
        await self._client.close()

    async def submit_many(self, task: str, arguments: Sequence[Arguments]) -> None:
        kind: Any = KINDS[task]
        await self._client.enqueue_many_copy([kind(*given) for given in arguments], queue=QUEUE)

    async def submit(self, task: str, *arguments: object) -> None:
        kind: Any = KINDS[task]
        await self._client.insert(kind(*arguments), queue=QUEUE)

    async def drained(self) -> bool:
        stats = [each for each in await self._client.queue_stats() if each.queue == QUEUE]
        return all(each.available + each.running == 0 for each in stats)


PEER = Awa

if __name__ == "__main__":
    asyncio.run(work())
