"""Measures UpNext beside what people would use instead, on this machine, and writes `bench/RESULTS.md`.

Usage: `python bench/run.py [--size quick|full] [--parts NAMES] [--peers NAMES] [--stores NAMES] [--rounds N]`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from contest import environments, page, rounds, stores
from contest.contenders import PEERS, STORES, Contender
from contest.parts import BY_NAME, PARTS, Part
from contest.places import PAGE, RAW, REPOSITORY
from contest.results import Results

#: Quick rounds are for looking at a change: the peers that matter most, on the usual stores.
QUICK_PEERS = ("ours", "original", "ardiq", "flexiq", "saq", "procrastinate", "awa")
QUICK_STORES = ("sqlite", "redis", "postgres")
QUICK_MINUTES = 9.0


def main() -> None:
    """Measures what the command line asks for."""
    chosen = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    results = Results(RAW / "rounds.jsonl")
    python = environments.interpreter(chosen.python)
    tools = rounds.Machinery(python, Path(chosen.programs))
    parts = [BY_NAME[name] for name in chosen.parts if BY_NAME[name].parameters(chosen.size) is not None]
    work = [(part, contender) for part in parts for contender in _contenders(part, chosen)]
    if not (chosen.resume or chosen.render):
        results.forget({part.name for part in parts}, {contender.key for _, contender in work})
    try:
        if not chosen.render:
            _measure(work, results, tools, chosen)
    except KeyboardInterrupt:
        print("\nstopped; --resume goes on from here", flush=True)
    said = subprocess.run([python, "-VV"], capture_output=True, text=True, check=True).stdout.strip()
    versions = {"ours": _own_version(python)} | {
        name: environments.versions(name) for name in environments.pins() if (environments.ENVIRONMENTS / name).exists()
    }
    PAGE.write_text(page.render(results, page.machine(said), versions))
    print("\n".join(["", *page.goal_lines(results), "", f"written: {PAGE}"]))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    names = [part.name for part in PARTS]
    parser.add_argument("--size", choices=("quick", "full"), default="quick", help="quick takes less than 10 minutes")
    parser.add_argument("--parts", type=_list_of(names), default=names, help=f"of {','.join(names)}")
    parser.add_argument("--peers", type=_list_of(PEERS), help=f"of {','.join(PEERS)}")
    parser.add_argument(
        "--stores",
        "--backend",
        type=_list_of(tuple(STORES)),
        help=f"of {','.join(STORES)}; quick: {','.join(QUICK_STORES)}",
    )
    parser.add_argument("--rounds", type=int, help="rounds of each; 3 when quick, else 5")
    parser.add_argument("--minutes", type=float, help=f"start no round after so long; {QUICK_MINUTES:g} when quick")
    parser.add_argument("--resume", action="store_true", help="keep what was measured, and go on")
    parser.add_argument("--render", action="store_true", help="measure nothing, write the page anew")
    parser.add_argument("--python", help="the interpreter for everything, 3.12 or newer")
    parser.add_argument(
        "--programs", default=str(REPOSITORY / "target" / "release"), help="folder of rust_jobs and queue_length"
    )
    chosen = parser.parse_args()
    quick = chosen.size == "quick"
    chosen.peers = chosen.peers or (QUICK_PEERS if quick else PEERS)
    chosen.stores = chosen.stores or (QUICK_STORES if quick else tuple(STORES))
    chosen.rounds = chosen.rounds or (3 if quick else 5)
    chosen.minutes = chosen.minutes or (QUICK_MINUTES if quick else float("inf"))
    return chosen


def _list_of(known: tuple[str, ...] | list[str]):  # type: ignore[no-untyped-def]
    def parse(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(known)}")
        return names

    return parse


def _contenders(part: Part, chosen: argparse.Namespace) -> list[Contender]:
    return [
        Contender(peer, store)
        for peer, those in part.stores.items()
        for store in those
        if peer in chosen.peers and store in chosen.stores
    ]


def _measure(
    work: list[tuple[Part, Contender]], results: Results, tools: rounds.Machinery, chosen: argparse.Namespace
) -> None:
    """Runs all rounds: the first of everything, then the second. Every other one goes the other way round."""
    for peer in dict.fromkeys(contender.peer for _, contender in work):
        # A round says why, if one cannot be made.
        with contextlib.suppress(environments.NotInstalledError):
            environments.ensure(peer, tools.python)
    end = time.monotonic() + 60 * chosen.minutes
    with contextlib.ExitStack() as stack:
        servers: dict[str, stores.Store] = {}
        for number in range(1, chosen.rounds + 1):
            for part, contender in _in_turn(work, number):
                if time.monotonic() > end:
                    print(f"  {chosen.minutes:g} minutes are over; --resume goes on", flush=True)
                    return
                if results.done(part.name, chosen.size, contender.key, number):
                    continue
                if contender.store not in servers:
                    servers[contender.store] = stack.enter_context(stores.opened(contender.store, tools.python))
                burst = results.spread("burst", contender.key, "rate")
                if part.workload == "sustained" and burst is None:
                    continue
                row = rounds.measure(
                    part, contender, servers[contender.store], chosen.size, burst and burst.median, tools
                )
                results.add(row | {"round": number})
                _report(row, part, number)


def _in_turn(work: list[tuple[Part, Contender]], number: int) -> list[tuple[Part, Contender]]:
    """The parts in their order; within each, contenders forwards in odd rounds and backwards in even ones."""
    parts = list(dict.fromkeys(part.name for part, _ in work))
    groups = ([one for one in work if one[0].name == name] for name in parts)
    return [one for group in groups for one in (group if number % 2 else reversed(group))]


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
    return subprocess.run(words, capture_output=True, text=True, env=path, check=True).stdout.strip()


if __name__ == "__main__":
    main()
