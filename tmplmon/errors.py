"""The exceptions of the engine, with Jinja2's names.

Rule: an error says *what* is wrong, *where* (template, file, line, column, the source line with a caret), and, if
it is known, *what to do*. A syntax error gets its location where it is raised (`syntax.report`). The location of
a run-time error is in its traceback, whose frames are those of the template.
"""

from collections.abc import Sequence
from typing import Any

from tmplmon.monitoring.lines import with_caret


class TemplateError(Exception):
    """The base of all errors of this package."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message)

    @property
    def message(self) -> str | None:
        return self.args[0] if self.args else None


def _is_undefined(value: Any) -> bool:
    # `runtime.undefined` defines the class and imports this module.
    return hasattr(type(value), "_fail_with_undefined_error")


class TemplateNotFound(IOError, LookupError, TemplateError):
    """No loader has a template of this name.

    name: the name that was asked for.
    templates: all names that were tried, as a list.
    message: the text of the error, by default the name.
    """

    message: str | None = None

    def __init__(self, name: Any, message: str | None = None) -> None:
        IOError.__init__(self, name)
        if message is None:
            if _is_undefined(name):
                name._fail_with_undefined_error()
            message = name
        self.message = message  # pyright: ignore[reportIncompatibleMethodOverride]
        self.name = name
        self.templates: list[Any] = [name]

    def __str__(self) -> str:
        return str(self.message)


class TemplatesNotFound(TemplateNotFound):
    """None of several templates exists.

    names: the names that were tried. `name` is the last of them, and `templates` is the list of all.
    """

    def __init__(self, names: Sequence[Any] = (), message: str | None = None) -> None:
        if message is None:
            tried = [name._undefined_message if _is_undefined(name) else str(name) for name in names]
            message = f"none of the templates given were found: {', '.join(tried)}"
        super().__init__(names[-1] if names else None, message)
        self.templates = list(names)


class TemplateSyntaxError(TemplateError):
    """The source of a template is not valid.

    `str()` of the error is its message, one line, as in Jinja2. In a traceback, the first note below the message
    shows the location, the line with a caret, and the hint; it is `__notes__[0]`.

    message: what is wrong.
    lineno: 1-based line.
    name, filename: the loader's name of the template, and its file; None if there is none.
    column, end_column: 0-based columns in characters of `source_line`, the end exclusive; None if only the line is
        known.
    source_line: the text of the line, or None.
    hint: what to do, or None.
    source: the source of the template, or None.
    """

    def __init__(
        self,
        message: str,
        lineno: int,
        name: str | None = None,
        filename: str | None = None,
        *,
        column: int | None = None,
        end_column: int | None = None,
        source_line: str | None = None,
        hint: str | None = None,
        source: str | None = None,
    ) -> None:
        super().__init__(message)
        self.lineno = lineno
        self.name = name
        self.filename = filename
        self.column = column
        self.end_column = end_column
        self.source_line = source_line
        self.hint = hint
        self.source = source
        self.add_note(self._location())

    def __str__(self) -> str:
        return str(self.message)

    def _location(self) -> str:
        place = f"{self.filename or self.name or '<template>'}:{self.lineno}"
        if self.column is not None:
            place += f":{self.column + 1}"
        lines = [f"  --> {place}"]
        if self.source_line is not None:
            lines += with_caret(self.lineno, self.source_line, self.column, self.end_column)
        if self.hint:
            lines.append(f"  = {self.hint}")
        return "\n".join(lines)

    def in_file(self, filename: str | None) -> None:
        """Change `filename`, also in the note."""
        self.filename = filename
        self.__notes__[0] = self._location()

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_syntax_error, (type(self), self.args[0], self.__dict__)


def _rebuild_syntax_error(
    cls: type[TemplateSyntaxError], message: str, state: dict[str, Any]
) -> TemplateSyntaxError:
    error = cls(message, state["lineno"])
    error.__dict__.update(state)
    return error


class TemplateAssertionError(TemplateSyntaxError):
    """The source is well formed, but refers to something that does not exist, such as an unknown filter."""


class TemplateRuntimeError(TemplateError):
    """An error that the engine detects while a template runs."""


class UndefinedError(TemplateRuntimeError):
    """An undefined value was used in an operation that it does not support."""


class SecurityError(TemplateRuntimeError):
    """A sandboxed template tried an operation that is not allowed."""


class TooLargeError(SecurityError, OverflowError):
    """A sandboxed template tried to make a value that is too large, or to start a computation that takes too
    long."""


class FilterArgumentError(TemplateRuntimeError):
    """A filter was called with arguments that it does not support."""


class BudgetError(TemplateRuntimeError):
    """A rendering has exceeded its budget; see `tmplmon.Budget`.

    name, filename: the template that was running.
    lineno: the 1-based line of the statement or expression.
    column: its 0-based column in characters.
    spent: the amounts that had been spent.

    The location is None if no code of a template was running.
    """

    def __init__(self, message: str, spent: Any = None) -> None:
        super().__init__(message)
        self.name: str | None = None
        self.filename: str | None = None
        self.lineno: int | None = None
        self.column: int | None = None
        self.spent = spent
        # Whether it was raised before a scope was entered, so that the scope is not in the traceback.
        self.is_outside = False

    def __str__(self) -> str:
        if self.lineno is None or self.column is None:
            return str(self.message)
        return f"{self.message} ({self.filename}:{self.lineno}:{self.column + 1})"


class FuelExhausted(BudgetError):
    """A rendering tried to use more fuel than `Limits.fuel`."""


class OutputLimitExceeded(BudgetError):
    """A rendering tried to output more characters than `Limits.output`."""


class TimeLimitExceeded(BudgetError):
    """A rendering took longer than `Limits.seconds`."""


class DepthLimitExceeded(BudgetError):
    """A rendering tried to nest more scopes than `Limits.depth`, or than Python's recursion limit allows."""


class RenderCancelled(BudgetError):
    """Another thread called `Budget.cancel`."""


class WorkerError(TemplateRuntimeError):
    """A rendering in a worker process has ended without output; see `tmplmon.sandbox.WorkerPool`.

    name, filename: the template that was running.
    lineno: the 1-based line of the statement or expression.
    column: its 0-based column in characters.

    What is not known is None. The name is that of the template that was asked for if the one that was running
    is not known.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.name: str | None = None
        self.filename: str | None = None
        self.lineno: int | None = None
        self.column: int | None = None

    def __str__(self) -> str:
        if self.lineno is None:
            return str(self.message) if self.name is None else f"{self.message} (template {self.name!r})"
        column = "" if self.column is None else f":{self.column + 1}"
        return f"{self.message} ({self.filename}:{self.lineno}{column})"


class WorkerLimitExceeded(WorkerError):
    """A rendering exceeded a limit of its worker process.

    limit: the name of the limit, a field of `WorkerLimits`.
    """

    def __init__(self, message: str, limit: str) -> None:
        super().__init__(message)
        self.args = message, limit  # for pickle
        self.limit = limit


class WorkerDied(WorkerError):
    """A worker process has ended, or could not start.

    status: its exit status; the negative number of a signal that has ended it; None if it is unknown.
    """

    def __init__(self, message: str, status: int | None) -> None:
        super().__init__(message)
        self.args = message, status  # for pickle
        self.status = status


class RemoteError(WorkerError):
    """An exception in a worker process that is not one of this package. The exception itself stays there.

    type_name: the name of its class.
    """

    def __init__(self, message: str, type_name: str) -> None:
        super().__init__(message)
        self.args = message, type_name  # for pickle
        self.type_name = type_name


class PoolBusy(WorkerError):
    """No worker process was free in time."""


__all__ = [
    "BudgetError",
    "DepthLimitExceeded",
    "FilterArgumentError",
    "FuelExhausted",
    "OutputLimitExceeded",
    "PoolBusy",
    "RemoteError",
    "RenderCancelled",
    "SecurityError",
    "TemplateAssertionError",
    "TemplateError",
    "TemplateNotFound",
    "TemplateRuntimeError",
    "TemplateSyntaxError",
    "TemplatesNotFound",
    "TimeLimitExceeded",
    "TooLargeError",
    "UndefinedError",
    "WorkerDied",
    "WorkerError",
    "WorkerLimitExceeded",
]
