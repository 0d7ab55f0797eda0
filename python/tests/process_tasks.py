"""Tasks that run in child processes, which import this module again."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import upnext

worker = upnext.Worker("processes", concurrency=2, sync_executor=upnext.SyncExecutor.PROCESS)
one_each = upnext.Worker("one-each", concurrency=1, sync_executor="process", max_tasks_per_child=1)


def note(line: str) -> None:
    """Leaves a trace that the test can read."""
    with Path(os.environ["TRACE"]).open("a") as file:
        file.write(line + "\n")


@worker.task
def facts(x: int = 0) -> dict[str, Any]:
    context = upnext.get_current_context()
    return {
        "pid": os.getpid(),
        "main_thread": threading.current_thread() is threading.main_thread(),
        "x": x,
        "job_id": context.job_id,
        "job_key": context.job_key,
        "parent_id": context.parent_id,
        "root_id": context.root_id,
        "attempt": context.attempt,
        "max_attempts": context.max_attempts,
        "function": context.function,
        "function_name": context.function_name,
        "is_cancelled": context.is_cancelled,
        "checkpoint_state": context.checkpoint_state,
    }


@worker.task
async def on_the_loop() -> int:
    return os.getpid()


@worker.task(name="another name")
def renamed() -> str:
    return "found"


@worker.task
def uses_a_loop() -> int:
    async def inner() -> int:
        return (await facts.submit(1)).job_id != upnext.get_current_context().job_id

    return asyncio.run(inner())


@worker.task(retries=1, retry_delay=0.01)
def resume() -> Any:
    context = upnext.get_current_context()
    if context.attempt == 1:
        context.set_progress(0.25, "a quarter")
        context.checkpoint({"row": 1})
        context.checkpoint({"row": 2, "größe": [None]})
        context.send_log("warning", "half way", rows=2)
        raise ConnectionError("try again")
    context.set_progress(0.5)
    return context.checkpoint_state


@worker.task(artifact_ttl=3600)
def makes_artifacts() -> list[str]:
    table = upnext.create_artifact_sync("table.json", {"rows": [1, 2]})
    large = upnext.create_artifact_sync("large.bin", iter([b"x" * 100_000] * 3))
    with upnext.open_artifact_sync("live.log") as file:
        file.write("one\ntwo\n")
    read = upnext.get_artifact_sync(job=upnext.get_current_context().job_id, name="table.json")
    assert read.json_sync() == {"rows": [1, 2]}
    return [table.id, large.id]


@worker.task
def parent() -> dict[str, Any]:
    submitted = facts.submit_sync(1)
    waited = facts.wait_sync(2, wait_timeout=20)
    return {"submitted": submitted.job_id, "waited": waited.value, "me": upnext.get_current_context().job_id}


@worker.task
def fails() -> None:
    def inner() -> None:
        raise ValueError("no rows\nat all")

    inner()


@worker.task(retries=3, give_up_on=ValueError, capture_output=True)
def gives_up() -> None:
    print("what was printed")
    raise ValueError("for good")


@worker.task(retries=3)
def odd_result() -> Any:
    return {"when": threading}


@worker.task
def leaves(how: str) -> None:
    print("last words")
    if how == "exit":
        os._exit(7)
    elif how == "sys.exit":
        sys.exit(3)
    elif how == "segfault":
        ctypes.string_at(0)
    else:
        os.kill(os.getpid(), signal.SIGKILL)


@worker.task(retries=1, retry_delay=0.01)
def crashes_once() -> int:
    if upnext.get_current_context().attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return upnext.get_current_context().attempt


@worker.task(timeout=60)
def hangs(way: str) -> None:
    note(f"hangs {os.getpid()}")
    if way == "sleep":
        try:
            time.sleep(60)
        finally:
            note("cleaned up")
    elif way == "polite":
        while not upnext.get_current_context().is_cancelled:
            time.sleep(0.01)
        note("stopped by itself")
    elif way == "deaf":
        while True:
            with contextlib.suppress(BaseException):
                time.sleep(60)
    elif way == "lock":
        re.match(r"(a+)+$", "a" * 60 + "b")
    elif way == "subprocess":
        sleeper = subprocess.Popen(["sleep", "600"])
        note(f"sleeper {sleeper.pid}")
        time.sleep(60)


@worker.task(timeout=1.5)
def too_slow(way: str) -> None:
    hangs.function(way)


@worker.task
def lasts(seconds: float) -> str:
    note(f"lasts {os.getpid()}")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.01)
    return "whole"


@worker.task
def forks() -> str:
    pid = os.fork()
    if pid == 0:
        # It holds neither the channel nor the worker's way of stopping tasks.
        time.sleep(60)
        os._exit(0)
    note(f"fork {pid}")
    os.kill(os.getpid(), signal.SIGKILL)
    return "never"


@worker.task
def stale() -> str:
    note(f"stale {upnext.get_current_context().attempt}")
    if upnext.get_current_context().attempt > 1:
        return "second"
    while not Path(os.environ["TRACE"] + ".go").exists():
        time.sleep(0.01)
    try:
        upnext.create_artifact_sync("late.json", {})
    except upnext.StaleLeaseError:
        note("refused")
    return "first"


hook_calls: list[tuple[str, int, int]] = []


def _hook(name: str) -> Any:
    def hook(context: upnext.Context) -> None:
        hook_calls.append((name, context.attempt, os.getpid()))

    return hook


async def _async_hook(context: upnext.Context) -> None:
    await asyncio.sleep(0)
    hook_calls.append(("start", context.attempt, os.getpid()))


@worker.task(
    retries=1,
    retry_delay=0.01,
    on_start=_async_hook,
    on_success=_hook("success"),
    on_failure=_hook("failure"),
    on_retry=_hook("retry"),
    on_complete=_hook("complete"),
)
def hooked(how: str) -> int:
    if how == "die":
        os._exit(1)
    return 1


@one_each.task
def pid() -> int:
    return os.getpid()
