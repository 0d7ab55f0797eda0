"""Processes that end when this one does, whatever ends it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1


def _with_parent() -> None:
    """Asks the kernel to kill this process when its parent is gone, even if that was killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(words: list[str], **options: Any) -> subprocess.Popen[str]:
    """Starts a process in a group of its own."""
    return subprocess.Popen(words, text=True, start_new_session=True, preexec_fn=_with_parent, **options)


def end(process: subprocess.Popen[str], patience: float = 5.0) -> None:
    """Ends a process and all that it has started, first by asking."""
    members = _session(process.pid)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(patience)
    for pid in {*members, *_session(process.pid)}:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


@contextlib.contextmanager
def running(words: list[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A process that runs as long as this is entered."""
    process = start(words, **options)
    try:
        yield process
    finally:
        end(process)


def _session(leader: int) -> list[int]:
    """The processes of the session of `leader`: its descendants, also those with another group."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = Path(entry, "stat").read_text().rsplit(")", 1)[1].split()
                if int(fields[3]) == leader and int(entry.name) != leader:
                    found.append(int(entry.name))
    return found
