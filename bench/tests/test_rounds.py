"""Which rounds are run, and that one which cannot be made does not end the others."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pytest

import run
from contest import environments, rounds
from contest.contenders import Contender
from contest.goals import GOALS
from contest.parts import BY_NAME, PARTS
from contest.results import Results
from contest.stores import Opened


def chosen(size: str) -> argparse.Namespace:
    parts = [part.name for part in PARTS]
    return argparse.Namespace(size=size, parts=parts, peers=run.FEW_PEERS, stores=run.FEW_STORES, rounds=3)


def test_rounds_go_forwards_and_backwards_and_what_takes_minutes_is_run_once() -> None:
    turns = run._turns(chosen("goals"))  # noqa: SLF001
    burst = [[one.key for part, one, number in turns if (part.name, number) == ("burst", wanted)] for wanted in (1, 2)]
    assert burst[0] == burst[1][::-1]
    assert len(burst[0]) > 5
    assert [number for part, _, number in turns if part.name == "file-2g"] == [1]
    assert {number for part, _, number in turns if part.name == "ping"} == {1, 2, 3}


def test_the_size_of_goals_measures_every_goal(tmp_path: Path) -> None:
    results = Results(tmp_path / "rounds.jsonl")
    figures = (
        "p50_ms",
        "ratio p50",
        "cycle p50",
        "flat",
        "copy_ratio",
        "grown_mib",
        "in_s",
        "startup",
        "mib",
        "bulk",
        "drain",
    )
    for part, contender, number in run._turns(chosen("goals")):  # noqa: SLF001
        made_up = {"rate": 1.0, **dict.fromkeys(figures, 1.0)}
        results.add(
            {"part": part.name, "size": "goals", "contender": contender.key, "round": number, "figures": made_up}
        )
    assert [goal.text for goal in GOALS if goal.measured(results) is None] == []


def test_a_round_that_cannot_be_made_is_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(Opened):
        def emptied(self, name: str) -> rounds.Store:
            raise RuntimeError(f"{name} did not start")

    monkeypatch.setattr(environments, "ensure", lambda _name, _python: Path(sys.executable))
    tools = rounds.Machinery(sys.executable, Path("nowhere"))
    with Gone(sys.executable) as opened:
        row = rounds.measure(BY_NAME["burst"], Contender("saq", "redis"), opened, "quick", None, 10.0, tools)
    assert row["failed"] == "RuntimeError: redis did not start"
    assert row["parameters"] == {"jobs": 2000}
