"""Texts with origins: the output of templates in an environment with `source_map`.

Rule: a chunk of output stores its origin: the template, the line and the columns that output it, and the places
that led there, which are read from Python's frames when the chunk is created. Joining chunks joins their
origins. So the text of a macro, a call body, a `set` block or a block called by name keeps the origins of its
chunks until it is converted to another text (by a filter, `~` or a method). That text has the origin of the
expression that outputs it.

The characters of the page do not change: there are no marks in the text.
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

    template: the template's name; None if it has none. file: the file of its code. label: `<template>`,
        `block title` … line: from 1.
    """

    template: str | None
    file: str
    label: str
    line: int


class Origin(NamedTuple):
    """The origin of a chunk of output. `template`, `file`, `label` and `line` are those of `Step`.

    column, end_column: from 0, in bytes of UTF-8. For a text, the column of its first character that is not blank.
        The end is -1 if it is on another line.
    literal: whether it is a text of the template and not a value.
    chain: the places that led there, the outermost first.
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
"""The length of a part of a text in characters, and its origin: None for blank text, which has no line."""


class _Stripped:
    """Stripping keeps the origins of the rest, because templates often strip the output of macros."""

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
    """A text with origins. The lengths of its `spans` add up to its own."""

    __slots__ = ("spans",)
    spans: tuple[Span, ...]


class TracedMarkup(_Stripped, Markup):
    """Markup with origins. The lengths of its `spans` add up to its own."""

    __slots__ = ("spans",)
    spans: tuple[Span, ...]


def _part(text: Any, start: int, end: int) -> Any:
    """Return `text[start:end]` with its origins. A span that is cut keeps its origin."""
    spans: list[Span] = []
    position = 0
    for length, origin in spans_of(text):
        left = min(position + length, end) - max(position, start)
        if left > 0:
            spans.append((left, origin))
        position += length
    part = type(text)(str(text)[start:end])
    part.spans = tuple(spans)
    return part


def spans_of(text: str) -> tuple[Span, ...]:
    """Return the spans of a text; one span without origin for an ordinary text."""
    spans = getattr(text, "spans", None)
    return ((len(text), None),) if spans is None else spans


def _traced(text: str, spans: tuple[Span, ...]) -> Traced:
    traced = Traced(text)
    traced.spans = spans
    return traced


class Pages(list[Traced]):
    """Pages that were rendered: texts that contain the end of a body.

    streams: a list for each template that was streamed, with the chunks that it has yielded. The consumer may
        remove chunks that it has processed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.streams: list[list[str]] = []


_pages: ContextVar[Pages | None] = ContextVar("tmplmon_pages", default=None)


@contextmanager
def rendered_pages() -> Iterator[Pages]:
    """Context manager: collect the pages that are rendered in the ``with`` block, in this context and in copies
    of it. A stream that begins in the block is collected to its end."""
    pages = Pages()
    token = _pages.set(pages)
    try:
        yield pages
    finally:
        _pages.reset(token)


def join(chunks: Iterable[Any]) -> Traced:
    """Join chunks of output and their origins."""
    chunks = list(chunks)
    return _traced("".join(chunks), tuple(span for chunk in chunks for span in spans_of(chunk)))


def rendered(chunks: Iterable[Any]) -> Traced:
    """Join the output of a template, and collect it if it is a page."""
    joined = join(chunks)
    pages = _pages.get()
    if pages is not None and "</body" in joined.lower():
        pages.append(joined)
    return joined


def streamed(chunks: Iterator[str]) -> Iterator[str]:
    """Yield the chunks of a template, and collect them."""
    stream = _stream()
    for chunk in chunks:
        stream.append(chunk)
        yield chunk


async def astreamed(chunks: AsyncIterator[str]) -> AsyncIterator[str]:
    """`streamed` for an asynchronous iterator."""
    stream = _stream()
    try:
        async for chunk in chunks:
            stream.append(chunk)
            yield chunk
    finally:
        await chunks.aclose()  # type: ignore[attr-defined]


def _stream() -> Any:
    pages = _pages.get()
    if pages is None:
        return deque(maxlen=0)
    pages.streams.append([])
    return pages.streams[-1]


# Functions that generated code calls.


def traced_text(text: str, line: int, column: int) -> Traced:
    """Return a text of a template with its origin. `line` is 0 for blank text, which has none."""
    origin = _origin(sys._getframe(1), line, column, -1, True) if line else None
    return _traced(text, ((len(text), origin),))


def traced_value(value: Any, line: int, column: int, end_column: int) -> Traced:
    """Return the text of a value with its origin; a text that has origins keeps them."""
    spans = getattr(value, "spans", None) if type(value) in _KINDS else None
    text = str(value)
    if spans is None:
        spans = ((len(text), _origin(sys._getframe(1), line, column, end_column, False)),)
    return _traced(text, spans)


def traced_escaped(value: Any) -> str:
    """`support.escaped` for a value that is not an exact `str`. Markup keeps its origins."""
    return value if type(value) is TracedMarkup else str(escape_to_str(value))


def traced_plain(value: Any) -> str:
    """`str(value)`. A text keeps its origins."""
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
    """Whether a frame belongs to a template: its `__loader__` is a template with the file of its code."""
    loader = frame.f_globals.get("__loader__")
    return getattr(loader, "_file", None) == frame.f_code.co_filename
