"""The methods that build expression nodes, one for each alternative of the grammar that makes one.

Rule: a method has the name that the grammar gives the alternative, and takes one argument for each symbol; for a
terminal, that is a token (type, value, start, end). A node spans its own text:
``source.text[node.start:node.end]`` is the expression. The span of a parenthesized expression includes the
parentheses, as a node that begins with it would otherwise begin inside them.
"""

from collections.abc import Iterable
from typing import Any, NoReturn

from tmplmon.errors import TemplateSyntaxError
from tmplmon.syntax import nodes
from tmplmon.syntax.lexer import Syntax, Token
from tmplmon.syntax.nodes import Arguments, Expr
from tmplmon.syntax.report import syntax_error
from tmplmon.syntax.source import Source

CONSTANTS = {"true": True, "True": True, "false": False, "False": False, "none": None, "None": None}

# One argument of a list that is being read: (prefix, keyword or "", value, start).
type Argument = tuple[str, str, Expr, int]


class ExpressionBuilder:
    __slots__ = ("open_tags", "source", "syntax")

    def __init__(self, source: Source, syntax: Syntax) -> None:
        self.source = source
        self.syntax = syntax
        self.open_tags = 0

    def fail(
        self,
        message: str,
        start: int,
        end: int,
        *,
        hint: str | None = None,
        cls: type[TemplateSyntaxError] = TemplateSyntaxError,
    ) -> NoReturn:
        raise syntax_error(self.source, message, start, end, hint=hint, cls=cls)

    # --- lists

    def list_first(self, item: Any) -> list[Any]:
        return [item]

    def list_add(self, items: list[Any], _comma: Token, item: Any) -> list[Any]:
        items.append(item)
        return items

    def pair_list(self, first: Any, _comma: Token, second: Any) -> list[Any]:
        return [first, second]

    # --- atoms

    def name(self, token: Token) -> Expr:
        _, value, start, end = token
        if value in CONSTANTS:
            return nodes.Const(start, end, CONSTANTS[value])
        return nodes.Name(start, end, value)

    def constant(self, token: Token) -> nodes.Const:
        return nodes.Const(token[2], token[3], token[1])

    def string_add(self, string: nodes.Const, token: Token) -> nodes.Const:
        string.value += token[1]
        string.end = token[3]
        return string

    def parenthesized(self, opening: Token, value: Expr, closing: Token) -> Expr:
        value.start = opening[2]
        value.end = closing[3]
        return value

    def tuple_empty(self, opening: Token, closing: Token) -> Expr:
        return nodes.TupleExpr(opening[2], closing[3], [])

    def tuple_single(self, item: Expr, comma: Token) -> Expr:
        return nodes.TupleExpr(item.start, comma[3], [item])

    def tuple_closed(self, items: list[Expr]) -> Expr:
        return nodes.TupleExpr(items[0].start, items[-1].end, items)

    def tuple_open(self, items: list[Expr], comma: Token) -> Expr:
        return nodes.TupleExpr(items[0].start, comma[3], items)

    def list_empty(self, opening: Token, closing: Token) -> Expr:
        return nodes.ListExpr(opening[2], closing[3], [])

    def list_display(self, opening: Token, items: list[Expr], *closing: Token) -> Expr:
        return nodes.ListExpr(opening[2], closing[-1][3], items)

    def dict_empty(self, opening: Token, closing: Token) -> Expr:
        return nodes.DictExpr(opening[2], closing[3], [])

    def dict_display(self, opening: Token, pairs: list[tuple[Expr, Expr]], *closing: Token) -> Expr:
        return nodes.DictExpr(opening[2], closing[-1][3], pairs)

    def dict_item(self, key: Expr, _colon: Token, value: Expr) -> tuple[Expr, Expr]:
        return key, value

    # --- suffixes of an atom

    def attribute(self, obj: Expr, _dot: Token, name: Token) -> Expr:
        return nodes.Attribute(obj.start, name[3], obj, name[1])

    def attribute_index(self, obj: Expr, _dot: Token, index: Token) -> Expr:
        return nodes.Item(obj.start, index[3], obj, nodes.Const(index[2], index[3], index[1]))

    def item(self, obj: Expr, _opening: Token, key: Expr, closing: Token) -> Expr:
        return nodes.Item(obj.start, closing[3], obj, key)

    def item_tuple(self, obj: Expr, _opening: Token, keys: list[Expr], closing: Token) -> Expr:
        return nodes.Item(obj.start, closing[3], obj, self.tuple_closed(keys))

    def item_empty(self, obj: Expr, opening: Token, closing: Token) -> Expr:
        return nodes.Item(obj.start, closing[3], obj, nodes.TupleExpr(opening[3], closing[2], []))

    def nothing(self) -> None:
        return None

    def slice_two(self, lower: Expr | None, colon: Token, upper: Expr | None) -> Expr:
        return self._slice((lower, upper, None), (colon,))

    def slice_three(
        self, lower: Expr | None, colon: Token, upper: Expr | None, second: Token, step: Expr | None
    ) -> Expr:
        return self._slice((lower, upper, step), (colon, second))

    def _slice(self, parts: tuple[Expr | None, Expr | None, Expr | None], colons: tuple[Token, ...]) -> Expr:
        spans = [(part.start, part.end) for part in parts if part is not None]
        spans += [(colon[2], colon[3]) for colon in colons]
        return nodes.Slice(min(start for start, _ in spans), max(end for _, end in spans), *parts)

    def call(self, func: Expr, arguments: tuple[Arguments, int]) -> Expr:
        return nodes.Call(func.start, arguments[1], func, arguments[0])

    # --- arguments: (Arguments, offset after the parenthesis)

    def call_empty(self, _opening: Token, closing: Token) -> tuple[Arguments, int]:
        return Arguments(), closing[3]

    def call_arguments(self, opening: Token, items: list[Argument], *closing: Token) -> tuple[Arguments, int]:
        return self.collect(items, opening[2], opening[3]), closing[-1][3]

    def argument_positional(self, value: Expr) -> Argument:
        return "", "", value, value.start

    def argument_keyword(self, name: Token, _assign: Token, value: Expr) -> Argument:
        return "", name[1], value, name[2]

    def argument_star(self, star: Token, value: Expr) -> Argument:
        return "*", "", value, star[2]

    def argument_star_star(self, star: Token, value: Expr) -> Argument:
        return "**", "", value, star[2]

    def collect(self, items: Iterable[Argument], start: int, end: int) -> Arguments:
        """Sort arguments by kind. Raises TemplateSyntaxError for arguments in a wrong order.

        start, end: of the opening parenthesis. As in Jinja, an error is reported on its line.
        """
        arguments = Arguments()
        names: set[str] = set()
        for prefix, name, value, offset in items:
            message = None
            if prefix == "**":
                if arguments.star_star is not None:
                    message = "only one ** argument can be given"
                arguments.star_star = value
            elif arguments.star_star is not None:
                message = "no argument can follow a ** argument"
            elif prefix == "*":
                if arguments.star is not None:
                    message = "only one * argument can be given"
                arguments.star = value
            elif name:
                if name in names:
                    message = f"the keyword argument '{name}' is given twice"
                names.add(name)
                arguments.kwargs.append((name, value))
            elif arguments.kwargs:
                message = "a positional argument cannot follow a keyword argument"
            elif arguments.star is not None:
                message = "a positional argument cannot follow a * argument"
            else:
                arguments.args.append(value)
            if message is not None:
                if self.source.line(offset) == self.source.line(start):
                    start, end = offset, value.end
                self.fail(message, start, end)
        return arguments

    # --- filters and tests

    def dotted(self, name: Token, _dot: Token, part: Token) -> Token:
        return "NAME", f"{name[1]}.{part[1]}", name[2], part[3]

    def filter_expression(
        self, value: Expr, _pipe: Token, name: Token, arguments: tuple[Arguments, int] | None = None
    ) -> Expr:
        if arguments is None:
            return nodes.Filter(value.start, name[3], value, name[1], Arguments())
        return nodes.Filter(value.start, arguments[1], value, name[1], arguments[0])

    def test(
        self, value: Expr, _is: Token, name: Token, arguments: tuple[Arguments, int] | None = None
    ) -> Expr:
        return self._test(value, name, arguments, False)

    def test_not(
        self,
        value: Expr,
        _is: Token,
        _not: Token,
        name: Token,
        arguments: tuple[Arguments, int] | None = None,
    ) -> Expr:
        return self._test(value, name, arguments, True)

    def test_argument(self, value: Expr, _is: Token, name: Token, argument: Expr) -> Expr:
        return self._test(value, name, (Arguments([argument]), argument.end), False)

    def test_not_argument(self, value: Expr, _is: Token, _not: Token, name: Token, argument: Expr) -> Expr:
        return self._test(value, name, (Arguments([argument]), argument.end), True)

    def _test(self, value: Expr, name: Token, arguments: tuple[Arguments, int] | None, negated: bool) -> Expr:
        passed, end = arguments or (Arguments(), name[3])
        return nodes.Test(value.start, end, value, name[1], passed, negated)

    # --- operators

    def unary(self, operator: Token, operand: Expr) -> Expr:
        return nodes.Unary(operator[2], operand.end, operator[1], operand)

    def binary(self, left: Expr, operator: Token, right: Expr) -> Expr:
        return nodes.Binary(left.start, right.end, operator[1], left, right)

    def logical(self, left: Expr, operator: Token, right: Expr) -> Expr:
        return nodes.Logical(left.start, right.end, operator[1], left, right)

    def not_in(self, _not: Token, word: Token) -> Token:
        return "COMPARE", "not in", _not[2], word[3]

    def compare_first(self, left: Expr, operator: Token, right: Expr) -> Expr:
        return nodes.Compare(left.start, right.end, left, [(operator[1], right)])

    def compare_add(self, chain: nodes.Compare, operator: Token, right: Expr) -> Expr:
        chain.rest.append((operator[1], right))
        chain.end = right.end
        return chain

    def concat_first(self, left: Expr, _tilde: Token, right: Expr) -> Expr:
        return nodes.Concat(left.start, right.end, [left, right])

    def concat_add(self, chain: nodes.Concat, _tilde: Token, right: Expr) -> Expr:
        chain.items.append(right)
        chain.end = right.end
        return chain

    def conditional(self, body: Expr, _if: Token, test: Expr) -> Expr:
        return nodes.Conditional(body.start, test.end, test, body, None)

    def conditional_else(self, body: Expr, _if: Token, test: Expr, _else: Token, orelse: Expr) -> Expr:
        return nodes.Conditional(body.start, orelse.end, test, body, orelse)
