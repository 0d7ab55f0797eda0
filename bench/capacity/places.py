"""Where jobs are kept while one machine is measured: real servers with the settings that production has."""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from capacity import watching
from contest.places import REPOSITORY
from peers.running import family_of

sys.path.insert(0, str(REPOSITORY / "crates" / "testkit"))

import servers

#: What each place is. `server` has its jobs in PostgreSQL, and workers and submitters reach nothing but the server.
TITLES = {
    "sqlite": "SQLite",
    "postgres": "PostgreSQL",
    "valkey": "Valkey",
    "server": "through a server",
}
SETTINGS = {
    "sqlite": "WAL, synchronous=FULL",
    "postgres": "PostgreSQL 18, fsync and synchronous_commit on, shared_buffers 256 MB",
    "valkey": "Valkey 9.1, appendonly yes, appendfsync everysec",
    "server": "one `upnext server` before that PostgreSQL",
}
_OPTIONS = {
    "postgres": ["fsync=on", "full_page_writes=on", "shared_buffers=256MB", "max_wal_size=2GB"],
    "valkey": ["appendonly=yes", "appendfsync=everysec"],
}


@dataclass
class Place:
    """One that nobody has used before, and what it costs."""

    settings: dict[str, str]
    folder: Path
    engine: Engine | None = None
    #: Processes of a server before it.
    before: list[int] = field(default_factory=list)
    #: Where its processes connect to.
    port: int | None = None
    #: What names it in the database server, where its processes are told something else.
    behind: dict[str, str] | None = None

    def environment(self) -> dict[str, str]:
        """The environment of who uses it."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("UPNEXT_")}
        path = os.pathsep.join([str(REPOSITORY / "python"), str(REPOSITORY / "bench")])
        return {**kept, "PYTHONPATH": path, "UPNEXT_HOME": str(self.folder / "home"), **self.settings}

    def engine_cpu(self) -> float:
        """Processor seconds of the database server so far."""
        return self.engine.cpu() if self.engine else 0.0

    def logged(self) -> tuple[int, int]:
        """Bytes of the database server's log so far, and its transactions or commands."""
        return self.engine.logged() if self.engine else (0, 0)

    def before_cpu(self) -> float:
        """Processor seconds of the server before it so far."""
        return watching.cpu_seconds(self.before)

    def size(self) -> int:
        """Bytes of everything that is kept: memory where that is where jobs live, else the disk."""
        if self.engine:
            return self.engine.size(self.behind or self.settings)
        with contextlib.closing(sqlite3.connect(self.folder / "home" / "upnext.db", timeout=10)) as database:
            # What lies in the log twice counts once.
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return watching.size_on_disk(self.folder)


class Engine:
    """A database server."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.process, facts = servers.start(kind, folder, _OPTIONS[kind])
        self.url, self.port = str(facts["url"]), int(facts["port"])

    def cpu(self) -> float:
        """Processor seconds so far."""
        return watching.cpu_seconds(family_of(self.process.pid))

    def fresh(self) -> dict[str, str]:
        """Settings that name an empty place in it."""
        name = f"sizing_{uuid.uuid4().hex[:12]}"
        if self.kind == "valkey":
            self._ask_valkey(b"FLUSHALL SYNC\r\n")
            return {"UPNEXT_REDIS_URL": self.url, "UPNEXT_WORKSPACE_ID": name}
        # Those of earlier steps, so that they do not lie in the way of vacuum and caches.
        old = "SELECT format('DROP SCHEMA %I CASCADE', nspname) FROM pg_namespace WHERE nspname LIKE 'sizing%'"
        for drop in self.query(old).splitlines():
            self.query(drop)
        self.query("CHECKPOINT")
        return {"UPNEXT_DATABASE_URL": f"{self.url}?schema={name}"}

    def logged(self) -> tuple[int, int]:
        """Bytes that it has written to its log so far, and transactions (of Valkey: commands) it has carried out."""
        if self.kind == "postgres":
            asked = "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn, sum(xact_commit) FROM pg_stat_database"
            log, calls = self.query(asked).split("|")
            return int(log), int(calls)
        told = dict(line.split(":", 1) for line in self._ask_valkey(b"INFO all\r\n").splitlines() if ":" in line)
        return int(told["aof_current_size"]), int(told["total_commands_processed"])

    def query(self, statement: str) -> str:
        """Asks PostgreSQL."""
        psql = Path(servers._postgres_bin(), "psql")  # noqa: SLF001
        words = [str(psql), "-qAt", "-h", "127.0.0.1", "-p", str(self.port), "-U", servers.USER, "-d", "postgres"]
        said = subprocess.run([*words, "-c", statement], capture_output=True, text=True, check=True)
        return said.stdout.strip()

    def size(self, settings: dict[str, str]) -> int:
        """Bytes of a place in it."""
        if self.kind == "valkey":
            for line in self._ask_valkey(b"INFO memory\r\n").splitlines():
                if line.startswith("used_memory:"):
                    return int(line.split(":")[1])
            raise RuntimeError("Valkey did not tell its memory")
        schema = settings["UPNEXT_DATABASE_URL"].split("schema=")[1]
        sizes = "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
        return int(self.query(f"{sizes} WHERE relkind = 'r' AND nspname = '{schema}'"))

    def _ask_valkey(self, question: bytes) -> str:
        with socket.create_connection(("127.0.0.1", self.port), 60) as connection:
            connection.sendall(question)
            head, _, rest = connection.recv(65536).partition(b"\r\n")
            if not head.startswith(b"$"):
                return head.decode()
            while len(rest) < int(head[1:]):
                rest += connection.recv(65536)
            return rest.decode()


class Engines:
    """Database servers, started when they are first needed."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._started: dict[str, Engine] = {}

    def get(self, kind: str) -> Engine:
        """The one of this kind."""
        if kind not in self._started:
            folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix=f"upnext-sizing-{kind}-"))
            engine = Engine(kind, Path(folder))
            self._stack.callback(servers.stop, engine.process)
            self._started[kind] = engine
        return self._started[kind]

    def close(self) -> None:
        """Stops them."""
        self._stack.close()


@contextlib.contextmanager
def fresh(name: str, engines: Engines) -> Iterator[Place]:
    """A place that is empty, for as long as this is entered."""
    with tempfile.TemporaryDirectory(prefix="upnext-sizing-") as path:
        folder = Path(path)
        if name == "sqlite":
            yield Place({}, folder)
            return
        engine = engines.get("postgres" if name == "server" else name)
        direct = Place(engine.fresh(), folder, engine, port=engine.port)
        if name != "server":
            yield direct
            return
        with _served(direct) as (url, pid):
            (folder / "far").mkdir()
            # What it keeps is asked of the database; who uses it is told the address alone.
            port = int(url.rsplit(":", 1)[1])
            yield Place({"UPNEXT_URL": url}, folder / "far", engine, [pid], port, direct.settings)


@contextlib.contextmanager
def _served(place: Place) -> Iterator[tuple[str, int]]:
    """A server over it: its address and process."""
    words = [sys.executable, "-m", "upnext", "server", "start", "--port", "0"]
    with subprocess.Popen(words, env=place.environment(), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if "listening on " not in line:
                raise RuntimeError(f"the server did not start: {line}")
            yield line.split("listening on ")[1].split()[0], process.pid
        finally:
            process.kill()
