"""Measures the Python package on the embedded backend: jobs per second, idle latency, artifacts, memory.

Usage: `python bench/python_jobs.py [JOBS]`, by default 10000. Uses a fresh temporary folder, one worker of 32 slots and
SQLite with synchronous=FULL. A job counts when the database says that it is complete.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

# Not in child processes, which import this file again and have the folder already.
folder = tempfile.TemporaryDirectory(prefix="upnext-bench-") if __name__ == "__main__" else None
if folder is not None:
    os.environ["UPNEXT_HOME"] = folder.name

import upnext  # noqa: E402  (UPNEXT_HOME has to be set before)

SLOTS = 32
FEW = 4
worker = upnext.Worker("bench", concurrency=SLOTS)
threads = upnext.Worker("bench-threads", concurrency=FEW)
processes = upnext.Worker("bench-processes", concurrency=FEW, sync_executor=upnext.SyncExecutor.PROCESS)


@worker.task
async def noop() -> None:
    """Does nothing, on the loop."""


@worker.task
def noop_sync() -> None:
    """Does nothing, in a thread."""


@threads.task
def noop_thread() -> None:
    """Does nothing, in one of a few threads."""


@processes.task
def noop_process() -> None:
    """Does nothing, in one of a few processes."""


@processes.task
def process_memory() -> tuple[float, float]:
    """MiB of this child process: resident, and its share when pages are split among those that use them."""
    sizes = dict(line.split(":") for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:])
    resident, share = (int(sizes[name].split()[0]) / 1024 for name in ("Rss", "Pss"))
    return resident, share


@worker.task
async def small_artifacts(count: int, together: int) -> tuple[float, float, float]:
    """Makes artifacts of about 200 bytes of JSON, answers how many a second, and median and p99 of the milliseconds."""
    numbers = iter(range(count))
    times = []

    async def make_some() -> None:
        for number in numbers:
            begun = time.perf_counter()
            await upnext.create_artifact(f"artifact-{number}.json", {"number": number, "text": "x" * 170})
            times.append(1000 * (time.perf_counter() - begun))

    begun = time.perf_counter()
    await asyncio.gather(*(make_some() for _ in range(together)))
    rate = count / (time.perf_counter() - begun)
    times.sort()
    return rate, times[count // 2], times[count * 99 // 100]


@worker.task
async def large_artifact(path: str) -> tuple[float, float]:
    """Makes an artifact of a file, answers the seconds and the MiB by which peak memory grew."""
    before, begun = peak_mib(), time.perf_counter()
    await upnext.create_artifact("large.bin", Path(path))
    return time.perf_counter() - begun, peak_mib() - before


def peak_mib() -> float:
    """Peak resident memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def large_file(mib: int) -> Path:
    """A file of random bytes."""
    path = Path(os.environ["UPNEXT_HOME"], "large")
    with path.open("wb") as file:
        for _ in range(mib):
            file.write(os.urandom(1024 * 1024))
    return path


def report(what: str, figure: str) -> None:
    """One line of the results."""
    print(f"{what:<44} {figure}", flush=True)


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Seconds that `work` takes."""
    begun = time.perf_counter()
    await work()
    return time.perf_counter() - begun


async def throughput(task: upnext.TaskHandle[[], None], jobs: int) -> None:
    """Submits `jobs` jobs one by one, all in flight, and waits for each."""

    async def submit_and_wait() -> None:
        futures = await asyncio.gather(*(task.submit() for _ in range(jobs)))
        await asyncio.gather(*(future.result() for future in futures))

    report(f"{jobs} x {task.key}, submit and run", f"{jobs / await timed(submit_and_wait):>8.0f} jobs/s")


async def latency(task: upnext.TaskHandle[[], None]) -> None:
    """One job at a time on an idle system."""
    times = []
    for _ in range(500):
        times.append(1000 * await timed(task.wait))
        await asyncio.sleep(0.002)
    times.sort()
    report(f"{task.key}, submit to result when idle", f"p50 {times[250]:.2f} ms  p99 {times[495]:.2f} ms")


async def main() -> None:
    """Runs all of it."""
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    await worker.start()
    await noop.wait()
    for task in (noop, noop_sync):
        for _ in range(3):
            await throughput(task, jobs)
    await latency(noop)
    await latency(noop_sync)
    for count, together in ((2000, 1), (10_000, SLOTS)):
        rate, median, p99 = (await small_artifacts.wait(count, together)).value
        report(f"200 B artifacts, {together} in flight", f"{rate:>8.0f}/s  p50 {median:.2f} ms  p99 {p99:.2f} ms")
    seconds, grown = (await large_artifact.wait(str(large_file(100)))).value
    report("100 MiB artifact from a Path", f"{seconds:.2f} s, peak memory +{grown:.1f} MiB")
    await worker.stop()
    for few, task in ((threads, noop_thread), (processes, noop_process)):
        await few.start()
        await asyncio.gather(*(task.wait() for _ in range(FEW)))
        for _ in range(3):
            await throughput(task, jobs)
        await latency(task)
        if few is processes:
            resident, share = (await process_memory.wait()).value
            report("memory of one child process", f"{resident:.1f} MiB resident, {share:.1f} MiB of its own share")
        await few.stop()


if __name__ == "__main__":
    asyncio.run(main())
    if folder is not None:
        folder.cleanup()
