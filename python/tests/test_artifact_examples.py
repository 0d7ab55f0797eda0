"""The examples in the docstrings about artifacts, run as they stand."""

from __future__ import annotations

import ast
import asyncio
import datetime as dt
import doctest
import inspect
import json
from typing import Any

import pytest
from harness import running
from matplotlib.figure import Figure

import upnext

IN_ASYNC_TASKS = [
    upnext.create_artifact,
    upnext.open_artifact,
    upnext.get_artifact,
    upnext.list_artifacts,
    upnext.iter_artifacts,
    upnext.Artifact.bytes,
    upnext.Artifact.open,
    upnext.Artifact.follow,
    upnext.Artifact.update,
]
IN_SYNC_TASKS = [upnext.create_artifact_sync, upnext.open_artifact_sync, upnext.Artifact.open_sync]


def examples(documented: Any) -> list[tuple[Any, str]]:
    """The statements of the examples in a docstring, compiled, and what each is said to show."""
    found = doctest.DocTestParser().get_examples(inspect.getdoc(documented) or "")
    assert found, f"{documented.__qualname__} has no example"
    return [
        (
            compile(
                example.source.strip() if example.want else example.source,
                documented.__qualname__,
                "eval" if example.want else "exec",
                ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
            ),
            example.want.strip(),
        )
        for example in found
    ]


@pytest.mark.parametrize(
    "documented", [*IN_ASYNC_TASKS, *IN_SYNC_TASKS], ids=lambda documented: documented.__qualname__
)
def test_the_example_works(worker: upnext.Worker, documented: Any) -> None:
    names: dict[str, Any] = {
        "upnext": upnext,
        "json": json,
        "timedelta": dt.timedelta,
        "yesterday": dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=1),
        "figure": Figure(),
    }

    @worker.task
    async def report() -> None:
        names["artifact"] = await upnext.create_artifact("report.json", {"rows": 42})

    @worker.task
    async def train() -> None:
        await upnext.create_artifact("model.bin", b"model")

    @worker.task
    async def in_async() -> None:
        for code, shown in examples(documented):
            value = eval(code, names)
            value = await value if inspect.iscoroutine(value) else value
            assert not shown or repr(value) == shown

    @worker.task
    def in_sync() -> None:
        for code, _ in examples(documented):
            exec(code, names)

    async def main() -> None:
        async with running(worker):
            names["future"] = await report.submit()
            await names["future"].result(20)
            await train.wait(wait_timeout=20)
            task: Any = in_sync if documented in IN_SYNC_TASKS else in_async
            assert (await task.wait(wait_timeout=20)).ok

    asyncio.run(main())
