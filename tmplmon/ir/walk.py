"""The ops of a program, for passes that treat most ops alike.

Rule: the fields of `ops` are read as data, so an op added there needs nothing here. Lists, tuples and `Arguments`
are looked through. Scopes are not: the body of a macro belongs to the macro's scope.
"""

from collections.abc import Iterator
from typing import Any

from tmplmon.ir import ops

OPS: tuple[type[Any], ...] = tuple(ops.Op.__value__.__args__)
PIECES: tuple[type[Any], ...] = (ops.EmitText, ops.EmitValue, ops.NamespaceTarget)
_NODES = frozenset((*OPS, *PIECES))
_FIELDS: dict[type[Any], tuple[str, ...]] = {cls: cls.__match_args__ for cls in _NODES}


def field_names(cls: type[Any]) -> tuple[str, ...]:
    """The names of the fields of an op's class, in the order of its definition."""
    return _FIELDS[cls]


def is_node(value: object) -> bool:
    """Whether `value` is an op, a piece of output or a target that has a site."""
    return type(value) in _NODES


def children(node: Any) -> list[Any]:
    """The ops, pieces and namespace targets directly inside `node`, in the order of its fields."""
    inside: list[Any] = []
    worklist = [getattr(node, name) for name in reversed(field_names(type(node)))]
    while worklist:
        value = worklist.pop()
        if type(value) in _NODES:
            inside.append(value)
        elif isinstance(value, ops.Arguments):
            worklist += [*reversed(value.values())]
        elif isinstance(value, (list, tuple)):
            worklist += [*reversed(value)]
    return inside


def walk(body: list[ops.Op]) -> Iterator[Any]:
    """Every op, piece and namespace target in `body` and below, outermost first, in source order."""
    worklist: list[Any] = [*reversed(body)]
    while worklist:
        node = worklist.pop()
        yield node
        worklist += reversed(children(node))


def scope_nodes(scope: ops.Scope) -> Iterator[Any]:
    """All ops, pieces and namespace targets of a scope: in the defaults of its parameters, then in its body."""
    defaults = [default for _, default in scope.parameters if default is not None]
    yield from walk([*defaults, *scope.body])


def scopes(program: ops.Program) -> list[ops.Scope]:
    """The scopes of a program: the template's, then the blocks', each followed by the scopes nested in it."""
    return [inner for scope in (program.root, *program.blocks.values()) for inner in with_nested(scope)]


def with_nested(scope: ops.Scope) -> Iterator[ops.Scope]:
    """A scope and all scopes nested in it, outermost first, in source order."""
    worklist = [scope]
    while worklist:
        scope = worklist.pop()
        yield scope
        worklist += reversed(scope.nested)
