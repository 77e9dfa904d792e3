"""The columns of expressions. Jinja2's nodes have a line only.

Rule: the line number of a token is a `Place`, which has the token's offsets, so nodes have them too. An expression
reaches from its first token to its last: those of its operands, its own, and the bracket that closes its own.
"""

import re
from bisect import bisect_right

from jinja2 import nodes

from tmplmon.jinjaparser.places import Place
from tmplmon.monitoring.lines import utf8_column

# (line, end line, column, end column) as in `ast`: lines from 1, columns in UTF-8 bytes, the end exclusive.
type Position = tuple[int, int, int, int]

_NAME = re.compile(r"\s*[\w.]+")
_BRACKET = re.compile(r"\s*\(")


class Columns:
    """The positions of the expressions of one template."""

    def __init__(self) -> None:
        self._text: str | None = None
        self._starts: list[int] = []
        self._spans: dict[int, tuple[int, int] | None] = {}

    def position(self, node: nodes.Node) -> Position | None:
        """The position of an expression; None if its tokens are not known."""
        span = self._span(node)
        if span is None or self._text is None:
            return None
        (line, column), (end_line, end_column) = map(self._line_and_column, span)
        return line, end_line, column, end_column

    def _span(self, node: nodes.Node) -> tuple[int, int] | None:
        key = id(node)
        if key not in self._spans:
            spans = [self._span(inner) for inner in node.iter_child_nodes()]
            spans.append(self._token(node))
            known = [span for span in spans if span is not None]
            starts, ends = [start for start, _ in known], [end for _, end in known]
            self._spans[key] = (min(starts), max(ends)) if known else None
        return self._spans[key]

    def _token(self, node: nodes.Node) -> tuple[int, int] | None:
        """The token that a node has its line from, with what belongs to it."""
        place = node.lineno
        if not isinstance(place, Place) or place.start >= place.end:
            return None
        text, brackets = place.tokens.text, place.tokens.brackets
        if self._text is None:
            self._use(text)
        start, end = place.start, place.end
        match node:
            case nodes.Call() | nodes.Getitem() | nodes.List() | nodes.Dict():
                if start in brackets:
                    return start, brackets[start]
                if text.startswith(".", start):
                    match = _NAME.match(text, end)
                    return start, end if match is None else match.end()
                return None
            case nodes.Getattr():
                match = _NAME.match(text, end) if text.startswith(".", start) else None
                return start, end if match is None else match.end()
            case nodes.Filter():
                match = _BRACKET.match(text, end)
                return start, end if match is None else brackets.get(match.end() - 1, end)
            case nodes.Name() | nodes.Const() | nodes.NSRef() | nodes.Test():
                return start, end
        # The token of an operation is one of its operands', or the one after them.
        return None

    def _use(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def _line_and_column(self, offset: int) -> tuple[int, int]:
        assert self._text is not None
        line = bisect_right(self._starts, offset)
        start = self._starts[line - 1]
        return line, utf8_column(self._text[start:offset], offset - start)
