"""Measures what this machine carries, on every backend and through a server, and writes the tables of `docs/sizing.md`.

Usage: `python bench/sizing.py [--places NAMES] [--steps NAMES] [--languages NAMES] [--size quick|full] [--resume]
[--render]`. What a run does not measure stays as it was measured before.
"""

from __future__ import annotations

import argparse
import functools
import json
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from capacity import page, steps
from capacity.places import TITLES, Engines
from contest.page import machine
from contest.places import RAW, REPOSITORY

PAGE = REPOSITORY / "docs" / "sizing.md"
KEPT = RAW / "sizing.json"
BEGIN, END = "<!-- measured by make sizing -->", "<!-- end of what was measured -->"
STEPS = ("throughput", "submitting", "idle", "queued", "finished", "artifacts")
LANGUAGES = ("rust", "python")


def main() -> None:
    """Measures what the command line asks for."""
    chosen = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    rows: dict[str, steps.Row] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    engines = Engines()
    try:
        if not chosen.render:
            bench = steps.Bench(Path(chosen.programs), engines)
            for key, measure in _work(chosen, bench):
                if not (chosen.resume and key in rows):
                    _measure(key, measure, rows)
    except KeyboardInterrupt:
        print("\nstopped; --resume goes on from here", flush=True)
    finally:
        engines.close()
    if rows:
        about = machine(f"Python {platform.python_version()}")
        write(page.render(rows, about))
        print(f"written: {PAGE}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--places", type=_list_of(tuple(TITLES)), default=list(TITLES), help=f"of {','.join(TITLES)}")
    parser.add_argument("--steps", type=_list_of(STEPS), default=list(STEPS), help=f"of {','.join(STEPS)}")
    parser.add_argument(
        "--languages", type=_list_of(LANGUAGES), default=list(LANGUAGES), help=f"of {','.join(LANGUAGES)}"
    )
    parser.add_argument("--size", choices=("quick", "full"), default="full", help="quick measures with fewer jobs")
    parser.add_argument("--resume", action="store_true", help="keep what was measured, and go on")
    parser.add_argument("--render", action="store_true", help="measure nothing, write the tables anew")
    parser.add_argument(
        "--programs", default=str(REPOSITORY / "target" / "release"), help="folder of the program sizing"
    )
    return parser.parse_args()


def _list_of(known: tuple[str, ...]) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(known)}")
        return names

    return parse


def _work(chosen: argparse.Namespace, bench: steps.Bench) -> Iterator[tuple[str, Callable[[], steps.Row]]]:
    """Each figure: its key, and how it is measured."""
    full = chosen.size == "full"
    counts = (10_000, 200_000) if full else (2000, 10_000)
    many = 1_000_000 if full else 50_000
    for step in (step for step in STEPS if step in chosen.steps):
        for name in chosen.places:
            if step == "throughput":
                for jobs in counts:
                    for language in chosen.languages:
                        for workers in (1, 2, 4):
                            key = f"throughput-{language}-{workers}-{jobs}/{name}"
                            yield (
                                key,
                                functools.partial(_with_jobs, steps.throughput, jobs, bench, name, language, workers),
                            )
            elif step == "submitting":
                yield f"submitting/{name}", functools.partial(steps.submitting, bench, name)
            elif step == "idle":
                for language in chosen.languages:
                    yield f"idle-{language}/{name}", functools.partial(steps.idle, bench, name, language)
            elif step == "queued":
                yield f"queued/{name}", functools.partial(_with_jobs, steps.queued, many, bench, name)
            elif step == "finished":
                yield f"finished/{name}", functools.partial(_with_jobs, steps.finished, counts[1], bench, name)
            else:
                for language in chosen.languages:
                    for together in (1, 32):
                        key = f"artifacts-{language}-{together}/{name}"
                        yield key, functools.partial(steps.artifacts, bench, name, language, together)


def _with_jobs(measure: Callable[..., steps.Row], jobs: int, *arguments: object) -> steps.Row:
    return measure(*arguments, jobs) | {"jobs": jobs}


def _measure(key: str, measure: Callable[[], steps.Row], rows: dict[str, steps.Row]) -> None:
    begun = time.monotonic()
    try:
        row = steps.noted(measure)
    except RuntimeError as error:
        print(f"{key:<34} - {error}", flush=True)
        rows.pop(key, None)
        return
    rows[key] = row
    KEPT.parent.mkdir(exist_ok=True)
    partial = KEPT.with_suffix(".part")
    partial.write_text(json.dumps(rows, indent=1))
    partial.replace(KEPT)
    shown = "  ".join(f"{name} {value:,.4g}" for name, value in row.items() if isinstance(value, float))
    print(f"{key:<34} {shown}  [{time.monotonic() - begun:.1f} s, load {row['load'][0]}]", flush=True)


def write(tables: str) -> None:
    """Puts the tables into the document, in place of those before."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    if not after:
        sys.exit(f"{PAGE} has no place for the tables: {BEGIN} and {END}")
    PAGE.write_text(f"{before}{BEGIN}\n\n{tables}\n{END}{after}")


if __name__ == "__main__":
    main()
