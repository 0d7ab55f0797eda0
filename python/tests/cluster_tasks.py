"""What the workers of a cluster run: each attempt leaves a line with its moments, in a file of its process.

The moments are those of the machine's monotonic clock, which all of its processes share.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from pathlib import Path

import upnext

#: How many jobs of `narrow` may run at once.
AT_ONCE = 5
#: How many jobs of `paced` may begin within how many seconds.
RATE, PERIOD = (int(number) for number in os.environ.get("CLUSTER_RATE", "100/5").split("/"))

worker = upnext.Worker("cluster", concurrency=16)
_trace = None


def note(**facts: object) -> None:
    """Adds a line, in one write."""
    global _trace
    if _trace is None:
        _trace = os.open(Path(os.environ["TRACE"], str(os.getpid())), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(_trace, (json.dumps(facts) + "\n").encode())


def _ran(task: str, begun: float) -> None:
    context = upnext.get_current_context()
    note(task=task, job=context.job_id, attempt=context.attempt, begun=begun, ended=time.monotonic())


@worker.task
async def work(number: int) -> int:
    """Takes some milliseconds."""
    begun = time.monotonic()
    await asyncio.sleep(random.random() * 0.004)
    _ran("work", begun)
    return number


@worker.task(max_concurrency=AT_ONCE)
async def narrow(number: int) -> int:
    """Runs in few places at a time."""
    begun = time.monotonic()
    await asyncio.sleep(random.random() * 0.02)
    _ran("narrow", begun)
    return number


@worker.task(rate_limit=f"{RATE}/{PERIOD}s")
async def paced(number: int) -> int:
    """Begins only so often."""
    _ran("paced", time.monotonic())
    return number


@worker.cron("* * * * * *", missed_run_policy=upnext.MissedRunPolicy.CATCH_UP)
async def tick() -> None:
    """Once each second, however busy all workers are at that moment."""
    _ran("tick", time.monotonic())


@worker.task
async def keep(number: int) -> None:
    """Makes an artifact, and says so when that is acknowledged. What an outage refuses is tried again."""
    begun = time.monotonic()
    while True:
        try:
            artifact = await upnext.create_artifact("kept.json", {"number": number})
            break
        except upnext.ArtifactStorageError:
            await asyncio.sleep(0.05)
    note(task="artifact", job=artifact.job_id, artifact=artifact.id, number=number)
    _ran("keep", begun)
