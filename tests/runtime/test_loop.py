"""The ``loop`` object and loop counters: the literal values of all attributes in each round."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest

from tmplmon.runtime.loop import AsyncLoopContext, LoopContext, acounted, counted, sized
from tmplmon.runtime.undefined import Undefined

ATTRIBUTES = ("index0", "index", "revindex0", "revindex", "first", "last", "length", "depth0", "depth")
# index0, index, revindex0, revindex, first, last, length, depth0, depth in each round over three items.
ROUNDS = [
    (0, 1, 2, 3, True, False, 3, 0, 1),
    (1, 2, 1, 2, False, False, 3, 0, 1),
    (2, 3, 0, 1, False, True, 3, 0, 1),
]
ITERABLES = {
    "list": lambda: ["a", "b", "c"],
    "tuple": lambda: ("a", "b", "c"),
    "str": lambda: "abc",
    "deque": lambda: deque("abc"),
    "dict": lambda: dict.fromkeys("abc"),
    "iterator": lambda: iter("abc"),
    "generator": lambda: (letter for letter in "abc"),
}
iterables = pytest.mark.parametrize("make", ITERABLES.values(), ids=ITERABLES)


@iterables
def test_attributes(make: Any) -> None:
    rounds = [tuple(getattr(loop, name) for name in ATTRIBUTES) for _, loop in LoopContext(make(), Undefined)]
    assert rounds == ROUNDS


@iterables
@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_alone(make: Any, name: str) -> None:
    """Each attribute is read first in one test, as some read ahead by one item and some read all items."""
    loop = LoopContext(make(), Undefined)
    assert [(item, getattr(loop, name)) for item, loop in loop] == [
        (item, attributes[ATTRIBUTES.index(name)]) for item, attributes in zip("abc", ROUNDS, strict=True)
    ]


@iterables
def test_neighbours(make: Any) -> None:
    seen = []
    for item, loop in LoopContext(make(), Undefined):
        before, after = loop.previtem, loop.nextitem
        assert loop.nextitem is after or loop.nextitem == after
        seen.append([None if isinstance(each, Undefined) else each for each in (before, item, after)])
    assert seen == [[None, "a", "b"], ["a", "b", "c"], ["b", "c", None]]


def test_missing_neighbours_are_undefined_with_a_message() -> None:
    ((_, loop),) = LoopContext("a", Undefined)
    assert loop.previtem._undefined_hint == "there is no previous item"
    assert loop.nextitem._undefined_hint == "there is no next item"


def test_length_in_the_middle() -> None:
    for peeked in (False, True):
        loop = LoopContext(iter("abcd"), Undefined)
        next(loop)
        next(loop)
        if peeked:
            assert loop.nextitem == "c"
        assert (loop.length, len(loop), loop.revindex, loop.revindex0) == (4, 4, 3, 2)
        assert [item for item, _ in loop] == ["c", "d"]
        assert repr(loop) == "<LoopContext 4/4>"


def test_items_are_taken_only_as_needed() -> None:
    taken: list[int] = []

    def numbers() -> Iterable[int]:
        for number in range(4):
            taken.append(number)
            yield number

    loop = LoopContext(numbers(), Undefined)
    next(loop)
    assert (loop.index, loop.first, loop.depth, taken) == (1, True, 1, [0])
    assert (loop.last, taken) == (False, [0, 1])
    next(loop)
    assert (loop.last, taken) == (False, [0, 1, 2])
    assert (loop.length, taken) == (4, [0, 1, 2, 3])


def test_cycle_and_changed() -> None:
    loop = LoopContext("abcde", Undefined)
    assert [loop.cycle("x", "y") for _ in loop] == ["x", "y", "x", "y", "x"]
    with pytest.raises(TypeError, match="no items for cycling given"):
        loop.cycle()
    loop = LoopContext([1, 1, 2, 2, 1], Undefined)
    assert [loop.changed(item) for item, _ in loop] == [True, False, True, False, True]
    assert [loop.changed(1, 2), loop.changed(1, 2), loop.changed(1), loop.changed()] == [
        True,
        False,
        True,
        True,
    ]


def test_a_recursive_call_is_one_level_deeper() -> None:
    calls: list[Any] = []
    loop = LoopContext("a", Undefined, lambda *arguments: calls.append(arguments) or "text", 2)
    next(loop)
    assert (loop.depth0, loop.depth, loop([1]), calls) == (2, 3, "text", [([1], 3)])
    with pytest.raises(TypeError, match="must have the 'recursive' marker"):
        LoopContext("a", Undefined)([1])


# --- counting ----------------------------------------------------------------------------------------------


@iterables
def test_counted(make: Any) -> None:
    assert list(counted(make())) == [(1, False, "a"), (2, False, "b"), (3, True, "c")]


@pytest.mark.parametrize("make", [list, tuple, dict, lambda: iter(()), deque, str])
def test_counted_without_items(make: Any) -> None:
    assert list(counted(make())) == []
    assert list(LoopContext(make(), Undefined)) == []


def test_counted_with_one_item() -> None:
    assert list(counted([5])) == list(counted(iter([5]))) == [(1, True, 5)]


def test_sized() -> None:
    letters = ["a"]
    assert sized(letters) is letters
    assert sized(iter("ab")) == ["a", "b"]


# --- asynchronous ------------------------------------------------------------------------------------------


async def letters() -> AsyncIterator[str]:
    for letter in "abc":
        yield letter


ASYNC_ITERABLES = {**ITERABLES, "asynchronous": letters}
async_iterables = pytest.mark.parametrize("make", ASYNC_ITERABLES.values(), ids=ASYNC_ITERABLES)


async def attribute(loop: Any, name: str) -> Any:
    value = getattr(loop, name)
    return await value if name in ("revindex0", "revindex", "last", "length", "nextitem") else value


@async_iterables
def test_async_attributes(make: Any) -> None:
    async def rounds() -> list[tuple[Any, ...]]:
        return [
            tuple([await attribute(loop, name) for name in ATTRIBUTES])
            async for _, loop in AsyncLoopContext(make(), Undefined)
        ]

    assert asyncio.run(rounds()) == ROUNDS


@async_iterables
@pytest.mark.parametrize("name", ["length", "last", "revindex", "revindex0"])
def test_an_async_attribute_alone(make: Any, name: str) -> None:
    async def values() -> list[Any]:
        return [
            (item, await attribute(loop, name)) async for item, loop in AsyncLoopContext(make(), Undefined)
        ]

    expected = [attributes[ATTRIBUTES.index(name)] for attributes in ROUNDS]
    assert asyncio.run(values()) == list(zip("abc", expected, strict=True))


@async_iterables
def test_async_neighbours(make: Any) -> None:
    async def neighbours() -> list[Any]:
        return [
            [item, loop.previtem, await loop.nextitem]
            async for item, loop in AsyncLoopContext(make(), Undefined)
        ]

    seen = asyncio.run(neighbours())
    assert [[None if isinstance(each, Undefined) else each for each in row] for row in seen] == [
        ["a", None, "b"],
        ["b", "a", "c"],
        ["c", "b", None],
    ]


@async_iterables
def test_acounted(make: Any) -> None:
    async def rows() -> list[Any]:
        return [row async for row in acounted(make())]

    assert asyncio.run(rows()) == [(1, False, "a"), (2, False, "b"), (3, True, "c")]


def test_acounted_without_items() -> None:
    async def rows() -> list[Any]:
        return [row async for row in acounted([])]

    assert asyncio.run(rows()) == []
