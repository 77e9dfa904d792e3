"""The text of a value: an expression over its value.

    {{ x }}      escape(x) if type(x) is str else x if type(x) is int else escaped(x)

Rule: what is as it is in nearly all templates, a str or an int, costs a look at its type. An int stays one: it has
no character to escape, and the f-string that it becomes a part of makes it text.
"""

import ast

from tmplmon.backends.bytecode import pyast
from tmplmon.backends.bytecode.function import Function
from tmplmon.backends.bytecode.operands import value
from tmplmon.backends.bytecode.pyast import Place
from tmplmon.ir import ops
from tmplmon.ir.facts import BOOLEAN_LOOP_ATTRIBUTES, BOOLEAN_TESTS, ESCAPE_FILTERS, LENGTH_FILTERS


def text_of(f: Function, op: ops.Op, escape: bool | None, at: Place, finished: bool = False) -> ast.expr:
    """An expression for the text of a value, or for an int, which has no character to escape."""
    target = f.unit.target
    if target.finalize is not None and not finished:
        return finalized(f, op, escape, at)
    if target.native:
        return value(f, op)
    if type(op) is ops.LoopAttr and op.name not in BOOLEAN_LOOP_ATTRIBUTES:
        return value(f, op)
    if type(op) is ops.Filter and f.is_stock("filter", op.name):
        if op.name in ESCAPE_FILTERS and not op.arguments.values():
            return text_of(f, op.value, True, at, finished=True)
        if op.name == "safe" and escape:
            first, again = twice(f, value(f, op.value), at)
            html = pyast.call(f.runtime("html_of", at), [again], at)
            return pyast.if_expr(type_is(f, first, "str", at), again, html, at)
        if op.name in LENGTH_FILTERS:
            return value(f, op)
    if type(op) is ops.Test and op.name in BOOLEAN_TESTS and f.is_stock("test", op.name):
        return pyast.call(f.python("str", at), [value(f, op)], at)
    held = value(f, op)
    if escape is None:
        return pyast.call(f.runtime("emit", at), [f.context(at), held], at)
    if target.traced:
        other: ast.expr = f.runtime("traced_escaped" if escape else "traced_plain", at)
    else:
        other = f.runtime("escaped", at) if escape else f.python("str", at)
    return text_by_type(f, held, escape, other, at)


def text_by_type(f: Function, held: ast.expr, escape: bool, other: ast.expr, at: Place) -> ast.expr:
    """The text of a value: made in place of a str, an int itself, by the function `other` of the rest."""
    first, again = twice(f, held, at)
    text = text_of_str(f, again, escape, at)
    return pyast.if_expr(type_is(f, first, "str", at), text, text_of_other(f, again, other, at), at)


def text_of_str(f: Function, held: ast.expr, escape: bool, at: Place) -> ast.expr:
    """The text of a str."""
    return pyast.call(f.runtime("escape_text", at), [held], at) if escape else held


def text_of_other(f: Function, held: ast.expr, other: ast.expr, at: Place) -> ast.expr:
    """The text of what is no str: an int itself, the rest by the function `other`."""
    return pyast.if_expr(type_is(f, held, "int", at), held, pyast.call(other, [held], at), at)


def type_is(f: Function, held: ast.expr, python_type: str, at: Place) -> ast.expr:
    kind = pyast.call(f.python("type", at), [held], at)
    return pyast.compare(kind, [ast.Is()], [f.python(python_type, at)], at)


def twice(f: Function, held: ast.expr, at: Place) -> tuple[ast.expr, ast.expr]:
    """A value to evaluate first, and what has it afterwards."""
    if isinstance(held, ast.Name):
        return held, held
    temp = f.temp()
    return pyast.walrus(temp, held, at), pyast.name(temp, at)


def finalized(f: Function, op: ops.Op, escape: bool | None, at: Place) -> ast.expr:
    """A value that passes through the application's function before it becomes text."""
    target = f.unit.target
    assert target.finalize is not None
    wants, *_ = target.finalize
    held: ast.expr = value(f, op)
    constant = type(op) is ops.Const
    if constant and escape:
        # A constant is escaped first, as Jinja2 does it while compiling.
        held = pyast.call(f.runtime("escape", at), [held], at)
    arguments: list[ast.expr] = []
    if wants == "environment":
        arguments = [f.constant("environment", None, at)]
    elif wants == "context":
        arguments = [f.context(at)]
    elif wants == "eval_context":
        arguments = [pyast.attribute(f.context(at), "eval_ctx", at)]
    result = pyast.call(f.constant("finalize", wants, at), [*arguments, held], at)
    if target.native:
        return result
    if constant or escape is False:
        return pyast.call(f.python("str", at), [result], at)
    if escape is None:
        return pyast.call(f.runtime("emit", at), [f.context(at), result], at)
    return pyast.call(f.runtime("escaped", at), [result], at)
