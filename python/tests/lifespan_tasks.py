"""A worker whose child processes run its lifespan; they import this module again."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import upnext


def note(line: str) -> None:
    """Leaves a trace that the test can read."""
    with Path(os.environ["TRACE"]).open("a") as file:
        file.write(f"{line} {os.getpid()}\n")


worker = upnext.Worker(concurrency=1, sync_executor="process")
retired = upnext.Worker("retired", concurrency=1, sync_executor="process", max_tasks_per_child=2)
mixed = upnext.Worker("mixed", concurrency=1, sync_executor="process")


@worker.lifespan
def resources(of: upnext.Worker) -> Iterator[dict[str, Any]]:
    if os.environ.get("FAIL") == "start" or Path(os.environ["TRACE"] + ".fail").exists():
        raise ConnectionError("no database at 10.0.0.1")
    note(f"up {of.name}")
    # It may be used by the thread alone that made it.
    database = sqlite3.connect(":memory:")
    yield {"database": database} if os.environ.get("FAIL") != "lacking" else {"pool": None}
    if os.environ.get("FAIL") == "stop":
        note("hangs")
        time.sleep(60)
    database.close()
    note("down")


@worker.task
def add(a: int, b: int, database: sqlite3.Connection = upnext.resource()) -> list[int]:
    assert upnext.get_current_context().resources["database"] is database
    return [database.execute("SELECT ? + ?", (a, b)).fetchone()[0], os.getpid()]


@worker.task
def hangs(database: sqlite3.Connection = upnext.resource()) -> None:
    note("hanging")
    time.sleep(60)


@retired.lifespan
async def tick() -> AsyncIterator[dict[str, Any]]:
    ticks: list[int] = []
    going = asyncio.Event()

    async def count() -> None:
        while True:
            ticks.append(len(ticks))
            going.set()
            await asyncio.sleep(0.001)

    counting = asyncio.ensure_future(count())
    await going.wait()
    note("up")
    yield {"ticks": ticks, "loop": asyncio.get_running_loop()}
    counting.cancel()
    note("down")


@retired.task
def ticking(ticks: list[int] = upnext.resource(), loop: asyncio.AbstractEventLoop = upnext.resource()) -> int:
    """What is async in a lifespan goes on while a task runs."""
    seen = len(ticks)
    while len(ticks) < seen + 3:
        time.sleep(0.001)

    async def where() -> str:
        return threading.current_thread().name

    assert asyncio.run_coroutine_threadsafe(where(), loop).result() == "upnext-lifespan"
    assert threading.current_thread() is threading.main_thread()
    return os.getpid()


@mixed.lifespan
def where() -> Iterator[dict[str, int]]:
    note("up")
    yield {"pid": os.getpid()}


@mixed.task
async def on_the_loop(pid: int = upnext.resource()) -> int:
    return pid


@mixed.task
def in_a_process(pid: int = upnext.resource()) -> int:
    return pid
