"""The values of operands, as Python expressions that are evaluated in the template's order, each once.

Rule: `value` returns an expression that is not evaluated yet. Where a later operand needs statements of its own,
the expressions before it are evaluated before those statements.
"""

import ast
from collections.abc import Sequence

from tmplmon.backends.bytecode import pyast
from tmplmon.backends.bytecode.function import Function
from tmplmon.backends.bytecode.pyast import NOWHERE, Place
from tmplmon.ir import ops
from tmplmon.ir.lower_state import MANY_LOCALS


def value(f: Function, op: ops.Op) -> ast.expr:
    """An expression for the value of an op. The caller must use it at most once.

    A constant or a variable cannot fail, so it is placed on the op or statement that it is an operand of: only an
    op that a traceback can name needs a line of its own.
    """
    kind = type(op)
    if kind is ops.Const:
        return pyast.const(op.value, f.here)  # type: ignore[union-attr]
    if kind is ops.Load:
        return f.load(op.slot, f.here)  # type: ignore[union-attr]
    around = f.here
    if op.site >= 0:  # type: ignore[union-attr]
        f.here = f.at(op.site)  # type: ignore[union-attr]
    expression = f.unit.value_table[kind](f, op)
    f.here = around
    return expression


def operands(f: Function, values: Sequence[ops.Op]) -> list[ast.expr]:
    """Expressions for several values, to be evaluated in this order."""
    expressions: list[ast.expr] = []
    for op in values:
        before = len(f.body)
        expression = value(f, op)
        if len(f.body) > before:
            statements = f.body[before:]
            del f.body[before:]
            expressions = [_evaluated(f, earlier) for earlier in expressions]
            f.body += statements
        expressions.append(expression)
    return expressions


def evaluated_operands(f: Function, values: Sequence[ops.Op]) -> list[ast.expr]:
    """`operands`, each a name or a constant, so that it can be used several times."""
    return [_evaluated(f, expression) for expression in operands(f, values)]


def _evaluated(f: Function, expression: ast.expr) -> ast.expr:
    """A name or a constant as it is; for another expression, a name for its value, which is evaluated here."""
    if isinstance(expression, (ast.Name, ast.Constant)):
        return expression
    place = {name: getattr(expression, name) for name in NOWHERE}
    return f.named(expression, place)


def locals_of(f: Function, variables: list[ops.Local], at: Place) -> ast.expr:
    """A dict of variables, for code that has its own names. Variables that are not assigned are left out."""
    if len(variables) > MANY_LOCALS:
        return pyast.call(pyast.name(_function_of_locals(f, variables), at), [], at)
    return _dict_of_locals(f, variables, at)


def locals_later(f: Function, variables: list[ops.Local]) -> ast.expr:
    """A function that returns `locals_of`."""
    if len(variables) > MANY_LOCALS:
        return pyast.name(_function_of_locals(f, variables), NOWHERE)
    return pyast.thunk(_dict_of_locals(f, variables, NOWHERE), NOWHERE)


def _function_of_locals(f: Function, variables: list[ops.Local]) -> str:
    """The name of a function that returns many variables. Ops that share the list share the function."""
    name = f.functions_of_locals.get(id(variables))
    if name is None:
        name = f.functions_of_locals[id(variables)] = f.keep("variables")
        f.unit.labels[name] = "<variables>", f.scope.position[0]
        result = pyast.return_(_dict_of_locals(f, variables, NOWHERE), NOWHERE)
        with f.into(f.first):
            f.define(pyast.function(name, [], [result]))
    return name


def _dict_of_locals(f: Function, variables: list[ops.Local], at: Place) -> ast.expr:
    keys: list[ast.expr | None] = []
    values: list[ast.expr] = []
    for variable in variables:
        loaded = f.load(variable.slot, at)
        key: ast.expr = pyast.const(variable.name, at)
        if variable.maybe_unset:
            # Unpacks a dict with one item or none.
            single = pyast.dictionary([key], [loaded], at)
            is_set = pyast.compare(loaded, [ast.IsNot()], [f.undefined(variable.slot, at)], at)
            keys.append(None)
            values.append(pyast.if_expr(is_set, single, pyast.dictionary([], [], at), at))
        else:
            keys.append(key)
            values.append(loaded)
    return pyast.dictionary(keys, values, at)


# --- variables that hold no dict: the test is made once per assignment, where attributes are read often ---------


def note_type(f: Function, slot: ops.Slot) -> None:
    """After an assignment of a slot: keep whether its value is anything but a dict, if that is worth it."""
    kinds = (ops.SlotKind.CONTEXT, ops.SlotKind.BOUND)
    if slot.kind not in kinds or slot.attributes <= 1 or slot.assigned:
        return
    note = f.unit.type_notes.get(slot)
    if note is None:
        note = f.unit.type_notes[slot] = f".object{f.unit.next_number()}"
    at = f.quiet
    f.set(note, _is_no_dict(f, pyast.name(f.name(slot), at), at), at)


def note_types(f: Function, to: ops.Target) -> None:
    """`note_type` of all slots of a target."""
    if isinstance(to, tuple):
        for part in to:
            note_types(f, part)
    elif isinstance(to, ops.Slot):
        note_type(f, to)


def is_no_dict(f: Function, op: ops.Op, expression: ast.expr, at: Place) -> ast.expr:
    """Whether the value of an op, which is in `expression`, is anything but a dict."""
    note = f.unit.type_notes.get(op.slot) if isinstance(op, ops.Load) else None
    return _is_no_dict(f, expression, at) if note is None else pyast.name(note, at)


def _is_no_dict(f: Function, expression: ast.expr, at: Place) -> ast.expr:
    kind = pyast.call(f.python("type", at), [expression], at)
    return pyast.compare(kind, [ast.IsNot()], [f.python("dict", at)], at)
