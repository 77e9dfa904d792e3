"""Formats for sandboxed templates: `str.format`, `str.format_map` and `%`.

    '{0.name}'.format(user)       user.name, by the environment's rules
    '{:999999999}'.format(1)      refused: the width is a limit's to allow

Rule: a field is looked up as a template looks an attribute or item up, and nothing that a format asks for is made
before its width, its precision and the lengths of its values are known.
"""

import re
from _string import formatter_field_name_split  # type: ignore[import-not-found]
from collections.abc import Callable, Iterator, Mapping, Sequence
from string import Formatter
from types import BuiltinFunctionType, MethodDescriptorType, MethodType
from typing import TYPE_CHECKING, Any

from markupsafe import EscapeFormatter, Markup

from tmplmon.runtime.budget import spend
from tmplmon.sandbox.measure import text_length

if TYPE_CHECKING:
    from tmplmon.sandbox.limits import Sizes

FORMATS = frozenset({"format", "format_map"})
_NUMBERS = re.compile(r"\d+")


class SandboxedFormatter(Formatter):
    """A formatter whose fields are looked up by an environment. One is used for one format."""

    def __init__(self, env: Any, **kwargs: Any) -> None:
        self._env = env
        self._limits: Sizes = env._sizes
        self._length = 0
        super().__init__(**kwargs)

    def get_field(
        self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[Any, int | str]:
        first, rest = formatter_field_name_split(field_name)
        obj = self.get_value(first, args, kwargs)
        for is_attribute, name in rest:
            obj = self._env.getattr(obj, name) if is_attribute else self._env.getitem(obj, name)
        return obj, first

    def convert_field(self, value: Any, conversion: Any) -> Any:
        if conversion is not None:
            self._limits.text(value)
        return super().convert_field(value, conversion)

    def format_field(self, value: Any, format_spec: str) -> Any:
        self._limits.text(value)
        for number in _NUMBERS.findall(format_spec):
            self._add(len(number) if len(number) > 18 else int(number), len(number) > 18)
        made = super().format_field(value, format_spec)
        self._add(len(made))
        return made

    def _add(self, length: int, endless: bool = False) -> None:
        self._length += length
        spend(length)
        if endless or self._length > self._limits.max_size:
            self._limits.size(self._limits.max_size + 1, "the formatted text")


class SandboxedEscapeFormatter(SandboxedFormatter, EscapeFormatter):
    """The same for Markup, which escapes what is put into it."""


# --- the methods of str ------------------------------------------------------------------------------------


def formatted_text(value: Any) -> str | None:
    """The text whose method `format` or `format_map` a value is; None for any other value."""
    if not isinstance(value, (BuiltinFunctionType, MethodType)) or value.__name__ not in FORMATS:
        return None
    return value.__self__ if isinstance(value.__self__, str) else None


def is_unbound_format(value: Any) -> bool:
    """Whether a value is `str.format` or `str.format_map` itself, which is passed the text."""
    return (
        isinstance(value, MethodDescriptorType)
        and value.__name__ in FORMATS
        and issubclass(value.__objclass__, str)
    )


def bound(environment: Any, text: str, name: str) -> Callable[..., str]:
    """What `text.format` or `text.format_map`, by its name, is for templates."""
    kind: type[str] = type(text)

    def vformat(args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        if isinstance(text, Markup):
            formatter: Formatter = SandboxedEscapeFormatter(environment, escape=text.escape)
        else:
            formatter = SandboxedFormatter(environment)
        return kind(formatter.vformat(text, args, kwargs))

    def format(*args: Any, **kwargs: Any) -> str:
        return vformat(args, kwargs)

    def format_map(mapping: Mapping[str, Any], /) -> str:
        return vformat((), mapping)

    return format if name == "format" else format_map


def unbound(environment: Any, name: str) -> Callable[..., str]:
    """What `str.format` or `str.format_map` of the class, or of one derived from it, is for templates."""

    def format(text: str, /, *args: Any, **kwargs: Any) -> str:
        if not isinstance(text, str):
            raise TypeError(f"{name}() needs a text, not {type(text).__name__!r}")
        return bound(environment, text, name)(*args, **kwargs)

    return format


# --- the operator % ----------------------------------------------------------------------------------------

_WIDTHS = re.compile(r"[-+ #0]*(\*|\d*)(?:\.(\*|\d*))?")


def _widths(text: str) -> Iterator[str]:
    """The width and the precision of each conversion of a format for ``%``: digits, ``*`` or nothing."""
    at = text.find("%")
    while at >= 0:
        at += 1
        if text.startswith("(", at):
            depth = 0
            while at < len(text):
                depth += (text[at] == "(") - (text[at] == ")")
                at += 1
                if not depth:
                    break
        found = _WIDTHS.match(text, at)
        assert found is not None
        yield found[1]
        yield found[2] or ""
        # What stands there is the conversion; a second percent sign is one too.
        at = text.find("%", found.end() + 1)


def check_percent(limits: "Sizes", text: str | bytes | bytearray, values: Any) -> None:
    """Check the length of what ``text % values`` would give."""
    if not isinstance(text, str):
        text = text.decode("latin-1")
    given: list[Any] = [values]
    if isinstance(values, tuple):
        given = list(values)
    elif isinstance(values, Mapping) and not isinstance(values, str):
        given = list(values.values())
    most = limits.max_size
    length, conversions, stars = len(text), 0, 0
    for width in _widths(text):
        conversions += 1
        if width == "*":
            stars += 1
        elif width:
            length += most + 1 if len(width) > 18 else int(width)
    if stars:
        length += sum(abs(int(value)) for value in given if isinstance(value, int))
    if conversions and length <= most:
        # Each conversion counts as the longest of the values: which one it is would be long to find out.
        length += conversions // 2 * max((text_length(value, most) for value in given), default=0)
    limits.size(length, "the formatted text")
