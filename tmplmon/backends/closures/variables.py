"""Variables of a scope: assignment to targets, first values, exports, and all of them as a dict."""

from collections.abc import Callable, Sequence
from typing import Any

from tmplmon.backends.closures.core import Builder, Closure, straight
from tmplmon.backends.closures.frame import CONTEXT, Frame
from tmplmon.ir import ops
from tmplmon.runtime.support import check_namespace, set_attribute


def assigner(b: Builder, target: ops.Target) -> Callable[[Frame, Any], None]:
    """A function that assigns a value to a target."""
    if isinstance(target, ops.Slot):
        i = b.index(target)

        def to_slot(f: Frame, value: Any) -> None:
            f[i] = value

        return to_slot
    if isinstance(target, ops.NamespaceTarget):
        return _to_namespace(b, target)
    if len(target) == 2 and all(isinstance(part, ops.Slot) for part in target):
        i, j = (b.index(part) for part in target if isinstance(part, ops.Slot))

        def to_pair(f: Frame, value: Any) -> None:
            f[i], f[j] = value

        return to_pair
    parts = [assigner(b, part) for part in target]
    count = len(parts)

    def to_tuple(f: Frame, value: Any) -> None:
        for assign, item in zip(parts, unpack(value, count), strict=True):
            assign(f, item)

    return to_tuple


def _to_namespace(b: Builder, target: ops.NamespaceTarget) -> Callable[[Frame, Any], None]:
    namespace, name, site = b.load(target.slot), target.attr, target.site

    def to_attribute(f: Frame, value: Any) -> None:
        nonlocal site
        set_attribute(namespace(f), name, value)

    return to_attribute


def unpack(value: Any, count: int) -> list[Any]:
    """The items of a value that is assigned to `count` targets, and Python's own errors where they do not fit."""
    match count:
        case 1:
            (a,) = value
            return [a]
        case 2:
            a, b = value
            return [a, b]
        case 3:
            a, b, c = value
            return [a, b, c]
        case 4:
            a, b, c, d = value
            return [a, b, c, d]
        case 5:
            a, b, c, d, e = value
            return [a, b, c, d, e]
    try:
        iterator = iter(value)
    except TypeError:
        raise TypeError(f"cannot unpack non-iterable {type(value).__name__} object") from None
    items: list[Any] = []
    for item in iterator:
        if len(items) == count:
            raise ValueError(f"too many values to unpack (expected {count})")
        items.append(item)
    if len(items) < count:
        raise ValueError(f"not enough values to unpack (expected {count}, got {len(items)})")
    return items


def namespace_checks(b: Builder, target: ops.Target) -> Closure | None:
    """That an attribute is set of a namespace is checked before the value is evaluated, as Jinja2 does."""
    found: list[Closure] = []

    def collect(target: ops.Target) -> None:
        if isinstance(target, tuple):
            for part in target:
                collect(part)
        elif isinstance(target, ops.NamespaceTarget):
            found.append(_namespace_check(b, target))

    collect(target)
    return straight(found) if found else None


def _namespace_check(b: Builder, target: ops.NamespaceTarget) -> Closure:
    namespace, site = b.load(target.slot), target.site

    def check(f: Frame) -> None:
        nonlocal site
        check_namespace(namespace(f))

    return check


def exporter(b: Builder, slots: Sequence[ops.Slot], exported: bool = True) -> Closure | None:
    """Makes variables known to the context, and to templates that import this one if they are `exported`."""
    if not slots:
        return None
    places = [(slot.name, b.index(slot)) for slot in slots]

    def export(f: Frame) -> None:
        context = f[CONTEXT]
        for name, i in places:
            context.set(name, f[i], exported)

    return export


def starts(b: Builder, frame: ops.Frame) -> Closure | None:
    """Gives the variables of a frame their first values, where some op may read them before one assigns them."""
    constants, copies = [], []
    for slot in frame.slots.values():
        if slot.initialised:
            if slot.kind is ops.SlotKind.OUTER:
                assert slot.origin is not None
                copies.append((b.index(slot), b.load(slot.origin)))
            elif slot.kind is ops.SlotKind.UNSET:
                constants.append((b.index(slot), b.constants.undefined(slot.name)))
    if not constants and not copies:
        return None

    def start(f: Frame) -> None:
        for i, undefined in constants:
            f[i] = undefined
        for i, origin in copies:
            f[i] = origin(f)

    return start


def locals_of(b: Builder, variables: Sequence[ops.Local]) -> Closure:
    """A dict of variables, for code that has its own names; those that were not assigned are left out."""
    found = []
    for variable in variables:
        unset = b.constants.undefined(variable.slot.name) if variable.maybe_unset else None
        found.append((variable.name, b.load(variable.slot), variable.maybe_unset, unset))

    def seen(f: Frame) -> dict[str, Any]:
        made = {}
        for name, load, maybe_unset, unset in found:
            held = load(f)
            if not (maybe_unset and held is unset):
                made[name] = held
        return made

    return seen
