"""The methods that build the node of a ``trans`` block: its options, and the two texts with their placeholders.

Rule: a text is in ``%`` format: ``{{ name }}`` becomes ``%(name)s``, and percent signs are doubled. It is not
trimmed here; see `messages`.
"""

from typing import NamedTuple

from tmplmon.errors import TemplateAssertionError
from tmplmon.syntax import nodes
from tmplmon.syntax.build_statements import StatementBuilder
from tmplmon.syntax.lexer import Token
from tmplmon.syntax.nodes import Expr, Stmt

# A variable that the tag defines: its name, and its expression or None.
type Variable = tuple[Token, Expr | None]
# A part of a text: a TEXT token, or the NAME token of a placeholder.
type TextPart = Token


class TransHead(NamedTuple):
    tag: Token
    end: Token
    context: str | None
    bindings: dict[str, Expr]
    trimmed: bool | None


class PluralHead(NamedTuple):
    head: TransHead
    singular: list[TextPart]
    counter: str | None


class TransBuilder(StatementBuilder):
    __slots__ = ()

    def trans_name(self, name: Token) -> Variable:
        return name, None

    def trans_binding(self, name: Token, _assign: Token, value: Expr) -> Variable:
        return name, value

    def trans_start(self, context: Token, word: Token) -> list[Token]:
        return [context, word]

    def comma_colon_end(self, _comma: Token, _colon: Token, end: Token) -> Token:
        return end

    def trans_head(self, tag: Token, end: Token) -> TransHead:
        return self.trans_head_both(tag, [], [], end)

    def trans_head_start(self, tag: Token, start: list[Token], end: Token) -> TransHead:
        return self.trans_head_both(tag, start, [], end)

    def trans_head_items(self, tag: Token, variables: list[Variable], end: Token) -> TransHead:
        return self.trans_head_both(tag, [], variables, end)

    def trans_head_both(
        self, tag: Token, start: list[Token], variables: list[Variable], end: Token
    ) -> TransHead:
        self.open(tag)
        context: str | None = None
        trimmed: bool | None = None
        for terminal, value, _, _ in start:
            if terminal == "STRING":
                context = value
            else:
                trimmed = value == "trimmed"
        bindings: dict[str, Expr] = {}
        for name, expression in variables:
            if expression is None and trimmed is None and name[1] in ("trimmed", "notrimmed"):
                trimmed = name[1] == "trimmed"
                continue
            if name[1] in bindings:
                message = f"'trans' defines the variable '{name[1]}' twice"
                self.fail(message, name[2], name[3], cls=TemplateAssertionError)
            bindings[name[1]] = self.name(name) if expression is None else expression
        return TransHead(tag, end, context, bindings, trimmed)

    def trans_variable(
        self, parts: list[TextPart], _begin: Token, name: Token, _end: Token
    ) -> list[TextPart]:
        parts.append(name)
        return parts

    def trans_text(self, parts: list[TextPart], text: Token) -> list[TextPart]:
        parts.append(text)
        return parts

    def trans(self, head: TransHead, singular: list[TextPart], _tag: Token, _end: Token) -> Stmt:
        return self._trans(head, singular, None, None)

    def trans_plural_head(
        self, head: TransHead, singular: list[TextPart], _tag: Token, *name: Token
    ) -> PluralHead:
        count: str | None
        if len(name) == 2:
            _, count, start, end = name[0]
            if count not in head.bindings:
                message = f"'pluralize' names the variable '{count}', which 'trans' does not define"
                self.fail(message, start, end, cls=TemplateAssertionError)
        else:
            count = next(iter([*head.bindings, *_names(singular)]), None)
        return PluralHead(head, singular, count)

    def trans_plural(self, start: PluralHead, plural: list[TextPart], _tag: Token, _end: Token) -> Stmt:
        head = start.head
        if start.counter is None:
            self.fail("'pluralize' needs a variable to count by", head.tag[3] - len(head.tag[1]), head.tag[3])
        return self._trans(head, start.singular, plural, start.counter)

    def _trans(
        self, head: TransHead, singular: list[TextPart], plural: list[TextPart] | None, count: str | None
    ) -> Stmt:
        self.open_tags -= 1
        return nodes.Trans(
            head.tag[2],
            head.end[3],
            head.context,
            list(head.bindings.items()),
            head.trimmed,
            _message(singular),
            None if plural is None else _message(plural),
            list(dict.fromkeys([*_names(singular), *_names(plural or [])])),
            count,
        )


def _names(parts: list[TextPart]) -> list[str]:
    return [part[1] for part in parts if part[0] != "TEXT"]


def _message(parts: list[TextPart]) -> str:
    return "".join(part[1].replace("%", "%%") if part[0] == "TEXT" else f"%({part[1]})s" for part in parts)
