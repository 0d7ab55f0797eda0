"""Every public name has an example in its docstring, and every example is run as it stands.

An example begins with the names of `usual_names`. Where it stands in code that runs in a job, async or not, is said
below; all others run outside of one, and find the worker started as soon as they await something.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import csv
import datetime as dt
import doctest
import importlib.metadata
import inspect
import io
import json
import os
import types
from collections.abc import Callable
from typing import Any

import pytest
from harness import Programs, running
from matplotlib.figure import Figure

import upnext
from upnext import _artifact_data

IN_ASYNC_JOBS = {
    "create_artifact",
    "open_artifact",
    "get_artifact",
    "list_artifacts",
    "iter_artifacts",
    "ArtifactData",
    "ArtifactType",
    "ArtifactWriter",
    "ArtifactError",
    "ArtifactConflictError",
    "ArtifactDigestError",
    "ArtifactStorageError",
    "ArtifactTooLargeError",
    "InvalidArtifactError",
    "StaleLeaseError",
}
IN_SYNC_JOBS = {
    "create_artifact_sync",
    "open_artifact_sync",
    "get_artifact_sync",
    "list_artifacts_sync",
    "iter_artifacts_sync",
    "ArtifactFile",
    "ArtifactTextFile",
}
#: What has no docstring of its own, and the module whose docstring it is shown in.
SHOWN_BY_MODULES: dict[str, types.ModuleType] = {"__version__": upnext, "ArtifactData": _artifact_data}
METHODS: dict[str, Any] = {
    "Artifact.bytes": upnext.Artifact.bytes,
    "Artifact.open": upnext.Artifact.open,
    "Artifact.follow": upnext.Artifact.follow,
    "Artifact.update": upnext.Artifact.update,
    "Artifact.open_sync": upnext.Artifact.open_sync,
    "Worker.lifespan": upnext.Worker.lifespan,
}

Run = Callable[[Any, dict[str, Any]], Any]


def examples_of(name: str) -> list[doctest.Example]:
    """The examples in the docstring of a name."""
    documented = METHODS.get(name) or SHOWN_BY_MODULES.get(name) or getattr(upnext, name)
    text = documented.__doc__ if isinstance(documented, type) else inspect.getdoc(documented)
    return doctest.DocTestParser().get_examples(inspect.cleandoc(text or ""), name)


def test_every_public_name_has_an_example() -> None:
    without = [name for name in upnext.__all__ if not examples_of(name)]
    assert not without, f"these have no example (>>>) in their docstrings: {', '.join(without)}"


def usual_names(worker: upnext.Worker) -> dict[str, Any]:
    """What examples begin with: some modules, a worker with the task `double`, and things they talk about."""

    @worker.task
    async def double(n: int) -> int:
        return 2 * n

    modules = (asyncio, csv, importlib, json, os, upnext)
    return {
        **{module.__name__: module for module in modules},
        "worker": worker,
        "double": double,
        "timedelta": dt.timedelta,
        "yesterday": dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=1),
        "figure": Figure(),
    }


def check(example: doctest.Example, shown: str) -> None:
    """What an example shows is what its docstring says, where it says anything."""
    checker, flags = doctest.OutputChecker(), doctest.ELLIPSIS
    if example.want and not checker.check_output(example.want, shown, flags):
        pytest.fail(f">>> {example.source}{checker.output_difference(example, shown, flags)}")


def compiled(example: doctest.Example) -> Any:
    return compile(example.source, "<example>", "single", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


async def run_async(examples: list[doctest.Example], names: dict[str, Any], before_await: Callable[[], Any]) -> None:
    """Runs examples that may await. They see no output of others: one test runs at a time in a process."""
    for example in examples:
        code = compiled(example)
        with contextlib.redirect_stdout(io.StringIO()) as shown:
            if code.co_flags & inspect.CO_COROUTINE:
                await before_await()
                await eval(code, names)
            else:
                exec(code, names)
        check(example, shown.getvalue())


def run_sync(examples: list[doctest.Example], names: dict[str, Any]) -> None:
    """Runs examples of code without an event loop."""
    for example in examples:
        with contextlib.redirect_stdout(io.StringIO()) as shown:
            exec(compiled(example), names)
        check(example, shown.getvalue())


@pytest.mark.parametrize("name", sorted({*upnext.__all__, *METHODS} - {"run"}))
def test_the_example_works(worker: upnext.Worker, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES", "1000000")
    names, examples = usual_names(worker), examples_of(name)
    # Another one makes what examples find, so that theirs can be given a lifespan and tasks before it starts.
    other = upnext.Worker("other")

    @other.task
    async def report() -> None:
        await upnext.create_artifact("report.json", {"rows": 42})

    @other.task
    async def train() -> None:
        await upnext.create_artifact("model.bin", b"model")

    started = False

    async def start() -> None:
        nonlocal started
        if not started:
            started = True
            await worker.start()

    async def nothing() -> None: ...

    @other.task
    async def in_async() -> None:
        await run_async(examples, names, nothing)

    @other.task
    def in_sync() -> None:
        run_sync(examples, names)

    async def main() -> None:
        async with running(other):
            names["future"] = await report.submit()
            await names["future"].result(20)
            names["artifact"] = await upnext.get_artifact(job=names["future"], name="report.json")
            await train.wait(wait_timeout=20)
            if name in IN_SYNC_JOBS or name.endswith("_sync"):
                await in_sync.wait(wait_timeout=20)
            elif name in IN_ASYNC_JOBS:
                await in_async.wait(wait_timeout=20)
            else:
                await run_async(examples, names, start)
            await worker.stop()

    asyncio.run(main())


def test_the_example_of_run_works(programs: Programs) -> None:
    """In a process of its own: it ends with a signal."""
    lines = [example.source for example in examples_of("run")]
    programs.write("program.py", "import os, signal, upnext\nworker = upnext.Worker('demo')\n" + "".join(lines))
    code, output = programs.run("program.py")
    assert code == 0, output
