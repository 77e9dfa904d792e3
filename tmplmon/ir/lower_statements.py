"""Statements to ops, for the statements that stay inside their scope: output, conditions, loops, assignments."""

from collections.abc import Sequence

from tmplmon.ir import ops
from tmplmon.ir.lower_state import target_slots
from tmplmon.ir.lower_values import Values
from tmplmon.ir.ops import Frame, Op, Slot
from tmplmon.ir.resolve import FrameNames, reads
from tmplmon.syntax import nodes
from tmplmon.syntax.walk import statements


class Statements(Values):
    """Lowers statements that involve no other scope."""

    # --- output ---------------------------------------------------------------------------------------------

    def emit(self, piece: "ops.EmitText | ops.EmitValue") -> None:
        unless_extended = self.output_dropped and self.extends_seen
        last = self.body[-1] if self.body else None
        if type(last) is ops.Emit and last.unless_extended == unless_extended and self.continues(last, piece):
            last.pieces.append(piece)
        else:
            self.body.append(ops.Emit([piece], unless_extended))

    def continues(self, run: ops.Emit, piece: "ops.EmitText | ops.EmitValue") -> bool:
        """Whether a piece may be appended to a run. In a program for a debugger, each line has its own run, so
        that its output can be seen after each step."""
        if not self.options.stepping or piece.site < 0:
            return True
        positions = self.scope.positions
        lines = {positions[each.site][0] for each in run.pieces if each.site >= 0}
        return lines <= {positions[piece.site][0]}

    def emit_always(self, piece: "ops.EmitValue") -> None:
        """Output that an ``extends`` does not drop: that of call and filter blocks, as in Jinja."""
        self.body.append(ops.Emit([piece], False))

    @property
    def silent(self) -> bool:
        return self.output_dropped and self.extended

    def text(self, node: nodes.Text) -> None:
        if self.silent:
            return
        value = node.value
        blank = len(value) - len(value.lstrip())
        site = -1
        if blank < len(value):
            leading = value[:blank]
            if self.source.newlines_replaced:
                leading = leading.replace(self.options.newline, "\n")
            start = node.start + len(leading)
            newline = self.source.text.find("\n", start, node.end)
            site = self.line_site(start, newline if newline >= 0 else node.end)
        if self.newline != "\n":
            value = value.replace("\n", self.newline)
        self.emit(ops.EmitText(value, site))

    def output(self, node: nodes.Output) -> None:
        if self.silent:
            return
        self.emit_value(node.expr)

    def emit_value(self, expr: nodes.Expr) -> None:
        site = self.line_site(expr.start, expr.end)
        self.emit(ops.EmitValue(self.value(expr), self.autoescape, site))

    # --- conditions and loops -------------------------------------------------------------------------------

    def if_(self, node: nodes.If) -> None:
        level = self.level
        was_soft, level.soft = level.soft, True
        extended = self.extended
        outcomes: list[set[Slot]] = []
        branches: list[tuple[Op, list[Op], int]] = []
        for start, end, test, body in node.branches:
            site = self.branch_site(start, end)
            self.scope.lines.append(site)
            condition = self.value(test)
            branches.append((condition, self.path(body, outcomes), site))
            self.extended = extended
        orelse = self.path(node.orelse, outcomes)
        self.extended = extended
        self.assigned.update(set.intersection(*outcomes))
        level.soft = was_soft
        self.body.append(ops.If(branches, orelse))

    def path(self, body: Sequence[nodes.Stmt] | None, outcomes: list[set[Slot]]) -> list[Op]:
        saved, self.body = self.body, []
        place = self.assigned.place()
        self.statements(body)
        lowered, self.body = self.body, saved
        outcomes.append(self.assigned.back(place))
        return lowered

    def for_(self, node: nodes.For) -> None:
        site = self.branch_site(node.start, node.end)
        self.scope.lines.append(site)
        iterable = self.value(node.iter)

        test = test_target = test_frame = None
        if node.test is not None:
            level = self.inner()
            with self.in_level(level, []):
                test_target = self.bound_slots(node.target, level)
                self.open_frame(level, lambda names: names.expression(node.test))
                self.assigned.update(target_slots(test_target))
                test = self.value(node.test)
            test_frame = level.frame

        use = ops.LoopUse()
        level = self.inner(in_loop=True)
        body: list[Op] = []
        in_scope_loop, self.in_scope_loop = self.in_scope_loop, True
        in_for, self.in_for = self.in_for, True
        with self.in_level(level, body):
            # ``loop`` is visible wherever the body names it, including the expressions of nested loops.
            if node.recursive or reads(node.body, {"loop"}) or _has_scoped_block(node.body):
                level.loop = use
                use.slot = self.bind("loop")
                # A debugger shows the loop object. (With a condition, it would change when items are taken.)
                is_shown = self.options.stepping and node.test is None
                use.whole = node.recursive or is_shown or _has_scoped_block(node.body)
            target = self.bound_slots(node.target, level)
            self.open_frame(level, lambda names: names.visit_all(node.body))
            self.assigned.update(target_slots(target))
            self.statements(node.body)
        self.in_scope_loop, self.in_for = in_scope_loop, in_for
        if not use.whole:
            # Without a loop object, no variable is needed.
            level.frame.slots.pop("loop", None)

        else_level = self.inner()
        orelse: list[Op] | None = None
        if node.orelse is not None:
            orelse = []
            with self.in_level(else_level, orelse):
                self.open_frame(else_level, lambda names: names.visit_all(node.orelse))
                self.statements(node.orelse)

        # fmt: off
        loop = ops.For(
            target, iterable, test, test_frame, test_target, node.recursive, use,
            level.frame, body, else_level.frame, orelse or None, self.autoescape, site,
        )
        # fmt: on
        if node.recursive or (test is not None and use.looks_ahead):
            # The loop or its condition runs as a function of its own, which captures the variables around it.
            for slot in self.scope.slots[self.captured_slots :]:
                slot.captured = True
            self.captured_slots = len(self.scope.slots)
        self.body.append(loop)

    def jump(self, node: nodes.Break | nodes.Continue) -> None:
        kind = "break" if isinstance(node, nodes.Break) else "continue"
        if not self.in_scope_loop:
            raise self.fail(f"'{kind}' outside of a loop", node)
        self.body.append(ops.Jump(kind, self.line_site(node.start, node.end)))

    # --- assignments and frames -----------------------------------------------------------------------------

    def set(self, node: nodes.Set) -> None:
        site = self.line_site(node.start, node.end)
        value = self.value(node.value)
        target = self.assignment(node.target)
        self.body.append(ops.Assign(target, value, self.exported(target), site))

    def set_block(self, node: nodes.SetBlock) -> None:
        site = self.line_site(node.start, node.end)
        value = self.captured(node.body, site, keeps_output=True)
        if node.filter is not None:
            value = self.filter_chain(node.filter, value)
        target = self.assignment(node.target)
        self.body.append(ops.Assign(target, value, self.exported(target), site))

    def captured(self, body: list[nodes.Stmt], site: int, keeps_output: bool = False) -> Op:
        """Lower a body whose output is captured in a temporary. Returns the op for the text.

        keeps_output: whether the body's output is kept after an ``extends``.
        """
        level = self.inner()
        lowered: list[Op] = []
        dropped, self.output_dropped = self.output_dropped, self.output_dropped and not keeps_output
        slot = self.temp("text")
        with self.in_level(level, lowered):
            self.open_frame(level, lambda names: names.visit_all(body))
            self.statements(body)
        self.output_dropped = dropped
        self.body.append(ops.Capture(slot, level.frame, lowered, self.autoescape, site))
        return ops.Load(slot, site)

    def filter_block(self, node: nodes.FilterBlock) -> None:
        site = self.line_site(node.start, node.end)
        text = self.captured(node.body, site)
        self.emit_always(ops.EmitValue(self.filter_chain(node.filter, text), False, site, finished=True))

    def with_(self, node: nodes.With) -> None:
        site = self.line_site(node.start, node.end)
        level = self.inner()

        def visit(names: FrameNames) -> None:
            for target, _ in node.bindings:
                names.target(target, names.store)
            names.visit_all(node.body)

        self.open_frame(level, visit)
        bindings: list[tuple[ops.Target, Op]] = []
        body: list[Op] = []
        place = self.assigned.place()
        for target, value in node.bindings:
            lowered = self.value(value)
            outer, self.level = self.level, level
            bindings.append((self.assignment(target), lowered))
            self.level = outer
        with self.in_level(level, body):
            self.statements(node.body)
        self.assigned.back(place)
        self.body.append(ops.Enter(level.frame, bindings, None, body, site))

    def autoescape_block(self, node: nodes.Autoescape) -> None:
        site = self.line_site(node.start, node.end)
        saved = self.autoescape
        body: list[Op] = []
        frame = Frame()
        if node.scoped:
            level = self.inner()
            frame = level.frame
            with self.in_level(level, body):

                def visit(names: FrameNames) -> None:
                    names.expression(node.value)
                    names.visit_all(node.body)

                self.open_frame(level, visit)
                value = self.escaped_body(node)
        else:
            outer, self.body = self.body, body
            value = self.escaped_body(node)
            self.body = outer
        self.autoescape = saved
        self.body.append(ops.Enter(frame, [], value, body, site))

    def escaped_body(self, node: nodes.Autoescape) -> Op:
        """Lower the body of an autoescape block. Returns the op for its value."""
        value = self.value(node.value)
        constant = node.value.value if isinstance(node.value, nodes.Const) else None
        self.autoescape = bool(constant) if isinstance(node.value, nodes.Const) else None
        self.statements(node.body)
        return value

    def do(self, node: nodes.Do) -> None:
        site = self.line_site(node.start, node.end)
        self.body.append(ops.Evaluate(self.value(node.expr), site))

    def debug(self, node: nodes.Debug) -> None:
        if self.silent:
            return
        site = self.line_site(node.start, node.end)
        self.emit(ops.EmitValue(ops.DebugInfo(self.locals(), site), self.autoescape, site))


def _has_scoped_block(body: Sequence[nodes.Stmt]) -> bool:
    return any(isinstance(node, nodes.Block) and node.scoped for node in statements(body))
