"""Tree to IR: every name becomes a slot, every event site a number, every run of output one op.

    {% set n = 2 %}            Assign(target=n, value=Const(2), export=[n])
    {% for x in xs %}          For(target=x, iter=Load(xs:context), body=[
      {{ x * n }}                  Emit([EmitText('\\n  '), EmitValue(Binary('*', Load(x), Load(n))), …])])
    {% endfor %}

What a statement means is decided here once, for both back ends: scoping (with `resolve`), escaping that is known
before the template runs, what is output and what is dropped after an ``extends``, which variables an include or a
context function gets to see.
"""

import re
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tmplmon.errors import TemplateAssertionError
from tmplmon.ir import ops
from tmplmon.ir.ops import Frame, Local, Op, Scope, ScopeKind, Slot, SlotKind
from tmplmon.ir.resolve import FrameNames, Start, mentions, translation_function
from tmplmon.syntax import literals, nodes
from tmplmon.syntax.source import Source

# Attributes of ``loop`` that are known without a loop object.
CHEAP_LOOP_ATTRIBUTES = frozenset(
    ("index", "index0", "first", "last", "length", "revindex", "revindex0", "depth", "depth0")
)


@dataclass(frozen=True, slots=True)
class Options:
    """What the lowering has to know of the environment.

    `autoescape` is the setting for this template, `filters` and `tests` the known names; `newline` replaces the
    line ends of text; `trim_messages` is the policy for ``trans`` blocks that do not say; `newstyle_gettext` as in
    Jinja2's i18n extension; `finalize` tells that output values pass through a function of the application's.
    """

    autoescape: bool = False
    filters: Container[str] = ()
    tests: Container[str] = ()
    newline: str = "\n"
    trim_messages: bool = False
    newstyle_gettext: bool = False
    finalize: bool = False


def lower(template: nodes.Template, source: Source, options: Options) -> ops.Program:
    """The program of a parsed template. Raises TemplateAssertionError for what is well formed but cannot be."""
    return _Lowering(source, options).template(template)


def lower_expression(expr: nodes.Expr, source: Source, options: Options) -> tuple[Scope, Op]:
    """A scope with one assignment, of the expression's value to a TEMP slot, and the op that reads the slot."""
    return _Lowering(source, options).expression_scope(expr)


@dataclass(slots=True, eq=False)
class _Level:
    """One naming level while its statements are lowered: the frame and what Jinja's rules ask of its place."""

    frame: Frame
    scope: Scope
    outer: "_Level | None"
    toplevel: bool = False  # the template body itself, also inside an ``if`` there: sets are exported
    in_loop: bool = False  # directly a loop body's or a block's: context functions see what it sets
    soft: bool = False  # in an ``if``: an unknown filter is an error only when it is reached
    stored: set[str] = field(default_factory=set)
    set_here: list[Slot] = field(default_factory=list)  # what statements of this level assigned so far
    loop: ops.LoopUse | None = None

    def find(self, name: str) -> Slot | None:
        level: _Level | None = self
        while level is not None:
            slot = level.frame.slots.get(name)
            if slot is not None:
                return slot
            level = level.outer
        return None


class _Lowering:
    def __init__(self, source: Source, options: Options) -> None:
        self.source = source
        self.options = options
        self.autoescape: bool | None = options.autoescape
        self.blocks: dict[str, Scope] = {}
        self.level: _Level
        self.scope: Scope
        self.body: list[Op] = []
        self.assigned: set[Slot] = set()  # slots that have certainly been assigned at this point
        self.extends_seen = False  # an ``extends`` may have run before this point
        self.extended = False  # one certainly has
        self.output_dropped = False  # output statements here are the template body's own
        self.loops = 0  # loops open in this scope
        self.in_for = False  # in a loop, of this scope or of one around it
        self.temps = 0

    # --- scopes and frames ---------------------------------------------------------------------------------

    def template(self, node: nodes.Template) -> ops.Program:
        source = self.source
        name = source.name or "<template>"
        root = Scope(ScopeKind.TEMPLATE, name, (1, 1, 0, 0))
        root.extends = _has_extends(node.body)
        self.output_dropped = root.extends
        level = _Level(root.frame, root, None, toplevel=True)
        with self.in_scope(root, level):
            self.open_frame(level, lambda names: names.visit_all(node.body))
            if mentions(node.body, {"self"}):
                self.bind("self", SlotKind.SELF)
            self.statements(node.body)
        return ops.Program(source.name, source.filename, root, self.blocks, self.options.autoescape)

    def expression_scope(self, expr: nodes.Expr) -> tuple[Scope, Op]:
        root = Scope(ScopeKind.TEMPLATE, "<expression>", (1, 1, 0, 0))
        level = _Level(root.frame, root, None, toplevel=True)
        with self.in_scope(root, level):
            self.open_frame(level, lambda names: names.expression(expr))
            site = self.line_site(expr.start, expr.end)
            result = self.temp("result")
            self.body.append(ops.Assign(result, self.value(expr), [], site))
        return root, ops.Load(result, site)

    @contextmanager
    def in_scope(self, scope: Scope, level: _Level) -> Iterator[None]:
        saved = (self.__dict__.get("level"), self.__dict__.get("scope"), self.body, self.assigned, self.loops)
        self.level, self.scope, self.body, self.loops = level, scope, scope.body, 0
        self.assigned = set(self.assigned)
        yield
        self.level, self.scope, self.body, self.assigned, self.loops = saved  # type: ignore[assignment]

    @contextmanager
    def in_level(self, level: _Level, body: list[Op]) -> Iterator[None]:
        """Lowers into `body` at `level`; what is assigned there does not count as assigned afterwards."""
        saved = self.level, self.body, self.assigned
        self.level, self.body, self.assigned = level, body, set(self.assigned)
        yield
        self.level, self.body, self.assigned = saved

    def inner(self, **place: Any) -> _Level:
        return _Level(Frame(), self.scope, self.level, **place)

    def open_frame(self, level: _Level, visit: Callable[[FrameNames], None]) -> None:
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

    def hide(self, name: str, level: _Level) -> None:
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

    def bound_slots(self, target: nodes.Expr, level: _Level) -> ops.Target:
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

    # --- sites ---------------------------------------------------------------------------------------------

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

    # --- statements ----------------------------------------------------------------------------------------

    def statements(self, body: Sequence[nodes.Stmt] | None) -> None:
        for node in body or ():
            _STATEMENTS[type(node)](self, node)

    def fail(self, message: str, node: nodes.Node, hint: str | None = None) -> TemplateAssertionError:
        line, column = self.source.line_column(node.start)
        end_line, end_column = self.source.line_column(node.end)
        return TemplateAssertionError(
            message,
            line,
            self.source.name,
            self.source.filename,
            column=column,
            end_column=end_column if end_line == line else None,
            source_line=self.source.line_text(line),
            hint=hint,
        )

    def emit(self, piece: "ops.EmitText | ops.EmitValue") -> None:
        unless_extended = self.output_dropped and self.extends_seen
        last = self.body[-1] if self.body else None
        if type(last) is ops.Emit and last.unless_extended == unless_extended:
            last.pieces.append(piece)
        else:
            self.body.append(ops.Emit([piece], unless_extended))

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
            start = node.start + blank
            newline = self.source.text.find("\n", start, node.end)
            site = self.line_site(start, newline if newline >= 0 else node.end)
        if self.options.newline != "\n":
            value = value.replace("\n", self.options.newline)
        self.emit(ops.EmitText(value, site))

    def output(self, node: nodes.Output) -> None:
        if self.silent:
            return
        self.emit_value(node.expr)

    def emit_value(self, expr: nodes.Expr) -> None:
        site = self.line_site(expr.start, expr.end)
        self.emit(ops.EmitValue(self.value(expr), self.autoescape, site))

    def if_(self, node: nodes.If) -> None:
        level = self.level
        was_soft, level.soft = level.soft, True
        extended = self.extended
        before = self.assigned
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
        self.assigned = before.union(set.intersection(*outcomes))
        level.soft = was_soft
        self.body.append(ops.If(branches, orelse))

    def path(self, body: Sequence[nodes.Stmt] | None, outcomes: list[set[Slot]]) -> list[Op]:
        saved = self.body, self.assigned
        self.body, self.assigned = [], set(self.assigned)
        self.statements(body)
        lowered = self.body
        outcomes.append(self.assigned)
        self.body, self.assigned = saved
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
                self.assigned.update(_target_slots(test_target))
                test = self.value(node.test)
            test_frame = level.frame

        use = ops.LoopUse()
        level = self.inner(in_loop=True)
        body: list[Op] = []
        loops, self.loops = self.loops, self.loops + 1
        in_for, self.in_for = self.in_for, True
        with self.in_level(level, body):
            # The loop variable is visible where the body names it, also in nested loops' expressions.
            if node.recursive or mentions(node.body, {"loop"}) or _has_scoped_block(node.body):
                level.loop = use
                use.slot = self.bind("loop")
                use.whole = node.recursive or _has_scoped_block(node.body)
            target = self.bound_slots(node.target, level)
            self.open_frame(level, lambda names: names.visit_all(node.body))
            self.assigned.update(_target_slots(target))
            self.statements(node.body)
        self.loops, self.in_for = loops, in_for
        if not use.whole:
            # No variable is needed for what there is no object of.
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
            level.frame, body, else_level.frame, orelse, self.autoescape, site,
        )
        # fmt: on
        if node.recursive or (test is not None and use.looks_ahead):
            # The loop or its condition runs as a function of its own: what it reads from around it is captured.
            for slot in self.scope.slots:
                slot.captured = True
        self.body.append(loop)

    def jump(self, node: nodes.Break | nodes.Continue) -> None:
        kind = "break" if isinstance(node, nodes.Break) else "continue"
        if not self.loops:
            raise self.fail(f"'{kind}' outside of a loop", node)
        self.body.append(ops.Jump(kind, self.line_site(node.start, node.end)))

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

    def captured(
        self,
        body: list[nodes.Stmt],
        site: int,
        keeps_output: bool = False,
        filter: nodes.Filter | None = None,
    ) -> Op:
        """Runs `body` into a temporary and gives the op for its text, or with `filter` for the filtered text
        (whose arguments are evaluated in the captured frame)."""
        level = self.inner()
        lowered: list[Op] = []
        dropped, self.output_dropped = self.output_dropped, self.output_dropped and not keeps_output
        slot = self.temp("text")

        def visit(names: FrameNames) -> None:
            names.visit_all(body)
            names.expression(filter)

        with self.in_level(level, lowered):
            self.open_frame(level, visit)
            self.statements(body)
        self.output_dropped = dropped
        self.body.append(ops.Capture(slot, level.frame, lowered, self.autoescape, site))
        return ops.Load(slot, site)

    def filter_block(self, node: nodes.FilterBlock) -> None:
        site = self.line_site(node.start, node.end)
        text = self.captured(node.body, site)
        self.emit_always(ops.EmitValue(self.filter_chain(node.filter, text), False, site, finished=True))

    def emit_always(self, piece: "ops.EmitValue") -> None:
        """Output that an ``extends`` does not drop, as Jinja has it for call and filter blocks."""
        self.body.append(ops.Emit([piece], False))

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
        saved = self.assigned
        self.assigned = set(saved)
        for target, value in node.bindings:
            lowered = self.value(value)
            outer, self.level = self.level, level
            bindings.append((self.assignment(target), lowered))
            self.level = outer
        with self.in_level(level, body):
            self.statements(node.body)
        self.assigned = saved
        self.body.append(ops.Enter(level.frame, bindings, None, body, site))

    def autoescape_block(self, node: nodes.Autoescape) -> None:
        site = self.line_site(node.start, node.end)
        level = self.inner()
        saved = self.autoescape
        body: list[Op] = []
        with self.in_level(level, body):

            def visit(names: FrameNames) -> None:
                names.expression(node.value)
                names.visit_all(node.body)

            self.open_frame(level, visit)
            value = self.value(node.value)
            constant = node.value.value if isinstance(node.value, nodes.Const) else None
            self.autoescape = bool(constant) if isinstance(node.value, nodes.Const) else None
            self.statements(node.body)
        self.autoescape = saved
        self.body.append(ops.Enter(level.frame, [], value, body, site))

    def macro(self, node: nodes.Macro) -> None:
        site = self.line_site(node.start, node.end)
        scope = self.macro_scope(ScopeKind.MACRO, node.name, node.parameters, node.body, node)
        slot = self.store(node.name)
        op = ops.MakeMacro(slot, scope, self.exported(slot), site)
        slot.macro = op
        self.body.append(op)

    def macro_scope(
        self,
        kind: ScopeKind,
        name: str,
        parameters: list[nodes.Parameter],
        body: list[nodes.Stmt],
        node: nodes.Node,
    ) -> Scope:
        scope = Scope(kind, name, self.source.position(node.start, node.end), self.scope)
        self.scope.nested.append(scope)
        level = _Level(scope.frame, scope, self.level)
        dropped, self.output_dropped = self.output_dropped, False
        with self.in_scope(scope, level):
            slots = [self.bind(parameter.name) for parameter in parameters]
            named = {parameter.name: parameter for parameter in parameters}
            special = mentions(body, {"caller", "kwargs", "varargs"})
            if "caller" in named:
                # The caller may be a parameter that has a default, and is then not the macro's own.
                if named["caller"].default is None:
                    raise self.fail(
                        'When defining macros or call blocks the special "caller" argument must be omitted or be'
                        " given a default.",
                        named["caller"],
                    )
            elif "caller" in special:
                scope.caller = self.bind("caller")
            if "kwargs" in special and "kwargs" not in named:
                scope.kwargs = self.bind("kwargs")
            if "varargs" in special and "varargs" not in named:
                scope.varargs = self.bind("varargs")

            def visit(names: FrameNames) -> None:
                for parameter in parameters:
                    names.expression(parameter.default)
                names.visit_all(body)

            self.open_frame(level, visit)
            for slot, parameter in zip(slots, parameters, strict=True):
                default = None if parameter.default is None else self.value(parameter.default)
                scope.parameters.append((slot, default))
            self.statements(body)
        self.output_dropped = dropped
        return scope

    def call_block(self, node: nodes.CallBlock) -> None:
        site = self.line_site(node.start, node.end)
        caller = self.body_as_caller(node.parameters, node.body, node, site)
        call = self.value(node.call)
        assert isinstance(call, ops.Call)
        call.caller = caller
        self.emit_always(ops.EmitValue(call, False, site, finished=True))

    def body_as_caller(
        self, parameters: list[nodes.Parameter], body: list[nodes.Stmt], node: nodes.Node, site: int
    ) -> Slot:
        scope = self.macro_scope(ScopeKind.CALL, "caller", parameters, body, node)
        slot = self.temp("caller")
        self.body.append(ops.MakeMacro(slot, scope, [], site))
        return slot

    def block(self, node: nodes.Block) -> None:
        if node.name in self.blocks:
            raise self.fail(
                f"block {node.name!r} defined twice", node, "a block's name is unique in a template"
            )
        scope = Scope(ScopeKind.BLOCK, node.name, self.source.position(node.start, node.end))
        scope.required = node.required
        self.blocks[node.name] = scope
        if not (self.level.toplevel and self.extended):
            site = self.line_site(node.start, node.end)
            unless_extended = self.level.toplevel and self.extends_seen
            local = self.locals() if node.scoped else []
            self.body.append(
                ops.CallBlock(node.name, node.scoped, node.required, local, unless_extended, site)
            )

        level = _Level(scope.frame, scope, None, in_loop=True)
        state = self.output_dropped, self.autoescape, self.extended, self.extends_seen
        self.output_dropped, self.autoescape = False, self.options.autoescape
        with self.in_scope(scope, level):
            self.assigned = set()
            for name, kind in (("self", SlotKind.SELF), ("super", SlotKind.SUPER)):
                if mentions(node.body, {name}):
                    self.bind(name, kind)
            self.open_frame(level, lambda names: names.visit_all(node.body))
            self.statements(node.body)
        self.output_dropped, self.autoescape, self.extended, self.extends_seen = state

    def extends(self, node: nodes.Extends) -> None:
        if not self.level.toplevel:
            raise self.fail("cannot use extend from a non top-level scope", node)
        if self.scope.kind is not ScopeKind.TEMPLATE:
            raise self.fail("cannot use extend from a non top-level scope", node)
        site = self.line_site(node.start, node.end)
        self.body.append(ops.Extends(self.value(node.template), self.extends_seen, site))
        self.extends_seen = True
        if not self.level.soft:
            self.extended = True

    def include(self, node: nodes.Include) -> None:
        site = (
            self.branch_site(node.start, node.end) if node.ignore_missing else self.site(node.start, node.end)
        )
        self.scope.lines.append(site)
        template = self.value(node.template)
        local = self.locals() if node.with_context else []
        self.body.append(ops.Include(template, node.ignore_missing, node.with_context, local, site))

    def import_(self, node: nodes.Import) -> None:
        site = self.line_site(node.start, node.end)
        template = self.value(node.template)
        local = self.locals() if node.with_context else []
        slot = self.store(node.target)
        export = [slot] if self.level.toplevel else []
        self.body.append(ops.Import(template, slot, None, node.with_context, local, export, site))

    def from_import(self, node: nodes.FromImport) -> None:
        site = self.line_site(node.start, node.end)
        template = self.value(node.template)
        local = self.locals() if node.with_context else []
        names = [(name, self.store(alias)) for name, alias in node.names]
        export = [slot for _, slot in names] if self.level.toplevel else []
        self.body.append(ops.Import(template, None, names, node.with_context, local, export, site))

    def do(self, node: nodes.Do) -> None:
        site = self.line_site(node.start, node.end)
        self.body.append(ops.Evaluate(self.value(node.expr), site))

    def debug(self, node: nodes.Debug) -> None:
        if self.silent:
            return
        site = self.line_site(node.start, node.end)
        self.emit(ops.EmitValue(ops.DebugInfo(self.locals(), site), self.autoescape, site))

    def custom_tag(self, node: nodes.CustomTag) -> None:
        site = self.line_site(node.start, node.end)
        caller = None if node.body is None else self.body_as_caller([], node.body, node, site)
        call = ops.TagCall(node.name, self.arguments(node.arguments), caller, self.locals(), site)
        self.emit_always(ops.EmitValue(call, self.autoescape, site, finished=True))

    def trans(self, node: nodes.Trans) -> None:
        """A trans block is a call of a gettext function, found in the context like any other name."""
        if self.silent:
            return
        site = self.line_site(node.start, node.end)
        newstyle = self.options.newstyle_gettext
        trimmed = self.options.trim_messages if node.trimmed is None else node.trimmed
        bindings = dict(node.bindings)
        variables: list[tuple[str, nodes.Expr]] = list(node.bindings)
        variables += [
            (name, nodes.Name(node.start, node.end, name)) for name in node.names if name not in bindings
        ]

        def message(text: str) -> Op:
            if trimmed:
                text = " ".join(line.strip() for line in text.strip().splitlines())
            if not newstyle and not variables:
                text = text.replace("%%", "%")
            return ops.Const(text, site)

        args: list[Op] = []
        if node.context is not None:
            args.append(ops.Const(node.context, site))
        args.append(message(node.singular))
        values: dict[str, Op] = {}
        for name, expr in variables:
            values[name] = self.value(expr)
            if name == node.count and type(values[name]) is not ops.Load:
                # It is passed twice and evaluated once.
                held = self.temp("count")
                self.body.append(ops.Assign(held, values[name], [], site))
                values[name] = ops.Load(held, site)
        if node.plural is not None:
            args.append(message(node.plural))
            assert node.count is not None
            args.append(values[node.count])
        func = self.load(translation_function(node), site)
        kwargs: list[tuple[str, Op]] = []
        if newstyle:
            # The plural's number is passed by position; new-style gettext adds it under the name ``num``.
            kwargs = [(name, value) for name, value in values.items() if node.plural is None or name != "num"]
        call: Op = ops.Call(func, ops.Arguments(args, kwargs), None, [], site)
        if not newstyle:
            if self.autoescape is not False:
                call = ops.Filter(call, "safe", ops.Arguments([], []), self.autoescape, site)
            if variables:
                pairs: list[Op] = []
                for name, value in values.items():
                    pairs += [ops.Const(name, site), value]
                call = ops.Binary("%", call, ops.Build("dict", pairs, site), site)
        self.emit(ops.EmitValue(call, self.autoescape, site))

    # --- assignment ----------------------------------------------------------------------------------------

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
        return _target_slots(target) if self.level.toplevel else []

    def locals(self) -> list[Local]:
        """The variables in sight that the template itself has assigned or bound."""
        found: dict[str, Local] = {}
        level: _Level | None = self.level
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

    # --- values --------------------------------------------------------------------------------------------

    def value(self, expr: nodes.Expr) -> Op:
        return _VALUES[type(expr)](self, expr)

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
        return ops.Load(self.read(slot), site)

    def name(self, expr: nodes.Name) -> Op:
        return self.load(expr.name, self.site(expr.start, expr.end))

    def const(self, expr: nodes.Const) -> Op:
        value = expr.value
        if type(value) is str and self.options.newline != "\n":
            value = self.with_newlines(expr)
        return ops.Const(value, self.site(expr.start, expr.end))

    def with_newlines(self, expr: nodes.Const) -> str:
        """The value of string literals whose line breaks in the source become what those of text become; written as
        ``\\n`` they stay."""
        written = self.source.text[expr.start : expr.end]
        if "\n" not in written:
            return str(expr.value)
        found = [match[0].replace("\n", self.options.newline) for match in _STRING.finditer(written)]
        return "".join([literals.string(literal)[1] for literal in found])

    def attribute(self, expr: nodes.Attribute) -> Op:
        if (
            isinstance(expr.obj, nodes.Name)
            and expr.obj.name == "loop"
            and expr.name in CHEAP_LOOP_ATTRIBUTES
        ):
            use = self.loop_in_this_scope()
            if use is not None:
                use.attributes.add(expr.name)
                return ops.LoopAttr(use, expr.name, self.site(expr.start, expr.end))
        obj = self.value(expr.obj)
        if type(obj) is ops.Load:
            obj.slot.attributes += 1
        return ops.Attr(obj, expr.name, self.site(expr.start, expr.end))

    def loop_in_this_scope(self) -> ops.LoopUse | None:
        """The loop that ``loop`` names here, unless another scope runs it."""
        level: _Level | None = self.level
        while level is not None and level.scope is self.scope:
            if "loop" in level.frame.slots:
                return level.loop
            level = level.outer
        return None

    def item(self, expr: nodes.Item) -> Op:
        obj = self.value(expr.obj)
        key = expr.key
        if isinstance(key, nodes.Slice):
            lower, upper, step = (
                None if part is None else self.value(part) for part in (key.lower, key.upper, key.step)
            )
            return ops.Slice(obj, lower, upper, step, self.site(expr.start, expr.end))
        return ops.Item(obj, self.value(key), self.site(expr.start, expr.end))

    def call(self, expr: nodes.Call) -> Op:
        cycle = self.static_cycle(expr)
        if cycle is not None:
            return cycle
        func = self.value(expr.func)
        arguments = self.arguments(expr.arguments)
        site = self.site(expr.start, expr.end)
        return ops.Call(func, arguments, None, self.set_in_this_loop(), site)

    def static_cycle(self, expr: nodes.Call) -> Op | None:
        """``loop.cycle(a, b)`` as ``(a, b)[loop.index0 % 2]``, which needs no loop object."""
        func, arguments = expr.func, expr.arguments
        if not (
            isinstance(func, nodes.Attribute)
            and func.name == "cycle"
            and isinstance(func.obj, nodes.Name)
            and func.obj.name == "loop"
            and arguments.args
            and not arguments.kwargs
            and arguments.star is None
            and arguments.star_star is None
        ):
            return None
        use = self.loop_in_this_scope()
        if use is None:
            return None
        use.attributes.add("index0")
        site = self.site(expr.start, expr.end)
        items = [self.value(arg) for arg in arguments.args]
        index = ops.Binary("%", ops.LoopAttr(use, "index0", site), ops.Const(len(items), site), site)
        return ops.Item(ops.Build("tuple", items, site), index, site)

    def arguments(self, arguments: nodes.Arguments) -> ops.Arguments:
        args = [self.value(arg) for arg in arguments.args]
        star = None if arguments.star is None else self.value(arguments.star)
        kwargs = [(name, self.value(value)) for name, value in arguments.kwargs]
        star_star = None if arguments.star_star is None else self.value(arguments.star_star)
        return ops.Arguments(args, kwargs, star, star_star)

    def filter(self, expr: nodes.Filter) -> Op:
        assert expr.value is not None
        return self.filtered(expr, self.value(expr.value))

    def filter_chain(self, chain: nodes.Filter, text: Op) -> Op:
        value = text if chain.value is None else self.filter_chain_value(chain.value, text)
        return self.filtered(chain, value)

    def filter_chain_value(self, expr: nodes.Expr, text: Op) -> Op:
        assert isinstance(expr, nodes.Filter)
        return self.filter_chain(expr, text)

    def filtered(self, expr: nodes.Filter, value: Op) -> Op:
        self.check_known("filter", expr.name, self.options.filters, expr)
        arguments = self.arguments(expr.arguments)
        return ops.Filter(value, expr.name, arguments, self.autoescape, self.site(expr.start, expr.end))

    def test(self, expr: nodes.Test) -> Op:
        self.check_known("test", expr.name, self.options.tests, expr)
        value = self.value(expr.value)
        arguments = self.arguments(expr.arguments)
        site = self.site(expr.start, expr.end)
        return ops.Test(value, expr.name, arguments, expr.negated, self.autoescape, site)

    def check_known(self, what: str, name: str, known: Container[str], node: nodes.Node) -> None:
        if name not in known and not self.level.soft:
            raise self.fail(f"No {what} named {name!r}.", node, _closest(name, known))

    def unary(self, expr: nodes.Unary) -> Op:
        operand = self.value(expr.operand)
        return ops.Unary(expr.op, operand, self.site(expr.start, expr.end))

    def binary(self, expr: nodes.Binary) -> Op:
        left = self.value(expr.left)
        right = self.value(expr.right)
        return ops.Binary(expr.op, left, right, self.site(expr.start, expr.end))

    def logical(self, expr: nodes.Logical) -> Op:
        left = self.value(expr.left)
        right = self.value(expr.right)
        return ops.Logical(expr.op, left, right, self.branch_site(expr.start, expr.end))

    def compare(self, expr: nodes.Compare) -> Op:
        left = self.value(expr.left)
        rest = [(op, self.value(operand)) for op, operand in expr.rest]
        return ops.Compare(left, rest, self.site(expr.start, expr.end))

    def concat(self, expr: nodes.Concat) -> Op:
        items = [self.value(item) for item in expr.items]
        return ops.Concat(items, self.autoescape, self.site(expr.start, expr.end))

    def conditional(self, expr: nodes.Conditional) -> Op:
        was_soft, self.level.soft = self.level.soft, True
        test = self.value(expr.test)
        body = self.value(expr.body)
        orelse = None if expr.orelse is None else self.value(expr.orelse)
        self.level.soft = was_soft
        return ops.Conditional(test, body, orelse, self.branch_site(expr.start, expr.end))

    def slice(self, expr: nodes.Slice) -> Op:
        raise self.fail("a slice cannot be one of several indices", expr)

    def tuple_(self, expr: nodes.TupleExpr) -> Op:
        items = [self.value(item) for item in expr.items]
        return ops.Build("tuple", items, self.site(expr.start, expr.end))

    def list_(self, expr: nodes.ListExpr) -> Op:
        items = [self.value(item) for item in expr.items]
        return ops.Build("list", items, self.site(expr.start, expr.end))

    def dict_(self, expr: nodes.DictExpr) -> Op:
        items = [self.value(part) for pair in expr.pairs for part in pair]
        return ops.Build("dict", items, self.site(expr.start, expr.end))


_STATEMENTS: dict[type[nodes.Stmt], Callable[[_Lowering, Any], None]] = {
    nodes.Text: _Lowering.text,
    nodes.Output: _Lowering.output,
    nodes.If: _Lowering.if_,
    nodes.For: _Lowering.for_,
    nodes.Break: _Lowering.jump,
    nodes.Continue: _Lowering.jump,
    nodes.Set: _Lowering.set,
    nodes.SetBlock: _Lowering.set_block,
    nodes.With: _Lowering.with_,
    nodes.Macro: _Lowering.macro,
    nodes.CallBlock: _Lowering.call_block,
    nodes.FilterBlock: _Lowering.filter_block,
    nodes.Block: _Lowering.block,
    nodes.Extends: _Lowering.extends,
    nodes.Include: _Lowering.include,
    nodes.Import: _Lowering.import_,
    nodes.FromImport: _Lowering.from_import,
    nodes.Autoescape: _Lowering.autoescape_block,
    nodes.Do: _Lowering.do,
    nodes.Debug: _Lowering.debug,
    nodes.Trans: _Lowering.trans,
    nodes.CustomTag: _Lowering.custom_tag,
}

_VALUES: dict[type[nodes.Expr], Callable[[_Lowering, Any], Op]] = {
    nodes.Const: _Lowering.const,
    nodes.Name: _Lowering.name,
    nodes.TupleExpr: _Lowering.tuple_,
    nodes.Slice: _Lowering.slice,
    nodes.ListExpr: _Lowering.list_,
    nodes.DictExpr: _Lowering.dict_,
    nodes.Attribute: _Lowering.attribute,
    nodes.Item: _Lowering.item,
    nodes.Call: _Lowering.call,
    nodes.Filter: _Lowering.filter,
    nodes.Test: _Lowering.test,
    nodes.Unary: _Lowering.unary,
    nodes.Binary: _Lowering.binary,
    nodes.Logical: _Lowering.logical,
    nodes.Compare: _Lowering.compare,
    nodes.Concat: _Lowering.concat,
    nodes.Conditional: _Lowering.conditional,
}


_STRING = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)


def _target_slots(target: ops.Target) -> list[Slot]:
    if isinstance(target, Slot):
        return [target]
    if isinstance(target, tuple):
        return [slot for part in target for slot in _target_slots(part)]
    return []


def _walk(body: Sequence[nodes.Stmt] | None) -> Iterator[nodes.Stmt]:
    """All statements in `body` and below."""
    pending: list[nodes.Stmt] = list(body or ())
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, nodes.If):
            for branch in node.branches:
                pending += branch[3]
            pending += node.orelse or ()
        else:
            pending += getattr(node, "body", None) or ()
            pending += getattr(node, "orelse", None) or ()


def _has_extends(body: Sequence[nodes.Stmt]) -> bool:
    return any(isinstance(node, nodes.Extends) for node in _walk(body))


def _has_scoped_block(body: Sequence[nodes.Stmt]) -> bool:
    return any(isinstance(node, nodes.Block) and node.scoped for node in _walk(body))


def _closest(name: str, known: Container[str]) -> str | None:
    import difflib

    found = difflib.get_close_matches(name, known, 1) if isinstance(known, Iterable) else []
    return f"did you mean {found[0]!r}?" if found else None
