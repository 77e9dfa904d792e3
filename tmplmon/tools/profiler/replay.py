"""A thread's log to the call tree.

A log is flat: an item, the time, an item, the time, … An item is the number of a line that was reached, an `Enter`,
a `Resume`, or one of the two marks below. Time passes on the line that was reached last; what passes between the
start of a scope and its first line is that line's. Outside of templates no time passes.
"""

from collections.abc import Sequence
from typing import Any

from tmplmon.tools.profiler.tree import Cell, Node, Scope


class Enter:
    """A scope begins."""

    __slots__ = ("scope",)

    def __init__(self, scope: Scope) -> None:
        self.scope = scope


class Resume(Enter):
    """A scope that had stopped goes on, on a line of its own."""

    __slots__ = ("line",)

    def __init__(self, scope: Scope, line: int) -> None:
        super().__init__(scope)
        self.line = line


LEAVE = object()
"""The innermost scope ends, or stops for a while."""

SKIP = object()
"""What passed since the item before does not count: the profiler was at work."""


class Replay:
    """The state of one thread. `spent` is the time inside of templates by the stamps alone: it equals the sum of
    what the cells have got."""

    def __init__(self, root: Node) -> None:
        self.spent = 0.0
        self._node = root
        self._outside = self._cell = Cell()
        self._line = 0
        self._since = 0.0
        self._callers: list[tuple[Node, Cell, int]] = []
        self._began = 0.0

    def feed(self, log: Sequence[Any]) -> None:
        """Go on with the items and times of a log. A last item without a time is left out."""
        node, cell, line, since = self._node, self._cell, self._line, self._since
        cells, pairs = node.cells, iter(log)
        for item, now in zip(pairs, pairs, strict=False):
            if type(item) is int:
                cell.time += now - since
                since = now
                try:
                    reached = cells[item]
                except KeyError:
                    reached = node.cell(item)
                reached.hits += 1
                if not line:  # what came before the first line
                    reached.time += cell.time
                    cell.time = 0.0
                cell, line = reached, item
                continue
            if item is LEAVE:
                cell.time += now - since
                if not line:
                    node.cell(node.scope.line).time += cell.time
                node, cell, line = self._callers.pop()
                if not self._callers:
                    self.spent += now - self._began
            elif item is SKIP:
                self._began += now - since
            else:
                if self._callers:
                    cell.time += now - since
                else:
                    self._began = now
                self._callers.append((node, cell, line))
                node = node.child(line, item.scope)
                if type(item) is Resume:
                    line = item.line
                    cell = node.cell(line)
                else:
                    node.calls += 1
                    cell, line = Cell(), 0
            cells = node.cells
            since = now
        self._node, self._cell, self._line, self._since = node, cell, line, since

    def end(self, now: Any) -> None:
        """End all scopes that run."""
        self.feed([LEAVE, now] * len(self._callers))
