"""Calls: of values, filters, tests and tags of extensions."""

import ast
from collections.abc import Callable, Sequence
from typing import Any

from tmplmon.backends.bytecode import pyast
from tmplmon.backends.bytecode.function import Function
from tmplmon.backends.bytecode.inline import inline_filter, inline_test
from tmplmon.backends.bytecode.operands import locals_later, operands
from tmplmon.backends.bytecode.pyast import Place
from tmplmon.ir import ops


def call_arguments(
    f: Function, before: Sequence[ops.Op], arguments: ops.Arguments, caller: ops.Slot | None, at: Place
) -> tuple[list[ast.expr], list[ast.expr], list[ast.keyword]]:
    """Expressions for the ops `before`, which are evaluated first, the positional arguments, and the keywords.

    caller: the slot of a call body's macro, which is passed as the keyword ``caller``.
    """
    values = operands(f, [*before, *arguments.values()])
    count = len(before)
    first, rest = values[:count], values[count:]
    positional = rest[: len(arguments.args)]
    rest = rest[len(arguments.args) :]
    if arguments.star is not None:
        positional.append(pyast.starred(rest.pop(0), at))
    keywords = [
        pyast.keyword(name, expression, at)
        for (name, _), expression in zip(arguments.kwargs, rest[: len(arguments.kwargs)], strict=True)
    ]
    if arguments.star_star is not None:
        keywords.append(pyast.keyword(None, rest[-1], at))
    if caller is not None:
        keywords.append(pyast.keyword("caller", pyast.name(f.name(caller), at), at))
    return first, positional, keywords


def call(f: Function, op: ops.Call) -> ast.expr:
    at = f.at(op.site)
    (func,), args, keywords = call_arguments(f, [op.func], op.arguments, op.caller, at)
    context = f.context(at)
    if op.locals:
        variables = locals_later(f, op.locals)
        called = pyast.call(f.runtime("call_seeing", at), [context, variables, func, *args], at, keywords)
    else:
        called = pyast.call(f.runtime("call", at), [context, func, *args], at, keywords)
    return f.settled(called, at)


def filter_(f: Function, op: ops.Filter) -> ast.expr:
    if not f.unit.target.is_async and f.is_stock("filter", op.name):
        inlined = inline_filter(f, op)
        if inlined is not None:
            return inlined
    return _apply(f, "filter", op)


def test(f: Function, op: ops.Test) -> ast.expr:
    at = f.at(op.site)
    result = inline_test(f, op) if f.is_stock("test", op.name) else None
    if result is None:
        result = _apply(f, "test", op)
    return pyast.unary(ast.Not(), result, at) if op.negated else result


def _apply(f: Function, kind: str, op: ops.Filter | ops.Test) -> ast.expr:
    """The call of a filter or test."""
    at = f.at(op.site)
    convention = (f.unit.target.filters if kind == "filter" else f.unit.target.tests).get(op.name)
    (subject,), args, keywords = call_arguments(f, [op.value], op.arguments, None, at)
    if convention is None:
        return pyast.call(f.constant(f"{kind}?", op.name, at), [subject, *args], at, keywords)
    first_parameter, _ = convention
    func = f.constant(kind, (op.name, *convention), at)
    first = [] if first_parameter is None else [_first_argument(f, first_parameter, op.autoescape, at)]
    return f.settled(pyast.call(func, [*first, subject, *args], at, keywords), at)


def _first_argument(f: Function, parameter: str, autoescape: bool | None, at: Place) -> ast.expr:
    """The argument for the first parameter of a marked filter or test."""
    if parameter == "environment":
        return f.constant("environment", None, at)
    if parameter == "context":
        return f.context(at)
    if autoescape is None:
        return pyast.attribute(f.context(at), "eval_ctx", at)
    return f.constant("eval", autoescape, at)


def tag_call(f: Function, op: ops.TagCall) -> ast.expr:
    at = f.at(op.site)
    _, args, keywords = call_arguments(f, [], op.arguments, op.caller, at)
    func = f.constant("tag" if isinstance(op.name, str) else "special", op.name, at)
    if not op.locals:
        return f.settled(pyast.call(f.runtime("call", at), [f.context(at), func, *args], at, keywords), at)
    variables = locals_later(f, op.locals)
    arguments = [f.context(at), variables, func, *args]
    return f.settled(pyast.call(f.runtime("call_seeing", at), arguments, at, keywords), at)


VALUES: dict[Any, Callable[[Function, Any], ast.expr]] = {
    ops.Call: call,
    ops.Filter: filter_,
    ops.Test: test,
    ops.TagCall: tag_call,
}
