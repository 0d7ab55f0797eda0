"""What UpNext wants to reach, and whether these results show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from contest.results import Results, Spread

#: Finds a figure in the results; none if it was not measured.
Measured = Callable[[Results], Spread | None]


@dataclass(frozen=True)
class Goal:
    """One thing to reach: `measured` gives a figure, which is to be at least, or at most, `bound`."""

    text: str
    bound: float
    measured: Measured
    at_most: bool = False
    unit: str = "x"

    @property
    def wanted(self) -> str:
        """The bound as it is read."""
        return f"{'at most' if self.at_most else 'at least'} {self.bound:,g} {self.unit}"

    def reached(self, results: Results) -> tuple[str, str]:
        """PASS, MISS or NOT MEASURED, and the figure with what lies around it."""
        found = self.measured(results)
        if found is None:
            return "NOT MEASURED", ""
        verdict = "PASS" if (found.median <= self.bound if self.at_most else found.median >= self.bound) else "MISS"
        around = f" ({_short(found.least)} to {_short(found.most)})" if found.count > 1 else ""
        return verdict, _short(found.median) + around

    def line(self, results: Results) -> str:
        """All of it in one line."""
        verdict, figure = self.reached(results)
        return f"{verdict}  {self.text}: {self.wanted}" + (f"; it is {figure}" if figure else "")


def _short(value: float) -> str:
    """A figure with three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _ratio(part: str, figure: str, theirs: str, ours: str = "ours@sqlite", *, less: bool = False) -> Measured:
    return lambda results: results.ratio(part, figure, ours, theirs, more_is_better=not less)


def _figure(part: str, figure: str, contender: str = "ours@sqlite", scale: float = 1.0) -> Measured:
    def measured(results: Results) -> Spread | None:
        found = results.spread(part, contender, figure)
        return found and Spread(found.median * scale, found.least * scale, found.most * scale, found.count)

    return measured


def _rust_to_python(results: Results) -> Spread | None:
    """Medians, since the programs are no rounds of one another."""
    rust = results.spread("rust", "ours@sqlite", "drain")
    python = results.spread("burst", "ours@sqlite", "rate")
    if rust is None or python is None:
        return None
    return Spread(rust.median / python.median, rust.least / python.most, rust.most / python.least, rust.count)


GOALS = (
    Goal("Burst on Redis, to ArdiQ on the same Redis", 1.5, _ratio("burst", "rate", "ardiq@redis", "ours@redis")),
    Goal("Burst on durable SQLite, to ArdiQ on Redis without persistence", 1, _ratio("burst", "rate", "ardiq@redis")),
    Goal("Burst on durable SQLite, to the original", 10, _ratio("burst", "rate", "original@redis")),
    Goal("Burst on PostgreSQL, to awa", 2, _ratio("burst", "rate", "awa@postgres", "ours@postgres")),
    Goal(
        "Burst on PostgreSQL, to Procrastinate", 2, _ratio("burst", "rate", "procrastinate@postgres", "ours@postgres")
    ),
    Goal("Rust jobs drained, to jobs of Python's burst", 5, _rust_to_python),
    Goal("Idle latency p50, to the original", 5, _ratio("ping", "p50_ms", "original@redis", less=True)),
    Goal("Bulk enqueue on SQLite", 100_000, _figure("drain", "bulk"), unit="jobs/s"),
    Goal(
        "Small artifacts a second, 32 in flight, to the original", 50, _ratio("artifacts-32", "rate", "original@redis")
    ),
    Goal("Small artifacts a second, one by one, to the original", 15, _ratio("artifacts-1", "rate", "original@redis")),
    Goal("Storing 100 MiB, in copy-and-hash speed", 0.8, _figure("file-100m", "copy_ratio")),
    Goal("Storing 2 GiB, in copy-and-hash speed", 0.8, _figure("file-2g", "copy_ratio")),
    Goal("Growth of the worker while storing 2 GiB", 16, _figure("file-2g", "grown_mib"), at_most=True, unit="MiB"),
    Goal("Storing 100 MiB, to the original", 3, _ratio("file-100m", "in_s", "original@redis", less=True)),
    Goal("Memory of an idle worker, in that of ArdiQ's", 1, _ratio("idle", "mib", "ardiq@redis"), at_most=True),
    Goal("Server start to an answer", 150, _figure("server", "startup", scale=1000), at_most=True, unit="ms"),
    Goal("Memory of an idle server", 40, _figure("server", "mib"), at_most=True, unit="MiB"),
    Goal("A claim with 1,000,000 jobs queued, to 1,000", 1.2, _figure("length", "ratio p50"), at_most=True),
    Goal("Claiming, ending and submitting, the same", 1.2, _figure("length", "cycle p50"), at_most=True),
    Goal("An artifact with 1,000,000 there, to 1,000", 1.2, _figure("artifacts-many", "flat"), at_most=True),
)
