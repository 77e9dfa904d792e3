"""Templates whose result is a Python value instead of a text.

Rule: the output of a template is a list of values. If it is empty, the result is None. If it is one value and not a
str, it is the result. Otherwise the values are joined as text, and the result is the value of that text as a Python
literal, or the text itself if it is not a literal. With `literal_eval=False` it is always the text.

    {{ [1, 2] }}        [1, 2]               {{ user }}          the object itself
    [{{ 1 }}, 2]        [1, 2]               n = {{ 1 }}         'n = 1'
"""

from ast import literal_eval, parse
from collections.abc import Callable, Iterable
from typing import Any

from tmplmon.environment import Environment
from tmplmon.template import Template

# The errors of `literal_eval` for a text that is not a literal (SyntaxError, ValueError), that is nested too deeply
# (MemoryError, RecursionError), or that is a set or dict with an unhashable item (TypeError).
_NOT_A_LITERAL = (SyntaxError, ValueError, MemoryError, RecursionError, TypeError)


def native_concat(values: Iterable[Any]) -> Any:
    """Return the result for the values that a template has output. Raises what `str` raises for one of several
    values."""
    text = joined_values(values)
    if not isinstance(text, str):
        return text
    try:
        # `literal_eval` of a str removes leading blanks: " 1" would be a number.
        return literal_eval(parse(text, mode="eval"))
    except _NOT_A_LITERAL:
        return text


def joined_values(values: Iterable[Any]) -> Any:
    """Return the result for the values that a template has output, without reading a text as a literal: None for no
    value, a single value as it is, and the joined text of several. Raises what `str` raises for one of several
    values."""
    values = list(values)
    if len(values) > 1:
        return "".join(map(str, values))
    return values[0] if values else None


class NativeTemplate(Template):
    """A template whose `render` returns a Python value."""

    def render(self, *args: Any, **kwargs: Any) -> Any:
        """Return the template's value. Arguments and errors are those of `Template.render`."""
        return self._value(super().render(*args, **kwargs))

    async def render_async(self, *args: Any, **kwargs: Any) -> Any:
        """`render` as a coroutine, which awaits what the template calls. Raises RuntimeError without
        `enable_async`."""
        return self._value(await super().render_async(*args, **kwargs))

    def _value(self, output: Any) -> Any:
        # The environment has joined the output, but only a native environment has converted it to a value.
        return output if self.environment._native else native_concat([output])


class NativeEnvironment(Environment):
    """An environment whose templates return Python values.

    args, options: the arguments of `Environment`.
    literal_eval: whether a text that is a Python literal becomes its value, as in Jinja2; for example the text `7`.
        Without it, a text stays a text, and only an output that is a single value keeps its type.
    """

    _native = True
    concat: Callable[[Iterable[Any]], Any] = staticmethod(native_concat)
    template_class = NativeTemplate

    def __init__(self, *args: Any, literal_eval: bool = True, **options: Any) -> None:
        self.literal_eval = literal_eval
        super().__init__(*args, **options)

    def _init_per_overlay_state(self, cache_size: int) -> None:
        super()._init_per_overlay_state(cache_size)
        if not self.literal_eval:
            self.__dict__["concat"] = joined_values


NativeTemplate.environment_class = NativeEnvironment
