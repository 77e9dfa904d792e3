"""Expressions at the prompt: Python's, and the template language's where Python fails.

    users[0]                   the same in both
    len(users), type(user)     Python
    user.name                  Python if there is such an attribute; else the template language, which tries items
    users|length, x is defined the template language

Rule: Python is tried first. If it fails because of the expression itself, not in something that it calls, the
template language is tried. If the result there is undefined, Python's error is raised.
"""

from types import CodeType, FrameType, TracebackType
from typing import Any

from tmplmon import Environment, TemplateError, Undefined, UndefinedError
from tmplmon.tools.debugger.frames import Names, template_of


def evaluate(text: str, frame: FrameType) -> Any:
    """Return the value of an expression in a template's frame. Raises what evaluating it raises."""
    names = Names(frame)
    try:
        code = compile(text.strip(), "<debugger>", "eval")
        if any(isinstance(const, CodeType) for const in code.co_consts):
            # Nested functions, such as generator expressions, only see globals.
            return eval(code, {**frame.f_globals, **names.with_context()})
        return eval(code, frame.f_globals, names)
    except (SyntaxError, NameError, AttributeError, TypeError) as error:
        template = template_of(frame)
        if template is None or _depth(error.__traceback__) > 2:  # more than this function and the expression
            raise
        try:
            expression = template.environment.compile_expression(text, undefined_to_none=False)
        except TemplateError:
            raise error from None
        try:
            value = expression(names.with_context())
        except UndefinedError:
            raise error from None
        if isinstance(value, Undefined):
            raise
        return value


def is_expression(text: str, environment: Environment) -> bool:
    """Whether a text is an expression in either language."""
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
