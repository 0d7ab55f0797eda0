"""Celery on Redis."""

from __future__ import annotations

import os
from collections.abc import Sequence

from celery import Celery, chord

from peers import bodies
from peers.base import Arguments, Peer, Redis, command

app = Celery("bench", broker=os.environ["BENCH_URL"], backend=os.environ["BENCH_URL"])
app.conf.update(
    task_ignore_result=True,
    worker_prefetch_multiplier=32,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
)

noop = app.task(name="noop")(bodies.noop_sync)
stamp = app.task(name="stamp")(bodies.stamp_sync)
nap = app.task(name="nap")(bodies.nap_sync)
crunch = app.task(name="crunch")(bodies.crunch)
echo = app.task(name="echo", ignore_result=False)(bodies.echo_sync)
TASKS = {"noop": noop, "stamp": stamp, "nap": nap, "crunch": crunch, "echo": echo}


@app.task(ignore_result=False)
def total(numbers: list[int]) -> int:
    """Adds up what others answered."""
    return sum(numbers)


class CeleryPeer(Peer):
    """Celery without what costs time and nobody needs here."""

    settings = (
        "threads pool of 32 (prefork of 2 for CPU); prefetch multiplier 32; results ignored but where needed;"
        " no gossip, mingle, heartbeat"
    )

    def worker_command(self, processes: int) -> list[str]:
        pool = ["--pool", "threads", "-c", str(bodies.CONCURRENCY)] if processes == 1 else ["-c", str(processes)]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "ERROR"]
        return [command("celery"), "-A", "peers.celery", "worker", *pool, *quiet]

    async def open(self) -> None:
        self._redis = Redis(self.url)

    async def close(self) -> None:
        self._redis.close()

    async def submit_many(self, task: str, arguments: Sequence[Arguments]) -> None:
        one = TASKS[task]
        with app.producer_pool.acquire(block=True) as producer:
            for given in arguments:
                one.apply_async(given, producer=producer)

    async def drained(self) -> bool:
        return self._redis.number("LLEN", "celery") + self._redis.number("HLEN", "unacked") == 0

    async def ping(self, number: int) -> object:
        return echo.delay(number).get(timeout=30)

    async def tree(self, branches: int, leaves: int) -> object:
        return chord([chord([echo.s(1)] * leaves, total.s()) for _ in range(branches)], total.s())().get(timeout=60)


PEER = CeleryPeer
