"""The ``loop`` object, and cheaper replacements for loops that use only some of its attributes.

A loop that uses only counts has no such object. `counted` yields (number, is last, item) triples for it; C
iterators make them if the length is known. `LoopContext` is for loops that use `loop` as a value, call it, or
use the items before and after. To know whether an item is the last, it takes the next item from the iterator.
It takes more items in advance only if a template asks for the length of an iterable without one.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from itertools import chain, count, repeat
from typing import Any

from tmplmon.runtime.markers import auto_aiter
from tmplmon.runtime.undefined import missing

SIZED = frozenset(
    {
        list,
        tuple,
        dict,
        range,
        str,
        set,
        frozenset,
        deque,
        type({}.keys()),
        type({}.values()),
        type({}.items()),
    }
)
"""Types whose `len` is the number of items that iteration gives."""


def counted(iterable: Any) -> Iterator[tuple[int, bool, Any]]:
    """Return an iterator of (number from 1, is it the last, item) for each item. Raises TypeError if `iterable` is
    not iterable."""
    if type(iterable) in SIZED:
        length = len(iterable)
        if not length:
            return iter(())
        return zip(count(1), chain(repeat(False, length - 1), (True,)), iterable)
    return _counted(iter(iterable))


def _counted(iterator: Iterator[Any]) -> Iterator[tuple[int, bool, Any]]:
    for item in iterator:
        number = 1
        for following in iterator:
            yield number, False, item
            item = following
            number += 1
        yield number, True, item


def sized(iterable: Any) -> Any:
    """Return `iterable`, or a list of its items if it has no length. Raises TypeError if it is not iterable."""
    try:
        len(iterable)
    except TypeError:
        return listed(iterable)
    return iterable


def listed(iterable: Any) -> list[Any]:
    """Return the items as a list. If there is a budget, each takes a unit of fuel: the iterable may be endless."""
    from tmplmon.runtime.budget import current

    budget = current.get()
    if budget is None:
        return list(iterable)
    items = []
    for item in iterable:
        budget.charge(1)
        items.append(item)
    return items


async def alisted(iterable: Any) -> list[Any]:
    """The items of an ordinary or asynchronous iterable as a list. Those of one without a length take fuel."""
    if not hasattr(iterable, "__aiter__"):
        return list(sized(iterable))
    from tmplmon.runtime.budget import current

    budget = current.get()
    items = []
    async for item in iterable:
        if budget is not None:
            budget.charge(1)
        items.append(item)
    return items


async def _following(iterator: AsyncIterator[Any]) -> Any:
    """The next item, or `missing` if there is none.

    ``anext(iterator, missing)`` would crash CPython 3.13 if the recursion limit is reached in it.
    """
    try:
        return await iterator.__anext__()
    except StopAsyncIteration:
        return missing


class acounted:
    """`counted` for an ordinary or asynchronous iterable. It is no generator, as a loop that is left
    would have to close that."""

    __slots__ = ("_iterator", "_next", "_number")

    def __init__(self, iterable: Any) -> None:
        self._iterator = auto_aiter(iterable)
        self._number = 0
        self._next: Any = missing

    def __aiter__(self) -> "acounted":
        return self

    async def __anext__(self) -> tuple[int, bool, Any]:
        if not self._number:
            self._next = await _following(self._iterator)
        item = self._next
        if item is missing:
            raise StopAsyncIteration
        self._number += 1
        self._next = await _following(self._iterator)
        return self._number, self._next is missing, item


class _LoopState:
    """The attributes that both kinds of loop have in common."""

    __slots__ = (
        "_after",
        "_before",
        "_changed",
        "_current",
        "_iterable",
        "_iterator",
        "_length",
        "_recurse",
        "_undefined",
        "depth0",
        "index0",
    )

    index0: int

    def __init__(
        self,
        iterable: Any,
        undefined: Callable[..., Any],
        recurse: Callable[[Any, int], Any] | None = None,
        depth0: int = 0,
    ) -> None:
        self._iterable = iterable
        self._undefined = undefined
        self._recurse = recurse
        self.depth0 = depth0
        self.index0 = -1
        self._length: int | None = None
        self._before: Any = missing
        self._current: Any = missing
        self._after: Any = missing
        self._changed: Any = missing

    @property
    def index(self) -> int:
        """The number of the iteration, from 1."""
        return self.index0 + 1

    @property
    def depth(self) -> int:
        """The depth in a recursive loop, from 1."""
        return self.depth0 + 1

    @property
    def first(self) -> bool:
        """Whether this is the first iteration."""
        return self.index0 == 0

    @property
    def previtem(self) -> Any:
        """The item of the previous iteration; undefined in the first."""
        if self.first:
            return self._undefined("there is no previous item")
        return self._before

    def cycle(self, *args: Any) -> Any:
        """Return one of the arguments: the first in the first iteration, and so on in turn. Raises TypeError
        without arguments."""
        if not args:
            raise TypeError("no items for cycling given")
        return args[self.index0 % len(args)]

    def changed(self, *value: Any) -> bool:
        """Whether the arguments differ from those of the previous call. True for the first call."""
        if self._changed != value:
            self._changed = value
            return True
        return False

    def __call__(self, iterable: Any) -> Any:
        """Run the body for the items of another iterable, one level deeper, and return the output. Raises TypeError
        if the loop is not recursive."""
        if self._recurse is None:
            raise TypeError("The loop must have the 'recursive' marker to be called recursively.")
        return self._recurse(iterable, self.depth0 + 1)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.index}/{self.length}>"  # type: ignore[attr-defined]


class LoopContext(_LoopState):
    """``loop``, and the iterator of the loop, which yields (item, loop) pairs."""

    __slots__ = ()

    def __init__(
        self,
        iterable: Iterable[Any],
        undefined: Callable[..., Any],
        recurse: Callable[[Any, int], Any] | None = None,
        depth0: int = 0,
    ) -> None:
        super().__init__(iterable, undefined, recurse, depth0)
        self._iterator: Iterator[Any] = iter(iterable)

    def __iter__(self) -> "LoopContext":
        return self

    def __next__(self) -> tuple[Any, "LoopContext"]:
        after = self._after
        if after is missing:
            item = next(self._iterator)
        else:
            item = after
            self._after = missing
        self.index0 += 1
        self._before = self._current
        self._current = item
        return item, self

    def _peek(self) -> Any:
        if self._after is missing:
            self._after = next(self._iterator, missing)
        return self._after

    @property
    def length(self) -> int:
        """The number of iterations. Takes all items of an iterable without a length."""
        if self._length is None:
            try:
                self._length = len(self._iterable)
            except TypeError:
                rest = listed(self._iterator)
                self._iterator = iter(rest)
                self._length = len(rest) + self.index + (self._after is not missing)
        return self._length

    def __len__(self) -> int:
        return self.length

    @property
    def revindex(self) -> int:
        """The number of iterations from the end, from 1."""
        return self.length - self.index0

    @property
    def revindex0(self) -> int:
        """The number of iterations from the end, from 0."""
        return self.length - self.index

    @property
    def last(self) -> bool:
        """Whether this is the last iteration."""
        return self._peek() is missing

    @property
    def nextitem(self) -> Any:
        """The item of the next iteration; undefined in the last."""
        item = self._peek()
        return self._undefined("there is no next item") if item is missing else item


class AsyncLoopContext(_LoopState):
    """``loop`` in an asynchronous environment. The attributes that may have to wait for an item are awaitable."""

    __slots__ = ()

    def __init__(
        self,
        iterable: Any,
        undefined: Callable[..., Any],
        recurse: Callable[[Any, int], Any] | None = None,
        depth0: int = 0,
    ) -> None:
        super().__init__(iterable, undefined, recurse, depth0)
        self._iterator: AsyncIterator[Any] = auto_aiter(iterable)

    def __aiter__(self) -> "AsyncLoopContext":
        return self

    async def __anext__(self) -> tuple[Any, "AsyncLoopContext"]:
        after = self._after
        if after is missing:
            item = await self._iterator.__anext__()
        else:
            item = after
            self._after = missing
        self.index0 += 1
        self._before = self._current
        self._current = item
        return item, self

    async def _peek(self) -> Any:
        if self._after is missing:
            self._after = await _following(self._iterator)
        return self._after

    @property
    async def length(self) -> int:
        """The number of iterations. Takes all items of an iterable without a length."""
        if self._length is None:
            try:
                self._length = len(self._iterable)
            except TypeError:
                rest = await alisted(self._iterator)
                self._iterator = auto_aiter(rest)
                self._length = len(rest) + self.index + (self._after is not missing)
        return self._length

    @property
    async def revindex(self) -> int:
        """The number of iterations from the end, from 1."""
        return await self.length - self.index0

    @property
    async def revindex0(self) -> int:
        """The number of iterations from the end, from 0."""
        return await self.length - self.index

    @property
    async def last(self) -> bool:
        """Whether this is the last iteration."""
        return await self._peek() is missing

    @property
    async def nextitem(self) -> Any:
        """The item of the next iteration; undefined in the last."""
        item = await self._peek()
        return self._undefined("there is no next item") if item is missing else item
