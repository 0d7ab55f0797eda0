"""arq: asyncio jobs on a Redis sorted set."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Any, ClassVar

from arq import create_pool, func
from arq.connections import RedisSettings

from peers import bodies
from peers.base import Arguments, Peer, Redis, command
from peers.twice import several

#: How often a worker looks for jobs and a caller for results, in seconds.
POLL = 0.005


async def noop(_context: Any) -> None:
    await bodies.noop()


async def stamp(_context: Any, sent: int) -> None:
    await bodies.stamp(sent)


async def nap(_context: Any) -> None:
    await bodies.nap()


async def crunch(_context: Any) -> None:
    bodies.crunch()


async def echo(_context: Any, number: int) -> int:
    return await bodies.echo(number)


async def branch(context: Any, leaves: int) -> int:
    return sum(await _all(context["redis"], "echo", [(1,)] * leaves))


async def root(context: Any, branches: int, leaves: int) -> int:
    return sum(await _all(context["redis"], "branch", [(leaves,)] * branches))


async def _all(pool: Any, name: str, arguments: Sequence[Arguments]) -> list[int]:
    jobs = await asyncio.gather(*(pool.enqueue_job(name, *given) for given in arguments))
    return await asyncio.gather(*(job.result(timeout=60, poll_delay=POLL) for job in jobs))


class WorkerSettings:
    """What `arq` reads."""

    functions: ClassVar[list[Any]] = [noop, stamp, nap, crunch] + [
        func(each, keep_result=60) for each in (echo, branch, root)
    ]
    redis_settings = RedisSettings.from_dsn(os.environ["BENCH_URL"])
    max_jobs = bodies.CONCURRENCY if os.environ.get("BENCH_PROCESSES", "1") == "1" else 4
    poll_delay = POLL
    keep_result = 0


class Arq(Peer):
    """arq that polls much more often than by default."""

    settings = "hiredis; max_jobs 32; poll delay 5 ms (default 500 ms); results kept only where needed"

    def worker_command(self, processes: int) -> list[str]:
        return several(processes, [command("arq"), "peers.arq.WorkerSettings"])

    async def open(self) -> None:
        self._pool = await create_pool(RedisSettings.from_dsn(self.url))
        self._redis = Redis(self.url)

    async def close(self) -> None:
        self._redis.close()
        await self._pool.aclose()

    async def submit_many(self, task: str, arguments: Sequence[Arguments]) -> None:
        for start in range(0, len(arguments), 500):
            await asyncio.gather(*(self._pool.enqueue_job(task, *given) for given in arguments[start : start + 500]))

    async def drained(self) -> bool:
        return self._redis.number("ZCARD", "arq:queue") == 0

    async def ping(self, number: int) -> object:
        (answer,) = await _all(self._pool, "echo", [(number,)])
        return answer

    async def tree(self, branches: int, leaves: int) -> object:
        (answer,) = await _all(self._pool, "root", [(branches, leaves)])
        return answer


PEER = Arq
