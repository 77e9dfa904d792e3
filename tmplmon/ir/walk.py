"""What is directly inside an op: for passes that treat most ops alike (checking, showing, collecting).

Rule: the fields of `ops` are read as data. A value that holds ops (a list, a tuple, `Arguments`) is looked through;
another scope is not: the body of a macro belongs to the macro's scope. So an op added to `ops` needs nothing here.
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
    found: list[Any] = []
    pending = [getattr(node, name) for name in reversed(field_names(type(node)))]
    while pending:
        value = pending.pop()
        if type(value) in _NODES:
            found.append(value)
        elif isinstance(value, ops.Arguments):
            pending += [*reversed(value.values())]
        elif isinstance(value, (list, tuple)):
            pending += [*reversed(value)]
    return found


def walk(body: list[ops.Op]) -> Iterator[Any]:
    """Every op, piece and namespace target in `body` and below, outermost first, in source order."""
    pending: list[Any] = [*reversed(body)]
    while pending:
        node = pending.pop()
        yield node
        pending += reversed(children(node))


def scope_nodes(scope: ops.Scope) -> Iterator[Any]:
    """What `walk` gives for all of a scope: the defaults of its parameters, then its body."""
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
