"""A template's source on a terminal: coloured, with line numbers, the current line and the breakpoints.

     5     | <ul>
     6 B   | {% for user in users %}
     7   ->|   {% set greeting = hello(user.name) %}

Rule: the colours come from the environment's own tokens, so that its delimiters and its tags are known. Text that
cannot be cut into tokens is shown without.
"""

import os
from collections.abc import Collection, Iterator
from typing import IO, Any

from tmplmon import Template, TemplateError
from tmplmon.monitoring import split_lines

RESET = "\x1b[0m"
BOLD = "\x1b[1m"
ARROW, MARK = "\x1b[1;33m", "\x1b[1;31m"

# Kind of token → its colour. A name that follows the start of a tag is a keyword.
_COLOURS = {
    "block_begin": "\x1b[35m",
    "block_end": "\x1b[35m",
    "variable_begin": "\x1b[35m",
    "variable_end": "\x1b[35m",
    "linestatement_begin": "\x1b[35m",
    "keyword": "\x1b[1;34m",
    "name": "\x1b[36m",
    "string": "\x1b[32m",
    "integer": "\x1b[33m",
    "float": "\x1b[33m",
    "comment_begin": "\x1b[2m",
    "comment": "\x1b[2m",
    "comment_end": "\x1b[2m",
    "linecomment_begin": "\x1b[2m",
    "linecomment": "\x1b[2m",
    "raw_begin": "\x1b[35m",
    "raw_end": "\x1b[35m",
}
_KEYWORDS = frozenset(
    (
        *("and", "or", "not", "in", "is", "if", "else", "import", "as"),
        *("with", "without", "context", "recursive", "ignore", "missing"),
    )
)


def wants_colour(stream: IO[Any]) -> bool:
    """Whether to colour what is written to a stream: a terminal's, unless NO_COLOR or TERM say otherwise.
    FORCE_COLOR does it anywhere."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    isatty = getattr(stream, "isatty", None)
    return bool(isatty and isatty()) and os.environ.get("TERM") != "dumb"


def strong(text: str, colour: bool) -> str:
    return f"{BOLD}{text}{RESET}" if colour else text


def lines_of(template: Template, colour: bool) -> list[str]:
    """The lines of a template's source, without line ends."""
    source = template.get_source("")
    return split_lines("".join(_coloured(template, source) if colour else [source]))


def _coloured(template: Template, source: str) -> Iterator[str]:
    at = 0
    previous = ""
    try:
        for _, kind, text in template.environment.lex(source):
            found = source.find(text, at)
            if found < 0:
                break
            yield source[at:found]
            if kind == "name" and (previous in ("block_begin", "linestatement_begin") or text in _KEYWORDS):
                kind = "keyword"
            yield _painted(text, _COLOURS.get(kind))
            at = found + len(text)
            if kind != "whitespace":
                previous = kind
    except TemplateError:
        pass
    yield source[at:]


def _painted(text: str, colour: str | None) -> str:
    """Each line by itself, as lines are shown one by one."""
    if colour is None:
        return text
    return "\n".join(f"{colour}{part}{RESET}" if part else "" for part in text.split("\n"))


def numbered(
    lines: list[str],
    first: int,
    last: int,
    current: int | None,
    breaks: Collection[int],
    colour: bool,
    raised: int | None = None,
) -> Iterator[str]:
    """Lines `first` to `last` (from 1) as they are shown. `raised`: where an exception came up."""
    last = min(last, len(lines))
    for number in range(max(1, first), last + 1):
        mark = "B" if number in breaks else " "
        arrow = "->" if number == current else ">>" if number == raised else "  "
        text = lines[number - 1]
        if colour:
            mark = f"{MARK}{mark}{RESET}"
            arrow = f"{ARROW}{arrow}{RESET}"
        yield f"{number:>4} {mark} {arrow} {text}".rstrip()
