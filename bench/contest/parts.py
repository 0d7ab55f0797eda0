"""What is measured: each part runs one workload with those contenders that take part in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contest.contenders import ARTIFACT_STORES, JOB_STORES
from contest.environments import OURS


@dataclass(frozen=True)
class Figure:
    """One number of a workload as the page shows it."""

    key: str
    title: str
    more_is_better: bool = True
    digits: int = 0
    scale: float = 1.0


@dataclass(frozen=True)
class Part:
    """One table of the page."""

    name: str
    title: str
    workload: str
    figures: tuple[Figure, ...]
    quick: Mapping[str, Any] | None
    goals: Mapping[str, Any] | None
    full: Mapping[str, Any] | None
    stores: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: JOB_STORES)
    #: Most seconds that one round may take.
    limit: float = 180.0
    #: How often it is measured at most when the size is `goals`: what takes minutes, or has no goal, once.
    times: int | None = None

    def parameters(self, size: str) -> Mapping[str, Any] | None:
        """What the workload is given; none if the part is not measured in this size."""
        return {"quick": self.quick, "goals": self.goals, "full": self.full}[size]

    def rounds(self, size: str, wanted: int) -> int:
        """How many of the wanted rounds it takes part in."""
        return min(wanted, self.times) if size == "goals" and self.times else wanted


_RATE = Figure("rate", "jobs/s")
_P50 = Figure("p50_ms", "p50 ms", more_is_better=False, digits=2)
_P99 = Figure("p99_ms", "p99 ms", more_is_better=False, digits=2)
_SERVERS = {OURS: ("sqlite",), "original": ("redis",), "mlflow": ("sqlite",), "prefect": ("sqlite",)}
#: The original takes 256 MiB at most.
_HUGE_STORES = {OURS: ("sqlite",), "mlflow": ("sqlite",)}
_FILE_STORES = {peer: those for peer, those in ARTIFACT_STORES.items() if peer != "prefect"}
_LARGE = (
    Figure("in_s", "store, s", more_is_better=False, digits=2),
    Figure("out_s", "fetch, s", more_is_better=False, digits=2),
    Figure("copy_s", "cp, sync and sha256sum, s", more_is_better=False, digits=2),
    Figure("copy_ratio", "speed of storing in that of copying", digits=2),
    Figure("grown_mib", "worker grew by, MiB", more_is_better=False, digits=1),
    Figure("server_mib", "server's peak, MiB", more_is_better=False, digits=1),
)
_SMALL = (Figure("rate", "artifacts/s"), _P50, _P99)

PARTS = (
    Part(
        "burst",
        "Burst: no-op jobs, from the first submit to the last end, with a worker waiting",
        "burst",
        (
            _RATE,
            Figure("worker_cpu_us", "worker CPU, µs a job", more_is_better=False),
            Figure("submitter_cpu_us", "submitter CPU, µs a job", more_is_better=False),
            Figure("mib", "worker, MiB", more_is_better=False, digits=1),
        ),
        quick={"jobs": 10_000},
        goals={"jobs": 20_000},
        full={"jobs": 10_000},
    ),
    Part(
        "drain",
        "Submitting without a worker, and draining what waits",
        "drain",
        (
            Figure("bulk", "submitted/s"),
            Figure("rate", "drained/s"),
            Figure("startup", "worker start to first job, ms", more_is_better=False, scale=1000),
        ),
        quick={"jobs": 10_000},
        goals={"jobs": 50_000},
        full={"jobs": 10_000},
    ),
    Part(
        "ping",
        "Submit to result on an idle system",
        "ping",
        (_P50, _P99),
        {"rounds": 100},
        {"rounds": 300},
        {"rounds": 500},
    ),
    Part(
        "rust",
        "Rust jobs: the same no-op without Python",
        "rust_jobs",
        (
            Figure("bulk enqueue", "submitted/s"),
            Figure("drain", "drained/s"),
            Figure("submit and run", "submitted and run/s"),
            Figure("p50_ms", "submit to result, p50 ms", more_is_better=False, digits=2),
            Figure("200 B artifacts, 1 in flight", "artifacts/s, 1"),
            Figure("200 B artifacts, 32 in flight", "artifacts/s, 32"),
        ),
        quick={"arguments": ["10000", "32"]},
        goals={"arguments": ["50000", "32"]},
        full={"arguments": ["50000", "32"]},
        stores={OURS: ("sqlite",)},
    ),
    Part(
        "artifacts-1",
        "Artifacts of 200 bytes of JSON, one after the other",
        "artifacts",
        _SMALL,
        quick={"count": 300, "size": 200, "together": 1},
        goals={"count": 1000, "size": 200, "together": 1},
        full={"count": 2000, "size": 200, "together": 1},
        stores=ARTIFACT_STORES,
    ),
    Part(
        "artifacts-32",
        "Artifacts of 200 bytes of JSON, 32 in flight",
        "artifacts",
        _SMALL,
        quick={"count": 500, "size": 200, "together": 32},
        goals={"count": 2000, "size": 200, "together": 32},
        full={"count": 3000, "size": 200, "together": 32},
        stores=ARTIFACT_STORES,
    ),
    Part(
        "file-100m", "A file of 100 MiB", "large", _LARGE, {"mib": 100}, {"mib": 100}, {"mib": 100}, stores=_FILE_STORES
    ),
    Part(
        "idle",
        "A worker that waits",
        "idle",
        (
            Figure("mib", "MiB", more_is_better=False, digits=1),
            Figure("cpu_percent", "CPU, % of a core", more_is_better=False, digits=2),
            Figure("processes", "processes", more_is_better=False),
        ),
        quick={"seconds": 3.0},
        goals={"seconds": 5.0},
        full={"seconds": 15.0},
    ),
    Part(
        "server",
        "The server: from its start to an answer, and idle",
        "server",
        (
            Figure("startup", "ms to an answer", more_is_better=False, scale=1000),
            Figure("mib", "MiB", more_is_better=False, digits=1),
            Figure("cpu_percent", "CPU, % of a core", more_is_better=False, digits=2),
        ),
        quick={"seconds": 2.0},
        goals={"seconds": 5.0},
        full={"seconds": 15.0},
        stores=_SERVERS,
    ),
    Part(
        "file-2g",
        "A file of 2 GiB",
        "large",
        _LARGE,
        quick=None,
        goals={"mib": 2048},
        full={"mib": 2048},
        stores=_HUGE_STORES,
        limit=600,
        times=1,
    ),
    Part(
        "length",
        "A claim of 32 jobs, its end and 32 more, with 1,000 and with very many in the queue",
        "queue_length",
        (
            Figure("enqueue", "submitted/s"),
            Figure("ratio p50", "claim p50, many to few", more_is_better=False, digits=2),
            Figure("ratio p99", "claim p99, many to few", more_is_better=False, digits=2),
            Figure("cycle p50", "claim, end and submit p50, many to few", more_is_better=False, digits=2),
            Figure("drain", "drained/s"),
        ),
        quick={"arguments": ["100000", "500"]},
        goals={"arguments": ["1000000", "2000"]},
        full={"arguments": ["1000000", "2000"]},
        stores={OURS: ("sqlite",)},
        limit=600,
        times=1,
    ),
    Part(
        "artifacts-many",
        "A growing store: artifacts of 200 bytes, 32 in flight, with few and with many already there",
        "many",
        (
            Figure("count", "artifacts"),
            Figure("first", "artifacts/s from 1,000 on"),
            Figure("last", "artifacts/s at the end"),
            Figure("least", "artifacts/s at the slowest"),
            Figure("list_ms", "newest 50, ms", more_is_better=False, digits=2),
            Figure("glob_ms", "list by name pattern, ms", more_is_better=False, digits=2),
            Figure("search_ms", "search a text, ms", more_is_better=False, digits=2),
        ),
        quick={"count": 20_000},
        goals={"count": 1_000_000},
        full={"count": 1_000_000},
        stores={OURS: ("sqlite",)},
        limit=900,
        times=1,
    ),
    Part(
        "burst-200k",
        "Burst of 200,000 no-op jobs",
        "burst",
        (_RATE, Figure("mib", "worker, MiB", more_is_better=False, digits=1)),
        quick=None,
        goals=None,
        full={"jobs": 200_000},
        limit=900,
    ),
    Part(
        "single",
        "One submit after the other",
        "single",
        (Figure("rate", "submits/s"), _P50, _P99),
        quick={"jobs": 500},
        goals={"jobs": 1000},
        full={"jobs": 3000},
        times=1,
    ),
    Part(
        "sustained",
        "Waiting in the queue while jobs arrive at half of each one's own burst rate",
        "sustained",
        (
            _P50,
            Figure("p95_ms", "p95 ms", more_is_better=False, digits=2),
            _P99,
            Figure("asked", "jobs/s asked"),
            Figure("reached", "jobs/s reached"),
        ),
        quick={"seconds": 2.0},
        goals={"seconds": 4.0},
        full={"seconds": 10.0},
        times=1,
    ),
    Part(
        "wait",
        "Jobs that wait 10 ms, 32 at once (3,200/s would be perfect)",
        "burst",
        (_RATE,),
        quick={"jobs": 2000, "task": "nap"},
        goals={"jobs": 5000, "task": "nap"},
        full={"jobs": 10_000, "task": "nap"},
        times=1,
    ),
    Part(
        "cpu",
        "Jobs that compute for about 3 ms, in 2 processes",
        "burst",
        (_RATE,),
        quick={"jobs": 400, "task": "crunch", "processes": 2},
        goals={"jobs": 1000, "task": "crunch", "processes": 2},
        full={"jobs": 2000, "task": "crunch", "processes": 2},
        times=1,
    ),
    Part(
        "tree",
        "A tree: one job starts 10, each of them 50, and adds up their answers",
        "tree",
        (Figure("seconds", "ms", more_is_better=False, digits=1, scale=1000), _RATE),
        quick={"branches": 10, "leaves": 50, "rounds": 2},
        goals={"branches": 10, "leaves": 50, "rounds": 2},
        full={"branches": 10, "leaves": 50, "rounds": 5},
        times=1,
    ),
    Part(
        "dashboard",
        "The dashboard's first page, in a browser that has never seen it",
        "dashboard",
        (
            Figure("painted_ms", "ms until the largest thing is painted", more_is_better=False),
            Figure("done_ms", "ms until everything is there", more_is_better=False),
            Figure("requests", "requests", more_is_better=False),
            Figure("kib", "KiB over the network", more_is_better=False),
        ),
        quick={"jobs": 200, "artifacts": 50, "loads": 3},
        goals={"jobs": 1000, "artifacts": 200, "loads": 5},
        full={"jobs": 1000, "artifacts": 200, "loads": 9},
        stores=_SERVERS,
        times=1,
    ),
    Part(
        "file-1m", "A file of 1 MiB", "large", _LARGE, {"mib": 1}, {"mib": 1}, {"mib": 1}, stores=_FILE_STORES, times=1
    ),
)
BY_NAME = {part.name: part for part in PARTS}
