"""Filters that apply another filter or a test to each item: map, select, reject, selectattr, rejectattr.

Rule: nothing happens before the first item is requested, not even a check of the arguments, and nothing at all for
an empty sequence. In an asynchronous environment `map` is an asynchronous iterator, the others are coroutines
that give one.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from tmplmon.errors import FilterArgumentError
from tmplmon.runtime.filters.lookup import call_each, path_getter
from tmplmon.runtime.markers import async_aware, auto_aiter, auto_await, pass_context
from tmplmon.runtime.undefined import missing

type Arguments = tuple[Any, ...]
type Keywords = dict[str, Any]


@pass_context
@async_aware
def do_map(context: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
    """Yield an attribute of each item, `map(attribute="name")`, or the result of a filter, `map("lower")`.

    args, kwargs: the name of a filter and its arguments; or `attribute`, and `default` for items without it.

    Raises FilterArgumentError for other arguments, when the first item is requested.
    """
    if context.environment.is_async:
        return _map_async(context, value, args, kwargs)
    return _map(context, value, args, kwargs)


def _mapping(context: Any, args: Arguments, kwargs: Keywords) -> Callable[[Any], Any] | None:
    """Return the function that `map` applies, from its arguments; None for the item itself."""
    if args:
        return call_each("filter", context, args[0], args[1:], kwargs)
    if "attribute" not in kwargs:
        raise FilterArgumentError("map needs the name of a filter, or an attribute")
    others = kwargs.keys() - {"attribute", "default"}
    if others:
        raise FilterArgumentError(f"map does not know the argument {min(others)!r}")
    return path_getter(context.environment, kwargs["attribute"], kwargs.get("default", missing))


def _map(context: Any, value: Any, args: Arguments, kwargs: Keywords) -> Iterator[Any]:
    if value:
        apply = _mapping(context, args, kwargs)
        # `yield from map(…)` would end if the filter raised StopIteration.
        for item in value:
            yield item if apply is None else apply(item)


async def _map_async(context: Any, value: Any, args: Arguments, kwargs: Keywords) -> AsyncIterator[Any]:
    if value:
        apply = _mapping(context, args, kwargs)
        async for item in auto_aiter(value):
            yield await auto_await(item if apply is None else apply(item))


def _condition(
    context: Any, args: Arguments, kwargs: Keywords, of_attribute: bool
) -> Callable[[Any], Any] | None:
    """Return the condition for an item, from a filter's arguments; None for the truth of the item."""
    get = None
    if of_attribute:
        if not args:
            raise FilterArgumentError("the name of an attribute is missing")
        get = path_getter(context.environment, args[0])
        args = args[1:]
    test = call_each("test", context, args[0], args[1:], kwargs) if args else None
    if get is None or test is None:
        return get or test
    look_up, holds = get, test
    return lambda item: holds(look_up(item))


def _choose(
    context: Any, value: Any, args: Arguments, kwargs: Keywords, of_attribute: bool, chosen: bool
) -> Iterator[Any]:
    if value:
        condition = _condition(context, args, kwargs, of_attribute)
        # Three loops instead of one, because a page that filters a list spends its time here.
        if condition is None:
            for item in value:
                if bool(item) is chosen:
                    yield item
        elif chosen:
            for item in value:
                if condition(item):
                    yield item
        else:
            for item in value:
                if not condition(item):
                    yield item


async def _choose_later(
    context: Any, value: Any, args: Arguments, kwargs: Keywords, of_attribute: bool, chosen: bool
) -> AsyncIterator[Any]:
    return _choose_async(context, value, args, kwargs, of_attribute, chosen)


async def _choose_async(
    context: Any, value: Any, args: Arguments, kwargs: Keywords, of_attribute: bool, chosen: bool
) -> AsyncIterator[Any]:
    if value:
        condition = _condition(context, args, kwargs, of_attribute) or bool
        async for item in auto_aiter(value):
            if bool(condition(item)) is chosen:
                yield item


@pass_context
@async_aware
def do_select(context: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
    """Yield the items that pass a test: `numbers|select("odd")`.

    args, kwargs: the name of a test and its arguments; by default, the items that are true.
    """
    choose = _choose_later if context.environment.is_async else _choose
    return choose(context, value, args, kwargs, False, True)


@pass_context
@async_aware
def do_reject(context: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
    """Yield the items that do not pass a test: `numbers|reject("odd")`.

    args, kwargs: the name of a test and its arguments; by default, the items that are false.
    """
    choose = _choose_later if context.environment.is_async else _choose
    return choose(context, value, args, kwargs, False, False)


@pass_context
@async_aware
def do_selectattr(context: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
    """Yield the items that have an attribute that passes a test: `users|selectattr("email", "none")`.

    args, kwargs: the attribute, the name of a test and its arguments; by default, the attribute must be true.
    """
    choose = _choose_later if context.environment.is_async else _choose
    return choose(context, value, args, kwargs, True, True)


@pass_context
@async_aware
def do_rejectattr(context: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
    """Yield the items that have an attribute that does not pass a test: `users|rejectattr("is_active")`.

    args, kwargs: the attribute, the name of a test and its arguments; by default, the attribute must be false.
    """
    choose = _choose_later if context.environment.is_async else _choose
    return choose(context, value, args, kwargs, True, False)
