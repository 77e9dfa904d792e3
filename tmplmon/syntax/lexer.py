"""Template text → tokens. Delimiters, whitespace control, line statements and `raw` are settled here.

Rule: the parser sees no whitespace, no comment and no delimiter it could get wrong. ``{% for`` is one token
(TAG_FOR), ``{{`` is VARIABLE_BEGIN, a ``-`` or ``+`` at a delimiter has already had its effect on the TEXT
beside it, and a TEXT is never empty.

Two regular expressions do the work for a `Syntax`, compiled once: one *searches* for the next opening
delimiter, longest first, and one *matches* a token inside a tag together with the whitespace before it (group
numbers say which kind it was). Inside brackets the second one has a twin that knows no closing delimiter, so
that ``}}`` in ``{{ {'a': {}}} }}`` closes two dicts.

The lexer does not raise. Where it cannot go on it appends an ERROR token and stops: what comes first in the
template, a lexical error or one the parser finds, must be what the user is told.
"""

import re
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from tmplmon.syntax import literals
from tmplmon.syntax.literals import whole_name
from tmplmon.syntax.report import syntax_error
from tmplmon.syntax.source import Source
from tmplmon.syntax.tags import terminals

# (type, value, start, end): plain tuples, as making a class's instances would double the lexer's time.
# `value` is the text itself, but the number or the decoded string for literals.
type Token = tuple[str, Any, int, int]


class Matcher(Protocol):
    """The `match` method of a compiled expression."""

    def __call__(self, string: str, position: int, /) -> re.Match[str] | None: ...


# Brackets nested deeper than this are refused. Ordinary templates have 3 to 5; Python's own parser stops at
# 200.
MAX_BRACKETS = 200


class Syntax(NamedTuple):
    """Delimiters and lexical options, under Jinja's names and with its defaults.

    `tags` has the optional tags that are on: any of ``trans``, ``do``, ``break``, ``continue``, ``debug``.
    `custom_tags` has (name, has a body) of the tags extensions added.
    """

    block_start_string: str = "{%"
    block_end_string: str = "%}"
    variable_start_string: str = "{{"
    variable_end_string: str = "}}"
    comment_start_string: str = "{#"
    comment_end_string: str = "#}"
    line_statement_prefix: str | None = None
    line_comment_prefix: str | None = None
    trim_blocks: bool = False
    lstrip_blocks: bool = False
    keep_trailing_newline: bool = False
    tags: frozenset[str] = frozenset()
    custom_tags: tuple[tuple[str, bool], ...] = ()


class LexicalError(NamedTuple):
    """The value of an ERROR token."""

    message: str
    hint: str | None = None


# Words that have a terminal of their own. They are reserved nowhere: see the grammar.
KEYWORDS = {
    word: word.upper()
    for word in (
        *("and", "as", "context", "else", "if", "ignore", "import", "in", "is", "missing", "not", "or"),
        *("recursive", "required", "scoped", "trimmed", "with", "without"),
    )
} | {"notrimmed": "TRIMMED"}

OPERATORS = {
    "+": "PLUS",
    "-": "MINUS",
    "*": "STAR",
    "**": "POWER",
    "/": "MULTIPLY",
    "//": "MULTIPLY",
    "%": "MULTIPLY",
    "~": "TILDE",
    "==": "COMPARE",
    "!=": "COMPARE",
    "<": "COMPARE",
    "<=": "COMPARE",
    ">": "COMPARE",
    ">=": "COMPARE",
    "=": "ASSIGN",
    ".": "DOT",
    ":": "COLON",
    "|": "PIPE",
    ",": "COMMA",
    ";": "SEMICOLON",
    "(": "LPAR",
    ")": "RPAR",
    "[": "LSQB",
    "]": "RSQB",
    "{": "LBRACE",
    "}": "RBRACE",
}

# What other languages write with characters that mean nothing here.
_ELSEWHERE = {"&": "write 'and'", "!": "write 'not'", "?": "write 'a if condition else b'"}

CLOSED_BY = {"(": ")", "[": "]", "{": "}"}

# Group numbers of the in-tag expression.
END, NAME, OPERATOR, STRING, FLOAT, INTEGER, OPEN, CLOSE = range(1, 9)

_DIGITS = r"[0-9](?:_?[0-9])*"
_LITERALS = {STRING: literals.string, FLOAT: literals.float_, INTEGER: literals.integer}

# What Python lets a name begin with; the second part are characters with the Unicode property Other_ID_Start.
_NAME = r"([^\W0-9]\w*|[\u1885\u1886\u2118\u212e]\w*)"

_INSIDE = (
    rf"|{_NAME}"
    r"|(//|\*\*|==|!=|>=|<=|[-+/*%~=.:|,<>;])"
    r"|('[^'\\]*+(?:\\.[^'\\]*+)*+'"
    r'|"[^"\\]*+(?:\\.[^"\\]*+)*+")'
    rf"|((?<!\.){_DIGITS}(?:(?:\.{_DIGITS})?[eE][+-]?{_DIGITS}|\.{_DIGITS}))"
    r"|(0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[0-9a-fA-F])+|[1-9](?:_?[0-9])*|0(?:_?0)*)"
    r"|([(\[{])"
    r"|([)\]}])"
)

_not_space = re.compile(r"\S").search
_tag_name = re.compile(rf"\s*{_NAME}").match
_line_tag_name = re.compile(rf"[^\S\n]*{_NAME}").match
_signature = re.compile(r"\s*\(").match


def skip_blanks(text: str, position: int) -> int:
    """The offset of the first character at or after `position` that is not whitespace."""
    found = _not_space(text, position)
    return found.start() if found is not None else len(text)


def tokenize(source: Source, syntax: Syntax) -> list[Token]:
    """All tokens of the template; raises TemplateSyntaxError where the text cannot be cut into tokens."""
    tokens, _ = scan(source, syntax)
    if tokens and tokens[-1][0] == "ERROR":
        _, error, start, end = tokens[-1]
        raise syntax_error(source, error.message, start, end, hint=error.hint)
    return tokens


def scan(source: Source, syntax: Syntax) -> tuple[list[Token], int]:
    """The tokens of the template, the last of them an ERROR where the text cannot be cut into tokens, and the
    number of tokens in the longest tag."""
    scanner = Scanner(rules_of(syntax), source.text)
    scanner.template()
    return scanner.tokens, scanner.longest


def scan_expression(source: Source, syntax: Syntax) -> tuple[list[Token], int]:
    """The tokens of an expression that stands alone, and their number."""
    scanner = Scanner(rules_of(syntax), source.text)
    scanner.expression()
    return scanner.tokens, len(scanner.tokens)


class Rules:
    """A `Syntax`, compiled."""

    __slots__ = (
        "comment_end",
        "in_block",
        "in_line",
        "in_variable",
        "nested",
        "opening",
        "raw_end",
        "syntax",
        "tags",
    )

    def __init__(self, syntax: Syntax) -> None:
        self.syntax = syntax
        self.tags = terminals(syntax.tags, syntax.custom_tags)
        block_start = re.escape(syntax.block_start_string)
        block_end = re.escape(syntax.block_end_string)
        variable_end = re.escape(syntax.variable_end_string)
        self.opening = re.compile(_opening(syntax), re.M)
        self.comment_end = re.compile(rf"[-+]?{re.escape(syntax.comment_end_string)}")
        self.raw_end = re.compile(rf"{block_start}[-+]?\s*endraw\s*([-+]?{block_end})")
        self.nested = re.compile(rf"\s*(?:((?!)){_INSIDE})", re.S)
        self.in_block = re.compile(rf"\s*(?:([-+]?{block_end}){_INSIDE})", re.S)
        self.in_variable = re.compile(rf"\s*(?:(-?{variable_end}){_INSIDE})", re.S)
        # The end of a line is whitespace itself and takes the blank lines after it along.
        self.in_line = re.compile(rf"(\s*(?:\n|$))|\s*(?:(?!){_INSIDE})", re.S | re.M)


@lru_cache(maxsize=64)
def rules_of(syntax: Syntax) -> Rules:
    return Rules(syntax)


def _opening(syntax: Syntax) -> str:
    """The expression that finds where text ends. Where several delimiters match at one place the longest wins
    (``<%=`` before ``<%``); among equals the order is that of `order`, as in Jinja."""
    order = ("variable", "line_statement", "line_comment", "comment", "block")
    found = [
        (syntax.variable_start_string, "variable", ""),
        (syntax.comment_start_string, "comment", ""),
        (syntax.block_start_string, "block", ""),
        (syntax.line_statement_prefix, "line_statement", r"^[ \t\v]*"),
        (syntax.line_comment_prefix, "line_comment", r"(?:^|(?<=\S))[^\S\r\n]*"),
    ]
    given = [(text, kind, before) for text, kind, before in found if text]
    given.sort(key=lambda entry: (-len(entry[0]), order.index(entry[1])))
    # With one first character for all, taken out of the alternatives, `re` looks for it ten times faster.
    first = {before or text[0] for text, _, before in given}
    shared = 1 if len(first) == 1 else 0
    block_end = re.escape(syntax.block_end_string)
    raw = rf"{re.escape(syntax.block_start_string[shared:])}[-+]?\s*raw\s*(?:-{block_end}\s*|{block_end})"
    rest = "".join(f"|(?P<{kind}>{before}{re.escape(text[shared:])})" for text, kind, before in given)
    return f"{re.escape(syntax.block_start_string[:shared])}(?:(?P<raw>{raw}){rest})"


class Scanner:
    """One run over one text. The methods take an offset and give the offset where they stopped, or -1 after
    an ERROR or at the end of the text."""

    __slots__ = ("ascii", "longest", "rules", "text", "tokens")

    def __init__(self, rules: Rules, text: str) -> None:
        if not rules.syntax.keep_trailing_newline and text.endswith("\n"):
            text = text[:-1]
        self.rules = rules
        self.text = text
        self.ascii = text.isascii()
        self.tokens: list[Token] = []
        self.longest = 0

    def template(self) -> None:
        text, tokens, rules = self.text, self.tokens, self.rules
        syntax = rules.syntax
        search = rules.opening.search
        position = 0
        while (opening := search(text, position)) is not None:
            start, after = opening.span()
            kind = opening.lastgroup
            sign_at = start + len(syntax.block_start_string) if kind == "raw" else after
            sign = text[sign_at : sign_at + 1]
            if position < start:
                self._text(position, start, sign, syntax.lstrip_blocks and kind != "variable")
            if kind != "raw" and (sign == "-" or sign == "+"):
                after += 1
            count = len(tokens)
            if kind == "variable":
                tokens.append(("VARIABLE_BEGIN", text[start:after], start, after))
                position = self._inside(after, rules.in_variable.match, "VARIABLE_END", [])
            elif kind == "block":
                position = self._tag(start, after, _tag_name, rules.in_block.match, "BLOCK_END")
            elif kind == "comment":
                position = self._comment(start, after)
            elif kind == "raw":
                position = self._raw(start, after)
            elif kind == "line_statement":
                start = sign_at - len(syntax.line_statement_prefix or "")
                position = self._tag(start, after, _line_tag_name, rules.in_line.match, "LINE_END")
            else:
                end = text.find("\n", after)
                position = end if end >= 0 else len(text)
            if len(tokens) - count > self.longest:
                self.longest = len(tokens) - count
            if position < 0:
                return
        if position < len(text):
            tokens.append(("TEXT", text[position:], position, len(text)))

    def expression(self) -> None:
        self._inside(0, self.rules.nested.match, "", [])

    def _text(self, start: int, stop: int, sign: str, lstrip: bool) -> None:
        """The text before a delimiter with `sign`; `lstrip` says that the delimiter may swallow its
        indentation."""
        text = self.text
        if sign == "-":
            stop = start + len(text[start:stop].rstrip())
        elif lstrip and sign != "+":
            line = text.rfind("\n", start, stop) + 1
            if line == 0 and (start == 0 or text[start - 1] == "\n"):
                line = start
            if (line > 0 or start == 0) and text[line:stop].isspace():
                stop = line
        if start < stop:
            self.tokens.append(("TEXT", text[start:stop], start, stop))

    def _comment(self, start: int, after: int) -> int:
        end = self.rules.comment_end.search(self.text, after)
        if end is None:
            closing = self.rules.syntax.comment_end_string
            return self._error(f"the comment opened here is never closed; expected '{closing}'", start, after)
        return self._trim(end[0], end.end(), len(self.rules.syntax.comment_end_string))

    def _raw(self, start: int, after: int) -> int:
        syntax = self.rules.syntax
        end = self.rules.raw_end.search(self.text, after)
        if end is None:
            start = max(
                start, self.text.rfind("\n", start, after) + 1
            )  # Jinja names the line the tag ends on
            return self._error("the 'raw' block opened here is never closed; expected 'endraw'", start, after)
        sign_at = end.start() + len(syntax.block_start_string)
        self._text(after, end.start(), self.text[sign_at : sign_at + 1], syntax.lstrip_blocks)
        return self._trim(end[1], end.end(), len(syntax.block_end_string))

    def _trim(self, delimiter: str, position: int, plain: int) -> int:
        """What the closing `delimiter`, which has a sign when it is longer than `plain`, does to the text
        that follows it at `position`."""
        if len(delimiter) > plain:
            if delimiter[0] == "-":
                return skip_blanks(self.text, position)
        elif self.rules.syntax.trim_blocks and self.text.startswith("\n", position):
            return position + 1
        return position

    def _tag(self, start: int, after: int, find_name: Matcher, free: Matcher, end_type: str) -> int:
        """A tag from its opening delimiter at `start`."""
        text, tokens = self.text, self.tokens
        brackets: list[int] = []
        if (matched := find_name(text, after)) is None:
            tokens.append(("BLOCK_BEGIN", text[start:after], start, after))
        else:
            name, after = matched[1], matched.end()
            if not self.ascii:
                name, after = whole_name(text, matched.start(1), after)
                if not name.isidentifier():
                    tokens.append(("BLOCK_BEGIN", text[start : after - len(name)], start, after - len(name)))
                    return self._error(f"'{name}' is not a name", after - len(name), after)
            tokens.append((self.rules.tags.get(name, "TAG"), name, start, after))
            if name == "call" and (matched := _signature(text, after)) is not None:
                after = matched.end()
                tokens.append(("SIGNATURE", "(", after - 1, after))
                brackets.append(after - 1)
        return self._inside(after, free, end_type, brackets)

    def _inside(self, position: int, free: Matcher, end_type: str, brackets: list[int]) -> int:
        """The tokens up to the closing delimiter, which `free` finds and `end_type` names (LINE_END is
        BLOCK_END to the parser); `brackets` has the offsets of the brackets that are open."""
        text = self.text
        append = self.tokens.append
        keyword = KEYWORDS.get
        nested = self.rules.nested.match
        match = nested if brackets else free
        while (matched := match(text, position)) is not None:
            kind: int = matched.lastindex  # type: ignore[assignment]
            position = matched.end()
            if kind == NAME:
                value = matched[NAME]
                if not self.ascii:
                    value, position = whole_name(text, position - len(value), position)
                    if not value.isidentifier():
                        return self._error(f"'{value}' is not a name", position - len(value), position)
                append((keyword(value, "NAME"), value, position - len(value), position))
            elif kind == OPERATOR:
                value = matched[OPERATOR]
                append((OPERATORS[value], value, position - len(value), position))
            elif kind == END:
                value = matched[END]
                if end_type == "LINE_END":
                    append(("BLOCK_END", "", matched.start(), matched.start()))
                    return position
                append((end_type, value, position - len(value), position))
                if end_type == "BLOCK_END":
                    return self._trim(value, position, len(self.rules.syntax.block_end_string))
                if len(value) > len(self.rules.syntax.variable_end_string):
                    return skip_blanks(text, position)
                return position
            elif kind == OPEN:
                value = matched[OPEN]
                brackets.append(position - 1)
                if len(brackets) > MAX_BRACKETS:
                    return self._error(
                        f"more than {MAX_BRACKETS} brackets inside one another", position - 1, position
                    )
                append((OPERATORS[value], value, position - 1, position))
                match = nested
            elif kind == CLOSE:
                value = matched[CLOSE]
                if not brackets or CLOSED_BY[text[brackets[-1]]] != value:
                    return self._unbalanced(position - 1, end_type, brackets)
                brackets.pop()
                append((OPERATORS[value], value, position - 1, position))
                if not brackets:
                    match = free
            else:
                value = matched[kind]
                start = position - len(value)
                try:
                    append((*_LITERALS[kind](value), start, position))
                except ValueError as error:
                    return self._error(str(error), start, position)
        return self._stuck(position)

    def _error(self, message: str, start: int, end: int, hint: str | None = None) -> int:
        self.tokens.append(("ERROR", LexicalError(message, hint), start, end))
        return -1

    def _unbalanced(self, position: int, end_type: str, brackets: list[int]) -> int:
        """A closing bracket at `position` that closes nothing, or not what is open."""
        text, syntax = self.text, self.rules.syntax
        found = text[position]
        # The bracket may be the end of a delimiter: "{{ (a }}", "{{ a %}".
        for closing in (syntax.variable_end_string, syntax.block_end_string, syntax.comment_end_string):
            for start in range(position - len(closing) + 1, position + 1):
                if found in closing and text.startswith(closing, max(start, 0)):
                    found, position = closing, start
                    break
        end = position + len(found)
        if brackets:
            opened = text[brackets[-1]]
            return self._error(
                f"'{opened}' is never closed: expected '{CLOSED_BY[opened]}' before '{found}'", position, end
            )
        if len(found) > 1 and end_type:
            expected = syntax.variable_end_string if end_type == "VARIABLE_END" else syntax.block_end_string
            return self._error(f"'{found}' cannot close this tag; expected '{expected}'", position, end)
        return self._error(f"'{found}' closes nothing", position, end)

    def _stuck(self, position: int) -> int:
        """No token starts here: the text ends, or an error."""
        text = self.text
        position = skip_blanks(text, position)
        if position == len(text):
            return -1
        found = text[position]
        if found in "'\"":
            return self._error("this string is never closed", position, position + 1)
        hint = _ELSEWHERE.get(found)
        return self._error(f"unexpected character '{found}'", position, position + 1, hint)
