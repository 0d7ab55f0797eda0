"""Prefect's server, for artifacts: tables of JSON in its database. Files it has none."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence

from peers.base import Arguments, Peer, UnsupportedError, command

os.environ["PREFECT_HOME"] = os.environ["BENCH_HOME"]
os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{os.environ['BENCH_PORT']}/api"
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"

from prefect.artifacts import acreate_table_artifact


class Prefect(Peer):
    """Prefect with its server on SQLite."""

    settings = "prefect server, SQLite; acreate_table_artifact from coroutines"
    served = True
    has_worker = False

    def worker_command(self, processes: int) -> list[str]:
        raise UnsupportedError("its jobs are not measured")

    def server_command(self, port: int) -> tuple[list[str], str]:
        return [command("prefect"), "server", "start", "--host", "127.0.0.1", "--port", str(port)], "/api/health"

    async def submit_many(self, task: str, arguments: Sequence[Arguments]) -> None:
        raise UnsupportedError("its jobs are not measured")

    async def drained(self) -> bool:
        return True

    async def artifacts(self, count: int, size: int, together: int) -> Sequence[float]:
        numbers = iter(range(count))
        seconds: list[float] = []

        async def some() -> None:
            for number in numbers:
                begun = time.perf_counter()
                await acreate_table_artifact(
                    {"number": [number], "text": ["x" * (size - 30)]}, key=f"artifact-{number}"
                )
                seconds.append(time.perf_counter() - begun)

        begun = time.perf_counter()
        await asyncio.gather(*(some() for _ in range(together)))
        return [*seconds, time.perf_counter() - begun]


PEER = Prefect
