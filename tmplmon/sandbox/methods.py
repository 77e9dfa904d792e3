"""Methods of Python's own types whose result may be large, or that may take long: what is checked before one runs.

Rule: a check is passed the object and the arguments of the call. Arguments it cannot make sense of are for the
method to complain about.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from tmplmon.sandbox.measure import text_length

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
    tab = "\t" if isinstance(text, str) else b"\t"
    limits.size(len(text) + text.count(tab) * _integer(tabsize), "the text")


def replaced(limits: "Sizes", text: Any, old: Any, new: Any, count: Any = -1) -> None:
    """Check the length of what `text.replace(old, new, count)` gives."""
    limits.text(new)
    if isinstance(text, Markup):
        new = escape(new)
    if isinstance(text, str) and not (isinstance(old, str) and isinstance(new, str)):
        return
    more = len(new) - len(old)
    if more > 0:
        found = text.count(old)
        if 0 <= _integer(count) < found:
            found = count
        limits.size(len(text) + found * more, "the text")


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
    """Check the time that `text.strip(chars)` may take."""
    if isinstance(chars, _TEXTS):
        limits.work(len(text) * len(chars) // 16, "strip")


def _to_bytes(limits: "Sizes", number: Any, length: Any = 1, *_: Any, **__: Any) -> None:
    limits.size(_integer(length), "the bytes")


def _extend(limits: "Sizes", items: Any, more: Any = ()) -> None:
    if hasattr(more, "__len__"):
        limits.size(len(items) + len(more), "the list")


# Name of a method → (the types that have it, its check).
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
}

# Methods whose argument is an iterable of unknown length: they are passed a list instead, whose length is known.
_OF_ITERABLES = frozenset({"join", "extend", "extendleft"})


def check_of(name: str, obj: Any) -> Check | None:
    """What is checked before a method of an object, or of a class, is called; None if nothing is."""
    found = _CHECKS.get(name)
    if found is None:
        return None
    has_it = issubclass(obj, found[0]) if isinstance(obj, type) else isinstance(obj, found[0])
    return found[1] if has_it else None


def checked(limits: "Sizes", method: Callable[..., Any], name: str, obj: Any) -> Callable[..., Any]:
    """A method that is checked before it runs. `name` has a check (`check_of`)."""
    check = _CHECKS[name][1]
    of_iterable = name in _OF_ITERABLES

    def call(*args: Any, **kwargs: Any) -> Any:
        if of_iterable and len(args) == 1 and not hasattr(args[0], "__len__"):
            args = (list(islice(iter(args[0]), limits.max_size + 1)),)
        elif name == "join" and len(args) == 1 and not isinstance(args[0], (list, tuple)):
            args = (list(args[0]),)
        check(limits, obj, *args, **kwargs)
        return method(*args, **kwargs)

    return call


def limited_texts(limits: "Sizes", value: Any) -> list[Any]:
    """The items of an iterable as a list, their texts checked on the way."""
    items: list[Any] = []
    length = 0
    for item in value:
        length += text_length(item, limits.max_size)
        if length > limits.max_size:
            break
        items.append(item)
    limits.size(length, "the text")
    return items
