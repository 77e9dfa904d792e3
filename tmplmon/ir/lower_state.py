"""Where the lowering is: the scope and level whose statements it is at, and what is known there.

Rule: a *level* is a frame while it is lowered. Names are found from level to level outwards, and become slots
of the frame that `resolve` says they belong to. `assigned` are the slots that certainly have a value at this point.
"""

from collections.abc import Callable, Container, Iterator, Sequence
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
    """What the lowering has to know of the environment.

    `autoescape` is the setting for this template, `filters` and `tests` the known names; `newline` replaces the
    line ends of text; `trim_messages` is the policy for ``trans`` blocks that do not say; `newstyle_gettext` as in
    Jinja2's i18n extension; `finalize` tells that output values pass through a function of the application's;
    `stepping` asks for a program to step through, see `Environment.stepping`.
    """

    autoescape: bool = False
    filters: Container[str] = ()
    tests: Container[str] = ()
    newline: str = "\n"
    trim_messages: bool = False
    newstyle_gettext: bool = False
    finalize: bool = False
    stepping: bool = False


@record
class Level:
    """One naming level while its statements are lowered: the frame and what Jinja's rules ask of its place."""

    frame: Frame
    scope: Scope
    outer: "Level | None"
    toplevel: bool = False  # the template body itself, also inside an ``if`` there: sets are exported
    in_loop: bool = False  # directly a loop body's or a block's: context functions see what it sets
    soft: bool = False  # in an ``if``: an unknown filter is an error only when it is reached
    stored: set[str] = fresh(factory=set)
    set_here: list[Slot] = fresh(factory=list)  # what statements of this level assigned so far
    loop: ops.LoopUse | None = None

    def find(self, name: str) -> Slot | None:
        level: Level | None = self
        while level is not None:
            slot = level.frame.slots.get(name)
            if slot is not None:
                return slot
            level = level.outer
        return None


class State:
    """What all parts of the lowering share."""

    def __init__(self, source: Source, options: Options) -> None:
        self.source = source
        self.options = options
        self.autoescape: bool | None = options.autoescape
        self.blocks: dict[str, Scope] = {}
        self.level: Level
        self.scope: Scope
        self.body: list[Op] = []
        self.assigned: set[Slot] = set()  # slots that have certainly been assigned at this point
        self.extends_seen = False  # an ``extends`` may have run before this point
        self.extended = False  # one certainly has
        self.output_dropped = False  # output statements here are the template body's own
        self.pending: set[Slot] = set()  # parameters whose defaults have not been evaluated at this point
        self.loops = 0  # loops open in this scope
        self.in_for = False  # in a loop, of this scope or of one around it
        self.temps = 0

    def statements(self, body: Sequence[nodes.Stmt] | None) -> None:
        """Lower statements to the end of `self.body`."""
        raise NotImplementedError  # `lower` has the table.

    def fail(self, message: str, node: nodes.Node, hint: str | None = None) -> TemplateSyntaxError:
        return syntax_error(self.source, message, node.start, node.end, hint=hint, cls=TemplateAssertionError)

    # --- scopes and frames ----------------------------------------------------------------------------------

    @contextmanager
    def in_scope(self, scope: Scope, level: Level) -> Iterator[None]:
        saved = (self.__dict__.get("level"), self.__dict__.get("scope"), self.body, self.assigned, self.loops)
        self.level, self.scope, self.body, self.loops = level, scope, scope.body, 0
        self.assigned = set(self.assigned)
        yield
        self.level, self.scope, self.body, self.assigned, self.loops = saved  # type: ignore[assignment]

    @contextmanager
    def in_level(self, level: Level, body: list[Op]) -> Iterator[None]:
        """Lowers into `body` at `level`; what is assigned there does not count as assigned afterwards."""
        saved = self.level, self.body, self.assigned
        self.level, self.body, self.assigned = level, body, set(self.assigned)
        yield
        self.level, self.body, self.assigned = saved

    def inner(self, **place: Any) -> Level:
        return Level(Frame(), self.scope, self.level, **place)

    def open_frame(self, level: Level, visit: Callable[[FrameNames], None]) -> None:
        """Gives the level's frame its slots. `visit` shows the frame's statements to the name analysis."""
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
                    # The scope's look-up is shared by its frames, so a frame that assigns has a copy.
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
        """A new frame has a variable of this name: the enclosing one's is put aside meanwhile, so it must be
        there."""
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
        """A slot of the current level that is there from the start."""
        slot = self.level.frame.slots[name] = self.new_slot(name, kind, self.level.scope)
        self.hide(name, self.level)
        if self.level.frame is self.level.scope.frame:
            self.level.scope.context.pop(name, None)
        self.level.stored.add(name)
        self.assigned.add(slot)
        return slot

    def bind_reference(self, name: str, kind: SlotKind) -> None:
        """``self`` or ``super`` in the frame of a scope. Where statements of the frame assign the name too, it is a
        variable that starts as the reference."""
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
        """The target of a loop: new slots of the level's frame."""
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
        if slot not in self.level.set_here:
            self.level.set_here.append(slot)
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
        return target_slots(target) if self.level.toplevel else []

    def locals(self) -> list[Local]:
        """The variables in sight that the template itself has assigned or bound."""
        found: dict[str, Local] = {}
        level: Level | None = self.level
        while level is not None:
            for name in sorted(level.stored):
                if name not in found:
                    slot = level.frame.slots[name]
                    if slot.kind in (SlotKind.SELF, SlotKind.SUPER):
                        continue
                    found[name] = Local(name, self.read(slot), slot not in self.assigned)
            level = level.outer
        return list(found.values())

    def set_in_this_loop(self) -> list[Local]:
        """What a context function called here sees beside the context: the variables that this loop body or
        block has set so far."""
        if not self.level.in_loop:
            return []
        return [Local(s.name, self.read(s), s not in self.assigned) for s in self.level.set_here]

    def read(self, slot: Slot) -> Slot:
        """Notes that `slot` is read here."""
        if slot not in self.assigned:
            slot.initialised = True
        if slot.scope is not self.scope:
            slot.captured = True
            # A nested scope may run before or after any assignment in the enclosing one.
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
        """The slot for what a default reads of a parameter that has not got its own default yet."""
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
