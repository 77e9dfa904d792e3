"""The call tree as stacks: what speedscope and collapsed stacks have in common.

A frame is a line of a scope. So a flame shows where in a page another template was called.
"""

from collections.abc import Iterator

from tmplmon.tools.profiler.formats.units import label
from tmplmon.tools.profiler.tree import Node, Scope

type Frame = tuple[Scope, int]


def stacks(root: Node) -> Iterator[tuple[tuple[Frame, ...], float]]:
    """(frames, outermost first; the time that was spent right there) of each line of each node."""
    above: dict[int, tuple[Frame, ...]] = {id(root): ()}
    for node in root.walk():
        assert node.parent is not None
        outer = above[id(node.parent)]
        if node.line:
            outer = (*outer, (node.parent.scope, node.line))
        above[id(node)] = outer
        for line, cell in sorted(node.cells.items()):
            yield (*outer, (node.scope, line)), cell.time


def frame_name(frame: Frame) -> str:
    """``block title (page.html):12``"""
    scope, line = frame
    return f"{label(scope.name, scope.file)}:{line}"
