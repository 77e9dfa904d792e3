"""The call tree: which scope ran, called from which line of which scope, how often, and how long on each line.

Rule: all time is in the cells, each of which has the time of one line (seconds) less that of the templates it
called. So the sum of all cells is all the time there is, and every other figure is a sum of some of them.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tmplmon.tools.profiler.calibration import Costs

# Recording takes at most this share of the cheapest line's time. The machine may have been slower when the cost was
# measured than it was afterwards; without this bound, cheap lines would lose all of their time.
_CHEAPEST = 0.95
_OFTEN = 5  # hits of a line, for its mean to count


@dataclass(frozen=True, slots=True)
class Scope:
    """What runs as one function: a template's body, a block, a macro, a call body.

    file: the `co_filename` of its code. name: the `co_qualname`, as ``<template>`` or ``block title``.
    line: its first line. backend: what runs it, "bytecode" or "closures".
    """

    file: str
    name: str
    line: int
    backend: str = field(default="", compare=False)


class Cell:
    """A line of a node. hits: how often it was reached; time: in the clock's unit.

    callee: the node that this line called last; looking it up in the tree takes a microsecond.

    The hits are a float: CPython adds floats faster than integers above 256.
    """

    __slots__ = ("callee", "hits", "line", "time")

    def __init__(self, line: int) -> None:
        self.line = line
        self.callee: Node | None = None
        self.hits = 0.0
        self.time = 0.0


class Node:
    """A scope called from one line of another node; the root stands for what calls templates.

    line: the line of the parent that calls it, 0 below the root. calls: how often it began. entries: how often it
    began or resumed.
    cells: line → cell. children: (line, scope) → node.

    While it is recorded, line 0 has the time before the first line, and `table` has the cells by line once more, as
    indexing a list is faster than looking into a dict.
    """

    __slots__ = ("calls", "cells", "children", "entries", "line", "parent", "scope", "table")

    def __init__(self, parent: "Node | None", line: int, scope: Scope) -> None:
        self.parent = parent
        self.line = line
        self.scope = scope
        self.calls = 0
        self.entries = 0
        self.cells: dict[int, Cell] = {}
        self.children: dict[tuple[int, Scope], Node] = {}
        self.table: list[Cell | None] = []

    def child(self, line: int, scope: Scope) -> "Node":
        """The node for a scope called from a line."""
        key = line, scope
        node = self.children.get(key)
        if node is None:
            node = self.children[key] = Node(self, line, scope)
        return node

    def cell(self, line: int) -> Cell:
        """The cell of a line."""
        cell = self.cells.get(line)
        if cell is None:
            cell = self.cells[line] = Cell(line)
        return cell

    def walk(self) -> "Iterator[Node]":
        """All nodes below this one, each after its parent; siblings by line."""
        pending = self._below()
        while pending:
            node = pending.pop()
            yield node
            pending += node._below()

    def _below(self) -> "list[Node]":
        return sorted(self.children.values(), key=lambda node: (-node.line, node.scope.name))

    @property
    def first(self) -> int:
        """The first line that was reached; the scope's own if there was none."""
        return min((line for line, cell in self.cells.items() if line and cell.hits), default=self.scope.line)

    def add(self, other: "Node", costs: "Mapping[str, Costs]") -> None:
        """Add all that a recorded tree has to this one, less what recording added to it.

        The time before a scope's first line counts for that line. costs: back end → what recording adds.
        """
        line_costs = {
            backend: min(cost.line, _CHEAPEST * cheapest_line(other, backend))
            for backend, cost in costs.items()
        }
        mine: dict[int, Node] = {id(other): self}
        for node in other.walk():
            assert node.parent is not None
            first = node.first
            target = mine[id(node)] = mine[id(node.parent)].child(node.line or node.parent.first, node.scope)
            target.calls += node.calls
            cost, line_cost = costs[node.scope.backend], line_costs[node.scope.backend]
            # Line → the time that recording added to it, besides that for each hit.
            added: dict[int, float] = defaultdict(float, {first: node.entries * cost.callee})
            for child in node.children.values():
                added[child.line or first] += child.entries * costs[child.scope.backend].caller
            before = node.cells.pop(0, None)
            if before is not None:
                node.cell(first).time += before.time
            for line, cell in node.cells.items():
                if cell.hits or cell.time:
                    to = target.cell(line)
                    to.hits += cell.hits
                    to.time += max(0, cell.time - cell.hits * line_cost - added[line])


def cheapest_line(root: Node, backend: str) -> float:
    """The least time that a line took each time it was reached, of those that were reached often."""
    return min(
        (
            cell.time / cell.hits
            for node in root.walk()
            if node.scope.backend == backend
            for cell in node.cells.values()
            if cell.hits >= _OFTEN
        ),
        default=math.inf,
    )


def make_root() -> Node:
    """The root of a new tree."""
    return Node(None, 0, Scope("", "", 0))
