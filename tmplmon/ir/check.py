"""Validation of programs: the invariants of the IR that back ends rely on.

Rule: each check is about one invariant, and names the op, slot or site that violates it. `check_program` takes
about as long as lowering, so the pipeline does not run it. Tests do, for every template of the corpus.

The invariants:

* Sites. Each is in range. `lines` and `branches` have each site once, in source order, and only sites of ops. The
  sites of `LINE_OPS` fire LINE, and those of `BRANCH_OPS` fire BRANCH.
* Slots. A slot that an op reads or assigns is visible there: it is in the context of the scope, in a frame around
  the op, or a temporary that has been assigned. In a nested scope, slots that are visible where the scope is made
  are, too, and marked `captured`. The kind of a slot fits its frame. A slot that may be read before it is
  assigned is marked `initialised`.
* Structure. A Jump is in a loop of its scope, and a LoopAttr in the loop that it refers to. A run of output is not
  empty. The program has the block of each CallBlock, under its own name.
"""

from typing import Any

from tmplmon.ir import ops
from tmplmon.ir.check_slots import InvalidIR, Sight, SlotChecks
from tmplmon.ir.ops import Scope, ScopeKind, Slot, SlotKind
from tmplmon.ir.walk import children, field_names, scope_nodes, walk

# Ops whose site fires LINE when they are reached. The sites of If are in its branches. The macro of a call block
# has the same site as the output of the call.
LINE_OPS = (
    *(ops.Assign, ops.Evaluate, ops.For, ops.Jump, ops.Enter, ops.Capture, ops.MakeMacro, ops.CallBlock),
    *(ops.Include, ops.Import, ops.Extends, ops.EmitValue),
)
# Ops whose site fires BRANCH. Include does if it ignores missing templates.
BRANCH_OPS = (ops.For, ops.Logical, ops.Conditional)

__all__ = ["InvalidIR", "check_program"]


def check_program(program: ops.Program) -> None:
    """Check all invariants of the module's docstring. Raises InvalidIR for the first one that does not hold."""
    _Scope(program.root, program, None).check(ScopeKind.TEMPLATE)
    for name, scope in program.blocks.items():
        checker = _Scope(scope, program, None)
        if scope.name != name:
            checker.fail(f"the block is called {name!r} by its program")
        checker.check(ScopeKind.BLOCK)
    extends = any(type(node) is ops.Extends for node in walk(program.root.body))
    if extends != program.root.extends:
        _Scope(program.root, program, None).fail(f"`extends` is {program.root.extends}")


class _Scope(SlotChecks):
    """The checks of one scope."""

    def __init__(self, scope: Scope, program: ops.Program, outer: Sight | None) -> None:
        super().__init__(scope, program, outer)
        self.lines = set(scope.lines)
        self.branches = set(scope.branches)

    # --- a scope -------------------------------------------------------------------------------------------

    def check(self, *kinds: ScopeKind) -> None:
        scope = self.scope
        if scope.kind not in kinds:
            self.fail(f"a {scope.kind.value} scope stands where there should be a {kinds[0].value}")
        nested = scope.kind in (ScopeKind.MACRO, ScopeKind.CALL)
        if (scope.parent is not None) != nested:
            self.fail("only the scope of a macro or a call body has a parent")
        if not nested and (scope.parameters or scope.varargs or scope.kwargs or scope.caller):
            self.fail("only a macro or a call body has parameters")
        self.positions()
        self.context()
        parameters = [slot for slot, _ in scope.parameters]
        parameters += [slot for slot in (scope.varargs, scope.kwargs, scope.caller) if slot is not None]
        self.open(scope.frame, parameters)
        for slot, argument in scope.arguments.items():
            if all(slot is not parameter for parameter, _ in scope.parameters):
                self.fail(f"{slot!r} has an argument, but is no parameter")
            self.store(argument, None)
        for slot, default in scope.parameters:
            if default is not None:
                self.expression(default)
            self.sight.assigned.add(slot)
        self.body(scope.body)
        self.listed_sites()
        macro_scopes = [node.scope for node in scope_nodes(scope) if type(node) is ops.MakeMacro]
        if list(map(id, macro_scopes)) != list(map(id, scope.nested)):
            self.fail(
                f"`nested` has {[each.name for each in scope.nested]}, made are {[s.name for s in macro_scopes]}"
            )

    def positions(self) -> None:
        for site, (line, end_line, column, end_column) in enumerate(self.scope.positions):
            if line < 1 or column < 0 or (end_line, end_column) < (line, column):
                self.fail(f"site {site} has the position {(line, end_line, column, end_column)}")
        for name in ("lines", "branches"):
            sites: list[int] = getattr(self.scope, name)
            for site in sites:
                if not 0 <= site < len(self.scope.positions):
                    self.fail(f"`{name}` has site {site}, of {len(self.scope.positions)}")
            if len(set(sites)) != len(sites):
                self.fail(f"`{name}` has a site twice: {sites}")
        starts = [self.start(site) for site in self.scope.lines]
        if starts != sorted(starts):
            self.fail("`lines` is not in source order")

    def start(self, site: int) -> tuple[int, int]:
        line, _, column, _ = self.scope.positions[site]
        return line, column

    def context(self) -> None:
        for name, slot in self.scope.context.items():
            if slot.kind is not SlotKind.CONTEXT or slot.name != name or slot.scope is not self.scope:
                self.fail(f"{slot!r} is in the context under the name {name!r}")

    def listed_sites(self) -> None:
        for name, listed in (("lines", self.lines), ("branches", self.branches)):
            if extra := listed - self.used:
                self.fail(f"`{name}` has sites that no op has: {sorted(extra)}")

    # --- ops -----------------------------------------------------------------------------------------------

    def fires(self, site: int, node: Any, *, line: bool = False, branch: bool = False) -> None:
        self.site(site, node)
        if line and site not in self.lines:
            self.fail(f"its site {site} is not in `lines`", node)
        if branch and site not in self.branches:
            self.fail(f"its site {site} is not in `branches`", node)

    def expression(self, root: Any) -> None:
        """Check all ops of an expression. None of them assigns, so their order does not matter."""
        pending = [root]
        while pending:
            node = pending.pop()
            self.op(node)
            pending += children(node)

    def op(self, node: Any) -> None:
        """Check the invariants of a single op."""
        site = getattr(node, "site", None)
        if site is not None and not (type(node) is ops.EmitText and site == -1):
            self.fires(site, node, line=isinstance(node, LINE_OPS), branch=isinstance(node, BRANCH_OPS))
        if isinstance(node, (ops.Load, ops.NamespaceTarget)):
            self.read(node.slot, node)
        elif type(node) is ops.LoopAttr:
            if not any(loop is node.loop for loop in self.sight.loops):
                self.fail("it asks a loop that is not around it in its scope", node)
            if node.name not in node.loop.attributes:
                self.fail(f"its loop does not say that {node.name!r} is read", node)
        for name in field_names(type(node)):
            value = getattr(node, name)
            if name == "locals":
                for local in value:
                    self.local(local, node)
            elif name == "caller" and value is not None:
                self.read(value, node)

    def body(self, body: list[ops.Op], *, frame: ops.Frame | None = None, **opened: Any) -> None:
        """Check statements, in order. If they have a `frame` of their own, slots that they assign do not count as
        assigned afterwards."""
        if frame is None:
            for node in body:
                self.statement(node)
            return
        sight = self.sight
        frames, assigned, temps = len(sight.frames), set(sight.assigned), set(sight.temps)
        self.open(frame, opened.get("bound", ()))
        for node in body:
            self.statement(node)
        del sight.frames[frames:]
        sight.assigned, sight.temps = assigned, temps

    def statement(self, node: Any) -> None:
        special = _STATEMENTS.get(type(node))
        if special is not None:
            special(self, node)
        else:
            self.fail(f"{type(node).__name__} is not a statement", node)

    def emit(self, node: ops.Emit) -> None:
        if not node.pieces:
            self.fail("a run of output has no pieces", node)
        for piece in node.pieces:
            if type(piece) is ops.EmitText:
                self.text(piece)
            else:
                self.expression(piece)

    def text(self, piece: ops.EmitText) -> None:
        if not piece.text:
            self.fail("a piece of text is empty", piece)
        if piece.text.isspace() != (piece.site == -1):
            self.fail(f"the text {piece.text[:40]!r} has the site {piece.site}", piece)
        if piece.site != -1:
            self.fires(piece.site, piece, line=True)

    def if_(self, node: ops.If) -> None:
        if not node.branches:
            self.fail("an If has no branches", node)
        sight = self.sight
        before = sight.assigned
        outcomes = []
        for test, body, site in node.branches:
            self.fires(site, node, line=True, branch=True)
            self.expression(test)
            sight.assigned = set(before)
            self.body(body)
            outcomes.append(sight.assigned)
            sight.assigned = before
        sight.assigned = set(before)
        self.body(node.orelse)
        outcomes.append(sight.assigned)
        sight.assigned = before | set.intersection(*outcomes)

    def for_(self, node: ops.For) -> None:
        self.fires(node.site, node, line=True, branch=True)
        self.expression(node.iter)
        parts = (node.test is None, node.test_frame is None, node.test_target is None)
        if len(set(parts)) != 1:
            self.fail("of `test`, `test_frame` and `test_target` some are missing", node)
        sight = self.sight
        if node.test is not None and node.test_frame is not None and node.test_target is not None:
            frames, assigned = len(sight.frames), set(sight.assigned)
            self.open(node.test_frame, targets(node.test_target))
            self.expression(node.test)
            del sight.frames[frames:]
            sight.assigned = assigned
        bound = targets(node.target)
        if node.loop.whole and node.loop.slot is None:
            self.fail("its loop is read, but has no slot", node)
        if node.loop.slot is not None and node.frame.slots.get("loop") is node.loop.slot:
            bound.append(node.loop.slot)
        sight.loops.append(node.loop)
        self.body(node.body, frame=node.frame, bound=bound)
        sight.loops.pop()
        if node.orelse is not None:
            self.body(node.orelse, frame=node.else_frame)

    def jump(self, node: ops.Jump) -> None:
        self.op(node)
        if node.kind not in ("break", "continue"):
            self.fail(f"a jump of the kind {node.kind!r}", node)
        if not self.sight.loops:
            self.fail("it is in no loop of its scope", node)

    def assign(self, node: ops.Assign) -> None:
        self.fires(node.site, node, line=True)
        self.expression(node.value)
        self.store(node.target, node)
        self.export(node)

    def export(self, node: Any) -> None:
        for slot in node.export:
            if slot.scope is not self.program.root or self.scope is not self.program.root:
                self.fail(f"{slot!r} is exported from a scope that is not the template's", node)
            if slot not in self.sight.assigned:
                self.fail(f"{slot!r} is exported, but not assigned here", node)

    def enter(self, node: ops.Enter) -> None:
        self.fires(node.site, node, line=True)
        sight = self.sight
        frames, assigned, temps = len(sight.frames), set(sight.assigned), set(sight.temps)
        # The targets of the bindings are in the frame, but their values are evaluated in the frame around it.
        for _, value in node.bindings:
            self.expression(value)
        self.open(node.frame)
        for target, _ in node.bindings:
            self.store(target, node)
        if node.autoescape is not None:
            self.expression(node.autoescape)
        self.body(node.body)
        del sight.frames[frames:]
        if node.frame.slots:
            sight.assigned, sight.temps = assigned, temps

    def capture(self, node: ops.Capture) -> None:
        self.fires(node.site, node, line=True)
        if node.slot.kind is not SlotKind.TEMP:
            self.fail(f"it fills {node.slot!r}", node)
        self.body(node.body, frame=node.frame)
        self.store(node.slot, node)

    def make_macro(self, node: ops.MakeMacro) -> None:
        self.fires(node.site, node, line=True)
        if node.scope.parent is not self.scope:
            self.fail("the parent of its scope is another scope", node)
        if (node.scope.kind is ScopeKind.CALL) != (node.slot.kind is SlotKind.TEMP):
            self.fail(f"a {node.scope.kind.value} is bound to {node.slot!r}", node)
        _Scope(node.scope, self.program, self.sight).check(ScopeKind.MACRO, ScopeKind.CALL)
        self.store(node.slot, node)
        self.export(node)

    def call_block(self, node: ops.CallBlock) -> None:
        self.op(node)
        if node.name not in self.program.blocks:
            self.fail(f"the program has no block {node.name!r}", node)
        if node.required != self.program.blocks[node.name].required:
            self.fail("it and its block do not agree on `required`", node)

    def include(self, node: ops.Include) -> None:
        self.fires(node.site, node, line=True, branch=node.ignore_missing)
        self.expression(node)

    def import_(self, node: ops.Import) -> None:
        if node.target is not None and node.names is None:
            slots = [node.target]
        elif node.target is None and node.names is not None:
            slots = [slot for _, slot in node.names]
        else:
            self.fail("it has to have either a target or names", node)
        self.expression(node)
        for slot in slots:
            self.store(slot, node)
        self.export(node)

    def extends(self, node: ops.Extends) -> None:
        self.expression(node)
        if self.scope is not self.program.root:
            self.fail("it is not in the template's body", node)


def targets(target: ops.Target) -> list[Slot]:
    """The slots that a target assigns. An attribute of a namespace is not a slot."""
    if isinstance(target, tuple):
        return [slot for part in target for slot in targets(part)]
    return [target] if isinstance(target, Slot) else []


_STATEMENTS: dict[type[Any], Any] = {
    ops.Emit: _Scope.emit,
    ops.Assign: _Scope.assign,
    ops.Evaluate: _Scope.expression,
    ops.If: _Scope.if_,
    ops.For: _Scope.for_,
    ops.Jump: _Scope.jump,
    ops.Enter: _Scope.enter,
    ops.Capture: _Scope.capture,
    ops.MakeMacro: _Scope.make_macro,
    ops.CallBlock: _Scope.call_block,
    ops.Include: _Scope.include,
    ops.Import: _Scope.import_,
    ops.Extends: _Scope.extends,
}
