"""Expressions at the prompt: Python's, and the template language's where Python has no answer.

    users[0]                   both agree
    len(users), type(user)     Python
    user.name                  Python if it has such an attribute; else the template's, which asks for items too
    users|length, x is defined the template's

Rule: Python is asked first. If it fails for a reason that lies in the expression itself, not in something that it
called, the template language is asked; if that gives nothing but an undefined value, Python's error stands.
"""

from types import CodeType, FrameType, TracebackType
from typing import Any

from tmplmon import Environment, TemplateError, Undefined, UndefinedError
from tmplmon.tools.debugger.frames import Names, template_of


def evaluate(text: str, frame: FrameType) -> Any:
    """The value of an expression in a template's frame. Raises whatever evaluating it raises."""
    names = Names(frame)
    try:
        code = compile(text.strip(), "<debugger>", "eval")
        if any(isinstance(const, CodeType) for const in code.co_consts):
            # Functions in it, also those that generator expressions are, see globals only.
            return eval(code, {**frame.f_globals, **names.everything()})
        return eval(code, frame.f_globals, names)
    except (SyntaxError, NameError, AttributeError, TypeError) as error:
        template = template_of(frame)
        if template is None or _depth(error.__traceback__) > 2:  # this function, and the expression
            raise
        try:
            expression = template.environment.compile_expression(text, undefined_to_none=False)
        except TemplateError:
            raise error from None
        try:
            value = expression(names.everything())
        except UndefinedError:
            raise error from None
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


def _depth(traceback: TracebackType | None) -> int:
    depth = 0
    while traceback is not None:
        depth += 1
        traceback = traceback.tb_next
    return depth
