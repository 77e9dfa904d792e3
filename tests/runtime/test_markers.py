"""Jinja2's markers work like tmplmon's. Helpers for asynchronous code accept awaitable values and others."""

import asyncio
import pickle
import types
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from unittest.mock import Mock

import jinja2
import jinja2.filters
import jinja2.tests
import pytest

from tmplmon.runtime import markers
from tmplmon.runtime.filters import FILTERS
from tmplmon.runtime.markers import auto_aiter, auto_await, auto_to_list, is_awaitable, pass_arg_of
from tmplmon.runtime.tests import TESTS

from .sides import AsyncOnce, Environment, OwnLookups

KINDS = ["context", "eval_context", "environment"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("owner", [markers, jinja2], ids=["ours", "jinja2"])
def test_pass_arg_of(owner: Any, kind: str) -> None:
    @getattr(owner, f"pass_{kind}")  # type: ignore[untyped-decorator]
    def marked(first: Any) -> Any:
        return first

    assert pass_arg_of(marked) == kind
    assert marked(1) == 1


@pytest.mark.parametrize("func", [len, str, type("User", (), {}), Mock(), Mock(jinja_pass_arg=3), None])
def test_unmarked(func: Any) -> None:
    assert pass_arg_of(func) is None


def test_marked_methods_and_classes() -> None:
    class Filter:
        @markers.pass_context
        def method(self) -> None: ...

    assert pass_arg_of(Filter().method) == "context"
    assert pass_arg_of(markers.pass_environment(type("Callable", (), {}))()) == "environment"


@pytest.mark.parametrize("kind", KINDS)
def test_each_marker_is_one_object(kind: str) -> None:
    marker = getattr(markers, f"pass_{kind}")(lambda first: first).jinja_pass_arg
    assert pickle.loads(pickle.dumps(marker)) is marker
    assert kind in repr(marker)


def jinjas_mark(func: Any) -> str | None:
    mark = getattr(func, "jinja_pass_arg", None)
    return None if mark is None else str(mark.name)


@pytest.mark.parametrize("name", FILTERS)
def test_filters_are_marked_as_jinjas(name: str) -> None:
    theirs = jinja2.filters.FILTERS[name]
    assert pass_arg_of(FILTERS[name]) == jinjas_mark(theirs)
    variant = "jinja_async_variant"
    assert getattr(FILTERS[name], variant, False) == getattr(theirs, variant, False)


@pytest.mark.parametrize("name", TESTS)
def test_tests_are_marked_as_jinjas(name: str) -> None:
    assert pass_arg_of(TESTS[name]) == jinjas_mark(jinja2.tests.TESTS[name])


def test_inlinable_is_lost_by_overriding() -> None:
    assert markers.is_inlinable(Environment().getitem)
    assert not markers.is_inlinable(OwnLookups().getitem)
    assert not markers.is_inlinable(len)
    environment = Environment()
    environment.getitem = Mock()  # type: ignore[method-assign]
    assert not markers.is_inlinable(environment.getitem)


class Awaitable:
    def __await__(self) -> Iterator[Any]:
        yield from asyncio.sleep(0).__await__()
        return "awaited"


async def coroutine() -> str:
    await asyncio.sleep(0)
    return "awaited"


@types.coroutine
def old_coroutine() -> Iterator[Any]:
    yield from asyncio.sleep(0).__await__()
    return "awaited"


@pytest.mark.parametrize("make", [Awaitable, coroutine, old_coroutine])
def test_awaitables(make: Callable[[], Any]) -> None:
    async def main() -> Any:
        value = make()
        assert is_awaitable(value)
        return await auto_await(value)

    assert asyncio.run(main()) == "awaited"


@pytest.mark.parametrize("value", [None, 3, "text", [1], {}, object(), iter([]), (x for x in "a"), Mock()])
def test_other_values_are_not_awaited(value: Any) -> None:
    assert not is_awaitable(value)
    assert asyncio.run(auto_await(value)) is value


async def numbers() -> AsyncIterator[int]:
    yield 1
    yield 2


@pytest.mark.parametrize("make", [lambda: [1, 2], lambda: iter((1, 2)), numbers, lambda: AsyncOnce(1, 2)])
def test_iteration(make: Callable[[], Any]) -> None:
    async def main() -> tuple[Any, Any]:
        return [item async for item in auto_aiter(make())], await auto_to_list(make())

    assert asyncio.run(main()) == ([1, 2], [1, 2])


def test_not_iterable() -> None:
    with pytest.raises(TypeError):
        auto_aiter(3)
    with pytest.raises(TypeError):
        asyncio.run(auto_to_list(3))


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("kind", [None, *KINDS])
def test_async_variant(kind: str | None, is_async: bool) -> None:
    def plain(*args: Any) -> Any:
        """What it does."""
        return "plain", args

    async def waiting(*args: Any) -> Any:
        return "waiting", args

    if kind is not None:
        getattr(markers, f"pass_{kind}")(plain)
    both = markers.async_variant(plain)(waiting)
    assert pass_arg_of(both) == (kind or "eval_context")
    assert (both.__name__, both.__doc__, both.jinja_async_variant) == ("waiting", "What it does.", True)  # type: ignore[attr-defined]

    environment = Environment(enable_async=is_async)
    first = environment if kind == "environment" else Mock(environment=environment)
    result = both(first, 1)
    if is_async:
        result = asyncio.run(result)
    passed = (1,) if kind is None else (first, 1)
    assert result == ("waiting" if is_async else "plain", passed)
