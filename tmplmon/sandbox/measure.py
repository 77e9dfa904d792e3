"""How long the text of a value is going to be, before it is made.

A list can hold one and the same list many times, at every level: the text of such a value, and a comparison with
another one, take time that doubles with each level, though the value is small. So what contains others is measured
first, each object once; the measure stops at the limit.
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
"""Types whose text has the texts of what is in them."""

PLAIN = frozenset({str, int, float, bool, type(None)})
"""Types of values that contain no others."""

_OBJECT = 40  # the text of an object that has none of its own: <name object at 0x…>
_FLOAT = 20
_NONE = 4
_CYCLE = 5  # [...]


MOST_NESTED = 500
"""Tuples in one another. Python 3.13 takes the hash of a tuple by taking that of those in it, however deep they
are, and some 100,000 are the end of the process."""


def check_nesting(values: Iterable[Any]) -> None:
    """Refuse tuples that are nested too deeply, before they become part of something. Raises `TooLargeError`."""
    for value in values:
        if isinstance(value, tuple) and value:
            _check_nesting(value)


def _check_nesting(value: tuple[Any, ...]) -> None:
    level: Iterable[tuple[Any, ...]] = (value,)
    for _ in range(MOST_NESTED):
        # Each tuple once on a level, as it may be in many others; and once on each level, as the deepest counts.
        level = {id(part): part for outer in level for part in outer if isinstance(part, tuple)}.values()
        if not level:
            return
    raise TooLargeError(f"tuples are nested more than {MOST_NESTED} times")


def _parts(container: Any) -> Iterator[Any]:
    if isinstance(container, dict):
        return iter([part for pair in container.items() for part in pair])
    if isinstance(container, Namespace):
        return iter([part for pair in values_of(container).items() for part in pair])
    items: Iterable[Any] = container.__args__ if isinstance(container, GenericAlias) else container
    return iter(list(items))


def _length(value: Any) -> int:
    """The length of what contains no other value, roughly."""
    if isinstance(value, str):
        return len(value) + 2
    if isinstance(value, int):
        return int(value).bit_length() // 3 + 2
    if isinstance(value, (bytes, bytearray)):
        return 4 * len(value)
    if isinstance(value, float):
        return _FLOAT
    return _NONE if value is None else _OBJECT


def text_length(value: Any, most: int) -> int:
    """About the length of `str(value)`: not less than a fifth of it, for values of Python's own types. More than
    `most` if it is longer than that."""
    if not isinstance(value, CONTAINERS):
        return _length(value)
    known: dict[int, int] = {id(value): _CYCLE}
    # What is being measured: the container, what is left of it, its length so far.
    outer: list[tuple[Any, Iterator[Any], int]] = []
    container, parts, length = value, _parts(value), 2
    while True:
        for part in parts:
            if not isinstance(part, CONTAINERS):
                length += _length(part) + 2
            elif id(part) in known:
                length += known[id(part)] + 2
            else:
                known[id(part)] = _CYCLE
                outer.append((container, parts, length))
                container, parts, length = part, _parts(part), 2
                break
            if length > most:
                return length
        else:
            known[id(container)] = length
            if not outer:
                return length
            inner = length
            container, parts, length = outer.pop()
            length += inner + 2
            if length > most:
                return length
