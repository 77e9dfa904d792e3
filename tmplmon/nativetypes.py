"""Templates that give Python values instead of text.

Rule: what a template puts out is a list of values. None of them: the result is None. One, and it is no text: it is
the result as it is. Else they are joined as text, and the result is what that text is as a Python literal, or the
text where it is none.

    {{ [1, 2] }}        [1, 2]               {{ user }}          the object itself
    [{{ 1 }}, 2]        [1, 2]               n = {{ 1 }}         'n = 1'
"""

from ast import literal_eval, parse
from collections.abc import Callable, Iterable
from typing import Any

from tmplmon.environment import Environment
from tmplmon.template import Template

# What Python raises for a text that is no literal (SyntaxError, ValueError), that nests too deeply for its parser
# (MemoryError, RecursionError), or that is a set or a dict of what cannot be in one (TypeError).
_NO_LITERAL = (SyntaxError, ValueError, MemoryError, RecursionError, TypeError)


def native_concat(values: Iterable[Any]) -> Any:
    """The one value that pieces of output stand for. Raises only what `str` of one of several values raises."""
    values = list(values)
    if not values:
        return None
    if len(values) > 1:
        text = "".join(map(str, values))
    elif isinstance(values[0], str):
        text = values[0]
    else:
        return values[0]
    try:
        # Given a text, `literal_eval` would drop the blanks it begins with, and take " 1" for a number.
        return literal_eval(parse(text, mode="eval"))
    except _NO_LITERAL:
        return text


class NativeTemplate(Template):
    """A template whose `render` gives a Python value."""

    def render(self, *args: Any, **kwargs: Any) -> Any:
        """The value of the output, rendered with the names that the arguments give, which are those of `dict`."""
        return self._value(super().render(*args, **kwargs))

    async def render_async(self, *args: Any, **kwargs: Any) -> Any:
        """`render` as a coroutine, which awaits what the template calls. Needs `enable_async`."""
        return self._value(await super().render_async(*args, **kwargs))

    def _value(self, output: Any) -> Any:
        # The environment has joined the output, but only a native one has made a value of it.
        return output if self.environment._native else native_concat([output])


class NativeEnvironment(Environment):
    """An environment whose templates give Python values. The arguments are those of `Environment`."""

    _native = True
    concat: Callable[[Iterable[Any]], Any] = staticmethod(native_concat)
    template_class = NativeTemplate


NativeTemplate.environment_class = NativeEnvironment
