"""The fuel that filters, methods and operators take from a budget.

Rule: one unit for each item that a filter processes, one for each `budget.CHARACTERS` characters of a text that is
created or searched. Values with a length are paid for before the work begins, items of an iterator as they arrive.
A long operation therefore stops when the fuel or the time runs out, not when it is complete.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from functools import wraps
from typing import Any

from tmplmon.errors import DepthLimitExceeded, SecurityError
from tmplmon.runtime.budget import Budget, current, spend
from tmplmon.runtime.calls import pass_over
from tmplmon.runtime.markers import pass_arg_of
from tmplmon.runtime.undefined import Undefined
from tmplmon.sandbox.names import refuses, refuses_iteration

MAX_ITERATORS = 200
"""The longest chain of iterators. Python follows such a chain recursively without a depth check."""

OF_ITEMS = (
    *("batch", "dictsort", "groupby", "join", "list", "map", "max", "min", "reject", "rejectattr", "reverse"),
    *("select", "selectattr", "slice", "sort", "sum", "unique", "urlencode", "xmlattr"),
)
"""The filters that process every item of their value."""

_OF_MAPPINGS = frozenset({"dictsort", "urlencode", "xmlattr"})
_SIZED = frozenset({list, tuple, dict, range, set, frozenset, deque})


class _Paid:
    """An iterator that takes fuel for each item from the budget that is current then. Raises DepthLimitExceeded if
    `nesting` is over MAX_ITERATORS.

    nesting: the number of iterators in the chain.
    """

    __slots__ = ("_iterator", "_nesting")

    def __init__(self, iterator: Any, budget: Budget, nesting: int) -> None:
        if nesting > MAX_ITERATORS:
            raise DepthLimitExceeded(f"more than {MAX_ITERATORS} iterators over each other", budget.spent)
        self._iterator = iterator
        self._nesting = nesting

    def __repr__(self) -> str:
        return repr(self._iterator)


class PaidItems(_Paid):
    """`_Paid` over an iterator."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        budget = current.get()
        if budget is None:
            return next(self._iterator)
        budget.left -= 1
        if budget.left < 0:
            budget.more_fuel()
        item = next(self._iterator)
        if budget.limits.seconds is not None:
            budget.check()
        return item


class PaidAsyncItems(_Paid):
    """`_Paid` over an asynchronous iterator."""

    __slots__ = ()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        budget = current.get()
        if budget is not None:
            budget.left -= 1
            if budget.left < 0:
                budget.more_fuel()
            budget.finish()
        return await anext(self._iterator)


def paid_for(value: Any, budget: Budget, nesting: int = 0) -> Any:
    """Take fuel for the items of a value. Returns the value, or a `PaidItems` that takes the fuel per item."""
    kind = type(value)
    if kind in _SIZED:
        budget.left -= len(value)
        if budget.left < 0:
            budget.more_fuel()
    elif kind is PaidItems or kind is PaidAsyncItems:
        return value
    elif hasattr(kind, "__anext__"):
        return PaidAsyncItems(value, budget, nesting + 1)
    elif hasattr(kind, "__next__") and hasattr(kind, "__iter__"):
        return PaidItems(value, budget, nesting + 1)
    elif isinstance(value, str):
        spend(len(value))
    elif isinstance(value, (Undefined, type)):
        pass
    elif hasattr(kind, "__iter__"):
        if not hasattr(kind, "__len__"):
            return PaidItems(iter(value), budget, nesting + 1)
        budget.charge(len(value))
    elif hasattr(kind, "__aiter__"):
        return PaidAsyncItems(aiter(value), budget, nesting + 1)
    return value


def paid_sequence(value: Any, budget: Budget) -> Any:
    """`paid_for` also for a value whose items Python takes by their numbers, until there is no next one."""
    kind = type(value)
    if hasattr(kind, "__getitem__") and not hasattr(kind, "__iter__") and not isinstance(value, type):
        return PaidItems(iter(value), budget, 1)
    return paid_for(value, budget)


class TimedItems:
    """An iterator that looks at the clock after each item."""

    __slots__ = ("_iterator",)

    def __init__(self, iterator: Iterator[Any]) -> None:
        self._iterator = iterator

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        item = next(self._iterator)
        budget = current.get()
        if budget is not None:
            budget.finish()
        return item


def timed(value: Any) -> Any:
    """Return an iterable for a loop. If the time is limited and the items come from an iterator, which may take
    long for each of them, it looks at the clock."""
    kind = type(value)
    if kind in _SIZED or not hasattr(kind, "__iter__") or hasattr(kind, "__len__"):
        return value
    budget = current.get()
    return value if budget is None or budget.limits.seconds is None else TimedItems(iter(value))


def clocked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of the application that looks at the clock when it has returned."""

    @wraps(function)
    def clocked(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        budget = current.get()
        if budget is not None:
            budget.finish()
        return result

    return clocked


pass_over(clocked)


def check_iteration(value: Any) -> None:
    """Raise SecurityError if the class of a value marks its iteration as unsafe."""
    if refuses_iteration(value):
        raise SecurityError(f"iteration over a {type(value).__name__!r} object is unsafe")


def check_mapping(value: Any) -> Any:
    """Return a value whose items Python will read. Raises SecurityError if its class marks that as unsafe."""
    if type(value) is not dict and refuses(value, "keys", "__getitem__", "__iter__"):
        raise SecurityError(f"access to the items of a {type(value).__name__!r} object is unsafe")
    return value


def paying(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that pays for the items of its value. If it returns an iterator, that pays for its items."""
    pay = paid_for if name in _OF_MAPPINGS else paid_sequence

    def pay_for_result(value: Any, result: Any, budget: Budget) -> Any:
        if type(result) in _SIZED or not (hasattr(result, "__next__") or hasattr(result, "__anext__")):
            return result
        return paid_for(result, budget, value._nesting if isinstance(value, _Paid) else 0)

    if pass_arg_of(function) is None:

        @wraps(function)
        def paying(value: Any, /, *args: Any, **kwargs: Any) -> Any:
            if type(value) not in _SIZED:
                check_iteration(value)
            budget = current.get()
            if budget is None:
                return function(value, *args, **kwargs)
            value = pay(value, budget)
            result = function(value, *args, **kwargs)
            return result if type(result) is str else pay_for_result(value, result, budget)

        return paying

    @wraps(function)
    def paying_after_context(context: Any, value: Any, /, *args: Any, **kwargs: Any) -> Any:
        if type(value) not in _SIZED:
            check_iteration(value)
        budget = current.get()
        if budget is None:
            return function(context, value, *args, **kwargs)
        value = pay(value, budget)
        result = function(context, value, *args, **kwargs)
        return result if type(result) is str else pay_for_result(value, result, budget)

    return paying_after_context
