"""Formatting for sandboxed templates: `str.format`, `str.format_map` and `%`.

    '{0.name}'.format(user)       user.name is looked up by the environment's rules
    '{:999999999}'.format(1)      the width is checked against the size limit

Rule: a field is looked up like an attribute or item in a template. No text is made before its width, its precision
and the lengths of its values have been checked.
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
    from tmplmon.environment import Environment
    from tmplmon.sandbox.limits import Sizes

FORMATS = frozenset({"format", "format_map"})
_NUMBERS = re.compile(r"\d+")


class SandboxedFormatter(Formatter):
    """A formatter that looks its fields up through an environment. An instance formats one text."""

    def __init__(self, env: Any, **kwargs: Any) -> None:
        self._env = env
        self._limits: Sizes = env._sizes
        self._length = 0
        super().__init__(**kwargs)

    def get_field(
        self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[Any, int | str]:
        """Look a field up through the environment. Raises SecurityError when an unsafe attribute is used."""
        first, rest = formatter_field_name_split(field_name)
        obj = self.get_value(first, args, kwargs)
        for is_attribute, name in rest:
            obj = self._env.getattr(obj, name) if is_attribute else self._env.getitem(obj, name)
        return obj, first

    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Return an argument by its number or name."""
        return args[key] if isinstance(key, int) else self._env._item(kwargs, key)

    def convert_field(self, value: Any, conversion: Any) -> Any:
        """Convert a value after checking its size. Raises TooLargeError."""
        if conversion is not None:
            self._limits.text(value)
        return super().convert_field(value, conversion)

    def format_field(self, value: Any, format_spec: str) -> Any:
        """Format a value after checking its size, width and precision. Raises TooLargeError."""
        self._limits.text(value)
        for number in _NUMBERS.findall(format_spec):
            self._add(len(number) if len(number) > 18 else int(number), len(number) > 18)
        text = super().format_field(value, format_spec)
        self._add(len(text))
        return text

    def _add(self, length: int, endless: bool = False) -> None:
        self._length += length
        spend(length)
        if endless or self._length > self._limits.max_size:
            self._limits.size(self._limits.max_size + 1, "the formatted text")


class SandboxedEscapeFormatter(SandboxedFormatter, EscapeFormatter):
    """`SandboxedFormatter` for Markup: it escapes the values that it inserts."""


# --- the methods of str ------------------------------------------------------------------------------------


def formatted_text(value: Any) -> str | None:
    """Return the text that `value`, a bound `format` or `format_map`, belongs to; None for any other value."""
    if not isinstance(value, (BuiltinFunctionType, MethodType)) or value.__name__ not in FORMATS:
        return None
    return value.__self__ if isinstance(value.__self__, str) else None


def is_unbound_format(value: Any) -> bool:
    """Whether a value is the unbound `str.format` or `str.format_map`, whose first argument is the text."""
    return (
        isinstance(value, MethodDescriptorType)
        and value.__name__ in FORMATS
        and issubclass(value.__objclass__, str)
    )


def bound(environment: "Environment", text: str, name: str) -> Callable[..., str]:
    """Return the safe replacement for `text.format` or `text.format_map`, depending on `name`."""
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


def unbound(environment: "Environment", name: str) -> Callable[..., str]:
    """Return the safe replacement for the unbound `str.format` or `str.format_map`, also of a subclass."""

    def format(text: str, /, *args: Any, **kwargs: Any) -> str:
        if not isinstance(text, str):
            raise TypeError(f"{name}() needs a text, not {type(text).__name__!r}")
        return bound(environment, text, name)(*args, **kwargs)

    return format


# --- the operator % ----------------------------------------------------------------------------------------

_WIDTHS = re.compile(r"[-+ #0]*(\*|\d*)(?:\.(\*|\d*))?")


def _widths(text: str) -> Iterator[str]:
    """Yield the width and the precision of each conversion of a %-format: digits, ``*`` or an empty text."""
    position = text.find("%")
    while position >= 0:
        position += 1
        if text.startswith("(", position):
            depth = 0
            while position < len(text):
                depth += (text[position] == "(") - (text[position] == ")")
                position += 1
                if not depth:
                    break
        widths = _WIDTHS.match(text, position)
        assert widths is not None
        yield widths[1]
        yield widths[2] or ""
        # Skip the conversion character, which may itself be a percent sign.
        position = text.find("%", widths.end() + 1)


def check_percent(limits: "Sizes", text: str | bytes | bytearray, values: Any) -> None:
    """Check the length of the result of ``text % values``. Raises TooLargeError if it exceeds `max_size`."""
    if not isinstance(text, str):
        text = bytes(text).decode("latin-1")
    operands: list[Any] = [values]
    if isinstance(values, tuple):
        operands = list(values)
    elif isinstance(values, Mapping) and not isinstance(values, str):
        operands = list(values.values())
    max_size = limits.max_size
    length, conversions, stars = len(text), 0, 0
    for width in _widths(text):
        conversions += 1
        if width == "*":
            stars += 1
        elif width:
            length += max_size + 1 if len(width) > 18 else int(width)
    if stars:
        length += sum(abs(int(value)) for value in operands if isinstance(value, int))
    if conversions and length <= max_size:
        # Assume that each conversion inserts the longest operand: finding the actual one would take long.
        length += conversions // 2 * max((text_length(value, max_size) for value in operands), default=0)
    limits.size(length, "the formatted text")
