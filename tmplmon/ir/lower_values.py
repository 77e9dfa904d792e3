"""Expressions to value ops."""

import re
from collections.abc import Callable, Container, Iterable
from typing import Any

from tmplmon.ir import ops
from tmplmon.ir.lower_state import Level, State
from tmplmon.ir.ops import Op
from tmplmon.syntax import literals, nodes

# Attributes of ``loop`` that can be read without a loop object.
CHEAP_LOOP_ATTRIBUTES = frozenset(
    ("index", "index0", "first", "last", "length", "revindex", "revindex0", "depth", "depth0")
)


class Values(State):
    """Lowers expressions."""

    def value(self, expr: nodes.Expr) -> Op:
        return _VALUES[type(expr)](self, expr)

    def name(self, expr: nodes.Name) -> Op:
        return self.load(expr.name, self.site(expr.start, expr.end))

    def const(self, expr: nodes.Const) -> Op:
        value = expr.value
        if type(value) is str and self.newline != "\n":
            value = self.with_newlines(expr)
        return ops.Const(value, self.site(expr.start, expr.end))

    def with_newlines(self, expr: nodes.Const) -> str:
        """The value of string literals in which line breaks of the source are replaced by the environment's
        `newline_sequence`. Escapes such as ``\\n`` are not."""
        written = self.source.text[expr.start : expr.end]
        if "\n" not in written:
            return str(expr.value)
        parts = [match[0].replace("\n", self.newline) for match in _STRING.finditer(written)]
        return "".join([literals.string(literal)[1] for literal in parts])

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
        """The loop that ``loop`` refers to here, or None if it is a loop of another scope."""
        level: Level | None = self.level
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

    def special(self, expr: nodes.Special) -> Op:
        arguments = self.arguments(expr.arguments)
        local = self.locals() if expr.sees_locals else []
        return ops.TagCall(expr.function, arguments, None, local, self.site(expr.start, expr.end))

    def static_cycle(self, expr: nodes.Call) -> Op | None:
        """``loop.cycle(a, b)`` as ``(a, b)[loop.index0 % 2]``, which needs no loop object; None for other calls."""
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
        """The filters of a filter block or a block set, applied to its text. As in Jinja2, an unknown filter is an
        error here even in an ``if``."""
        was_soft, self.level.soft = self.level.soft, False
        value = text if chain.value is None else self.filter_chain_value(chain.value, text)
        result = self.filtered(chain, value)
        self.level.soft = was_soft
        return result

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
            from tmplmon.syntax.hints import UNKNOWN_NAMES

            hint = UNKNOWN_NAMES.get((what, name)) or _closest(name, known)
            raise self.fail(f"No {what} named {name!r}.", node, hint)

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


_VALUES: dict[type[nodes.Expr], Callable[[Values, Any], Op]] = {
    nodes.Const: Values.const,
    nodes.Name: Values.name,
    nodes.TupleExpr: Values.tuple_,
    nodes.Slice: Values.slice,
    nodes.ListExpr: Values.list_,
    nodes.DictExpr: Values.dict_,
    nodes.Attribute: Values.attribute,
    nodes.Item: Values.item,
    nodes.Call: Values.call,
    nodes.Special: Values.special,
    nodes.Filter: Values.filter,
    nodes.Test: Values.test,
    nodes.Unary: Values.unary,
    nodes.Binary: Values.binary,
    nodes.Logical: Values.logical,
    nodes.Compare: Values.compare,
    nodes.Concat: Values.concat,
    nodes.Conditional: Values.conditional,
}


_STRING = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)


def _closest(name: str, known: Container[str]) -> str | None:
    import difflib

    matches = difflib.get_close_matches(name, known, 1) if isinstance(known, Iterable) else []
    return f"did you mean {matches[0]!r}?" if matches else None
