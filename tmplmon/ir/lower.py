"""Tree to IR: names become slots, event sites are numbered, and each run of output becomes one op.

    {% set n = 2 %}            Assign(target=n, value=Const(2), export=[n])
    {% for x in xs %}          For(target=x, iter=Load(xs:context), body=[
      {{ x * n }}                  Emit([EmitText('\\n  '), EmitValue(Binary('*', Load(x), Load(n))), …])])
    {% endfor %}

The meaning of statements is decided here, once for both back ends: scoping (with `resolve`), escaping as far as
it is known at compile time, the output that is dropped after an ``extends``, the variables that an include or a
function with the context sees. The other parts of the lowering are `lower_state`, `lower_values` and
`lower_statements`.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from tmplmon.ir import ops
from tmplmon.ir.lower_state import Assigned, Level, Options
from tmplmon.ir.lower_statements import Statements
from tmplmon.ir.ops import Op, Scope, ScopeKind, Slot, SlotKind
from tmplmon.ir.resolve import FrameNames, reads, translation_function
from tmplmon.syntax import nodes
from tmplmon.syntax.messages import messages
from tmplmon.syntax.source import Source
from tmplmon.syntax.walk import statements


def lower(template: nodes.Template, source: Source, options: Options) -> ops.Program:
    """Lower a parsed template.

    Raises TemplateAssertionError if it refers to something that does not exist, such as an unknown filter, or
    uses a statement where it is not allowed.
    """
    return _Lowering(source, options).template(template)


def lower_expression(expr: nodes.Expr, source: Source, options: Options) -> tuple[Scope, Op]:
    """Lower an expression.

    Returns a scope that assigns the value of the expression to a TEMP slot, and the op that reads the slot. Raises
    TemplateAssertionError like `lower`.
    """
    return _Lowering(source, options).expression_scope(expr)


class _Lowering(Statements):
    """Lowers a template: its scopes, and the statements that make or run scopes."""

    def statements(self, body: Sequence[nodes.Stmt] | None) -> None:
        for node in body or ():
            _STATEMENTS[type(node)](self, node)

    def template(self, node: nodes.Template) -> ops.Program:
        source = self.source
        name = source.name or "<template>"
        root = Scope(ScopeKind.TEMPLATE, name, (1, 1, 0, 0))
        root.extends = _has_extends(node.body)
        self.output_dropped = root.extends
        level = Level(root.frame, root, None, toplevel=True)
        with self.in_scope(root, level):
            self.open_frame(level, lambda names: names.visit_all(node.body))
            if reads(node.body, {"self"}):
                self.bind_reference("self", SlotKind.SELF)
            self.statements(node.body)
        options = self.options
        return ops.Program(
            source.name, source.filename, root, self.blocks, options.autoescape, options.finalize
        )

    def expression_scope(self, expr: nodes.Expr) -> tuple[Scope, Op]:
        root = Scope(ScopeKind.TEMPLATE, "<expression>", (1, 1, 0, 0))
        level = Level(root.frame, root, None, toplevel=True)
        with self.in_scope(root, level):
            self.open_frame(level, lambda names: names.expression(expr))
            site = self.line_site(expr.start, expr.end)
            result = self.temp("result")
            self.body.append(ops.Assign(result, self.value(expr), [], site))
        return root, ops.Load(result, site)

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
        level = Level(scope.frame, scope, self.level)
        dropped, self.output_dropped = self.output_dropped, False
        with self.in_scope(scope, level):
            slots = [self.bind(parameter.name) for parameter in parameters]
            named = {parameter.name: parameter for parameter in parameters}
            special = reads(body, {"caller", "kwargs", "varargs"})
            if "caller" in named:
                # A parameter ``caller`` with a default takes the place of the macro's own ``caller``.
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
            pending, self.pending = self.pending, set(slots)
            for slot, parameter in zip(slots, parameters, strict=True):
                default = None if parameter.default is None else self.value(parameter.default)
                scope.parameters.append((slot, default))
                self.pending.discard(slot)
            self.pending = pending
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

        level = Level(scope.frame, scope, None, in_loop=True)
        state = self.output_dropped, self.autoescape, self.extended, self.extends_seen
        self.output_dropped, self.autoescape = False, self.options.autoescape
        with self.in_scope(scope, level):
            self.assigned = Assigned()
            self.open_frame(level, lambda names: names.visit_all(node.body))
            for name, kind in (("self", SlotKind.SELF), ("super", SlotKind.SUPER)):
                if reads(node.body, {name}):
                    self.bind_reference(name, kind)
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

    def custom_tag(self, node: nodes.CustomTag) -> None:
        site = self.line_site(node.start, node.end)
        caller = None if node.body is None else self.body_as_caller([], node.body, node, site)
        call = ops.TagCall(node.name, self.arguments(node.arguments), caller, self.locals(), site)
        self.emit_always(ops.EmitValue(call, self.autoescape, site, finished=True))

    def trans(self, node: nodes.Trans) -> None:
        """A trans block is a call of a gettext function, which is looked up like any other name."""
        if self.silent:
            return
        site = self.line_site(node.start, node.end)
        newstyle = self.options.newstyle_gettext
        singular, plural = messages(node, self.options.trim_messages, newstyle)
        bindings = dict(node.bindings)
        variables: list[tuple[str, nodes.Expr]] = list(node.bindings)
        variables += [
            (name, nodes.Name(node.start, node.end, name)) for name in node.names if name not in bindings
        ]

        args: list[Op] = []
        if node.context is not None:
            args.append(ops.Const(node.context, site))
        args.append(ops.Const(singular, site))
        values: dict[str, Op] = {}
        for name, expr in variables:
            values[name] = self.value(expr)
            if name == node.count and type(values[name]) is not ops.Load:
                # It is passed twice, but evaluated once.
                count = self.temp("count")
                self.body.append(ops.Assign(count, values[name], [], site))
                values[name] = ops.Load(count, site)
        if plural is not None:
            args.append(ops.Const(plural, site))
            assert node.count is not None
            args.append(values[node.count])
        func = self.load(translation_function(node), site)
        kwargs: list[tuple[str, Op]] = []
        if newstyle:
            # The number is passed by position; a new-style function adds it under the name ``num``.
            kwargs = [(name, value) for name, value in values.items() if plural is None or name != "num"]
        call: Op = ops.Call(func, ops.Arguments(args, kwargs), None, [], site)
        if not newstyle:
            if self.autoescape is not False:
                call = ops.Filter(call, "safe", ops.Arguments([], []), self.autoescape, site)
            # The percent signs of a message without ``{{ name }}`` are single. So it can be formatted only if each
            # begins a placeholder that the author of the template has written.
            written = _PLACEHOLDER.sub(lambda match: "" if match[1] in values else "%", f"{singular}{plural}")
            is_format = node.names or "%" not in written
            if variables and is_format:
                pairs: list[Op] = []
                for name, value in values.items():
                    pairs += [ops.Const(name, site), value]
                call = ops.Binary("%", call, ops.Build("dict", pairs, site), site, message=True)
        self.emit(ops.EmitValue(call, self.autoescape, site))


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


_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def _has_extends(body: Sequence[nodes.Stmt]) -> bool:
    return any(isinstance(node, nodes.Extends) for node in statements(body))


__all__ = ["Options", "lower", "lower_expression"]
