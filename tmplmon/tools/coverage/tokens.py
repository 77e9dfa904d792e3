"""A template's source in coloured pieces, for the HTML report, and the comments in it.

Rule: the engine's own raw tokens; what whitespace control drops is put back between them.
"""

from collections.abc import Iterator
from typing import Any

from tmplmon import TemplateSyntaxError

# Kinds of raw tokens → the classes of coverage.py's style sheet.
_CLASSES = {
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
_WORDS = frozenset(
    ("and", "or", "not", "in", "is", "if", "else", "recursive", "import", "as", "with", "without")
)
_WORDS |= {
    "ignore",
    "missing",
    "context",
    "scoped",
    "required",
    "true",
    "false",
    "none",
    "True",
    "False",
    "None",
}
# Tags after whose name another name stands that is not a word of the language.
_BEGINS = frozenset(("block_begin", "linestatement_begin"))


def token_lines(environment: Any, source: str) -> Iterator[list[tuple[str, str]]]:
    """(class, text) of the pieces of each line. `source` has ``\\n`` line ends."""
    line: list[tuple[str, str]] = []
    for kind, text in _pieces(environment, source):
        first, *rest = text.split("\n")
        if first:
            line.append((kind, first))
        for part in rest:
            yield line
            line = [(kind, part)] if part else []
    if line:
        yield line


def comments(environment: Any, source: str) -> Iterator[tuple[int, str]]:
    """(line, text) of each comment without its delimiters."""
    try:
        for line, kind, text in environment.lex(source):
            if kind in ("comment", "linecomment"):
                yield line, text
    except TemplateSyntaxError:
        return


def _pieces(environment: Any, source: str) -> Iterator[tuple[str, str]]:
    """(class, text) of all of the source."""
    at = 0
    tag = False
    try:
        for _, kind, text in environment.lex(source):
            start = source.find(text, at)
            if start < 0:
                break
            if start > at:
                yield "txt", source[at:start]
            at = start + len(text)
            if text:
                yield _class(kind, text, tag), text
            tag = kind in _BEGINS or (tag and kind == "whitespace")
    except TemplateSyntaxError:
        pass
    if at < len(source):
        yield "txt", source[at:]


def _class(kind: str, text: str, tag: bool) -> str:
    """`tag`: the name is the tag's own."""
    if kind == "name" and (tag or text in _WORDS):
        return "key"
    return _CLASSES.get(kind, "op")
