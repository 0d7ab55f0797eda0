"""Dramatiq on Redis."""

from __future__ import annotations

import os
from collections.abc import Sequence

import dramatiq
from dramatiq import group
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

from peers import bodies
from peers.base import Arguments, Peer, Redis, command

broker = RedisBroker(url=os.environ["BENCH_URL"])
broker.add_middleware(Results(backend=RedisBackend(url=os.environ["BENCH_URL"])))
dramatiq.set_broker(broker)

noop = dramatiq.actor(actor_name="noop")(bodies.noop_sync)
stamp = dramatiq.actor(actor_name="stamp")(bodies.stamp_sync)
nap = dramatiq.actor(actor_name="nap")(bodies.nap_sync)
crunch = dramatiq.actor(actor_name="crunch")(bodies.crunch)
echo = dramatiq.actor(actor_name="echo", store_results=True)(bodies.echo_sync)
TASKS = {"noop": noop, "stamp": stamp, "nap": nap, "crunch": crunch, "echo": echo}


@dramatiq.actor(store_results=True)
def branch(leaves: int) -> int:
    """Starts leaves and adds them up."""
    return sum(group([echo.message(1) for _ in range(leaves)]).run().get_results(block=True, timeout=60_000))


@dramatiq.actor(store_results=True)
def root(branches: int, leaves: int) -> int:
    """Starts branches and adds them up."""
    return sum(group([branch.message(leaves) for _ in range(branches)]).run().get_results(block=True, timeout=60_000))


class Dramatiq(Peer):
    """Dramatiq with one process of threads."""

    settings = "1 process of 32 threads (2 of 1 for CPU); results stored only where needed"

    def worker_command(self, processes: int) -> list[str]:
        threads = bodies.CONCURRENCY if processes == 1 else 1
        return [
            command("dramatiq"),
            "peers.dramatiq",
            "--processes",
            str(processes),
            "--threads",
            str(threads),
            "--skip-logging",
        ]

    async def open(self) -> None:
        self._redis = Redis(self.url)

    async def close(self) -> None:
        self._redis.close()

    async def submit_many(self, task: str, arguments: Sequence[Arguments]) -> None:
        one = TASKS[task]
        for given in arguments:
            one.send(*given)

    async def drained(self) -> bool:
        return self._redis.number("HLEN", "dramatiq:default.msgs") == 0

    async def ping(self, number: int) -> object:
        return echo.send(number).get_result(block=True, timeout=30_000)

    async def tree(self, branches: int, leaves: int) -> object:
        return root.send(branches, leaves).get_result(block=True, timeout=60_000)


PEER = Dramatiq
