"""Template text → all of its pieces, for tools that highlight templates or look for comments in them.

Rule: nothing is left out but what whitespace control drops from the text. The names of the pieces are those of
Jinja's own lexer, and a delimiter has the blanks that it swallows after it:

    a {{- b -}} c      data 'a'   variable_begin '{{-'   whitespace ' '   name 'b'   whitespace ' '
                       variable_end '-}} '   data 'c'

The lexer's own expressions find the pieces, so the two agree on where a tag ends. Names and literals are not
looked into: it takes the lexer to tell that a string has an escape that cannot be read.
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
type Piece = tuple[str, int, int]
# A generator of pieces that returns the offset where the last of them ends.
type Pieces = Generator[Piece, None, int]

_KINDS = {
    lexer.NAME: "name",
    lexer.OPERATOR: "operator",
    lexer.STRING: "string",
    lexer.FLOAT: "float",
    lexer.INTEGER: "integer",
    lexer.OPEN: "operator",
    lexer.CLOSE: "operator",
}
# The kinds that are left out where their text is empty.
_OPTIONAL = frozenset(("data", "whitespace", "comment", "linecomment"))


def raw_tokens(
    text: str, syntax: Syntax, name: str | None, filename: str | None
) -> Iterator[tuple[int, str, str]]:
    """(line, kind, text) of each piece of a template, in their order.

    `name` and `filename` are for errors. Raises TemplateSyntaxError where the text cannot be cut into pieces; those
    before that place have been given by then.
    """
    source = Source(text, name, filename or "<template>")
    scanner = _RawScanner(source, syntax)
    line, at = 1, 0
    try:
        for kind, start, end in scanner.pieces():
            if start < end or kind not in _OPTIONAL:
                line += scanner.text.count("\n", at, start)
                at = start
                yield line, kind, scanner.text[start:end]
    except TemplateSyntaxError as error:
        error.filename = filename
        raise


class _RawScanner(Scanner):
    """The lexer's scanner, whose methods decide on whitespace and word the errors, but it yields pieces."""

    __slots__ = ("source",)

    def __init__(self, source: Source, syntax: Syntax) -> None:
        super().__init__(rules_of(syntax), source.text)
        self.source = source

    def pieces(self) -> Iterator[Piece]:
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
                position = yield from self._tag_pieces(kind, after, rules.in_variable.match)
            elif kind == "block":
                position = yield from self._tag_pieces(kind, after, rules.in_block.match)
            elif kind == "linestatement":
                position = yield from self._tag_pieces(kind, after, rules.in_line.match)
            elif kind == "linecomment":
                found = text.find("\n", after)
                position = found if found >= 0 else len(text)
                yield "linecomment", after, position
                yield "linecomment_end", position, position
            else:
                position = yield from self._body(kind, start, after)
        yield "data", position, len(text)

    def _kept(self, start: int, stop: int, sign: str, lstrip: bool) -> Iterator[Piece]:
        """What is kept of the text before a delimiter."""
        self._text(start, stop, sign, lstrip)
        for _, _, start, stop in self.tokens:
            yield "data", start, stop
        self.tokens.clear()

    def _body(self, kind: str, start: int, after: int) -> Pieces:
        """What a comment or ``raw`` has in it, and its end."""
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

    def _tag_pieces(self, kind: str, position: int, free: Matcher) -> Pieces:
        """What a tag has in it, and its closing delimiter, which `free` finds outside of brackets."""
        text = self.text
        brackets: list[int] = []
        while (found := (self.rules.nested.match if brackets else free)(text, position)) is not None:
            group: int = found.lastindex  # type: ignore[assignment]
            start, end = found.span(group)
            yield "whitespace", position, start
            position = end
            if group == lexer.END:
                return (yield from self._end(kind, found))
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

    def _end(self, kind: str, found: Match[str]) -> Pieces:
        """A closing delimiter, with the blanks it swallows."""
        start, end = found.span(lexer.END)
        syntax = self.rules.syntax
        if kind == "block":
            end = self._trim(found[lexer.END], end, len(syntax.block_end_string))
        elif kind == "variable" and end - start > len(syntax.variable_end_string):
            end = skip_blanks(self.text, end)
        yield f"{kind}_end", start, end
        return end

    def _failure(self) -> TemplateSyntaxError:
        """The error that the scanner has just found."""
        _, error, start, end = self.tokens.pop()
        return syntax_error(self.source, error.message, start, end, hint=error.hint)
