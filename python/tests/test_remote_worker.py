"""A worker that reaches nothing but a server, with an API key: files, cancelling, a server that restarts meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import http.client
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import places
import pytest
from harness import DEADLINE, Programs, eventually_sync

import upnext
from upnext import _client

KEY = "a-key-of-the-tests-0123456789"

TASKS = """
    import asyncio, os, pathlib
    import upnext

    worker = upnext.Worker("far", concurrency=4)

    @worker.task
    async def files(size: int) -> list[str]:
        small = await upnext.create_artifact("small.json", {"size": size})
        large = await upnext.create_artifact("large.bin", bytes(range(256)) * (size // 256))
        async with upnext.open_artifact("live.log") as log:
            await log.write("one\\n")
            await log.write("two\\n")
        return [small.id, large.id, log.artifact.id]

    @worker.task
    async def hang() -> None:
        print("hanging", flush=True)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            print("told to stop", flush=True)
            raise

    @worker.task
    async def long(go: str) -> int:
        context = upnext.get_current_context()
        print("long attempt", context.attempt, flush=True)
        while not pathlib.Path(go).exists():
            await asyncio.sleep(0.02)
        await upnext.create_artifact("after.json", {"pid": os.getpid()})
        return context.attempt

    upnext.run(worker)
"""

client = upnext.Worker("client")


@client.task
async def files(size: int) -> list[str]:
    return []


@client.task
async def hang() -> None: ...


@client.task
async def long(go: str) -> int:
    return 0


class Deployment:
    """A server with a key, over a place that nobody else is told of."""

    def __init__(self, settings: dict[str, str], folder: Path) -> None:
        self._settings = {"UPNEXT_API_KEY": KEY, "UPNEXT_AUTH_ENABLED": "true", **settings}
        self._log = folder / "server.log"
        self.server = places.Server(self._settings, self._log)

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Kills the server, and starts it again at the same address afterwards."""
        port = self.server.port
        self.server.kill()
        yield
        self.server = places.Server(self._settings, self._log, port)


@pytest.fixture(params=["sqlite", "postgres", "valkey"])
def deployment(
    request: pytest.FixtureRequest, engines: places.Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployment]:
    """A server over each backend; this process and its children know its address and key."""
    settings = {} if request.param == "sqlite" else engines.settings(request.param)
    deployment = Deployment({**settings, "UPNEXT_HOME": str(tmp_path / "server")}, tmp_path)
    monkeypatch.setenv("UPNEXT_URL", deployment.server.url)
    monkeypatch.setenv("UPNEXT_API_KEY", KEY)
    try:
        yield deployment
    finally:
        _client.forget()
        deployment.server.kill()


@pytest.fixture
def far(deployment: Deployment, programs: Programs) -> Any:
    """A worker in a process of its own."""
    programs.write("tasks.py", TASKS)
    return programs.start("tasks.py")


def test_small_large_and_live_artifacts_go_through_the_server(deployment: Deployment, far: Any, home: Path) -> None:
    size = 20 * 1024 * 1024
    result = files.wait_sync(size, wait_timeout=DEADLINE)
    small, large, live = (upnext.get_artifact_sync(artifact) for artifact in result.value)
    assert small.json_sync() == {"size": size}
    assert (
        hashlib.sha256(large.bytes_sync()).hexdigest() == hashlib.sha256(bytes(range(256)) * (size // 256)).hexdigest()
    )
    assert (live.text_sync(), live.status) == ("one\ntwo\n", "available")
    assert not home.exists() or not [path for path in home.rglob("*") if path.is_file() and path.stat().st_size > size]


def test_a_cancellation_reaches_the_code(deployment: Deployment, far: Any, programs: Programs) -> None:
    future = hang.submit_sync()
    programs.wait_for(far, "hanging")
    connection = http.client.HTTPConnection("127.0.0.1", deployment.server.port, timeout=DEADLINE)
    path = f"/api/v1/jobs/{future.job_id}/cancel"
    connection.request("POST", path)
    refused = connection.getresponse()
    refused.read()
    assert refused.status == 401
    connection.request("POST", path, headers={"Authorization": f"Bearer {KEY}"})
    assert json.loads(connection.getresponse().read())["cancelled"] is True
    connection.close()
    programs.wait_for(far, "told to stop")


def test_a_job_outlives_the_server_it_was_claimed_from(
    deployment: Deployment, far: Any, programs: Programs, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    future = long.submit_sync(str(go))
    programs.wait_for(far, "long attempt 1")
    with deployment.away():
        pass
    go.touch()
    assert (result := wait(future)).value == result.attempts == 1
    [artifact] = upnext.list_artifacts_sync(job=future)
    assert artifact.json_sync() == {"pid": far.pid}
    # And one that is away when the job ends.
    go.unlink()
    future = long.submit_sync(str(go))
    eventually_sync(lambda: programs.output(far).count("long attempt 1") == 2)
    with deployment.away():
        go.touch()
    assert wait(future).value == 1
    far.send_signal(signal.SIGTERM)
    assert far.wait(DEADLINE) == 0


def wait(future: upnext.Future[int]) -> upnext.TaskResult[int]:
    return asyncio.run(future.result(DEADLINE))


def test_a_wrong_key_is_refused_in_a_sentence(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPNEXT_API_KEY", "another-key-0123456789")
    _client.forget()
    with pytest.raises((upnext.ConfigurationError, upnext.BackendError), match="UPNEXT_API_KEY") as refused:
        files.submit_sync(1)
    assert KEY not in str(refused.value)
    assert "another-key" not in str(refused.value)
