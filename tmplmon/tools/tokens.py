"""The source of a template as tokens, for highlighting.

Rule: the tokens are the engine's own. Text that whitespace control removes, and text after a syntax error, has no
token; it is returned with the kind "".
"""

from collections.abc import Iterator
from typing import Any

from tmplmon import TemplateError

_KEYWORDS = frozenset(
    (
        *("and", "or", "not", "in", "is", "if", "else", "import", "as", "with", "without", "context"),
        *("recursive", "ignore", "missing", "scoped", "required"),
        *("true", "false", "none", "True", "False", "None"),
    )
)
_TAG_BEGINS = frozenset(("block_begin", "linestatement_begin"))


def source_tokens(environment: Any, source: str) -> Iterator[tuple[str, str]]:
    """Yield (kind, text); the texts together are `source`.

    kind: as in `Environment.lex`, "keyword" for the names of tags and the words of the language, "" without a
    token.
    """
    position = 0
    is_tag_name = False
    try:
        for _, kind, text in environment.lex(source):
            start = source.find(text, position)
            if start < 0:
                break
            if start > position:
                yield "", source[position:start]
            position = start + len(text)
            if text:
                yield "keyword" if kind == "name" and (is_tag_name or text in _KEYWORDS) else kind, text
            is_tag_name = kind in _TAG_BEGINS or (is_tag_name and kind == "whitespace")
    except TemplateError:
        pass
    if position < len(source):
        yield "", source[position:]
