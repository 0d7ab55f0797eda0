"""The tables of what one machine carries, of rows that were made up."""

from __future__ import annotations

from pathlib import Path

import pytest

import sizing
from capacity import page


def row(**figures: object) -> dict[str, object]:
    return {"load": [0.5, 1.5], **figures}


def burst(rate: float) -> dict[str, object]:
    keys = ("worker_us", "engine_us", "server_us", "submitter_us", "log_bytes", "calls", "worker_mib")
    return row(rate=rate, jobs=10_000, connections=3, connections_idle=2, **dict.fromkeys(keys, 7.0))


def test_each_figure_has_its_place_and_what_was_not_measured_a_dash() -> None:
    rows = {
        "throughput-rust-1-10000/sqlite": burst(31_000.4),
        "throughput-rust-4-10000/sqlite": burst(50_000),
        "throughput-rust-1-10000/valkey": burst(20_000),
        "queued/valkey": row(jobs=1000, bytes=512.4, few_p50_ms=1, few_p99_ms=2, p50_ms=3, p99_ms=4.567),
    }
    text = page.render(rows, {"Machine": "a made-up one"})
    assert "- Machine: a made-up one\n" in text
    assert "0.5 to 1.5" in text
    assert "| SQLite | Rust | 10,000 | 31,000 | - | 50,000 | 7 | 7 | 7 | 7 |\n" in text
    assert "| bytes of a queued job | - | 512 |\n" in text
    assert "| claim of 32 with all of them queued | - | 3.00, 4.57 |\n" in text
    assert "PostgreSQL |" not in text


def test_the_tables_replace_those_before_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = tmp_path / "sizing.md"
    document.write_text(f"before\n{sizing.BEGIN}\nold\n{sizing.END}\nafter\n")
    monkeypatch.setattr(sizing, "PAGE", document)
    sizing.write("new\n")
    assert document.read_text() == f"before\n{sizing.BEGIN}\n\nnew\n\n{sizing.END}\nafter\n"
    document.write_text("no place\n")
    with pytest.raises(SystemExit, match="has no place for the tables"):
        sizing.write("new\n")
    assert document.read_text() == "no place\n"
