"""Common shapes of value ops, each in one closure instead of several.

A shape computes what the definition in `values` or `calls` computes: the same value, operands in the same order,
the same exceptions at the same site. There are only shapes that pay on the benchmark pages: attributes, items in a
sandbox, comparisons with a constant, and calls with up to two arguments. A function returns None for an op of
another shape; then the definition is used. Asynchronous environments use definitions only, as values may have to be
awaited.

`PLAIN` has the shapes of ordinary environments, `GUARDED` those of environments with a guard (`runtime.guard`).
What a guard allows by the name alone is done in place, for every object of an open type. The guard decides about
the others.
"""

from collections.abc import Callable
from typing import Any

from tmplmon.backends.closures.callers import placed
from tmplmon.backends.closures.core import Builder, Closure
from tmplmon.backends.closures.frame import CONTEXT, Frame
from tmplmon.ir import ops
from tmplmon.ir.facts import DICT_ATTRIBUTES
from tmplmon.runtime.guard import Guard
from tmplmon.runtime.support import ATTRIBUTE_ERRORS, ITEM_ERRORS, member, member_failed

type Shapes = dict[type[Any], Callable[[Builder, Any], Closure | None]]


def attribute(b: Builder, op: ops.Attr) -> Closure | None:
    """An attribute of a variable, or of another value."""
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
                return member_failed(f[CONTEXT], obj, name)

        return of_slot
    value = b.value(op.obj)

    def of_value(f: Frame) -> Any:
        nonlocal site
        obj = value(f)
        try:
            return obj[name] if type(obj) is dict else getattr(obj, name)
        except ATTRIBUTE_ERRORS:
            return member_failed(f[CONTEXT], obj, name)

    return of_value


def guarded_attribute(b: Builder, op: ops.Attr) -> Closure | None:
    guard, name, site = _guard(b), op.name, op.site
    if not guard.allows(name):
        return None
    value, open_types, opens, getattr_ = b.value(op.obj), guard.open_kinds, guard.opens, guard.getattr
    is_item = name not in DICT_ATTRIBUTES

    def of_value(f: Frame) -> Any:
        nonlocal site
        obj = value(f)
        kind = type(obj)
        try:
            if kind is dict and is_item:
                return obj[name]
            if kind in open_types:
                return getattr(obj, name)
        except ATTRIBUTE_ERRORS:
            return member_failed(f[CONTEXT], obj, name)
        return member(f[CONTEXT], obj, name) if opens(obj) else getattr_(obj, name)

    return of_value


def guarded_item(b: Builder, op: ops.Item) -> Closure | None:
    guard, site = _guard(b), op.site
    no_item, getitem, open_types, opens = guard.no_item, guard.getitem, guard.open_kinds, guard.opens
    if no_item is None:
        return None
    obj_of, key_of, hashed = b.value(op.obj), b.value(op.key), guard.hashed

    def of_key(f: Frame) -> Any:
        nonlocal site
        obj, key = obj_of(f), key_of(f)
        if type(obj) in open_types or opens(obj):
            if type(key) is tuple:
                hashed(key)
            try:
                return obj[key]
            except ITEM_ERRORS:
                return no_item(obj, key)
        return getitem(obj, key)

    return of_key


def _guard(b: Builder) -> Guard:
    guard = b.constants.guard
    assert guard is not None
    return guard


def compare(b: Builder, op: ops.Compare) -> Closure | None:
    """A comparison with a constant."""
    (name, second), *further = op.rest
    if further:
        return None
    if type(second) is ops.Const:
        constant = second.value
    elif name in ("in", "not in") and type(second) is ops.Build and second.kind != "dict":
        # Nothing but the comparison sees the list.
        constant = tuple(item.value for item in second.items if type(item) is ops.Const)
        if len(constant) < len(second.items):
            return None
    else:
        return None
    site = op.site
    i = b.own(op.left)
    if name == "==" and i is not None:

        def slot_equals(f: Frame) -> Any:
            nonlocal site
            return f[i] == constant

        return slot_equals
    left = b.value(op.left)
    if name == "==":

        def equals(f: Frame) -> Any:
            nonlocal site
            return left(f) == constant

        return equals
    function = b.constants.compare[name]

    def compares(f: Frame) -> Any:
        nonlocal site
        return function(left(f), constant)

    return compares


def call(b: Builder, op: ops.Call) -> Closure | None:
    """A call with up to two positional arguments."""
    arguments, site = op.arguments, op.site
    if b.calls or op.caller is not None or op.locals or not arguments.simple or arguments.kwargs:
        return None
    if len(arguments.args) > 2:
        return None
    func, args, call_function = b.value(op.func), b.values(arguments.args), b.constants.call
    match args:
        case [first]:

            def with_one(f: Frame) -> Any:
                nonlocal site
                return call_function(f[CONTEXT], func(f), first(f))

            return placed(b, site, with_one)
        case [first, second]:

            def with_two(f: Frame) -> Any:
                nonlocal site
                return call_function(f[CONTEXT], func(f), first(f), second(f))

            return placed(b, site, with_two)

    def with_none(f: Frame) -> Any:
        nonlocal site
        return call_function(f[CONTEXT], func(f))

    return placed(b, site, with_none)


PLAIN: Shapes = {ops.Attr: attribute, ops.Compare: compare, ops.Call: call}
GUARDED: Shapes = {
    ops.Attr: guarded_attribute,
    ops.Item: guarded_item,
    ops.Compare: compare,
    ops.Call: call,
}
