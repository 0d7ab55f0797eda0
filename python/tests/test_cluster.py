"""Eight worker processes and two servers on one engine: what must hold over all of them, seen from outside.

`make cluster` runs the long forms and prints their figures.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import cluster_tasks as tasks
import pytest
from cluster import Client, Cluster, Prober, Stream, Trace, most_at_once, most_within, through
from harness import Programs, eventually_sync
from places import Server, served

ENGINES = ["sqlite", "postgres", "valkey"]


@dataclass(frozen=True)
class Size:
    """How much there is to do."""

    work: int
    narrow: int
    paced: int
    #: So many starts of `paced` in so many seconds.
    rate: int
    period: int
    #: By how much the stretch of a rate may be shorter: starts are seen when code begins, a moment after they counted.
    blur: float
    #: The longest that a submitter waits between two calls.
    pause: float


SHORT = Size(work=900, narrow=150, paced=70, rate=100, period=4, blur=0.05, pause=0.05)
LONG = Size(work=15_000, narrow=2500, paced=700, rate=600, period=30, blur=0.01, pause=0.2)


@pytest.fixture
def two_servers(tmp_path: Path) -> Iterator[list[Server]]:
    """Two servers over the place of this test."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(served({}, tmp_path / f"{name}.log")) for name in "ab"]


@pytest.mark.parametrize("place", ENGINES, indirect=True)
def test_eight_workers_and_two_servers_are_one(programs: Programs, two_servers: list[Server], tmp_path: Path) -> None:
    print(_run(programs, two_servers, tmp_path, SHORT))


@pytest.mark.long
@pytest.mark.parametrize("place", ENGINES, indirect=True)
def test_eight_workers_and_two_servers_are_one_for_long(
    programs: Programs, two_servers: list[Server], tmp_path: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = _run(programs, two_servers, tmp_path, LONG)
    with capsys.disabled():
        print(f"\n{place}: {figures}")


def _run(programs: Programs, two_servers: list[Server], folder: Path, size: Size) -> str:
    first, second = two_servers
    cluster = Cluster(programs, {"CLUSTER_RATE": f"{size.rate}/{size.period}"})
    trace = cluster.trace
    for number in range(8):
        # Two of them reach the second server alone.
        cluster.work(through(second, folder / f"remote-{number}") if number >= 6 else None)
    cluster.ready()
    begun = time.monotonic()
    stream, prober = Stream(first), Prober(two_servers)
    ways = [None, through(first, folder / "submit-a"), through(second, folder / "submit-b")]

    def submit(**kinds: int) -> None:
        for submitter in [cluster.submit(kinds, size.pause, way) for way in ways]:
            cluster.done(submitter, 600)

    submit(work=size.work, narrow=size.narrow)
    prober.finish()
    trace.submitted |= dict.fromkeys(prober.submitted, "work")
    trace.wait(600)
    took, busy = time.monotonic() - begun, len(trace.submitted)
    # On workers that have nothing else to do, whose code begins right when it was counted.
    submit(paced=size.paced)
    trace.wait(600)
    jobs = trace.submitted
    eventually_sync(lambda: jobs.keys() <= stream.completed.keys(), "the first server's stream shows every job")
    stream.finish()
    cluster.stop()
    trace.read()

    ran = [run for run in trace.runs if run["task"] != "tick"]
    assert len(ran) == len(jobs) == 3 * (size.work + size.narrow + size.paced) + len(prober.submitted)
    assert {(run["job"], run["attempt"]) for run in ran} == {(job, 1) for job in jobs}, "an attempt ran twice"
    assert len({run["process"] for run in ran}) == 8, "not every worker had work"
    remote = {str(worker.pid) for worker in cluster.workers[6:]}
    by_the_second = sum(run["process"] in remote for run in ran)

    at_once = most_at_once(trace.of("narrow"))
    assert at_once == tasks.AT_ONCE
    starts = [run["begun"] for run in trace.of("paced")]
    assert max(starts) - min(starts) >= size.period, "the rate was never reached"
    fastest = most_within(starts, size.period * (1 - size.blur))
    assert fastest <= 1.01 * size.rate
    ticks = _ticks(first, trace)
    return (
        f"{busy} jobs in {took:.1f} s ({busy / took:.0f}/s), {by_the_second} through a server, none twice; "
        f"at most {at_once} of {tasks.AT_ONCE} at once; at most {fastest} starts of {size.rate} in {size.period} s; "
        f"{ticks} ticks, one run each; {prober.answered} requests answered"
    )


def _ticks(server: Server, trace: Trace) -> int:
    """How many runs the schedule has made: one for each second, and each ran once."""
    client = Client(server)
    made = client.ask("/api/v1/jobs?function=tick&limit=1000")["jobs"]
    client.close()
    ticks = (job["source"]["scheduled_for"].replace("Z", "+00:00") for job in made)
    moments = sorted(map(datetime.fromisoformat, ticks))
    assert {(later - earlier).total_seconds() for earlier, later in itertools.pairwise(moments)} == {1.0}
    ran = [run["job"] for run in trace.of("tick")]
    assert sorted(ran) == sorted(job["id"] for job in made if job["status"] == "complete")
    return len(ran)
