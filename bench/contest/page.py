"""Renders `RESULTS.md`."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from pathlib import Path

from contest.contenders import Contender
from contest.goals import GOALS
from contest.parts import PARTS, Figure, Part
from contest.results import Results, Spread

#: Whose figures the others' are compared with, the first that was measured on the same kind of store before the others.
_OURS = ("ours@sqlite", "ours@redis", "ours@postgres")
_INTRODUCTION = """\
# Measured side by side

`make bench` writes this page; `bench/run.py --help` says what can be chosen. Every round starts a fresh worker on an
empty store, in turns: one contender, the next one, and all of them again. A job counts when its body has run and the
system itself says that nothing is left; a job that runs twice, or never, fails the round. Cells are medians with least
and most of all rounds. "UpNext is" tells how many times better the first figure of UpNext is, round by round: below 1
it is worse.
"""


def render(results: Results, about: Mapping[str, str], versions: Mapping[str, str]) -> str:
    """The whole page."""
    blocks = [_INTRODUCTION, _machine(about), "## Goals\n", _goals(results)]
    blocks += [_table(part, results) for part in PARTS if any(row["part"] == part.name for row in results.rows)]
    blocks += ["## Who took part\n", _who(results, versions)]
    return "\n".join(blocks).rstrip() + "\n"


def goal_lines(results: Results) -> list[str]:
    """Each goal with whether it is reached."""
    return [goal.line(results) for goal in GOALS]


def _goals(results: Results) -> str:
    lines = [_row(["", "goal", "wanted", "measured"]), _row(["---", "---", "---", "---"])]
    for goal in GOALS:
        verdict, figure = goal.reached(results)
        lines.append(_row([f"**{verdict}**" if verdict == "MISS" else verdict, goal.text, goal.wanted, figure]))
    return "\n".join(lines) + "\n"


def _machine(about: Mapping[str, str]) -> str:
    return "".join(f"- {name}: {value}\n" for name, value in about.items())


def _table(part: Part, results: Results) -> str:
    contenders = [contender for contender in _all(part.stores) if results.of(part.name, contender.key)]
    shown = [
        figure for figure in part.figures if any(results.spread(part.name, one.key, figure.key) for one in contenders)
    ]
    ours = [key for key in _OURS if key in {contender.key for contender in contenders}]
    against = ours if len(contenders) > len(ours) else []
    lead = part.figures[0]
    head = [
        "",
        *(figure.title for figure in shown),
        *(f"UpNext ({key.split('@')[1]}) is" for key in against),
        "durable against",
    ]
    lines = [f"## {part.title}\n", _row(head), _row(["---", *["--:"] * (len(head) - 2), "---"])]
    for contender in contenders:
        cells = [_cell(results.spread(part.name, contender.key, figure.key), figure) for figure in shown]
        for key in against:
            times = results.ratio(part.name, lead.key, key, contender.key, more_is_better=lead.more_is_better)
            cells.append("" if contender.peer == "ours" or times is None else _times(times))
        lines.append(_row([contender.label, *cells, contender.durability]))
    return "\n".join([*lines, "", _below(part, results)])


def _below(part: Part, results: Results) -> str:
    """How often, under which load, and who is missing why."""
    rows = [row for row in results.rows if row["part"] == part.name and "figures" in row]
    texts = []
    if rows:
        rounds = max(row["round"] for row in rows)
        loads = [load for row in rows for load in row["load"]]
        counts = {str(row["parameters"].get("jobs") or row["parameters"].get("count") or "") for row in rows} - {""}
        much = f" of {' or '.join(sorted(counts, key=int))}" if counts else ""
        sizes = " and ".join(sorted({row["size"] for row in rows}))
        texts.append(f"{rounds} {sizes} rounds{much}; load average {min(loads):.1f} to {max(loads):.1f}.")
    for contender in _all(part.stores):
        reason = results.why_not(part.name, contender.key)
        if reason and not results.of(part.name, contender.key):
            texts.append(f"{contender.label}: not measured, {reason}.")
    return "\n".join(f"{text}  " for text in texts) + "\n"


def _who(results: Results, versions: Mapping[str, str]) -> str:
    lines = [_row(["", "versions", "settings"]), _row(["---"] * 3)]
    for name, version in versions.items():
        said = {
            row["settings"] for row in results.rows if row["contender"].split("@")[0] == name and row.get("settings")
        }
        lines.append(
            _row(
                [
                    name,
                    version,
                    "; ".join(sorted(text for text in said if "rust_jobs" not in text and "queue_length" not in text)),
                ]
            )
        )
    return "\n".join(lines) + "\n"


def _all(stores: Mapping[str, Iterable[str]]) -> list[Contender]:
    return [Contender(peer, store) for peer, those in stores.items() for store in those]


def _cell(found: Spread | None, figure: Figure) -> str:
    if found is None:
        return ""
    middle, least, most = (
        f"{figure.scale * value:,.{figure.digits}f}" for value in (found.median, found.least, found.most)
    )
    return middle if found.count == 1 else f"{middle} ({least} to {most})"


def _times(found: Spread) -> str:
    middle = f"{found.median:.2g}" if found.median < 10 else f"{found.median:.0f}"
    return f"{middle} x"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def machine(python: str) -> dict[str, str]:
    """What the figures depend on."""
    cpu = [line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    name = cpu[0] if cpu else platform.processor()
    system = f"{platform.system()} {platform.release()}"
    return {
        "Machine": f"{len(cpu)} cores, {name}, {memory / 1024**2:.0f} GiB, {system}",
        "Python": python,
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
