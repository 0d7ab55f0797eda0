"""The arithmetic and the page, on rounds that were made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from contest import goals, page
from contest.results import Results, spread
from contest.rounds import printed_figures


def row(contender: str, number: int, rate: float, size: str = "quick", part: str = "burst") -> dict[str, object]:
    return {
        "part": part, "size": size, "contender": contender, "round": number, "parameters": {"jobs": 10_000},
        "load": [0.5, 1.5], "seconds": 1.0, "settings": "as delivered", "figures": {"rate": rate},
    }  # fmt: skip


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return Results(tmp_path / ".results" / "rounds.jsonl")


def test_a_spread_is_the_median_between_its_ends() -> None:
    found = spread([30, 10, 20])
    assert found is not None
    assert (found.median, found.least, found.most, found.count) == (20, 10, 30, 3)
    assert spread([]) is None


def test_ratios_are_taken_round_by_round(results: Results) -> None:
    # A busy second round slows both down: the ratio stays.
    for number, (ours, theirs) in enumerate([(1000, 100), (300, 30), (800, 100)], 1):
        results.add(row("ours@sqlite", number, ours))
        results.add(row("saq@redis", number, theirs))
    results.add(row("saq@redis", 4, 1))
    found = results.ratio("burst", "rate", "ours@sqlite", "saq@redis")
    assert found is not None
    assert (found.median, found.least, found.most, found.count) == (10, 8, 10, 3)
    worse = results.ratio("burst", "rate", "ours@sqlite", "saq@redis", more_is_better=False)
    assert worse is not None
    assert worse.median == pytest.approx(0.1)


def test_full_rounds_displace_quick_ones_and_both_survive_in_the_file(results: Results, tmp_path: Path) -> None:
    results.add(row("ours@sqlite", 1, 10))
    results.add(row("ours@sqlite", 1, 70, size="full"))
    again = Results(tmp_path / ".results" / "rounds.jsonl")
    found = again.spread("burst", "ours@sqlite", "rate")
    assert found is not None
    assert (found.median, len(again.rows)) == (70, 2)


def test_a_round_is_done_when_it_gave_figures_or_never_can(results: Results) -> None:
    results.add(row("ours@sqlite", 1, 10))
    failed = row("saq@redis", 1, 0)
    del failed["figures"]
    results.add(failed | {"failed": "it was not done after 3 s"})
    results.add(failed | {"contender": "ours@redis", "unsupported": "the redis backend is not part of this build"})
    assert results.done("burst", "quick", "ours@sqlite", 1)
    assert not results.done("burst", "quick", "ours@sqlite", 2)
    assert not results.done("burst", "full", "ours@sqlite", 1)
    assert not results.done("burst", "quick", "saq@redis", 1)
    assert results.done("burst", "quick", "ours@redis", 3)


def test_forgetting_spares_other_parts(results: Results) -> None:
    results.add(row("ours@sqlite", 1, 10))
    results.add(row("ours@sqlite", 1, 20, part="ping"))
    results.forget({"burst"}, {"ours@sqlite"})
    assert [kept["part"] for kept in results.rows] == ["ping"]


def test_goals_say_whether_they_are_reached(results: Results) -> None:
    for number in (1, 2):
        results.add(row("ours@sqlite", number, 9000))
        results.add(row("original@redis", number, 1000))
        results.add(row("ardiq@redis", number, 4500))
    lines = {line.split("  ")[1].split(":")[0]: line for line in page.goal_lines(results)}
    assert lines["Burst on durable SQLite, to the original"].startswith("MISS ")
    assert lines["Burst on durable SQLite, to the original"].endswith("it is 9 (9 to 9)")
    assert lines["Burst on durable SQLite, to ArdiQ on Redis without persistence"].startswith("PASS ")
    assert lines["Burst on PostgreSQL, to awa"].startswith("NOT MEASURED ")
    assert len(lines) == len(goals.GOALS)


def test_the_page_shows_medians_ratios_and_who_is_missing(results: Results) -> None:
    for number, rate in enumerate((9000, 10_000, 12_000), 1):
        results.add(row("ours@sqlite", number, rate))
        results.add(row("saq@redis", number, rate / 10))
    missing = row("ours@redis", 1, 0)
    del missing["figures"]
    results.add(missing | {"unsupported": "the redis backend is not part of this build"})
    text = page.render(results, {"Machine": "2 cores"}, {"saq": "saq 0.26"})
    assert "| **UpNext**, SQLite | 10,000 (9,000 to 12,000) |  | power loss: SQLite, WAL, synchronous=FULL |" in text
    assert "| SAQ, Redis | 1,000 (900 to 1,200) | 10 x | none: Redis without persistence |" in text
    assert "**UpNext**, Redis: not measured, the redis backend is not part of this build." in text
    assert "3 quick rounds of 10000; load average 0.5 to 1.5." in text
    assert "| saq | saq 0.26 | as delivered |" in text


def test_the_figures_of_the_rust_programs_are_read() -> None:
    printed = """\
bulk enqueue          123456 jobs/s
drain                  41000 jobs/s
submit to result  p50 950.5µs  p99 2.25ms
200 B artifacts,  1 in flight       1530/s
ratio                      p50 1.02  p99 1.31
enqueue   1000000           99000 jobs/s
"""
    assert printed_figures(printed) == {
        "bulk enqueue": 123456.0,
        "drain": 41000.0,
        "p50_ms": 0.9505,
        "p99_ms": 2.25,
        "200 B artifacts, 1 in flight": 1530.0,
        "ratio p50": 1.02,
        "ratio p99": 1.31,
        "enqueue": 99000.0,
    }
