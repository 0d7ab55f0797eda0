"""Measures UpNext beside what people would use instead, on this machine, and writes `bench/RESULTS.md`.

Usage: `python bench/run.py [--size quick|goals|full] [--parts NAMES] [--peers NAMES] [--stores NAMES] [--rounds N]`.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from contest import environments, page, rounds
from contest.contenders import PEERS, STORES, Contender
from contest.parts import BY_NAME, PARTS, Part
from contest.places import PAGE, RAW, REPOSITORY
from contest.results import SIZES, Results
from contest.stores import Opened

#: Without `full`, the peers that matter most, on the usual stores.
FEW_PEERS = ("ours", "original", "ardiq", "flexiq", "saq", "procrastinate", "awa")
FEW_STORES = ("sqlite", "redis", "postgres")
#: After so many minutes no round starts, and the one that runs is cut off after a tenth of that.
MINUTES = {"quick": 9.0, "goals": 35.0, "full": float("inf")}
ROUNDS = {"quick": 3, "goals": 3, "full": 5}

#: One round: of which part, by whom, and the how many-th.
Turn = tuple[Part, Contender, int]


def main() -> None:
    """Measures what the command line asks for."""
    chosen = _arguments()
    for end in (signal.SIGTERM, signal.SIGINT):
        # A shell starts what runs in the background with SIGINT ignored.
        signal.signal(end, signal.default_int_handler)
    with contextlib.nullcontext() if chosen.render else _alone():
        results = Results(RAW / "rounds.jsonl")
        python = environments.interpreter(chosen.python)
        tools = rounds.Machinery(python, Path(chosen.programs).resolve())
        turns = _turns(chosen)
        try:
            if not chosen.render:
                if not chosen.resume:
                    results.forget({part.name for part, _, _ in turns}, {one.key for _, one, _ in turns})
                _install({one.peer for _, one, _ in turns}, python)
                _measure(turns, results, tools, chosen)
        except KeyboardInterrupt:
            print("\nstopped; --resume goes on from here", flush=True)
        finally:
            # Whatever went wrong, what was measured is shown.
            _write(results, python)
        print("\n".join(["", *page.goal_lines(results), "", f"written: {PAGE}"]))


def _alone() -> IO[str]:
    """A file that is locked as long as it is open: two contests at once would measure each other."""
    RAW.mkdir(exist_ok=True)
    lock = (RAW / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit("Another run measures on this checkout: wait for its end, or stop it with Ctrl-C.") from None
    return lock


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    names = [part.name for part in PARTS]
    parser.add_argument(
        "--size",
        choices=tuple(reversed(SIZES)),
        default="quick",
        help="quick: less than 10 minutes. goals: every goal, 35 minutes. full: all peers and stores, hours",
    )
    parser.add_argument("--parts", type=_list_of(names), default=names, help=f"of {','.join(names)}")
    parser.add_argument(
        "--peers", type=_list_of(PEERS), help=f"of {','.join(PEERS)}; unless full: {','.join(FEW_PEERS)}"
    )
    parser.add_argument(
        "--stores",
        "--backend",
        type=_list_of(tuple(STORES)),
        help=f"of {','.join(STORES)}; unless full: {','.join(FEW_STORES)}",
    )
    parser.add_argument("--rounds", type=int, help="rounds of each; 3, or 5 when full")
    parser.add_argument("--minutes", type=float, help="start no round after so long; 9 when quick, 35 for goals")
    parser.add_argument("--resume", action="store_true", help="keep what was measured, and go on")
    parser.add_argument("--render", action="store_true", help="measure nothing, write the page anew")
    parser.add_argument("--python", help="the interpreter for everything, 3.12 or newer")
    parser.add_argument(
        "--programs", default=str(REPOSITORY / "target" / "release"), help="folder of rust_jobs and queue_length"
    )
    chosen = parser.parse_args()
    full = chosen.size == "full"
    chosen.peers = chosen.peers or (PEERS if full else FEW_PEERS)
    chosen.stores = chosen.stores or (tuple(STORES) if full else FEW_STORES)
    chosen.rounds = chosen.rounds or ROUNDS[chosen.size]
    chosen.minutes = chosen.minutes or MINUTES[chosen.size]
    return chosen


def _list_of(known: tuple[str, ...] | list[str]):  # type: ignore[no-untyped-def]
    def parse(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(known)}")
        return names

    return parse


def _turns(chosen: argparse.Namespace) -> list[Turn]:
    """All rounds in their order: the first of everything, then the second. Every other one goes the other way round."""
    turns: list[Turn] = []
    parts = [BY_NAME[name] for name in chosen.parts if BY_NAME[name].parameters(chosen.size) is not None]
    for number in range(1, chosen.rounds + 1):
        for part in parts:
            if number <= part.rounds(chosen.size, chosen.rounds):
                contenders = _contenders(part, chosen)
                turns += [(part, one, number) for one in (contenders if number % 2 else reversed(contenders))]
    return turns


def _contenders(part: Part, chosen: argparse.Namespace) -> list[Contender]:
    return [
        Contender(peer, store)
        for peer, those in part.stores.items()
        for store in those
        if peer in chosen.peers and store in chosen.stores
    ]


def _install(peers: set[str], python: str) -> None:
    """Makes all environments, so that no round waits for that."""
    for peer in ("servers", *(name for name in PEERS if name in peers)):
        # A round says why, if one cannot be made.
        with contextlib.suppress(environments.NotInstalledError):
            environments.ensure(peer, python)


def _measure(turns: list[Turn], results: Results, tools: rounds.Machinery, chosen: argparse.Namespace) -> None:
    """Runs the rounds that have not been run yet."""
    begun = time.monotonic()
    end = begun + 60 * chosen.minutes
    with Opened(tools.python) as opened:
        shown = 1
        for part, contender, number in turns:
            if time.monotonic() > end:
                print(f"  {chosen.minutes:g} minutes are over; --resume goes on", flush=True)
                return
            if results.done(part.name, chosen.size, contender.key, number):
                continue
            burst = results.spread("burst", contender.key, "rate")
            if part.workload == "sustained" and burst is None:
                continue
            if number != shown:
                _write(results, tools.python)
                shown = number
            patience = end + 6 * chosen.minutes - time.monotonic()
            row = rounds.measure(part, contender, opened, chosen.size, burst and burst.median, patience, tools)
            results.add(row | {"round": number})
            _report(row, part, number)
    print(f"  all of it took {(time.monotonic() - begun) / 60:.1f} minutes", flush=True)


def _write(results: Results, python: str) -> None:
    """Writes the page from what there is."""
    said = subprocess.run([python, "-VV"], capture_output=True, text=True, check=True).stdout.strip()
    versions = {"ours": _own_version(python)} | {
        name: environments.versions(name) for name in environments.pins() if (environments.ENVIRONMENTS / name).exists()
    }
    PAGE.write_text(page.render(results, page.machine(said), versions))


def _report(row: rounds.Row, part: Part, number: int) -> None:
    if "figures" in row:
        shown = [(figure, row["figures"].get(figure.key)) for figure in part.figures]
        said = "  ".join(
            f"{figure.title} {figure.scale * value:,.{figure.digits}f}" for figure, value in shown if value is not None
        )
    else:
        said = f"- {row.get('unsupported') or row.get('failed')}"
    print(
        f"{number}  {part.name:<15} {row['contender']:<22} {said}  [{row['seconds']} s, load {row['load'][0]:.1f}]",
        flush=True,
    )


def _own_version(python: str) -> str:
    inside = environments.ensure(environments.OURS, python)
    path = {**os.environ, "PYTHONPATH": str(REPOSITORY / "python")}
    words = [str(inside), "-c", "import upnext; print('upnext', upnext.__version__)"]
    said = subprocess.run(words, capture_output=True, text=True, env=path, check=False)
    if said.returncode:
        print(f"upnext cannot be imported: {said.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
    return said.stdout.strip() or "not built"


if __name__ == "__main__":
    main()
