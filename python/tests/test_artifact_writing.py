"""Artifacts that are written piece by piece: in async and sync tasks, and read along."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import gc
import io
import json
import logging
from typing import Any

import pandas as pd
import pytest
from harness import DEADLINE, Programs, running

import upnext

pytestmark = pytest.mark.every_backend


def run(worker: upnext.Worker, *tasks: Any) -> list[Any]:
    """Runs each of these tasks once and gives their values."""

    async def main() -> list[Any]:
        async with running(worker):
            return [(await task.wait(wait_timeout=20)).value for task in tasks]

    return asyncio.run(main())


def test_an_artifact_is_written_piece_by_piece(worker: upnext.Worker) -> None:
    @worker.task
    async def train() -> str:
        async with upnext.open_artifact("train.log", description="Losses by epoch", tags=["live"]) as log:
            assert (log.artifact.status, log.artifact.size_bytes, log.artifact.sha256) == ("writing", 0, None)
            assert log.artifact.storage_key is None
            assert await log.write("größe 1\n") == 8
            assert await log.write(b"epoch 2\n") == 8
            assert await log.write(bytearray(b"epoch 3\n")) == 8
            await log.flush()
            live = await upnext.get_artifact(log.artifact.id)
            assert (live.status, live.size_bytes) == ("writing", 26)
            assert await live.text() == "größe 1\nepoch 2\nepoch 3\n"
            assert [artifact.id for artifact in await upnext.list_artifacts(tags=["live"])] == [live.id]
            await log.write(memoryview(b"end\n"))
        assert await live.bytes() == await log.artifact.bytes()
        assert (log.artifact.status, log.artifact.size_bytes) == ("available", 30)
        assert log.artifact.type is upnext.ArtifactType.TEXT
        assert log.artifact.description == "Losses by epoch"
        assert log.artifact == await upnext.get_artifact(log.artifact.id)
        with pytest.raises(ValueError, match=r"artifact 'train\.log' is not open for writing"):
            await log.write("late")
        return log.artifact.id

    [artifact_id] = run(worker, train)
    assert upnext.get_artifact_sync(artifact_id).text_sync().endswith("epoch 3\nend\n")


def test_a_sync_task_writes_a_file(worker: upnext.Worker) -> None:
    @worker.task
    def write() -> str:
        with upnext.open_artifact_sync("a.log") as file:
            assert (file.artifact.status, file.writable(), file.readable(), file.closed) == (
                "writing",
                True,
                False,
                False,
            )
            assert file.write("größe\n") == 6
            assert file.write(b"bytes\n") == 6
            print("printed", 7, file=file)
            file.flush()
            assert upnext.get_artifact_sync(file.artifact.id).size_bytes == 24
            handler = logging.StreamHandler(file)
            handler.emit(logging.LogRecord("x", 20, "x", 1, "logged", None, None))
            csv.writer(file).writerow(["a", 1])
            json.dump({"a": 1}, file)
            file.write("\n")
            pd.DataFrame({"b": [2]}).to_csv(file, index=False)
            with contextlib.redirect_stdout(file):
                print("redirected")
        assert file.closed
        with pytest.raises(ValueError, match="not open for writing"):
            file.write("late")
        assert file.artifact.status == "available"
        return file.artifact.text_sync()

    assert run(worker, write) == [
        'größe\nbytes\nprinted 7\nlogged\na,1\r\n{"a": 1}\nb\n2\nredirected\n',
    ]


@pytest.mark.one_backend
def test_a_text_file_for_code_that_insists_on_one(worker: upnext.Worker) -> None:
    @worker.task
    def write() -> str:
        with upnext.open_artifact_sync("a.csv", "text/csv", mode="w", tags=["t"]) as file:
            assert isinstance(file, io.TextIOBase)
            file.write("größe\r\n")
            csv.writer(file).writerow(["a", 1])
            file.flush()
            assert upnext.get_artifact_sync(file.artifact.id).size_bytes == 14
            with pytest.raises(TypeError):
                file.write(b"bytes")  # type: ignore[arg-type]
        assert (file.closed, file.artifact.status, file.artifact.tags) == (True, "available", ["t"])
        assert file.artifact.type is upnext.ArtifactType.CSV
        return file.artifact.text_sync()

    assert run(worker, write) == ["größe\r\na,1\r\n"]


def test_an_exception_leaves_it_incomplete(worker: upnext.Worker) -> None:
    @worker.task
    async def in_async() -> str:
        with contextlib.suppress(KeyError):
            async with upnext.open_artifact("async.bin") as file:
                await file.write(b"so far")
                raise KeyError("broken")
        assert file.artifact.status == "writing"
        return file.artifact.id

    @worker.task
    def in_sync() -> list[str]:
        ids = []
        for mode in ("wb", "w"):
            with (
                contextlib.suppress(KeyError),
                upnext.open_artifact_sync("sync.bin", mode=mode) as file,  # type: ignore[call-overload]
            ):
                file.write("so far")
                raise KeyError("broken")
            assert file.closed or file.buffer.closed
            ids.append(file.artifact.id)
        for mode in ("wb", "w"):
            forgotten: Any = upnext.open_artifact_sync("forgotten.bin", mode=mode)  # type: ignore[call-overload]
            forgotten.write("so far")
            forgotten.flush()
            ids.append(forgotten.artifact.id)
            del forgotten
            gc.collect()
        return ids

    first, others = run(worker, in_async, in_sync)
    for artifact_id in (first, *others):
        artifact = upnext.get_artifact_sync(artifact_id)
        assert (artifact.status, artifact.size_bytes, artifact.sha256) == ("incomplete", 6, None)
        assert artifact.bytes_sync() == b"so far"
        assert list(artifact.follow_sync()) == [b"so far"]


def test_bytes_that_break_a_rule_are_told_when_it_is_closed(worker: upnext.Worker) -> None:
    @worker.task
    async def in_async() -> None:
        with pytest.raises(upnext.InvalidArtifactError, match=r"artifact 'a\.json'.*not JSON"):
            async with upnext.open_artifact("a.json") as file:
                await file.write("{")

    @worker.task
    def in_sync() -> None:
        with (
            pytest.raises(upnext.InvalidArtifactError, match=r"artifact 'a\.json'.*not JSON"),
            upnext.open_artifact_sync("a.json") as file,
        ):
            file.write("{")
        file = upnext.open_artifact_sync("b.json")
        file.write("{}")
        file.close()
        file.close()
        assert file.artifact.json_sync() == {}

    run(worker, in_async, in_sync)


@pytest.mark.one_backend
def test_what_cannot_be_written(worker: upnext.Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES", "1000")

    @worker.task
    async def in_async() -> None:
        async with upnext.open_artifact("a.bin") as file:
            with pytest.raises(TypeError, match="is bytes or str, not int"):
                await file.write(7)  # type: ignore[arg-type]
            with pytest.raises(upnext.InvalidArtifactError, match=r"lone surrogate U\+D800"):
                await file.write("\ud800")
            with pytest.raises(upnext.ArtifactTooLargeError, match=r"a\.bin.*1000"):
                await file.write(bytes(1001))
        with pytest.raises(upnext.InvalidArtifactError, match="segment"):
            await upnext.open_artifact("../x").__aenter__()
        with pytest.raises(upnext.InvalidArtifactError, match="'pdf' is not an artifact type"):
            upnext.open_artifact("x", "pdf")
        with pytest.raises(RuntimeError, match=r"async with open_artifact\("):
            upnext.open_artifact_sync("x")
        with pytest.raises(ValueError, match="is not open: use"):
            upnext.open_artifact("x").artifact  # noqa: B018

    @worker.task
    def in_sync() -> None:
        with pytest.raises(ValueError, match="mode='wb' or mode='w', not 'r'"):
            upnext.open_artifact_sync("x", mode="r")  # type: ignore[call-overload]

    run(worker, in_async, in_sync)
    with pytest.raises(RuntimeError, match=r"open_artifact\(\) works only inside a running job"):
        upnext.open_artifact("x")
    with pytest.raises(RuntimeError, match=r"open_artifact_sync\(\) works only inside a running job"):
        upnext.open_artifact_sync("x")


def test_followers_see_what_is_written_while_it_is_written(worker: upnext.Worker) -> None:
    @worker.task
    async def slow() -> None:
        async with upnext.open_artifact("slow.log") as log:
            await log.write("one ")
            opened.set_result(log.artifact.id)
            await heard.wait()
            await log.write("two ")
            await log.write("three")

    async def main() -> None:
        nonlocal opened, heard
        opened, heard = asyncio.get_running_loop().create_future(), asyncio.Event()
        async with running(worker):
            future = await slow.submit()
            artifact = await upnext.get_artifact(await asyncio.wait_for(opened, DEADLINE))
            seen = b""
            async for chunk in artifact.follow():
                seen += chunk
                if seen == b"one ":
                    heard.set()
            assert seen == b"one two three"
            await future.result(20)
            assert [chunk async for chunk in artifact.follow(start=8)] == [b"three"]
            assert [chunk async for chunk in artifact.follow(start=99)] == []
            with pytest.raises(ValueError, match="start is the number of a byte"):
                await anext(artifact.follow(start=-1))
            assert await artifact.bytes() == b"one two three"

    opened: asyncio.Future[str]
    heard: asyncio.Event
    asyncio.run(main())


def test_a_follower_can_give_up(worker: upnext.Worker) -> None:
    @worker.task
    async def quiet() -> None:
        async with upnext.open_artifact("quiet.log") as log:
            opened.set_result(log.artifact)
            await done.wait()

    async def main() -> None:
        nonlocal opened, done
        opened, done = asyncio.get_running_loop().create_future(), asyncio.Event()
        async with running(worker):
            future = await quiet.submit()
            artifact = await asyncio.wait_for(opened, DEADLINE)
            waiting = asyncio.ensure_future(anext(artifact.follow()))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(waiting, 0.05)
            done.set()
            await future.result(20)

    opened: asyncio.Future[upnext.Artifact]
    done: asyncio.Event
    asyncio.run(main())


PROGRAM = """
    import os, upnext
    worker = upnext.Worker("demo")

    @worker.task
    async def dies() -> None:
        async with upnext.open_artifact("last.log") as log:
            await log.write("last words")
            await log.flush()
            print("written", flush=True)
            os._exit(1)

    worker.run()
"""


def test_what_was_durable_survives_the_death_of_the_worker(programs: Programs) -> None:
    """Until somebody takes the job over, its attempt counts as running: follow it from another process meanwhile."""
    file = programs.write("dies.py", PROGRAM)
    worker = upnext.Worker("demo")

    @worker.task
    async def dies() -> None: ...

    future = asyncio.run(dies.submit())
    process = programs.start(str(file))
    programs.wait_for(process, "written")
    assert process.wait(DEADLINE) == 1
    [artifact] = upnext.list_artifacts_sync(job=future)
    assert (artifact.status, artifact.size_bytes) == ("writing", 10)
    assert artifact.text_sync() == "last words"
    assert next(iter(artifact.follow_sync())) == b"last words"
