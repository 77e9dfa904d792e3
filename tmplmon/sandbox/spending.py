"""What the work of filters, methods and operators takes from a budget's fuel.

Rule: one for each item that a filter works through, one for each `budget.CHARACTERS` of a text that is made or
looked through. What has a length is paid for before the work begins, and items that come one by one as they come;
so a long operation ends when the fuel or the time does, not when it is done.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from tmplmon.errors import DepthLimitExceeded
from tmplmon.runtime.budget import Budget, current, spend
from tmplmon.runtime.markers import pass_arg_of

MOST_NESTED = 200
"""Iterators that take their items from each other. (Python follows such a chain without looking at its limit.)"""

OF_ITEMS = (
    *("batch", "dictsort", "groupby", "join", "list", "map", "max", "min", "reject", "rejectattr", "reverse"),
    *("select", "selectattr", "slice", "sort", "sum", "unique", "urlencode", "xmlattr"),
)
"""The filters that work through all items of a value."""

_SIZED = frozenset({list, tuple, dict, range, set, frozenset, deque})


class Items:
    """An iterator whose items are paid for. `nesting`: how many iterators its items come through."""

    __slots__ = ("_budget", "_iterator", "_nesting")

    def __init__(self, iterator: Iterator[Any], budget: Budget, nesting: int) -> None:
        if nesting > MOST_NESTED:
            raise DepthLimitExceeded(f"more than {MOST_NESTED} iterators over each other", budget.spent)
        self._iterator = iterator
        self._budget = budget
        self._nesting = nesting

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        budget = self._budget
        budget.left -= 1
        if budget.left < 0:
            budget.more_fuel()
        return next(self._iterator)

    def __repr__(self) -> str:
        return repr(self._iterator)


class AsyncItems(Items):
    """The same for an asynchronous iterator."""

    __slots__ = ()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        budget = self._budget
        budget.left -= 1
        if budget.left < 0:
            budget.more_fuel()
        return await anext(self._iterator)  # type: ignore[call-overload]


def paid_for(value: Any, budget: Budget, nesting: int = 0) -> Any:
    """A value whose items are about to be worked through: they are paid for, or will be as they come."""
    kind = type(value)
    if kind in _SIZED:
        budget.left -= len(value)
        if budget.left < 0:
            budget.more_fuel()
    elif kind is Items or kind is AsyncItems:
        return value
    elif hasattr(kind, "__anext__"):
        return AsyncItems(value, budget, nesting + 1)
    elif hasattr(kind, "__next__"):
        return Items(value, budget, nesting + 1)
    elif isinstance(value, str):
        spend(len(value))
    return value


def paying(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that pays for its items. What it gives is an iterator that pays, if it is one."""

    def paid(value: Any, made: Any, budget: Budget) -> Any:
        if type(made) in _SIZED or not (hasattr(made, "__next__") or hasattr(made, "__anext__")):
            return made
        return paid_for(made, budget, value._nesting if isinstance(value, Items) else 0)

    if pass_arg_of(function) is None:

        def paying(value: Any, /, *args: Any, **kwargs: Any) -> Any:
            budget = current.get()
            if budget is None:
                return function(value, *args, **kwargs)
            value = paid_for(value, budget)
            made = function(value, *args, **kwargs)
            return made if type(made) is str else paid(value, made, budget)

        made_of: Callable[..., Any] = paying
    else:

        def paying_second(first: Any, value: Any, /, *args: Any, **kwargs: Any) -> Any:
            budget = current.get()
            if budget is None:
                return function(first, value, *args, **kwargs)
            value = paid_for(value, budget)
            made = function(first, value, *args, **kwargs)
            return made if type(made) is str else paid(value, made, budget)

        made_of = paying_second
    made_of.__name__ = made_of.__qualname__ = function.__name__
    made_of.__doc__ = function.__doc__
    made_of.__dict__.update(getattr(function, "__dict__", {}))
    return made_of
