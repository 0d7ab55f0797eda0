"""A cluster from outside: worker and submitter processes, what they left in their traces, what servers say."""

from __future__ import annotations

import bisect
import collections
import http.client
import json
import os
import random
import socket
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness import Programs
from places import Server

HERE = str(Path(__file__).parent)
#: Settings that name a place directly.
DIRECT = ("UPNEXT_DATABASE_URL", "UPNEXT_REDIS_URL", "UPNEXT_WORKSPACE_ID")


def through(server: Server, home: Path) -> dict[str, str | None]:
    """The environment of who reaches nothing but this server."""
    return {**dict.fromkeys(DIRECT), "UPNEXT_URL": server.url, "UPNEXT_HOME": str(home)}


class Cluster:
    """Processes that run and submit the tasks of `cluster_tasks.py`."""

    def __init__(self, programs: Programs, env: Mapping[str, str | None]) -> None:
        self._programs = programs
        self.trace = Trace(programs.folder / "trace")
        path = os.pathsep.join([HERE, os.environ.get("PYTHONPATH", "")])
        self._env = {"TRACE": str(self.trace.folder), "PYTHONPATH": path, **env}
        self.workers: list[subprocess.Popen[str]] = []

    def work(self, env: Mapping[str, str | None] | None = None) -> None:
        """Starts a worker."""
        words = ["-m", "upnext", "run", f"{HERE}/cluster_tasks.py"]
        self.workers.append(self._programs.start(*words, env={**self._env, **(env or {})}))

    def ready(self) -> None:
        """Waits until all workers run."""
        for worker in self.workers:
            self._programs.wait_for(worker, "Running")

    def submit(
        self, kinds: Mapping[str, int], pause: float = 0.01, env: Mapping[str, str | None] | None = None
    ) -> subprocess.Popen[str]:
        """Starts a submitter of so many jobs of these tasks, which waits up to `pause` seconds between calls."""
        words = [f"{HERE}/cluster_submitter.py", json.dumps(kinds), str(pause)]
        return self._programs.start(*words, env={**self._env, **(env or {})})

    def done(self, submitter: subprocess.Popen[str], patience: float) -> None:
        """Waits until a submitter has submitted everything."""
        assert submitter.wait(patience) == 0, self._programs.output(submitter)

    def stop(self) -> None:
        """Lets all workers drain."""
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            assert worker.wait(20) == 0, self._programs.output(worker)


class Trace:
    """The lines that the processes of a cluster leave, read as they come."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self._read: collections.Counter[str] = collections.Counter()
        self.runs: list[dict[str, Any]] = []
        self.submitted: dict[str, str] = {}
        self.artifacts: list[dict[str, Any]] = []

    def read(self) -> None:
        """Takes what is new."""
        for file in self.folder.iterdir():
            with file.open("rb") as lines:
                lines.seek(self._read[file.name])
                new = lines.read()
            whole = new[: new.rfind(b"\n") + 1]
            self._read[file.name] += len(whole)
            for line in whole.splitlines():
                self._take(json.loads(line) | {"process": file.name})

    def _take(self, fact: dict[str, Any]) -> None:
        if "submitted" in fact:
            self.submitted |= dict.fromkeys(fact["jobs"], fact["submitted"])
        elif fact["task"] == "artifact":
            self.artifacts.append(fact)
        else:
            self.runs.append(fact)

    def of(self, task: str) -> list[dict[str, Any]]:
        """The attempts of a task."""
        return [run for run in self.runs if run["task"] == task]

    def left(self) -> set[str]:
        """Jobs that were acknowledged and have not run."""
        return self.submitted.keys() - {run["job"] for run in self.runs}

    def wait(self, patience: float) -> None:
        """Waits until every job that was acknowledged has run."""
        end = time.monotonic() + patience
        while True:
            self.read()
            if not (left := self.left()):
                return
            assert time.monotonic() < end, f"{len(left)} of {len(self.submitted)} jobs have not run: {sorted(left)[:5]}"
            time.sleep(0.05)


def most_at_once(runs: Iterable[Mapping[str, Any]]) -> int:
    """The most of these attempts that ran at one moment."""
    steps = sorted([(run["begun"], 1) for run in runs] + [(run["ended"], -1) for run in runs])
    now = most = 0
    for _, step in steps:
        now += step
        most = max(most, now)
    return most


def most_within(moments: Iterable[float], seconds: float) -> int:
    """The most of these moments in any stretch of so many seconds."""
    ordered = sorted(moments)
    return max(bisect.bisect_left(ordered, begun + seconds) - at for at, begun in enumerate(ordered))


class Client:
    """Asks one server."""

    def __init__(self, server: Server) -> None:
        address = urlsplit(server.url)
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)

    def ask(self, path: str, body: object = None) -> Any:
        """The answer, which has to be a good one."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        content = None if body is None else json.dumps(body)
        self._connection.request("GET" if body is None else "POST", path, content, headers)
        response = self._connection.getresponse()
        answer = response.read()
        assert response.status in (200, 201), f"{path}: {response.status} {answer.decode()}"
        return json.loads(answer)

    def close(self) -> None:
        self._connection.close()


class Background(threading.Thread):
    """Something that goes on beside a test, whose error is that of the test."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.stopped = threading.Event()
        self.error: BaseException | None = None
        self.start()

    def go(self) -> None:
        """What it does until it is stopped."""
        raise NotImplementedError

    def run(self) -> None:
        try:
            self.go()
        except BaseException as error:
            self.error = error

    def finish(self) -> None:
        """Stops it, and raises what went wrong."""
        self.stopped.set()
        self.join(20)
        assert not self.is_alive()
        if self.error is not None:
            raise self.error


class Prober(Background):
    """Asks all servers for this and that, and submits, until it is stopped."""

    PATHS = ("/health", "/ready", *(f"/api/v1/{path}" for path in (
        "jobs?limit=20", "jobs/stats", "functions", "workers", "dashboard/stats", "metrics/queue", "artifacts?limit=5",
    )))  # fmt: skip

    def __init__(self, servers: list[Server]) -> None:
        self._clients = [Client(server) for server in servers]
        self.answered = 0
        self.submitted: list[str] = []
        super().__init__()

    def go(self) -> None:
        while not self.stopped.wait(0.02):
            for client in self._clients:
                client.ask(random.choice(self.PATHS))
                job = client.ask("/api/v1/jobs", {"function": "work", "kwargs": {"number": self.answered}})
                self.submitted.append(job["job_id"])
                self.answered += 2
        for client in self._clients:
            client.close()


class Stream(Background):
    """Hears from a server which jobs have completed."""

    def __init__(self, server: Server) -> None:
        address = urlsplit(server.url)
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        self._connection.request("GET", "/api/v1/events/stream?types=job.completed")
        self._answer = self._connection.getresponse()
        assert self._answer.readline() == b"event: open\n"
        self.completed: dict[str, str] = {}
        super().__init__()

    def go(self) -> None:
        while not self.stopped.is_set() and (line := self._answer.readline()):
            if line.startswith(b"data: {"):
                event = json.loads(line[6:])
                self.completed[event["job_id"]] = event["worker_id"]

    def finish(self) -> None:
        self.stopped.set()
        # It waits for the next event.
        self._connection.sock.shutdown(socket.SHUT_RDWR)
        super().finish()
        self._answer.close()
        self._connection.close()
