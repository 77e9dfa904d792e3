"""Expressions at the prompt: Python's, and the template language's where Python has no answer.

    users[0]                   both agree
    len(users), type(user)     Python
    user.name                  Python if it has such an attribute; else the template's, which asks for items too
    users|length, x is defined the template's

Rule: Python is asked first. If it fails for a reason that lies in the expression itself, not in something that it
called, the template language is asked; if that gives nothing but an undefined value, Python's error stands.
"""

from types import FrameType, TracebackType
from typing import Any

from tmplmon import Environment, TemplateError, Undefined
from tmplmon.tools.debugger.frames import Names, template_of


def evaluate(text: str, frame: FrameType) -> Any:
    """The value of an expression in a template's frame. Raises whatever evaluating it raises."""
    names = Names(frame)
    try:
        return eval(compile(text.strip(), "<debugger>", "eval"), frame.f_globals, names)
    except (SyntaxError, NameError, AttributeError, TypeError) as error:
        template = template_of(frame)
        if template is None or _depth(error.__traceback__) > 2:  # this function, and the expression
            raise
        try:
            expression = template.environment.compile_expression(text, undefined_to_none=False)
        except TemplateError:
            raise error from None
        value = expression(_values(names, template.environment))
        if isinstance(value, Undefined):
            raise
        return value


def is_expression(text: str, environment: Environment) -> bool:
    """Whether a text is an expression of either language."""
    try:
        compile(text.strip(), "<debugger>", "eval")
    except SyntaxError:
        try:
            environment.compile_expression(text)
        except TemplateError:
            return False
    return True


def _values(names: Names, environment: Environment) -> dict[str, Any]:
    from tmplmon.tools.debugger.frames import context_of

    context = context_of(names._frame)
    known: dict[str, Any] = {} if context is None else dict(context.get_all())
    return {**known, **names}


def _depth(traceback: TracebackType | None) -> int:
    depth = 0
    while traceback is not None:
        depth += 1
        traceback = traceback.tb_next
    return depth
