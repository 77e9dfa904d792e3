"""Code for the stock filters and tests that are inlined instead of called.

Rule: `ir.facts` says which ones are inlined, and how. Only the stock function may be replaced: linking checks that
it is still the stock one.
"""

import ast

from tmplmon.backends.bytecode import pyast
from tmplmon.backends.bytecode.function import Function
from tmplmon.backends.bytecode.operands import evaluated_operands, operands, value
from tmplmon.backends.bytecode.values import COMPARE
from tmplmon.ir import facts, ops

_COMPARE: dict[str, ast.cmpop] = {**COMPARE, "is": ast.Is()}


def inline_filter(f: Function, op: ops.Filter) -> ast.expr | None:
    """An expression for the value of a stock filter, or None if the filter has to be called."""
    inline = facts.inline_filter(op)
    if inline is None:
        return None
    at = f.at(op.site)
    if inline.kind == "method":
        text = f.named(value(f, op.value), at)
        from_method = pyast.call(pyast.attribute(text, inline.detail, at), [], at)
        from_filter = pyast.call(f.constant("filter", (op.name, None, True), at), [text], at)
        kind = pyast.call(f.python("type", at), [text], at)
        is_str = pyast.compare(kind, [ast.Is()], [f.python("str", at)], at)
        return pyast.if_expr(is_str, from_method, from_filter, at)
    subject, default = evaluated_operands(f, inline.operands)
    missing: ast.expr = pyast.call(f.python("isinstance", at), [subject, f.runtime("Undefined", at)], at)
    if inline.detail:
        missing = pyast.logical(ast.Or(), [missing, pyast.unary(ast.Not(), subject, at)], at)
    return pyast.if_expr(missing, default, subject, at)


def inline_test(f: Function, op: ops.Test) -> ast.expr | None:
    """An expression for the value of a stock test, or None if the test has to be called."""
    inline = facts.inline_test(op)
    if inline is None:
        return None
    if op.name == "sameas" and any(isinstance(side, ops.Const) for side in (op.value, *op.arguments.args)):
        return None  # Python's compiler warns of `is` with a literal.
    kind, detail = inline
    at = f.at(op.site)
    if kind == "compare":
        left, right = operands(f, [op.value, op.arguments.args[0]])
        return pyast.compare(left, [_COMPARE[detail]], [right], at)
    if kind == "is":
        return pyast.compare(f.named(value(f, op.value), at), [ast.Is()], [pyast.const(detail, at)], at)
    if kind == "remainder":
        divisor, remainder = detail
        number, *arguments = operands(f, [op.value, *op.arguments.args])
        right = arguments[0] if divisor is None else pyast.const(divisor, at)
        result = pyast.binary(number, ast.Mod(), right, at)
        return pyast.compare(result, [ast.Eq()], [pyast.const(remainder, at)], at)
    isinstance_, subject = f.python("isinstance", at), value(f, op.value)
    cls = f.runtime(detail, at) if detail == "Undefined" else f.python(detail, at)
    is_instance = pyast.call(isinstance_, [subject, cls], at)
    return is_instance if kind == "instance" else pyast.unary(ast.Not(), is_instance, at)
