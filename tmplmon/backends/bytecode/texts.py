"""The text of a value, as an expression over the value.

    {{ x }}      escape(x) if type(x) is str else x if type(x) is int else escaped(x)

Rule: nearly all values are a `str` or an `int`, so these cost one or two comparisons of their type. An int is not
converted: it has no character to escape, and the f-string that it becomes a part of converts it.
"""

import ast

from tmplmon.backends.bytecode import pyast
from tmplmon.backends.bytecode.function import Function
from tmplmon.backends.bytecode.operands import value
from tmplmon.backends.bytecode.pyast import Place
from tmplmon.ir import ops
from tmplmon.ir.facts import BOOLEAN_LOOP_ATTRIBUTES, BOOLEAN_TESTS, ESCAPE_FILTERS, LENGTH_FILTERS


def text_of(f: Function, op: ops.Op, escape: bool | None, at: Place, finished: bool = False) -> ast.expr:
    """An expression for the text of a value, or for the value itself if it is an int."""
    target = f.unit.target
    if target.finalize is not None and not finished:
        return _finalized(f, op, escape, at)
    if target.native:
        return value(f, op)
    if type(op) is ops.LoopAttr and op.name not in BOOLEAN_LOOP_ATTRIBUTES:
        return value(f, op)
    if type(op) is ops.Filter and f.is_stock("filter", op.name):
        if op.name in ESCAPE_FILTERS and not op.arguments.values():
            return text_of(f, op.value, True, at, finished=True)
        if op.name == "safe" and escape and not op.arguments.values():
            first, again = used_twice(f, value(f, op.value), at)
            html = pyast.call(f.runtime("html_of", at), [again], at)
            return pyast.if_expr(type_is(f, first, "str", at), again, html, at)
        if op.name in LENGTH_FILTERS:
            return value(f, op)
    if type(op) is ops.Test and op.name in BOOLEAN_TESTS and f.is_stock("test", op.name):
        return pyast.call(f.python("str", at), [value(f, op)], at)
    expression = value(f, op)
    if escape is None:
        return pyast.call(f.runtime("emit", at), [f.context(at), expression], at)
    if target.traced:
        other: ast.expr = f.runtime("traced_escaped" if escape else "traced_plain", at)
    else:
        other = f.runtime("escaped", at) if escape else f.python("str", at)
    return text_by_type(f, expression, escape, other, at)


def text_by_type(f: Function, expression: ast.expr, escape: bool, other: ast.expr, at: Place) -> ast.expr:
    """The text of a value: inline code for a `str`, an int as it is, the function `other` for any other type."""
    first, again = used_twice(f, expression, at)
    text = text_of_str(f, again, escape, at)
    return pyast.if_expr(type_is(f, first, "str", at), text, text_of_other(f, again, other, at), at)


def text_of_str(f: Function, expression: ast.expr, escape: bool, at: Place) -> ast.expr:
    """The text of a value that is a `str`."""
    return pyast.call(f.runtime("escape_text", at), [expression], at) if escape else expression


def text_of_other(f: Function, expression: ast.expr, other: ast.expr, at: Place) -> ast.expr:
    """The text of a value that is not a `str`: an int as it is, anything else through `other`."""
    called = pyast.call(other, [expression], at)
    return pyast.if_expr(type_is(f, expression, "int", at), expression, called, at)


def type_is(f: Function, expression: ast.expr, python_type: str, at: Place) -> ast.expr:
    """Whether a value is exactly of a built-in type."""
    kind = pyast.call(f.python("type", at), [expression], at)
    return pyast.compare(kind, [ast.Is()], [f.python(python_type, at)], at)


def used_twice(f: Function, expression: ast.expr, at: Place) -> tuple[ast.expr, ast.expr]:
    """(expression to evaluate first, expression for the same value afterwards)."""
    if isinstance(expression, ast.Name):
        return expression, expression
    temp = f.temp()
    return pyast.walrus(temp, expression, at), pyast.name(temp, at)


def _finalized(f: Function, op: ops.Op, escape: bool | None, at: Place) -> ast.expr:
    """The text of a value that passes through the environment's `finalize` first."""
    target = f.unit.target
    assert target.finalize is not None
    first_parameter, *_ = target.finalize
    expression: ast.expr = value(f, op)
    is_constant = type(op) is ops.Const
    if is_constant and escape:
        # A constant is escaped before it is finalized, as Jinja2 does at compile time.
        expression = pyast.call(f.runtime("escape", at), [expression], at)
    arguments: list[ast.expr] = []
    if first_parameter == "environment":
        arguments = [f.constant("environment", None, at)]
    elif first_parameter == "context":
        arguments = [f.context(at)]
    elif first_parameter == "eval_context":
        arguments = [pyast.attribute(f.context(at), "eval_ctx", at)]
    result = pyast.call(f.constant("finalize", first_parameter, at), [*arguments, expression], at)
    if target.native:
        return result
    if is_constant or escape is False:
        return pyast.call(f.python("str", at), [result], at)
    if escape is None:
        return pyast.call(f.runtime("emit", at), [f.context(at), result], at)
    return pyast.call(f.runtime("escaped", at), [result], at)
