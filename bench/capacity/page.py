"""The tables of what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from capacity.places import SETTINGS, TITLES

Rows = Mapping[str, dict[str, Any]]
Cell = Callable[[dict[str, Any]], str]

_LANGUAGES = {"rust": "Rust", "python": "Python"}


def render(rows: Rows, about: Mapping[str, str]) -> str:
    """All tables, of those rows that there are."""
    loads = [load for row in rows.values() for load in row["load"]]
    blocks = [
        "".join(f"- {name}: {value}\n" for name, value in about.items())
        + "".join(f"- {TITLES[name]}: {settings}\n" for name, settings in SETTINGS.items())
        + f"- load average meanwhile, of this and everything else on the machine: {min(loads)} to {max(loads)}\n"
    ]
    names = [name for name in TITLES if any(key.split("/")[1] == name for key in rows)]
    blocks.append(_throughput(rows, names))
    blocks.append(_places("What a no-op job costs the database server, with 1 Rust worker", rows, names, [
        (f"{title}, {jobs:,} jobs", f"throughput-rust-1-{jobs}", cell)
        for jobs in _counts(rows) for title, cell in (
            ("µs of CPU", _number("engine_us")),
            ("bytes of its log", _number("log_bytes")),
            ("transactions or commands", _few),
        )
    ]))  # fmt: skip
    blocks.append(_places("Submitting from one Python process, nobody working", rows, names, [
        ("one `submit` after the other, jobs/s", "submitting", _number("single")),
        ("`submit_many` of 1,000, jobs/s", "submitting", _number("bulk")),
    ]))  # fmt: skip
    blocks.append(_places("Submit to result on an idle system, p50 and p99 in ms", rows, names, [
        (_LANGUAGES[language], f"idle-{language}", _both) for language in _LANGUAGES
    ]))  # fmt: skip
    blocks.append(_places("A long queue", rows, names, [
        ("jobs queued", "queued", lambda row: f"{row['jobs']:,}"),
        ("claim of 32 with 10,000 queued, p50 and p99 in ms", "queued", lambda row: _milliseconds(row, "few_")),
        ("claim of 32 with all of them queued", "queued", _both),
        ("bytes of a queued job", "queued", _number("bytes")),
        ("bytes of a finished job", "finished", _number("bytes")),
    ]))  # fmt: skip
    blocks.append(_places("Artifacts of 200 bytes of JSON, made by one job, a second", rows, names, [
        *((f"{_LANGUAGES[language]}, {together} in flight", f"artifacts-{language}-{together}", _number("rate"))
          for language in _LANGUAGES for together in (1, 32)),
        ("database server, µs of CPU an artifact (Rust, 32)", "artifacts-rust-32", _number("engine_us")),
        ("bytes of its log an artifact", "artifacts-rust-32", _number("log_bytes")),
        ("bytes of an artifact", "artifacts-rust-32", _number("bytes")),
    ]))  # fmt: skip
    blocks.append(_places("Connections of a worker process to where jobs are", rows, names, [
        (f"{_LANGUAGES[language]}, waiting, and at most while it works", f"throughput-{language}-1-10000",
         lambda row: f"{row['connections_idle']}, {row['connections']}") for language in _LANGUAGES
    ] + [
        (f"{_LANGUAGES[language]}, MiB of memory", f"throughput-{language}-1-10000", _number("worker_mib"))
        for language in _LANGUAGES
    ]))  # fmt: skip
    return "\n".join(block for block in blocks if block)


def _throughput(rows: Rows, names: Sequence[str]) -> str:
    lines = []
    counts = _counts(rows)
    for name in names:
        for language, title in _LANGUAGES.items():
            for jobs in counts:
                each = [rows.get(f"throughput-{language}-{workers}-{jobs}/{name}") for workers in (1, 2, 4)]
                if not any(each):
                    continue
                rates = [f"{row['rate']:,.0f}" if row else "-" for row in each]
                one = next(row for row in each if row)
                costs = [f"{one[key]:,.0f}" for key in ("worker_us", "engine_us", "server_us", "submitter_us")]
                lines.append([TITLES[name], title, f"{jobs:,}", *rates, *costs])
    head = ["", "", "jobs", "1 worker", "2 workers", "4 workers", "worker", "database", "server", "submitter"]
    title = "No-op jobs a second, from the first submit to the last end; then µs of CPU for each job with 1 worker"
    return _table(title, head, lines)


def _places(title: str, rows: Rows, names: Sequence[str], figures: Sequence[tuple[str, str, Cell]]) -> str:
    lines = []
    for what, step, cell in figures:
        cells = [cell(rows[f"{step}/{name}"]) if f"{step}/{name}" in rows else "-" for name in names]
        if set(cells) != {"-"}:
            lines.append([what, *cells])
    return _table(title, ["", *(TITLES[name] for name in names)], lines)


def _table(title: str, head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    if not lines:
        return ""
    words = sum(all(not line[at][:1].isdigit() and line[at] != "-" for line in lines) for at in range(len(head)))
    rule = ["---"] * words + ["--:"] * (len(head) - words)
    return f"### {title}\n\n" + "".join(_line(cells) for cells in (head, rule, *lines))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _counts(rows: Rows) -> list[int]:
    return sorted({row["jobs"] for key, row in rows.items() if key.startswith("throughput")})


def _few(row: dict[str, Any]) -> str:
    return f"{row['calls']:.3f}"


def _number(key: str) -> Cell:
    return lambda row: f"{row[key]:,.0f}"


def _milliseconds(row: dict[str, Any], prefix: str = "") -> str:
    return f"{row[prefix + 'p50_ms']:.2f}, {row[prefix + 'p99_ms']:.2f}"


def _both(row: dict[str, Any]) -> str:
    return _milliseconds(row)
