"""The call tree: which scope ran, called from which line of which scope, how often, and how long on each line.

Rule: all time is in the cells, each of which has the time of one line less that of the templates it called. So the
sum of all cells is all the time there is, and every other figure is a sum of some of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """What runs as one function: a template's body, a block, a macro, a call body.

    file: the `co_filename` of its code. name: the `co_qualname`, as ``<template>`` or ``block title``.
    line: its first line.
    """

    file: str
    name: str
    line: int


class Cell:
    """A line of a node: how often it was reached, and its own time in the clock's unit (seconds).

    The hits are a float: CPython adds those faster than integers above 256.
    """

    __slots__ = ("hits", "line", "time")

    def __init__(self, line: int) -> None:
        self.line = line
        self.hits = 0.0
        self.time = 0.0


class Node:
    """A scope called from one line of another node; the root stands for what calls templates.

    line: the line of the parent that calls it, 0 below the root. calls: how often it began.
    cells: line → cell, in the order of lines. children: (line, scope) → node.

    While it is recorded, it has no cells, but the figures by line in the lists `hits` and `times`: they are faster.
    Line 0 has what comes before the first line.
    """

    __slots__ = ("calls", "cells", "children", "hits", "line", "parent", "scope", "times")

    def __init__(self, parent: "Node | None", line: int, scope: Scope, lines: int = 0) -> None:
        self.parent = parent
        self.line = line
        self.scope = scope
        self.calls = 0
        self.cells: dict[int, Cell] = {}
        self.children: dict[tuple[int, Scope], Node] = {}
        self.times = [0.0] * lines
        self.hits = [0.0] * lines

    def child(self, line: int, scope: Scope, lines: int = 0) -> "Node":
        """The node for a scope called from a line. lines: one more than its last line, if it is recorded."""
        key = line, scope
        found = self.children.get(key)
        if found is None:
            found = self.children[key] = Node(self, line, scope, lines)
        return found

    def cell(self, line: int) -> Cell:
        """The cell of a line."""
        found = self.cells.get(line)
        if found is None:
            found = self.cells[line] = Cell(line)
        return found

    def walk(self) -> "Iterator[Node]":
        """All nodes below this one, each after its parent; siblings by line."""
        pending = self._below()
        while pending:
            node = pending.pop()
            yield node
            pending += node._below()

    def _below(self) -> "list[Node]":
        return sorted(self.children.values(), key=lambda node: (-node.line, node.scope.name))

    def add(self, other: "Node") -> None:
        """Add all that a recorded tree has to this one. What comes before a scope's first line is that line's."""
        mine = {id(other): self}
        first = {id(other): 0}
        for node in other.walk():
            assert node.parent is not None
            begins = first[id(node)] = next(
                (line for line, hits in enumerate(node.hits) if line and hits), node.scope.line
            )
            target = mine[id(node)] = mine[id(node.parent)].child(
                node.line or first[id(node.parent)], node.scope
            )
            target.calls += node.calls
            for line, (hits, time) in enumerate(zip(node.hits, node.times, strict=True)):
                if hits or time:
                    to = target.cell(line or begins)
                    to.hits += hits
                    to.time += time


def make_root(lines: int = 0) -> Node:
    """The root of a new tree."""
    return Node(None, 0, Scope("", "", 0), lines)
