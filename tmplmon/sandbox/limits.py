"""How large a value a sandboxed template may make, and how an operator finds out.

Rule: no operation makes a text, bytes, a list or a tuple with more than `max_size` characters or items, nor a
number of more than `MAX_BITS` bits. That is checked before it is made, so that memory is never taken for what is
refused. Numbers are measured in bits because a multiplication takes time: two numbers of MAX_BITS take less than a
millisecond, and Python does not print a number of a quarter of that.

Only single operations are limited. How many of them a template does is what budgets are for.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from tmplmon.errors import TooLargeError
from tmplmon.runtime.budget import spend
from tmplmon.runtime.guard import Text
from tmplmon.runtime.support import escaped, html_of, joined_text, markup_join
from tmplmon.sandbox.formatting import check_percent
from tmplmon.sandbox.measure import CONTAINERS, PLAIN, text_length

MAX_RANGE = 100_000
"""The most numbers that `range` gives, and the most words or lists that a filter makes up."""

MAX_SIZE = 10_000_000
"""The most characters or items of a value; an environment may have another number, `max_size`."""

MAX_BITS = 65_536
"""The most bits of an integer."""

MAX_WORK = 1_000_000_000
"""The most steps of a method that takes more of them than its operands are long. A step is about a nanosecond."""

_SIZED = (str, bytes, bytearray, list, tuple, deque)
_SMALL = 1 << 64


def safe_range(*args: int) -> range:
    """`range`, for at most `MAX_RANGE` numbers. Raises `TooLargeError`, an OverflowError, for more."""
    numbers = range(*args)
    try:
        count = len(numbers)
    except OverflowError:
        count = MAX_RANGE + 1
    if count > MAX_RANGE:
        raise TooLargeError(
            f"range is too big: a sandboxed template gets at most {MAX_RANGE} numbers (MAX_RANGE)"
        )
    return numbers


class Sizes:
    """The checks of an environment. Each raises `TooLargeError` or does nothing."""

    __slots__ = ("max_size",)

    def __init__(self, max_size: int) -> None:
        self.max_size = max_size

    def size(self, size: int, what: str) -> None:
        """A value would have this many characters or items."""
        if size > self.max_size:
            raise TooLargeError(f"{what} would have more than {self.max_size} characters or items (max_size)")
        spend(size)

    def work(self, steps: int, what: str) -> None:
        """Something would take this many steps."""
        if steps > MAX_WORK:
            raise TooLargeError(f"{what} would take too long ({MAX_WORK} steps at most)")
        spend(steps)

    def count(self, count: int, what: str) -> None:
        """This many of something are asked for."""
        if count > MAX_RANGE:
            raise TooLargeError(f"{what}: at most {MAX_RANGE} (MAX_RANGE)")

    def text(self, value: Any) -> None:
        """A value is about to become text, or to be compared with one that is like it."""
        if isinstance(value, str):
            spend(len(value))
        elif type(value) not in PLAIN and isinstance(value, CONTAINERS):
            self.size(text_length(value, self.max_size), f"the text of the {type(value).__name__}")

    def texts(self, values: Sequence[Any], between: int, what: str) -> None:
        """The texts of several values are about to be joined."""
        most = self.max_size
        if set(map(type, values)) == {str}:
            length = sum(map(len, values))
        else:
            length = 0
            for value in values:
                length += text_length(value, most)
                if length > most:
                    break
        self.size(length + between * len(values), what)

    # --- operators -----------------------------------------------------------------------------------------

    def plus(self, context: Any, left: Any, right: Any) -> Any:
        """`left + right`"""
        if isinstance(left, _SIZED) and isinstance(right, _SIZED):
            self.size(len(left) + len(right), "the result of +")
        return left + right

    def times(self, context: Any, left: Any, right: Any) -> Any:
        """`left * right`"""
        if type(left) is float or type(right) is float:
            return left * right
        if isinstance(left, int):
            if isinstance(right, int):
                if not (-_SMALL < left < _SMALL and -_SMALL < right < _SMALL):
                    self.bits(left.bit_length() + right.bit_length(), "*")
            elif isinstance(right, _SIZED):
                self.size(left * len(right), "the result of *")
        elif isinstance(left, _SIZED) and isinstance(right, int):
            self.size(len(left) * right, "the result of *")
        return left * right

    def power(self, context: Any, left: Any, right: Any) -> Any:
        """`left ** right`"""
        if isinstance(left, int) and isinstance(right, int) and not -2 < left < 2:
            self.bits((abs(left) - 1).bit_length() * abs(right), "**")
        return left**right

    def bits(self, bits: int, what: str) -> None:
        """An operator would give an integer of this many bits."""
        if bits > MAX_BITS:
            raise TooLargeError(f"the result of {what} would have more than {MAX_BITS} bits (MAX_BITS)")

    def modulo(self, context: Any, left: Any, right: Any) -> Any:
        """`left % right`"""
        if isinstance(left, (str, bytes, bytearray)):
            check_percent(self, left, right)
        return left % right

    def compared(self, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        """A comparison that measures lists and the like before it compares two of them."""

        def compare(left: Any, right: Any) -> Any:
            if isinstance(right, CONTAINERS):
                if isinstance(left, CONTAINERS):
                    self.text(left)
                    self.text(right)
                elif isinstance(right, (list, tuple, deque)):
                    spend(len(right))
            elif type(right) is str:
                spend(len(right))
            return function(left, right)

        return compare

    @property
    def operators(self) -> dict[str, Callable[[Any, Any, Any], Any]]:
        """Operator → the function that does it, of those whose result may be large."""
        return {"+": self.plus, "*": self.times, "**": self.power, "%": self.modulo}

    # --- text ----------------------------------------------------------------------------------------------

    def string(self, value: Any) -> str:
        """`str(value)`"""
        self.text(value)
        return str(value)

    def escape(self, value: Any) -> str:
        """The escaped text of a value."""
        self.text(value)
        return escaped(value)

    def escape_part(self, value: Any) -> str:
        """The escaped text of a value that is joined to others."""
        self.text(value)
        return joined_text(value)

    def html(self, value: Any) -> str:
        """The text of a value that is marked safe."""
        self.text(value)
        return html_of(value)

    def join(self, items: Sequence[Any]) -> str:
        """`a ~ b`, without escaping."""
        self.texts(items, 0, "the result of ~")
        return "".join(map(str, items))

    def join_markup(self, items: Sequence[Any]) -> str:
        """`a ~ b`, with escaping."""
        self.texts(items, 0, "the result of ~")
        return markup_join(items)

    def concat(self, pieces: Sequence[str]) -> str:
        """The pieces of output joined."""
        self.size(sum(map(len, pieces)), "the text")
        return "".join(pieces)

    @property
    def as_text(self) -> Text:
        """How values become text in the trees."""
        return Text(
            self.string, self.escape, self.escape_part, self.html, self.join, self.join_markup, self.concat
        )
