"""Which part of Jinja2's generated source comes from which node of the template.

Jinja2 generates Python source text. Its code generator visits the nodes of the template and writes text for each.

Rule: the text that is written during the visit of a node comes from that node, except for what comes from the nodes
visited meanwhile. So the offsets at the start and the end of every visit are recorded. They form a tree.
"""

from bisect import bisect_right
from io import StringIO
from typing import Any, Self

from jinja2 import nodes

# The attribute of a code generator with its `Recorder`.
RECORDER = "_tmplmon_recorder"

# Nodes that are not statements.
_PARTS = (nodes.Expr, nodes.Helper)


class Mark:
    """The text ``source[start:end]`` that was generated for `node`. `inner`: the marks inside it, in order."""

    __slots__ = ("_line", "end", "inner", "node", "outer", "start")

    def __init__(self, node: nodes.Node, start: int, outer: Self | None) -> None:
        self.node = node
        self.start = start
        self.end = start
        self.outer = outer
        self.inner: list[Self] = []
        self._line: int | None = 0

    def __deepcopy__(self, memo: Any) -> "Mark":
        return self  # A copy of generated code comes from the same node.

    @property
    def line(self) -> int | None:
        """The line of the template where the node begins; for an expression without a line, that of the node
        around it. None for a statement without a line, which an extension has made."""
        if self._line == 0:
            self._line = first_line(self.node)
            if self._line is None and isinstance(self.node, _PARTS) and self.outer is not None:
                self._line = self.outer.line
        return self._line

    def statement(self) -> "Mark":
        """The mark of the statement or template that this one is in."""
        mark = self
        while isinstance(mark.node, _PARTS) and mark.outer is not None:
            mark = mark.outer
        return mark


def first_line(node: nodes.Node) -> int | None:
    """The line where a node begins. Its own number is the line of its first operator or name."""
    if not isinstance(node, nodes.Expr):
        return None if node.lineno is None else int(node.lineno)
    lines = []
    worklist: list[nodes.Node] = [node]
    while worklist:
        inner = worklist.pop()
        if inner.lineno is not None:
            lines.append(int(inner.lineno))
        worklist += inner.iter_child_nodes()
    return min(lines, default=None)


class Recorder:
    """The marks of one run of a code generator."""

    def __init__(self) -> None:
        self.root: Mark | None = None
        self._current: Mark | None = None

    def enter(self, node: nodes.Node, offset: int) -> Mark:
        mark = Mark(node, offset, self._current)
        if self._current is None:
            self.root = mark
        else:
            self._current.inner.append(mark)
        self._current = mark
        return mark

    def leave(self, mark: Mark, offset: int) -> None:
        mark.end = offset
        self._current = mark.outer


class MarkedSource:
    """Generated source with its marks."""

    def __init__(self, text: str, root: Mark) -> None:
        self.text = text
        self.root = root
        self._offsets: list[int] = []
        self._marks: list[Mark] = []
        self._flatten()

    def _flatten(self) -> None:
        """Fill the table in which `at` searches: the offsets from which another mark is the innermost one."""
        worklist: list[tuple[int, Mark, bool]] = [(self.root.start, self.root, True)]
        while worklist:
            offset, mark, is_start = worklist.pop()
            self._offsets.append(offset)
            if is_start:
                self._marks.append(mark)
                worklist.append((mark.end, mark, False))
                worklist += [(inner.start, inner, True) for inner in reversed(mark.inner)]
            else:
                self._marks.append(mark.outer or mark)

    def at(self, offset: int) -> Mark:
        """The innermost mark with the character at `offset`."""
        return self._marks[max(bisect_right(self._offsets, offset) - 1, 0)]


def visit(self: Any, node: nodes.Node, *args: Any, **kwargs: Any) -> Any:
    """The method `visit` of a code generator, which also records marks, in an attribute of the generator.

    It calls the method for the node itself, so that templates can be nested as deeply as before.
    """
    proceed = self.get_visitor(node) or self.generic_visit
    stream = self.stream
    if type(stream) is not StringIO:
        return proceed(node, *args, **kwargs)
    recorder = self.__dict__.get(RECORDER)
    if recorder is None:
        recorder = self.__dict__[RECORDER] = Recorder()
    mark = recorder.enter(node, stream.tell())
    try:
        return proceed(node, *args, **kwargs)
    finally:
        recorder.leave(mark, stream.tell())
