"""All tokens of a template's text, including comments and whitespace, for tools that highlight templates.

Rule: the tokens contain the whole text except whitespace that whitespace control removes. Their kinds have the
names that Jinja's own lexer uses. A delimiter includes the whitespace that it removes after it:

    a {{- b -}} c      data 'a'   variable_begin '{{-'   whitespace ' '   name 'b'   whitespace ' '
                       variable_end '-}} '   data 'c'

The regular expressions are those of the lexer, so both agree on the end of a tag. Names and literals are not
checked here: only the lexer detects a string with an escape that cannot be decoded.
"""

from collections.abc import Generator, Iterator
from re import Match

from tmplmon.errors import TemplateSyntaxError
from tmplmon.syntax import lexer
from tmplmon.syntax.lexer import CLOSED_BY, Matcher, Scanner, Syntax, rules_of, skip_blanks
from tmplmon.syntax.literals import whole_name
from tmplmon.syntax.report import syntax_error
from tmplmon.syntax.source import Source

# (kind, start, end)
type RawToken = tuple[str, int, int]
# A generator of tokens that returns the offset of the end of the last one.
type RawTokens = Generator[RawToken, None, int]

_KINDS = {
    lexer.NAME: "name",
    lexer.OPERATOR: "operator",
    lexer.STRING: "string",
    lexer.FLOAT: "float",
    lexer.INTEGER: "integer",
    lexer.OPEN: "operator",
    lexer.CLOSE: "operator",
}
# The kinds of tokens that are left out if they are empty.
_OPTIONAL = frozenset(("data", "whitespace", "comment", "linecomment"))


def raw_tokens(
    text: str, syntax: Syntax, name: str | None, filename: str | None
) -> Iterator[tuple[int, str, str]]:
    """(1-based line, kind, text) of each token of a template, in source order.

    name, filename: of the template, for errors.

    Raises TemplateSyntaxError at the first text that cannot be cut into tokens, after the tokens before it.
    """
    source = Source(text, name, filename or "<template>")
    scanner = _RawScanner(source, syntax)
    line, at = 1, 0
    try:
        for kind, start, end in scanner.raw_tokens():
            if start < end or kind not in _OPTIONAL:
                line += scanner.text.count("\n", at, start)
                at = start
                yield line, kind, scanner.text[start:end]
    except TemplateSyntaxError as error:
        error.in_file(filename)
        raise


class _RawScanner(Scanner):
    """A scanner that yields raw tokens. Whitespace control and error messages are those of the lexer's scanner."""

    __slots__ = ("source",)

    def __init__(self, source: Source, syntax: Syntax) -> None:
        super().__init__(rules_of(syntax), source.text)
        self.source = source

    def raw_tokens(self) -> Iterator[RawToken]:
        text, rules = self.text, self.rules
        syntax = rules.syntax
        position = 0
        while (opening := rules.opening.search(text, position)) is not None:
            start, after = opening.span()
            kind: str = opening.lastgroup  # type: ignore[assignment]
            sign_at = start + len(syntax.block_start_string) if kind == "raw" else after
            sign = text[sign_at : sign_at + 1]
            yield from self._kept(position, start, sign, syntax.lstrip_blocks and kind != "variable")
            if kind != "raw" and sign in ("-", "+"):
                after += 1
            kind = kind.replace("line_", "line")
            yield f"{kind}_begin", start, after
            if kind == "variable":
                position = yield from self._tag_tokens(kind, after, rules.in_variable.match)
            elif kind == "block":
                position = yield from self._tag_tokens(kind, after, rules.in_block.match)
            elif kind == "linestatement":
                position = yield from self._tag_tokens(kind, after, rules.in_line.match)
            elif kind == "linecomment":
                line_end = text.find("\n", after)
                position = line_end if line_end >= 0 else len(text)
                yield "linecomment", after, position
                yield "linecomment_end", position, position
            else:
                position = yield from self._body(kind, start, after)
        yield "data", position, len(text)

    def _kept(self, start: int, stop: int, sign: str, lstrip: bool) -> Iterator[RawToken]:
        """The token of the text before a delimiter, without the whitespace that the delimiter removes."""
        self._text(start, stop, sign, lstrip)
        for _, _, start, stop in self.tokens:
            yield "data", start, stop
        self.tokens.clear()

    def _body(self, kind: str, start: int, after: int) -> RawTokens:
        """The content of a comment or ``raw`` block, and its end."""
        text, syntax = self.text, self.rules.syntax
        if after == len(text):
            return after
        if kind == "comment":
            end = self.rules.comment_end.search(text, after)
            if end is None:
                self._comment(start, after)
                raise self._failure()
            stop = end.start()
            position = self._trim(end[0], end.end(), len(syntax.comment_end_string))
            yield kind, after, stop
        else:
            end = self.rules.raw_end.search(text, after)
            if end is None:
                self._raw(start, after)
                raise self._failure()
            stop = end.start()
            position = self._trim(end[1], end.end(), len(syntax.block_end_string))
            sign_at = stop + len(syntax.block_start_string)
            yield from self._kept(after, stop, text[sign_at : sign_at + 1], syntax.lstrip_blocks)
        yield f"{kind}_end", stop, position
        return position

    def _tag_tokens(self, kind: str, position: int, free: Matcher) -> RawTokens:
        """The content of a tag, and its closing delimiter, which `free` matches outside of brackets."""
        text = self.text
        brackets: list[int] = []
        while (match := (self.rules.nested.match if brackets else free)(text, position)) is not None:
            group: int = match.lastindex  # type: ignore[assignment]
            start, end = match.span(group)
            yield "whitespace", position, start
            position = end
            if group == lexer.END:
                return (yield from self._end(kind, match))
            if group == lexer.NAME:
                _, position = whole_name(text, start, end)
            elif group == lexer.OPEN:
                brackets.append(start)
            elif group == lexer.CLOSE:
                if not brackets or CLOSED_BY[text[brackets[-1]]] != text[start]:
                    self._unbalanced(start, f"{kind.upper()}_END", brackets)
                    raise self._failure()
                brackets.pop()
            yield _KINDS[group], start, position
        start = skip_blanks(text, position)
        yield "whitespace", position, start
        if start < len(text):
            self._stuck(start)
            raise self._failure()
        return start

    def _end(self, kind: str, match: Match[str]) -> RawTokens:
        """A closing delimiter, with the whitespace that it removes."""
        start, end = match.span(lexer.END)
        syntax = self.rules.syntax
        if kind == "block":
            end = self._trim(match[lexer.END], end, len(syntax.block_end_string))
        elif kind == "variable" and end - start > len(syntax.variable_end_string):
            end = skip_blanks(self.text, end)
        yield f"{kind}_end", start, end
        return end

    def _failure(self) -> TemplateSyntaxError:
        """The error that a method of the base class has just appended as a token."""
        _, error, start, end = self.tokens.pop()
        return syntax_error(self.source, error.message, start, end)
