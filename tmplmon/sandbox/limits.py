"""Size limits for the values that a sandboxed template creates, and the operators that enforce them.

Rule: no operation creates a str, bytes, list or tuple with more than `max_size` characters or items, or an integer
of more than `MAX_BITS` bits. The size is checked first, so no memory is allocated for a refused value. Integers are
measured in bits because multiplication takes time: two integers of MAX_BITS multiply in less than a millisecond,
and Python refuses to print an integer of a quarter of that size.

The limits apply to single operations. Budgets limit how many operations a rendering performs.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from itertools import islice
from typing import Any

from tmplmon.errors import SecurityError, TooLargeError
from tmplmon.runtime.budget import current, spend
from tmplmon.runtime.guard import Text
from tmplmon.runtime.support import escaped, html_of, joined_text, markup_join
from tmplmon.sandbox.formatting import check_percent
from tmplmon.sandbox.measure import CHARACTERS, CONTAINERS, PLAIN, expansion, text_length
from tmplmon.sandbox.names import refuses
from tmplmon.sandbox.spending import check_iteration, paid_for, paid_sequence

MAX_RANGE = 100_000
"""The longest `range`, and the largest number of words or lists that a filter creates."""

MAX_SIZE = 10_000_000
"""The default of `max_size`: the largest number of characters or items in a value."""

MAX_SOURCE = 1_000_000
"""The default of `max_source`: the most characters of the source of a template."""

MAX_TOKENS = 100_000
"""The default of `max_tokens`: the most tokens of a template. It takes a few seconds to compile so many."""

MAX_BITS = 65_536
"""The largest number of bits in an integer."""

MAX_WORK = 1_000_000_000
"""The largest number of steps of a method whose time grows faster than its operands. A step takes about 1 ns."""

_SIZED = (str, bytes, bytearray, list, tuple, deque)
_LISTED = (*_SIZED, range, dict, set, frozenset)
_SCALARS = frozenset({int, float, bool, type(None)})
_SMALL = 1 << 64
_LARGE = 1024
_GROWING = (list, tuple, deque)


def safe_range(*args: int) -> range:
    """Like `range`, for at most `MAX_RANGE` numbers. Raises TooLargeError, an OverflowError, for more."""
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
    """The size checks of one environment. Each check raises TooLargeError if its limit is exceeded."""

    __slots__ = ("max_size", "reading")

    def __init__(self, max_size: int) -> None:
        self.max_size = max_size
        # Replaces a mapping that inserts items when missing ones are read.
        self.reading: Callable[[Any], Any] = lambda mapping: mapping

    def size(self, size: int, what: str) -> None:
        """Check the number of characters or items of a value that is about to be created."""
        if size > self.max_size:
            raise TooLargeError(f"{what} would have more than {self.max_size} characters or items (max_size)")
        spend(size)

    def work(self, steps: int, what: str) -> None:
        """Check the number of steps of an operation."""
        if steps > MAX_WORK:
            raise TooLargeError(f"{what} would take too long ({MAX_WORK} steps at most)")
        spend(steps)

    def bounded(self, size: int, name: str) -> None:
        """Check the size of the result of an operation, if it can be large."""
        if size >= _LARGE or size > self.max_size:
            self.size(size, f"the result of {name}")

    def paid(self, steps: int, name: str) -> None:
        """Check the number of steps of an operation, if they can be many."""
        if steps >= _LARGE:
            self.work(steps, name)

    def hashed(self, key: Any) -> None:
        """Pay for the hash of a key."""
        if not isinstance(key, str):
            self.paid(expansion((key,), self.max_size)[0], "the hash of a key")

    def count(self, count: int, what: str) -> None:
        """Check how many words, lists or items a filter is asked to create."""
        if count > MAX_RANGE:
            raise TooLargeError(f"{what}: at most {MAX_RANGE} (MAX_RANGE)")

    def created(self, values: Iterable[Any]) -> None:
        """Check the values that a new container will contain, with all that they contain. Raises TooLargeError."""
        for value in values:
            if type(value) not in PLAIN:
                self._measured(values)
                return

    def grown(self, container: Any, new: Sequence[Any]) -> None:
        """Check values that are about to be added to a container.

        The whole container is measured when its length passes a power of two, or for large values. In between its
        size at most doubles: `length` values of at most `max_size / length` each are added.
        """
        for value in new:
            if type(value) not in PLAIN:
                break
        else:
            return
        length = len(container)
        total = length + len(new)
        size = self._measured(new)
        if size * total > self.max_size or length.bit_length() != total.bit_length():
            self._measured((container, *new), of_container=1)

    def multiplied(self, container: Any, count: int) -> None:
        """Check a container whose items are about to be repeated."""
        if count > 1 and not PLAIN.issuperset(map(type, container)):
            self._measured((container,), count)

    def container(self, value: Any) -> Any:
        """Check a value that a function has returned, if it is a container. Returns it."""
        if isinstance(value, CONTAINERS):
            self._measured((value,), of_container=1)
        return value

    def _measured(self, values: Iterable[Any], times: int = 1, of_container: int = 0) -> int:
        """Measure values. `of_container`: how many of them are the container itself and do not count."""
        size, visited = expansion(values, self.max_size // times + of_container)
        size -= of_container
        if size * times > self.max_size:
            raise TooLargeError(
                f"a value would contain more than {self.max_size} items, with those of its items (max_size)"
            )
        fuel = visited // 8 + (size * times // CHARACTERS if size * times >= _LARGE else 0)
        if fuel:
            budget = current.get()
            if budget is not None:
                budget.charge(fuel)
        return size

    def collected(self, value: Any) -> list[Any]:
        """Return a list of the items of a value. An item that comes from an iterator counts as eight items: it may
        be new, and takes memory of its own."""
        if isinstance(value, _LISTED):
            self.size(len(value), "the list")
            return list(value)
        budget = current.get()
        if budget is not None:
            value = paid_sequence(value, budget)
        most = self.max_size // 8 + 8
        items = list(islice(value, most + 1))
        if len(items) > most:
            self.size(8 * len(items), "the list")
        return items

    async def collected_later(self, value: Any) -> list[Any]:
        """`collected` for an asynchronous iterable."""
        budget = current.get()
        if budget is not None:
            value = paid_for(value, budget)
        items: list[Any] = []
        async for item in value:
            items.append(item)
            if len(items) > self.max_size // 8 + 8:
                self.size(8 * len(items), "the list")
        return items

    def strings(self, value: Any) -> list[Any]:
        """Return a list of the items of an iterator, which will be joined. It stops when they are too long."""
        budget = current.get()
        if budget is not None:
            value = paid_sequence(value, budget)
        items: list[Any] = []
        length = 0
        for item in value:
            length += len(item) if isinstance(item, str) else 1
            if length > self.max_size:
                self.size(self.max_size + 1, "the text")
            items.append(item)
        return items

    def text(self, value: Any) -> None:
        """Check a value that is about to be converted to text or compared with a similar value."""
        if isinstance(value, str):
            spend(len(value))
        elif type(value) not in PLAIN and isinstance(value, CONTAINERS):
            self.size(text_length(value, self.max_size), f"the text of the {type(value).__name__}")

    def texts(self, values: Sequence[Any], between: int, what: str) -> None:
        """Check the total length of values that are about to be joined, with `between` characters after each."""
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
            if isinstance(left, _GROWING) and isinstance(right, _GROWING):
                if len(left) < len(right):
                    self.grown(right, left)
                else:
                    self.grown(left, right)
        return left + right  # pyright: ignore[reportOperatorIssue]

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
                if isinstance(right, _GROWING):
                    self.multiplied(right, left)
        elif isinstance(left, _SIZED) and isinstance(right, int):
            self.size(len(left) * right, "the result of *")
            if isinstance(left, _GROWING):
                self.multiplied(left, right)
        return left * right  # pyright: ignore[reportOperatorIssue]

    def power(self, context: Any, left: Any, right: Any) -> Any:
        """`left ** right`"""
        if isinstance(left, int) and isinstance(right, int) and not -2 < left < 2:
            base = abs(left)
            is_power_of_two = not base & (base - 1)
            self.bits((base - 1).bit_length() * abs(right) + is_power_of_two, "**")
        return left**right

    def bits(self, bits: int, what: str) -> None:
        """Check the number of bits of an integer that an operator is about to create."""
        if bits > MAX_BITS:
            raise TooLargeError(f"the result of {what} would have more than {MAX_BITS} bits (MAX_BITS)")

    def modulo(self, context: Any, left: Any, right: Any) -> Any:
        """`left % right`"""
        if isinstance(left, (str, bytes, bytearray)):
            check_percent(self, left, right)
            right = self.reading(right)
        return left % right

    def compared(self, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        """Wrap a comparison: two containers are measured before they are compared."""

        def compare(left: Any, right: Any) -> Any:
            if type(right) not in _SCALARS:
                self.comparing(left, right)
            return function(left, right)

        return compare

    def comparing(self, left: Any, right: Any) -> None:
        """Check two values that are about to be compared: two containers are measured."""
        if isinstance(right, CONTAINERS):
            if isinstance(left, CONTAINERS):
                self.text(left)
                self.text(right)
            elif isinstance(right, (list, tuple, deque)):
                spend(len(right))
        elif type(right) is str:
            spend(len(right))

    def searched(self, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        """Wrap the operator ``in``: each item that is compared takes fuel."""
        compare = self.compared(function)

        @wraps(function)
        def search(left: Any, right: Any) -> Any:
            if not isinstance(right, (str, dict)):
                if refuses(right, "__contains__"):
                    raise SecurityError(f"access to the items of a {type(right).__name__!r} object is unsafe")
                check_iteration(right)
                budget = current.get()
                if budget is not None and not hasattr(type(right), "__contains__"):
                    right = paid_sequence(right, budget)
            return compare(left, right)

        return search

    @property
    def operators(self) -> dict[str, Callable[[Any, Any, Any], Any]]:
        """Operator → its checked function, for the operators whose result may be large."""
        return {"+": self.plus, "*": self.times, "**": self.power, "%": self.modulo}

    # --- text ----------------------------------------------------------------------------------------------

    def string(self, value: Any) -> str:
        """`str(value)`"""
        self.text(value)
        return str(value)

    def escape(self, value: Any) -> str:
        """The escaped text of a value, for output."""
        self.text(value)
        return escaped(value)

    def escape_part(self, value: Any) -> str:
        """The escaped text of a value that is part of a join."""
        self.text(value)
        return joined_text(value)

    def html(self, value: Any) -> str:
        """The text of a value that is marked as safe."""
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

    def concat(self, chunks: Sequence[str]) -> str:
        """Join the chunks of the output."""
        self.size(sum(map(len, chunks)), "the text")
        return "".join(chunks)

    @property
    def as_text(self) -> Text:
        """The functions with which the closures convert values to text."""
        return Text(
            self.string, self.escape, self.escape_part, self.html, self.join, self.join_markup, self.concat
        )
