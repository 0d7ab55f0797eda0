"""Artifacts: every type, every way to give data, and every rule that data can break."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import datetime as dt
import hashlib
import io
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import peek
import pytest
from harness import running

import upnext
from upnext import ArtifactType

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'

CONTENT_TYPES = {
    ArtifactType.JSON: "application/json",
    ArtifactType.TEXT: "text/plain; charset=utf-8",
    ArtifactType.PNG: "image/png",
    ArtifactType.JPEG: "image/jpeg",
    ArtifactType.WEBP: "image/webp",
    ArtifactType.GIF: "image/gif",
    ArtifactType.SVG: "image/svg+xml",
    ArtifactType.PDF: "application/pdf",
    ArtifactType.CSV: "text/csv",
    ArtifactType.XML: "application/xml",
    ArtifactType.HTML: "text/html",
    ArtifactType.BINARY: "application/octet-stream",
}

BASE64_TYPES = [kind for kind in ArtifactType if kind not in (ArtifactType.JSON, ArtifactType.TEXT)]


@pytest.fixture
def create(worker: upnext.Worker) -> Callable[..., upnext.Artifact]:
    """Makes an artifact in a job, async and sync, and gives the record of the second; raises what the job saw."""

    def create(name: Any, data: Callable[[], Any] | Any, artifact_type: Any = None) -> upnext.Artifact:
        made: list[upnext.Artifact] = []
        seen: list[BaseException] = []
        given = data if callable(data) else lambda: data
        more = {} if artifact_type is None else {"artifact_type": artifact_type}

        worker.tasks.clear()

        @worker.task
        async def in_async() -> None:
            try:
                made.append(await upnext.create_artifact(name, given(), **more))
            except Exception as error:
                seen.append(error)

        @worker.task
        def in_sync() -> None:
            try:
                made.append(upnext.create_artifact_sync(name, given(), **more))
            except Exception as error:
                seen.append(error)

        async def main() -> None:
            async with running(worker):
                await in_async.wait(wait_timeout=20)
                await in_sync.wait(wait_timeout=20)

        asyncio.run(main())
        if seen:
            assert (len(seen), len(made)) == (2, 0), f"one way failed, the other did not: {seen} {made}"
            assert type(seen[0]) is type(seen[1])
            assert str(seen[0]) == str(seen[1])
            raise seen[0]
        first, second = made
        same = {field: getattr(second, field) for field in ("id", "job_id", "created_at", "function")}
        assert dataclasses.replace(first, **same) == second
        return second

    return create


def content(artifact: upnext.Artifact) -> bytes:
    """The bytes that were stored."""
    [row] = peek.artifacts(artifact.job_id)
    return peek.content(row["id"])


@pytest.mark.every_backend
def test_the_record(create: Callable[..., upnext.Artifact]) -> None:
    artifact = create("out.json", {"key": "größe"})
    expected = '{"key":"größe"}'.encode()
    assert content(artifact) == expected
    assert artifact.sha256 == hashlib.sha256(expected).hexdigest()
    assert artifact.size_bytes == len(expected)
    assert (artifact.name, artifact.type, artifact.content_type) == (
        "out.json",
        ArtifactType.JSON,
        "application/json",
    )
    assert (artifact.status, artifact.error) == ("available", None)
    assert artifact.storage_backend == "inline"
    assert artifact.created_at.tzinfo is dt.timezone.utc
    [row] = peek.artifacts(artifact.job_id)
    assert row["name"] == "out.json"
    with pytest.raises(dataclasses.FrozenInstanceError):
        artifact.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize("data", [{"a": 1}, [1, 2], '{"a": 1}', "[1]", " 12 ", '"text"'])
@pytest.mark.parametrize("kind", [None, ArtifactType.JSON, "json"])
def test_json(create: Callable[..., upnext.Artifact], data: Any, kind: Any) -> None:
    artifact = create("out", data, kind)
    assert (artifact.type, artifact.content_type) == (ArtifactType.JSON, "application/json")


@pytest.mark.every_backend
def test_text(create: Callable[..., upnext.Artifact]) -> None:
    artifact = create("log", "Fertig: größe 図\n\x00", ArtifactType.TEXT)
    assert content(artifact) == "Fertig: größe 図\n\x00".encode()
    assert artifact.content_type == "text/plain; charset=utf-8"
    assert content(create("empty.txt", "", ArtifactType.TEXT)) == b""


@pytest.mark.parametrize("kind", BASE64_TYPES)
def test_base64(create: Callable[..., upnext.Artifact], kind: ArtifactType) -> None:
    encoded = base64.encodebytes(PNG).decode()
    assert "\n" in encoded
    artifact = create("file", f" {encoded}\t", kind)
    assert content(artifact) == PNG
    assert (artifact.type, artifact.content_type) == (kind, CONTENT_TYPES[kind])


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview])
@pytest.mark.parametrize("kind", [kind for kind in ArtifactType if kind is not ArtifactType.JSON])
def test_bytes_with_a_type(
    create: Callable[..., upnext.Artifact], make: Callable[[bytes], Any], kind: ArtifactType
) -> None:
    artifact = create("file", make(SVG), kind)
    assert content(artifact) == SVG
    assert (artifact.type, artifact.content_type) == (kind, CONTENT_TYPES[kind])


def _pieces() -> Iterator[bytes]:
    yield PNG[:3]
    yield b""
    yield bytearray(PNG[3:])  # type: ignore[misc]


class OpenFile(io.BytesIO):
    """A file object that nothing but `read` is asked of."""


@pytest.mark.parametrize("given", ["path", "file", "bytesio", "iterator", "generator", "bytes"])
@pytest.mark.parametrize(
    ("name", "kind"),
    [("chart.svg", ArtifactType.SVG), ("chart", ArtifactType.PNG), ("a/b/table.CSV", ArtifactType.CSV)],
)
def test_without_a_type_the_name_and_the_bytes_decide(
    create: Callable[..., upnext.Artifact], tmp_path: Path, given: str, name: str, kind: ArtifactType
) -> None:
    path = tmp_path / "data"
    path.write_bytes(PNG)
    files: list[Any] = []

    def opened() -> Any:
        files.append(path.open("rb"))
        return files[-1]

    ways: dict[str, Callable[[], Any]] = {
        "path": lambda: path,
        "file": opened,
        "bytesio": lambda: OpenFile(PNG),
        "iterator": lambda: iter([PNG[:10], PNG[10:]]),
        "generator": _pieces,
        "bytes": lambda: PNG,
    }
    artifact = create(name, ways[given])
    for file in files:
        file.close()
    assert content(artifact) == PNG
    assert artifact.type is kind


def test_bytes_of_no_known_kind_are_binary(create: Callable[..., upnext.Artifact]) -> None:
    assert create("data", b"\x00\x01").type is ArtifactType.BINARY
    assert create("data.bin", io.BytesIO(b"").read()).type is ArtifactType.BINARY


@pytest.mark.every_backend
def test_an_async_iterator(worker: upnext.Worker) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(PNG), 7):
            await asyncio.sleep(0)
            yield PNG[start : start + 7]

    @worker.task
    async def stream() -> str:
        artifact = await upnext.create_artifact("chart.png", pieces())
        assert content(artifact) == PNG
        return artifact.type.value

    @worker.task
    def in_thread() -> None:
        with pytest.raises(upnext.InvalidArtifactError, match="async iterator needs an event loop"):
            upnext.create_artifact_sync("chart.png", pieces())

    async def main() -> None:
        async with running(worker):
            assert (await stream.wait(wait_timeout=20)).value == "image/png"
            await in_thread.wait(wait_timeout=20)

    asyncio.run(main())


@pytest.mark.every_backend
@pytest.mark.parametrize("given", ["path", "file", "iterator", "bytes"])
def test_large_data_goes_to_storage(
    create: Callable[..., upnext.Artifact], tmp_path: Path, storage: Path, given: str
) -> None:
    data = bytes(range(256)) * (5 * 1024 * 1024 // 256)
    path = tmp_path / "large.bin"
    path.write_bytes(data)
    files = [path.open("rb"), path.open("rb")] if given == "file" else []
    opened = iter(files)
    ways: dict[str, Callable[[], Any]] = {
        "path": lambda: path,
        "file": lambda: next(opened),
        "iterator": lambda: (data[start : start + 100_000] for start in range(0, len(data), 100_000)),
        "bytes": lambda: data,
    }
    artifact = create("large.bin", ways[given])
    for file in files:
        file.close()
    digest = hashlib.sha256(data).hexdigest()
    assert (artifact.size_bytes, artifact.sha256, artifact.storage_backend) == (len(data), digest, "local")
    assert artifact.storage_key == f"sha256/{digest[:2]}/{digest[2:4]}/{digest}"
    assert (storage / artifact.storage_key).read_bytes() == data


@pytest.mark.parametrize(
    ("name", "data", "kind", "message"),
    [
        (
            "n.json",
            42,
            None,
            "artifact 'n.json': json data is a dict, a list or ready JSON text (str), or for any type",
        ),
        ("n.json", None, None, "not NoneType"),
        ("n.txt", 42, "text", "artifact 'n.txt': text data is a str, or for any type bytes"),
        ("n.png", {"a": 1}, "image/png", "artifact 'n.png': image/png data is base64 text (str)"),
        ("n.txt", ["a"], ArtifactType.TEXT, "text data is a str"),
        (
            "n.json",
            {"rows": [object()]},
            None,
            "artifact 'n.json': data.rows[0] is an object, which JSON cannot carry",
        ),
        ("n.json", [float("nan")], None, "data[0] is nan"),
        (
            "n.txt",
            "a\ud800",
            "text",
            "artifact 'n.txt': its text holds the lone surrogate U+D800 at character 1",
        ),
        ("a\udfff", "a", "text", "its name holds the lone surrogate U+DFFF"),
        ("n.bin", lambda: iter(["text"]), None, "its source gave a str, and an artifact is made of bytes"),
        ("n.bin", lambda: io.StringIO("text"), None, "open it in binary mode"),
        ("n", "x", "bmp", "artifact 'n': 'bmp' is not an artifact type: use one of json, text, image/png"),
        ("n", lambda: iter([b"x"]), "bmp", "artifact 'n': 'bmp' is not an artifact type"),
        ("n", "x", 7, "artifact 'n': its type is a member of ArtifactType or a media type"),
        (7, "x", None, "an artifact's name is a str, not int"),
        ("", "1", None, "must not be empty"),
        ("x" * 256, "1", None, "has at most 255 characters"),
        ("a\nb", "1", None, "U+000A"),
        ("../x", "1", None, "segment '..'"),
    ],
)
def test_invalid_artifacts(
    create: Callable[..., upnext.Artifact], name: Any, data: Any, kind: Any, message: str
) -> None:
    with pytest.raises(upnext.InvalidArtifactError) as caught:
        create(name, data, kind)
    assert message in str(caught.value)
    assert isinstance(caught.value, upnext.ArtifactError)
    assert isinstance(caught.value, ValueError)


def test_text_that_is_not_json_points_to_the_text_type(create: Callable[..., upnext.Artifact]) -> None:
    with pytest.raises(upnext.InvalidArtifactError) as caught:
        create("log.txt", "Processing completed")
    assert "log.txt" in str(caught.value)
    assert "ArtifactType.TEXT" in str(caught.value)


@pytest.mark.parametrize("encoded", ["####", "aGk", "aGk=aGk=", "aGki\u00e9", "a-_b"])
def test_base64_is_strict(create: Callable[..., upnext.Artifact], encoded: str) -> None:
    with pytest.raises(upnext.InvalidArtifactError, match=r"chart\.png"):
        create("chart.png", encoded, ArtifactType.PNG)


def test_a_path_that_is_not_there(create: Callable[..., upnext.Artifact], tmp_path: Path) -> None:
    with pytest.raises(upnext.ArtifactError, match=r"missing\.bin"):
        create("x.bin", tmp_path / "missing.bin")
    with pytest.raises(upnext.ArtifactError):
        create("x.bin", tmp_path)


@pytest.mark.every_backend
@pytest.mark.parametrize("given", ["bytes", "path", "iterator", "text"])
def test_too_large(
    create: Callable[..., upnext.Artifact],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    storage: Path,
    given: str,
) -> None:
    monkeypatch.setenv("UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES", "100000")
    data = b"x" * 100_001
    (tmp_path / "large").write_bytes(data)
    ways: dict[str, Callable[[], Any]] = {
        "bytes": lambda: data,
        "path": lambda: tmp_path / "large",
        "iterator": lambda: iter([data] * 100),
        "text": lambda: data.decode(),
    }
    with pytest.raises(upnext.ArtifactTooLargeError, match=r"large\.txt.*100000"):
        create("large.txt", ways[given], "text")
    assert not [path for path in storage.rglob("*") if path.is_file()]


@pytest.mark.every_backend
def test_a_source_that_breaks_off_leaves_nothing(worker: upnext.Worker, storage: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"x" * 3_000_000
        raise ConnectionResetError("gone")

    async def pieces_async() -> AsyncIterator[bytes]:
        for piece in pieces():
            yield piece

    @worker.task
    async def stream() -> None:
        for source in (pieces, pieces_async):
            with pytest.raises(ConnectionResetError, match="gone"):
                await upnext.create_artifact("x.bin", source())

    @worker.task
    def stream_sync() -> None:
        with pytest.raises(ConnectionResetError, match="gone"):
            upnext.create_artifact_sync("x.bin", pieces())

    async def main() -> None:
        async with running(worker):
            for task in (stream, stream_sync):
                result = await task.wait(wait_timeout=20)
                assert peek.artifacts(result.job_id) == []

    asyncio.run(main())
    assert not [path for path in storage.rglob("*") if path.is_file()]


def test_outside_a_job_and_in_the_wrong_place(worker: upnext.Worker) -> None:
    async def outside() -> None:
        with pytest.raises(RuntimeError, match=r"create_artifact\(\) works only inside a running job"):
            await upnext.create_artifact("x", {})
        with pytest.raises(RuntimeError, match=r"await create_artifact\("):
            upnext.create_artifact_sync("x", {})

    asyncio.run(outside())
    with pytest.raises(RuntimeError, match=r"create_artifact_sync\(\) works only inside a running job"):
        upnext.create_artifact_sync("x", {})

    @worker.task
    async def in_loop() -> None:
        with pytest.raises(RuntimeError, match=r"await create_artifact\("):
            upnext.create_artifact_sync("x", {})

    async def main() -> None:
        async with running(worker):
            assert (await in_loop.wait(wait_timeout=20)).ok

    asyncio.run(main())


@pytest.mark.every_backend
def test_the_same_name_again_is_a_new_version(worker: upnext.Worker) -> None:
    @worker.task
    async def twice() -> None:
        for number in range(2):
            await upnext.create_artifact("out.json", {"number": number})

    async def main() -> str:
        async with running(worker):
            return (await twice.wait(wait_timeout=20)).job_id

    rows = peek.artifacts(asyncio.run(main()))
    assert [(row["version"], row["latest"], peek.content(row["id"])) for row in rows] == [
        (1, False, b'{"number":0}'),
        (2, True, b'{"number":1}'),
    ]


@pytest.mark.every_backend
def test_many_at_once(worker: upnext.Worker) -> None:
    @worker.task
    async def many() -> int:
        made = await asyncio.gather(*(upnext.create_artifact(f"{n}.json", [n]) for n in range(200)))
        return len({artifact.id for artifact in made})

    async def main() -> None:
        async with running(worker):
            result = await many.wait(wait_timeout=20)
            assert result.value == 200
            assert len(peek.artifacts(result.job_id)) == 200

    asyncio.run(main())


@pytest.mark.every_backend
def test_after_the_end_of_the_job_the_lease_is_stale(worker: upnext.Worker) -> None:
    late: list[Any] = []

    @worker.task
    async def leaves_something_behind() -> None:
        async def afterwards() -> None:
            try:
                await done.wait()
                await upnext.create_artifact("late.json", {})
            except upnext.ArtifactError as error:
                late.append(error)

        late.append(asyncio.create_task(afterwards()))

    async def main() -> None:
        nonlocal done
        done = asyncio.Event()
        async with running(worker):
            result = await leaves_something_behind.wait(wait_timeout=20)
            done.set()
            await late.pop(0)
            assert [type(error) for error in late] == [upnext.StaleLeaseError]
            assert peek.artifacts(result.job_id) == []

    done: asyncio.Event
    asyncio.run(main())
