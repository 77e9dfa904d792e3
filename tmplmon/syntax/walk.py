"""All nodes of a tree, for what looks for something in it.

Rule: a node comes before those inside it, and these in source order, with the exceptions of the table. Jinja walks
its trees so, and what is made from a walk (the order of messages in a catalogue) should not depend on the engine.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tmplmon.syntax import nodes

# The fields to go into. Here are those whose order is another than that of the class; the rest are added when they
# are first needed.
_ORDER: dict[type[Any], tuple[str, ...]] = {
    nodes.For: ("target", "iter", "body", "orelse", "test"),
    nodes.CallBlock: ("call", "parameters", "body"),
    nodes.FilterBlock: ("body", "filter"),
    nodes.Conditional: ("test", "body", "orelse"),
}


def walk(
    node: nodes.Node, inside: Mapping[type[nodes.Node], Callable[[Any], Sequence[nodes.Node]]] | None = None
) -> Iterator[nodes.Node]:
    """`node` and all nodes below it.

    inside: functions that say what is inside the nodes of a class, in place of what the tree has there.
    """
    inside = inside or {}
    waiting: list[Any] = [node]
    while waiting:
        found = waiting.pop()
        if isinstance(found, (list, tuple)):
            waiting += reversed(found)
        elif isinstance(found, (nodes.Node, nodes.Arguments)):
            if isinstance(found, nodes.Node):
                yield found
                if type(found) in inside:
                    waiting += reversed(inside[type(found)](found))
                    continue
            waiting += [getattr(found, name) for name in reversed(_fields(type(found)))]


def _fields(cls: type[Any]) -> tuple[str, ...]:
    if cls not in _ORDER:
        _ORDER[cls] = tuple(name for name in cls.__match_args__ if name not in ("start", "end"))
    return _ORDER[cls]
