"""Artifacts in S3: the same calls, the bytes in a bucket of a real S3 protocol server."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Programs, running
from rust_programs import build_example

import upnext
from upnext import _client


@pytest.fixture(scope="session")
def s3_server() -> str:
    """The path of the server program."""
    return build_example("s3_server")


@pytest.fixture
def bucket(s3_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A bucket that the settings name; its objects are files in this folder."""
    folder = tmp_path / "s3"
    server = subprocess.Popen([s3_server, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin is not None
    assert server.stdout is not None
    with server:
        url, key, secret = server.stdout.readline().split()
        for name, value in {
            "UPNEXT_ARTIFACT_STORAGE_BACKEND": "s3",
            "UPNEXT_ARTIFACT_STORAGE_S3_BUCKET": "artifacts",
            "UPNEXT_ARTIFACT_STORAGE_S3_PREFIX": "team/upnext",
            "UPNEXT_ARTIFACT_STORAGE_S3_REGION": "eu-central-1",
            "UPNEXT_ARTIFACT_STORAGE_S3_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
        }.items():
            monkeypatch.setenv(name, value)
        yield folder / "artifacts"
        # Its connections, which the server waits for, go with the client.
        _client.forget()
        server.stdin.close()
        server.kill()


def test_large_artifacts_go_to_the_bucket_and_come_back(bucket: Path, programs: Programs) -> None:
    worker = upnext.Worker("demo")
    data = bytes(range(256)) * 1024

    @worker.task
    async def make() -> list[str]:
        large = await upnext.create_artifact("large.bin", data)
        small = await upnext.create_artifact("small.json", {"key": "value"})
        return [large.storage_backend, large.storage_key, small.storage_backend, large.id]

    async def main() -> list[str]:
        async with running(worker):
            return (await make.wait(wait_timeout=20)).value

    storage, key, small_storage, artifact = asyncio.run(main())
    digest = hashlib.sha256(data).hexdigest()
    assert (storage, small_storage) == ("s3", "inline")
    assert key.endswith(f"sha256/{digest[:2]}/{digest[2:4]}/{digest}")
    stored = bucket / "team/upnext" / "sha256" / digest[:2] / digest[2:4] / digest
    assert stored.read_bytes() == data

    code, output = programs.run("-m", "upnext", "artifacts", "get", artifact, "--output", "copy.bin")
    assert code == 0, output
    assert (programs.folder / "copy.bin").read_bytes() == data


def test_a_bucket_that_cannot_be_reached_is_the_jobs_error(bucket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    worker = upnext.Worker("demo")

    @worker.task
    async def make() -> None:
        await upnext.create_artifact("large.bin", bytes(100_000))

    async def main() -> None:
        async with running(worker):
            await make.wait(wait_timeout=20)

    with pytest.raises(upnext.TaskExecutionError, match="AWS_SECRET_ACCESS_KEY") as raised:
        asyncio.run(main())
    assert "wrong" not in str(raised.value)
    assert not any(path.is_file() for path in bucket.rglob("*"))
