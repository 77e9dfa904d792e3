"""The tags in a line of a template, for colours.

By the usual delimiters: a profile knows files, not environments.
"""

import re
from collections.abc import Iterator

_PIECES = re.compile(r"(?P<tag>\{%.*?(?:%\}|$))|(?P<output>\{\{.*?(?:\}\}|$))|(?P<comment>\{#.*?(?:#\}|$))")


def pieces(text: str) -> Iterator[tuple[str, str]]:
    """(kind, text) of the parts of a line: "tag", "output", "comment" or "text"."""
    position = 0
    for found in _PIECES.finditer(text):
        if found.start() > position:
            yield "text", text[position : found.start()]
        yield found.lastgroup or "text", found[0]
        position = found.end()
    if position < len(text):
        yield "text", text[position:]
