"""Jobs that cross from Python to Rust and back: the name of the task and its JSON arguments are all that counts."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess

import pytest
from harness import Programs, running
from rust_programs import build_example

import upnext

client = upnext.Worker("client")


@client.task
async def word_count(text: str) -> int:
    """Stands for the task of examples/rust/worker.rs; never run here."""
    raise AssertionError("this task is to run in Rust")


@pytest.fixture(scope="session")
def rust_worker() -> str:
    """The path of the worker that examples/rust/worker.rs becomes."""
    return build_example("worker")


def test_a_python_job_runs_in_rust(rust_worker: str) -> None:
    worker = subprocess.Popen([rust_worker], stdout=subprocess.DEVNULL, env=os.environ)
    try:

        async def ask() -> upnext.TaskResult[int]:
            return await word_count.wait("to be or not to be", wait_timeout=20)

        result = asyncio.run(ask())
        assert (result.value, result.status) == (4, upnext.JobStatus.COMPLETE)
        # Without an annotation nothing is checked here, as when another language submits.
        unchecked = upnext.Worker("unchecked").task(name="word_count")(lambda text: text)
        with pytest.raises(upnext.TaskExecutionError, match="invalid type: integer"):
            unchecked.wait_sync(7, wait_timeout=20)
    finally:
        worker.terminate()
        assert worker.wait(20) == 0


def test_a_rust_submission_runs_in_python(programs: Programs) -> None:
    worker = upnext.Worker("greeter")

    @worker.task
    async def greet(name: str, punctuation: str = "!") -> str:
        return f"Hello, {name}{punctuation}"

    async def call() -> tuple[int, str]:
        async with running(worker):
            # The command line is Rust: it knows the task only by what its worker registered.
            arguments = ("-m", "upnext", "call", "greet", "--kwargs", '{"name": "Ada"}', "--json")
            return await asyncio.to_thread(programs.run, *arguments)

    code, output = asyncio.run(call())
    assert code == 0, output
    assert json.loads(output)["result"] == "Hello, Ada!"
