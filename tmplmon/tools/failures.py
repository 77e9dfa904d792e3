"""The frames of an exception's traceback, with the details that an error page shows.

Rule: only the traceback is used. The `__loader__` of a template's frame is the template; its position is the
frame's own, and the frames before it are the include, the macro call or the block of the parent that led to
it. A syntax error has no frame of its template; a frame is made from the error's attributes.
"""

import linecache
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from types import TracebackType
from typing import Any

from tmplmon import Template, TemplateSyntaxError
from tmplmon.monitoring import character_column
from tmplmon.monitoring.lines import excerpt


@dataclass(frozen=True, slots=True)
class ErrorFrame:
    """A frame of a traceback. Lines are 1-based; columns are 0-based offsets in characters. None: unknown.

    name: the template's name; None for Python code. file: its path. label: the name of the function, such as
    `block title`. lines: the whole source. variables: the local variables, without the engine's own.
    """

    name: str | None
    file: str
    label: str
    line: int | None
    column: int | None
    end_column: int | None
    lines: list[str]
    variables: dict[str, Any] = field(default_factory=dict)

    @property
    def is_template(self) -> bool:
        """Whether the frame is a template's."""
        return self.name is not None

    @property
    def line_text(self) -> str | None:
        """The source line; None if it is unknown."""
        return (
            self.lines[self.line - 1] if self.line is not None and 0 < self.line <= len(self.lines) else None
        )

    @property
    def line_parts(self) -> tuple[str, str, str]:
        """The texts before, inside and after the columns on the line, without what is far from them on a long line.
        Without columns the whole line is inside."""
        text, start, end = excerpt(self.line_text or "", self.column, self.end_column)
        if self.column is None or self.end_column is None:
            start, end = 0, len(text)
        return text[:start], text[start:end], text[end:]

    def lines_around(self, count: int) -> list[tuple[int, str]]:
        """(number, text) of the line and of up to `count` lines before and after it. Long lines are cut."""
        line = self.line or 1
        first = max(1, line - count)
        return [
            (number, excerpt(text)[0])
            for number, text in enumerate(self.lines[first - 1 : line + count], first)
        ]


def error_frames(error: BaseException) -> list[ErrorFrame]:
    """Return the frames of an exception, outermost first. A syntax error adds a frame for its location."""
    frames = [_frame(traceback) for traceback in _tracebacks(error.__traceback__)]
    if isinstance(error, TemplateSyntaxError):
        frames.append(_syntax_error_frame(error))
    return frames


def innermost_template_frame(error: BaseException) -> ErrorFrame | None:
    """Return the innermost frame in a template; None if the exception did not pass through a template."""
    return next((frame for frame in reversed(error_frames(error)) if frame.is_template), None)


def template_frames(error: BaseException) -> list[ErrorFrame]:
    """Return the frames in templates, outermost first, without one for the location of a syntax error."""
    tracebacks = _tracebacks(error.__traceback__)
    return [_frame(each) for each in tracebacks if isinstance(_loader(each), Template)]


def _loader(traceback: TracebackType) -> Any:
    return traceback.tb_frame.f_globals.get("__loader__")


def _tracebacks(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _frame(traceback: TracebackType) -> ErrorFrame:
    frame = traceback.tb_frame
    code = frame.f_code
    loader = _loader(traceback)
    line: int | None = traceback.tb_lineno  # None for an instruction without a line
    lines = _lines(code.co_filename, frame.f_globals)
    column = end = None
    position = next(islice(code.co_positions(), traceback.tb_lasti // 2, None), None)
    if line is not None and position is not None and position[0] == line and 0 < line <= len(lines):
        _, end_line, first, last = position
        text = lines[line - 1]
        column = None if first is None else character_column(text, first)
        end = len(text) if end_line != line or last is None else character_column(text, last)
    is_template = isinstance(loader, Template)
    return ErrorFrame(
        (loader.name or "<template>") if isinstance(loader, Template) else None,
        code.co_filename,
        code.co_name,
        line,
        column,
        end,
        lines,
        {name: value for name, value in frame.f_locals.items() if not (is_template and name.startswith("."))},
    )


def _lines(file: str, names: dict[str, Any] | None) -> list[str]:
    linecache.checkcache(file)  # the file may have been edited
    return [line.rstrip("\n") for line in linecache.getlines(file, names)]


def _syntax_error_frame(error: TemplateSyntaxError) -> ErrorFrame:
    lines = _lines(error.filename or "", None)
    if len(lines) < error.lineno:
        lines = [""] * (error.lineno - 1) + [(error.source_line or "").rstrip("\n")]
    file = error.filename or error.name or "<template>"
    name = error.name or "<template>"
    return ErrorFrame(name, file, "", error.lineno, error.column, error.end_column, lines)
