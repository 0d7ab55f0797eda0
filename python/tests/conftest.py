"""Fixtures: a place of its own for the jobs of each test, a worker, other processes."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import peek
import places
import pytest
from harness import Programs

import upnext
from upnext import _client


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs what is marked so on every backend."""
    marker = metafunc.definition.get_closest_marker("every_backend")
    if marker is None or metafunc.definition.get_closest_marker("one_backend"):
        return
    left_out = {name: [pytest.mark.skip(reason=reason)] for name, reason in marker.kwargs.items()}
    each = [pytest.param(name, marks=left_out.get(name, ())) for name in places.EVERY]
    metafunc.parametrize("place", each, indirect=True)


@pytest.fixture(scope="session")
def engines() -> Iterator[places.Engines]:
    """The database servers."""
    engines = places.Engines()
    yield engines
    engines.close()


@pytest.fixture
def place(request: pytest.FixtureRequest) -> str:
    """Where the jobs of this test are kept."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture(autouse=True)
def home(place: str, engines: places.Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder of the test's own, and the settings that name its place."""
    for name in list(os.environ):
        if name.startswith("UPNEXT_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("UPNEXT_HOME", str(folder))
    _client.forget()
    with contextlib.ExitStack() as stack:
        stack.callback(peek.close)
        settings = {} if place == "sqlite" else engines.settings("postgres" if place == "postgres" else "valkey")
        if place == "server":
            behind = settings | {"UPNEXT_HOME": str(tmp_path / "server")}
            settings = {"UPNEXT_URL": stack.enter_context(places.served(behind, tmp_path / "server.log")).url}
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        stack.callback(_client.forget)
        yield folder


@pytest.fixture
def storage(place: str, home: Path, tmp_path: Path) -> Path:
    """The folder of artifacts that are too large for the database."""
    return (tmp_path / "server" if place == "server" else home) / "artifacts"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users reach, too: who runs as root gives it to a server that refuses to."""
    with tempfile.TemporaryDirectory(prefix="upnext-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def worker() -> upnext.Worker:
    """A worker that nobody has started."""
    return upnext.Worker("demo", concurrency=4)


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    """Starts other processes."""
    folder = tmp_path / "programs"
    folder.mkdir()
    programs = Programs(folder)
    yield programs
    programs.close()
