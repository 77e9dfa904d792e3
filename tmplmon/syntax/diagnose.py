"""The error message for a token that the parser cannot accept.

Rule: a message says what was found, what was expected instead, and, for a block, its opening tag and the line of
that. Things are named as they are written in a template, never as in the grammar. This module runs only for wrong
templates, so it may process all tokens again. The reported line is the one that Jinja reports.
"""

from difflib import get_close_matches
from typing import NamedTuple, cast

from tmplmon.errors import TemplateSyntaxError
from tmplmon.syntax import hints
from tmplmon.syntax.build_statements import CALL_EXPECTED
from tmplmon.syntax.lexer import CLOSED_BY, LexicalError, Syntax, Token
from tmplmon.syntax.report import syntax_error
from tmplmon.syntax.source import Source
from tmplmon.syntax.tables import Row, Rule
from tmplmon.syntax.tags import PARTS, TAGS, terminals

_OPERATORS = frozenset(
    {
        *(
            "AND",
            "COMPARE",
            "DOT",
            "ELSE",
            "IF",
            "IN",
            "IS",
            "LPAR",
            "LSQB",
            "MINUS",
            "MULTIPLY",
            "NOT",
            "OR",
        ),
        *("PIPE", "PLUS", "POWER", "STAR", "TILDE"),
    }
)
_OPERANDS = frozenset(
    {"FLOAT", "INTEGER", "LBRACE", "LPAR", "LSQB", "MINUS", "NAME", "NOT", "PLUS", "STRING"},
)
_PUNCTUATION = {
    "ASSIGN": "'='",
    "COLON": "':'",
    "COMMA": "','",
    "LPAR": "'('",
    "PIPE": "'|'",
    "RBRACE": "'}'",
    "RPAR": "')'",
    "RSQB": "']'",
    "STRING": "a string",
}
_WORDS = (
    *("IN", "AS", "IMPORT", "IGNORE", "MISSING", "WITH", "WITHOUT", "CONTEXT"),
    *("RECURSIVE", "SCOPED", "REQUIRED", "TRIMMED"),
)
# (word, word that has to follow it): if the second one is missing, the first one is reported.
_PAIRED = {("NOT", "IN"), ("IGNORE", "MISSING"), ("WITH", "CONTEXT"), ("WITHOUT", "CONTEXT")}


class Opened(NamedTuple):
    """An open block: the name of its tag, the name of its end tag, and the line of the tag."""

    name: str
    end: str
    line: int


class Place(NamedTuple):
    """The place of a token: the open blocks around it, outermost first, and the index of the token that opens its
    tag, -1 between tags."""

    blocks: list[Opened]
    tag: int


def explain(
    tokens: list[Token], number: int, first: Row, source: Source, syntax: Syntax
) -> TemplateSyntaxError:
    """The error for a token that the parser has no action for.

    number: the index of the token; the number of tokens for the end of the template.
    first: the row that the parser started with.
    """
    text = source.text
    end: Token = "$END", "", len(text), len(text)
    token = tokens[number] if number < len(tokens) else end
    place = _place(tokens[:number], source)
    if token[0] == "ERROR":
        error = cast(LexicalError, token[1])
        start = tokens[place.tag][2] if place.tag >= 0 else token[2]
        hint = hints.in_tag(text, start, token[2], syntax) or _unended(tokens, token, place, source)
        return syntax_error(source, error.message, token[2], token[3], hint=hint)
    rows = _replay(tokens[:number], first)
    if place.tag >= 0 or not _accepts(rows, "TEXT"):
        return _in_tag(tokens, number, token, rows, place, source, syntax)
    if token[0] == "$END":
        return _never_closed(tokens, place.blocks, source)
    if token[0] == "BLOCK_BEGIN":
        following = tokens[number + 1] if number + 1 < len(tokens) else tokens[number]
        message = f"expected the name of a tag after '{syntax.block_start_string}'"
        return syntax_error(source, message, following[2], following[3])
    return _misplaced_tag(token, place.blocks, source, syntax)


def _place(tokens: list[Token], source: Source) -> Place:
    blocks: list[Opened] = []
    tag = -1
    assigns = False
    depth = 0
    for number, (terminal, *_) in enumerate(tokens):
        if terminal.startswith("TAG_") or terminal in ("VARIABLE_BEGIN", "BLOCK_BEGIN", "TAG"):
            tag = number
            assigns = False
            depth = 0
        elif terminal in ("LPAR", "LSQB", "LBRACE", "SIGNATURE"):
            depth += 1
        elif terminal in ("RPAR", "RSQB", "RBRACE"):
            depth -= 1
        elif terminal == "ASSIGN" and depth == 0:
            assigns = True
        elif terminal in ("VARIABLE_END", "BLOCK_END"):
            opener = tokens[tag]
            name = opener[1]
            if opener[0] == "TAG_CUSTOM_BODY":
                blocks.append(Opened(name, f"end{name}", source.line(_name_at(opener))))
            elif opener[0].startswith("TAG_") and opener[0] != "TAG_CUSTOM":
                known = TAGS.get(name)
                if known is not None and known.end and not (name == "set" and assigns):
                    blocks.append(Opened(name, known.end, source.line(_name_at(opener))))
                elif blocks and name == blocks[-1].end:
                    blocks.pop()
            tag = -1
    return Place(blocks, tag)


# --- between tags: blocks that do not match ----------------------------------------------------------------


def _never_closed(tokens: list[Token], blocks: list[Opened], source: Source) -> TemplateSyntaxError:
    name, end, line = blocks[-1]
    message = f"'{name}' opened on line {line} was never closed; expected '{end}'"
    # Five are enough to find the place in the template.
    outer = ", ".join(f"'{block.name}' (line {block.line})" for block in blocks[-6:-1])
    hint = f"also still open: {outer}" if outer else None
    return syntax_error(source, message, tokens[-1][2], tokens[-1][3], hint=hint)


def _misplaced_tag(token: Token, blocks: list[Opened], source: Source, syntax: Syntax) -> TemplateSyntaxError:
    terminal, name, _, end = token
    openers = [tag.name for tag in PARTS.get(name, ())] or [name.removeprefix("end")]
    hint: str | None = None
    if terminal == "TAG":
        message, hint = _unknown_tag(name, blocks, syntax, source.text, end)
    elif not blocks:
        what = " or ".join(f"'{opener}'" for opener in openers)
        message = f"'{name}' without {what}"
    elif blocks[-1].name == "trans" and not _is_part(token):
        message = f"'{name}' cannot be used inside 'trans', which contains only text and names to output"
        if name == "trans":
            hint = f"the 'trans' opened on line {blocks[-1].line} is still open; did you mean 'endtrans'?"
    elif blocks[-1].name in openers:
        opened = blocks[-1]
        message = (
            f"'{name}' cannot come here: '{opened.name}' opened on line {opened.line} has had its last part"
        )
        hint = f"expected '{opened.end}'"
    else:
        opened = blocks[-1]
        message = f"'{name}' found where '{opened.end}' is expected"
        message += f": '{opened.name}' opened on line {opened.line} is still open"
        outer = next((block for block in reversed(blocks) if block.name in openers), None)
        if outer is not None:
            verb = "would close" if name == outer.end else "would belong to"
            hint = f"'{name}' {verb} the '{outer.name}' opened on line {outer.line}"
    return syntax_error(source, message, end - len(name), end, hint=hint)


def _is_part(token: Token) -> bool:
    return token[1] in PARTS or token[0] == "TAG_CUSTOM_END"


def _unknown_tag(
    name: str, blocks: list[Opened], syntax: Syntax, text: str, end: int
) -> tuple[str, str | None]:
    known = TAGS.get(name) or PARTS.get(name, (None,))[0]
    if known is not None and known.extension is not None:
        return f"the tag '{name}' is not enabled", f"add the extension '{known.extension}' to the environment"
    if name == "endraw":
        return "'endraw' without 'raw'", None
    if name == "raw":
        return "'raw' takes nothing but its name", None
    message = f"unknown tag '{name}'"
    if name == "end" and blocks:
        return (
            message,
            f"write '{blocks[-1].end}' for the '{blocks[-1].name}' opened on line {blocks[-1].line}",
        )
    if name == "end":
        return message, "an end tag says what it ends, as in 'endfor'"
    if (hint := hints.unknown_tag(name, text, end)) is not None:
        return message, hint
    # The end tag of the innermost block is most likely, then any tag that is allowed here.
    for candidates in (
        [block.end for block in blocks[-1:]],
        [*terminals(syntax.tags, syntax.custom_tags), "raw"],
    ):
        if close := get_close_matches(name, candidates, 2):
            return message, f"did you mean {' or '.join(map(repr, close))}?"
    return message, None


# --- inside a tag ------------------------------------------------------------------------------------------


def _in_tag(
    tokens: list[Token],
    number: int,
    token: Token,
    rows: list[Row],
    place: Place,
    source: Source,
    syntax: Syntax,
) -> TemplateSyntaxError:
    opener = tokens[place.tag] if place.tag >= 0 else None
    accepted = {terminal for terminal in rows[-1] if _accepts(rows, terminal)}
    before = tokens[number - 1] if number else None
    if len(accepted) == 1 and before is not None and (before[0], *accepted) in _PAIRED:
        (expected_word,) = accepted
        hint = None if opener is None else hints.in_tag(source.text, opener[2], before[2], syntax)
        return syntax_error(
            source, f"expected '{expected_word.lower()}' after '{before[1]}'", before[2], before[3], hint=hint
        )
    if (
        opener is not None
        and opener[0] == "TAG_CALL"
        and "BLOCK_END" in accepted
        and before
        and before[0] != "RPAR"
    ):
        return syntax_error(source, CALL_EXPECTED, _name_at(opener), opener[3])
    if token[0] == "$END":
        return _unfinished(tokens, opener, accepted, before, source, syntax)
    block_start = syntax.block_start_string
    in_line = (
        opener is not None
        and opener[0] != "VARIABLE_BEGIN"
        and not source.text.startswith(block_start, opener[2])
    )
    expected = _expected(accepted, before, in_line, syntax)
    message = f"unexpected {_description(token, source)}"
    if expected:
        message += f"; expected {expected}"
    hint = (
        _hint(tokens, number, token, opener, place.blocks)
        or hints.in_tag(source.text, opener[2] if opener is not None else 0, token[2], syntax)
        or _unended(tokens, token, place, source)
    )
    return syntax_error(source, message, token[2], token[3], hint=hint)


def _unfinished(
    tokens: list[Token],
    opener: Token | None,
    accepted: set[str],
    before: Token | None,
    source: Source,
    syntax: Syntax,
) -> TemplateSyntaxError:
    """The error for a template that ends inside a tag, or an expression without delimiters that ends too early."""
    brackets: list[Token] = []
    for token in tokens:
        if token[0] in ("LPAR", "LSQB", "LBRACE", "SIGNATURE"):
            brackets.append(token)
        elif token[0] in ("RPAR", "RSQB", "RBRACE"):
            brackets.pop()
    start, end = (before[2], before[3]) if before is not None else (0, 0)
    if brackets:
        bracket = brackets[-1]
        message = f"'{bracket[1]}' opened on line {source.line(bracket[2])} is never closed"
        return syntax_error(source, f"{message}; expected '{CLOSED_BY[bracket[1]]}'", start, end)
    if opener is not None:
        name = opener[1] if opener[0].startswith("TAG") else source.text[opener[2] : opener[3]]
        closing = syntax.variable_end_string if opener[0] == "VARIABLE_BEGIN" else syntax.block_end_string
        message = (
            f"the tag '{name}' opened on line {source.line(opener[2])} is never closed; expected '{closing}'"
        )
        return syntax_error(source, message, start, end)
    expected = _expected(accepted, before, False, syntax)
    return syntax_error(source, f"the expression ends too early; expected {expected}", start, end)


def _unended(tokens: list[Token], token: Token, place: Place, source: Source) -> str | None:
    """A hint if a token is on a later line than its tag: without its end, a tag includes the text after it."""
    if place.tag < 0:
        return None
    line = source.line(tokens[place.tag][2])
    return (
        f"the tag was opened on line {line}; is its end missing?" if line != source.line(token[2]) else None
    )


def _replay(tokens: list[Token], first: Row) -> list[Row]:
    """The parser's rows after `tokens`. When the parser refuses a token, it has already made the reductions for it,
    and has lost some of the tokens that would have been accepted instead."""
    rows = [first]
    for terminal, *_ in tokens:
        while type(action := rows[-1][terminal]) is Rule:
            if action.length:
                del rows[-action.length :]
            rows.append(rows[-1][action.origin][terminal])
        rows.append(action)
    return rows


def _accepts(rows: list[Row], terminal: str) -> bool:
    """Whether `terminal` is accepted next, possibly after some reductions."""
    stack = list(rows)
    while type(action := stack[-1].get(terminal)) is Rule:
        if action.length:
            del stack[-action.length :]
        stack.append(stack[-1][action.origin][terminal])
    return action is not None and terminal[0].isupper()


def _expected(accepted: set[str], before: Token | None, in_line: bool, syntax: Syntax) -> str:
    """The accepted terminals in words. Operators and operands are summarised.

    in_line: whether the tag is a line statement.
    """
    choices: list[str] = []
    after = before[0] if before is not None else ""
    operator = {"PIPE", "COMPARE"} <= accepted
    if operator:
        accepted = accepted - {"ASSIGN"}  # The argument could be a keyword, but that is no help.
        if "NAME" in accepted:  # After the name of a test, any word is accepted as its argument.
            accepted = accepted - set(_WORDS)
        accepted = accepted - _OPERATORS - _OPERANDS
    if {"STRING", "INTEGER", "LPAR"} <= accepted:
        choices.append("an expression")
        accepted = accepted - _OPERANDS - set(_WORDS)
    elif "NAME" in accepted:
        what = {"PIPE": "the name of a filter", "IS": "the name of a test", "DOT": "a name"}.get(
            after, "a name"
        )
        choices.append(f"{what} or a number" if "INTEGER" in accepted and after == "DOT" else what)
        accepted = accepted - set(_WORDS) - {"NOT"}
    if "BLOCK_END" in accepted:
        accepted = accepted - {"COLON"}
    choices += [f"'{word.lower()}'" for word in _WORDS if word in accepted]
    choices += [text for terminal, text in _PUNCTUATION.items() if terminal in accepted]
    if "VARIABLE_END" in accepted:
        choices.append(f"'{syntax.variable_end_string}'")
    if "BLOCK_END" in accepted:
        choices.append("the end of the line" if in_line else f"'{syntax.block_end_string}'")
    if operator:
        choices.append("an operator")
    if len(choices) < 2:
        return "".join(choices)
    return ", ".join(choices[:-1]) + " or " + choices[-1]


def _description(token: Token, source: Source) -> str:
    text = source.text[token[2] : token[3]]
    if token[0] == "BLOCK_END" and not text:
        return "end of the line"
    return f"'{text}'" if len(text) <= 40 else f"'{text[:40]}…'"


def _hint(
    tokens: list[Token], number: int, token: Token, opener: Token | None, blocks: list[Opened]
) -> str | None:
    """A hint that depends on more than the text around the token; see `hints` for the others."""
    terminals = [before[0] for before in tokens[max(number - 3, 0) : number]]
    tag = opener[0] if opener is not None else ""
    if token[0] == "IS" and len(terminals) > 1 and terminals[-2] in ("IS", "NOT"):
        return "join two tests with 'and', or put the first one in parentheses"
    if len(terminals) == 3 and terminals[0] in ("IS", "NOT") and terminals[1] == "NAME":
        word = tokens[number - 1]
        if word[0] == str(word[1]).upper():
            return f"a word after a test is its argument: put the test in parentheses before '{word[1]}'"
    if tag == "VARIABLE_BEGIN" and blocks and blocks[-1].name == "trans":
        return "inside 'trans' only a name can be output; give the expression one in the tag, name=expression"
    return None


def _name_at(token: Token) -> int:
    """The offset of the tag's name in a token that includes the delimiter."""
    return token[3] - len(token[1])
