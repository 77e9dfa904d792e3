"""The length of a value's text, estimated before the text is made.

A list can contain the same list many times, at every level. The time to convert such a value to text, or to compare
it with another one, doubles with each level although the value itself is small. Containers are therefore measured
first, each object once; measuring stops at the limit.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from types import GenericAlias
from typing import Any

from tmplmon.errors import TooLargeError
from tmplmon.runtime.globals import Namespace, values_of

CONTAINERS: tuple[type[Any], ...] = (
    list,
    tuple,
    dict,
    set,
    frozenset,
    deque,
    type({}.keys()),
    type({}.values()),
    type({}.items()),
    GenericAlias,
    Namespace,
)
"""Types whose text includes the texts of their items."""

PLAIN = frozenset({str, int, float, bool, type(None)})
"""Types of values that contain no other values."""

_OBJECT = 40  # the default text of an object: <name object at 0x…>
_FLOAT = 20
_NONE = 4
_CYCLE = 5  # [...]


MAX_NESTED_TUPLES = 500
"""The deepest nesting of tuples. Python 3.13 computes the hash of a tuple recursively without a depth check: some
100,000 levels crash the process."""


def check_nesting(values: Iterable[Any]) -> None:
    """Check values that are about to be stored. Raises TooLargeError if a tuple among them is nested too deeply."""
    for value in values:
        if isinstance(value, tuple) and value:
            _check_nesting(value)


def _check_nesting(value: tuple[Any, ...]) -> None:
    level: Iterable[tuple[Any, ...]] = (value,)
    for _ in range(MAX_NESTED_TUPLES):
        # Each tuple once per level: it may be in many others on that level. It may also be on several levels, of
        # which the deepest counts.
        level = {id(item): item for outer in level for item in outer if isinstance(item, tuple)}.values()
        if not level:
            return
    raise TooLargeError(f"tuples are nested more than {MAX_NESTED_TUPLES} times")


def _items(container: Any) -> Iterator[Any]:
    if isinstance(container, dict):
        return iter([item for pair in container.items() for item in pair])
    if isinstance(container, Namespace):
        return iter([item for pair in values_of(container).items() for item in pair])
    items: Iterable[Any] = container.__args__ if isinstance(container, GenericAlias) else container
    return iter(list(items))


def _length(value: Any) -> int:
    """The approximate length of the text of a value that contains no other values."""
    if isinstance(value, str):
        return len(value) + 2
    if isinstance(value, int):
        return int(value).bit_length() // 3 + 2
    if isinstance(value, (bytes, bytearray)):
        return 4 * len(value)
    if isinstance(value, float):
        return _FLOAT
    return _NONE if value is None else _OBJECT


def text_length(value: Any, max_length: int) -> int:
    """Return the approximate length of `str(value)`, without making it: for values of built-in types at least a
    fifth of the actual length. Measuring stops at the first length above `max_length`, and that is returned."""
    if not isinstance(value, CONTAINERS):
        return _length(value)
    lengths: dict[int, int] = {id(value): _CYCLE}
    # The containers around the current one: container, iterator over its remaining items, length so far.
    outer: list[tuple[Any, Iterator[Any], int]] = []
    container, items, length = value, _items(value), 2
    while True:
        for item in items:
            if not isinstance(item, CONTAINERS):
                length += _length(item) + 2
            elif id(item) in lengths:
                length += lengths[id(item)] + 2
            else:
                lengths[id(item)] = _CYCLE
                outer.append((container, items, length))
                container, items, length = item, _items(item), 2
                break
            if length > max_length:
                return length
        else:
            lengths[id(container)] = length
            if not outer:
                return length
            inner = length
            container, items, length = outer.pop()
            length += inner + 2
            if length > max_length:
                return length
