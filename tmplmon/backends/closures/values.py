"""Each value op by its definition: its operands, and what is done with their values.

Rule: operands are evaluated in the template's order, each once. `Parts` says which they are, and `apply` what is
made of their values; the closure does the one, then the other. That is all there is to most ops, and what `fused`
does faster must give the same. Ops that may leave an operand out (``and``, ``or``, inline ``if``, chains of
comparisons) have closures of their own.
"""

import operator
from collections.abc import Callable
from typing import Any

from tmplmon.backends.closures import calls, fused, guarded, suspending
from tmplmon.backends.closures.core import Builder, Closure
from tmplmon.backends.closures.frame import CONTEXT, Frame
from tmplmon.backends.closures.parts import Parts, combined
from tmplmon.ir import ops
from tmplmon.ir.facts import AWAITED_LOOP_ATTRIBUTES, DICT_ATTRIBUTES
from tmplmon.runtime import support
from tmplmon.runtime.budget import spend
from tmplmon.runtime.support import ATTRIBUTE_ERRORS, ITEM_ERRORS, element, member
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


def value(b: Builder, op: ops.Op) -> Closure:
    """The closure for a value. It is the fused one where there is one, else the definition's."""
    kind = type(op)
    make = (fused.FUSED if b.constants.guard is None else guarded.GUARDED).get(kind)
    made = None if make is None or b.constants.is_async else make(b, op)
    if made is None:
        whole = WHOLE.get(kind)
        if whole is not None:
            made = whole(b, op)
        else:
            parts = PARTS[kind](b, op)
            made = combined(b, b.values(parts.operands), parts.apply, op.site, parts.awaits)  # type: ignore[union-attr]
    return made


# --- constants and variables -------------------------------------------------------------------------------


def const(b: Builder, op: ops.Const) -> Closure:
    constant = op.value
    return lambda f: constant


def load(b: Builder, op: ops.Load) -> Closure:
    return b.load(op.slot)


def loop_attribute(b: Builder, op: ops.LoopAttr) -> Closure:
    if not op.loop.whole:
        made: Closure = b.loops[op.loop].attribute(op.name)
        return made
    assert op.loop.slot is not None
    name = op.name

    def apply(f: Frame, loop: Any) -> Any:
        return getattr(loop, name)

    return combined(b, [b.load(op.loop.slot)], apply, op.site, name in AWAITED_LOOP_ATTRIBUTES)


# --- attributes and items ----------------------------------------------------------------------------------


def attribute(b: Builder, op: ops.Attr) -> Parts:
    name = op.name
    if not b.constants.stock_getattr:

        def apply(f: Frame, obj: Any) -> Any:
            return support.environment_getattr(f[CONTEXT], obj, name)

    elif name in DICT_ATTRIBUTES:

        def apply(f: Frame, obj: Any) -> Any:
            try:
                return getattr(obj, name)
            except ATTRIBUTE_ERRORS:
                return member(f[CONTEXT], obj, name)

    else:

        def apply(f: Frame, obj: Any) -> Any:
            try:
                return obj[name] if type(obj) is dict else getattr(obj, name)
            except ATTRIBUTE_ERRORS:
                return member(f[CONTEXT], obj, name)

    return Parts([op.obj], apply, True)


def item(b: Builder, op: ops.Item) -> Parts:
    if not b.constants.stock_getitem:

        def apply(f: Frame, obj: Any, key: Any) -> Any:
            return support.environment_getitem(f[CONTEXT], obj, key)

    else:

        def apply(f: Frame, obj: Any, key: Any) -> Any:
            try:
                return obj[key]
            except ITEM_ERRORS:
                return element(f[CONTEXT], obj, key)

    return Parts([op.obj, op.key], apply, True)


def slice_(b: Builder, op: ops.Slice) -> Parts:
    bounds = (op.lower, op.upper, op.step)
    present = [part is not None for part in bounds]
    metered = b.metering is not None

    def apply(f: Frame, obj: Any, *given: Any) -> Any:
        rest = iter(given)
        made = obj[slice(*[next(rest) if there else None for there in present])]
        if metered and isinstance(made, (str, list, tuple)):
            spend(len(made))
        return made

    return Parts([op.obj, *(part for part in bounds if part is not None)], apply, True)


# --- operators ---------------------------------------------------------------------------------------------


def unary(b: Builder, op: ops.Unary) -> Parts:
    intercepted = None if b.constants.guard is None else b.constants.guard.unary.get(op.op)
    if intercepted is not None:
        return Parts([op.operand], lambda f, operand: intercepted(f[CONTEXT], operand))
    function = UNARY[op.op]
    return Parts([op.operand], lambda f, operand: function(operand))


def binary(b: Builder, op: ops.Binary) -> Parts:
    guarded_ = None if b.constants.guard is None else b.constants.guard.binary.get(op.op)
    if guarded_ is not None:
        return Parts([op.left, op.right], lambda f, left, right: guarded_(f[CONTEXT], left, right))
    function = BINARY[op.op]
    return Parts([op.left, op.right], lambda f, left, right: function(left, right))


def compare(b: Builder, op: ops.Compare) -> Closure:
    (operator_name, second), *further = op.rest
    function = b.constants.compare[operator_name]
    if not further:
        operands = b.values([op.left, second])
        return combined(b, operands, lambda f, left, right: function(left, right), op.site)
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
        line = b.scope.ir.positions[site][0]
        hint = f"the inline if-expression on line {line} evaluated to false and no else section was defined."
        undefined = Undefined(hint)
        orelse = lambda f: undefined  # noqa: E731
    if b.signals is not None:
        test = b.signals.deciding(test, b.signals.plan.branch.get(site))
    return suspending.choose(test, body, orelse, site)


# --- text and containers -----------------------------------------------------------------------------------


def concat(b: Builder, op: ops.Concat) -> Parts:
    text = b.constants.text
    if op.autoescape is None:
        return Parts(
            op.items,
            lambda f, *items: (text.join_markup if f[CONTEXT].eval_ctx.autoescape else text.join)(items),
        )
    join = text.join_markup if op.autoescape else text.join
    return Parts(op.items, lambda f, *items: join(items))


def build(b: Builder, op: ops.Build) -> Parts:
    guard, make = b.constants.guard, builder(op.kind)
    if guard is None:
        return Parts(op.items, lambda f, *items: make(items))
    check = guard.build

    def checked(f: Frame, *items: Any) -> Any:
        check(items)
        return make(items)

    return Parts(op.items, checked)


def builder(kind: str) -> Callable[[tuple[Any, ...]], Any]:
    """A function that makes a tuple, list or dict of its parts."""
    if kind == "tuple":
        return lambda items: items
    if kind == "list":
        return list
    return lambda items: dict(zip(items[::2], items[1::2], strict=True))


PARTS: dict[type[Any], Callable[[Builder, Any], Parts]] = {
    ops.Attr: attribute,
    ops.Item: item,
    ops.Slice: slice_,
    ops.Call: calls.call,
    ops.Filter: calls.filter_,
    ops.Unary: unary,
    ops.Binary: binary,
    ops.Concat: concat,
    ops.Build: build,
    ops.DebugInfo: calls.debug_info,
    ops.TagCall: calls.tag_call,
}
WHOLE: dict[type[Any], Callable[[Builder, Any], Closure]] = {
    ops.Const: const,
    ops.Load: load,
    ops.LoopAttr: loop_attribute,
    ops.Test: calls.test,
    ops.Compare: compare,
    ops.Logical: logical,
    ops.Conditional: conditional,
}
