"""Procrastinate on PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Sequence

from procrastinate import App, PsycopgConnector

from peers import bodies
from peers.base import Arguments, Peer, command
from peers.twice import several

app = App(connector=PsycopgConnector(conninfo=os.environ["BENCH_URL"]))

noop = app.task(name="noop")(bodies.noop)
stamp = app.task(name="stamp")(bodies.stamp)
nap = app.task(name="nap")(bodies.nap)
echo = app.task(name="echo")(bodies.echo)


@app.task(name="crunch")
async def crunch() -> None:
    """Computes on the loop of one of several processes."""
    bodies.crunch()


TASKS = {"noop": noop, "stamp": stamp, "nap": nap, "crunch": crunch, "echo": echo}
_LEFT = "SELECT count(*) AS many FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"


class Procrastinate(Peer):
    """Procrastinate as its documentation runs it; it keeps ended jobs."""

    settings = "concurrency 32, LISTEN/NOTIFY, ended jobs kept"

    def worker_command(self, processes: int) -> list[str]:
        most = str(bodies.CONCURRENCY if processes == 1 else 1)
        return several(processes, [command("procrastinate"), "--app", "peers.procrastinate.app", "worker", "-c", most])

    async def prepare(self) -> None:
        async with app.open_async():
            await app.schema_manager.apply_schema_async()

    async def open(self) -> None:
        self._context = app.open_async()
        await self._context.__aenter__()

    async def close(self) -> None:
        await self._context.__aexit__(None, None, None)

    async def submit_many(self, task: str, arguments: Sequence[Arguments]) -> None:
        names = {"stamp": "sent", "echo": "number"}
        await TASKS[task].batch_defer_async(*({names[task]: given[0]} if given else {} for given in arguments))

    async def submit(self, task: str, *arguments: object) -> None:
        await TASKS[task].defer_async()

    async def drained(self) -> bool:
        return (await app.connector.execute_query_one_async(_LEFT))["many"] == 0


PEER = Procrastinate
