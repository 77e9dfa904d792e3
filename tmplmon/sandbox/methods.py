"""Checks of built-in methods whose result may be large, or that may take long: those of `operations`.

Rule: a check receives the object and the arguments of the call. It ignores arguments of unexpected types, for which
the method itself raises an error.
"""

from collections.abc import Iterable, Mapping, Sized
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from tmplmon.sandbox.measure import CONTAINERS, text_length

if TYPE_CHECKING:
    from tmplmon.sandbox.limits import Sizes

_TEXTS = (str, bytes, bytearray)


def _integer(value: Any) -> int:
    return int(value) if isinstance(value, int) else 0


def width(limits: "Sizes", text: Any, width: Any = 0, *_: Any) -> None:
    limits.size(_integer(width), "the text")


def expandtabs(limits: "Sizes", text: Any, tabsize: Any = 8) -> None:
    tab: Any = "\t" if isinstance(text, str) else b"\t"
    limits.size(len(text) + text.count(tab) * _integer(tabsize), "the text")


def replaced(limits: "Sizes", text: Any, old: Any, new: Any, count: Any = -1) -> None:
    """Check the length of `text.replace(old, new, count)`. Raises TooLargeError if it exceeds `max_size`."""
    limits.text(new)
    if isinstance(text, Markup):
        new = escape(new)
    if isinstance(text, str) and not (isinstance(old, str) and isinstance(new, str)):
        return
    growth = len(new) - len(old)
    if growth > 0:
        occurrences = text.count(old)
        if 0 <= _integer(count) < occurrences:
            occurrences = count
        limits.size(len(text) + occurrences * growth, "the text")


def joined(limits: "Sizes", text: Any, items: Any = ()) -> None:
    if isinstance(items, (list, tuple)):
        limits.texts(items, len(text), "the text")


def translated(limits: "Sizes", text: Any, table: Any = None, *_: Any) -> None:
    values: Iterable[Any] = table.values() if isinstance(table, Mapping) else table
    if isinstance(text, str) and isinstance(table, (Mapping, list, tuple)):
        longest = max((len(value) for value in values if isinstance(value, str)), default=1)
        limits.size(len(text) * max(longest, 1), "the text")


def stripped(limits: "Sizes", text: Any, chars: Any = None) -> None:
    """Check how long `text.strip(chars)` may take. Raises TooLargeError if it takes too many steps."""
    if isinstance(chars, _TEXTS):
        limits.work(len(text) * len(chars) // 16, "strip")


def to_bytes(limits: "Sizes", number: Any, length: Any = 1, *_: Any, **__: Any) -> None:
    limits.size(_integer(length), "the bytes")


def extended(limits: "Sizes", items: Any, new_items: Any = ()) -> None:
    if isinstance(new_items, Sized):
        limits.size(len(items) + len(new_items), "the list")
    if isinstance(new_items, CONTAINERS):
        limits.grown(items, list(new_items))  # pyright: ignore[reportArgumentType]


def appended(limits: "Sizes", items: Any, *values: Any) -> None:
    limits.grown(items, values)


def updated(limits: "Sizes", mapping: Any, *others: Any, **values: Any) -> None:
    for other in others:
        limits.grown(mapping, [*other, *other.values()] if isinstance(other, dict) else (other,))
    limits.grown(mapping, list(values.values()))


def from_bytes(limits: "Sizes", number: Any, data: Any = b"", *_: Any, **__: Any) -> None:
    if isinstance(data, Sized):
        limits.bits(8 * len(data), "from_bytes")


# Methods that take iterables. An iterator is converted to a list first, so that its length is known.
_OF_ITERABLES = frozenset(
    {
        *("difference", "difference_update", "extend", "extendleft", "fromkeys", "intersection"),
        *("intersection_update", "isdisjoint", "issubset", "issuperset", "join", "symmetric_difference"),
        *("symmetric_difference_update", "union", "update"),
    }
)


def with_lists(limits: "Sizes", name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the arguments of a method, with lists in place of iterators where it takes iterables."""
    if name == "join":
        return tuple([arg if isinstance(arg, (list, tuple)) else limits.strings(arg) for arg in args])
    if name in _OF_ITERABLES:
        return tuple(
            [arg if isinstance(arg, Sized) or arg is None else limits.collected(arg) for arg in args]
        )
    if name == "translate" and args:
        return (limits.reading(args[0]), *args[1:])
    return args


def limited_texts(limits: "Sizes", value: Any) -> list[Any]:
    """Collect the items of an iterable in a list. Raises TooLargeError once their texts exceed `max_size`."""
    items: list[Any] = []
    length = 0
    for item in value:
        length += text_length(item, limits.max_size)
        if length > limits.max_size:
            break
        items.append(item)
    limits.size(length, "the text")
    return items
