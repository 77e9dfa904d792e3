"""Checks of built-in methods whose result may be large, or that may take long.

Rule: a check receives the object and the arguments of the call. It ignores arguments of unexpected types, for which
the method itself raises an error.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sized
from itertools import islice
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from tmplmon.sandbox.measure import CONTAINERS, text_length

if TYPE_CHECKING:
    from tmplmon.sandbox.limits import Sizes

type Check = Callable[..., None]

_TEXTS = (str, bytes, bytearray)
_LISTS = (list, deque, bytearray)


def _integer(value: Any) -> int:
    return int(value) if isinstance(value, int) else 0


def _width(limits: "Sizes", text: Any, width: Any = 0, *_: Any) -> None:
    limits.size(_integer(width), "the text")


def _expandtabs(limits: "Sizes", text: Any, tabsize: Any = 8) -> None:
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


def _join(limits: "Sizes", text: Any, items: Any = ()) -> None:
    if isinstance(items, (list, tuple)):
        limits.texts(items, len(text), "the text")


def _escape(limits: "Sizes", text: Any, value: Any = "", *_: Any) -> None:
    limits.text(value)


def _translate(limits: "Sizes", text: Any, table: Any = None, *_: Any) -> None:
    values: Iterable[Any] = table.values() if isinstance(table, Mapping) else table
    if isinstance(text, str) and isinstance(table, (Mapping, list, tuple)):
        longest = max((len(value) for value in values if isinstance(value, str)), default=1)
        limits.size(len(text) * max(longest, 1), "the text")


def stripped(limits: "Sizes", text: Any, chars: Any = None) -> None:
    """Check how long `text.strip(chars)` may take. Raises TooLargeError if it takes too many steps."""
    if isinstance(chars, _TEXTS):
        limits.work(len(text) * len(chars) // 16, "strip")


def _to_bytes(limits: "Sizes", number: Any, length: Any = 1, *_: Any, **__: Any) -> None:
    limits.size(_integer(length), "the bytes")


def _extend(limits: "Sizes", items: Any, new_items: Any = ()) -> None:
    if isinstance(new_items, Sized):
        limits.size(len(items) + len(new_items), "the list")
    if isinstance(new_items, CONTAINERS):
        limits.grown(items, list(new_items))


def _append(limits: "Sizes", items: Any, *values: Any) -> None:
    limits.grown(items, values)


def _update(limits: "Sizes", mapping: Any, *others: Any, **values: Any) -> None:
    for other in others:
        limits.grown(mapping, [*other, *other.values()] if isinstance(other, dict) else (other,))
    limits.grown(mapping, list(values.values()))


# Name of a method → (the types that have it, the check).
_CHECKS: dict[str, tuple[tuple[type[Any], ...], Check]] = {
    **dict.fromkeys(("center", "ljust", "rjust", "zfill"), (_TEXTS, _width)),
    **dict.fromkeys(("strip", "lstrip", "rstrip"), (_TEXTS, stripped)),
    "escape": ((str,), _escape),
    "resize": ((bytearray,), _width),
    "expandtabs": (_TEXTS, _expandtabs),
    "replace": (_TEXTS, replaced),
    "join": (_TEXTS, _join),
    "translate": (_TEXTS, _translate),
    "to_bytes": ((int,), _to_bytes),
    **dict.fromkeys(("extend", "extendleft"), (_LISTS, _extend)),
    **dict.fromkeys(("append", "appendleft", "insert"), (_LISTS, _append)),
    "add": ((set,), _append),
    "setdefault": ((dict,), _append),
    "update": ((dict, set), _update),
}

# Methods that take an iterable. An iterator is converted to a list first, so that its length is known.
_OF_ITERABLES = frozenset({"join", "extend", "extendleft"})


def check_of(name: str, obj: Any) -> Check | None:
    """Return the check for the method `name` of an object or class; None if the method needs no check."""
    entry = _CHECKS.get(name)
    if entry is None:
        return None
    types, check = entry
    return check if (issubclass(obj, types) if isinstance(obj, type) else isinstance(obj, types)) else None


def checked(limits: "Sizes", method: Callable[..., Any], name: str, obj: Any) -> Callable[..., Any]:
    """Wrap a method so that its check runs first. `check_of` has returned a check for `name`."""
    check = _CHECKS[name][1]
    takes_iterable = name in _OF_ITERABLES

    def call(*args: Any, **kwargs: Any) -> Any:
        if takes_iterable and len(args) == 1 and not hasattr(args[0], "__len__"):
            args = (list(islice(iter(args[0]), limits.max_size + 1)),)
        elif name == "join" and len(args) == 1 and not isinstance(args[0], (list, tuple)):
            args = (list(args[0]),)
        elif name == "translate" and args:
            args = (limits.reading(args[0]), *args[1:])
        check(limits, obj, *args, **kwargs)
        return method(*args, **kwargs)

    return call


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
