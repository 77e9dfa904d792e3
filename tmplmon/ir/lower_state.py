"""The state of the lowering: the scope and level whose statements are being lowered, and the facts that hold there.

Rule: a *level* is a frame while it is lowered. Names are looked up from the current level outwards. A name
becomes a slot of the frame that `resolve` assigns it to. `assigned` has the slots that certainly have a value at
this point.
"""

import itertools
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tmplmon.errors import TemplateAssertionError, TemplateSyntaxError
from tmplmon.ir import ops
from tmplmon.ir.ops import Frame, Local, Op, Scope, Slot, SlotKind
from tmplmon.ir.resolve import FrameNames, Start
from tmplmon.records import fresh, record
from tmplmon.syntax import nodes
from tmplmon.syntax.report import syntax_error
from tmplmon.syntax.source import Source


@record
class Options:
    """The properties of an environment that the lowering depends on.

    autoescape: whether the output of this template is escaped.
    filters, tests: the known names.
    newline: replaces the line ends of text.
    trim_messages: whether the texts of ``trans`` blocks without ``trimmed`` or ``notrimmed`` are trimmed.
    newstyle_gettext: whether the gettext functions are new-style.
    finalize: whether values pass through a function of the environment before they are output.
    stepping: whether the program is for a debugger; see `Environment.stepping`.
    """

    autoescape: bool = False
    filters: Container[str] = ()
    tests: Container[str] = ()
    newline: str = "\n"
    trim_messages: bool = False
    newstyle_gettext: bool = False
    finalize: bool = False
    stepping: bool = False


# The largest number of variables of which each op has a list of its own; see `LoweringState.locals`.
MANY_LOCALS = 24


@record
class Level:
    """A frame while its statements are lowered, with the properties that Jinja's rules depend on.

    toplevel: whether it is the level of the template body, including an ``if`` in it: assignments are exported.
    in_loop: whether it is the level of a loop body or block: functions with the context see what it assigns.
    soft: whether it is in an ``if``: an unknown filter is an error only when it is reached.
    stored: the names that the frame assigns or binds.
    set_here: the slots that statements of this level have assigned so far.
    shared: the first `shared_count` of these, if they are many.
    sets_outer: whether one of these has a first value from an enclosing frame, so that they cannot be shared.
    loop: the use of ``loop`` if this is the level of a loop body that names it.
    """

    frame: Frame
    scope: Scope
    outer: "Level | None"
    toplevel: bool = False
    in_loop: bool = False
    soft: bool = False
    stored: set[str] = fresh(factory=set)
    set_here: dict[Slot, None] = fresh(factory=dict)
    shared: list[Local] = fresh(factory=list)
    shared_count: int = 0
    sets_outer: bool = False
    loop: ops.LoopUse | None = None

    def find(self, name: str) -> Slot | None:
        level: Level | None = self
        while level is not None:
            slot = level.frame.slots.get(name)
            if slot is not None:
                return slot
            level = level.outer
        return None


class Assigned:
    """A set of slots that can be set back to what it was at an earlier place. That takes time for the slots that
    were added since, not for all of them, as a copy of the set would."""

    __slots__ = ("_added", "_slots")

    def __init__(self) -> None:
        self._slots: set[Slot] = set()
        self._added: list[Slot] = []

    def __contains__(self, slot: Slot) -> bool:
        return slot in self._slots

    def missing(self, slots: set[Slot]) -> set[Slot]:
        """Those of `slots` that are not in the set."""
        return slots - self._slots

    def add(self, slot: Slot) -> None:
        if slot not in self._slots:
            self._slots.add(slot)
            self._added.append(slot)

    def update(self, slots: Iterable[Slot]) -> None:
        for slot in slots:
            self.add(slot)

    def place(self) -> int:
        """The number of slots, which `back` takes."""
        return len(self._added)

    def back(self, place: int) -> set[Slot]:
        """Remove the slots that were added since `place`, and return them."""
        removed = set(self._added[place:])
        del self._added[place:]
        self._slots -= removed
        return removed


class State:
    """The state that all parts of the lowering share."""

    def __init__(self, source: Source, options: Options) -> None:
        self.source = source
        self.options = options
        self.newline = "\n" if source.newlines_replaced else options.newline
        self.autoescape: bool | None = options.autoescape
        self.blocks: dict[str, Scope] = {}
        self.level: Level
        self.scope: Scope
        self.body: list[Op] = []
        self.assigned = Assigned()  # the slots that have certainly been assigned at this point
        self.extends_seen = False  # whether an ``extends`` may have run before this point
        self.extended = False  # whether an ``extends`` has certainly run
        self.output_dropped = False  # whether output here is dropped after an ``extends``
        self.pending: set[Slot] = set()  # parameters whose defaults have not been evaluated at this point
        self.captured_slots = (
            0  # the number of slots of this scope that are marked as captured, from the first
        )
        self.in_scope_loop = False  # whether this is in a loop of this scope
        self.in_for = False  # whether this is in a loop, of this scope or of one around it
        self.temps = 0
        # (frame, number of variables) → the list of `locals`, and the variables in it without a first value.
        self.shared_locals: dict[tuple[Frame, int], tuple[list[Local], set[Slot]]] = {}

    def statements(self, body: Sequence[nodes.Stmt] | None) -> None:
        """Lower statements, and append them to `self.body`."""
        raise NotImplementedError  # `lower` has the table.

    def fail(self, message: str, node: nodes.Node, hint: str | None = None) -> TemplateSyntaxError:
        return syntax_error(self.source, message, node.start, node.end, hint=hint, cls=TemplateAssertionError)

    # --- scopes and frames ----------------------------------------------------------------------------------

    @contextmanager
    def in_scope(self, scope: Scope, level: Level) -> Iterator[None]:
        # fmt: off
        saved = (
            self.__dict__.get("level"), self.__dict__.get("scope"), self.body, self.assigned,
            self.in_scope_loop, self.captured_slots,
        )
        self.level, self.scope, self.body = level, scope, scope.body
        self.in_scope_loop, self.captured_slots = False, 0
        place = self.assigned.place()
        yield
        self.level, self.scope, self.body, self.assigned, self.in_scope_loop, self.captured_slots = saved  # type: ignore[assignment]
        # fmt: on
        self.assigned.back(place)

    @contextmanager
    def in_level(self, level: Level, body: list[Op]) -> Iterator[None]:
        """Lower into `body` at `level`. Slots that are assigned there do not count as assigned afterwards."""
        saved = self.level, self.body
        self.level, self.body = level, body
        place = self.assigned.place()
        yield
        self.level, self.body = saved
        self.assigned.back(place)

    def inner(self, **place: Any) -> Level:
        return Level(Frame(), self.scope, self.level, **place)

    def open_frame(self, level: Level, visit: Callable[[FrameNames], None]) -> None:
        """Make the slots of the level's frame. `visit` passes the frame's statements to the analysis of names."""
        outer = level.outer
        names = FrameNames((lambda name: outer.find(name) is not None) if outer else (lambda name: False))
        for bound in level.frame.slots:
            names.bind(bound)
        visit(names)
        level.stored |= names.stored
        slots = level.frame.slots
        for name, start in names.starts.items():
            if name in slots:
                continue
            if start is Start.CONTEXT:
                slot = self.context_slot(level.scope, name)
                if name in names.stored and level.frame is not level.scope.frame:
                    # The slot of the context is shared by all frames, so a frame that assigns it needs its own.
                    slot = self.new_slot(name, SlotKind.OUTER, level.scope, slot)
                slots[name] = slot
            elif start is Start.OUTER:
                assert outer is not None
                origin = outer.find(name)
                assert origin is not None
                slots[name] = self.new_slot(name, SlotKind.OUTER, level.scope, origin)
                self.hide(name, level)
                self.note_capture(origin, level.scope)
            elif start is Start.UNSET:
                slots[name] = self.new_slot(name, SlotKind.UNSET, level.scope)
            else:
                slots[name] = self.new_slot(name, SlotKind.BOUND, level.scope)

    def new_slot(self, name: str, kind: SlotKind, scope: Scope, origin: Slot | None = None) -> Slot:
        slot = Slot(name, kind, scope, origin)
        scope.slots.append(slot)
        return slot

    def hide(self, name: str, level: Level) -> None:
        """Note that a new frame has a variable of this name: the value of the enclosing frame's variable is
        saved, so it must be initialised."""
        hidden = level.outer.find(name) if level.outer else None
        if hidden is not None and hidden.scope is level.scope and hidden not in self.assigned:
            hidden.initialised = True

    def context_slot(self, scope: Scope, name: str) -> Slot:
        slot = scope.context.get(name)
        if slot is None:
            slot = scope.context[name] = self.new_slot(name, SlotKind.CONTEXT, scope)
            slot.initialised = True
        return slot

    def bind(self, name: str, kind: SlotKind = SlotKind.BOUND) -> Slot:
        """A new slot of the current level that has a value from the start."""
        slot = self.level.frame.slots[name] = self.new_slot(name, kind, self.level.scope)
        self.hide(name, self.level)
        if self.level.frame is self.level.scope.frame:
            self.level.scope.context.pop(name, None)
        self.level.stored.add(name)
        self.assigned.add(slot)
        return slot

    def bind_reference(self, name: str, kind: SlotKind) -> None:
        """Bind ``self`` or ``super`` in the frame of a scope. If statements of the frame assign the name, too, it
        is a variable whose first value is the reference."""
        if name not in self.level.stored:
            self.bind(name, kind)
            return
        reference = self.bind(f".{name}", kind)
        self.scope.context.pop(name, None)
        self.level.frame.slots[name] = self.new_slot(name, SlotKind.OUTER, self.scope, reference)

    def temp(self, name: str) -> Slot:
        self.temps += 1
        slot = self.new_slot(f".{name}{self.temps}", SlotKind.TEMP, self.scope)
        self.assigned.add(slot)
        return slot

    def note_capture(self, slot: Slot, reader: Scope) -> None:
        if slot.scope is not reader:
            slot.captured = True
            if slot not in self.assigned:
                slot.initialised = True

    def bound_slots(self, target: nodes.Expr, level: Level) -> ops.Target:
        """The target of a loop, with new slots of the level's frame."""
        if isinstance(target, nodes.TupleExpr):
            return tuple(self.bound_slots(item, level) for item in target.items)
        assert isinstance(target, nodes.Name)
        if target.name == "loop":
            raise self.fail("the loop variable cannot be assigned to", target)
        slot = level.frame.slots.get(target.name)
        if slot is None or slot.kind is not SlotKind.BOUND:
            self.hide(target.name, level)
            slot = level.frame.slots[target.name] = self.new_slot(target.name, SlotKind.BOUND, level.scope)
        level.stored.add(target.name)
        return slot

    # --- sites ----------------------------------------------------------------------------------------------

    def site(self, start: int, end: int) -> int:
        positions = self.scope.positions
        positions.append(self.source.position(start, end))
        return len(positions) - 1

    def line_site(self, start: int, end: int) -> int:
        site = self.site(start, end)
        self.scope.lines.append(site)
        return site

    def branch_site(self, start: int, end: int) -> int:
        site = self.site(start, end)
        self.scope.branches.append(site)
        return site

    # --- variables ------------------------------------------------------------------------------------------

    def store(self, name: str) -> Slot:
        slot = self.level.frame.slots[name]
        slot.assigned += 1
        slot.macro = None
        self.assigned.add(slot)
        self.level.set_here[slot] = None
        return slot

    def assignment(self, target: nodes.Expr) -> ops.Target:
        if isinstance(target, nodes.TupleExpr):
            return tuple(self.assignment(item) for item in target.items)
        if isinstance(target, nodes.NamespaceRef):
            site = self.site(target.start, target.end)
            return ops.NamespaceTarget(self.load(target.name, site).slot, target.attr, site)
        assert isinstance(target, nodes.Name)
        self.check_not_loop(target.name, target)
        return self.store(target.name)

    def check_not_loop(self, name: str, node: nodes.Node) -> None:
        if name == "loop" and self.in_for:
            raise self.fail("the loop variable cannot be assigned to", node)

    def exported(self, target: ops.Target) -> list[Slot]:
        if not self.level.toplevel:
            return []
        return [slot for slot in target_slots(target) if slot.name[:1] != "."]

    def locals(self) -> list[Local]:
        """The visible variables that the template itself has assigned or bound.

        If there are many, all ops of a frame share one list. With a list for each op, time and memory would be
        quadratic in a template that has many variables and includes.
        """
        level: Level | None = self.level
        number = 0
        while level is not None:
            number += len(level.stored)
            level = level.outer
        if number <= MANY_LOCALS:
            return self.visible()
        shared = self.shared_locals.get((self.level.frame, number))
        if shared is None:
            variables = [Local(local.name, local.slot, True) for local in self.visible()]
            shared = variables, {local.slot for local in variables if not local.slot.initialised}
            self.shared_locals[self.level.frame, number] = shared
        variables, without_first_value = shared
        for slot in self.assigned.missing(without_first_value):
            slot.initialised = True
            without_first_value.remove(slot)
        return variables

    def visible(self) -> list[Local]:
        """A list for `locals`."""
        variables: dict[str, Local] = {}
        level: Level | None = self.level
        while level is not None:
            for name in sorted(level.stored):
                if name not in variables:
                    slot = level.frame.slots[name]
                    if slot.kind in (SlotKind.SELF, SlotKind.SUPER) or name[:1] == ".":
                        continue
                    variables[name] = Local(name, self.read(slot), slot not in self.assigned)
            level = level.outer
        return list(variables.values())

    def set_in_this_loop(self) -> list[Local]:
        """The variables that a function with the context sees in addition to those of the context: those that this
        loop body or block has assigned so far."""
        level = self.level
        if not level.in_loop:
            return []
        if len(level.set_here) > MANY_LOCALS and not level.sets_outer:
            # All ops share one list, as in `locals`. Variables that are not set yet are undefined.
            for slot in itertools.islice(level.set_here, level.shared_count, None):
                if slot.kind is not SlotKind.UNSET:
                    level.sets_outer = True
                    break
                if slot.name[:1] != ".":
                    slot.initialised = True
                    level.shared.append(Local(slot.name, self.read(slot), True))
            level.shared_count = len(level.set_here)
            if not level.sets_outer:
                return level.shared
        return [
            Local(slot.name, self.read(slot), slot not in self.assigned)
            for slot in level.set_here
            if slot.name[:1] != "."
        ]

    def read(self, slot: Slot) -> Slot:
        """Note that `slot` is read here. Returns the slot to read."""
        if slot not in self.assigned:
            slot.initialised = True
        if slot.scope is not self.scope:
            slot.captured = True
            # A nested scope may run before or after any assignment in the enclosing scope.
            if slot not in self.assigned:
                slot.initialised = True
        level = self.level
        while level.outer is not None and level.frame.slots.get(slot.name) is not slot:
            level = level.outer
        if level.loop is not None and level.loop.slot is slot:
            level.loop.whole = True
        return slot

    def load(self, name: str, site: int) -> ops.Load:
        slot = self.level.find(name)
        assert slot is not None, name
        if slot in self.pending:
            slot = self.argument(slot)
        return ops.Load(self.read(slot), site)

    def argument(self, parameter: Slot) -> Slot:
        """The slot that a default reads for a parameter whose own default has not been assigned yet."""
        arguments = self.scope.arguments
        if parameter not in arguments:
            arguments[parameter] = self.temp(parameter.name)
        return arguments[parameter]


def target_slots(target: ops.Target) -> list[Slot]:
    if isinstance(target, Slot):
        return [target]
    if isinstance(target, tuple):
        return [slot for part in target for slot in target_slots(part)]
    return []
