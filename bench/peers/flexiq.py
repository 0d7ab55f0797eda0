"""flexiq: a Rust core on SQLite."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from flexiq import Queue

from peers import bodies
from peers.base import Arguments, Peer, command

PROCESSES = int(os.environ.get("BENCH_PROCESSES", "1"))
queue = Queue(
    db_path=str(Path(os.environ["BENCH_HOME"], "flexiq.db")),
    workers=bodies.CONCURRENCY if PROCESSES == 1 else PROCESSES,
    async_concurrency=bodies.CONCURRENCY,
    scheduler_batch_size=64,
    scheduler_poll_interval_ms=5,
    push_dispatch=True,
)

noop = queue.task(name="noop")(bodies.noop_sync)
stamp = queue.task(name="stamp")(bodies.stamp_sync)
nap = queue.task(name="nap")(bodies.nap)
crunch = queue.task(name="crunch")(bodies.crunch)
echo = queue.task(name="echo")(bodies.echo_sync)
#: How often a waiting caller looks for a result, in seconds.
POLL = 0.002


@queue.task(name="branch")
async def branch(leaves: int) -> int:
    """Starts leaves and adds them up."""
    jobs = queue.enqueue_many("echo", [(1,)] * leaves)
    return sum(await asyncio.gather(*(job.aresult(60, POLL, POLL) for job in jobs)))


@queue.task(name="root")
async def root(branches: int, leaves: int) -> int:
    """Starts branches and adds them up."""
    jobs = queue.enqueue_many("branch", [(leaves,)] * branches)
    return sum(await asyncio.gather(*(job.aresult(60, POLL, POLL) for job in jobs)))


class Flexiq(Peer):
    """flexiq with its scheduler tuned for many short jobs."""

    settings = (
        "32 worker threads, 32 coroutines (prefork of 2 for CPU); scheduler batches of 64 every 5 ms (default 1 every"
        " 50 ms), push dispatch; results polled every 2 ms"
    )

    def worker_command(self, processes: int) -> list[str]:
        pool = ["--pool", "prefork"] if processes > 1 else []
        return [command("flexiq"), "worker", "--app", "peers.flexiq:queue", *pool]

    async def submit_many(self, task: str, arguments: Sequence[Arguments]) -> None:
        queue.enqueue_many(task, list(arguments))

    async def submit(self, task: str, *arguments: object) -> None:
        queue.enqueue(task, arguments)

    async def drained(self) -> bool:
        left = queue.stats()
        return left["pending"] + left["running"] == 0

    async def ping(self, number: int) -> object:
        return await queue.enqueue("echo", (number,)).aresult(30, POLL, POLL)

    async def tree(self, branches: int, leaves: int) -> object:
        return await queue.enqueue("root", (branches, leaves)).aresult(60, POLL, POLL)


PEER = Flexiq
