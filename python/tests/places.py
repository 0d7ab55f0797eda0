"""Where the jobs of a test are kept: an embedded database, PostgreSQL, Valkey, or behind a server.

PostgreSQL and Valkey are real servers, shared by everything in this checkout that tests at the same time; each test
has a schema or a workspace of its own in them.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import servers

#: Every way to keep jobs. What is called `server` works through one, which has its jobs in Valkey.
EVERY = ("sqlite", "postgres", "valkey", "server")


def fresh(kind: str, url: str) -> dict[str, str]:
    """Settings that name a place in a server at `url` which nobody has used."""
    name = f"test_{uuid.uuid4().hex[:16]}"
    if kind == "postgres":
        return {"UPNEXT_DATABASE_URL": f"{url}?schema={name}"}
    return {"UPNEXT_REDIS_URL": url, "UPNEXT_WORKSPACE_ID": name}


class Engines:
    """The database servers that tests have asked for."""

    def __init__(self) -> None:
        self._held = contextlib.ExitStack()
        self._urls: dict[str, str] = {}

    def settings(self, kind: str) -> dict[str, str]:
        """Settings of a new place on the shared server of this kind."""
        if kind not in self._urls:
            self._urls[kind] = self._held.enter_context(servers.shared(kind))["url"]
        return fresh(kind, self._urls[kind])

    def close(self) -> None:
        """Lets go of them."""
        self._held.close()


class Server:
    """A process of `upnext server start`, over what `settings` name beside the environment."""

    def __init__(self, settings: dict[str, str], log: Path, port: int = 0) -> None:
        self._log = log.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "upnext", "server", "start", "--port", str(port)],
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert "listening on " in line, f"the server did not start: {line}{log.read_text()}"
        self.url = line.split("listening on ")[1].split()[0]

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rsplit(":", 1)[1])

    def kill(self) -> None:
        """Ends it without a word."""
        self.process.kill()
        self._let_go()

    def stop(self) -> None:
        """Lets running requests end first."""
        self.process.terminate()
        self._let_go()

    def _let_go(self) -> None:
        self.process.communicate()
        self._log.close()


@contextlib.contextmanager
def served(settings: dict[str, str], log: Path) -> Iterator[Server]:
    """A server that runs meanwhile."""
    server = Server(settings, log)
    try:
        yield server
    finally:
        server.kill()
