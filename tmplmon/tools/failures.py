"""Where an exception comes from: the frames of its traceback, with what a reader of an error page wants of each.

Rule: nothing is looked for but the traceback. A template's frame is known by its `__loader__`, which is the
template; its position is the frame's own, and what led there are the frames before it: the include, the call of
the macro, the block's place in the parent. A syntax error has no frame of its template, and gets a place made of
what it says of itself.
"""

import linecache
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from types import TracebackType
from typing import Any

from tmplmon import Template, TemplateSyntaxError
from tmplmon.monitoring import character_column


@dataclass(frozen=True, slots=True)
class Place:
    """One frame. Lines are 1-based, columns 0-based offsets in characters, None where they are not known.

    name: the template's name; None for Python code. file: its path. label: the function's name, as `block title`.
    lines: the whole source. variables: what was assigned, without the engine's own.
    """

    name: str | None
    file: str
    label: str
    line: int
    column: int | None
    end_column: int | None
    lines: list[str]
    variables: dict[str, Any] = field(default_factory=dict)

    @property
    def is_template(self) -> bool:
        return self.name is not None

    @property
    def parts(self) -> tuple[str, str, str]:
        """The line before, in and after the columns; all of it is "in" where they are not known."""
        text = self.lines[self.line - 1] if 0 < self.line <= len(self.lines) else ""
        if self.column is None or self.end_column is None:
            return "", text, ""
        return text[: self.column], text[self.column : self.end_column], text[self.end_column :]


def places(error: BaseException) -> list[Place]:
    """The frames of an exception, the outermost first, and the place of a syntax error at the end."""
    found = [_place(traceback) for traceback in _tracebacks(error.__traceback__)]
    if isinstance(error, TemplateSyntaxError):
        found.append(_syntax(error))
    return found


def template_place(error: BaseException) -> Place | None:
    """The innermost place in a template; None if the exception did not pass through one."""
    return next((place for place in reversed(places(error)) if place.is_template), None)


def _tracebacks(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _place(traceback: TracebackType) -> Place:
    frame = traceback.tb_frame
    code = frame.f_code
    owner = frame.f_globals.get("__loader__")
    line = traceback.tb_lineno or 1
    lines = _lines(code.co_filename, frame.f_globals)
    column = end = None
    position = next(islice(code.co_positions(), traceback.tb_lasti // 2, None), None)
    if position is not None and position[0] == line and 0 < line <= len(lines):
        _, end_line, first, last = position
        text = lines[line - 1]
        column = None if first is None else character_column(text, first)
        end = len(text) if end_line != line or last is None else character_column(text, last)
    named = isinstance(owner, Template)
    return Place(
        (owner.name or "<template>") if isinstance(owner, Template) else None,
        code.co_filename,
        code.co_name,
        line,
        column,
        end,
        lines,
        {name: value for name, value in frame.f_locals.items() if not (named and name.startswith("."))},
    )


def _lines(file: str, names: dict[str, Any] | None) -> list[str]:
    return [line.rstrip("\n") for line in linecache.getlines(file, names)]


def _syntax(error: TemplateSyntaxError) -> Place:
    lines = _lines(error.filename or "", None)
    if len(lines) < error.lineno:
        lines = [""] * (error.lineno - 1) + [(error.source_line or "").rstrip("\n")]
    file = error.filename or error.name or "<template>"
    name = error.name or "<template>"
    return Place(name, file, "", error.lineno, error.column, error.end_column, lines)
