"""The Python side of `bench/sizing.py`: tasks, and one step of it, which prints one JSON object.

Usage: `python -m upnext run python_steps.py` is the worker; `python python_steps.py STEP NUMBERS` is a step:
`single COUNT` and `bulk COUNT` submit, `ping COUNT` waits for one job after the other, `artifacts COUNT TOGETHER` makes
some inside a job.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import upnext

worker = upnext.Worker("sizing", concurrency=32)


@worker.task
async def noop() -> None:
    """Nothing."""


@worker.task
async def make_artifacts(count: int, together: int) -> float:
    """Makes artifacts of 200 bytes of JSON, answers the seconds."""
    numbers = iter(range(count))

    async def some() -> None:
        for number in numbers:
            await upnext.create_artifact(f"artifact-{number}.json", {"number": number, "text": "x" * 170})

    begun = time.perf_counter()
    await asyncio.gather(*(some() for _ in range(together)))
    return time.perf_counter() - begun


async def _step(name: str, numbers: list[int]) -> dict[str, float]:
    await noop.submit()
    begun = time.perf_counter()
    if name == "single":
        for _ in range(numbers[0]):
            await noop.submit()
    elif name == "bulk":
        for done in range(0, numbers[0], 1000):
            await upnext.submit_many(noop, [{}] * min(1000, numbers[0] - done))
    elif name == "artifacts":
        return {"seconds": (await make_artifacts.wait(*numbers)).value}
    else:
        return await _ping(numbers[0])
    return {"seconds": time.perf_counter() - begun}


async def _ping(count: int) -> dict[str, float]:
    times = []
    for _ in range(count):
        await asyncio.sleep(0.005)
        begun = time.perf_counter()
        await noop.wait()
        times.append(1000 * (time.perf_counter() - begun))
    times.sort()
    return {"p50_ms": times[count // 2], "p99_ms": times[count * 99 // 100]}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_step(sys.argv[1], [int(number) for number in sys.argv[2:]]))), flush=True)
