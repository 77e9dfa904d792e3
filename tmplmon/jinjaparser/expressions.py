"""Jinja2's expressions to those of `syntax.nodes`, and the places of nodes.

A node's place is that of its token, widened by what belongs to it: a statement to its whole tag, an expression to
its operands and to its closing bracket. A node without a token's place has its whole line. One without a line
has the place of the first node in it that has one, or of the node before it.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from jinja2 import nodes as jinja

from tmplmon.errors import TemplateAssertionError
from tmplmon.jinjaparser.places import Place, Tokens
from tmplmon.syntax import nodes
from tmplmon.syntax.nodes import Span
from tmplmon.syntax.report import syntax_error
from tmplmon.syntax.source import Source

_BINARY = {
    jinja.Add: "+",
    jinja.Sub: "-",
    jinja.Mul: "*",
    jinja.Div: "/",
    jinja.FloorDiv: "//",
    jinja.Mod: "%",
    jinja.Pow: "**",
}
_LOGICAL = {jinja.And: "and", jinja.Or: "or"}
_UNARY = {jinja.Neg: "-", jinja.Pos: "+", jinja.Not: "not"}
_COMPARISONS = {
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "lteq": "<=",
    "gt": ">",
    "gteq": ">=",
    "in": "in",
    "notin": "not in",
}


class Expressions:
    """Converts expressions, and finds the places of nodes."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.tokens = Tokens()
        self.last: Span = (0, 0)

    # --- places --------------------------------------------------------------------------------------------

    def token(self, node: Any) -> Span:
        """The place of a node's token, of its line, or of the node before it."""
        line = _line_of(node)
        if isinstance(line, Place):
            self.tokens = line.tokens
            self.last = line.start, max(line.end, line.start)
        elif line is not None:
            number = min(max(line, 1), self.source.line_count)
            text = self.source.line_text(number)
            start = self.source.line_start(number)
            self.last = start + len(text) - len(text.lstrip()), start + len(text.rstrip())
            if self.last[0] >= self.last[1]:
                self.last = start, start
        return self.last

    def tag(self, node: Any) -> Span:
        """The place of a statement: the tag that its token is in."""
        start, end = self.token(node)
        tag = self.tokens.tag_at(start)
        return (start, end) if tag is None else (tag.start, tag.end)

    def else_tag(self, body: Sequence[nodes.Stmt] | None) -> Span | None:
        """The place of the ``else`` before a body."""
        tag = self.tokens.tag_before(body[0].start) if body else None
        return (tag.start, tag.end) if tag is not None and tag.name == "else" else None

    def around(self, span: Span, operands: Iterable[nodes.Node | None]) -> Span:
        """The smallest place that has a place and some operands in it."""
        start, end = span
        for operand in operands:
            if operand is not None:
                start, end = min(start, operand.start), max(end, operand.end)
        return start, end

    def over(self, node: jinja.Node, operands: Sequence[nodes.Node | None]) -> Span:
        """The place of an operation: that of its operands. (Its token is one of these, or the one after them.)"""
        first = next((operand for operand in operands if operand is not None), None)
        return self.token(node) if first is None else self.around((first.start, first.end), operands)

    def bracketed(self, node: jinja.Node) -> Span:
        """The place from an opening bracket to the closing one."""
        start, end = self.token(node)
        return start, self.tokens.brackets.get(start, end)

    def named(self, node: "jinja.Filter | jinja.Test") -> Span:
        """The place of the name of a filter or test, with its arguments in brackets."""
        start, end = self.token(node)
        name = r"\s*\.\s*".join(map(re.escape, node.name.split(".")))
        before = r"(?:is\s+(?:not\s+)?)?" if isinstance(node, jinja.Test) else ""
        match = re.compile(before + name).match(self.source.text, start)
        if match is None:
            return start, end
        end = match.end()
        bracket = re.compile(r"\s*\(").match(self.source.text, end)
        return start, end if bracket is None else self.tokens.brackets.get(bracket.end() - 1, end)

    # --- expressions ---------------------------------------------------------------------------------------

    def expression(self, node: jinja.Node) -> nodes.Expr:
        convert = _EXPRESSIONS.get(type(node))
        if convert is None:
            raise self.misplaced(node)
        return convert(self, node)

    def optional(self, node: jinja.Node | None) -> nodes.Expr | None:
        return None if node is None else self.expression(node)

    def expressions(self, items: Iterable[jinja.Node] | None) -> list[nodes.Expr]:
        return [self.expression(item) for item in items or ()]

    def misplaced(self, node: Any) -> Exception:
        name = type(node).__name__
        place = self.token(node) if isinstance(node, jinja.Node) else self.last
        return syntax_error(
            self.source,
            f"an extension has put a node {name} where the template cannot have one",
            *place,
            cls=TemplateAssertionError,
        )

    def arguments(self, node: Any) -> nodes.Arguments:
        kwargs = []
        for keyword in node.kwargs or ():
            if isinstance(keyword, jinja.Keyword):
                kwargs.append((keyword.key, self.expression(keyword.value)))
            else:
                kwargs.append((keyword.key.value, self.expression(keyword.value)))  # a Pair
        return nodes.Arguments(
            self.expressions(node.args), kwargs, self.optional(node.dyn_args), self.optional(node.dyn_kwargs)
        )

    def special(self, node: jinja.Node, *function: Any, **options: Any) -> nodes.Special:
        return nodes.Special(*self.token(node), function, **options)

    def name(self, node: jinja.Name) -> nodes.Expr:
        if node.name in ("true", "false", "True", "False"):
            return nodes.Const(*self.token(node), node.name in ("true", "True"))
        if node.name in ("none", "None"):
            return nodes.Const(*self.token(node), None)
        return nodes.Name(*self.token(node), node.name)

    def internal_name(self, node: jinja.InternalName) -> nodes.Expr:
        return nodes.Name(*self.token(node), internal_name(node))

    def namespace(self, node: jinja.NSRef) -> nodes.Expr:
        return nodes.NamespaceRef(*self.token(node), node.name, node.attr)

    def const(self, node: jinja.Const) -> nodes.Expr:
        return self.constant(node, node.value)

    def constant(self, node: jinja.Node, value: Any) -> nodes.Expr:
        """A constant. Jinja2 writes it as a literal, so that a container is new each time it is evaluated."""
        span = self.token(node)
        kind = type(value)
        if value is None or kind in (bool, int, float, str):
            return nodes.Const(*span, value)
        if kind is Place:
            return nodes.Const(*span, int(value))
        if kind is tuple or kind is list:
            items = [self.constant(node, item) for item in value]
            return nodes.TupleExpr(*span, items) if kind is tuple else nodes.ListExpr(*span, items)
        if kind is dict:
            pairs = [(self.constant(node, k), self.constant(node, item)) for k, item in value.items()]
            return nodes.DictExpr(*span, pairs)
        if kind is set:
            items = [self.constant(node, item) for item in value]
            return self.special(node, "set", arguments=nodes.Arguments([nodes.TupleExpr(*span, items)]))
        return self.special(node, "constant", Opaque(value))

    def template_data(self, node: jinja.TemplateData) -> nodes.Expr:
        text = nodes.Const(*self.token(node), str(node.data))
        return self.special(node, "safe_if_autoescape", arguments=nodes.Arguments([text]))

    def tuple_(self, node: jinja.Tuple) -> nodes.Expr:
        items = self.expressions(node.items)
        return nodes.TupleExpr(*self.over(node, items), items)

    def list_(self, node: jinja.List) -> nodes.Expr:
        span = self.bracketed(node)
        items = self.expressions(node.items)
        return nodes.ListExpr(*self.around(span, items), items)

    def dict_(self, node: jinja.Dict) -> nodes.Expr:
        span = self.bracketed(node)
        pairs = [(self.expression(pair.key), self.expression(pair.value)) for pair in node.items]
        return nodes.DictExpr(*self.around(span, (part for pair in pairs for part in pair)), pairs)

    def conditional(self, node: jinja.CondExpr) -> nodes.Expr:
        test, body, orelse = (
            self.expression(node.test),
            self.expression(node.expr1),
            self.optional(node.expr2),
        )
        return nodes.Conditional(*self.over(node, (body, test, orelse)), test, body, orelse)

    def call(self, node: jinja.Call) -> nodes.Call:
        func = self.expression(node.node)
        span = self.bracketed(node)
        arguments = self.arguments(node)
        return nodes.Call(*self.around(span, (func, *arguments.args)), func, arguments)

    def filter(self, node: jinja.Filter) -> nodes.Filter:
        value = self.optional(node.node)
        span = self.named(node)
        arguments = self.arguments(node)
        return nodes.Filter(*self.around(span, (value, *arguments.args)), value, node.name, arguments)

    def test(self, node: jinja.Test, negated: bool = False) -> nodes.Expr:
        value = self.expression(node.node)
        span = self.named(node)
        arguments = self.arguments(node)
        return nodes.Test(*self.around(span, (value, *arguments.args)), value, node.name, arguments, negated)

    def attribute(self, node: jinja.Getattr) -> nodes.Expr:
        obj = self.expression(node.node)
        start, end = self.token(node)
        match = re.compile(r"\s*" + re.escape(node.attr)).match(self.source.text, end)
        span = start, end if match is None else match.end()
        return nodes.Attribute(*self.around(span, (obj,)), obj, node.attr)

    def item(self, node: jinja.Getitem) -> nodes.Expr:
        obj = self.expression(node.node)
        span = self.bracketed(node)
        key = self.expression(node.arg)
        return nodes.Item(*self.around(span, (obj, key)), obj, key)

    def slice(self, node: jinja.Slice) -> nodes.Expr:
        parts = [self.optional(node.start), self.optional(node.stop), self.optional(node.step)]
        return nodes.Slice(*self.around(self.token(node), parts), *parts)

    def concat(self, node: jinja.Concat) -> nodes.Expr:
        items = self.expressions(node.nodes)
        return nodes.Concat(*self.over(node, items), items)

    def compare(self, node: jinja.Compare) -> nodes.Expr:
        left = self.expression(node.expr)
        rest = [(_COMPARISONS[operand.op], self.expression(operand.expr)) for operand in node.ops]
        return nodes.Compare(*self.over(node, (left, *(operand for _, operand in rest))), left, rest)

    def operand(self, node: jinja.Operand) -> nodes.Expr:
        return self.expression(node.expr)

    def binary(self, node: jinja.BinExpr) -> nodes.Expr:
        # An operator's left operand may be a long chain, which recursion would be too deep for.
        chain: list[jinja.BinExpr] = []
        leftmost: Any = node
        while type(leftmost) in _BINARY or type(leftmost) in _LOGICAL:
            chain.append(leftmost)
            leftmost = leftmost.left
        left = self.expression(leftmost)
        for each in reversed(chain):
            right = self.expression(each.right)
            span = self.over(each, (left, right))
            kind: Any = type(each)
            if kind in _BINARY:
                left = nodes.Binary(*span, _BINARY[kind], left, right)
            else:
                left = nodes.Logical(*span, _LOGICAL[kind], left, right)
        return left

    def unary(self, node: jinja.UnaryExpr) -> nodes.Expr:
        if type(node) is jinja.Not and type(node.node) is jinja.Test:
            return self.test(node.node, negated=True)
        span = self.token(node)
        operand = self.expression(node.node)
        return nodes.Unary(*self.around(span, (operand,)), _UNARY[type(node)], operand)

    def environment_attribute(self, node: jinja.EnvironmentAttribute) -> nodes.Expr:
        return self.special(node, "environment", node.name)

    def extension_attribute(self, node: jinja.ExtensionAttribute) -> nodes.Expr:
        return self.special(node, "extension", node.identifier, node.name)

    def imported_name(self, node: jinja.ImportedName) -> nodes.Expr:
        return self.special(node, "import", node.importname)

    def mark_safe(self, node: jinja.MarkSafe) -> nodes.Expr:
        return self.special(node, "safe", arguments=nodes.Arguments([self.expression(node.expr)]))

    def mark_safe_if_autoescape(self, node: jinja.MarkSafeIfAutoescape) -> nodes.Expr:
        arguments = nodes.Arguments([self.expression(node.expr)])
        return self.special(node, "safe_if_autoescape", arguments=arguments)

    def context(self, node: jinja.ContextReference) -> nodes.Expr:
        return self.special(node, "context")

    def derived_context(self, node: jinja.DerivedContextReference) -> nodes.Expr:
        return self.special(node, "derived_context", sees_locals=True)


class Opaque:
    """A constant of an extension that no literal can express. It is compared by identity, and hashable."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def internal_name(node: jinja.InternalName) -> str:
    """The name of a variable that only the nodes of an extension have. Templates cannot write it."""
    return f".{node.name}"


def _line_of(node: Any) -> int | None:
    """The line number of a node, or of the first node in it that has one."""
    line: int | None = node.lineno
    if line is not None:
        return line
    return next((line for child in node.iter_child_nodes() if (line := _line_of(child)) is not None), None)


_E = Expressions
_EXPRESSIONS: dict[type[Any], Callable[[Expressions, Any], nodes.Expr]] = {
    jinja.Name: _E.name,
    jinja.NSRef: _E.namespace,
    jinja.Const: _E.const,
    jinja.TemplateData: _E.template_data,
    jinja.Tuple: _E.tuple_,
    jinja.List: _E.list_,
    jinja.Dict: _E.dict_,
    jinja.CondExpr: _E.conditional,
    jinja.Call: _E.call,
    jinja.Filter: _E.filter,
    jinja.Test: _E.test,
    jinja.Getattr: _E.attribute,
    jinja.Getitem: _E.item,
    jinja.Slice: _E.slice,
    jinja.Concat: _E.concat,
    jinja.Compare: _E.compare,
    jinja.Operand: _E.operand,
    **dict.fromkeys((*_BINARY, *_LOGICAL), _E.binary),
    **dict.fromkeys(_UNARY, _E.unary),
    jinja.EnvironmentAttribute: _E.environment_attribute,
    jinja.ExtensionAttribute: _E.extension_attribute,
    jinja.ImportedName: _E.imported_name,
    jinja.InternalName: _E.internal_name,
    jinja.MarkSafe: _E.mark_safe,
    jinja.MarkSafeIfAutoescape: _E.mark_safe_if_autoescape,
    jinja.ContextReference: _E.context,
    jinja.DerivedContextReference: _E.derived_context,
}
