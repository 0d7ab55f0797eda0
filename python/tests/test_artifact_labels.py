"""What is said about an artifact beside its data: labels, lifetime, key, digest, and any media type."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import threading
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from harness import running

import upnext

Body = Callable[[], Awaitable[Any]]


@pytest.fixture
def in_job(worker: upnext.Worker) -> Callable[[Body], Any]:
    """Runs an async function inside a job, and gives what it gives or raises what it raises."""

    def in_job(body: Body, **options: Any) -> Any:
        ends: list[Any] = []

        async def job() -> None:
            try:
                ends.append((await body(), None))
            except Exception as error:
                ends.append((None, error))

        task = worker.task(**options)(job) if options else worker.task(job)

        async def main() -> None:
            async with running(worker):
                await task.wait(wait_timeout=20)

        asyncio.run(main())
        [(value, error)] = ends
        if error is not None:
            raise error
        return value

    return in_job


@pytest.mark.every_backend
def test_labels_come_back_in_the_record(in_job: Callable[..., Any]) -> None:
    day = uuid.uuid4()

    async def body() -> tuple[upnext.Artifact, upnext.Artifact]:
        made = await upnext.create_artifact(
            "report.json",
            {"rows": 42},
            description="Größe by day",
            tags=["daily", "größe", "daily"],
            metadata={"rows": 42, "day": day, "at": dt.date(2026, 1, 2)},
        )
        return made, await upnext.get_artifact(made.id)

    made, found = in_job(body)
    assert made == found
    assert made.description == "Größe by day"
    assert made.tags == ["daily", "größe"]
    assert made.metadata == {"rows": 42, "day": str(day), "at": "2026-01-02"}
    assert (made.function, made.attempt, made.version, made.latest, made.pinned) == ("job", 1, 1, True, False)
    assert made.expires_at is None
    assert hash(made) == hash(found)


@pytest.mark.parametrize("seconds", [3600, 3600.0, dt.timedelta(hours=1)])
def test_expires_in_counts_from_now(in_job: Callable[..., Any], seconds: Any) -> None:
    async def body() -> upnext.Artifact:
        return await upnext.create_artifact("a.json", [], expires_in=seconds)

    made = in_job(body)
    assert abs(made.expires_at - made.created_at - dt.timedelta(hours=1)) < dt.timedelta(seconds=1)


@pytest.mark.every_backend
def test_a_task_gives_its_artifacts_a_lifetime(worker: upnext.Worker) -> None:
    made: list[upnext.Artifact] = []

    @worker.task(artifact_ttl=dt.timedelta(minutes=10))
    async def in_async() -> None:
        made.append(await upnext.create_artifact("usual.json", []))
        made.append(await upnext.create_artifact("longer.json", [], expires_in=3600))
        made.append(await upnext.create_artifact("kept.json", [], expires_in=None))
        async with upnext.open_artifact("live.log") as log:
            await log.write("x")
        made.append(log.artifact)

    @worker.task(artifact_ttl=600)
    def in_sync() -> None:
        made.append(upnext.create_artifact_sync("usual.json", []))
        with upnext.open_artifact_sync("live.log", expires_in=3600) as log:
            log.write("x")
        made.append(log.artifact)

    async def main() -> None:
        async with running(worker):
            assert (await in_async.wait(wait_timeout=20)).ok
            assert (await in_sync.wait(wait_timeout=20)).ok

    asyncio.run(main())
    lifetimes = [
        artifact.expires_at and round((artifact.expires_at - artifact.created_at).total_seconds()) for artifact in made
    ]
    assert lifetimes == [600, 3600, None, 600, 600, 3600]


@pytest.mark.every_backend
def test_the_same_key_answers_what_the_first_call_made(in_job: Callable[..., Any]) -> None:
    async def body() -> None:
        first = await upnext.create_artifact("a.json", [1], key="a")
        assert await upnext.create_artifact("a.json", [1], key=" a ") == first
        assert (await upnext.create_artifact("a.json", [1])).version == 2
        with pytest.raises(upnext.ArtifactConflictError, match="key was used for another artifact"):
            await upnext.create_artifact("b.json", [2], key="a")

    in_job(body)


@pytest.mark.every_backend
def test_a_digest_is_checked_before_anything_is_kept(in_job: Callable[..., Any]) -> None:
    async def body() -> None:
        digest = hashlib.sha256(b"abc").hexdigest()
        assert (await upnext.create_artifact("a.bin", b"abc", sha256=digest.upper())).sha256 == digest
        with pytest.raises(upnext.ArtifactDigestError, match="nothing was kept") as caught:
            await upnext.create_artifact("b.bin", iter([b"abd"]), sha256=digest)
        assert digest in str(caught.value)
        assert await upnext.list_artifacts(name="b.bin") == []

    in_job(body)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"description": 7}, "artifact 'a.json': description is a str, not int"),
        ({"description": "x" * 4097}, "artifact 'a.json': a description has at most 4096 characters"),
        ({"description": "a\ud800"}, "artifact 'a.json': its description holds the lone surrogate U+D800"),
        ({"tags": "daily"}, "artifact 'a.json': tags are given as a list of str, not as 'daily'"),
        ({"tags": [7]}, "artifact 'a.json': a tag is a str, not 7"),
        ({"tags": ["a,b"]}, "artifact 'a.json': \"a,b\" is not a tag"),
        ({"tags": [str(number) for number in range(33)]}, "at most 32 tags"),
        ({"metadata": [1]}, "artifact 'a.json': metadata is a dict, not list"),
        ({"metadata": {"a": object()}}, "artifact 'a.json': metadata.a is an object, which JSON cannot carry"),
        ({"metadata": {"a": "x" * 70_000}}, "metadata is at most 65536 bytes"),
        ({"expires_in": 0}, "artifact 'a.json': expires_in is a number of seconds or a timedelta, more than 0"),
        ({"expires_in": float("nan")}, "not nan: None keeps it as long as its job"),
        ({"expires_in": True}, "not True"),
        ({"expires_in": 1e12}, "at most 100 years"),
        ({"key": " "}, "idempotency key has 1 to 256 characters"),
        ({"key": 7}, "key is a str, not int"),
        ({"sha256": "abc"}, "artifact 'a.json': a SHA-256 digest is written as 64 hex digits"),
    ],
)
def test_labels_that_break_a_rule(in_job: Callable[..., Any], labels: dict[str, Any], message: str) -> None:
    async def body() -> None:
        with pytest.raises(upnext.InvalidArtifactError) as caught:
            await upnext.create_artifact("a.json", [], **labels)
        assert message in str(caught.value)

    in_job(body)


@pytest.mark.parametrize(
    ("name", "data", "given", "kind", "content_type", "stored"),
    [
        ("a", "# Größe", "text/markdown", "text/markdown", "text/markdown", "# Größe".encode()),
        ("a", "eA==", "video/mp4", "video/mp4", "video/mp4", b"x"),
        ("a", {"a": 1}, "application/geo+json", "application/geo+json", "application/geo+json", b'{"a":1}'),
        ("a", {"a": 1}, "application/json", upnext.ArtifactType.JSON, "application/json", b'{"a":1}'),
        ("a", b"x", "text/csv", upnext.ArtifactType.CSV, "text/csv", b"x"),
        ("a", b"x", "Text/X-Log; charset=latin-1", "text/x-log", "text/x-log; charset=latin-1", b"x"),
        ("a.parquet", b"x", None, "application/vnd.apache.parquet", "application/vnd.apache.parquet", b"x"),
        ("a.zip", b"x", None, "application/zip", "application/zip", b"x"),
    ],
)
def test_any_media_type(
    in_job: Callable[..., Any], name: str, data: Any, given: Any, kind: Any, content_type: str, stored: bytes
) -> None:
    async def body() -> None:
        made = await upnext.create_artifact(name, data, given)
        assert (made.type, made.content_type) == (kind, content_type)
        assert isinstance(made.type, upnext.ArtifactType) == isinstance(kind, upnext.ArtifactType)
        assert await made.bytes() == stored

    in_job(body)


def test_what_takes_its_time_is_drawn_in_a_thread(in_job: Callable[..., Any]) -> None:
    class Drawn:
        def _repr_svg_(self) -> str:
            threads.append(threading.current_thread())
            return "<svg/>"

    threads: list[threading.Thread] = []

    async def body() -> None:
        made = await upnext.create_artifact("drawn", Drawn(), tags=["a"])
        assert (made.type, await made.bytes()) == (upnext.ArtifactType.SVG, b"<svg/>")
        assert threads[0] is not threading.current_thread()

    in_job(body)


def test_an_object_stored_as_bytes_is_not_taken_for_base64(in_job: Callable[..., Any]) -> None:
    class Show:
        def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
            return {"application/json": {"a": 1}}

    async def body() -> None:
        made = await upnext.create_artifact("a", Show(), upnext.ArtifactType.BINARY)
        assert await made.bytes() == b'{"a":1}'
        assert made.type is upnext.ArtifactType.BINARY

    in_job(body)
