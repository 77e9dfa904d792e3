"""Errors of filters for several items that name the items at fault: those that cannot be compared, added or hashed.

This runs only after an error, so it may look at all items again. Items are shown shortened.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations, pairwise
from reprlib import Repr
from typing import Any

from tmplmon.errors import UndefinedError
from tmplmon.runtime.undefined import Undefined

# The number of types of which each pair is compared.
_MOST_TYPES = 12


def incomparable(
    name: str, error: Exception, items: Sequence[Any], keys: Sequence[tuple[Any, Sequence[Any]]]
) -> Exception:
    """The error to raise for one that was raised when items were compared.

    name: the filter. keys: (attribute, the value that was compared of each item) for each of its attributes; the
        attribute None is the item itself.

    Returns a TypeError that names the attribute, two items and what to do; `error` if there are no such items, with
    a note if one is undefined.
    """
    if isinstance(error, UndefinedError):
        for attribute, values in keys:
            for item, value in zip(items, values, strict=True):
                if isinstance(value, Undefined):
                    what = f"{name}: the attribute {attribute!r} of {shown(item)} is undefined"
                    if attribute is None:
                        what = f"{name}: an item is undefined"
                    error.add_note(f"{what}; {_advice(name, attribute, value)}")
                    return error
        return error
    for attribute, values in keys:
        pair = _clash(values)
        if pair is None:
            continue
        first, second = ((items[number], values[number]) for number in pair)
        what = " and ".join(_described(attribute, *each) for each in (first, second))
        odd = next((value for _, value in (first, second) if value is None), first[1])
        return TypeError(
            f"{name} cannot compare {what.rstrip(',')}: {error}; {_advice(name, attribute, odd)}"
        )
    return error


def _described(attribute: Any, item: Any, value: Any) -> str:
    if attribute is None:
        return shown(item)
    return f"the attribute {attribute!r} of {shown(item)}, which is {shown(value)},"


def _advice(name: str, attribute: Any, value: Any) -> str:
    test = "none" if value is None else "undefined"
    if value is not None and not isinstance(value, Undefined):
        return "convert the values to one type first"
    if name == "groupby" and test == "undefined":
        return "give such items a value with default="
    if name == "dictsort":
        return "leave such items out"
    leave_out = f"reject('{test}')" if attribute is None else f"rejectattr({attribute!r}, '{test}')"
    return f"leave such items out with {leave_out}"


def _clash(values: Sequence[Any]) -> tuple[int, int] | None:
    """The indices of two values that cannot be compared."""
    kinds: dict[type, int] = {}
    for number, value in enumerate(values):
        kinds.setdefault(type(value), number)
    candidates = list(combinations(list(kinds.values())[:_MOST_TYPES], 2))
    for first, second in [*candidates, *pairwise(range(len(values)))]:
        try:
            values[first] < values[second]  # noqa: B015
        except TypeError:
            return first, second
        except Exception:
            continue  # It is not the error to explain.
    return None


def not_added(
    error: TypeError, items: Iterable[Any], get: Callable[[Any], Any] | None, attribute: Any, start: Any
) -> Exception:
    """The error to raise for one that ``sum`` has raised: it names the item that cannot be added."""
    total = start
    for item in items:
        value = item if get is None else get(item)
        try:
            total = total + value
        except TypeError:
            what = f"sum cannot add {_described(attribute, item, value).rstrip(',')}"
            return TypeError(f"{what}: {error}; {_advice('sum', attribute, value)}")
    return error


def not_hashable(error: TypeError, item: Any, value: Any, attribute: Any) -> TypeError:
    """The error to raise for one that was raised when ``unique`` hashed the value of an item."""
    what = _described(attribute, item, value).rstrip(",")
    return TypeError(f"unique cannot compare {what}: {error}; compare a text or a number")


def shown(value: Any) -> str:
    """The `repr` of a value, shortened."""
    short = Repr(maxstring=60, maxother=60, maxdict=6, maxlevel=3)
    try:
        return short.repr(value)
    except Exception:
        return f"<{type(value).__name__}>"
