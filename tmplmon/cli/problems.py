"""The messages of the commands: one class of problem, three formats.

Rule: a problem says what is wrong and where. Exceptions are converted to problems only in this module. For an
exception raised by a template the traceback gives the location: template frames are real frames, so the innermost
one is the location, and the outer ones are the chain of includes, imports and macro calls that led to it.
"""

import os
import re
from dataclasses import dataclass, field

from tmplmon.errors import TemplateNotFound, TemplatesNotFound, TemplateSyntaxError, UndefinedError
from tmplmon.monitoring.lines import with_caret
from tmplmon.tools.failures import template_frames


class UsageError(Exception):
    """A wrong command line: exit status 2."""


@dataclass(slots=True)
class Problem:
    """A message for the user.

    path: the file, as the user would write it. line, column, end_column: 1-based; columns count characters, and
    `end_column` is exclusive. None: unknown.
    """

    message: str
    path: str | None = None
    line: int | None = None
    column: int | None = None
    end_column: int | None = None
    source_line: str | None = None
    hint: str | None = None
    code: str = "error"
    notes: list[str] = field(default_factory=list)

    @property
    def place(self) -> str:
        """``path:line:column`` as far as they are known; "" without a path."""
        known = [self.path] if self.path is not None else []
        known += [str(number) for number in (self.line, self.column) if number is not None and known]
        return ":".join(known)


class ProblemFound(Exception):
    """Carries a problem to the command, which reports it: exit status 1."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


# --- writing -----------------------------------------------------------------------------------------------


def long_form(problem: Problem) -> str:
    """Format a problem with its source line and a caret below it, without a trailing newline."""
    lines = [f"error: {problem.message}"]
    if problem.place:
        lines.append(f"  --> {problem.place}")
    if problem.source_line is not None and problem.line is not None:
        column = None if problem.column is None else problem.column - 1
        end = None if problem.end_column is None else problem.end_column - 1
        lines += with_caret(problem.line, problem.source_line, column, end)
    if problem.hint:
        lines.append(f"  = {problem.hint}")
    lines += [f"  {note}" for note in problem.notes]
    return "\n".join(lines)


def short_form(problem: Problem) -> str:
    """Format a problem as ``path:line:column: message; hint [code]``."""
    hint = f"; {problem.hint}" if problem.hint else ""
    place = f"{problem.place}: " if problem.place else ""
    return f"{place}{problem.message}{hint} [{problem.code}]"


def github_form(problem: Problem) -> str:
    """Format a problem as a GitHub workflow command, which GitHub shows at the line."""
    properties = {
        "file": problem.path,
        "line": problem.line,
        "col": problem.column,
        "endColumn": None if problem.end_column is None else problem.end_column - 1,
        "title": problem.code,
    }
    shown = ",".join(
        f"{name}={_escaped(str(value), ':,')}" for name, value in properties.items() if value is not None
    )
    hint = f"; {problem.hint}" if problem.hint else ""
    return f"::error {shown}::{_escaped(problem.message + hint)}"


def _escaped(text: str, also: str = "") -> str:
    return "".join(f"%{ord(c):02X}" if c in "%\r\n" or c in also else c for c in text)


def json_form(problem: Problem) -> dict[str, object]:
    """The fields of a problem that programs need."""
    names = ("path", "line", "column", "end_column", "code", "message", "hint")
    return {name: getattr(problem, name) for name in names}


# --- exceptions --------------------------------------------------------------------------------------------


def from_syntax_error(error: TemplateSyntaxError, code: str = "syntax") -> Problem:
    """Convert a syntax error. `code`: the code of the problem."""
    return Problem(
        error.message or "syntax error",
        shown_path(error.filename or error.name),
        error.lineno,
        None if error.column is None else error.column + 1,
        None if error.end_column is None else error.end_column + 1,
        None if error.source_line is None else error.source_line.rstrip("\n"),
        error.hint,
        code,
    )


def from_exception(error: BaseException) -> Problem:
    """Convert an exception raised by loading or rendering."""
    frames = template_frames(error)
    if isinstance(error, TemplateSyntaxError):
        problem = from_syntax_error(error)
    else:
        message, code = _message(error)
        problem = Problem(message, code=code)
        if frames:
            frame = frames.pop()
            problem.path, problem.line, problem.source_line = (
                shown_path(frame.file),
                frame.line,
                frame.line_text,
            )
            if frame.column is not None and frame.end_column is not None:
                problem.column, problem.end_column = frame.column + 1, frame.end_column + 1
    if not isinstance(error, TemplateSyntaxError):
        problem.notes += [line for note in getattr(error, "__notes__", ()) for line in str(note).split("\n")]
    if isinstance(error, RecursionError):
        return problem  # Its note has the templates of the cycle.
    for frame in reversed(frames):
        path = shown_path(frame.file)
        note = f"from {path}" if frame.line is None else f"from {path}:{frame.line}"
        if note not in problem.notes:
            problem.notes.append(note)
    return problem


def _message(error: BaseException) -> tuple[str, str]:
    """Return (message, code) for an exception that is not a syntax error."""
    text = str(error)
    if isinstance(error, TemplatesNotFound):
        return f"none of these templates exists: {', '.join(map(str, error.templates))}", "missing-template"
    if isinstance(error, TemplateNotFound):
        # The loader may have added details to the name: "'page.html' not found in search path: 'templates'".
        return (
            f"template {text}" if text != error.name else f"template {text!r} not found",
            "missing-template",
        )
    if isinstance(error, UnicodeDecodeError):
        reason, file = _reason(error)
        shown = f"{shown_path(file)} is not" if file is not None else "not"
        return f"{shown} valid {error.encoding.upper()}: {reason} at byte {error.start}", "unreadable"
    if isinstance(error, RecursionError):
        return (
            "the templates recurse without end: too many nested includes, imports, parents or calls",
            "error",
        )
    if isinstance(error, UndefinedError):
        return text, "undefined"
    if isinstance(error, OSError) and error.strerror:
        return (
            f"{error.strerror}: {shown_path(error.filename)}" if error.filename else error.strerror,
            "error",
        )
    return f"{type(error).__name__}: {text}" if text else type(error).__name__, "error"


def _reason(error: UnicodeDecodeError) -> tuple[str, str | None]:
    """Return (reason, file): a loader adds the file to the reason, because the exception has no attribute for
    it."""
    match = re.fullmatch(r"(.*) \(in the template file '(.*)'\)", error.reason, re.S)
    return (match[1], match[2]) if match is not None else (error.reason, None)


# --- paths -------------------------------------------------------------------------------------------------


def shown_path(path: object) -> str | None:
    """Return a path as the user would write it: relative if it is below the current directory."""
    if not isinstance(path, str | os.PathLike):
        return None
    text = os.fspath(path)
    if not isinstance(text, str):
        return None
    here = os.path.join(os.getcwd(), "")
    return text.removeprefix(here) if os.path.isabs(text) else os.path.normpath(text)
