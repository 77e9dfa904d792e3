"""Translated messages: formatting them, and the note for one that cannot be formatted."""

from collections.abc import Callable, Mapping
from typing import Any

FORMATTING_ERRORS = (KeyError, TypeError, ValueError)
"""What formatting raises for a message with a wrong placeholder or percent sign."""


def not_formatted(error: Exception, message: str, variables: Mapping[str, Any]) -> str:
    """The note for a message that could not be formatted: it names the message and the placeholder."""
    if isinstance(error, KeyError):
        names = ", ".join(map(repr, variables)) or "none"
        return (
            f"the message {message!r} has the placeholder %({error.args[0]})s; the variables passed: {names}"
        )
    return (
        f"the message {message!r} cannot be formatted; a percent sign that begins no placeholder such as %(name)s"
        " is written as %%"
    )


def format_message(message: Any, variables: Mapping[str, Any]) -> Any:
    """``message % variables`` for the text of a trans block. An error has a note with the message."""
    try:
        return message % variables
    except FORMATTING_ERRORS as error:
        error.add_note(not_formatted(error, str(message), variables))
        raise


def with_note(operator: Callable[..., Any]) -> Callable[..., Any]:
    """An operator whose last operands are a message and its variables, with the note of `format_message`."""

    def formatted(*operands: Any) -> Any:
        try:
            return operator(*operands)
        except FORMATTING_ERRORS as error:
            error.add_note(not_formatted(error, str(operands[-2]), operands[-1]))
            raise

    return formatted
