"""The interface that everything measured has."""

from __future__ import annotations

import os
import socket
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

#: Arguments of one job.
Arguments = tuple[object, ...]


class UnsupportedError(Exception):
    """A peer has no way to do what a workload needs. Its text is the reason that the results give."""


class Peer(ABC):
    """A system under measurement, seen from the process that submits. Its worker runs beside it."""

    #: Settings that differ from its defaults, in one line.
    settings: str = "defaults"
    #: Whether its artifacts need its server beside the worker.
    served: bool = False
    #: Whether jobs run in a worker. Where they do not, artifacts are made by the process that measures.
    has_worker: bool = True

    def __init__(self) -> None:
        #: Where its jobs are: a redis:// or postgres:// address, or that of an SQLite file.
        self.url = os.environ["BENCH_URL"]
        #: A folder that is its own and empty.
        self.home = Path(os.environ["BENCH_HOME"])
        #: The process of its server, where one runs.
        self.server: int | None = None

    @abstractmethod
    def worker_command(self, processes: int) -> list[str]:
        """The documented command of a worker: 1 process runs `bodies.CONCURRENCY` coroutines or threads at once, and
        several processes run tasks that compute, one in each."""

    @abstractmethod
    async def submit_many(self, task: str, arguments: Sequence[Arguments]) -> None:
        """Submits a job for each of these, in the fastest documented way. Returns when all are accepted."""

    @abstractmethod
    async def drained(self) -> bool:
        """Whether it has, by its own account, no job waiting or running."""

    async def prepare(self) -> None:
        """Makes tables and the like, once for an empty database."""

    async def open(self) -> None:
        """Connects the submitter."""

    async def close(self) -> None:
        """Lets go of what `open` made."""

    async def submit(self, task: str, *arguments: object) -> None:
        """Submits one job."""
        await self.submit_many(task, [arguments])

    async def ping(self, number: int) -> object:
        """Submits a job that answers `number`, and waits for that."""
        raise UnsupportedError("it has no way to wait for a result")

    async def tree(self, branches: int, leaves: int) -> object:
        """Runs a job that starts `branches` jobs that start `leaves` jobs each; gives how many leaves answered."""
        raise UnsupportedError("it cannot wait inside of a job for other jobs")

    async def artifacts(self, count: int, size: int, together: int) -> Sequence[float]:
        """Makes `count` JSON artifacts of `size` bytes inside of a job, `together` in flight; gives how many seconds
        each took, and as the last item all of them."""
        raise UnsupportedError("it has no artifacts")

    async def keep_file(self, path: Path) -> float:
        """Makes an artifact of a file inside of a job; gives the seconds."""
        raise UnsupportedError("it keeps no files")

    async def fetch_file(self, path: Path) -> float:
        """Fetches the artifact that `keep_file` made, to a file; gives the seconds."""
        raise UnsupportedError("it has no artifacts")

    async def look_up(self) -> dict[str, float]:
        """Milliseconds of a few ways to find artifacts among all."""
        raise UnsupportedError("it has no artifacts")

    def server_command(self, port: int) -> tuple[list[str], str]:
        """The command of its server and the path that answers 200 when it is up."""
        raise UnsupportedError("it has no server of its own")


def module_of(peer: str) -> str:
    """The file of a peer's module."""
    return str(Path(__file__).with_name(f"{peer}.py"))


def command(name: str) -> str:
    """A command of this environment."""
    return str(Path(sys.executable).with_name(name))


class Redis:
    """Just enough of a Redis client to look at lengths, in environments that may not have one."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 6379))
        self._file = self._socket.makefile("rb")

    def call(self, *words: str) -> object:
        """The reply to one command; an error of the server gives None."""
        parts = [b"*%d\r\n" % len(words)]
        parts += [b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()) for word in words]
        self._socket.sendall(b"".join(parts))
        return self._reply()

    def number(self, *words: str) -> int:
        """A reply that is a number."""
        reply = self.call(*words)
        return reply if isinstance(reply, int) else 0

    def pending(self, stream: str, group: str) -> int:
        """How many entries of a stream are with consumers that have not acknowledged them."""
        reply = self.call("XPENDING", stream, group)
        return reply[0] if isinstance(reply, list) and isinstance(reply[0], int) else 0

    def _reply(self) -> object:
        line = self._file.readline()[:-2]
        kind, rest = line[:1], line[1:]
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self._file.read(int(rest) + 2)[:-2].decode()
        if kind == b"*":
            return None if rest == b"-1" else [self._reply() for _ in range(int(rest))]
        return rest.decode() if kind == b"+" else None

    def close(self) -> None:
        """Hangs up."""
        self._file.close()
        self._socket.close()
