"""Jobs without work, so many a second, for measuring what a stream of events does to a page. Fills UPNEXT_HOME.

`flood.py work` is the worker; `flood.py JOBS_PER_SECOND SECONDS` submits at that rate. Each job makes two events and more.
"""

import asyncio
import sys
import time

import upnext

worker = upnext.Worker("flood", concurrency=200)


@worker.task
async def tick(number: int) -> int:
    return number


async def submit(rate: int, seconds: int) -> None:
    began, sent = time.monotonic(), 0
    while (passed := time.monotonic() - began) < seconds:
        due = int(rate * passed) - sent
        if due > 0:
            await upnext.submit_many(tick, [{"number": sent + n} for n in range(due)])
            sent += due
        await asyncio.sleep(0.05)
    print(f"{sent / seconds:.0f} jobs a second submitted")


if __name__ == "__main__":
    if sys.argv[1:] == ["work"]:
        upnext.run(worker)
    else:
        asyncio.run(submit(int(sys.argv[1]), int(sys.argv[2])))
