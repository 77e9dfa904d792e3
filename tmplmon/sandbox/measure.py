"""The size of values with all that they contain, and the length of their text, measured before the text is made.

A list can contain the same list many times, at every level. The time to convert such a value to text, to compare it
or to hash it doubles with each level although the value itself is small. Containers are therefore measured when a
template makes them, each object in them once; measuring stops at the limit.
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


MAX_NESTED = 500
"""The deepest nesting of containers. Python 3.13 computes the hash of a tuple recursively without a depth check:
some 100,000 levels crash the process. And a container in a container in a container … is measured at each level."""


CHARACTERS = 64
"""The number of characters that count as one item of an expansion."""

_NUMBERS = frozenset({int, float, bool, type(None)})
_TEXTS = frozenset({str})


def expansion(values: Iterable[Any], most: int) -> tuple[int, int]:
    """Measure values with all that they contain.

    values: the values. most: measuring stops at the first size above this one.

    Returns the number of items, each as often as it occurs (a str counts one for each 64 characters), and the
    number of items that were visited: an object that occurs several times is visited once. Raises TooLargeError if
    containers are nested more than MAX_NESTED times.
    """
    sizes: dict[int, tuple[int, int]] = {}
    # The containers around the current one: container, iterator over its remaining items, size so far, and how
    # deeply containers are nested in it.
    outer: list[tuple[Any, Iterator[Any], int, int]] = []
    container: Any = None
    items, size, depth, visited = iter(values), 0, 0, 0
    while True:
        inner = None
        for item in items:
            visited += 1
            kind = type(item)
            if kind is str:
                size += 1 + len(item) // CHARACTERS
            elif kind in PLAIN or not isinstance(item, CONTAINERS):
                size += 1 if kind in PLAIN else 1 + _length(item) // CHARACTERS
            else:
                measured = sizes.get(id(item))
                if measured is None:
                    inner = item
                    break
                size += measured[0]
                depth = max(depth, measured[1])
            if size > most:
                return size, visited
        if inner is not None:
            contained = _items(inner)
            kinds = set(map(type, contained))
            if kinds <= _NUMBERS or kinds == _TEXTS:
                # The common case, without a loop over the items.
                flat = 1 + len(contained)
                if kinds == _TEXTS and len(max(contained, key=len)) >= CHARACTERS:
                    flat += sum([len(text) // CHARACTERS for text in contained])
                visited += len(contained) // 8
                size += flat
                depth = max(depth, 1)
                sizes[id(inner)] = flat, 1
                if size > most:
                    return size, visited
                continue
            sizes[id(inner)] = 1, 0  # if it contains itself
            outer.append((container, items, size, depth))
            container, items, size, depth = inner, iter(contained), 1, 0
            continue
        if not outer:
            return size, visited
        depth += 1
        if depth > MAX_NESTED:
            raise TooLargeError(f"containers are nested more than {MAX_NESTED} times")
        sizes[id(container)] = size, depth
        inner_size, inner_depth = size, depth
        container, items, size, depth = outer.pop()
        size += inner_size
        depth = max(depth, inner_depth)
        if size > most:
            return size, visited


def _items(container: Any) -> list[Any]:
    if isinstance(container, dict):
        # Not by the methods of a derived class, which may do anything.
        return [item for pair in dict.items(container) for item in pair]
    if isinstance(container, Namespace):
        return [item for pair in values_of(container).items() for item in pair]
    if isinstance(container, list):
        return list(list.__iter__(container))
    if isinstance(container, tuple):
        return list(tuple.__iter__(container))
    items: Iterable[Any] = container.__args__ if isinstance(container, GenericAlias) else container
    return list(items)


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


_MANY = 1000


def _flat_length(items: list[Any]) -> int | None:
    """The length of the text of many strings, or of many integers, computed without a loop in Python; None for
    other items."""
    if len(items) < _MANY:
        return None
    kinds = set(map(type, items))
    if kinds == {str}:
        return 2 + 4 * len(items) + sum(map(len, items))
    if kinds == {int}:
        return 2 + 4 * len(items) + sum(map(int.bit_length, items)) // 3
    return None


def text_length(value: Any, max_length: int) -> int:
    """Return the approximate length of `str(value)`, without making it: for values of built-in types at least a
    fifth of the actual length. Measuring stops at the first length above `max_length`, and that is returned."""
    if not isinstance(value, CONTAINERS):
        return _length(value)
    contained = _items(value)
    flat = _flat_length(contained)
    if flat is not None:
        return flat
    lengths: dict[int, int] = {id(value): _CYCLE}
    # The containers around the current one: container, iterator over its remaining items, length so far.
    outer: list[tuple[Any, Iterator[Any], int]] = []
    container, items, length = value, iter(contained), 2
    while True:
        for item in items:
            if not isinstance(item, CONTAINERS):
                length += _length(item) + 2
            elif id(item) in lengths:
                length += lengths[id(item)] + 2
            else:
                contained = _items(item)
                flat = _flat_length(contained)
                if flat is not None:
                    lengths[id(item)] = flat
                    length += flat + 2
                    if length > max_length:
                        return length
                    continue
                lengths[id(item)] = _CYCLE
                outer.append((container, items, length))
                container, items, length = item, iter(contained), 2
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
