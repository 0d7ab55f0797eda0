"""Looks into the job database from outside: what the package itself gives no way to see yet.

In a process of its own. SQLite is in this one already, inside the bridge; a second copy, Python's, that closes the same
file drops the locks of the first, which POSIX keeps by process and not by who took them.
"""

from __future__ import annotations

import atexit
import os
import pickle
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

#: Answers questions from its standard input until that ends.
_PROGRAM = """
import pickle, sqlite3, sys

def rows(file, query, values):
    database = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)
    try:
        found = database.execute(query, values)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row)) for row in found]
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return []
        raise
    finally:
        database.close()

while True:
    try:
        question = pickle.load(sys.stdin.buffer)
    except EOFError:
        break
    try:
        answer = rows(*question)
    except Exception as error:
        answer = error
    pickle.dump(answer, sys.stdout.buffer)
    sys.stdout.buffer.flush()
"""

_turn = threading.Lock()
_reader: subprocess.Popen[bytes] | None = None


def _rows(query: str, *values: Any) -> list[dict[str, Any]]:
    global _reader
    with _turn:
        if _reader is None:
            _reader = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            atexit.register(_end, _reader)
        assert _reader.stdin is not None
        assert _reader.stdout is not None
        pickle.dump((str(Path(os.environ["UPNEXT_HOME"]) / "upnext.db"), query, values), _reader.stdin)
        _reader.stdin.flush()
        answer = pickle.load(_reader.stdout)
    if isinstance(answer, Exception):
        raise answer
    return answer  # type: ignore[no-any-return]


def _end(reader: subprocess.Popen[bytes]) -> None:
    reader.communicate()


def job(job_id: str) -> dict[str, Any]:
    """The row of a job."""
    return _rows("SELECT * FROM jobs WHERE id = ?", uuid.UUID(job_id).bytes)[0]


def jobs(function: str) -> list[dict[str, Any]]:
    """The rows of a function's jobs, oldest first."""
    return _rows("SELECT * FROM jobs WHERE function = ? ORDER BY seq", function)


def attempts(job_id: str) -> list[dict[str, Any]]:
    """Attempts that did not end the job."""
    return _rows("SELECT * FROM attempts WHERE job = ? ORDER BY number", job(job_id)["seq"])


def logs(job_id: str) -> list[tuple[str, str, str | None]]:
    """Level, message and further fields of each line."""
    rows = _rows("SELECT level, message, extra FROM logs WHERE job = ? ORDER BY seq", job(job_id)["seq"])
    return [(row["level"], row["message"], row["extra"]) for row in rows]


def artifacts(job_id: str) -> list[dict[str, Any]]:
    """The artifacts of a job with their inline bytes, oldest first."""
    query = (
        "SELECT a.*, b.bytes, b.storage, b.size_bytes, b.sha256 FROM artifacts a JOIN blobs b ON b.blob = a.blob "
        "WHERE a.job = ? ORDER BY a.seq"
    )
    return _rows(query, job(job_id)["seq"])


def workers() -> list[dict[str, Any]]:
    """The workers ever registered."""
    return _rows("SELECT * FROM workers ORDER BY started_at")
