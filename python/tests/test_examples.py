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
import re
import types
from collections.abc import Callable
from pathlib import Path
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
#: Methods that the package calls itself, and one that ends with a signal: `upnext.run` shows it.
NOT_FOR_EXAMPLES = {
    "Artifact.handle",
    "ArtifactFile.writable",
    "EventHandle.send_packed",
    "EventHandle.send_packed_sync",
    "TaskHandle.invoke",
    "TaskHandle.pack_all",
    "TaskHandle.submit_all",
    "TaskHandle.submit_packed",
    "Worker.offer_only",
    "Worker.register",
    "Worker.run",
    "WorkerQueueConfig.warn",
}
CLASSES = {name: kind for name in upnext.__all__ if isinstance(kind := getattr(upnext, name), type)}


def own_members(kind: type) -> dict[str, Any]:
    """What a class and those of its bases that are ours define for everybody."""
    bases = [base for base in reversed(kind.__mro__) if base.__module__.startswith("upnext")]
    return {name: member for base in bases for name, member in vars(base).items() if not name.startswith("_")}


def documented(member: Any) -> Any:
    """The function behind a member of a class, or the property; None for plain values."""
    if isinstance(member, classmethod | staticmethod):
        return member.__func__
    return member if inspect.isfunction(member) or isinstance(member, property) else None


METHODS: dict[str, Any] = {
    f"{name}.{member}": function
    for name, kind in CLASSES.items()
    for member, value in own_members(kind).items()
    if (function := documented(value)) is not None and ">>>" in (inspect.getdoc(function) or "")
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


def test_every_public_method_has_a_docstring_and_is_shown() -> None:
    """In its own docstring or in that of its class; what is there for code without a loop by what it is the twin of."""
    for name, kind in CLASSES.items():
        shown = "\n".join(example.source for example in examples_of(name))
        for member, value in own_members(kind).items():
            function = documented(value)
            if function is None:
                continue
            assert function.__doc__, f"{name}.{member} has no docstring"
            is_twin = member.endswith("_sync") and hasattr(kind, member.removesuffix("_sync"))
            if isinstance(function, property) or is_twin or f"{name}.{member}" in NOT_FOR_EXAMPLES:
                continue
            is_shown = f"{name}.{member}" in METHODS or re.search(rf"[.@]{member}\b", shown)
            assert is_shown, f"no docstring shows {name}.{member} in an example (>>>)"


def usual_names(worker: upnext.Worker, folder: Path) -> dict[str, Any]:
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
        "folder": folder,
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
def test_the_example_works(worker: upnext.Worker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    monkeypatch.setenv("UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES", "1000000")
    names, examples = usual_names(worker, tmp_path), examples_of(name)
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
            if name.split(".")[0] in IN_SYNC_JOBS or name.endswith("_sync"):
                await start()
                await in_sync.wait(wait_timeout=20)
            elif name.split(".")[0] in IN_ASYNC_JOBS:
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
