"""UpNext itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import upnext
from peers import bodies
from peers.base import Arguments, Peer, command, module_of

worker = upnext.Worker("bench", concurrency=bodies.CONCURRENCY)
cores = upnext.Worker("cores", concurrency=2, sync_executor=upnext.SyncExecutor.PROCESS)

noop = worker.task(bodies.noop)
stamp = worker.task(bodies.stamp)
nap = worker.task(bodies.nap)
echo = worker.task(bodies.echo)
crunch = cores.task(bodies.crunch)


@worker.task
async def branch(leaves: int) -> int:
    """Starts leaves and adds them up."""
    futures = await upnext.submit_many(echo, [{"number": 1}] * leaves)
    return sum(await upnext.gather(futures))


@worker.task
async def root(branches: int, leaves: int) -> int:
    """Starts branches and adds them up."""
    futures = await upnext.submit_many(branch, [{"leaves": leaves}] * branches)
    return sum(await upnext.gather(futures))


@worker.task
async def make_artifacts(count: int, size: int, together: int) -> list[float]:
    """Makes artifacts, answers the seconds of each and of all."""
    numbers = iter(range(count))
    seconds: list[float] = []

    async def some() -> None:
        for number in numbers:
            begun = time.perf_counter()
            await upnext.create_artifact(f"artifact-{number}.json", {"number": number, "text": "x" * (size - 30)})
            seconds.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    await asyncio.gather(*(some() for _ in range(together)))
    return [*seconds, time.perf_counter() - begun]


@worker.task
async def make_file(path: str) -> float:
    """Makes an artifact of a file, answers the seconds."""
    begun = time.perf_counter()
    await upnext.create_artifact("large.bin", Path(path))
    return time.perf_counter() - begun


class Ours(Peer):
    """UpNext with the backend that the environment names."""

    settings = "defaults; concurrency 32"

    def __init__(self) -> None:
        super().__init__()
        self._last: list[upnext.Future[object]] = []

    def worker_command(self, processes: int) -> list[str]:
        only = "bench" if processes == 1 else "cores"
        return [command("python"), "-m", "upnext", "run", module_of("ours"), "--only", only]

    async def submit_many(self, task: str, arguments: Sequence[Arguments]) -> None:
        handle = (cores if task == "crunch" else worker).tasks[task]
        names = {"stamp": "sent", "echo": "number"}
        futures = await upnext.submit_many(handle, [{names[task]: given[0]} if given else {} for given in arguments])
        # Outcomes are stored in the order in which jobs end, up to as many as run at once.
        self._last = futures[-2 * bodies.CONCURRENCY :]

    async def submit(self, task: str, *arguments: object) -> None:
        self._last = [await (cores if task == "crunch" else worker).tasks[task].submit(*arguments)]

    async def drained(self) -> bool:
        await upnext.gather(self._last)
        return True

    async def ping(self, number: int) -> object:
        return (await echo.wait(number)).value

    async def tree(self, branches: int, leaves: int) -> object:
        return (await root.wait(branches, leaves)).value

    async def artifacts(self, count: int, size: int, together: int) -> Sequence[float]:
        return (await make_artifacts.wait(count, size, together)).value

    async def keep_file(self, path: Path) -> float:
        return (await make_file.wait(str(path))).value

    async def fetch_file(self, path: Path) -> float:
        begun = time.perf_counter()
        artifact = await upnext.get_artifact(function="make_file", name="large.bin")
        await artifact.save(path)
        return time.perf_counter() - begun

    async def look_up(self) -> dict[str, float]:
        ways: dict[str, dict[str, Any]] = {
            "list_ms": {"limit": 50},
            "glob_ms": {"glob": "artifact-77*.json", "limit": 50},
            "search_ms": {"search": "fact-1234", "limit": 50},
        }
        return {name: await _milliseconds(options) for name, options in ways.items()}

    def server_command(self, port: int) -> tuple[list[str], str]:
        return [command("python"), "-m", "upnext", "server", "start", "--port", str(port)], "/health"


async def _milliseconds(options: dict[str, Any]) -> float:
    """The median of a few equal looks; the first one, which may bring an index up to date, is not among them."""
    await upnext.list_artifacts(**options)
    each = []
    for _ in range(20):
        begun = time.perf_counter()
        await upnext.list_artifacts(**options)
        each.append(1e3 * (time.perf_counter() - begun))
    return sorted(each)[10]


PEER = Ours
