"""A template's source as highlighted tokens for the HTML report, and its comments."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tmplmon import TemplateSyntaxError
from tmplmon.tools.tokens import source_tokens

if TYPE_CHECKING:
    from tmplmon.environment import Environment

# Kinds of tokens → the classes of coverage.py's style sheet.
_CLASSES = {
    "": "txt",
    "keyword": "key",
    "name": "nam",
    "operator": "op",
    "string": "str",
    "integer": "num",
    "float": "num",
    "comment": "com",
    "comment_begin": "com",
    "comment_end": "com",
    "linecomment": "com",
    "linecomment_begin": "com",
    "linecomment_end": "com",
    "data": "txt",
    "whitespace": "ws",
}


def token_lines(environment: "Environment", source: str) -> Iterator[list[tuple[str, str]]]:
    """Yield (class, text) of the tokens of each line. `source` has ``\\n`` as newlines."""
    line: list[tuple[str, str]] = []
    for kind, text in source_tokens(environment, source):
        token_class = _CLASSES.get(kind, "op")
        first, *rest = text.split("\n")
        if first:
            line.append((token_class, first))
        for part in rest:
            yield line
            line = [(token_class, part)] if part else []
    if line:
        yield line


def comments(environment: "Environment", source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of each comment, without its delimiters."""
    try:
        for line, kind, text in environment.lex(source):
            if kind in ("comment", "linecomment"):
                yield line, text
    except TemplateSyntaxError:
        return
