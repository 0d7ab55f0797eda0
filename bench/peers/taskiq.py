"""Taskiq on Redis streams."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

from peers import bodies
from peers.base import Arguments, Peer, Redis, command

broker = RedisStreamBroker(os.environ["BENCH_URL"])
if os.environ.get("BENCH_WORKLOAD") in ("ping", "tree"):
    broker = broker.with_result_backend(RedisAsyncResultBackend(os.environ["BENCH_URL"]))

noop = broker.task(task_name="noop")(bodies.noop)
stamp = broker.task(task_name="stamp")(bodies.stamp)
nap = broker.task(task_name="nap")(bodies.nap)
echo = broker.task(task_name="echo")(bodies.echo)
#: How often a waiting caller looks for a result, in seconds.
POLL = 0.002


@broker.task(task_name="crunch")
async def crunch() -> None:
    """Computes on the loop of one of several processes."""
    bodies.crunch()


TASKS = {"noop": noop, "stamp": stamp, "nap": nap, "crunch": crunch, "echo": echo}


@broker.task
async def branch(leaves: int) -> int:
    """Starts leaves and adds them up."""
    jobs = await asyncio.gather(*(echo.kiq(1) for _ in range(leaves)))
    results = await asyncio.gather(*(job.wait_result(check_interval=POLL, timeout=60) for job in jobs))
    return sum(result.return_value for result in results)


@broker.task
async def root(branches: int, leaves: int) -> int:
    """Starts branches and adds them up."""
    jobs = await asyncio.gather(*(branch.kiq(leaves) for _ in range(branches)))
    results = await asyncio.gather(*(job.wait_result(check_interval=POLL, timeout=60) for job in jobs))
    return sum(result.return_value for result in results)


class Taskiq(Peer):
    """Taskiq with its stream broker, which acknowledges, and uvloop."""

    settings = (
        "RedisStreamBroker; uvloop; 32 async tasks, 32 prefetched; results stored only where needed, polled every 2 ms"
    )

    def worker_command(self, processes: int) -> list[str]:
        most = str(bodies.CONCURRENCY if processes == 1 else 4)
        return [
            command("taskiq"), "worker", "peers.taskiq:broker", "--workers", str(processes),
            "--max-async-tasks", most, "--max-prefetch", most, "--log-level", "ERROR",
        ]  # fmt: skip

    async def open(self) -> None:
        await broker.startup()
        self._redis = Redis(self.url)

    async def close(self) -> None:
        self._redis.close()
        await broker.shutdown()

    async def submit_many(self, task: str, arguments: Sequence[Arguments]) -> None:
        one = TASKS[task]
        for start in range(0, len(arguments), 1000):
            await asyncio.gather(*(one.kiq(*given) for given in arguments[start : start + 1000]))

    async def drained(self) -> bool:
        return self._redis.pending("taskiq", "taskiq") == 0

    async def ping(self, number: int) -> object:
        job = await echo.kiq(number)
        return (await job.wait_result(check_interval=POLL, timeout=30)).return_value

    async def tree(self, branches: int, leaves: int) -> object:
        job = await root.kiq(branches, leaves)
        return (await job.wait_result(check_interval=POLL, timeout=60)).return_value


PEER = Taskiq
