"""A template's source on a terminal: coloured, with line numbers, the current line and the breakpoints.

     5     | <ul>
     6 B   | {% for user in users %}
     7   ->|   {% set greeting = hello(user.name) %}

Rule: the colours come from the tokens of the template's environment, so that its delimiters and tags are
known. Text that the lexer rejects is shown without colours.
"""

import os
from collections.abc import Collection, Iterator
from typing import IO, Any

from tmplmon import Template
from tmplmon.monitoring import split_lines
from tmplmon.tools.tokens import source_tokens

RESET = "\x1b[0m"
BOLD = "\x1b[1m"
ARROW, MARK = "\x1b[1;33m", "\x1b[1;31m"

# Kind of token → its colour.
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


def wants_colour(stream: IO[Any]) -> bool:
    """Whether to colour the output to a stream: if it is a terminal and NO_COLOR and TERM do not forbid it, or if
    FORCE_COLOR is set."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    isatty = getattr(stream, "isatty", None)
    return bool(isatty and isatty()) and os.environ.get("TERM") != "dumb"


def strong(text: str, colour: bool) -> str:
    """Return a text in bold, if `colour` is set."""
    return f"{BOLD}{text}{RESET}" if colour else text


def lines_of(template: Template, colour: bool) -> list[str]:
    """Return the lines of a template's source without newlines."""
    source = template.get_source("")
    return split_lines("".join(_coloured(template, source) if colour else [source]))


def _coloured(template: Template, source: str) -> Iterator[str]:
    for kind, text in source_tokens(template.environment, source):
        colour = _COLOURS.get(kind)
        # Each line is coloured separately, because lines are shown separately.
        yield (
            text
            if colour is None
            else "\n".join(f"{colour}{part}{RESET}" if part else "" for part in text.split("\n"))
        )


def numbered(
    lines: list[str],
    first: int,
    last: int,
    current: int | None,
    breaks: Collection[int],
    colour: bool,
    raised: int | None = None,
) -> Iterator[str]:
    """Yield the lines `first` to `last` (1-based) as they are shown. `raised`: the line of an exception."""
    last = min(last, len(lines))
    for number in range(max(1, first), last + 1):
        mark = "B" if number in breaks else " "
        arrow = "->" if number == current else ">>" if number == raised else "  "
        text = lines[number - 1]
        if colour:
            mark = f"{MARK}{mark}{RESET}"
            arrow = f"{ARROW}{arrow}{RESET}"
        yield f"{number:>4} {mark} {arrow} {text}".rstrip()
