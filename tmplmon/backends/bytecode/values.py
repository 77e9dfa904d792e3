"""Value ops to Python expressions: attributes, items, operators, containers. Calls are in `calls`."""

import ast
from collections.abc import Callable
from typing import Any

from tmplmon.backends.bytecode import pyast
from tmplmon.backends.bytecode.function import Function
from tmplmon.backends.bytecode.operands import evaluated_operands, is_no_dict, locals_of, operands, value
from tmplmon.ir import ops
from tmplmon.ir.facts import AWAITED_LOOP_ATTRIBUTES, DICT_ATTRIBUTES, missing_else

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


def loop_attribute(f: Function, op: ops.LoopAttr) -> ast.expr:
    at = f.at(op.site)
    if not op.loop.whole:
        return f.unit.loops[op.loop].attribute(op.name, at)
    assert op.loop.slot is not None
    read = pyast.attribute(pyast.name(f.name(op.loop.slot), at), op.name, at)
    return f.settled(read, at) if op.name in AWAITED_LOOP_ATTRIBUTES else read


def attribute(f: Function, op: ops.Attr) -> ast.expr:
    at = f.at(op.site)
    result = f.temp()
    f.body += read_attribute(f, op, result, lambda: [])
    return f.settled(pyast.name(result, at), at)


def read_attribute(
    f: Function, op: ops.Attr, result: str, then: Callable[[], list[ast.stmt]]
) -> list[ast.stmt]:
    """Statements that set `result` to an attribute.

    then: returns the statements that follow each direct read of the attribute, inside the handler of its errors.
        They are left out where no attribute is read directly: in an environment with its own `getattr`, and where
        the expression spans lines.
    """
    at = f.at(op.site)
    obj = f.named(value(f, op.obj), at)
    key = pyast.const(op.name, at)
    if not f.unit.target.stock_getattr:
        read = pyast.call(f.runtime("environment_getattr", at), [f.any_context(at), obj, key], at)
        return [pyast.set_(result, read, at)]
    if at["lineno"] != at["end_lineno"]:
        # CPython moves an attribute to the line of its name; an error is on the line where its expression begins.
        read = pyast.call(f.runtime("member", at), [f.any_context(at), obj, key], at)
        return [pyast.set_(result, read, at)]
    direct: list[ast.stmt] = [pyast.set_(result, pyast.attribute(obj, op.name, at), at), *then()]
    if op.name not in DICT_ATTRIBUTES:
        # Two statements instead of one with a conditional expression: where paths join within a line, CPython's
        # monitoring checks each time whether the line is new, even after the line's event was disabled.
        item: list[ast.stmt] = [pyast.set_(result, pyast.subscript(obj, key, at), at), *then()]
        direct = [pyast.if_(is_no_dict(f, op.obj, obj, at), direct, item, at)]
    fallback = pyast.call(f.runtime("member_failed", at), [f.any_context(at), obj, key], at)
    return [pyast.try_(direct, f.runtime("ATTRIBUTE_ERRORS", at), [pyast.set_(result, fallback, at)], at)]


def item(f: Function, op: ops.Item) -> ast.expr:
    at = f.at(op.site)
    obj, key = evaluated_operands(f, [op.obj, op.key])
    obj = f.named(obj, at)  # Python's compiler warns of a literal that cannot be subscripted.
    result = f.temp()
    arguments = [f.any_context(at), obj, key]
    if not f.unit.target.stock_getitem:
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
        obj = f.named(obj, at)  # Python's compiler warns of a literal that cannot be subscripted.
    parts = iter(rest)
    lower, upper, step = (None if part is None else next(parts) for part in (op.lower, op.upper, op.step))
    return f.settled(pyast.subscript(obj, pyast.slice_(lower, upper, step, at), at), at)


def unary(f: Function, op: ops.Unary) -> ast.expr:
    return pyast.unary(_UNARY[op.op], value(f, op.operand), f.at(op.site))


def binary(f: Function, op: ops.Binary) -> ast.expr:
    left, right = operands(f, [op.left, op.right])
    at = f.at(op.site)
    if op.message:
        return pyast.call(f.runtime("format_message", at), [left, right], at)
    return pyast.binary(left, _BINARY[op.op], right, at)


def compare(f: Function, op: ops.Compare) -> ast.expr:
    at = f.at(op.site)
    with f.into([]) as statements:
        further = [value(f, operand) for _, operand in op.rest[1:]]
    operator, second = op.rest[0]
    if not statements:
        left, right = operands(f, [op.left, second])
        operators = [COMPARE[operator] for operator, _ in op.rest]
        return pyast.compare(left, operators, [right, *further], at)
    # A further operand is evaluated only if the comparisons before it are true.
    left, right = evaluated_operands(f, [op.left, second])
    result = f.temp()
    f.set(result, pyast.compare(left, [COMPARE[operator]], [right], at), at)
    with f.into([]) as statements:
        remaining: Any = ops.Compare(_Evaluated(right), op.rest[1:], op.site)  # type: ignore[arg-type]
        f.set(result, compare(f, remaining), at)
    f.body.append(pyast.if_(pyast.name(result, at), statements, [], at))
    return pyast.name(result, at)


class _Evaluated:
    """An operand whose value has a name already."""

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
            hint = missing_else(at["lineno"], f.unit.program.name)
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
    variables = locals_of(f, op.locals, at)
    return pyast.call(f.runtime("debug_info", at), [f.context(at), variables], at)


VALUES: dict[Any, Callable[[Function, Any], ast.expr]] = {
    ops.LoopAttr: loop_attribute,
    ops.Attr: attribute,
    ops.Item: item,
    ops.Slice: slice_,
    ops.Unary: unary,
    ops.Binary: binary,
    ops.Compare: compare,
    ops.Logical: logical,
    ops.Conditional: conditional,
    ops.Concat: concat,
    ops.Build: build,
    ops.DebugInfo: debug_info,
    _Evaluated: lambda f, op: op.expr,
}
