"""Value ops to Python expressions.

Rule: operands are evaluated in the template's order, each once. `value` gives an expression that has not been
evaluated yet; where evaluating a later operand takes statements, the earlier ones are evaluated before those.
"""

import ast
from collections.abc import Callable, Sequence
from typing import Any

from tmplmon.backends.bytecode import builtin, pyast
from tmplmon.backends.bytecode.function import Function
from tmplmon.backends.bytecode.pyast import NOWHERE, Place
from tmplmon.ir import ops
from tmplmon.ir.facts import AWAITED_LOOP_ATTRIBUTES, DICT_ATTRIBUTES

_BINARY: dict[str, ast.operator] = {
    "+": ast.Add(),
    "-": ast.Sub(),
    "*": ast.Mult(),
    "/": ast.Div(),
    "//": ast.FloorDiv(),
    "%": ast.Mod(),
    "**": ast.Pow(),
}
_UNARY: dict[str, ast.unaryop] = {"-": ast.USub(), "+": ast.UAdd(), "not": ast.Not()}
_LOGICAL: dict[str, ast.boolop] = {"and": ast.And(), "or": ast.Or()}
COMPARE: dict[str, ast.cmpop] = {
    "==": ast.Eq(),
    "!=": ast.NotEq(),
    "<": ast.Lt(),
    "<=": ast.LtE(),
    ">": ast.Gt(),
    ">=": ast.GtE(),
    "in": ast.In(),
    "not in": ast.NotIn(),
}


def value(f: Function, op: ops.Op) -> ast.expr:
    """An expression for the value of an op. It is evaluated at most once, where the caller puts it.

    A constant or a variable, which cannot fail, is at the place of the op or statement it is an operand of: only
    what a traceback can name has a line of its own.
    """
    kind = type(op)
    if kind is ops.Const:
        return pyast.const(op.value, f.here)  # type: ignore[union-attr]
    if kind is ops.Load:
        return f.load(op.slot, f.here)  # type: ignore[union-attr]
    around = f.here
    if op.site >= 0:  # type: ignore[union-attr]
        f.here = f.at(op.site)  # type: ignore[union-attr]
    made = _VALUES[kind](f, op)
    f.here = around
    return made


def operands(f: Function, values: Sequence[ops.Op]) -> list[ast.expr]:
    """Expressions for several values that are evaluated in this order."""
    found: list[ast.expr] = []
    for op in values:
        before = len(f.body)
        expr = value(f, op)
        if len(f.body) > before:
            statements = f.body[before:]
            del f.body[before:]
            found = [_settle(f, earlier) for earlier in found]
            f.body += statements
        found.append(expr)
    return found


def _settle(f: Function, expr: ast.expr) -> ast.expr:
    """Evaluates an expression now, unless it does not matter when."""
    if isinstance(expr, (ast.Name, ast.Constant)):
        return expr
    place = {name: getattr(expr, name) for name in NOWHERE}
    return f.named(expr, place)


def names(f: Function, values: Sequence[ops.Op], at: Place) -> list[ast.expr]:
    """`operands`, each evaluated already."""
    return [_settle(f, expr) for expr in operands(f, values)]


def loop_attribute(f: Function, op: ops.LoopAttr) -> ast.expr:
    at = f.at(op.site)
    if not op.loop.whole:
        return f.compiler.loops[op.loop].attribute(op.name, at)
    assert op.loop.slot is not None
    made = pyast.attribute(pyast.name(f.name(op.loop.slot), at), op.name, at)
    return f.settled(made, at) if op.name in AWAITED_LOOP_ATTRIBUTES else made


def attribute(f: Function, op: ops.Attr) -> ast.expr:
    at = f.at(op.site)
    result = f.temp()
    f.body += read_attribute(f, op, result, lambda: [])
    return f.settled(pyast.name(result, at), at)


def read_attribute(
    f: Function, op: ops.Attr, result: str, then: Callable[[], list[ast.stmt]]
) -> list[ast.stmt]:
    """Statements that set `result` to an attribute. `then` gives those that follow each quick way to it, inside of
    the handler for its errors; they are left out where there is no quick way."""
    at = f.at(op.site)
    obj = f.named(value(f, op.obj), at)
    key = pyast.const(op.name, at)
    if not f.compiler.target.stock_getattr:
        got = pyast.call(f.runtime("environment_getattr", at), [f.any_context(at), obj, key], at)
        return [pyast.set_(result, got, at)]
    quick: list[ast.stmt] = [pyast.set_(result, pyast.attribute(obj, op.name, at), at), *then()]
    if op.name not in DICT_ATTRIBUTES:
        # A statement for each, not one with a conditional expression: where ways meet on a line, CPython's
        # monitoring stops to look whether that is a new line, also after the line's event was disabled.
        item: list[ast.stmt] = [pyast.set_(result, pyast.subscript(obj, key, at), at), *then()]
        quick = [pyast.if_(f.compiler.is_no_dict(f, op.obj, obj, at), quick, item, at)]
    fallback = pyast.call(f.runtime("member", at), [f.any_context(at), obj, key], at)
    return [pyast.try_(quick, f.runtime("ATTRIBUTE_ERRORS", at), [pyast.set_(result, fallback, at)], at)]


def item(f: Function, op: ops.Item) -> ast.expr:
    at = f.at(op.site)
    obj, key = names(f, [op.obj, op.key], at)
    obj = f.named(obj, at)  # Python's compiler warns of a literal that has no items.
    result = f.temp()
    arguments = [f.any_context(at), obj, key]
    if not f.compiler.target.stock_getitem:
        f.set(result, pyast.call(f.runtime("environment_getitem", at), arguments, at), at)
    else:
        f.body.append(
            pyast.try_(
                [pyast.set_(result, pyast.subscript(obj, key, at), at)],
                f.runtime("ITEM_ERRORS", at),
                [pyast.set_(result, pyast.call(f.runtime("element", at), arguments, at), at)],
                at,
            )
        )
    return f.settled(pyast.name(result, at), at)


def slice_(f: Function, op: ops.Slice) -> ast.expr:
    at = f.at(op.site)
    present = [part for part in (op.lower, op.upper, op.step) if part is not None]
    obj, *rest = operands(f, [op.obj, *present])
    if isinstance(obj, ast.Constant):
        obj = f.named(obj, at)  # Python's compiler warns of a literal that has no items.
    parts = iter(rest)
    lower, upper, step = (None if part is None else next(parts) for part in (op.lower, op.upper, op.step))
    return f.settled(pyast.subscript(obj, pyast.slice_(lower, upper, step, at), at), at)


def call_arguments(
    f: Function, before: Sequence[ops.Op], arguments: ops.Arguments, at: Place
) -> tuple[list[ast.expr], list[ast.expr], list[ast.keyword]]:
    """Expressions for the ops `before` the arguments, the positional ones and the keywords."""
    values = operands(f, [*before, *arguments.values()])
    count = len(before)
    first, rest = values[:count], values[count:]
    positional = rest[: len(arguments.args)]
    rest = rest[len(arguments.args) :]
    if arguments.star is not None:
        positional.append(pyast.starred(rest.pop(0), at))
    keywords = [
        pyast.keyword(name, expr, at)
        for (name, _), expr in zip(arguments.kwargs, rest[: len(arguments.kwargs)], strict=True)
    ]
    if arguments.star_star is not None:
        keywords.append(pyast.keyword(None, rest[-1], at))
    return first, positional, keywords


def call(f: Function, op: ops.Call) -> ast.expr:
    at = f.at(op.site)
    (func,), args, keywords = call_arguments(f, [op.func], op.arguments, at)
    if op.caller is not None:
        keywords.append(pyast.keyword("caller", pyast.name(f.name(op.caller), at), at))
    context = f.context(at)
    if op.locals:
        seen = pyast.thunk(locals_of(f, op.locals, NOWHERE), NOWHERE)
        made = pyast.call(f.runtime("call_seeing", at), [context, seen, func, *args], at, keywords)
    else:
        made = pyast.call(f.runtime("call", at), [context, func, *args], at, keywords)
    return f.settled(made, at)


def locals_of(f: Function, variables: list[ops.Local], at: Place) -> ast.expr:
    """A dict of variables, for code that has its own names; those that were not assigned are left out."""
    keys: list[ast.expr | None] = []
    values: list[ast.expr] = []
    for variable in variables:
        held = f.load(variable.slot, at)
        key: ast.expr = pyast.const(variable.name, at)
        if variable.maybe_unset:
            # Unpacks a dict of one item or of none.
            alone = pyast.dictionary([key], [held], at)
            there = pyast.compare(held, [ast.IsNot()], [f.undefined(variable.slot, at)], at)
            keys.append(None)
            values.append(pyast.if_expr(there, alone, pyast.dictionary([], [], at), at))
        else:
            keys.append(key)
            values.append(held)
    return pyast.dictionary(keys, values, at)


def first_argument(f: Function, wants: str, autoescape: bool | None, at: Place) -> ast.expr:
    """What a marked filter or test is passed first."""
    if wants == "environment":
        return f.constant("environment", None, at)
    if wants == "context":
        return f.context(at)
    if autoescape is None:
        return pyast.attribute(f.context(at), "eval_ctx", at)
    return f.constant("eval", autoescape, at)


def _applied(f: Function, kind: str, op: ops.Filter | ops.Test) -> ast.expr:
    """The call of a filter or test."""
    at = f.at(op.site)
    table = f.compiler.target.filters if kind == "filter" else f.compiler.target.tests
    known = table.get(op.name)
    (subject,), args, keywords = call_arguments(f, [op.value], op.arguments, at)
    if known is None:
        return pyast.call(f.constant(f"{kind}?", op.name, at), [subject, *args], at, keywords)
    wants, _ = known
    func = f.constant(kind, (op.name, *known), at)
    first = [] if wants is None else [first_argument(f, wants, op.autoescape, at)]
    return f.settled(pyast.call(func, [*first, subject, *args], at, keywords), at)


def filter_(f: Function, op: ops.Filter) -> ast.expr:
    if not f.compiler.target.is_async and f.is_stock("filter", op.name):
        made = builtin.inline_filter(f, op)
        if made is not None:
            return made
    return _applied(f, "filter", op)


def test(f: Function, op: ops.Test) -> ast.expr:
    at = f.at(op.site)
    made = None
    if f.is_stock("test", op.name):
        made = builtin.inline_test(f, op)
    if made is None:
        made = _applied(f, "test", op)
    return pyast.unary(ast.Not(), made, at) if op.negated else made


def unary(f: Function, op: ops.Unary) -> ast.expr:
    return pyast.unary(_UNARY[op.op], value(f, op.operand), f.at(op.site))


def binary(f: Function, op: ops.Binary) -> ast.expr:
    left, right = operands(f, [op.left, op.right])
    return pyast.binary(left, _BINARY[op.op], right, f.at(op.site))


def compare(f: Function, op: ops.Compare) -> ast.expr:
    at = f.at(op.site)
    with f.into([]) as statements:
        further = [value(f, operand) for _, operand in op.rest[1:]]
    operator, second = op.rest[0]
    if not statements:
        left, right = operands(f, [op.left, second])
        operators = [COMPARE[operator] for operator, _ in op.rest]
        return pyast.compare(left, operators, [right, *further], at)
    # A further operand is evaluated only if what is compared before it holds.
    left, right = names(f, [op.left, second], at)
    result = f.temp()
    f.set(result, pyast.compare(left, [COMPARE[operator]], [right], at), at)
    with f.into([]) as statements:
        remaining: Any = ops.Compare(_Evaluated(right), op.rest[1:], op.site)  # type: ignore[arg-type]
        f.set(result, compare(f, remaining), at)
    f.body.append(pyast.if_(pyast.name(result, at), statements, [], at))
    return pyast.name(result, at)


class _Evaluated:
    """An operand that has a name already."""

    site = -1

    def __init__(self, expr: ast.expr) -> None:
        self.expr = expr


def logical(f: Function, op: ops.Logical) -> ast.expr:
    at = f.at(op.site)
    left = value(f, op.left)
    with f.into([]) as statements:
        right = value(f, op.right)
    if not statements:
        return pyast.logical(_LOGICAL[op.op], [left, right], at)
    result = f.temp()
    f.set(result, left, at)
    statements.append(pyast.set_(result, right, at))
    test: ast.expr = pyast.name(result, at)
    if op.op == "or":
        test = pyast.unary(ast.Not(), test, at)
    f.body.append(pyast.if_(test, statements, [], at))
    return pyast.name(result, at)


def conditional(f: Function, op: ops.Conditional) -> ast.expr:
    at = f.at(op.site)
    test = value(f, op.test)
    with f.into([]) as yes:
        body = value(f, op.body)
    with f.into([]) as no:
        if op.orelse is None:
            hint = (
                f"the inline if-expression on line {at['lineno']} evaluated to false and no else section was"
                " defined."
            )
            orelse: ast.expr = f.constant("hint", hint, at)
        else:
            orelse = value(f, op.orelse)
    if not yes and not no:
        return pyast.if_expr(test, body, orelse, at)
    result = f.temp()
    yes.append(pyast.set_(result, body, at))
    no.append(pyast.set_(result, orelse, at))
    f.body.append(pyast.if_(test, yes, no, at))
    return pyast.name(result, at)


def concat(f: Function, op: ops.Concat) -> ast.expr:
    at = f.at(op.site)
    items = pyast.sequence(ast.Tuple, operands(f, op.items), at)
    if op.autoescape is None:
        return pyast.call(f.runtime("join_dynamic", at), [f.context(at), items], at)
    return pyast.call(f.runtime("markup_join" if op.autoescape else "str_join", at), [items], at)


def build(f: Function, op: ops.Build) -> ast.expr:
    at = f.at(op.site)
    items = operands(f, op.items)
    if op.kind == "dict":
        return pyast.dictionary(items[::2], items[1::2], at)
    return pyast.sequence(ast.Tuple if op.kind == "tuple" else ast.List, items, at)


def debug_info(f: Function, op: ops.DebugInfo) -> ast.expr:
    at = f.at(op.site)
    seen = locals_of(f, op.locals, at)
    return pyast.call(f.runtime("debug_info", at), [f.context(at), seen], at)


def tag_call(f: Function, op: ops.TagCall) -> ast.expr:
    at = f.at(op.site)
    _, args, keywords = call_arguments(f, [], op.arguments, at)
    if op.caller is not None:
        keywords.append(pyast.keyword("caller", pyast.name(f.name(op.caller), at), at))
    seen = pyast.thunk(locals_of(f, op.locals, NOWHERE), NOWHERE)
    func = f.constant("tag", op.name, at)
    context = f.context(at)
    return f.settled(pyast.call(f.runtime("call_seeing", at), [context, seen, func, *args], at, keywords), at)


_VALUES: dict[Any, Callable[[Function, Any], ast.expr]] = {
    ops.LoopAttr: loop_attribute,
    ops.Attr: attribute,
    ops.Item: item,
    ops.Slice: slice_,
    ops.Call: call,
    ops.Filter: filter_,
    ops.Test: test,
    ops.Unary: unary,
    ops.Binary: binary,
    ops.Compare: compare,
    ops.Logical: logical,
    ops.Conditional: conditional,
    ops.Concat: concat,
    ops.Build: build,
    ops.DebugInfo: debug_info,
    ops.TagCall: tag_call,
    _Evaluated: lambda f, op: op.expr,
}
