"""The nodes of a tree, for passes that treat most nodes alike.

Rule: the fields of `nodes` are read as data, so a node added there needs nothing here. Lists, tuples and
`Arguments` are looked through.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tmplmon.syntax import nodes

# Jinja visits the fields of these nodes in another order than that of their class. A walk does the same, because
# the order of messages in a catalogue is that of a walk, and should not depend on the engine.
_WALK_ORDER: dict[type[Any], tuple[str, ...]] = {
    nodes.For: ("target", "iter", "body", "orelse", "test"),
    nodes.CallBlock: ("call", "parameters", "body"),
    nodes.FilterBlock: ("body", "filter"),
    nodes.Conditional: ("test", "body", "orelse"),
}
_fields: dict[type[Any], tuple[str, ...]] = {}


def fields(cls: type[Any]) -> tuple[str, ...]:
    """The names of the fields of a node's class, without `start` and `end`, in the order of its definition."""
    names = _fields.get(cls)
    if names is None:
        names = _fields[cls] = tuple(name for name in cls.__match_args__ if name not in ("start", "end"))
    return names


def children(node: nodes.Node | nodes.Arguments) -> list[Any]:
    """The nodes directly inside a node, in the order of its fields."""
    return _nodes_in(node, fields(type(node)))


def _nodes_in(node: nodes.Node | nodes.Arguments, names: Sequence[str]) -> list[Any]:
    inside: list[Any] = []
    for name in names:
        value = getattr(node, name)
        if isinstance(value, nodes.Node):
            inside.append(value)
        elif isinstance(value, nodes.Arguments):
            inside += _nodes_in(value, value.__match_args__)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, nodes.Node):
                    inside.append(item)
                elif isinstance(item, tuple):
                    # A pair of nodes, a name and a node, or a branch of an ``if`` with its body.
                    for part in item:
                        if isinstance(part, nodes.Node):
                            inside.append(part)
                        elif isinstance(part, list):
                            inside += part
    return inside


def walk(
    node: nodes.Node, inside: Mapping[type[nodes.Node], Callable[[Any], Sequence[nodes.Node]]] | None = None
) -> Iterator[nodes.Node]:
    """`node` and all nodes below it. A node comes before those inside it.

    inside: class → function that returns the nodes to visit inside a node of that class, in place of its children.
    """
    inside = inside or {}
    worklist: list[nodes.Node] = [node]
    while worklist:
        node = worklist.pop()
        yield node
        cls = type(node)
        worklist += reversed(inside[cls](node) if cls in inside else _nodes_in(node, _order(cls)))


def _order(cls: type[Any]) -> tuple[str, ...]:
    return _WALK_ORDER.get(cls) or fields(cls)


def statements(body: Sequence[nodes.Stmt]) -> Iterator[nodes.Stmt]:
    """All statements in `body` and below, in no particular order."""
    worklist = [*body]
    while worklist:
        node = worklist.pop()
        yield node
        worklist += [child for child in children(node) if isinstance(child, nodes.Stmt)]
