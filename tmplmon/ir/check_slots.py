"""Validation of slots: which slots are visible at a place, and which certainly have a value there.

Rule: after an `If`, the slots count as assigned that all its paths assign. The slots of a frame are no longer
visible after it. A nested scope starts with the slots that are assigned where it is made, as it cannot run
before. An op that reads a slot which may be unassigned needs it to be `initialised`. A slot that starts with the
value of another slot reads that when its frame opens.
"""

from collections.abc import Iterable
from typing import Any, NoReturn

from tmplmon.ir import ops
from tmplmon.ir.ops import Scope, ScopeKind, Slot, SlotKind
from tmplmon.ir.show import show_place, show_scope

# The kinds of slots that any frame may have.
_FRAME_KINDS = {SlotKind.CONTEXT, SlotKind.OUTER, SlotKind.UNSET}


class InvalidIR(AssertionError):
    """A program violates an invariant of the IR. The message says which one, and shows the scope."""


class Sight:
    """The visible frames and loops at one place, outermost first, and the slots that are certainly assigned
    there."""

    __slots__ = ("assigned", "frames", "loops", "outer", "temps")

    def __init__(self, outer: "Sight | None" = None) -> None:
        self.outer = outer
        self.frames: list[ops.Frame] = []
        self.loops: list[ops.LoopUse] = []
        self.temps: set[Slot] = set()
        self.assigned: set[Slot] = set(outer.assigned) if outer is not None else set()

    def has(self, slot: Slot) -> bool:
        if slot.kind is SlotKind.TEMP:
            return slot in self.temps
        if slot.scope.context.get(slot.name) is slot:
            return True
        return any(frame.slots.get(slot.name) is slot for frame in self.frames)


class SlotChecks:
    """The checks of one scope's slots. `outer` is the `Sight` of the op that makes the scope."""

    def __init__(self, scope: Scope, program: ops.Program, outer: Sight | None) -> None:
        self.scope = scope
        self.program = program
        self.used: set[int] = set()
        self.sight = Sight(outer)

    def fail(self, problem: str, node: Any = None) -> NoReturn:
        scope = self.scope
        where = f"{scope.kind.value} {scope.name!r}"
        if node is not None:
            where += f", {type(node).__name__}"
            site = getattr(node, "site", -1)
            if 0 <= site < len(scope.positions):
                where += f" at {show_place(scope.positions[site])}"
        raise InvalidIR(
            f"{self.program.name or self.program.filename}: {where}: {problem}\n{show_scope(scope)}"
        )

    def site(self, site: int, node: Any) -> None:
        if not 0 <= site < len(self.scope.positions):
            self.fail(f"site {site} is not one of the scope's {len(self.scope.positions)}", node)
        self.used.add(site)

    def open(self, frame: ops.Frame, bound: Iterable[Slot] = ()) -> None:
        """Check a frame that is opened. `bound` has the slots that the op which opens it assigns."""
        scope, sight = self.scope, self.sight
        bound = set(bound)
        for slot in bound:
            if frame.slots.get(slot.name) is not slot:
                self.fail(f"{slot!r} is bound by the opener of a frame that does not have it")
            if slot.kind is not SlotKind.BOUND:
                self.fail(f"{slot!r} is bound by the opener of its frame")
        for name, slot in frame.slots.items():
            if slot.name != name:
                self.fail(f"{slot!r} is in a frame under the name {name!r}")
            if slot.scope is not scope:
                self.fail(f"{slot!r} of {slot.scope.name!r} is in a frame of another scope")
            if not any(each is slot for each in scope.slots):
                self.fail(f"{slot!r} is in a frame, but not among the scope's `slots`")
            if (slot.kind is SlotKind.OUTER) != (slot.origin is not None):
                self.fail(f"{slot!r} has the origin {slot.origin!r}")
            if slot.kind is SlotKind.CONTEXT and scope.context.get(name) is not slot:
                self.fail(f"{slot!r} is not the slot that the context has for the name")
            own = slot.origin is not None and frame.slots.get(slot.origin.name) is slot.origin
            if slot.origin is not None and slot.initialised and not own:
                self.read(slot.origin)
            self.kind(slot, frame, bound)
            if slot.kind in (SlotKind.BOUND, SlotKind.CONTEXT, SlotKind.SELF, SlotKind.SUPER):
                sight.assigned.add(slot)
        sight.frames.append(frame)

    def kind(self, slot: Slot, frame: ops.Frame, bound: set[Slot]) -> None:
        """Check that the kind of a slot fits its frame."""
        scope = self.scope
        if slot.kind in _FRAME_KINDS or slot in bound:
            return
        own = frame is scope.frame
        if slot.kind is SlotKind.SELF and own and scope.kind in (ScopeKind.TEMPLATE, ScopeKind.BLOCK):
            return
        if slot.kind is SlotKind.SUPER and own and scope.kind is ScopeKind.BLOCK:
            return
        self.fail(f"{slot!r} is in a frame whose opener does not give it a value")

    def read(self, slot: Slot, node: Any = None) -> None:
        """Check a slot that is read here, or when the scope that starts here runs."""
        scope: Scope | None = self.scope
        sight: Sight | None = self.sight
        while scope is not slot.scope:
            if scope is None or sight is None:
                self.fail(f"{slot!r} is of the scope {slot.scope.name!r}, which is not around this one", node)
            scope, sight = scope.parent, sight.outer
        if sight is None or not sight.has(slot):
            self.fail(f"{slot!r} is not in sight", node)
        if slot.scope is not self.scope and not slot.captured:
            self.fail(f"{slot!r} of an enclosing scope is read, but not marked captured", node)
        unsure = slot.kind in (SlotKind.OUTER, SlotKind.UNSET) and slot not in self.sight.assigned
        if unsure and not slot.initialised:
            self.fail(f"{slot!r} may be read before it is assigned, but is not marked initialised", node)

    def store(self, target: ops.Target, node: Any) -> None:
        if isinstance(target, tuple):
            for part in target:
                self.store(part, node)
        elif isinstance(target, ops.NamespaceTarget):
            self.site(target.site, target)
            self.read(target.slot, target)
        else:
            if target.scope is not self.scope:
                self.fail(f"{target!r} of another scope is assigned", node)
            if target.kind is not SlotKind.TEMP and not any(
                frame.slots.get(target.name) is target for frame in self.sight.frames
            ):
                self.fail(f"{target!r} is assigned, but is in no frame around", node)
            if target.kind is SlotKind.TEMP:
                self.sight.temps.add(target)
            self.sight.assigned.add(target)

    def local(self, local: ops.Local, node: Any) -> None:
        if local.slot.name != local.name:
            self.fail(f"{local.slot!r} is handed on under the name {local.name!r}", node)
        self.read(local.slot, node)
        kinds = (SlotKind.OUTER, SlotKind.UNSET)
        if local.slot.kind in kinds and local.slot not in self.sight.assigned and not local.maybe_unset:
            self.fail(f"{local.slot!r} is handed on as set, but may not be", node)
