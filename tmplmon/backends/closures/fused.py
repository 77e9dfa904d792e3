"""Common shapes of value ops, written out: what `values` defines, in one closure instead of several.

Rule: the same value, the same exception at the same site, operands in the same order. A function here gives None
for a shape it has nothing for, and the definition serves that.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tmplmon.backends.closures.builtin import inline_filter
from tmplmon.backends.closures.calls import first_argument
from tmplmon.backends.closures.frame import CONTEXT, Frame
from tmplmon.ir import facts, ops
from tmplmon.ir.facts import DICT_ATTRIBUTES
from tmplmon.runtime.support import ATTRIBUTE_ERRORS, ITEM_ERRORS, element, member
from tmplmon.runtime.undefined import Undefined

if TYPE_CHECKING:
    from tmplmon.backends.closures.core import Builder, Closure


def attribute(b: "Builder", op: ops.Attr) -> "Closure | None":
    name, site = op.name, op.site
    if not b.constants.stock_getattr or name in DICT_ATTRIBUTES:
        return None
    i = b.own(op.obj)
    if i is not None:

        def of_slot(f: Frame) -> Any:
            nonlocal site
            obj = f[i]
            try:
                return obj[name] if type(obj) is dict else getattr(obj, name)
            except ATTRIBUTE_ERRORS:
                return member(f[CONTEXT], obj, name)

        return of_slot
    value = b.value(op.obj)

    def of_value(f: Frame) -> Any:
        nonlocal site
        obj = value(f)
        try:
            return obj[name] if type(obj) is dict else getattr(obj, name)
        except ATTRIBUTE_ERRORS:
            return member(f[CONTEXT], obj, name)

    return of_value


def item(b: "Builder", op: ops.Item) -> "Closure | None":
    if not b.constants.stock_getitem or type(op.key) is not ops.Const:
        return None
    obj_of, key, site = b.value(op.obj), op.key.value, op.site

    def of_constant_key(f: Frame) -> Any:
        nonlocal site
        obj = obj_of(f)
        try:
            return obj[key]
        except ITEM_ERRORS:
            return element(f[CONTEXT], obj, key)

    return of_constant_key


def call(b: "Builder", op: ops.Call) -> "Closure | None":
    arguments, site = op.arguments, op.site
    if b.calls or op.caller is not None or op.locals or not arguments.simple or arguments.kwargs:
        return None
    if len(arguments.args) > 2:
        return None
    func, args, call_function = b.value(op.func), b.values(arguments.args), b.constants.call
    match args:
        case []:

            def with_none(f: Frame) -> Any:
                nonlocal site
                return call_function(f[CONTEXT], func(f))

            return with_none
        case [a]:

            def with_one(f: Frame) -> Any:
                nonlocal site
                return call_function(f[CONTEXT], func(f), a(f))

            return with_one
        case [a, c]:

            def with_two(f: Frame) -> Any:
                nonlocal site
                return call_function(f[CONTEXT], func(f), a(f), c(f))

            return with_two
    return None


def filter_(b: "Builder", op: ops.Filter) -> "Closure | None":
    if b.calls or not op.arguments.simple or op.arguments.kwargs:
        return None
    if b.constants.is_stock("filter", op.name):
        made = _stock_filter(b, op)
        if made is not None:
            return made
    return _called(b, "filter", op)


def _stock_filter(b: "Builder", op: ops.Filter) -> "Closure | None":
    inline = facts.inline_filter(op)
    if inline is not None and inline.kind == "default" and not inline.detail:
        value, default = b.values(inline.operands)

        def value_or_default(f: Frame) -> Any:
            held, instead = value(f), default(f)
            return instead if isinstance(held, Undefined) else held

        return value_or_default
    made = inline_filter(op, b.constants.environment.filters)
    if made is None or len(made[0]) != 1:
        return None
    ((operand,), apply), site = made, op.site
    value = b.value(operand)

    def in_place(f: Frame) -> Any:
        nonlocal site
        return apply(f, value(f))

    return in_place


def _called(b: "Builder", kind: str, op: ops.Filter | ops.Test) -> "Closure | None":
    """A filter or test that is a plain function, or wants something that is known now, with up to two arguments."""
    func, wants = b.constants.function(kind, op.name)
    site = op.site
    operands: Sequence[ops.Op] = [op.value, *op.arguments.args]
    if wants is not None:
        if len(operands) > 2:
            return None
        first = first_argument(b, wants, op.autoescape)
        if len(operands) == 1:
            value = b.value(op.value)

            def with_first(f: Frame) -> Any:
                nonlocal site
                return func(first(f), value(f))

            return with_first
        value, a = b.values(operands)

        def with_first_and_one(f: Frame) -> Any:
            nonlocal site
            return func(first(f), value(f), a(f))

        return with_first_and_one
    if len(operands) > 2:
        return None
    value, *rest = b.values(operands)
    if not rest:

        def plain(f: Frame) -> Any:
            nonlocal site
            return func(value(f))

        return plain
    (a,) = rest

    def with_one(f: Frame) -> Any:
        nonlocal site
        return func(value(f), a(f))

    return with_one


def test(b: "Builder", op: ops.Test) -> "Closure | None":
    arguments = op.arguments
    if b.calls or not b.constants.is_stock("test", op.name):
        return None
    if op.name not in ("defined", "undefined", "none") or arguments.values():
        return None
    value = b.value(op.value)
    if op.name == "none":
        if op.negated:
            return lambda f: value(f) is not None
        return lambda f: value(f) is None
    if (op.name == "defined") is op.negated:
        return lambda f: isinstance(value(f), Undefined)
    return lambda f: not isinstance(value(f), Undefined)


def unary(b: "Builder", op: ops.Unary) -> "Closure | None":
    if op.op == "-" and type(op.operand) is ops.Const and type(op.operand.value) in (int, float):
        constant = -op.operand.value
        return lambda f: constant
    if op.op != "not":
        return None
    operand, site = b.value(op.operand), op.site

    def negated(f: Frame) -> Any:
        nonlocal site
        return not operand(f)

    return negated


def binary(b: "Builder", op: ops.Binary) -> "Closure | None":
    if op.op not in ("+", "-", "*", "%"):
        return None
    left, right, site = b.value(op.left), b.value(op.right), op.site
    match op.op:
        case "+":

            def plus(f: Frame) -> Any:
                nonlocal site
                return left(f) + right(f)

            return plus
        case "-":

            def minus(f: Frame) -> Any:
                nonlocal site
                return left(f) - right(f)

            return minus
        case "*":

            def times(f: Frame) -> Any:
                nonlocal site
                return left(f) * right(f)

            return times
        case _:

            def modulo(f: Frame) -> Any:
                nonlocal site
                return left(f) % right(f)

            return modulo


def compare(b: "Builder", op: ops.Compare) -> "Closure | None":
    """A comparison with a constant."""
    (name, second), *further = op.rest
    if further or type(second) is not ops.Const:
        return None
    left, constant, site = b.value(op.left), second.value, op.site
    if name == "==":

        def equals(f: Frame) -> Any:
            nonlocal site
            return left(f) == constant

        return equals
    if name == ">":

        def above(f: Frame) -> Any:
            nonlocal site
            return left(f) > constant

        return above
    function = b.constants.compare[name]

    def compares(f: Frame) -> Any:
        nonlocal site
        return function(left(f), constant)

    return compares


def concat(b: "Builder", op: ops.Concat) -> "Closure | None":
    if op.autoescape is None:
        return None
    items, site = b.values(op.items), op.site
    text = b.constants.text
    join = text.join_markup if op.autoescape else text.join

    def joined(f: Frame) -> Any:
        nonlocal site
        return join([item(f) for item in items])

    return joined


def build(b: "Builder", op: ops.Build) -> "Closure | None":
    if op.kind == "dict":
        return None
    if op.kind == "tuple" and all(type(item) is ops.Const for item in op.items):
        constant = tuple(item.value for item in op.items)  # type: ignore[union-attr]
        return lambda f: constant
    items = b.values(op.items)
    if op.kind == "list":
        return lambda f: [item(f) for item in items]
    return lambda f: tuple([item(f) for item in items])


FUSED: "dict[type[Any], Callable[[Builder, Any], Closure | None]]" = {
    ops.Attr: attribute,
    ops.Item: item,
    ops.Call: call,
    ops.Filter: filter_,
    ops.Test: test,
    ops.Unary: unary,
    ops.Binary: binary,
    ops.Compare: compare,
    ops.Concat: concat,
    ops.Build: build,
}
