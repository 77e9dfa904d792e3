"""What the profiler itself adds to the times that it records.

The callback for a line takes as long as a cheap line does, and its time is in the time of the lines. So a page with
many cheap lines and an expensive one would show the cheap ones with too large a share; calls have the same problem.
So when recording starts, two small templates are rendered before and after. What recording adds to a line and to a
call of them is subtracted from all that is recorded. Both back ends are measured, as their costs differ.
"""

from collections.abc import Callable
from dataclasses import astuple, dataclass
from functools import cache
from typing import Literal

from tmplmon import DictLoader, Environment, Template
from tmplmon.tools.profiler.thread import CLOCK, TICK, Clock
from tmplmon.tools.profiler.tree import Node, Scope

type Backend = Literal["bytecode", "closures"]

BACKENDS: tuple[Backend, ...] = ("bytecode", "closures")
_NAME = "tmplmon profiler calibration"
_LINES = "{% for number in numbers %}\n" + "{{ number }}\n" * 8 + "{% endfor %}\n"
_CALLS = """\
{% macro called(number) %}{{ number }}{% endmacro %}
{% for number in numbers %}
{{ called(number) }}
{% endfor %}
"""
_CALL_LINE = 3
_ROUNDS = 10
_NUMBERS = range(_ROUNDS)
_MEASUREMENTS = 5  # in as many starts of a profiler
_REPEATS = 6  # the fastest counts; other processes may slow down the rest


@dataclass(frozen=True, slots=True)
class Costs:
    """What recording adds, in the clock's unit.

    line: to a line each time it is reached. caller: to a line that calls a scope, for each call. callee: to the
    scope that is called.
    """

    line: float = 0.0
    caller: float = 0.0
    callee: float = 0.0

    def least(self, other: "Costs") -> "Costs":
        return Costs(*map(min, astuple(self), astuple(other)))


@cache
def _templates(backend: Backend) -> tuple[Template, Template]:
    templates = {f"{_NAME} lines": _LINES, f"{_NAME} calls": _CALLS}
    environment = Environment(loader=DictLoader(templates), backend=backend)
    lines, calls = map(environment.get_template, templates)
    return lines, calls


def is_calibration(scope: Scope) -> bool:
    """Whether a scope is of the templates that are rendered for calibration."""
    return scope.file.startswith(f"<template {_NAME}")


class Calibration:
    """Measures the costs with one clock: `plain` before recording starts, then `recorded`.

    costs: back end → the least costs of those measured so far, as other processes may have slowed this one down.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._plain: dict[Backend, tuple[float, float]] = {}
        self.costs: dict[str, Costs] = {}
        self._count = 0

    @property
    def is_done(self) -> bool:
        """Whether it was measured often enough."""
        return self._count >= _MEASUREMENTS

    def plain(self) -> None:
        """Render the templates while nothing is recorded."""
        for backend in BACKENDS:
            lines, calls = _templates(backend)
            self._plain[backend] = self._time(lines), self._time(calls)

    def recorded(self, root: Node) -> None:
        """Render the templates while they are recorded into a tree, and take them out of it again."""
        self._count += 1
        for backend in BACKENDS:
            costs = self._recorded(backend, root)
            known = self.costs.get(backend)
            self.costs[backend] = costs if known is None else known.least(costs)

    def _recorded(self, backend: Backend, root: Node) -> Costs:
        lines, calls = _templates(backend)
        lines.render(numbers=_NUMBERS)  # the lines are reached for the first time, which takes longer
        calls.render(numbers=_NUMBERS)
        lines_node, calls_node = (node for node in root.children.values() if is_calibration(node.scope))
        reached = sum(cell.hits for cell in lines_node.cells.values())
        (called_node,) = calls_node.children.values()
        caller_cell = calls_node.cell(_CALL_LINE)
        plain_lines, plain_calls = self._plain[backend]
        line = max(0.0, self._time(lines, lambda: _own(lines_node)) - plain_lines) / reached
        # A round of the second template without its `for`: half of it is the call, half what is called.
        plain = max(0.0, plain_calls / _ROUNDS - plain_lines / reached) / 2
        caller = self._time(calls, lambda: caller_cell.time) / _ROUNDS - line - plain
        callee = self._time(calls, lambda: _own(called_node)) / _ROUNDS - line - plain
        for node in lines_node, calls_node:
            del root.children[0, node.scope]
        return Costs(line, max(0.0, caller), max(0.0, callee))

    def _time(self, template: Template, clock: Callable[[], float] | None = None) -> float:
        """What the fastest of some renderings takes, by a clock, or the part of it that was recorded."""
        times = []
        for _ in range(_REPEATS):
            before = self._clock(TICK) if clock is None else clock()
            template.render(numbers=_NUMBERS)
            times.append((self._clock(TICK) if clock is None else clock()) - before)
        return min(times)


DEFAULT = Calibration(CLOCK)
"""The one with the default clock."""


def _own(node: Node) -> float:
    """The time on the lines of a node, without what they call."""
    return sum(cell.time for cell in node.cells.values())
