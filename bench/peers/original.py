"""The Python system that UpNext's interface comes from, on Redis. Its package has the same name as ours."""

# mypy: ignore-errors
# The checker knows the `upnext` of this repository alone.

from __future__ import annotations

import asyncio
import base64
import os
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.request import urlopen

from shared.keys import QUEUE_CONSUMER_GROUP

import upnext
from peers import bodies
from peers.base import Arguments, Peer, Redis, command

tuned = upnext.WorkerQueueConfig(batch_size=100, inbox_size=100, flush_interval_ms=5.0)
worker = upnext.Worker("bench", concurrency=bodies.CONCURRENCY, queue_config=tuned)
cores = upnext.Worker("cores", concurrency=2, sync_executor=upnext.SyncExecutor.PROCESS, queue_config=tuned)

noop = worker.task(bodies.noop)
stamp = worker.task(bodies.stamp)
nap = worker.task(bodies.nap)
echo = worker.task(bodies.echo)
crunch = cores.task(bodies.crunch)
TASKS = {"noop": noop, "stamp": stamp, "nap": nap, "crunch": crunch, "echo": echo}


@worker.task
async def branch(leaves: int) -> int:
    """Starts leaves and adds them up."""
    return sum(result.value for result in await asyncio.gather(*(echo.wait(1) for _ in range(leaves))))


@worker.task
async def root(branches: int, leaves: int) -> int:
    """Starts branches and adds them up."""
    return sum(result.value for result in await asyncio.gather(*(branch.wait(leaves) for _ in range(branches))))


@worker.task
async def make_artifacts(count: int, size: int, together: int) -> list[float]:
    """Makes artifacts, answers the seconds of each and of all."""
    numbers = iter(range(count))
    seconds = []

    async def some() -> None:
        for number in numbers:
            begun = time.perf_counter()
            await upnext.create_artifact(f"artifact-{number}.json", {"number": number, "text": "x" * (size - 30)})
            seconds.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    await asyncio.gather(*(some() for _ in range(together)))
    return [*seconds, time.perf_counter() - begun]


@worker.task
async def make_file(path: str) -> list[object]:
    """Makes an artifact of a file, answers the seconds and its id."""
    begun = time.perf_counter()
    data = base64.b64encode(Path(path).read_bytes()).decode("ascii")
    made = await upnext.create_artifact("large.bin", data, upnext.ArtifactType.BINARY)
    return [time.perf_counter() - begun, made.id]


class Original(Peer):
    """The original; its server keeps what is reported in SQLite and artifacts on local disk."""

    served = True
    settings = "batches and inbox of 100 (default 4); its server (SQLite, local storage) runs where artifacts are made"

    def worker_command(self, processes: int) -> list[str]:
        # Its command line gives a file's tasks other keys than an import of the same file does.
        name = "worker" if processes == 1 else "cores"
        return [command("python"), "-c", f"import upnext; from peers import original; upnext.run(original.{name})"]

    def server_command(self, port: int) -> tuple[list[str], str]:
        return [command("upnext"), "server", "start", "--host", "127.0.0.1", "--port", str(port)], "/health"

    async def open(self) -> None:
        # What its own command line does before it submits; a handle refuses to, otherwise.
        for each in (worker, cores):
            each.initialize(self.url)
        self._streams: list[str] = []
        self._redis = Redis(self.url)

    async def close(self) -> None:
        self._redis.close()

    async def submit_many(self, task: str, arguments: Sequence[Arguments]) -> None:
        one = TASKS[task]
        # Each submit in flight takes one of its 100 connections, and an error is what the next one gets.
        for start in range(0, len(arguments), 90):
            await asyncio.gather(*(one.submit(*given) for given in arguments[start : start + 90]))

    async def drained(self) -> bool:
        if not self._streams:
            found = self._redis.call("KEYS", "upnext:fn:*:stream")
            self._streams = [str(name) for name in found] if isinstance(found, list) else []
        return all(self._redis.pending(stream, QUEUE_CONSUMER_GROUP) == 0 for stream in self._streams)

    async def ping(self, number: int) -> object:
        return (await echo.wait(number)).value

    async def tree(self, branches: int, leaves: int) -> object:
        return (await root.wait(branches, leaves)).value

    async def artifacts(self, count: int, size: int, together: int) -> Sequence[float]:
        return (await make_artifacts.wait(count, size, together)).value

    async def keep_file(self, path: Path) -> float:
        seconds, self._made = (await make_file.wait(str(path))).value
        return seconds

    async def fetch_file(self, path: Path) -> float:
        begun = time.perf_counter()
        address = f"{os.environ['UPNEXT_URL']}/api/v1/artifacts/{self._made}/content"
        with urlopen(address) as source, path.open("wb") as target:
            while piece := source.read(1024 * 1024):
                target.write(piece)
        return time.perf_counter() - begun


PEER = Original
