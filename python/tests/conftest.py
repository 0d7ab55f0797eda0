"""Fixtures: a data folder for each test, a worker, other processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Programs

import upnext
from upnext import _client


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder of the test's own."""
    for name in list(os.environ):
        if name.startswith("UPNEXT_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("UPNEXT_HOME", str(folder))
    _client.forget()
    yield folder
    _client.forget()


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
