"""The stock filters and tests that are written into the code instead of called.

Rule: only where the table has the stock function (a link checks that each time the code is linked), and only what
gives the same result for every value: the common type is served in place, the function serves the rest.
"""

import ast
from collections.abc import Callable

from tmplmon.backends.bytecode import pyast
from tmplmon.backends.bytecode.function import Function
from tmplmon.ir import ops

_TEXT_METHODS = frozenset({"upper", "lower", "capitalize"})


def _type_is(f: Function, value: ast.expr, python_type: str, at: pyast.Place) -> ast.expr:
    kind = pyast.call(f.python("type", at), [value], at)
    return pyast.compare(kind, [ast.Is()], [f.python(python_type, at)], at)


def inline_filter(f: Function, op: ops.Filter) -> ast.expr | None:
    """The value of a stock filter, or None where it is to be called."""
    from tmplmon.backends.bytecode.values import names, value

    at = f.at(op.site)
    arguments = op.arguments
    if not arguments.simple or arguments.kwargs:
        return None
    if op.name in _TEXT_METHODS and not arguments.args:
        text = f.named(value(f, op.value), at)
        in_place = pyast.call(pyast.attribute(text, op.name, at), [], at)
        called = pyast.call(f.constant("filter", (op.name, None, True), at), [text], at)
        return pyast.if_expr(_type_is(f, text, "str", at), in_place, called, at)
    if op.name in ("default", "d") and len(arguments.args) <= 2:
        default = arguments.args[0] if arguments.args else ops.Const("", op.site)
        boolean = arguments.args[1] if len(arguments.args) == 2 else ops.Const(False, op.site)
        if not isinstance(boolean, ops.Const):
            return None
        subject, otherwise = names(f, [op.value, default], at)
        missing: ast.expr = pyast.call(f.python("isinstance", at), [subject, f.runtime("Undefined", at)], at)
        if boolean.value:
            missing = pyast.logical(ast.Or(), [missing, pyast.unary(ast.Not(), subject, at)], at)
        return pyast.if_expr(missing, otherwise, subject, at)
    return None


def inline_test(f: Function, op: ops.Test) -> ast.expr | None:
    """The value of a stock test, or None where it is to be called."""
    arguments = op.arguments
    if not arguments.simple or arguments.kwargs:
        return None
    if op.name == "sameas" and any(isinstance(side, ops.Const) for side in (op.value, *arguments.args)):
        return None  # Python's compiler warns of `is` with a literal.
    made = _TESTS.get((op.name, len(arguments.args)))
    return None if made is None else made(f, op)


type _Inline = Callable[[Function, ops.Test], ast.expr]


def _comparison(operator: ast.cmpop) -> _Inline:
    def made(f: Function, op: ops.Test) -> ast.expr:
        from tmplmon.backends.bytecode.values import operands

        left, right = operands(f, [op.value, op.arguments.args[0]])
        return pyast.compare(left, [operator], [right], f.at(op.site))

    return made


def _identity(constant: object) -> _Inline:
    def made(f: Function, op: ops.Test) -> ast.expr:
        from tmplmon.backends.bytecode.values import value

        at = f.at(op.site)
        held = f.named(value(f, op.value), at)
        return pyast.compare(held, [ast.Is()], [pyast.const(constant, at)], at)

    return made


def _is_undefined(f: Function, op: ops.Test) -> ast.expr:
    from tmplmon.backends.bytecode.values import value

    at = f.at(op.site)
    made: ast.expr = pyast.call(
        f.python("isinstance", at), [value(f, op.value), f.runtime("Undefined", at)], at
    )
    return made if op.name == "undefined" else pyast.unary(ast.Not(), made, at)


def _remainder(by: int | None, equals: int) -> _Inline:
    def made(f: Function, op: ops.Test) -> ast.expr:
        from tmplmon.backends.bytecode.values import operands

        at = f.at(op.site)
        number, *rest = operands(f, [op.value, *op.arguments.args])
        divisor = rest[0] if by is None else pyast.const(by, at)
        left = pyast.binary(number, ast.Mod(), divisor, at)
        return pyast.compare(left, [ast.Eq()], [pyast.const(equals, at)], at)

    return made


def _isinstance_of(python_type: str) -> _Inline:
    def made(f: Function, op: ops.Test) -> ast.expr:
        from tmplmon.backends.bytecode.values import value

        at = f.at(op.site)
        return pyast.call(f.python("isinstance", at), [value(f, op.value), f.python(python_type, at)], at)

    return made


# (name, number of arguments) → how it is made.
_TESTS: dict[tuple[str, int], _Inline] = {
    ("defined", 0): _is_undefined,
    ("undefined", 0): _is_undefined,
    ("none", 0): _identity(None),
    ("true", 0): _identity(True),
    ("false", 0): _identity(False),
    ("odd", 0): _remainder(2, 1),
    ("even", 0): _remainder(2, 0),
    ("divisibleby", 1): _remainder(None, 0),
    ("string", 0): _isinstance_of("str"),
    ("float", 0): _isinstance_of("float"),
    ("sameas", 1): _comparison(ast.Is()),
    ("in", 1): _comparison(ast.In()),
    **{(name, 1): _comparison(ast.Eq()) for name in ("eq", "equalto", "==")},
    **{(name, 1): _comparison(ast.NotEq()) for name in ("ne", "!=")},
    **{(name, 1): _comparison(ast.Lt()) for name in ("lt", "lessthan", "<")},
    **{(name, 1): _comparison(ast.LtE()) for name in ("le", "<=")},
    **{(name, 1): _comparison(ast.Gt()) for name in ("gt", "greaterthan", ">")},
    **{(name, 1): _comparison(ast.GtE()) for name in ("ge", ">=")},
}
