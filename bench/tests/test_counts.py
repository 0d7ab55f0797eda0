"""What is made of counts, on counts that were made up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import counts
from counts import Baseline


def test_a_baseline_is_read_as_it_was_written() -> None:
    known = {"sqlite enqueue 1": Baseline(1_234_567, 3.0), "remote claim 32, read": Baseline(89, 0.5)}
    assert counts.read_baseline(counts.written_baseline(known)) == known


def test_a_line_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="enqueue many"):
        counts.read_baseline("# head\nenqueue many\n")


@pytest.mark.parametrize(
    ("count", "word", "is_worse"), [(1029, "same", False), (1031, "WORSE", True), (900, "better", False)]
)
def test_only_more_than_the_tolerance_is_worse(count: int, word: str, is_worse: bool) -> None:
    line, worse = counts.verdict("claim", count, Baseline(1000, 3.0))
    assert (line.endswith(word), worse) == (True, is_worse)
    assert counts.verdict("claim", count, None)[1] is False


PROFILE = """\
events: Ir
summary: 99999

fn=(1) clone
+3 11
cfn=(2) malloc
calls=2 0
* 60
fn=(2)
5 40
* 20

totals: 71
"""


def test_a_profile_is_summed_up_without_what_stood_on_the_stacks_before() -> None:
    assert counts.total_of(PROFILE) == 71
    assert counts.costs_of(PROFILE) == [("malloc", 60), ("clone", 11)]
    with pytest.raises(ValueError, match="callgrind"):
        counts.total_of("nothing")


def test_without_valgrind_it_says_what_to_install(tmp_path: Path) -> None:
    words = [sys.executable, counts.__file__]
    done = subprocess.run(words, capture_output=True, text=True, env={"PATH": str(tmp_path)}, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("valgrind counts the instructions and is not installed")
