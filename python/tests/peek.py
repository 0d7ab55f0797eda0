"""Looks at jobs from outside, as the REST API of a server shows them: the same on every backend.

The server is a process of its own, over what the environment names when a test first looks; a test that works through
a server looks at that one.
"""

from __future__ import annotations

import http.client
import json
import os
import threading
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import places

_turn = threading.Lock()
_server: places.Server | None = None
_connection: http.client.HTTPConnection | None = None


def _get(path: str) -> bytes:
    global _connection
    with _turn:
        if _connection is None:
            address = urlsplit(os.environ.get("UPNEXT_URL") or _own_server())
            _connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
        _connection.request("GET", f"/api/v1{path}")
        answer = _connection.getresponse()
        content = answer.read()
    assert answer.status == 200, f"{path}: {answer.status} {content.decode()}"
    return content


def _own_server() -> str:
    global _server
    _server = places.Server({}, Path(os.environ["UPNEXT_HOME"]).with_name("peek.log"))
    return _server.url


def close() -> None:
    """Forgets the place of this test."""
    global _server, _connection
    if _connection is not None:
        _connection.close()
        _connection = None
    if _server is not None:
        _server.kill()
        _server = None


def _json(path: str) -> Any:
    return json.loads(_get(path))


def job(job_id: str) -> dict[str, Any]:
    """The job."""
    found: dict[str, Any] = _json(f"/jobs/{job_id}")
    return found


def jobs(function: str) -> list[dict[str, Any]]:
    """A function's jobs, oldest first, a thousand at most."""
    found: list[dict[str, Any]] = _json(f"/jobs?limit=1000&function={quote(function)}")["jobs"]
    return found[::-1]


def attempts(job_id: str) -> list[dict[str, Any]]:
    """The attempts at a job, oldest first."""
    found: list[dict[str, Any]] = _json(f"/jobs/{job_id}/attempts")["attempts"]
    return found


def logs(job_id: str) -> list[tuple[str, str, dict[str, Any] | None]]:
    """Level, message and further fields of each line."""
    lines: list[tuple[str, str, dict[str, Any] | None]] = []
    page: dict[str, Any] = {"has_more": True, "next_after": 0}
    while page["has_more"]:
        page = _json(f"/jobs/{job_id}/logs?limit=1000&after={page['next_after']}")
        lines += [(line["level"], line["message"], line["extra"]) for line in page["logs"]]
    return lines


def artifacts(job_id: str) -> list[dict[str, Any]]:
    """Every version of the artifacts of a job, oldest first, a thousand at most."""
    found: list[dict[str, Any]] = _json(f"/jobs/{job_id}/artifacts?versions=all&limit=1000&sort=created_at")[
        "artifacts"
    ]
    return found


def content(artifact_id: str) -> bytes:
    """The bytes of an artifact."""
    return _get(f"/artifacts/{artifact_id}/content")


def workers() -> list[dict[str, Any]]:
    """Every worker process that is known, those that stopped among them, oldest first."""
    groups = _json("/workers")["workers"]
    return sorted((one for group in groups for one in group["instances"]), key=lambda one: str(one["started_at"]))
