"""Lists of statement ops to Python statements, and the statements that a function starts with."""

import ast
from collections.abc import Sequence

from tmplmon.backends.bytecode import pyast
from tmplmon.backends.bytecode.function import CONTEXT, NAMES, Function
from tmplmon.backends.bytecode.operands import note_type
from tmplmon.backends.bytecode.output import emit, emit_unless_extended, run_at
from tmplmon.backends.bytecode.pyast import NOWHERE, Place
from tmplmon.ir import ops


def prologue(f: Function) -> None:
    """Append what the function of a scope starts with: the look-ups in the context, and the scope's own frame."""
    scope = f.scope
    if scope.context:
        f.set(NAMES, pyast.attribute(pyast.name(CONTEXT, NOWHERE), "names", NOWHERE), NOWHERE)
        for name, slot in scope.context.items():
            f.look_up(name, slot)
            note_type(f, slot)
    start = f.enter(scope.frame)
    start()


def statements(f: Function, body: Sequence[ops.Op], then: Place = NOWHERE) -> None:
    """Append the statements of a list of ops. Ops after a ``break`` or ``continue`` are compiled, as they may need
    links, but their statements are left out.

    then: the place that execution reaches after them, if it is certain.
    """
    reachable = 0  # the number of statements up to the first jump
    position = 0
    while position < len(body):
        end = run_at(f, body, position)
        if end > position:
            emit(f, body[position:end], _begins_at(f, body[end : end + 1], then))  # type: ignore[arg-type]
            position = end
            continue
        op = body[position]
        position += 1
        f.begin()
        site = getattr(op, "site", -1)
        if site >= 0:
            f.here = f.at(site)
        if type(op) is ops.Emit:
            emit_unless_extended(f, op, _begins_at(f, body[position : position + 1], then))
        else:
            f.following = body[position] if position < len(body) else None
            f.unit.statement_table[type(op)](f, op)
        if type(op) is ops.Jump and not reachable:
            reachable = len(f.body)
    if reachable:
        del f.body[reachable:]


def _begins_at(f: Function, body: Sequence[ops.Op], then: Place) -> Place:
    """The place that the first statement of `body` begins at, if it is certain which line is reached first. Without
    a statement, `then`."""
    if not body:
        return then
    for op in body:
        if isinstance(op, ops.For | ops.Include):
            return f.at(op.site)
        if isinstance(op, ops.If):
            return f.at(op.branches[0][2])
    return NOWHERE


def block_of(f: Function, body: Sequence[ops.Op], entered: Place) -> list[ast.stmt]:
    """The statements of a list of ops, not appended to ``f.body``.

    entered: the place that execution comes from when it enters them.
    """
    with f.into([], entered) as block:
        statements(f, body)
    return block
