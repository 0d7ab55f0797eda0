"""`upnext://` as fsspec and its users see it, over artifacts in memory."""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.metadata
import io
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import fsspec
import pandas as pd
import pytest

import upnext
from upnext._fsspec import UpNextFileSystem

NOON = dt.datetime(2026, 1, 2, 12, tzinfo=dt.timezone.utc)


class InMemory:
    """What `upnext._reading` offers."""

    def __init__(self) -> None:
        self.made: list[tuple[str, upnext.Artifact, bytes]] = []
        self.reads: list[tuple[int, int]] = []

    def make(self, function: str, job_id: str, name: str, content: bytes) -> upnext.Artifact:
        digest = hashlib.sha256(content).hexdigest()
        artifact = upnext.Artifact(
            f"a{len(self.made)}",
            job_id,
            name,
            upnext.ArtifactType.BINARY,
            "application/octet-stream",
            len(content),
            digest,
            "inline",
            "",
            NOON + dt.timedelta(minutes=len(self.made)),
        )
        self.made.insert(0, (function, artifact, content))
        return artifact

    def find_artifact_sync(self, artifact_id: str) -> upnext.Artifact:
        for _, artifact, _ in self.made:
            if artifact.id == artifact_id:
                return artifact
        raise LookupError(artifact_id)

    def list_artifacts_sync(
        self, *, job_id: str | None = None, name: str | None = None, function: str | None = None, limit: int = 100
    ) -> list[upnext.Artifact]:
        return [
            artifact
            for key, artifact, _ in self.made
            if job_id in (None, artifact.job_id) and name in (None, artifact.name) and function in (None, key)
        ][:limit]

    def read_bytes_sync(self, artifact: upnext.Artifact, start: int, end: int) -> bytes:
        self.reads.append((start, end))
        [content] = [content for _, other, content in self.made if other is artifact]
        assert 0 <= start < end <= len(content)
        return content[start:end]


@pytest.fixture
def stored() -> InMemory:
    stored = InMemory()
    stored.make("report", "job1", "t.csv", b"a\n1\n")
    stored.make("report", "job1", "charts/a.png", b"png")
    stored.make("report", "job1", "charts/deep/b.png", b"deeper")
    stored.make("report", "job2", "t.csv", b"a\n2\n")
    stored.make("mail/send", "job3", "größe 1.txt", "ü".encode())
    return stored


@pytest.fixture
def files(stored: InMemory) -> UpNextFileSystem:
    return UpNextFileSystem(reading=stored)


def test_the_three_addresses(files: UpNextFileSystem) -> None:
    for path, content in (
        ("job1/t.csv", b"a\n1\n"),
        ("job1/charts/deep/b.png", b"deeper"),
        ("artifact/a0", b"a\n1\n"),
        ("latest/report/t.csv", b"a\n2\n"),
        ("latest/report/charts/a.png", b"png"),
        ("latest/mail%2Fsend/größe 1.txt", "ü".encode()),
    ):
        for address in (path, f"upnext://{path}"):
            assert files.cat_file(address) == content
            assert files.info(address)["size"] == len(content)
            assert (files.exists(address), files.isfile(address), files.isdir(address)) == (True, True, False)
            with files.open(address) as file:
                assert file.read() == content


def test_listings(files: UpNextFileSystem) -> None:
    assert files.ls("upnext://", detail=False) == ["job3", "job2", "job1"]
    assert files.ls("upnext://job1", detail=False) == ["job1/charts", "job1/t.csv"]
    assert files.ls("job1/charts/", detail=False) == ["job1/charts/deep", "job1/charts/a.png"]
    assert files.ls("latest/report", detail=False) == [
        "latest/report/t.csv",
        "latest/report/charts",
    ]
    assert files.ls("latest/mail%2Fsend", detail=False) == ["latest/mail%2Fsend/größe 1.txt"]
    assert files.ls("artifact", detail=False) == [f"artifact/a{number}" for number in (4, 3, 2, 1, 0)]
    assert files.ls("job1/t.csv", detail=False) == ["job1/t.csv"]
    assert sorted(files.find("job1")) == ["job1/charts/a.png", "job1/charts/deep/b.png", "job1/t.csv"]
    assert files.glob("job1/**/*.png") == ["job1/charts/a.png", "job1/charts/deep/b.png"]
    assert files.isdir("job1/charts")
    assert files.isdir("latest")
    [newest] = [entry for entry in files.ls("latest/report") if entry["name"].endswith(".csv")]
    assert (newest["id"], newest["type"], newest["created"]) == ("a3", "file", NOON + dt.timedelta(minutes=3))


def test_what_is_not_there(files: UpNextFileSystem) -> None:
    for path in ("job9", "job9/t.csv", "job1/x", "artifact/zz", "latest/nobody", "latest/report/x", "job1/t.csv/x"):
        assert not files.exists(path)
        for ask in (files.info, files.ls, files.cat_file, files.open):
            with pytest.raises(FileNotFoundError, match="there is no artifact upnext://"):
                ask(path)
    with pytest.raises(FileNotFoundError, match="upnext://latest/FUNCTION"):
        files.ls("upnext://latest")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        files.open("job1/charts")


@pytest.mark.parametrize(
    ("start", "end"), [(None, None), (2, 5), (-3, None), (None, -2), (5, 2), (0, 99), (99, None), (-99, 3), (4, 4)]
)
def test_parts_of_a_file(files: UpNextFileSystem, start: int | None, end: int | None) -> None:
    assert files.cat_file("job1/charts/deep/b.png", start, end) == b"deeper"[start:end]


def test_only_what_is_read_is_fetched(stored: InMemory, files: UpNextFileSystem) -> None:
    content = bytes(range(256)) * 4096
    stored.make("report", "job1", "large.bin", content)
    with files.open("job1/large.bin", block_size=1000) as file:
        file.seek(500_000)
        assert file.read(10) == content[500_000:500_010]
        file.seek(-4, io.SEEK_END)
        assert file.read() == content[-4:]
    assert sum(end - start for start, end in stored.reads) < 5_000


def test_an_open_file_stays_the_version_that_was_opened(stored: InMemory, files: UpNextFileSystem) -> None:
    with files.open("latest/report/t.csv") as file:
        key = files.ukey("latest/report/t.csv")
        stored.make("report", "job9", "t.csv", b"newer")
        assert file.read() == b"a\n2\n"
        assert file.details["ETag"] == key
    assert files.cat_file("latest/report/t.csv") == b"newer"
    assert files.ukey("latest/report/t.csv") != key
    assert files.modified("artifact/a0") == files.created("artifact/a0") == NOON


@pytest.mark.parametrize(
    "write",
    [
        lambda files: files.open("job1/new", "wb"),
        lambda files: files.open("job1/t.csv", "ab"),
        lambda files: files.pipe_file("job1/new", b"x"),
        lambda files: files.touch("job1/new"),
        lambda files: files.mkdir("job8"),
        lambda files: files.makedirs("job8/a"),
        lambda files: files.rm("job1/t.csv"),
        lambda files: files.rm("job1", recursive=True),
        lambda files: files.copy("job1/t.csv", "job1/u.csv"),
        lambda files: files.mv("job1/t.csv", "job1/u.csv"),
    ],
)
def test_nothing_can_be_written(files: UpNextFileSystem, stored: InMemory, write: Callable[[Any], Any]) -> None:
    before = list(stored.made)
    with pytest.raises(OSError, match="read only"):
        write(files)
    assert stored.made == before


def test_as_other_libraries_open_it(stored: InMemory) -> None:
    fsspec.register_implementation("upnext", UpNextFileSystem, clobber=True)
    options = {"reading": stored}
    with fsspec.open("upnext://job1/t.csv", "r", **options) as file:
        assert file.read() == "a\n1\n"
    assert pd.read_csv("upnext://latest/report/t.csv", storage_options=options)["a"].tolist() == [2]
    raw = io.BytesIO()
    pd.DataFrame({"a": [1, 2]}).to_parquet(raw)
    stored.make("report", "job1", "t.parquet", raw.getvalue())
    assert pd.read_parquet("upnext://job1/t.parquet", storage_options=options)["a"].tolist() == [1, 2]
    assert fsspec.get_mapper("upnext://job1", **options)["t.csv"] == b"a\n1\n"


def test_fsspec_finds_it_by_itself() -> None:
    [entry] = importlib.metadata.entry_points(group="fsspec.specs", name="upnext")
    assert entry.load() is UpNextFileSystem
    program = (
        "import sys, json, upnext; before = 'fsspec' in sys.modules; import fsspec;"
        "print(json.dumps([before, fsspec.get_filesystem_class('upnext').__name__]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [False, "UpNextFileSystem"]
