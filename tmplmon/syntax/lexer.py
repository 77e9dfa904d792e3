"""The text of a template to tokens. Delimiters, whitespace control, line statements and ``raw`` are resolved here.

Rule: the parser gets no whitespace, comments or options of the syntax. ``{% for`` is one token (TAG_FOR), ``{{`` is
VARIABLE_BEGIN, a ``-`` or ``+`` of a delimiter has been applied to the TEXT beside it, and a TEXT is never empty.

For each `Syntax`, two regular expressions are compiled once. One *searches* for the next opening delimiter, the
longest first. The other *matches* a token inside a tag, with the whitespace before it; the group that matched is
the kind of the token. Inside brackets, a variant of the second one is used that does not match closing
delimiters, so that ``}}`` in ``{{ {'a': {}}} }}`` closes two dicts.

The lexer raises no exceptions. At text that is no token, it appends an ERROR token and stops. So the user gets the
first error in the template, whether the lexer or the parser finds it.
"""

import re
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from tmplmon.syntax import literals
from tmplmon.syntax.literals import whole_name
from tmplmon.syntax.report import syntax_error
from tmplmon.syntax.source import Source
from tmplmon.syntax.tags import terminals

# (type, value, start, end). Instances of a class instead of plain tuples would double the time of the lexer.
# `value` is the text; for a literal, it is the number or the decoded string.
type Token = tuple[str, Any, int, int]


class Matcher(Protocol):
    """The `match` method of a compiled expression."""

    def __call__(self, string: str, position: int, /) -> re.Match[str] | None: ...


# Brackets that are nested deeper are refused. Ordinary templates have 3 to 5 levels. Python's parser has the same
# limit.
MAX_BRACKETS = 200


class Syntax(NamedTuple):
    """Delimiters and lexical options, with Jinja's names and defaults.

    tags: the optional tags that are enabled: any of ``trans``, ``do``, ``break``, ``continue``, ``debug``.
    custom_tags: (name, whether the tag has a body) of the tags of extensions.
    max_source, max_tokens: the most characters and tokens of a template; None for no limit.
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
    max_source: int | None = None
    max_tokens: int | None = None


class LexicalError(NamedTuple):
    """The value of an ERROR token."""

    message: str


# Words with a terminal of their own. None of them is reserved; see the grammar.
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

# Operators of other languages → what to write instead.
CLOSED_BY = {"(": ")", "[": "]", "{": "}"}

# The groups of the expression that matches a token inside a tag.
END, NAME, OPERATOR, STRING, FLOAT, INTEGER, OPEN, CLOSE = range(1, 9)

_DIGITS = r"[0-9](?:_?[0-9])*"
_LITERALS = {STRING: literals.string, FLOAT: literals.float_, INTEGER: literals.integer}

# A name as in Python. The second alternative has the characters with the Unicode property Other_ID_Start.
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
    match = _not_space(text, position)
    return match.start() if match is not None else len(text)


def tokenize(source: Source, syntax: Syntax) -> list[Token]:
    """The tokens of a template. Raises TemplateSyntaxError at text that is no token."""
    tokens, _ = scan(source, syntax)
    if tokens and tokens[-1][0] == "ERROR":
        _, error, start, end = tokens[-1]
        raise syntax_error(source, error.message, start, end)
    return tokens


def scan(source: Source, syntax: Syntax) -> tuple[list[Token], int]:
    """(tokens, number of tokens in the longest tag) of a template. The last token is an ERROR if text is no
    token."""
    scanner = Scanner(rules_of(syntax), source.text)
    scanner.template()
    return scanner.tokens, scanner.longest


def scan_expression(source: Source, syntax: Syntax) -> tuple[list[Token], int]:
    """(tokens, number of tokens) of an expression without delimiters around it."""
    scanner = Scanner(rules_of(syntax), source.text)
    scanner.expression()
    return scanner.tokens, len(scanner.tokens)


class Rules:
    """A compiled `Syntax`: the regular expressions, and the terminals of the tags."""

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
        # The end of a line statement includes the blank lines after it.
        self.in_line = re.compile(rf"(\s*(?:\n|$))|\s*(?:(?!){_INSIDE})", re.S | re.M)


@lru_cache(maxsize=64)
def rules_of(syntax: Syntax) -> Rules:
    """The compiled form of a syntax."""
    return Rules(syntax)


def _opening(syntax: Syntax) -> str:
    """The regular expression that searches for the end of text, an opening delimiter.

    If several delimiters match at one place, the longest wins, such as ``<%=`` over ``<%``. The order of
    delimiters of one length is that of `order`, as in Jinja.
    """
    order = ("variable", "line_statement", "line_comment", "comment", "block")
    delimiters = [
        (syntax.variable_start_string, "variable", ""),
        (syntax.comment_start_string, "comment", ""),
        (syntax.block_start_string, "block", ""),
        (syntax.line_statement_prefix, "line_statement", r"^[ \t\v]*"),
        (syntax.line_comment_prefix, "line_comment", r"(?:^|(?<=\S))[^\S\r\n]*"),
    ]
    used = [(text, kind, before) for text, kind, before in delimiters if text]
    used.sort(key=lambda entry: (-len(entry[0]), order.index(entry[1])))
    # If all delimiters begin with one character, it is put before the alternatives, as `re` then searches ten times
    # faster.
    first = {before or text[0] for text, _, before in used}
    shared = 1 if len(first) == 1 else 0
    block_end = re.escape(syntax.block_end_string)
    raw = rf"{re.escape(syntax.block_start_string[shared:])}[-+]?\s*raw\s*(?:-{block_end}\s*|{block_end})"
    rest = "".join(f"|(?P<{kind}>{before}{re.escape(text[shared:])})" for text, kind, before in used)
    return f"{re.escape(syntax.block_start_string[:shared])}(?:(?P<raw>{raw}){rest})"


class Scanner:
    """Scans one text. The methods take an offset and return the offset after what they have scanned, or -1 after an
    ERROR or at the end of the text."""

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
        """Append the text before a delimiter.

        sign: the character after the delimiter, which may be a ``-`` or ``+``.
        lstrip: whether the delimiter removes its indentation.
        """
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
        """The offset of the text after a closing delimiter, without the whitespace that the delimiter removes.

        position: the end of the delimiter.
        plain: the length of the delimiter without a sign.
        """
        if len(delimiter) > plain:
            if delimiter[0] == "-":
                return skip_blanks(self.text, position)
        elif self.rules.syntax.trim_blocks and self.text.startswith("\n", position):
            return position + 1
        return position

    def _tag(self, start: int, after: int, find_name: Matcher, free: Matcher, end_type: str) -> int:
        """Scan a tag with its opening delimiter, which is at `start` and ends at `after`."""
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
        """Scan the rest of a tag.

        free: matches a token outside of brackets, including the closing delimiter.
        end_type: the type of the closing delimiter; for LINE_END, the token is a BLOCK_END.
        brackets: the offsets of the open brackets.
        """
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

    def _error(self, message: str, start: int, end: int) -> int:
        self.tokens.append(("ERROR", LexicalError(message), start, end))
        return -1

    def _unbalanced(self, position: int, end_type: str, brackets: list[int]) -> int:
        """Append the error for a closing bracket at `position` that does not match the innermost open one."""
        text, syntax = self.text, self.rules.syntax
        closer = text[position]
        # The bracket may be the end of a delimiter: "{{ (a }}", "{{ a %}".
        for closing in (syntax.variable_end_string, syntax.block_end_string, syntax.comment_end_string):
            for start in range(position - len(closing) + 1, position + 1):
                if closer in closing and text.startswith(closing, max(start, 0)):
                    closer, position = closing, start
                    break
        end = position + len(closer)
        if brackets:
            opened = text[brackets[-1]]
            return self._error(
                f"'{opened}' is never closed: expected '{CLOSED_BY[opened]}' before '{closer}'", position, end
            )
        if len(closer) > 1 and end_type:
            expected = syntax.variable_end_string if end_type == "VARIABLE_END" else syntax.block_end_string
            return self._error(f"'{closer}' cannot close this tag; expected '{expected}'", position, end)
        return self._error(f"'{closer}' closes nothing", position, end)

    def _stuck(self, position: int) -> int:
        """Append the error for text that is no token, unless the text ends here."""
        text = self.text
        position = skip_blanks(text, position)
        if position == len(text):
            return -1
        character = text[position]
        if character in "'\"":
            return self._error("this string is never closed", position, position + 1)
        return self._error(f"unexpected character '{character}'", position, position + 1)
