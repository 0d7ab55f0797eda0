"""Where things are."""

from __future__ import annotations

from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
REPOSITORY = BENCH.parent
ENVIRONMENTS = BENCH / ".peers"
RAW = BENCH / ".results"
PINS = BENCH / "pins.ini"
PAGE = BENCH / "RESULTS.md"
