"""Huey on Redis."""

from __future__ import annotations

import os
from collections.abc import Sequence

from huey import RedisHuey

from peers import bodies
from peers.base import Arguments, Peer, Redis, command

huey = RedisHuey("bench", url=os.environ["BENCH_URL"], results=os.environ.get("BENCH_WORKLOAD") in ("ping", "tree"))

noop = huey.task(name="noop")(bodies.noop_sync)
stamp = huey.task(name="stamp")(bodies.stamp_sync)
nap = huey.task(name="nap")(bodies.nap_sync)
crunch = huey.task(name="crunch")(bodies.crunch)
echo = huey.task(name="echo")(bodies.echo_sync)
TASKS = {"noop": noop, "stamp": stamp, "nap": nap, "crunch": crunch, "echo": echo}


@huey.task()
def branch(leaves: int) -> int:
    """Starts leaves and adds them up."""
    return sum(answer.get(blocking=True, timeout=60) for answer in [echo(1) for _ in range(leaves)])


@huey.task()
def root(branches: int, leaves: int) -> int:
    """Starts branches and adds them up."""
    return sum(answer.get(blocking=True, timeout=60) for answer in [branch(leaves) for _ in range(branches)])


class HueyPeer(Peer):
    """Huey with threads."""

    settings = (
        "32 threads (2 processes for CPU); results stored only where needed; a job is gone from Redis once it is taken"
    )

    def worker_command(self, processes: int) -> list[str]:
        kind = (
            ["-k", "thread", "-w", str(bodies.CONCURRENCY)]
            if processes == 1
            else ["-k", "process", "-w", str(processes)]
        )
        return [command("huey_consumer"), "peers.huey.huey", *kind, "-q", "-n"]

    async def open(self) -> None:
        self._redis = Redis(self.url)

    async def close(self) -> None:
        self._redis.close()

    async def submit_many(self, task: str, arguments: Sequence[Arguments]) -> None:
        one = TASKS[task]
        for given in arguments:
            one(*given)

    async def drained(self) -> bool:
        return huey.pending_count() == 0

    async def ping(self, number: int) -> object:
        return echo(number).get(blocking=True, timeout=30)

    async def tree(self, branches: int, leaves: int) -> object:
        return root(branches, leaves).get(blocking=True, timeout=60)


PEER = HueyPeer
