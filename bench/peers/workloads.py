"""What is measured with each peer, written once against `peers.base.Peer`. Each gives a few named figures."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from peers.base import Peer, UnsupportedError
from peers.running import Running, Server, cpu_seconds, family_of, peak_mib, share_mib

Figures = dict[str, Any]
#: Most jobs that one bulk call submits.
BULK = 10_000
#: Loads a page in a browser.
_LOAD = Path(__file__).parents[2] / "dashboard" / "scripts" / "load.mjs"


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the others are."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


async def _submit(peer: Peer, task: str, jobs: int) -> None:
    for start in range(0, jobs, BULK):
        await peer.submit_many(task, [()] * min(BULK, jobs - start))


async def burst(peer: Peer, jobs: int, task: str = "noop", processes: int = 1) -> Figures:
    """Jobs a second from the first submit to the last end, with a worker that waits for them."""
    async with Running(peer, processes=processes) as worker:
        await _submit(peer, task, 50)
        await worker.finished(50)
        cpu, own, begun = worker.cpu_seconds(), time.process_time(), time.perf_counter()
        await _submit(peer, task, jobs)
        submitted, own = time.perf_counter() - begun, time.process_time() - own
        seconds = await worker.finished(jobs) - begun
        cpu = worker.cpu_seconds() - cpu
        return {
            "rate": jobs / seconds,
            "submitted": submitted,
            "worker_cpu_us": 1e6 * cpu / jobs,
            "submitter_cpu_us": 1e6 * own / jobs,
            "mib": worker.memory_mib(),
        }


async def drain(peer: Peer, jobs: int) -> Figures:
    """Jobs a second submitted with no worker, then jobs a second run by one; and how long that took to begin."""
    await peer.submit_many("noop", [()] * 10)
    begun = time.perf_counter()
    await _submit(peer, "noop", jobs)
    submitted = time.perf_counter() - begun
    async with Running(peer, warm=False) as worker:
        while worker.ran() == 0:
            await asyncio.sleep(0.0005)
        first = time.perf_counter()
        already = worker.ran()
        last = await worker.finished(jobs + 10)
        return {
            "bulk": jobs / submitted,
            "rate": (jobs + 10 - already) / (last - first),
            "startup": first - worker.begun,
        }


async def single(peer: Peer, jobs: int) -> Figures:
    """One submit after the other, with no worker."""
    await peer.submit("noop")
    seconds = []
    for _ in range(jobs):
        begun = time.perf_counter()
        await peer.submit("noop")
        seconds.append(time.perf_counter() - begun)
    return {
        "p50_ms": 1e3 * percentile(seconds, 0.5),
        "p99_ms": 1e3 * percentile(seconds, 0.99),
        "rate": jobs / sum(seconds),
    }


async def sustained(peer: Peer, rate: float, seconds: float) -> Figures:
    """How long jobs wait when they arrive at a steady rate, from before the submit to the first line of the body."""
    async with Running(peer) as worker:
        await _submit(peer, "noop", 50)
        await worker.finished(50)
        tick = max(0.005, 1 / rate)
        begun = time.perf_counter()
        sent = 0
        submits: list[asyncio.Task[None]] = []
        while (now := time.perf_counter() - begun) < seconds:
            due = int(now * rate) - sent
            if due > 0:
                submits.append(asyncio.create_task(peer.submit_many("stamp", [(time.time_ns(),)] * due)))
                sent += due
            await asyncio.sleep(max(0.0, (len(submits) + 1) * tick - (time.perf_counter() - begun)) or tick / 4)
        await asyncio.gather(*submits)
        took = await worker.finished(sent) - begun
        waits = [note / 1e6 for note in worker.tally.notes()]
        points = {f"p{share:g}_ms": percentile(waits, share / 100) for share in (50, 95, 99)}
        return {**points, "asked": rate, "reached": sent / took}


async def ping(peer: Peer, rounds: int) -> Figures:
    """Milliseconds from submit to result, one job at a time on an idle system."""
    async with Running(peer):
        seconds = []
        for number in range(rounds + 10):
            begun = time.perf_counter()
            answer = await peer.ping(number)
            seconds.append(time.perf_counter() - begun)
            if answer != number:
                raise RuntimeError(f"the job that should answer {number} answered {answer!r}")
            await asyncio.sleep(0.003)
        del seconds[:10]
        return {"p50_ms": 1e3 * percentile(seconds, 0.5), "p99_ms": 1e3 * percentile(seconds, 0.99)}


async def tree(peer: Peer, branches: int, leaves: int, rounds: int) -> Figures:
    """Seconds that a tree of jobs takes, where each job starts others and adds up what they answer."""
    async with Running(peer):
        seconds = []
        for _ in range(rounds + 1):
            begun = time.perf_counter()
            answer = await peer.tree(branches, leaves)
            seconds.append(time.perf_counter() - begun)
            if answer != branches * leaves:
                raise RuntimeError(f"the tree of {branches * leaves} leaves answered {answer!r}")
        seconds = seconds[1:]
        return {
            "seconds": percentile(seconds, 0.5),
            "rate": (1 + branches + branches * leaves) / percentile(seconds, 0.5),
        }


async def idle(peer: Peer, seconds: float) -> Figures:
    """What a worker needs that has run a job and waits: memory, and processor time in percent of one core."""
    async with Running(peer) as worker:
        await asyncio.sleep(1.0)
        cpu = worker.cpu_seconds()
        await asyncio.sleep(seconds)
        used = 100 * (worker.cpu_seconds() - cpu) / seconds
        return {"mib": worker.memory_mib(), "cpu_percent": used, "processes": len(worker.pids())}


async def artifacts(peer: Peer, count: int, size: int, together: int) -> Figures:
    """Small JSON artifacts a second, and milliseconds of each."""
    async with Running(peer):
        await peer.artifacts(20, size, min(together, 20))
        *each, total = await peer.artifacts(count, size, together)
        return {
            "rate": count / total,
            "p50_ms": 1e3 * percentile(each, 0.5),
            "p99_ms": 1e3 * percentile(each, 0.99),
        }


async def large(peer: Peer, mib: int) -> Figures:
    """Seconds for a file to become an artifact and a file again, and by how much the worker's memory grew."""
    source, target = peer.home / "source", peer.home / "target"
    piece = os.urandom(1024 * 1024)
    with source.open("wb") as file:
        for number in range(mib):
            file.write(number.to_bytes(8, "big") + piece[8:])
    async with Running(peer) as worker:
        os.sync()
        copied = _copy_and_hash(source, target)
        target.unlink()
        os.sync()
        before = max(peak_mib(pid) for pid in worker.pids())
        stored = await peer.keep_file(source)
        grown = max(peak_mib(pid) for pid in worker.pids()) - before
        fetched = await peer.fetch_file(target)
        if target.stat().st_size != source.stat().st_size:
            raise RuntimeError(f"{target.stat().st_size} bytes came back instead of {source.stat().st_size}")
        figures = {
            "in_s": stored,
            "out_s": fetched,
            "copy_s": copied,
            "copy_ratio": copied / stored,
            "grown_mib": grown,
        }
        if peer.server is not None:
            figures["server_mib"] = max(peak_mib(pid) for pid in family_of(peer.server))
        return figures


def _copy_and_hash(source: Path, target: Path) -> float:
    """What any durable store has to do at least: cp, sync and sha256sum, one after the other."""
    begun = time.perf_counter()
    subprocess.run(["cp", str(source), str(target)], check=True)
    subprocess.run(["sync", str(target)], check=True)
    subprocess.run(["sha256sum", str(target)], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


async def many(peer: Peer, count: int) -> Figures:
    """Artifacts a second from 1,000 on and up to `count` of them, and finding some among all.

    In stretches that are long enough to hold what is done now and then: checkpoints, indexes brought up to date."""
    stretch = min(20_000, count // 10)
    async with Running(peer):
        await peer.artifacts(1000, 200, 32)
        rates = []
        for _ in range(1000, count, stretch):
            *_, seconds = await peer.artifacts(stretch, 200, 32)
            rates.append(stretch / seconds)
        first, last = percentile(rates[:3], 0.5), percentile(rates[-3:], 0.5)
        found = await peer.look_up()
        return {"count": count, "first": first, "last": last, "least": min(rates), "flat": first / last, **found}


async def server(peer: Peer, seconds: float) -> Figures:
    """How long its server needs to answer, and what it uses when idle."""
    async with Server(peer, int(os.environ["BENCH_PORT"])) as running:
        await asyncio.sleep(1.5)
        family = family_of(running.pid)
        cpu = sum(map(cpu_seconds, family))
        await asyncio.sleep(seconds)
        used = sum(map(cpu_seconds, family)) - cpu
        return {"startup": running.startup, "mib": sum(map(share_mib, family)), "cpu_percent": 100 * used / seconds}


async def dashboard(peer: Peer, jobs: int, artifacts: int, loads: int) -> Figures:
    """Milliseconds until its dashboard is there, in a browser that has never seen it, and what that transfers."""
    async with contextlib.AsyncExitStack() as stack:
        if peer.server is None:
            await stack.enter_async_context(Server(peer, int(os.environ["BENCH_PORT"])))
        if peer.has_worker:
            worker = await stack.enter_async_context(Running(peer))
            await _submit(peer, "noop", jobs)
            await worker.finished(jobs)
        await peer.artifacts(artifacts, 200, 10)
        loading = await asyncio.create_subprocess_exec(
            *("node", str(_LOAD), f"http://127.0.0.1:{os.environ['BENCH_PORT']}/", str(loads)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        told, complaint = await loading.communicate()
        if loading.returncode:
            reason = next((line for line in complaint.decode().splitlines() if "Error" in line), "it said nothing")
            raise UnsupportedError(f"the page was not measured: {reason}")
        figures: Figures = json.loads(told)
        return figures


WORKLOADS: dict[str, Callable[..., Awaitable[Figures]]] = {
    each.__name__: each
    for each in (burst, drain, single, sustained, ping, tree, idle, artifacts, large, many, server, dashboard)
}
#: Those for which a server runs beside the worker, where a peer keeps artifacts in one.
NEED_SERVER = ("artifacts", "large", "many", "dashboard")
