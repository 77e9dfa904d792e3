"""Variables of a scope: assignment to targets, first values, exports, and all of them as a dict."""

from collections.abc import Callable, Sequence
from typing import Any

from tmplmon.backends.closures.core import Builder, Closure, straight
from tmplmon.backends.closures.frame import CONTEXT, Frame
from tmplmon.ir import ops
from tmplmon.ir.lower_state import MANY_LOCALS
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
    guard = b.constants.guard
    iterable = None if guard is None else guard.iterable
    if len(target) == 2 and all(isinstance(part, ops.Slot) for part in target):
        i, j = (b.index(part) for part in target if isinstance(part, ops.Slot))

        def to_pair(f: Frame, value: Any) -> None:
            f[i], f[j] = value

        return to_pair if iterable is None else _checked(iterable, to_pair)
    parts = [assigner(b, part) for part in target]
    count = len(parts)

    def to_tuple(f: Frame, value: Any) -> None:
        for assign, item in zip(parts, unpack(value, count), strict=True):
            assign(f, item)

    return to_tuple if iterable is None else _checked(iterable, to_tuple)


def _checked(
    iterable: Callable[[Any], Any], assign: Callable[[Frame, Any], None]
) -> Callable[[Frame, Any], None]:
    """`assign` for values that a sandbox lets a template iterate over. Tuples, the most common, always are."""

    def checked(f: Frame, value: Any) -> None:
        assign(f, value if type(value) is tuple else iterable(value))

    return checked


def _to_namespace(b: Builder, target: ops.NamespaceTarget) -> Callable[[Frame, Any], None]:
    namespace, name, site = b.load(target.slot), target.attr, target.site
    set_value = set_attribute if b.constants.guard is None else b.constants.guard.set_attribute

    def to_attribute(f: Frame, value: Any) -> None:
        nonlocal site
        set_value(namespace(f), name, value)

    return to_attribute


def unpack(value: Any, count: int) -> list[Any]:
    """The items of a value that is assigned to `count` targets. Raises the errors of Python's own unpacking."""
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
    """Checks that targets with a dot are namespaces. Like Jinja2, before the value is evaluated."""
    checks: list[Closure] = []

    def collect(target: ops.Target) -> None:
        if isinstance(target, tuple):
            for part in target:
                collect(part)
        elif isinstance(target, ops.NamespaceTarget):
            checks.append(_namespace_check(b, target))

    collect(target)
    return straight(checks) if checks else None


def _namespace_check(b: Builder, target: ops.NamespaceTarget) -> Closure:
    namespace, site = b.load(target.slot), target.site

    def check(f: Frame) -> None:
        nonlocal site
        check_namespace(namespace(f))

    return check


def exporter(b: Builder, slots: Sequence[ops.Slot], exported: bool = True) -> Closure | None:
    """Sets variables in the context; if `exported`, templates that import this one see them."""
    if not slots:
        return None
    places = [(slot.name, b.index(slot)) for slot in slots]

    def export(f: Frame) -> None:
        context = f[CONTEXT]
        for name, i in places:
            context.set(name, f[i], exported)

    return export


def starts(b: Builder, frame: ops.Frame) -> Closure | None:
    """Sets the first values of variables that may be read before they are assigned."""
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
    """A dict of variables, for code that sees the context by name. Variables without a value are left out."""
    if len(variables) <= MANY_LOCALS:
        return _dict_of(b, variables)
    closure = b.shared_locals.get(id(variables))
    if closure is None:
        closure = b.shared_locals[id(variables)] = _dict_of(b, variables)
    return closure


def _dict_of(b: Builder, variables: Sequence[ops.Local]) -> Closure:
    readers = []
    for variable in variables:
        unset = b.constants.undefined(variable.slot.name) if variable.maybe_unset else None
        readers.append((variable.name, b.load(variable.slot), variable.maybe_unset, unset))

    def variables_of(f: Frame) -> dict[str, Any]:
        values = {}
        for name, load, maybe_unset, unset in readers:
            value = load(f)
            if not (maybe_unset and value is unset):
                values[name] = value
        return values

    return variables_of
