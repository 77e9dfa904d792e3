"""Each value op by its definition: its operands, and the function that is applied to their values.

Operands are evaluated in the template's order, each once. A `Definition` is all there is to most ops; what `shapes`
does faster gives the same result. Ops that may leave an operand out (``and``, ``or``, inline ``if``, chains of
comparisons) have closures of their own.
"""

import operator
from collections.abc import Callable
from typing import Any

from tmplmon.backends.closures import calls, shapes, suspending
from tmplmon.backends.closures.callers import placed
from tmplmon.backends.closures.core import Builder, Closure
from tmplmon.backends.closures.definitions import Definition, built, combined
from tmplmon.backends.closures.frame import CONTEXT, Frame
from tmplmon.ir import ops
from tmplmon.ir.facts import AWAITED_LOOP_ATTRIBUTES, DICT_ATTRIBUTES, missing_else
from tmplmon.runtime import support
from tmplmon.runtime.budget import spend
from tmplmon.runtime.messages import format_message, with_note
from tmplmon.runtime.support import ATTRIBUTE_ERRORS, ITEM_ERRORS, element, member_failed
from tmplmon.runtime.undefined import Undefined

BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}
UNARY: dict[str, Callable[[Any], Any]] = {"-": operator.neg, "+": operator.pos, "not": operator.not_}


# Type of an op that may continue a chain (`a.b|c + d`) → its field with the op before it, which is evaluated first.
_FIRST_OPERANDS = {
    ops.Attr: "obj",
    ops.Item: "obj",
    ops.Slice: "obj",
    ops.Call: "func",
    ops.Filter: "value",
    ops.Test: "value",
    ops.Unary: "operand",
    ops.Binary: "left",
    ops.Compare: "left",
    ops.Logical: "left",
}
_LONGEST_CHAIN = 50
"""The most operations of a chain that are closures within each other. Chains of up to 1,000 operations are allowed
(`syntax.limits`), about as many as Python's recursion limit leaves room for."""


def value(b: Builder, op: Any) -> Closure:
    """The closure of a value. A long chain is evaluated in segments, each of which reads the value of the segment
    before it from the frame."""
    place = b.segments.get(op)
    if place is not None:
        return lambda f: f[place]
    ends = _segment_ends(b, op)
    if not ends:
        return _value(b, op)
    segments = []
    for end in ends:
        closure = _value(b, end)
        b.segments[end] = b.extra()
        segments.append((b.segments[end], closure))
    last = _value(b, op)
    for end in ends:
        del b.segments[end]
    return suspending.in_segments(segments, last)


def _segment_ends(b: Builder, op: Any) -> list[Any]:
    """The last op of each segment of a long chain but the last segment, in the order of evaluation."""
    ends, length = [], 0
    while op not in b.measured and type(op) in _FIRST_OPERANDS:
        b.measured.add(op)
        if length and length % _LONGEST_CHAIN == 0:
            ends.append(op)
        length += 1
        op = getattr(op, _FIRST_OPERANDS[type(op)])
    return ends[::-1]


def _value(b: Builder, op: Any) -> Closure:
    """The closure of a shape if there is one, else that of the definition."""
    kind = type(op)
    if not b.constants.is_async:
        shape = (shapes.PLAIN if b.constants.guard is None else shapes.GUARDED).get(kind)
        closure = None if shape is None else shape(b, op)
        if closure is not None:
            return closure
    build = CLOSURES.get(kind)
    if build is not None:
        return build(b, op)
    closure = built(b, DEFINITIONS[kind](b, op), op.site)
    return placed(b, op.site, closure) if kind in _CALLS else closure


_CALLS = (ops.Call, ops.Filter, ops.TagCall)


# --- constants and variables -------------------------------------------------------------------------------


def const(b: Builder, op: ops.Const) -> Closure:
    constant = op.value
    return lambda f: constant


def load(b: Builder, op: ops.Load) -> Closure:
    return b.load(op.slot)


def loop_attribute(b: Builder, op: ops.LoopAttr) -> Closure:
    if not op.loop.whole:
        counter: Closure = b.loops[op.loop].attribute(op.name)
        return counter
    assert op.loop.slot is not None
    name = op.name
    awaits = name in AWAITED_LOOP_ATTRIBUTES
    return combined(b, [b.load(op.loop.slot)], operator.attrgetter(name), op.site, False, awaits)


# --- attributes and items ----------------------------------------------------------------------------------


def attribute(b: Builder, op: ops.Attr) -> Definition:
    name = op.name
    if not b.constants.stock_getattr:

        def apply(f: Frame, obj: Any) -> Any:
            return support.environment_getattr(f[CONTEXT], obj, name)

    elif name in DICT_ATTRIBUTES:

        def apply(f: Frame, obj: Any) -> Any:
            try:
                return getattr(obj, name)
            except ATTRIBUTE_ERRORS:
                return member_failed(f[CONTEXT], obj, name)

    else:

        def apply(f: Frame, obj: Any) -> Any:
            try:
                return obj[name] if type(obj) is dict else getattr(obj, name)
            except ATTRIBUTE_ERRORS:
                return member_failed(f[CONTEXT], obj, name)

    return Definition([op.obj], apply, awaits=True)


def item(b: Builder, op: ops.Item) -> Definition:
    if not b.constants.stock_getitem:

        def apply(f: Frame, obj: Any, key: Any) -> Any:
            return support.environment_getitem(f[CONTEXT], obj, key)

    else:

        def apply(f: Frame, obj: Any, key: Any) -> Any:
            try:
                return obj[key]
            except ITEM_ERRORS:
                return element(f[CONTEXT], obj, key)

    return Definition([op.obj, op.key], apply, awaits=True)


def slice_(b: Builder, op: ops.Slice) -> Definition:
    bounds = (op.lower, op.upper, op.step)
    present = [part is not None for part in bounds]
    metered = b.metering is not None
    getitem = operator.getitem if b.constants.guard is None else b.constants.guard.slice

    def apply(f: Frame, obj: Any, *values: Any) -> Any:
        rest = iter(values)
        part = getitem(obj, slice(*[next(rest) if is_present else None for is_present in present]))
        if metered and isinstance(part, (str, list, tuple)):
            spend(len(part))
        return part

    return Definition([op.obj, *(part for part in bounds if part is not None)], apply, awaits=True)


# --- operators ---------------------------------------------------------------------------------------------


def unary(b: Builder, op: ops.Unary) -> Definition:
    intercepted = None if b.constants.guard is None else b.constants.guard.unary.get(op.op)
    if intercepted is not None:
        return Definition([op.operand], lambda f, operand: intercepted(f[CONTEXT], operand))
    return Definition([op.operand], UNARY[op.op], takes_frame=False)


def binary(b: Builder, op: ops.Binary) -> Definition:
    guarded = None if b.constants.guard is None else b.constants.guard.binary.get(op.op)
    if guarded is not None:
        if op.message:
            guarded = with_note(guarded)
        return Definition([op.left, op.right], lambda f, left, right: guarded(f[CONTEXT], left, right))
    return Definition([op.left, op.right], format_message if op.message else BINARY[op.op], takes_frame=False)


def compare(b: Builder, op: ops.Compare) -> Closure:
    (operator_name, second), *further = op.rest
    function = b.constants.compare[operator_name]
    if not further:
        return combined(b, b.values([op.left, second]), function, op.site, takes_frame=False)
    # A further operand is evaluated only if what is compared before it holds.
    rest = [(b.constants.compare[name], b.value(operand)) for name, operand in op.rest]
    return suspending.chain(b.value(op.left), rest, op.site)


def logical(b: Builder, op: ops.Logical) -> Closure:
    left, right, site = b.value(op.left), b.value(op.right), op.site
    if b.signals is not None:
        return suspending.decided(left, right, op.op == "and", b.signals.decided(op), site)
    return (suspending.both if op.op == "and" else suspending.either)(left, right, site)


def conditional(b: Builder, op: ops.Conditional) -> Closure:
    test, body, site = b.value(op.test), b.value(op.body), op.site
    if op.orelse is not None:
        orelse = b.value(op.orelse)
    else:
        undefined = Undefined(missing_else(b.scope.ir.positions[site][0], b.constants.program.name))
        orelse = lambda f: undefined  # noqa: E731
    if b.signals is not None:
        test = b.signals.deciding(test, b.signals.plan.branch.get(site))
    return suspending.choose(test, body, orelse, site)


# --- text and containers -----------------------------------------------------------------------------------


def concat(b: Builder, op: ops.Concat) -> Definition:
    text = b.constants.text
    if op.autoescape is None:
        return Definition(
            op.items,
            lambda f, *items: (text.join_markup if f[CONTEXT].eval_ctx.autoescape else text.join)(items),
        )
    join = text.join_markup if op.autoescape else text.join
    return Definition(op.items, lambda *items: join(items), takes_frame=False)


def build(b: Builder, op: ops.Build) -> Closure:
    """A tuple, list or dict. A tuple of constants is made once."""
    guard, make = b.constants.guard, _MAKERS[op.kind]
    if op.kind == "tuple" and all(type(item) is ops.Const for item in op.items):
        constant = tuple(item.value for item in op.items if type(item) is ops.Const)
        return lambda f: constant
    if guard is None:
        return combined(b, b.values(op.items), make, op.site, takes_frame=False)
    check = guard.build

    def checked(*items: Any) -> Any:
        check(items)
        return make(*items)

    return combined(b, b.values(op.items), checked, op.site, takes_frame=False)


# Kind of a literal → the function that makes it of its items; those of a dict are keys and values by turns.
_MAKERS: dict[str, Callable[..., Any]] = {
    "tuple": lambda *items: items,
    "list": lambda *items: list(items),
    "dict": lambda *items: dict(zip(items[::2], items[1::2], strict=True)),
}

DEFINITIONS: dict[type[Any], Callable[[Builder, Any], Definition]] = {
    ops.Attr: attribute,
    ops.Item: item,
    ops.Slice: slice_,
    ops.Call: calls.call,
    ops.Filter: calls.filter_,
    ops.Unary: unary,
    ops.Binary: binary,
    ops.Concat: concat,
    ops.DebugInfo: calls.debug_info,
    ops.TagCall: calls.tag_call,
}
CLOSURES: dict[type[Any], Callable[[Builder, Any], Closure]] = {
    ops.Const: const,
    ops.Load: load,
    ops.LoopAttr: loop_attribute,
    ops.Test: calls.test,
    ops.Build: build,
    ops.Compare: compare,
    ops.Logical: logical,
    ops.Conditional: conditional,
}
