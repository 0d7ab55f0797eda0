"""Looks into the job database from outside: what the package itself gives no way to see yet."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import uuid
from pathlib import Path
from typing import Any


def _rows(query: str, *values: Any) -> list[sqlite3.Row]:
    file = Path(os.environ["UPNEXT_HOME"]) / "upnext.db"
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)) as database:
        database.row_factory = sqlite3.Row
        try:
            return database.execute(query, values).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise


def job(job_id: str) -> sqlite3.Row:
    """The row of a job."""
    return _rows("SELECT * FROM jobs WHERE id = ?", uuid.UUID(job_id).bytes)[0]


def jobs(function: str) -> list[sqlite3.Row]:
    """The rows of a function's jobs, oldest first."""
    return _rows("SELECT * FROM jobs WHERE function = ? ORDER BY seq", function)


def attempts(job_id: str) -> list[sqlite3.Row]:
    """Attempts that did not end the job."""
    return _rows("SELECT * FROM attempts WHERE job = ? ORDER BY number", job(job_id)["seq"])


def logs(job_id: str) -> list[tuple[str, str, str | None]]:
    """Level, message and further fields of each line."""
    rows = _rows("SELECT level, message, extra FROM logs WHERE job = ? ORDER BY seq", job(job_id)["seq"])
    return [tuple(row) for row in rows]


def artifacts(job_id: str) -> list[sqlite3.Row]:
    """The artifacts of a job with their inline bytes, oldest first."""
    query = (
        "SELECT a.*, b.bytes, b.storage, b.size_bytes, b.sha256 FROM artifacts a JOIN blobs b ON b.blob = a.blob "
        "WHERE a.job = ? ORDER BY a.seq"
    )
    return _rows(query, job(job_id)["seq"])


def workers() -> list[sqlite3.Row]:
    """The workers ever registered."""
    return _rows("SELECT * FROM workers ORDER BY started_at")
