"""Tables, geometric means and targets: everything that is printed passes through here.

The rule: a target is reported as met or not met, never asserted; one that this run did not measure says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Target:
    """A figure to stay at or below. `value` is None when this run did not measure it."""

    title: str
    limit: float
    value: float | None
    unit: str = ""

    @property
    def met(self) -> bool | None:
        return None if self.value is None else self.value <= self.limit


@dataclass
class Section:
    """What one section found: its tables as printed, its data for --json, and what went wrong."""

    title: str
    lines: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def add_table(self, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        self.lines += [*table(headers, rows), ""]

    def __str__(self) -> str:
        parts = [f"## {self.title}", "", *self.lines]
        parts += [f"* {note}" for note in dict.fromkeys(self.notes)]
        parts += [f"FAILED: {failure}" for failure in self.failures]
        return "\n".join(parts).rstrip() + "\n"


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table with aligned columns: the first to the left, the others to the right."""
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
    """Three significant figures and a unit: ``1.23 µs``; ``~0`` for a difference that is not above 0."""
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
    """``of / to`` wherever both were measured."""
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
