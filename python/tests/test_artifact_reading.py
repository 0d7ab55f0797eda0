"""Artifacts from code: found, listed, read, followed back to who read them, changed and deleted."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import datetime as dt
import io
import json
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
from harness import Programs, eventually_sync, running

import upnext
from upnext import _reading

pytestmark = pytest.mark.every_backend

LARGE = bytes(range(256)) * 4096 * 3


@pytest.fixture
def made(worker: upnext.Worker) -> dict[str, upnext.Artifact]:
    """Artifacts of two jobs of `report` and one of `train`, by name and job."""
    made: dict[str, upnext.Artifact] = {}

    @worker.task
    async def report(number: int) -> None:
        made[f"report.json/{number}"] = await upnext.create_artifact(
            "report.json", {"rows": number}, tags=["daily"], metadata={"city": "Köln"}
        )
        made[f"log/{number}"] = await upnext.create_artifact("logs/run.txt", "größe\n", "text")
        if number == 2:
            await train.wait(wait_timeout=20)

    @worker.task
    async def train() -> None:
        for step in range(3):
            made[f"model/{step}"] = await upnext.create_artifact("model.bin", LARGE + bytes([step]), tags=["best", "x"])

    async def main() -> None:
        async with running(worker):
            for number in (1, 2):
                await report.wait(number, wait_timeout=20)

    asyncio.run(main())
    return made


def names(artifacts: list[upnext.Artifact]) -> list[str]:
    return [artifact.name for artifact in artifacts]


def test_one_artifact_is_found_in_three_ways(made: dict[str, upnext.Artifact]) -> None:
    second = made["report.json/2"]

    async def main() -> None:
        assert await upnext.get_artifact(second.id) == second
        assert await upnext.get_artifact(job=second.job_id, name="report.json") == second
        assert await upnext.get_artifact(job=second, name="report.json") == second
        assert await upnext.get_artifact(function="report", name="report.json") == second
        newest = await upnext.get_artifact(function="train", name="model.bin")
        assert (newest.id, newest.version) == (made["model/2"].id, 3)
        with pytest.raises(RuntimeError, match=r"await get_artifact\("):
            upnext.get_artifact_sync(second.id)

    asyncio.run(main())
    assert upnext.get_artifact_sync(second.id) == second
    assert upnext.get_artifact_sync(job=second.job_id, name="report.json") == second
    assert upnext.get_artifact_sync(function="report", name="report.json") == second


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (("0190b2f5-6c1e-7d3a-9f41-2b7c8d9e0f10",), "there is no artifact 0190b2f5"),
        (("nonsense",), "there is no artifact nonsense"),
        ({"job": "0190b2f5-6c1e-7d3a-9f41-2b7c8d9e0f10", "name": "a"}, "there is no artifact 'a' of job 0190b2f5"),
        ({"job": "nonsense", "name": "a"}, "there is no artifact 'a' of job nonsense"),
        ({"function": "nobody", "name": "a"}, "there is no artifact 'a' of function nobody"),
    ],
)
def test_what_is_not_there_is_a_lookup_error(where: Any, message: str) -> None:
    args, kwargs = (where, {}) if isinstance(where, tuple) else ((), where)

    async def main() -> None:
        with pytest.raises(upnext.ArtifactNotFoundError, match=message):
            await upnext.get_artifact(*args, **kwargs)

    asyncio.run(main())
    with pytest.raises(LookupError, match=message):
        upnext.get_artifact_sync(*args, **kwargs)


@pytest.mark.one_backend
@pytest.mark.parametrize(
    "where",
    [{}, {"name": "a"}, {"job": "a"}, {"job": "a", "function": "b", "name": "c"}, {"function": "a"}],
)
def test_half_an_address_is_refused(where: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="found by its id, by job= and name=, or by function= and name="):
        upnext.get_artifact_sync(**where)
    with pytest.raises(TypeError, match="give one of these"):
        upnext.get_artifact_sync("id", **(where or {"job": "a"}))


def test_the_newest_of_a_function_is_a_whole_one(worker: upnext.Worker) -> None:
    @worker.task
    async def train(whole: bool) -> None:
        try:
            async with upnext.open_artifact("model.bin") as file:
                await file.write(b"so far")
                if not whole:
                    raise KeyError
        except KeyError:
            pass

    async def main() -> None:
        async with running(worker):
            await train.wait(False, wait_timeout=20)
            assert (await upnext.get_artifact(function=train, name="model.bin")).status == "incomplete"
            job = (await train.wait(True, wait_timeout=20)).job_id
            for _ in range(25):
                await train.wait(False, wait_timeout=20)
        found = await upnext.get_artifact(function=train, name="model.bin")
        assert (found.job_id, found.status) == (job, "available")

    asyncio.run(main())


def test_lists_are_filtered_and_sorted(made: dict[str, upnext.Artifact]) -> None:
    first, second, model = made["report.json/1"], made["report.json/2"], made["model/2"]

    async def main() -> None:
        async def listed(**filters: Any) -> list[str]:
            return names(await upnext.list_artifacts(**filters))

        assert await listed() == ["model.bin", "logs/run.txt", "report.json", "logs/run.txt", "report.json"]
        assert await listed(job=first) == ["logs/run.txt", "report.json"]
        assert await listed(job=first.job_id, sort="name") == ["logs/run.txt", "report.json"]
        assert await listed(root=second) == ["model.bin", "logs/run.txt", "report.json"]
        assert await listed(function="train") == ["model.bin"]
        assert await listed(function="train", all_versions=True) == ["model.bin"] * 3
        assert await listed(type=upnext.ArtifactType.TEXT) == await listed(type="text") == ["logs/run.txt"] * 2
        assert await listed(name="report.json") == ["report.json"] * 2
        assert await listed(name_contains="RUN") == ["logs/run.txt"] * 2
        assert await listed(glob="*.bin") == ["model.bin"]
        assert await listed(tags=["best", "x"]) == await listed(tags="best") == ["model.bin"]
        assert await listed(tags=["best", "daily"]) == []
        assert await listed(search="köln report") == ["report.json"] * 2
        assert await listed(min_size=100) == ["model.bin"]
        assert await listed(max_size=100, job=first) == ["logs/run.txt", "report.json"]
        assert await listed(after=model.created_at) == ["model.bin"]
        assert await listed(before=first.created_at) == []
        assert await listed(sort="-size", limit=1) == ["model.bin"]
        assert await listed(sort="created_at", limit=2) == ["report.json", "logs/run.txt"]
        assert await listed(limit=0) == []
        assert await listed(limit=None, job=None) == await listed()

    asyncio.run(main())
    assert names(upnext.list_artifacts_sync(job=first, limit=1)) == ["logs/run.txt"]


@pytest.mark.one_backend
@pytest.mark.parametrize(
    ("filters", "error", "message"),
    [
        ({"job": "nonsense"}, ValueError, "'nonsense' is not the id of a job"),
        ({"type": "pdf"}, ValueError, "'pdf' is not an artifact type"),
        ({"sort": "date"}, ValueError, "'date' is not an order: use one of -created_at"),
        ({"limit": -1}, ValueError, "limit is a whole number of at least 0"),
        ({"min_size": -1}, ValueError, "min_size is a number of bytes"),
        ({"after": dt.datetime(2026, 1, 1)}, ValueError, "after is a datetime with a time zone"),  # noqa: DTZ001
        ({"tag": "x"}, TypeError, "artifacts cannot be listed by tag: use job, root,"),
    ],
)
def test_filters_that_mean_nothing(filters: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        upnext.list_artifacts_sync(**filters)


def test_all_pages_are_walked(worker: upnext.Worker) -> None:
    @worker.task
    async def many() -> None:
        await asyncio.gather(*(upnext.create_artifact(f"{number:04}.json", [number]) for number in range(1200)))

    async def main() -> None:
        async with running(worker):
            job = await many.wait(wait_timeout=60)
        walked = [artifact.name async for artifact in upnext.iter_artifacts(job=job, sort="name")]
        assert walked == [f"{number:04}.json" for number in range(1200)]
        assert len(await upnext.list_artifacts(job=job)) == 100
        assert len(await upnext.list_artifacts(job=job, limit=700)) == 700
        async for artifact in upnext.iter_artifacts(job=job, sort="-name"):
            assert artifact.name == "1199.json"
            break

    asyncio.run(main())
    assert len(list(upnext.iter_artifacts_sync(function="many"))) == 1200


def test_the_ways_to_read(made: dict[str, upnext.Artifact], tmp_path: Path) -> None:
    report, log, model = made["report.json/1"], made["log/1"], made["model/0"]

    async def main() -> None:
        assert await report.bytes() == b'{"rows":1}'
        assert await report.json() == {"rows": 1}
        assert await log.text() == "größe\n"
        assert await log.text("latin-1") == "größe\n".encode().decode("latin-1")
        assert await model.bytes() == LARGE + b"\0"
        path = await model.save(tmp_path / "model.bin")
        assert path.read_bytes() == LARGE + b"\0"
        for method in ("bytes", "text", "json", "save", "follow", "update", "delete"):
            call, arguments = getattr(report, f"{method}_sync"), [tmp_path] if method == "save" else []
            with pytest.raises(RuntimeError, match=rf"{method}_sync\(\) would block .* `.*artifact\.{method}\(\)`"):
                call(*arguments)

    asyncio.run(main())
    assert report.bytes_sync() == b'{"rows":1}'
    assert report.json_sync() == {"rows": 1}
    assert log.text_sync() == "größe\n"
    assert b"".join(model.follow_sync(start=5)) == (LARGE + b"\0")[5:]
    with pytest.raises(json.JSONDecodeError):
        log.json_sync()
    with pytest.raises(UnicodeDecodeError):
        model.text_sync()


@pytest.mark.one_backend
def test_saving_replaces_a_file_when_it_is_complete(made: dict[str, upnext.Artifact], tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")
    before = os.umask(0o027)
    try:
        assert made["report.json/1"].save_sync(str(path)) == path
    finally:
        os.umask(before)
    assert path.read_bytes() == b'{"rows":1}'
    assert path.stat().st_mode & 0o777 == 0o640
    assert [entry.name for entry in tmp_path.iterdir() if entry.name != "home"] == ["report.json"]
    with pytest.raises(IsADirectoryError, match="it is a folder; name a file in it"):
        made["report.json/1"].save_sync(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"artifact 'report\.json' cannot be saved to"):
        made["report.json/1"].save_sync(tmp_path / "missing" / "x")


def test_an_open_artifact_is_read_piece_by_piece(made: dict[str, upnext.Artifact]) -> None:
    model, content = made["model/1"], LARGE + b"\1"

    async def main() -> None:
        async with model.open() as reader:
            assert await reader.read(3) == content[:3]
            assert await reader.read(0) == b""
            assert await reader.read(300_000) == content[3:300_003]
            chunks = [chunk async for chunk in reader]
            assert b"".join(chunks) == content[300_003:]
            assert max(map(len, chunks)) <= 1024 * 1024
            assert (await reader.read(), await reader.read(5)) == (b"", b"")
        with pytest.raises(ValueError, match=r"artifact 'model\.bin' is not open any more"):
            await reader.read()
        async with model.open() as reader:
            assert await reader.read() == content
        # Cancelled in the middle, a read is done again from the same place.
        async with model.open() as reader:
            got = await reader.read(10)
            waiting = asyncio.ensure_future(reader.read(10))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
            assert got + await reader.read() == content
            pieces = await asyncio.gather(*(model.open().read(7) for _ in range(3)))
            assert pieces == [content[:7]] * 3

    asyncio.run(main())


def test_an_artifact_is_a_file(worker: upnext.Worker) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "größe")
        archive.writestr("large.bin", LARGE)
    content = buffer.getvalue()

    @worker.task
    async def make() -> str:
        return (await upnext.create_artifact("data.zip", content)).id

    async def main() -> upnext.Artifact:
        async with running(worker):
            artifact = await upnext.get_artifact((await make.wait(wait_timeout=20)).value)
        with pytest.raises(RuntimeError, match=r"async with artifact\.open\(\)"):
            artifact.open_sync()
        return artifact

    artifact = asyncio.run(main())
    with artifact.open_sync() as file:
        assert isinstance(file, io.BufferedReader)
        assert (file.readable(), file.seekable(), file.writable(), file.name) == (True, True, False, "data.zip")
        assert file.read(10) == content[:10]
        assert file.seek(-5, io.SEEK_END) == len(content) - 5
        assert (file.read(), file.read(1)) == (content[-5:], b"")
        assert (file.seek(100), file.read(4), file.tell()) == (100, content[100:104], 104)
        assert (file.seek(len(content) + 9), file.read()) == (len(content) + 9, b"")
        assert file.seek(0) == 0
        assert file.read() == content
        with pytest.raises((ValueError, OSError)):
            file.seek(-1)
    with pytest.raises(ValueError, match="closed file"):
        file.read()
    with artifact.open_sync() as file, zipfile.ZipFile(file) as archive:
        assert archive.read("a.txt").decode() == "größe"
        assert archive.read("large.bin") == LARGE


@pytest.mark.one_backend
def test_damaged_bytes_are_never_given_as_good(made: dict[str, upnext.Artifact], home: Path, tmp_path: Path) -> None:
    model = made["model/0"]
    assert model.storage_key is not None
    blob = home / "artifacts" / model.storage_key
    blob.chmod(0o600)
    blob.write_bytes(LARGE + b"x")
    for read in (
        model.bytes_sync,
        lambda: model.save_sync(tmp_path / "x"),
        lambda: model.open_sync().read(),
        lambda: list(model.follow_sync()),
    ):
        # The first to notice sets them aside, a moment later.
        with pytest.raises(upnext.ArtifactStorageError, match=r"artifact 'model\.bin': .*(damaged|missing)"):
            read()
    assert not (tmp_path / "x").exists()
    eventually_sync(lambda: upnext.get_artifact_sync(model.id).status == "damaged")
    with pytest.raises(upnext.ArtifactStorageError, match="damaged"):
        model.bytes_sync()


def test_what_a_job_reads_of_others_is_noted(worker: upnext.Worker, tmp_path: Path) -> None:
    @worker.task
    async def make() -> str:
        artifacts = [await upnext.create_artifact(f"{number}.json", [number]) for number in range(7)]
        assert await artifacts[0].json() == [0]
        return artifacts[0].job_id

    @worker.task
    async def read(job: str) -> None:
        found = {artifact.name: artifact for artifact in await upnext.list_artifacts(job=job)}
        assert await found["0.json"].bytes() == b"[0]"
        assert await found["0.json"].bytes() == b"[0]"
        await found["1.json"].save(tmp_path / "1.json")
        async with found["2.json"].open() as reader:
            await reader.read(1)
        async for _ in found["3.json"].follow():
            pass
        assert await asyncio.to_thread(found["4.json"].json_sync) == [4]
        await read_in_thread.wait(job, wait_timeout=20)

    @worker.task
    def read_in_thread(job: str) -> None:
        upnext.get_artifact_sync(job=job, name="6.json").open_sync().close()

    async def main() -> None:
        async with running(worker):
            job = (await make.wait(wait_timeout=20)).value
            reader = await read.wait(job, wait_timeout=20)
        listed = await upnext.list_artifacts(read_by=reader, sort="name")
        assert names(listed) == ["0.json", "1.json", "2.json", "3.json", "4.json"]
        await listed[0].bytes()
        assert await upnext.list_artifacts(read_by=job) == []
        [inner] = [artifact async for artifact in upnext.iter_artifacts() if artifact.name == "6.json"]
        assert inner.job_id == job

    asyncio.run(main())


def test_what_is_written_on_an_artifact_can_be_changed(made: dict[str, upnext.Artifact]) -> None:
    report = made["report.json/1"]

    async def main() -> None:
        changed = await report.update(description="Best", tags=["best"], pinned=True, expires_in=60)
        assert (changed.description, changed.tags, changed.pinned) == ("Best", ["best"], True)
        assert changed.metadata == {"city": "Köln"}
        assert changed.expires_at is not None
        left = changed.expires_at - dt.datetime.now(dt.timezone.utc)
        assert dt.timedelta(seconds=40) < left <= dt.timedelta(seconds=60)
        assert await upnext.get_artifact(report.id) == changed
        assert await changed.update() == changed
        bare = await changed.update(description=None, tags=None, metadata=None, pinned=False, expires_in=None)
        assert (bare.description, bare.tags, bare.metadata, bare.pinned, bare.expires_at) == (
            None,
            [],
            None,
            False,
            None,
        )
        with pytest.raises(upnext.InvalidArtifactError, match="is not a tag"):
            await report.update(tags=["a,b"])

    asyncio.run(main())
    assert report.update_sync(metadata={"a": 1}).metadata == {"a": 1}
    assert report.id not in [artifact.id for artifact in upnext.list_artifacts_sync(search="best")]


def test_a_deleted_artifact_is_gone(made: dict[str, upnext.Artifact]) -> None:
    report, model = made["report.json/1"], made["model/2"]

    async def main() -> None:
        assert await report.delete() is True
        assert await report.delete() is False
        with pytest.raises(LookupError):
            await upnext.get_artifact(report.id)
        for read in (report.bytes(), report.update(pinned=True), copy.copy(report).bytes()):
            with pytest.raises(upnext.ArtifactNotFoundError, match=f"there is no artifact {report.id}"):
                await read

    asyncio.run(main())
    assert (model.delete_sync(), model.delete_sync(), copy.copy(model).delete_sync()) == (True, False, False)
    assert upnext.get_artifact_sync(function="train", name="model.bin").version == 2


@pytest.mark.one_backend
def test_a_record_is_data(made: dict[str, upnext.Artifact]) -> None:
    report = made["report.json/1"]
    for other in (pickle.loads(pickle.dumps(report)), copy.copy(report), copy.deepcopy(report)):
        assert other == report
        assert other.bytes_sync() == b'{"rows":1}'
    assert "Köln" in repr(report)
    assert vars(report).keys() - {"_stored"} == dataclasses.asdict(report).keys()


def test_a_forked_child_reads_with_a_connection_of_its_own(
    made: dict[str, upnext.Artifact], programs: Programs
) -> None:
    programs.write(
        "forks.py",
        """
        import os, upnext

        artifact = upnext.get_artifact_sync(function="report", name="report.json")
        child = os.fork()
        print(artifact.json_sync(), flush=True)
        if child:
            assert os.waitpid(child, 0)[1] == 0
            print(artifact.json_sync(), flush=True)
        os._exit(0)
        """,
    )
    assert programs.run("forks.py") == (0, "{'rows': 2}\n" * 3)


def test_any_process_reads(made: dict[str, upnext.Artifact], programs: Programs) -> None:
    programs.write(
        "reads.py",
        """
        import asyncio, upnext

        async def main():
            artifact = await upnext.get_artifact(function="report", name="report.json")
            print(await artifact.json(), [a.name for a in await upnext.list_artifacts(job=artifact, sort="name")])

        asyncio.run(main())
        """,
    )
    assert programs.run("reads.py") == (0, "{'rows': 2} ['logs/run.txt', 'report.json']\n")


@pytest.mark.one_backend
def test_a_job_reads_where_it_is_kept(tmp_path: Path) -> None:
    """A worker with a URL of its own has its artifacts there, not where the environment says."""
    worker = upnext.Worker("demo", url=f"sqlite:///{tmp_path}/other.db")

    @worker.task
    async def make() -> list[Any]:
        made = await upnext.create_artifact("a.json", [1])
        found = await upnext.get_artifact(made.id)
        text = _reading.read_bytes_sync(_reading.find_artifact_sync(made.id), 0, 99).decode()
        return [await found.json(), len(await upnext.list_artifacts()), text]

    async def main() -> None:
        async with running(worker):
            assert (await make.wait(wait_timeout=20)).value == [[1], 1, "[1]"]
        assert await upnext.list_artifacts() == []

    asyncio.run(main())
