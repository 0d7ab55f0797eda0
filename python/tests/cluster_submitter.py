"""Submits jobs of a random sort, one or some at a time, and notes each that was acknowledged.

Usage: `cluster_submitter.py KINDS [PAUSE]`, with `KINDS` as JSON: how many jobs of which task. It goes where the
environment says, and waits up to `PAUSE` seconds between two calls. What an outage refuses is tried again; every other
error ends it.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys

import cluster_tasks as tasks

import upnext


async def main() -> None:
    """Submits all of it."""
    kinds: dict[str, int] = json.loads(sys.argv[1])
    waiting = [name for name, count in kinds.items() for _ in range(count)]
    random.shuffle(waiting)
    while waiting:
        name = waiting[-1]
        together = [at for at, other in enumerate(waiting) if other == name][: random.choice((1, 1, 1, 10, 100))]
        task = tasks.worker.tasks[name]
        try:
            futures = await upnext.submit_many(task, [{"number": at} for at in together])
        except upnext.BackendUnavailableError:
            await asyncio.sleep(0.02)
            continue
        tasks.note(submitted=name, jobs=[future.job_id for future in futures])
        for at in reversed(together):
            waiting.pop(at)
        await asyncio.sleep(random.random() * float(sys.argv[2] if len(sys.argv) > 2 else "0.01"))


asyncio.run(main())
