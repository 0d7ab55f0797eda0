"""Counts the instructions of the hot paths under callgrind and compares them with `bench/counts.txt`.

Usage: `python bench/counts.py [CASE...] [--update] [--show]`. Other programs and the speed of the machine do not move
these counts; another compiler, libc or processor does, so the file names what it was made with.
"""

from __future__ import annotations

import argparse
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

BENCH = Path(__file__).resolve().parent
BASELINE = BENCH / "counts.txt"
PROGRAM = BENCH.parent / "target" / "release" / "hot_paths"
#: How far a count may be from its baseline, in percent, unless its line says otherwise. Counts of one build differ a
#: little from run to run: maps are seeded at random, and threads meet now sooner, now later.
TOLERANCE = 3.0
#: How many functions are shown.
SHOWN = 25
_FUNCTION = re.compile(r"(?P<kind>c?fn)=\((?P<id>\d+)\)(?: (?P<name>.*))?")
_LINE = re.compile(r"(?P<name>\S.*?\S)\s{2,}(?P<count>[\d,]+)(?:\s+(?P<tolerance>[\d.]+) %)?")


@dataclass(frozen=True)
class Baseline:
    """What a case took."""

    count: int
    tolerance: float


def main() -> None:
    """Counts what the command line names; ends with 1 when something takes more than it did."""
    chosen = _arguments()
    if missing := _missing(chosen.program):
        sys.exit(missing)
    known = read_baseline(BASELINE.read_text()) if BASELINE.exists() else {}
    cases = _cases(chosen.program)
    if unknown := [name for name in chosen.cases if name not in cases]:
        sys.exit(f"there is no case {unknown[0]!r}; there are {', '.join(cases)}")
    worse, counted = [], {}
    for name in chosen.cases or cases:
        counted[name] = _count(chosen.program, name, cases[name], chosen.show)
        line, is_worse = verdict(name, counted[name], known.get(name))
        print(line, flush=True)
        worse += [name] if is_worse else []
    if chosen.update:
        kept = {name: known[name] for name in cases if name in known and name not in counted}
        fresh = {
            name: Baseline(count, known[name].tolerance if name in known else TOLERANCE)
            for name, count in counted.items()
        }
        BASELINE.write_text(
            written_baseline({name: {**kept, **fresh}[name] for name in cases if name in {**kept, **fresh}})
        )
        print(f"written: {BASELINE}")
        return
    if worse:
        made_with = next((line for line in BASELINE.read_text().splitlines() if line.startswith("# Made with")), "")
        print(f"\nMore than before: {', '.join(worse)}.\n{made_with.lstrip('# ')} Here it is {_made_with()}.")
        print("If that is meant to be, `make bench-counts ARGS=--update` makes it the baseline.")
        sys.exit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "cases", nargs="*", metavar="CASE", help="of those that `hot_paths` lists; all of them by default"
    )
    parser.add_argument("--update", action="store_true", help="make these counts the baseline")
    parser.add_argument("--show", action="store_true", help="also print the functions that take most")
    parser.add_argument("--program", type=Path, default=PROGRAM, help="where hot_paths was built")
    return parser.parse_args()


def _missing(program: Path) -> str | None:
    if shutil.which("valgrind") is None:
        return (
            "valgrind counts the instructions and is not installed: `apt-get install valgrind`, or your system's equal."
        )
    if not program.exists():
        return f"{program} is not built: cargo build --release -p upnext-bench --bin hot_paths"
    return None


def _cases(program: Path) -> dict[str, int]:
    """The names of all cases, with how often each takes its step."""
    listed = subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout
    return {name: int(times) for times, name in (line.split("\t") for line in listed.splitlines())}


def _count(program: Path, name: str, times: int, show: bool) -> int:
    """The instructions of one step, on all threads."""
    with tempfile.TemporaryDirectory(prefix="upnext-counts-") as folder:
        out = Path(folder, "out")
        options = ["--zero-before=*counting_begins*", "--dump-before=*counting_ends*", f"--callgrind-out-file={out}"]
        words = ["valgrind", "--tool=callgrind", "--quiet", *options, str(program), name]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        dump = out.with_name("out.1")
        if done.returncode or not dump.exists():
            sys.exit(f"{name}: {(done.stderr or done.stdout).strip()[-400:] or 'nothing was counted'}")
        if show:
            print(
                "".join(f"    {cost / times:>12,.0f}  {who}\n" for who, cost in costs_of(dump.read_text())[:SHOWN]),
                end="",
            )
        return round(total_of(dump.read_text()) / times)


def total_of(dump: str) -> int:
    """The sum of a callgrind profile. Not its summary, which holds what stood on the stacks of other threads before."""
    found = re.search(r"^totals: (\d+)", dump, re.MULTILINE)
    if found is None:
        raise ValueError("this is no profile of callgrind")
    return int(found[1])


def costs_of(dump: str) -> list[tuple[str, int]]:
    """What each function took by itself, the most expensive first."""
    names: dict[str, str] = {}
    costs: Counter[str] = Counter()
    function, is_of_call = "", False
    for line in dump.splitlines():
        if named := _FUNCTION.fullmatch(line):
            names.setdefault(named["id"], named["name"] or "")
            function = named["id"] if named["kind"] == "fn" else function
        elif line.startswith("calls="):
            is_of_call = True
        elif line[:1] in "0123456789+-*" and line:
            costs[function] += 0 if is_of_call else int(line.split()[1])
            is_of_call = False
    return [(names[function], cost) for function, cost in costs.most_common()]


def verdict(name: str, count: int, baseline: Baseline | None) -> tuple[str, bool]:
    """A line about a count, and whether it is more than it may be."""
    line = f"{name:<32} {count:>14,}"
    if baseline is None:
        return f"{line}  (new)", False
    change = 100 * (count / baseline.count - 1)
    is_worse = change > baseline.tolerance
    word = "WORSE" if is_worse else "better" if change < -baseline.tolerance else "same"
    return f"{line}  {change:+6.1f} %  {word}", is_worse


def read_baseline(text: str) -> dict[str, Baseline]:
    """The counts in a file of baselines."""
    found = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            parts = _LINE.fullmatch(line.rstrip())
            if parts is None:
                raise ValueError(f"{line!r} is no line of {BASELINE.name}: name, two spaces, count, tolerance in %")
            tolerance = float(parts["tolerance"] or TOLERANCE)
            found[parts["name"]] = Baseline(int(parts["count"].replace(",", "")), tolerance)
    return found


def written_baseline(counts: dict[str, Baseline]) -> str:
    """The file of baselines."""
    head = (
        "# Instructions of one step of each hot path, on all threads, counted by callgrind. `make bench-counts`\n"
        "# compares, with ARGS=--update it writes this file. The last column is how much more is taken for the same.\n"
        f"# Made with {_made_with()}.\n"
    )
    lines = (f"{name:<32} {found.count:>14,}  {found.tolerance:g} %\n" for name, found in counts.items())
    return head + "".join(lines)


def _made_with() -> str:
    def said(*words: str) -> str:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        return " ".join(done.stdout.split()[:2])

    tools = [said("rustc", "--version"), said("valgrind", "--version")]
    return ", ".join([*tools, " ".join(platform.libc_ver()), platform.machine()])


if __name__ == "__main__":
    main()
