"""Values in a sandbox: attributes, items, calls and operators by the rules of its guard (`runtime.guard`).

Rule: what the guard allows by the name alone is done in place, for every object that is not closed; the guard does
the rest. Each function takes the place of the one that `fused` has for the op, and gives None for a shape that the
definition serves.
"""

from collections.abc import Callable
from types import GenericAlias
from typing import TYPE_CHECKING, Any

from tmplmon.backends.closures import fused
from tmplmon.backends.closures.frame import CONTEXT, Frame
from tmplmon.ir import ops
from tmplmon.ir.facts import DICT_ATTRIBUTES
from tmplmon.runtime.guard import Guard
from tmplmon.runtime.support import ATTRIBUTE_ERRORS, ITEM_ERRORS, member

if TYPE_CHECKING:
    from tmplmon.backends.closures.core import Builder, Closure


def guard_of(b: "Builder") -> Guard:
    guard = b.constants.guard
    assert guard is not None
    return guard


def look_up(guard: Guard, name: str) -> Callable[[Any, Any], Any]:
    """A function of the context and an object that gives the object's attribute."""
    getattr_ = guard.getattr
    if not guard.allows(name):
        return lambda context, obj: getattr_(obj, name)
    opens = guard.opens

    def in_place(context: Any, obj: Any) -> Any:
        return member(context, obj, name) if opens(type(obj)) else getattr_(obj, name)

    return in_place


def attribute(b: "Builder", op: ops.Attr) -> "Closure | None":
    guard, name, site = guard_of(b), op.name, op.site
    value, other = b.value(op.obj), look_up(guard, name)
    if not guard.allows(name):

        def checked(f: Frame) -> Any:
            nonlocal site
            return other(f[CONTEXT], value(f))

        return checked
    open_kinds, is_item = guard.open_kinds, name not in DICT_ATTRIBUTES

    def of_value(f: Frame) -> Any:
        nonlocal site
        obj = value(f)
        kind = type(obj)
        try:
            if kind is dict and is_item:
                return obj[name]
            if kind in open_kinds:
                return getattr(obj, name)
        except ATTRIBUTE_ERRORS:
            pass
        return other(f[CONTEXT], obj)

    return of_value


def item(b: "Builder", op: ops.Item) -> "Closure | None":
    guard, site = guard_of(b), op.site
    no_item, no_alias = guard.no_item, guard.no_alias
    if no_item is None:
        return None
    obj_of, key_of = b.value(op.obj), b.value(op.key)

    def of_key(f: Frame) -> Any:
        nonlocal site
        obj, key = obj_of(f), key_of(f)
        try:
            held = obj[key]
            return held if type(held) is not GenericAlias else no_alias(obj, key)
        except ITEM_ERRORS:
            return no_item(obj, key)

    return of_key


def build(b: "Builder", op: ops.Build) -> "Closure | None":
    return fused.build(b, op) if all(type(item) is ops.Const for item in op.items) else None


def unary(b: "Builder", op: ops.Unary) -> "Closure | None":
    return None if op.op in guard_of(b).unary else fused.unary(b, op)


def binary(b: "Builder", op: ops.Binary) -> "Closure | None":
    function = guard_of(b).binary.get(op.op)
    if function is None:
        return fused.binary(b, op)
    left, right, site = b.value(op.left), b.value(op.right), op.site

    def applied(f: Frame) -> Any:
        nonlocal site
        return function(f[CONTEXT], left(f), right(f))

    return applied


GUARDED: "dict[type[Any], Callable[[Builder, Any], Closure | None]]" = {
    **fused.FUSED,
    ops.Attr: attribute,
    ops.Item: item,
    ops.Build: build,
    ops.Unary: unary,
    ops.Binary: binary,
}
