"""Jinja2's nodes to the nodes of `syntax.nodes`. This module has the statements, `expressions` the rest.

Rule: every class of `jinja2.nodes` that stands in a tree has an entry in one of the two tables; there are no
others, because Jinja2 does not allow subclasses. What has no counterpart in the language, such as an attribute
of an extension, becomes a `Special`, a call of a function that templates have no name for.
"""

from collections.abc import Callable, Iterable
from typing import Any

from jinja2 import nodes as jinja

from tmplmon.jinjaparser.expressions import Expressions, internal_name
from tmplmon.jinjaparser.tags import OwnTag
from tmplmon.syntax import nodes
from tmplmon.syntax.report import syntax_error
from tmplmon.syntax.source import Source
from tmplmon.syntax.walk import walk

# Names that an overlay scope cannot have, because they mean something of the scope around it.
_SPECIAL_NAMES = frozenset(("loop", "self", "super", "caller", "varargs", "kwargs"))


def convert(tree: jinja.Template, source: Source) -> nodes.Template:
    """Convert a template. Raises TemplateAssertionError if a node stands where it cannot, such as an expression
    among statements."""
    return nodes.Template(0, len(source.text), _Converter(source).template(tree))


class _Converter(Expressions):
    def __init__(self, source: Source) -> None:
        super().__init__(source)
        # The value of the last modifier of `autoescape` that applies to what follows it.
        self.modifier: nodes.Expr | None = None
        self.blocks: list[nodes.Block] = []
        self.overlays = 0

    def template(self, tree: jinja.Template) -> list[nodes.Stmt]:
        body = self.body(tree.body)
        if self.modifier is not None:
            # Jinja2 compiles blocks after the template's body, so the modifier applies to all of them.
            for block in self.blocks:
                block.body = [self.modified(block, self.modifier, block.body)]
        return body

    def body(self, statements: Iterable[Any] | None) -> list[nodes.Stmt]:
        """Convert statements. If one changes how what follows is escaped, that becomes the body of a statement."""
        outermost = converted = list[nodes.Stmt]()
        modifier = self.modifier
        for node in _flat(statements):
            convert = _STATEMENTS.get(type(node))
            if convert is None:
                raise self.misplaced(node)
            before = len(converted)
            converted += convert(self, node)
            if self.modifier is not modifier and self.modifier is not None:
                modifier = self.modifier
                rest: list[nodes.Stmt] = []
                place = converted[-1] if len(converted) > before else modifier
                converted.append(self.modified(place, modifier, rest))
                converted = rest
        return outermost

    def modified(self, place: nodes.Node, value: nodes.Expr, body: list[nodes.Stmt]) -> nodes.Stmt:
        return nodes.Autoescape(place.start, place.end, value, body, scoped=False)

    def output(self, node: jinja.Output) -> list[nodes.Stmt]:
        self.token(node)
        converted: list[nodes.Stmt] = []
        for part in node.nodes:
            if isinstance(part, jinja.TemplateData):
                if part.data:
                    converted.append(nodes.Text(*self.token(part), str(part.data)))
            else:
                value = self.expression(part)
                converted.append(nodes.Output(value.start, value.end, value))
        return converted

    def if_(self, node: jinja.If) -> list[nodes.Stmt]:
        span = self.tag(node)
        branches = []
        for branch in (node, *(node.elif_ or ())):
            branches.append((*self.tag(branch), self.expression(branch.test), self.body(branch.body)))
        orelse = self.body(node.else_) if node.else_ else None
        return [nodes.If(*span, branches, orelse, self.else_tag(orelse))]

    def for_(self, node: jinja.For) -> list[nodes.Stmt]:
        span = self.tag(node)
        target, iterable = self.expression(node.target), self.expression(node.iter)
        test = self.optional(node.test)
        body = self.body(node.body)
        orelse = self.body(node.else_) if node.else_ else None
        recursive = bool(node.recursive)
        return [nodes.For(*span, target, iterable, test, recursive, body, orelse, self.else_tag(orelse))]

    def parameters(self, node: Any) -> list[nodes.Parameter]:
        defaults = self.expressions(node.defaults)
        first_default = len(node.args) - len(defaults)
        parameters: list[nodes.Parameter] = []
        for index, arg in enumerate(node.args):
            span = self.token(arg)
            name = arg.name if isinstance(arg, jinja.Name) else internal_name(arg)
            if any(parameter.name == name for parameter in parameters):
                raise syntax_error(self.source, f"there are two parameters {name!r}", *span)
            default = defaults[index - first_default] if index >= first_default else None
            parameters.append(nodes.Parameter(*span, name, default))
        return parameters

    def macro(self, node: jinja.Macro) -> list[nodes.Stmt]:
        span = self.tag(node)
        return [nodes.Macro(*span, node.name, self.parameters(node), self.body(node.body))]

    def call_block(self, node: jinja.CallBlock) -> list[nodes.Stmt]:
        span = self.tag(node)
        parameters, call = self.parameters(node), self.call(node.call)
        return [nodes.CallBlock(*span, parameters, call, self.body(node.body))]

    def filter_block(self, node: jinja.FilterBlock) -> list[nodes.Stmt]:
        span = self.tag(node)
        return [nodes.FilterBlock(*span, self.filter(node.filter), self.body(node.body))]

    def with_(self, node: jinja.With) -> list[nodes.Stmt]:
        span = self.tag(node)
        pairs = zip(node.targets, node.values, strict=True)
        bindings = [(self.expression(target), self.expression(value)) for target, value in pairs]
        return [nodes.With(*span, bindings, self.body(node.body))]

    def block(self, node: jinja.Block) -> list[nodes.Stmt]:
        span = self.tag(node)
        block = nodes.Block(*span, node.name, bool(node.scoped), bool(node.required), self.body(node.body))
        self.blocks.append(block)
        return [block]

    def extends(self, node: jinja.Extends) -> list[nodes.Stmt]:
        return [nodes.Extends(*self.tag(node), self.expression(node.template))]

    def include(self, node: jinja.Include) -> list[nodes.Stmt]:
        span = self.tag(node)
        template = self.expression(node.template)
        return [nodes.Include(*span, template, bool(node.ignore_missing), bool(node.with_context))]

    def import_(self, node: jinja.Import) -> list[nodes.Stmt]:
        span = self.tag(node)
        return [nodes.Import(*span, self.expression(node.template), node.target, bool(node.with_context))]

    def from_import(self, node: jinja.FromImport) -> list[nodes.Stmt]:
        span = self.tag(node)
        names = [(name, name) if isinstance(name, str) else (name[0], name[1]) for name in node.names]
        return [nodes.FromImport(*span, self.expression(node.template), names, bool(node.with_context))]

    def expression_statement(self, node: jinja.ExprStmt) -> list[nodes.Stmt]:
        return [nodes.Do(*self.tag(node), self.expression(node.node))]

    def assign(self, node: jinja.Assign) -> list[nodes.Stmt]:
        return [nodes.Set(*self.tag(node), self.expression(node.target), self.expression(node.node))]

    def assign_block(self, node: jinja.AssignBlock) -> list[nodes.Stmt]:
        span = self.tag(node)
        target = self.expression(node.target)
        filter_ = None if node.filter is None else self.filter(node.filter)
        return [nodes.SetBlock(*span, target, filter_, self.body(node.body))]

    def break_(self, node: jinja.Break) -> list[nodes.Stmt]:
        return [nodes.Break(*self.tag(node))]

    def continue_(self, node: jinja.Continue) -> list[nodes.Stmt]:
        return [nodes.Continue(*self.tag(node))]

    def scope(self, node: jinja.Scope) -> list[nodes.Stmt]:
        span = self.tag(node)
        inside = list(_flat(node.body))
        if len(inside) == 1 and type(inside[0]) is jinja.ScopedEvalContextModifier:
            value = self.autoescape_of(inside[0])  # ``{% autoescape %}`` is a scope with a modifier in it.
            if value is not None:
                return [nodes.Autoescape(*span, value, self.separate_body(inside[0].body))]
        return [nodes.With(*span, [], self.body(node.body))]

    def scoped_modifier(self, node: jinja.ScopedEvalContextModifier) -> list[nodes.Stmt]:
        span = self.tag(node)
        value = self.autoescape_of(node)
        body = self.separate_body(node.body)
        return body if value is None else [nodes.Autoescape(*span, value, body, scoped=False)]

    def separate_body(self, statements: Iterable[Any]) -> list[nodes.Stmt]:
        """The body of a scoped modifier, at the end of which escaping is as it was before."""
        modifier, self.modifier = self.modifier, None
        body = self.body(statements)
        self.modifier = modifier
        return body

    def modify(self, node: jinja.EvalContextModifier) -> list[nodes.Stmt]:
        self.tag(node)
        value = self.autoescape_of(node)
        if value is not None:
            self.modifier = value
        return []

    def autoescape_of(self, node: jinja.EvalContextModifier) -> nodes.Expr | None:
        """The value that a modifier sets `autoescape` to, or None if it sets something else."""
        values = [option.value for option in node.options if option.key == "autoescape"]
        return self.expression(values[-1]) if values else None

    def overlay(self, node: jinja.OverlayScope) -> list[nodes.Stmt]:
        """A body whose names come from a mapping, then from the context; it does not see the variables of the
        scopes around it. The names that it uses are looked up when it is entered."""
        span = self.tag(node)
        self.overlays += 1
        variable = f".overlay{self.overlays}"
        arguments = nodes.Arguments([self.expression(node.context)])
        context = nodes.Special(*span, ("overlay",), arguments, sees_locals=True)
        body = self.body(node.body)
        bindings: list[tuple[nodes.Expr, nodes.Expr]] = []
        for name in _names_in(body):
            looked_up = [nodes.Name(*span, variable), nodes.Const(*span, name)]
            value = nodes.Special(*span, ("resolve",), nodes.Arguments(looked_up))
            bindings.append((nodes.Name(*span, name), value))
        inner = nodes.With(*span, bindings, body)
        return [nodes.With(*span, [(nodes.Name(*span, variable), context)], [inner])]

    def own_tag(self, node: OwnTag) -> list[nodes.Stmt]:
        span = self.tag(node)
        if node.name == "debug":
            return [nodes.Debug(*span)]
        body = None if node.body is None else self.body(node.body)
        return [nodes.CustomTag(*span, node.name, self.arguments(node), body)]


def _flat(statements: Iterable[Any] | None) -> Iterable[Any]:
    """The nodes in a body. Extensions put lists of nodes and None into bodies."""
    for node in statements or ():
        if isinstance(node, (list, tuple)):
            yield from _flat(node)
        elif node is not None:
            yield node


def _names_in(body: list[nodes.Stmt]) -> list[str]:
    """The variables that are named in statements, without those in blocks, which are scopes of their own."""
    names: dict[str, None] = {}
    template = nodes.Template(0, 0, body)
    for node in walk(template, {nodes.Block: lambda block: ()}):
        if isinstance(node, nodes.Name) and node.name not in _SPECIAL_NAMES and node.name[:1] != ".":
            names[node.name] = None
    return list(names)


_C = _Converter
_STATEMENTS: dict[type[Any], Callable[[_Converter, Any], list[nodes.Stmt]]] = {
    jinja.Output: _C.output,
    jinja.Extends: _C.extends,
    jinja.For: _C.for_,
    jinja.If: _C.if_,
    jinja.Macro: _C.macro,
    jinja.CallBlock: _C.call_block,
    jinja.FilterBlock: _C.filter_block,
    jinja.With: _C.with_,
    jinja.Block: _C.block,
    jinja.Include: _C.include,
    jinja.Import: _C.import_,
    jinja.FromImport: _C.from_import,
    jinja.ExprStmt: _C.expression_statement,
    jinja.Assign: _C.assign,
    jinja.AssignBlock: _C.assign_block,
    jinja.Break: _C.break_,
    jinja.Continue: _C.continue_,
    jinja.Scope: _C.scope,
    jinja.OverlayScope: _C.overlay,
    jinja.EvalContextModifier: _C.modify,
    jinja.ScopedEvalContextModifier: _C.scoped_modifier,
    OwnTag: _C.own_tag,
}
