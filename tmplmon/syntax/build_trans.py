"""The `trans` tag: its options, and the two messages with their placeholders.

Rule: a message is the text of its section in ``%``-format. A ``{{ name }}`` becomes ``%(name)s``, a percent sign of
the text is doubled, nothing is trimmed.
"""

from typing import NamedTuple

from tmplmon.errors import TemplateAssertionError
from tmplmon.syntax import nodes
from tmplmon.syntax.build_statements import StatementBuilder
from tmplmon.syntax.lexer import Token
from tmplmon.syntax.nodes import Expr, Stmt

# One entry of the tag's list: a name alone, or with the expression it stands for.
type Entry = tuple[Token, Expr | None]
# One piece of a section's text: a TEXT token, or the NAME of a placeholder.
type Piece = Token


class TransHead(NamedTuple):
    tag: Token
    end: Token
    context: str | None
    bindings: dict[str, Expr]
    trimmed: bool | None


class TransBuilder(StatementBuilder):
    __slots__ = ()

    def trans_name(self, name: Token) -> Entry:
        return name, None

    def trans_binding(self, name: Token, _assign: Token, value: Expr) -> Entry:
        return name, value

    def trans_head(self, tag: Token, end: Token) -> TransHead:
        return self._head(tag, None, None, [], end)

    def trans_head_context(self, tag: Token, context: Token, end: Token) -> TransHead:
        return self._head(tag, context, None, [], end)

    def trans_head_items(self, tag: Token, entries: list[Entry], end: Token) -> TransHead:
        return self._head(tag, None, None, entries, end)

    def trans_head_word_items(self, tag: Token, word: Token, entries: list[Entry], end: Token) -> TransHead:
        return self._head(tag, None, word, entries, end)

    def trans_head_context_items(self, tag: Token, context: Token, entries: list[Entry], end: Token) -> TransHead:
        return self._head(tag, context, None, entries, end)

    def trans_head_all(self, tag: Token, context: Token, word: Token, entries: list[Entry], end: Token) -> TransHead:
        return self._head(tag, context, word, entries, end)

    def _head(
        self, tag: Token, context: Token | None, word: Token | None, entries: list[Entry], end: Token
    ) -> TransHead:
        self.open(tag)
        trimmed: bool | None = None
        bindings: dict[str, Expr] = {}
        if word is not None:
            if word[1] not in ("trimmed", "notrimmed"):
                after = entries[0][0]
                self.fail(f"expected ',' or '=' after '{word[1]}'", after[2], after[3])
            trimmed = word[1] == "trimmed"
        for number, (name, value) in enumerate(entries):
            if value is None and trimmed is None and name[1] in ("trimmed", "notrimmed"):
                trimmed = name[1] == "trimmed"
                if number == 0 and len(entries) > 1:
                    self.fail(f"no comma can follow '{name[1]}' before the first variable", name[3], name[3] + 1)
                continue
            if name[1] in bindings:
                message = f"'trans' defines the variable '{name[1]}' twice"
                self.fail(message, name[2], name[3], cls=TemplateAssertionError)
            bindings[name[1]] = self.name(name) if value is None else value
        return TransHead(tag, end, None if context is None else context[1], bindings, trimmed)

    def trans_variable(self, pieces: list[Piece], _begin: Token, name: Token, _end: Token) -> list[Piece]:
        pieces.append(name)
        return pieces

    def trans_text(self, pieces: list[Piece], text: Token) -> list[Piece]:
        pieces.append(text)
        return pieces

    def pluralize(self, _tag: Token, *name: Token) -> Token | None:
        return name[0] if len(name) == 2 else None

    def trans(self, head: TransHead, singular: list[Piece], _tag: Token, _end: Token) -> Stmt:
        return self._trans(head, singular, None, None)

    def trans_plural(
        self, head: TransHead, singular: list[Piece], count: Token | None, plural: list[Piece], _tag: Token, _end: Token
    ) -> Stmt:
        return self._trans(head, singular, plural, count)

    def _trans(self, head: TransHead, singular: list[Piece], plural: list[Piece] | None, by: Token | None) -> Stmt:
        self.open_tags -= 1
        names = _names(singular)
        count: str | None = None
        if plural is not None:
            if by is not None:
                if by[1] not in head.bindings:
                    message = f"'pluralize' names the variable '{by[1]}', which 'trans' does not define"
                    self.fail(message, by[2], by[3], cls=TemplateAssertionError)
                count = by[1]
            else:
                count = next(iter([*head.bindings, *names]), None)
                if count is None:
                    start = head.tag[3] - len(head.tag[1])
                    self.fail("'pluralize' needs a variable to count by", start, head.tag[3])
        return nodes.Trans(
            head.tag[2],
            head.end[3],
            head.context,
            list(head.bindings.items()),
            head.trimmed,
            _message(singular),
            None if plural is None else _message(plural),
            list(dict.fromkeys([*names, *_names(plural or [])])),
            count,
        )


def _names(pieces: list[Piece]) -> list[str]:
    return [piece[1] for piece in pieces if piece[0] != "TEXT"]


def _message(pieces: list[Piece]) -> str:
    return "".join(piece[1].replace("%", "%%") if piece[0] == "TEXT" else f"%({piece[1]})s" for piece in pieces)
