"""Texts that know where they come from: what templates put out in an environment with `source_map`.

Rule: a piece of output knows its origin: the template, line and columns that made it, and the frames that led
there, which are Python's own, looked at while the piece is made. Joining pieces joins what they know; so the text
of a macro, a call body, a `set` block or a block called by name keeps the origins of its pieces until something
makes another text of it (a filter, `~`, a method). That text belongs to the expression that put it out.

The characters are those that the page has without it: nothing is marked in the text itself.
"""

import sys
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import Any, NamedTuple

from markupsafe import Markup

from tmplmon.runtime.html import escape_to_str


class Step(NamedTuple):
    """A place in a template that led to another: an include, a block's place, the call of a macro, `extends`.

    template: its name, None if it has none. file: what its code is of. label: `<template>`, `block title`, …
    line: 1-based.
    """

    template: str | None
    file: str
    label: str
    line: int


class Origin(NamedTuple):
    """Where a piece of output comes from. `template` … `line` are as in `Step`.

    column, end_column: 0-based, in bytes of UTF-8; of a text, of its first character that is not blank; the end
        is -1 where it is on another line.
    literal: a text of the template, not a value.
    chain: what led there, the outermost first.
    """

    template: str | None
    file: str
    label: str
    line: int
    column: int
    end_column: int
    literal: bool
    chain: tuple[Step, ...]


type Span = tuple[int, Origin | None]
"""The length of a piece, and where it comes from: None for blank text that belongs to no line."""


class _Stripped:
    """Stripping keeps the origins of what is left: blanks at the ends of a macro's output are often unwanted."""

    __slots__ = ()

    def _as_markup(self: Any) -> "TracedMarkup":
        """Return the text as markup with the same origins."""
        markup = TracedMarkup(self)
        markup.spans = self.spans
        return markup

    def strip(self: Any, chars: str | None = None, /) -> Any:
        return self.lstrip(chars).rstrip(chars)

    def lstrip(self: Any, chars: str | None = None, /) -> Any:
        return _part(self, len(self) - len(str(self).lstrip(chars)), len(self))

    def rstrip(self: Any, chars: str | None = None, /) -> Any:
        return _part(self, 0, len(str(self).rstrip(chars)))


class Traced(_Stripped, str):
    """A text with the `spans` it is made of; their lengths add up to its own."""

    __slots__ = ("spans",)
    spans: tuple[Span, ...]


class TracedMarkup(_Stripped, Markup):
    """Markup with the `spans` it is made of."""

    __slots__ = ("spans",)
    spans: tuple[Span, ...]


def _part(text: Any, start: int, end: int) -> Any:
    """A part of a text. What is left of the first piece counts as all of it, but for where its first line is."""
    kept: list[Span] = []
    position = 0
    for length, origin in spans_of(text):
        left = min(position + length, end) - max(position, start)
        if left > 0:
            kept.append((left, origin))
        position += length
    made = type(text)(str(text)[start:end])
    made.spans = tuple(kept)
    return made


def spans_of(text: str) -> tuple[Span, ...]:
    """What a text is made of; one piece of unknown origin if it does not know."""
    spans = getattr(text, "spans", None)
    return ((len(text), None),) if spans is None else spans


def _traced(text: str, spans: tuple[Span, ...]) -> Traced:
    made = Traced(text)
    made.spans = spans
    return made


class Pages(list[Traced]):
    """Pages that were rendered: texts with the end of a body.

    streams: for each template that gives its output piece by piece, the pieces it has made. Who has seen some may
        take them out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.streams: list[list[str]] = []


_pages: ContextVar[Pages | None] = ContextVar("tmplmon_pages", default=None)


@contextmanager
def rendered_pages() -> Iterator[Pages]:
    """The pages that are rendered meanwhile, in this context and those copied from it. A stream that has begun
    meanwhile goes on being listed."""
    pages = Pages()
    token = _pages.set(pages)
    try:
        yield pages
    finally:
        _pages.reset(token)


def join(pieces: Iterable[Any]) -> Traced:
    """The text of pieces of output, with their origins."""
    pieces = list(pieces)
    return _traced("".join(pieces), tuple(span for piece in pieces for span in spans_of(piece)))


def rendered(pieces: Iterable[Any]) -> Traced:
    """`join` of what a template has put out: it may be a page."""
    joined = join(pieces)
    pages = _pages.get()
    if pages is not None and "</body" in joined.lower():
        pages.append(joined)
    return joined


def streamed(pieces: Iterator[str]) -> Iterator[str]:
    """The pieces that a template puts out: they may be those of a page."""
    made = _stream()
    for piece in pieces:
        made.append(piece)
        yield piece


async def astreamed(pieces: AsyncIterator[str]) -> AsyncIterator[str]:
    """`streamed` of an asynchronous iterator."""
    made = _stream()
    async for piece in pieces:
        made.append(piece)
        yield piece


def _stream() -> Any:
    pages = _pages.get()
    if pages is None:
        return deque(maxlen=0)
    pages.streams.append([])
    return pages.streams[-1]


# What generated code calls.


def traced_text(text: str, line: int, column: int) -> Traced:
    """A text of a template. Line 0 is that of blank text."""
    origin = _origin(sys._getframe(1), line, column, -1, True) if line else None
    return _traced(text, ((len(text), origin),))


def traced_value(value: Any, line: int, column: int, end_column: int) -> Traced:
    """The text of a value; its own origins if it has some."""
    spans = getattr(value, "spans", None) if type(value) in _KINDS else None
    text = str(value)
    if spans is None:
        spans = ((len(text), _origin(sys._getframe(1), line, column, end_column, False)),)
    return _traced(text, spans)


def traced_escaped(value: Any) -> str:
    """`support.escaped` of what is no exact `str`, with the origins that markup has."""
    return value if type(value) is TracedMarkup else str(escape_to_str(value))


def traced_plain(value: Any) -> str:
    """`str` that keeps the origins that a text has."""
    return value if type(value) in _KINDS else str(value)


_KINDS = (Traced, TracedMarkup)


def _origin(frame: FrameType, line: int, column: int, end_column: int, literal: bool) -> Origin:
    steps: list[Step] = []
    before = frame.f_back
    while before is not None:
        names = before.f_globals
        if _is_template(before):
            code = before.f_code
            steps.append(Step(names["__name__"], code.co_filename, code.co_name, before.f_lineno or 0))
        before = before.f_back
    steps.reverse()
    code = frame.f_code
    name = frame.f_globals["__name__"]
    return Origin(name, code.co_filename, code.co_name, line, column, end_column, literal, tuple(steps))


def _is_template(frame: FrameType) -> bool:
    """Whether a frame is a template's: its loader is the template, whose file it is of."""
    loader = frame.f_globals.get("__loader__")
    return getattr(loader, "_file", None) == frame.f_code.co_filename
