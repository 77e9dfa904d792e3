"""Tables, geometric means and targets: the format of all output.

Rule: a target is reported as met or not met, never asserted, and as not measured if this run did not measure it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Target:
    """A figure and its upper limit. `value` is None if this run did not measure it."""

    title: str
    limit: float
    value: float | None
    unit: str = ""

    @property
    def met(self) -> bool | None:
        return None if self.value is None else self.value <= self.limit


@dataclass
class Section:
    """The results of one section: the tables to print, the data for --json, and the failures."""

    title: str
    lines: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def add_table(self, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        self.lines += [*table(headers, rows), ""]

    def __str__(self) -> str:
        lines = [f"## {self.title}", "", *self.lines]
        lines += [f"* {note}" for note in dict.fromkeys(self.notes)]
        lines += [f"FAILED: {failure}" for failure in self.failures]
        return "\n".join(lines).rstrip() + "\n"


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a Markdown table: the first column is aligned left, the others right."""
    grid = [list(headers), *(list(row) for row in rows)]
    widths = [max(len(row[i]) for row in grid) for i in range(len(headers))]

    def line(row: Sequence[str]) -> str:
        cells = [
            c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ]
        return f"| {' | '.join(cells)} |"

    rule = [w * "-" if i == 0 else (w - 1) * "-" + ":" for i, w in enumerate(widths)]
    return [line(grid[0]), f"| {' | '.join(rule)} |", *(line(row) for row in grid[1:])]


def duration(seconds: float) -> str:
    """Format with three significant digits and a unit: ``1.23 µs``; ``~0`` for a difference that is not
    positive."""
    if seconds <= 0:
        return "~0"
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1:
            return f"{_significant(seconds * scale)} {unit}"
    return f"{_significant(seconds * 1e9)} ns"


def _significant(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def ratio(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if value >= 0.095 else f"{value:.3f}"


def geometric_mean(values: Iterable[float]) -> float | None:
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs)) if logs else None


def ratios(of: Mapping[str, float], to: Mapping[str, float]) -> dict[str, float]:
    """Return ``of / to`` for the keys that both have."""
    return {key: of[key] / to[key] for key in of if key in to}


def target_lines(targets: Sequence[Target]) -> list[str]:
    words = {True: "met", False: "NOT MET", None: "not measured"}
    rows = [
        (
            t.title,
            f"{t.limit:g}{t.unit}",
            "-" if t.value is None else f"{t.value:.3g}{t.unit}",
            words[t.met],
        )
        for t in targets
    ]
    return table(("tmplmon's target", "at most", "measured", ""), rows)
