"""Jinja2's tokens, made from those of tmplmon's lexer, which is faster than Jinja2's.

Rule: the tokens are those of Jinja2's lexer. Where they might not be (a lexer of the application's, line
statements, text that is no token), Jinja2's lexer reads the source, and gets a `Place` for each token.
"""

from collections.abc import Iterator
from sys import intern
from typing import Any

from jinja2.lexer import Lexer, Token, TokenStream, operators

from tmplmon.jinjaparser.places import Place, Tag, Tokens, placed
from tmplmon.monitoring.lines import unify_newlines
from tmplmon.syntax.lexer import KEYWORDS, OPERATORS, Scanner, rules_of, skip_blanks

# Terminal → the type of Jinja2's token; None if the text determines it. All other terminals are those of tags.
_TYPES: dict[str, str | None] = {
    **{terminal: intern("name") for terminal in ("NAME", *KEYWORDS.values())},
    **dict.fromkeys(("SIGNATURE", *OPERATORS.values())),
    "TEXT": intern("data"),
    "STRING": intern("string"),
    "FLOAT": intern("float"),
    "INTEGER": intern("integer"),
    "VARIABLE_BEGIN": intern("variable_begin"),
    "VARIABLE_END": intern("variable_end"),
    "BLOCK_BEGIN": intern("block_begin"),
    "BLOCK_END": intern("block_end"),
}
_DATA, _BLOCK_BEGIN, _NAME = intern("data"), intern("block_begin"), intern("name")
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_STEPS = Lexer.tokenize, Lexer.tokeniter, Lexer.wrap


def tokenize(
    environment: Any, lexer: Lexer, source: str, name: str | None, filename: str | None, state: str | None
) -> TokenStream:
    """The tokens of a source as `lexer.tokenize` returns them, with a `Place` as the line number of each.

    lexer: that of the environment. state: None for a template, "variable" for an expression.
    """
    if type(lexer).tokenize is not _STEPS[0]:
        return lexer.tokenize(source, name, filename, state)
    text = unify_newlines(source)
    if state is None and (scanner := _scanned(environment, lexer, text)) is not None:
        return TokenStream(_converted(scanner, text), name, filename)
    raw = lexer.tokeniter(source, name, filename, state)
    return TokenStream(lexer.wrap(placed(raw, text), name, filename), name, filename)


def _scanned(environment: Any, lexer: Any, text: str) -> Scanner | None:
    """The tokens of tmplmon's lexer for a text; None if Jinja2's lexer has to read it."""
    if type(lexer) is not Lexer or (Lexer.tokenize, Lexer.tokeniter, Lexer.wrap) != _STEPS:
        return None
    syntax = environment.syntax
    if environment.newline_sequence != "\n" or syntax.line_statement_prefix or syntax.line_comment_prefix:
        return None
    scanner = Scanner(rules_of(syntax), text)
    scanner.template()
    return None if scanner.tokens and scanner.tokens[-1][0] == "ERROR" else scanner


def _converted(scanner: Scanner, text: str) -> Iterator[Token]:
    lexed = scanner.text  # without a newline at its end, unless that is kept
    tokens = Tokens(text)
    tokens.longest = scanner.longest + 1  # A tag's delimiter and name are two tokens.
    new, make, count = int.__new__, Token._make, text.count
    trim_blocks = scanner.rules.syntax.trim_blocks
    open_brackets: list[int] = []
    line, counted = 1, 0
    tag_start, tag_name = -1, ""
    for terminal, value, start, end in scanner.tokens:
        line += count("\n", counted, start)
        counted = start
        place = new(Place, line)
        place.start, place.end, place.tokens = start, end, tokens
        if terminal not in _TYPES:
            tag_start, tag_name = start, value
            place.end = len(text[start : end - len(value)].rstrip()) + start
            yield make((place, _BLOCK_BEGIN, text[start : place.end]))
            start = end - len(value)
            line += count("\n", counted, start)
            counted = start
            place = new(Place, line)
            place.start, place.end, place.tokens = start, end, tokens
            yield make((place, _NAME, value))
            continue
        kind = _TYPES[terminal]
        if kind is None:
            kind = operators[value]
            if value in _OPENING:
                open_brackets.append(start)
            elif value in _CLOSING:
                tokens.brackets[open_brackets.pop()] = end
        elif kind is _NAME:
            tag_name = tag_name or value
        elif terminal == "BLOCK_BEGIN" or terminal == "VARIABLE_BEGIN":
            tag_start, tag_name = start, ""
        elif terminal == "BLOCK_END" or terminal == "VARIABLE_END":
            if terminal == "BLOCK_END":
                tokens.add_tag(Tag(tag_start, end, tag_name))
            # Jinja2 counts the whitespace that a delimiter removes as part of it.
            if value[0] == "-":
                value = lexed[start : skip_blanks(lexed, end)]
            elif terminal == "BLOCK_END" and trim_blocks and value[0] != "+" and lexed[end : end + 1] == "\n":
                value += "\n"
            tag_start, tag_name = start, ""
        yield make((place, kind, value))
