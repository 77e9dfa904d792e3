"""Jinja2's tokens, with line numbers that have the place of the token in the source.

Rule: the raw tokens of Jinja2's lexer are the text of the source in order, except for whitespace that it removes.
So each token is found by searching its text from the end of the one before.
"""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, NamedTuple, Self

from jinja2 import nodes

_OPENING = frozenset("([{")
_CLOSING = frozenset(")]}")
_TAG_ENDS = ("block_end", "linestatement_end")
_DELIMITERS = frozenset(("block_begin", "linestatement_begin", "variable_begin", "variable_end", *_TAG_ENDS))


class Tag(NamedTuple):
    """A tag: the offsets of its delimiters' outer ends, and its first name."""

    start: int
    end: int
    name: str


class Tokens:
    """The tokens of one template, as far as nodes do not tell their places.

    text: the source.
    longest: the largest number of tokens in a tag.
    brackets: offset of an opening bracket → offset after the closing one.
    tags: the tags in source order.
    """

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.longest = 0
        self.brackets: dict[int, int] = {}
        self.tags: list[Tag] = []
        self._starts: list[int] = []

    def add_tag(self, tag: Tag) -> None:
        self.tags.append(tag)
        self._starts.append(tag.start)

    def tag_at(self, offset: int) -> Tag | None:
        """The tag that the character at `offset` is in."""
        index = bisect_right(self._starts, offset) - 1
        return self.tags[index] if index >= 0 and offset < self.tags[index].end else None

    def tag_before(self, offset: int) -> Tag | None:
        """The last tag that ends at `offset` or before."""
        index = bisect_right(self._starts, offset) - 1
        while index >= 0 and self.tags[index].end > offset:
            index -= 1
        return self.tags[index] if index >= 0 else None


class Place(int):
    """A 1-based line number with the place of its token: the offsets `start` and `end`, and all `tokens`."""

    start: int
    end: int
    tokens: Tokens

    def __new__(cls, line: int, start: int = 0, end: int = 0, tokens: Tokens | None = None) -> Self:
        self = int.__new__(cls, line)
        self.start = start
        self.end = end
        self.tokens = Tokens() if tokens is None else tokens
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return int, (int(self),)


def placed(raw: Iterator[tuple[int, str, str]], text: str) -> Iterator[tuple[int, str, str]]:
    """The raw tokens of a lexer, with a `Place` as the line number of each. `text`: the source, with ``\\n`` as
    newlines."""
    tokens = Tokens(text)
    open_brackets: list[int] = []
    position = length = 0
    tag_start, tag_name = -1, ""
    for line, kind, value in raw:
        start = text.find(value, position)
        if start < 0:
            start = position  # A lexer of the application's yields text that is not in the source.
        position = end = start + len(value)
        if kind == "whitespace":
            yield line, kind, value
            continue
        length += 1
        if kind == "operator":
            if value in _OPENING:
                open_brackets.append(start)
            elif open_brackets and value in _CLOSING:
                tokens.brackets[open_brackets.pop()] = end
        elif kind == "name":
            if not tag_name:
                tag_name = value
        elif kind in _DELIMITERS:
            # The blanks around a delimiter that removes them are part of its token.
            delimiter = value.strip()
            start += value.find(delimiter)
            end = start + len(delimiter)
            if kind in _TAG_ENDS:
                tokens.add_tag(Tag(tag_start, end, tag_name))
            tag_start, tag_name = start, ""
            tokens.longest = max(tokens.longest, length)
            length = 0
        yield Place(line, start, end, tokens), kind, value


def tokens_of(tree: nodes.Template) -> Tokens:
    """The tokens that a tree was parsed from. If nodes have plain line numbers, the text is empty lines."""
    last = 1
    worklist: list[nodes.Node] = [tree]
    while worklist:
        node = worklist.pop()
        if isinstance(node.lineno, Place):
            return node.lineno.tokens
        last = max(last, node.lineno or 1)
        worklist += node.iter_child_nodes()
    return Tokens("\n" * last)
