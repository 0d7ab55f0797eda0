"""The database server is killed and comes back while workers work: nothing that was acknowledged is lost, and they go
on by themselves. Takes a minute; `make cluster` runs it and prints its figures.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import servers
from cluster import Client, Cluster
from harness import Programs, eventually_sync
from places import fresh, served

import upnext

WORKERS = 4
OUTAGES = 5
#: By when each worker has run a job again, in seconds after the return of the database.
PATIENCE = 5.0
#: What makes the server keep what it has acknowledged.
DURABLE = {
    "postgres": ["fsync=on", "full_page_writes=on", "synchronous_commit=on"],
    "valkey": ["appendonly=yes", "appendfsync=always"],
}


class Engine:
    """A server of the test's own."""

    def __init__(self, kind: str, folder: Path) -> None:
        self._how = (kind, folder, DURABLE[kind])
        self._process, self.facts = servers.start(*self._how)

    def restart(self, away: float) -> float:
        """Kills it, waits, and starts it again; gives when it answered, on the clock of the traces."""
        servers.stop(self._process)
        time.sleep(away)
        self._process, _ = servers.start(*self._how, port=self.facts["port"])
        return time.monotonic()

    def stop(self) -> None:
        servers.stop(self._process)


@pytest.fixture(params=list(DURABLE))
def engine(request: pytest.FixtureRequest, open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The server, which the settings name."""
    engine = Engine(request.param, open_folder)
    for name, value in fresh(request.param, engine.facts["url"]).items():
        monkeypatch.setenv(name, value)
    try:
        yield engine
    finally:
        engine.stop()


@pytest.mark.long
def test_a_killed_database_loses_nothing_and_workers_go_on(
    engine: Engine,
    programs: Programs,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cluster = Cluster(programs, {"UPNEXT_QUEUE_CLAIM_TIMEOUT_MS": "2000"})
    trace = cluster.trace
    for _ in range(WORKERS):
        cluster.work()
    cluster.ready()
    recovered = []
    submitters = [cluster.submit({"keep": 10_000, "work": 10_000}, pause=0.05) for _ in range(2)]
    for _ in range(OUTAGES):
        goal = len(trace.runs) + 500
        eventually_sync(lambda goal=goal: trace.read() or len(trace.runs) >= goal, "some jobs run")
        back = engine.restart(away=1.0)
        assert all(submitter.poll() is None for submitter in submitters), "the submitters were done too early"

        def again(back: float = back) -> bool:
            trace.read()
            return len({run["process"] for run in trace.runs if run["ended"] > back}) == WORKERS

        eventually_sync(again, "every worker runs jobs again")
        firsts: dict[str, float] = {}
        for run in trace.runs:
            if run["ended"] > back:
                firsts[run["process"]] = min(run["ended"] - back, firsts.get(run["process"], PATIENCE * 10))
        recovered.append(max(firsts.values()))
    for submitter in submitters:
        submitter.terminate()
    for submitter in submitters:
        submitter.wait(20)
    trace.wait(60)
    with served({}, tmp_path / "server.log") as server:
        client = Client(server)
        for function in ("keep", "work"):
            expected = sum(name == function for name in trace.submitted.values())
            stats = client.ask(f"/api/v1/jobs/stats?function={function}")
            # Some may have been accepted without anybody hearing of it.
            assert stats["success_count"] >= expected
            assert stats["failure_count"] == 0
        client.close()
    for kept in trace.artifacts:
        assert upnext.get_artifact_sync(kept["artifact"]).json_sync() == {"number": kept["number"]}
    cluster.stop()
    again_run = len(trace.runs) - len({run["job"] for run in trace.runs})
    with capsys.disabled():
        print(
            f"\n{request.node.callspec.params['engine']}: {OUTAGES} outages, {len(trace.submitted)} jobs and "
            f"{len(trace.artifacts)} artifacts acknowledged, 0 lost, {again_run} attempts run again; every worker ran "
            f"jobs again after {max(recovered):.2f} s at most ({', '.join(f'{each:.2f}' for each in recovered)})"
        )
    assert max(recovered) <= PATIENCE
