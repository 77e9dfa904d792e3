"""IR ops to closures: what the modules that build them share.

Rule: a closure takes a frame. A value's gives the value; a statement's gives None, or BREAK or CONTINUE where a
``break`` or ``continue`` is to end what encloses it. Everything that can be decided when the tree is built is: a
closure tests nothing that the op, its operands or the environment have settled.

What can stop and go on (a ``yield``, an ``await``) is a generator function, and is run with ``yield from``; only
trees that need it have such (`resumable`). `suspends` tells.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tmplmon.backends.closures.frame import CONTEXT, HEAD, OUTER, Frame
from tmplmon.ir import ops
from tmplmon.ir.walk import walk
from tmplmon.runtime.blocks import TemplateReference, super_of

if TYPE_CHECKING:
    from tmplmon.backends.closures.metered import Metering
    from tmplmon.backends.closures.scope import CompiledScope
    from tmplmon.backends.closures.signals import Signals

type Closure = Callable[[Frame], Any]

BREAK, CONTINUE = "break", "continue"

_CO_GENERATOR = 0x20
_MADE_WHERE_READ = frozenset({ops.SlotKind.SELF, ops.SlotKind.SUPER})


def suspends(closure: Callable[..., Any]) -> bool:
    """Whether a closure is a generator function."""
    return bool(closure.__code__.co_flags & _CO_GENERATOR)


class Builder:
    """Builds one tree of a scope. `signals` is None for a quiet one, `metering` for one that spends nothing.

    size: how long its frames are.
    loops: loops without an object → where their counts are.
    """

    resumable = False
    yields = False  # whether output is yielded here

    def __init__(self, scope: "CompiledScope", signals: "Signals | None" = None) -> None:
        self.scope = scope
        self.constants = scope.constants
        self.signals = signals
        self.metering: Metering | None = None
        self.size = HEAD + len(scope.indexes)
        self.loops: dict[ops.LoopUse, Any] = {}
        self.aliases: dict[ops.Slot, int] = {}

    @property
    def calls(self) -> bool:
        """Whether the tree tells of calls."""
        return self.signals is not None and self.signals.calls

    # Places in the frame.

    def extra(self) -> int:
        """A place for the tree's own use."""
        self.size += 1
        return self.size - 1

    def index(self, slot: ops.Slot) -> int:
        """The place of a slot of this scope."""
        alias = self.aliases.get(slot)
        return self.scope.indexes[slot] if alias is None else alias

    def own(self, op: ops.Op) -> int | None:
        """The place that an op reads, if it does nothing but read a slot of this scope."""
        if type(op) is ops.Load and op.slot.scope is self.scope.ir and op.slot.kind not in _MADE_WHERE_READ:
            return self.index(op.slot)
        return None

    def load(self, slot: ops.Slot) -> Closure:
        """The value of a slot, of this scope or one around it."""
        made = self._made_where_read(slot)
        if made is not None:
            return made
        scope, out = self.scope, 0
        while slot.scope is not scope.ir:
            assert scope.outer is not None, slot
            scope, out = scope.outer, out + 1
        i = self.index(slot) if not out else scope.indexes[slot]
        if out == 0:
            return lambda f: f[i]
        if out == 1:
            return lambda f: f[OUTER][i]

        def load(f: Frame) -> Any:
            for _ in range(out):
                f = f[OUTER]
            return f[i]

        return load

    def _made_where_read(self, slot: ops.Slot) -> Closure | None:
        """``self`` and ``super``, which are no variables."""
        if slot.kind is ops.SlotKind.SELF:
            return lambda f: TemplateReference(f[CONTEXT])
        if slot.kind is ops.SlotKind.SUPER:
            name = slot.scope.name
            block = self.constants.blocks[name]
            return lambda f: super_of(f[CONTEXT], name, block)
        return None

    # Closures.

    def value(self, op: ops.Op) -> Closure:
        """The closure for a value."""
        from tmplmon.backends.closures.values import value

        return value(self, op)

    def at_line(self, site: int, closure: Closure) -> Closure:
        """A statement that begins on the line of a site."""
        return closure if self.signals is None else self.signals.at_line(site, closure)

    def finish(self) -> Closure:
        """What comes last in a template body that may extend another."""
        from tmplmon.backends.closures.templates import finish

        last = max(op.site for op in walk(self.scope.ir.body) if type(op) is ops.Extends)
        return finish(self, last)

    def values(self, operands: Sequence[ops.Op]) -> list[Closure]:
        return [self.value(op) for op in operands]

    def body(self, statements: Sequence[ops.Op], least: int = 0) -> Closure | None:
        """The closure for statements that follow each other; None for none. `least`: the fuel it takes at least."""
        steps = self._steps(statements)
        if self.metering is not None:
            steps = self.metering.steps(statements, steps, least)
        return sequence(steps, jumps(statements))

    def body_free(self, statements: Sequence[ops.Op]) -> Closure | None:
        """The same without fuel, which is taken elsewhere."""
        return sequence(self._steps(statements), jumps(statements))

    def _steps(self, statements: Sequence[ops.Op]) -> list[Closure]:
        from tmplmon.backends.closures.statements import statement

        return [made for op in statements for made in statement(self, op)]


def jumps(statements: Sequence[ops.Op]) -> bool:
    """Whether a break or continue in these statements is to end what encloses them."""
    for op in statements:
        match op:
            case ops.Jump():
                return True
            case ops.If():
                if any(jumps(body) for _, body, _ in op.branches) or jumps(op.orelse):
                    return True
            case ops.Enter() | ops.Capture():
                if jumps(op.body):
                    return True
            case ops.For():
                if jumps(op.orelse or ()):
                    return True
    return False


def sequence(steps: Sequence[Closure], may_jump: bool = False) -> Closure | None:
    """One closure for several statements; None for none."""
    if len(steps) <= 1:
        return steps[0] if steps else None
    if any(map(suspends, steps)):
        from tmplmon.backends.closures.resumable import sequence as resumable_sequence

        return resumable_sequence(steps)
    if may_jump:

        def until_jump(f: Frame) -> Any:
            for step in steps:
                outcome = step(f)
                if outcome is not None:
                    return outcome
            return None

        return until_jump
    return straight(steps)


def straight(steps: Sequence[Closure]) -> Closure:
    """One closure for statements none of which jumps: written out, as a loop over them would cost more."""
    match steps:
        case [only]:
            return only
        case [a, b]:

            def two(f: Frame) -> None:
                a(f)
                b(f)

            return two
        case [a, b, c]:

            def three(f: Frame) -> None:
                a(f)
                b(f)
                c(f)

            return three
        case [a, b, c, d]:

            def four(f: Frame) -> None:
                a(f)
                b(f)
                c(f)
                d(f)

            return four
        case [a, b, c, d, e]:

            def five(f: Frame) -> None:
                a(f)
                b(f)
                c(f)
                d(f)
                e(f)

            return five
        case [a, b, c, d, e, g]:

            def six(f: Frame) -> None:
                a(f)
                b(f)
                c(f)
                d(f)
                e(f)
                g(f)

            return six
        case _:
            half = len(steps) // 2 if len(steps) <= 36 else 6 * (len(steps) // 12)
            return straight([straight(steps[:half]), straight(steps[half:])])


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
    from tmplmon.runtime.support import set_attribute

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
