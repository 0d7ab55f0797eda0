"""ArdiQ: a Rust core on Redis streams."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

from ardiq import Ardiq

from peers import bodies
from peers.base import Arguments, Peer, Redis, command

PROCESSES = int(os.environ.get("BENCH_PROCESSES", "1"))
app = Ardiq(
    redis_url=os.environ["BENCH_URL"],
    queue_name="bench",
    concurrency=bodies.CONCURRENCY if PROCESSES == 1 else 1,
)

noop = app.task(name="noop")(bodies.noop)
stamp = app.task(name="stamp")(bodies.stamp)
nap = app.task(name="nap")(bodies.nap)
crunch = app.task(name="crunch")(bodies.crunch)
echo = app.task(name="echo")(bodies.echo)
TASKS = {"noop": noop, "stamp": stamp, "nap": nap, "crunch": crunch, "echo": echo}


@app.task
async def branch(leaves: int) -> int:
    """Starts leaves and adds them up."""
    jobs = await app.enqueue_many([echo.prepare(1) for _ in range(leaves)])
    results = await asyncio.gather(*(job.result(timeout=60) for job in jobs))
    return sum(result.value for result in results)


@app.task
async def root(branches: int, leaves: int) -> int:
    """Starts branches and adds them up."""
    jobs = await app.enqueue_many([branch.prepare(leaves) for _ in range(branches)])
    results = await asyncio.gather(*(job.result(timeout=60) for job in jobs))
    return sum(result.value for result in results)


class ArdiQ(Peer):
    """ArdiQ as its documentation runs it."""

    settings = "concurrency 32, prefetch as by default"

    def worker_command(self, processes: int) -> list[str]:
        return [command("ardiq"), "run", "peers.ardiq:app", "--quiet", "--workers", str(processes)]

    async def open(self) -> None:
        self._redis = Redis(self.url)

    async def close(self) -> None:
        self._redis.close()

    async def submit_many(self, task: str, arguments: Sequence[Arguments]) -> None:
        await app.enqueue_many([TASKS[task].prepare(*given) for given in arguments])

    async def submit(self, task: str, *arguments: object) -> None:
        await TASKS[task].enqueue(*arguments)

    async def drained(self) -> bool:
        # A task is removed from its stream when it has ended.
        return await app._core.queue_size() == 0

    async def ping(self, number: int) -> object:
        job = await echo.enqueue(number)
        return (await job.result(timeout=30)).value

    async def tree(self, branches: int, leaves: int) -> object:
        job = await root.enqueue(branches, leaves)
        return (await job.result(timeout=120)).value


PEER = ArdiQ
