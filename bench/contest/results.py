"""The rows of all rounds, kept as lines of JSON, and what is made of them: medians, spreads and ratios."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

Row = dict[str, Any]
#: How much is measured, the most telling first.
SIZES = ("full", "goals", "quick")


@dataclass(frozen=True)
class Spread:
    """A median with what lies around it."""

    median: float
    least: float
    most: float
    count: int


def spread(values: Iterable[float]) -> Spread | None:
    """The median, the least and the most of some numbers; none if there is none."""
    given = sorted(values)
    return Spread(median(given), given[0], given[-1], len(given)) if given else None


class Results:
    """All rows, in the file they are kept in."""

    def __init__(self, file: Path) -> None:
        self._file = file
        lines = file.read_text().splitlines() if file.exists() else []
        self.rows: list[Row] = [json.loads(line) for line in lines]

    def add(self, row: Row) -> None:
        """Keeps one more row, at once."""
        self.rows.append(row)
        self._file.parent.mkdir(exist_ok=True)
        with self._file.open("a") as file:
            file.write(json.dumps(row) + "\n")

    def forget(self, parts: set[str], contenders: set[str]) -> None:
        """Takes out the rows of these contenders in these parts."""
        self.rows = [row for row in self.rows if row["part"] not in parts or row["contender"] not in contenders]
        if self._file.exists():
            self._file.write_text("".join(json.dumps(row) + "\n" for row in self.rows))

    def done(self, part: str, size: str, contender: str, number: int) -> bool:
        """Whether this round need not be run: it has been, or it cannot be."""
        same = [row for row in self.rows if (row["part"], row["size"], row["contender"]) == (part, size, contender)]
        return any("unsupported" in row or ("figures" in row and row["round"] == number) for row in same)

    def of(self, part: str, contender: str) -> list[Row]:
        """The rows with figures of a contender in a part, those of the most telling size alone."""
        rows = [row for row in self.rows if row["part"] == part and row["contender"] == contender and "figures" in row]
        sizes = ([row for row in rows if row["size"] == size] for size in SIZES)
        return next((some for some in sizes if some), [])

    def spread(self, part: str, contender: str, figure: str) -> Spread | None:
        """What a contender reached in a part."""
        rows = self.of(part, contender)
        return spread(row["figures"][figure] for row in rows if figure in row["figures"])

    def why_not(self, part: str, contender: str) -> str | None:
        """Why there is no figure."""
        rows = [row for row in self.rows if row["part"] == part and row["contender"] == contender]
        reasons = [row.get("unsupported") or row.get("failed") for row in rows]
        return next((str(reason) for reason in reversed(reasons) if reason), None)

    def ratio(self, part: str, figure: str, ours: str, theirs: str, *, more_is_better: bool = True) -> Spread | None:
        """How many times better `ours` is than `theirs`, round by round where both took part in the same ones."""
        mine = {(row["size"], row["round"]): row["figures"].get(figure) for row in self.of(part, ours)}
        others = {(row["size"], row["round"]): row["figures"].get(figure) for row in self.of(part, theirs)}
        pairs = [(mine[key], others[key]) for key in mine if mine[key] and others.get(key)]
        return spread(a / b if more_is_better else b / a for a, b in pairs)
