"""Every exception the engine raises on purpose, under Jinja2's names.

Rule: an error says *what* is wrong, *where* (template, file, line, column, the line itself with a caret) and,
where one is known, *what to do*. The place is attached once: a syntax error gets it where it is raised, a
run-time error has it in its traceback, whose frames are the template's own.
"""

from collections.abc import Sequence
from typing import Any

from tmplmon.monitoring.lines import with_plain_newlines


class TemplateError(Exception):
    """Base of all errors of this package."""

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

    `name` is the name asked for, `templates` the list of all names that were tried.
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
    """None of several templates exists. `templates` has the names, `name` the last of them."""

    def __init__(self, names: Sequence[Any] = (), message: str | None = None) -> None:
        if message is None:
            tried = [name._undefined_message if _is_undefined(name) else str(name) for name in names]
            message = f"none of the templates given were found: {', '.join(tried)}"
        super().__init__(names[-1] if names else None, message)
        self.templates = list(names)


class TemplateSyntaxError(TemplateError):
    """The template's source is not the language.

    `lineno` is 1-based, `column` and `end_column` are 0-based character offsets in the line `source_line` (None
    where only the line is known); `name` is the loader's name of the template and `filename` its file.
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
    ) -> None:
        super().__init__(message)
        self.lineno = lineno
        self.name = name
        self.filename = filename
        self.column = column
        self.end_column = end_column
        self.source_line = source_line
        self.hint = hint

    def __str__(self) -> str:
        place = f"{self.filename or self.name or '<template>'}:{self.lineno}"
        if self.column is not None:
            place += f":{self.column + 1}"
        lines = [f"{self.message}", f"  --> {place}"]
        if self.source_line is not None:
            gutter = f"{self.lineno:>4} | "
            text = with_plain_newlines(self.source_line).rstrip("\n")
            lines.append(gutter + text)
            if self.column is not None:
                width = max((self.end_column or 0) - self.column, 1)
                width = max(min(width, len(text) - self.column), 1)
                # A tab stays a tab so that the caret stands under its character on any tab width.
                pad = "".join("\t" if c == "\t" else " " for c in text[: self.column])
                lines.append(" " * (len(gutter) - 2) + "| " + pad + "^" * width)
        if self.hint:
            lines.append(f"  = {self.hint}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_syntax_error, (type(self), self.args[0], self.__dict__)


def _rebuild_syntax_error(
    cls: type[TemplateSyntaxError], message: str, state: dict[str, Any]
) -> TemplateSyntaxError:
    error = cls(message, state["lineno"])
    error.__dict__.update(state)
    return error


class TemplateAssertionError(TemplateSyntaxError):
    """The source is well formed but refers to something that cannot be, such as an unknown filter."""


class TemplateRuntimeError(TemplateError):
    """Something went wrong while a template ran that is the engine's to report."""


class UndefinedError(TemplateRuntimeError):
    """An operation was tried on an undefined value."""


class SecurityError(TemplateRuntimeError):
    """A sandboxed template tried what it may not do."""


class TooLargeError(SecurityError, OverflowError):
    """A sandboxed template would have made a value that is too large, or have Python work on one for too long."""


class FilterArgumentError(TemplateRuntimeError):
    """A filter was given arguments it cannot work with."""


class BudgetError(TemplateRuntimeError):
    """A rendering came to the end of its budget; see `tmplmon.Budget`.

    name, filename: the template it was in. lineno: 1-based, of the statement or expression. column: 0-based, in
    characters. All are None where no template's code was running. spent: what had been spent.
    """

    def __init__(self, message: str, spent: Any = None) -> None:
        super().__init__(message)
        self.name: str | None = None
        self.filename: str | None = None
        self.lineno: int | None = None
        self.column: int | None = None
        self.spent = spent
        # It came up when a scope was to be entered, which is not in the traceback then.
        self.is_outside = False

    def __str__(self) -> str:
        if self.lineno is None or self.column is None:
            return str(self.message)
        return f"{self.message} ({self.filename}:{self.lineno}:{self.column + 1})"


class FuelExhausted(BudgetError):
    """More sites were to be executed than `Limits.fuel`."""


class OutputLimitExceeded(BudgetError):
    """More characters were to be put out than `Limits.output`."""


class TimeLimitExceeded(BudgetError):
    """Rendering took longer than `Limits.seconds`."""


class DepthLimitExceeded(BudgetError):
    """More scopes were to be run in each other than `Limits.depth`, or than Python's recursion limit allows."""


class RenderCancelled(BudgetError):
    """Another thread called `Budget.cancel`."""


__all__ = [
    "BudgetError",
    "DepthLimitExceeded",
    "FilterArgumentError",
    "FuelExhausted",
    "OutputLimitExceeded",
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
]
