"""Cost and size: the same template with 1, 10 and 100 times the data, and 1, 10 and 100 times the source.

The tables show the time per unit (a row of output, a line of source). If it grows faster than linearly, the figures
rise from left to right. The last column is the figure at 100 relative to that at 10; at 1, fixed costs have an
effect.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.compiling import compiler, medium_source
from benchmarks.engines import CannotExpress
from benchmarks.report import Section, duration, ratio
from benchmarks.sections import Run
from benchmarks.timing import interleave
from benchmarks.workloads import WORKLOADS

_STEPS = (1, 10, 100)
_ROWS = 100
_ROUNDS = 3  # the large ones take seconds, which is long enough for stable figures


def run(config: Run) -> Section:
    section = Section("Cost against size: time per unit at 1, 10 and 100 times the size")
    per_row: dict[str, dict[int, float]] = {name: {} for name in config.engines}
    per_line: dict[str, dict[int, float]] = {name: {} for name in config.engines}
    for step in _STEPS:
        renders = config.renders(WORKLOADS["large"], section, size=_ROWS * step)
        _record(config, renders, per_row, step, dict.fromkeys(renders, _ROWS * step))

        calls: dict[str, Callable[[], object]] = {}
        lines: dict[str, int] = {}
        for name, engine in config.engines.items():
            try:
                source = medium_source(engine) * step
                calls[name] = compiler(engine, source, None)
                lines[name] = source.count("\n")
            except CannotExpress:
                pass  # reported by the compile section
            except Exception as error:
                section.failures.append(f"{name}, source x {step}: {type(error).__name__}: {error}")
        _record(config, calls, per_line, step, lines)
    for title, unit, table in (("output", "row", per_row), ("source", "line", per_line)):
        section.data[title] = table
        section.add_table(
            (f"time per {unit} of {title}", *(f"x {step}" for step in _STEPS), "x 100 / x 10"),
            [
                (name, *(duration(times[s]) for s in _STEPS), ratio(times[100] / times[10]))
                for name, times in table.items()
                if len(times) == len(_STEPS)
            ],
        )
    return section


def _record(
    config: Run,
    calls: dict[str, Callable[[], object]] | dict[str, Callable[[], str | bytes]],
    table: dict[str, dict[int, float]],
    step: int,
    units: dict[str, int],
) -> None:
    timings = interleave(calls, rounds=_ROUNDS, slice_seconds=config.slice_seconds, collect=config.collect)
    for name, timing in timings.items():
        table[name][step] = timing.best / units[name]
