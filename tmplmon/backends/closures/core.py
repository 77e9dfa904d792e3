"""What all modules that turn IR ops into closures share: the builder of a tree, closures in sequence, and writers
of output.

A closure takes a frame. The closure of a value returns the value. The closure of a statement returns None, or BREAK
or CONTINUE where a ``break`` or ``continue`` ends what encloses it. Everything that the op, its operands and the
environment determine is decided when the tree is built, so that a closure tests nothing twice.

A closure that can be suspended (by a ``yield`` or an ``await``) is a generator function and is run with ``yield
from``. Only trees for `generate` and coroutines have such closures. `suspends` tells them from the others.

The modules that build ops import this module, and never each other's tables: a `Builder` is passed its `Tables`.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tmplmon.backends.closures.frame import CONTEXT, FIRST_SLOT, OUTER, OUTPUT, Frame
from tmplmon.ir import ops
from tmplmon.runtime.blocks import TemplateReference, super_of

if TYPE_CHECKING:
    from tmplmon.backends.closures.budget import Metering
    from tmplmon.backends.closures.scope import CompiledScope
    from tmplmon.backends.closures.signals import Signals

type Closure = Callable[[Frame], Any]

BREAK, CONTINUE = "break", "continue"

QUIET, LINES, BRANCHES, ALL = "quiet", "lines", "branches", "all"
"""The kinds of trees: without events; with events for lines; for lines and branches; with all events."""

_CO_GENERATOR = 0x20
_COMPUTED_WHERE_READ = frozenset({ops.SlotKind.SELF, ops.SlotKind.SUPER})


def suspends(closure: Callable[..., Any]) -> bool:
    """Whether a closure is a generator function."""
    return bool(closure.__code__.co_flags & _CO_GENERATOR)


def nothing(f: Frame) -> None:
    """A body without statements."""


@dataclass(frozen=True, slots=True)
class Tables:
    """How one tree builds its ops.

    value: builds the closure of a value op.
    statements: type of a statement op → builds its closures, which run one after the other.
    """

    value: Callable[["Builder", Any], Closure]
    statements: Mapping[type[Any], Callable[["Builder", Any], Closure | list[Closure]]]


class Builder:
    """Builds one tree of a scope.

    signals: what fires events; None in a quiet tree.
    metering: what spends from a budget; None in a tree that spends nothing.
    yields: whether the tree yields its output, instead of appending it to the frame's list. Changes to False while
        captured output is built.
    may_suspend: whether the tree contains suspending closures.
    size: the length of the tree's frames.
    loops: uses of ``loop`` that need no loop object → the places of their counters.
    aliases: slots that share the place of another slot.
    measured, segments: the ops of chains whose length is known, and the places of segments (`values.value`).
    """

    def __init__(
        self,
        scope: "CompiledScope",
        tables: Tables,
        signals: "Signals | None" = None,
        metering: "Metering | None" = None,
        yields: bool = False,
    ) -> None:
        self.scope = scope
        self.constants = scope.constants
        self.tables = tables
        self.signals = signals
        self.metering = metering
        self.yields = yields
        self.may_suspend = yields or scope.constants.is_async
        self.size = FIRST_SLOT + len(scope.indexes)
        self.loops: dict[ops.LoopUse, Any] = {}
        self.aliases: dict[ops.Slot, int] = {}
        self.measured: set[ops.Op] = set()
        self.segments: dict[ops.Op, int] = {}
        self._jumping: dict[ops.Op, bool] = {}
        # id of a list that several ops share → closure that returns a dict of its variables
        self.shared_locals: dict[int, Any] = {}

    @property
    def runs_suspending(self) -> bool:
        """Whether other code that runs here may suspend: it is awaited, or what it yields is yielded on."""
        return self.yields or self.constants.is_async

    @property
    def calls(self) -> bool:
        """Whether the tree fires events for calls."""
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
        if (
            type(op) is ops.Load
            and op.slot.scope is self.scope.ir
            and op.slot.kind not in _COMPUTED_WHERE_READ
        ):
            return self.index(op.slot)
        return None

    def load(self, slot: ops.Slot) -> Closure:
        """The value of a slot, of this scope or one around it."""
        computed = self._computed_where_read(slot)
        if computed is not None:
            return computed
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

    def _computed_where_read(self, slot: ops.Slot) -> Closure | None:
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
        """The closure of a value."""
        return self.tables.value(self, op)

    def values(self, operands: Sequence[ops.Op]) -> list[Closure]:
        return [self.value(op) for op in operands]

    def at_line(self, site: int, closure: Closure) -> Closure:
        """A statement that begins on the line of a site."""
        return closure if self.signals is None else self.signals.at_line(site, closure)

    def body(self, statements: Sequence[ops.Op], least: int = 0) -> Closure | None:
        """The closure for statements that follow each other; None for none. `least`: the fuel it takes at least."""
        steps = self._steps(statements)
        if self.metering is not None:
            steps = self.metering.steps(statements, steps, least)
        return sequence(steps, self.jumps(statements))

    def body_free(self, statements: Sequence[ops.Op]) -> Closure | None:
        """The same without fuel, which is taken elsewhere."""
        return sequence(self._steps(statements), self.jumps(statements))

    def _steps(self, statements: Sequence[ops.Op]) -> list[Closure]:
        steps: list[Closure] = []
        for op in statements:
            built = self.tables.statements[type(op)](self, op)
            steps += built if isinstance(built, list) else [built]
        return steps

    def jumps(self, statements: Sequence[ops.Op]) -> bool:
        """Whether a break or continue in these statements is to end what encloses them."""
        return any(map(self._jumps, statements))

    def _jumps(self, op: ops.Op) -> bool:
        jumps = self._jumping.get(op)
        if jumps is None:
            match op:
                case ops.If():
                    jumps = self.jumps(op.orelse) or any(self.jumps(body) for _, body, _ in op.branches)
                case ops.Enter() | ops.Capture():
                    jumps = self.jumps(op.body)
                case ops.For():
                    jumps = self.jumps(op.orelse or ())
                case _:
                    jumps = type(op) is ops.Jump
            self._jumping[op] = jumps
        return jumps


def sequence(steps: Sequence[Closure], may_jump: bool = False) -> Closure | None:
    """One closure for several statements; None for none."""
    if len(steps) <= 1:
        return steps[0] if steps else None
    if any(map(suspends, steps)):
        return _suspending_sequence(steps)
    if may_jump:

        def until_jump(f: Frame) -> Any:
            for step in steps:
                outcome = step(f)
                if outcome is not None:
                    return outcome
            return None

        return until_jump
    return straight(steps)


def _suspending_sequence(steps: Sequence[Closure]) -> Closure:
    with_kind = [(step, suspends(step)) for step in steps]

    def several(f: Frame) -> Generator[Any, Any, Any]:
        for step, stops in with_kind:
            outcome = (yield from step(f)) if stops else step(f)
            if outcome is not None:
                return outcome
        return None

    return several


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


# --- chunks of output: texts and the texts of closures, joined by as few closures as possible -------------------

type Fragment = str | Closure
"""A text, or a closure whose result is formatted as text."""


def constant_writer(text: str) -> Closure:
    """A statement that writes a text."""

    def put(f: Frame) -> None:
        f[OUTPUT].append(text)

    return put


def writer(parts: Sequence[Fragment]) -> Closure:
    """A statement that writes texts and the texts of closures."""
    texts, values = alternating(parts)
    match values:
        case []:
            return constant_writer(texts[0])
        case [v]:
            before, after = texts

            def put_one(f: Frame) -> None:
                f[OUTPUT].append(f"{before}{v(f)}{after}")

            return put_one
    text = joiner(parts)

    def put(f: Frame) -> None:
        f[OUTPUT].append(text(f))

    return put


def joiner(parts: Sequence[Fragment]) -> Closure:
    """A closure for the text of several parts: an f-string for up to four values, else several that are joined."""
    texts, values = alternating(parts)
    match values:
        case []:
            constant = texts[0]
            return lambda f: constant
        case [v]:
            t, u = texts
            return lambda f: f"{t}{v(f)}{u}"
        case [v, w]:
            t, u, x = texts
            return lambda f: f"{t}{v(f)}{u}{w(f)}{x}"
        case [v, w, y]:
            t, u, x, z = texts
            return lambda f: f"{t}{v(f)}{u}{w(f)}{x}{y(f)}{z}"
        case [v, w, y, k]:
            t, u, x, z, m = texts
            return lambda f: f"{t}{v(f)}{u}{w(f)}{x}{y(f)}{z}{k(f)}{m}"
    joined = []
    for start in range(0, len(values), 4):
        group: list[Fragment] = [texts[start]]
        for number, closure in enumerate(values[start : start + 4], start):
            group.append(closure)
            if number + 1 == len(values) or number + 1 < start + 4:
                group.append(texts[number + 1])
        joined.append(joiner(group))
    if len(joined) == 2:
        first, second = joined
        return lambda f: f"{first(f)}{second(f)}"
    join = "".join
    return lambda f: join([part(f) for part in joined])


def alternating(parts: Sequence[Fragment]) -> tuple[list[str], list[Closure]]:
    """Returns (texts, closures): the text before the first closure, between each two, and after the last; and the
    closures."""
    texts, values = [""], []
    for part in parts:
        if isinstance(part, str):
            texts[-1] += part
        else:
            values.append(part)
            texts.append("")
    return texts, values
