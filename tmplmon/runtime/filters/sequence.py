"""Filters for several values, which select, sort, group, join and add them.

Rule: a filter that would have to wait for the items of an asynchronous iterable looks at `is_async` first and
then gives a coroutine, whose result is what the ordinary filter makes of the collected items. Ordering
filters compare without case unless told otherwise, by `lookup.sort_key`.
"""

from collections import namedtuple
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, soft_str

from tmplmon.errors import FilterArgumentError, UndefinedError
from tmplmon.runtime.filters.lookup import fold_case, path_getter, sort_key
from tmplmon.runtime.html import escape_to_str, mark
from tmplmon.runtime.markers import (
    async_aware,
    auto_aiter,
    auto_to_list,
    pass_context,
    pass_environment,
    pass_eval_context,
)
from tmplmon.runtime.undefined import Undefined, missing

if TYPE_CHECKING:
    from tmplmon.environment import Environment

_STR = {str}
# Types without `__html__`.
_PLAIN = frozenset({str, int, float, bool, type(None)})
_NUMBERS = frozenset({int, float, bool})

# `random.choice` after the first use.
_choice: Any = None


@pass_eval_context
@async_aware
def do_list(eval_ctx: Any, value: Any) -> Any:
    """Return a list of the items; the items of a text are its characters."""
    if eval_ctx.environment.is_async:
        return auto_to_list(value)
    return list(value)


@pass_environment
@async_aware
def do_first(environment: "Environment", seq: Any) -> Any:
    """Return the first item; undefined if there is none."""
    if environment.is_async:
        return _first_async(environment, seq)
    for item in seq:
        return item
    return environment.undefined("No first item, sequence was empty.")


async def _first_async(environment: "Environment", seq: Any) -> Any:
    async for item in auto_aiter(seq):
        return item
    return environment.undefined("No first item, sequence was empty.")


@pass_environment
def do_last(environment: "Environment", seq: Any) -> Any:
    """Return the last item; undefined if there is none. Raises TypeError for a generator, which must be
    converted to a list first."""
    for item in reversed(seq):
        return item
    return environment.undefined("No last item, sequence was empty.")


@pass_context
def do_random(context: Any, seq: Any) -> Any:
    """Return a random item; undefined if there is none."""
    global _choice
    if _choice is None:
        from random import choice as _choice
    try:
        return _choice(seq)
    except IndexError:
        return context.environment.undefined("No random item, sequence was empty.")


def do_reverse(value: Any) -> Any:
    """Return a text backwards, or an iterator over the items from the last to the first.

    Raises FilterArgumentError if the value is not iterable.
    """
    if isinstance(value, str):
        return value[::-1]
    try:
        return reversed(value)
    except TypeError:
        try:
            return list(value)[::-1]
        except TypeError as error:
            raise FilterArgumentError("reverse needs something that can be iterated over") from error


def do_items(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the pairs of key and value of a mapping; none for an undefined value.

    Raises TypeError for any other value.
    """
    if isinstance(value, Undefined):
        return
    if not isinstance(value, Mapping):
        raise TypeError("items needs a mapping")
    yield from value.items()


def do_dictsort(
    value: Any, case_sensitive: bool = False, by: str = "key", reverse: bool = False
) -> list[tuple[Any, Any]]:
    """Return the sorted pairs of key and value of a mapping.

    case_sensitive: distinguish upper and lower case.
    by: sort by 'key' or by 'value'.
    reverse: sort in descending order.

    Raises FilterArgumentError for another value of `by`.
    """
    part = 0 if by == "key" else 1 if by == "value" else None
    if part is None:
        raise FilterArgumentError("dictsort sorts by 'key' or by 'value'")

    def folded(pair: Any) -> Any:
        it = pair[part]
        return it.lower() if isinstance(it, str) else it

    key = itemgetter(part) if case_sensitive else folded
    pairs = list(value.items())
    try:
        return sorted(pairs, key=key, reverse=reverse)
    except (TypeError, UndefinedError) as error:
        from tmplmon.runtime.filters.explain import incomparable

        values = [pair[part] for pair in pairs]
        raise incomparable("dictsort", error, values, [(None, list(map(key, pairs)))]) from error


@pass_environment
def do_sort(
    environment: "Environment",
    value: Any,
    reverse: bool = False,
    case_sensitive: bool = False,
    attribute: Any = None,
) -> list[Any]:
    """Return the sorted items. Items that are equal keep their order.

    reverse: sort in descending order.
    case_sensitive: distinguish upper and lower case.
    attribute: sort by this attribute of the items, or by several: `"age,name"`.

    Raises TypeError if two items cannot be compared.
    """
    if attribute is None:
        items = value if type(value) is list else list(value)
        kinds = set(map(type, items))
        if kinds <= _NUMBERS:
            return sorted(items, reverse=reverse)
        if kinds == _STR:
            return sorted(items, key=None if case_sensitive else str.lower, reverse=reverse)
        value = items
    else:
        value = value if type(value) is list else list(value)
    paths = attribute.split(",") if isinstance(attribute, str) else [attribute]
    keys = [sort_key(environment, path, case_sensitive) for path in paths]
    # A list of keys even if there is only one: lists of equal items are equal, so that equal items without an order
    # (several None) can be sorted.
    key: Any
    if len(keys) == 1:
        get = keys[0]
        key = (lambda item: [item]) if get is None else (lambda item: [get(item)])
    else:
        key = lambda item: [item if get is None else get(item) for get in keys]  # noqa: E731
    try:
        return sorted(value, key=key, reverse=reverse)
    except (TypeError, UndefinedError) as error:
        from tmplmon.runtime.filters.explain import incomparable

        values = zip(*map(key, value), strict=True)
        raise incomparable("sort", error, value, list(zip(paths, values, strict=False))) from error


@pass_environment
@async_aware
def do_unique(
    environment: "Environment", value: Any, case_sensitive: bool = False, attribute: Any = None
) -> Any:
    """Yield the items, without those that are equal to an earlier one.

    case_sensitive: distinguish upper and lower case.
    attribute: compare this attribute of the items.

    Raises TypeError if an item is not hashable.
    """
    if environment.is_async:
        return _unique_async(environment, value, case_sensitive, attribute)
    return _unique(environment, value, case_sensitive, attribute)


def _unique(environment: "Environment", value: Any, case_sensitive: bool, attribute: Any) -> Iterator[Any]:
    key = sort_key(environment, attribute, case_sensitive)
    seen = set()
    for item in value:
        compared = item if key is None else key(item)
        try:
            if compared in seen:
                continue
            seen.add(compared)
        except TypeError as error:
            from tmplmon.runtime.filters.explain import not_hashable

            raise not_hashable(error, item, compared, attribute) from error
        yield item


async def _unique_async(
    environment: "Environment", value: Any, case_sensitive: bool, attribute: Any
) -> Iterator[Any]:
    return _unique(environment, await auto_to_list(value), case_sensitive, attribute)


def _extreme(environment: "Environment", value: Any, pick: Any, case_sensitive: bool, attribute: Any) -> Any:
    items = value if type(value) is list or type(value) is tuple else list(iter(value))
    if not items:
        return environment.undefined("No aggregated item, sequence was empty.")
    if attribute is None:
        kinds = set(map(type, items))
        if kinds <= _NUMBERS:
            return pick(items)
        if kinds == _STR:
            return pick(items, key=None if case_sensitive else str.lower)
    key = sort_key(environment, attribute, case_sensitive)
    try:
        return pick(items, key=key)
    except (TypeError, UndefinedError) as error:
        from tmplmon.runtime.filters.explain import incomparable

        values = items if key is None else list(map(key, items))
        raise incomparable(pick.__name__, error, items, [(attribute, values)]) from error


@pass_environment
def do_min(
    environment: "Environment", value: Any, case_sensitive: bool = False, attribute: Any = None
) -> Any:
    """Return the smallest item; undefined if there is none.

    case_sensitive: distinguish upper and lower case.
    attribute: compare this attribute of the items.

    Raises TypeError if two items cannot be compared.
    """
    return _extreme(environment, value, min, case_sensitive, attribute)


@pass_environment
def do_max(
    environment: "Environment", value: Any, case_sensitive: bool = False, attribute: Any = None
) -> Any:
    """Return the greatest item; undefined if there is none.

    case_sensitive: distinguish upper and lower case.
    attribute: compare this attribute of the items.

    Raises TypeError if two items cannot be compared.
    """
    return _extreme(environment, value, max, case_sensitive, attribute)


@pass_environment
@async_aware
def do_sum(environment: "Environment", iterable: Any, attribute: Any = None, start: Any = 0) -> Any:
    """Return the sum of the items.

    attribute: add this attribute of the items.
    start: the number to which the items are added; the result if there are no items.
    """
    if environment.is_async:
        return _sum_async(environment, iterable, attribute, start)
    get = path_getter(environment, attribute)
    iterator = iter(iterable)
    if isinstance(start, str | bytes | bytearray):
        sum((), start)  # raises the usual TypeError
    items = iterable if type(iterable) is list else list(iterator)
    try:
        return sum(items if get is None else map(get, items), start)
    except TypeError as error:
        from tmplmon.runtime.filters.explain import not_added

        raise not_added(error, items, get, attribute, start) from error


async def _sum_async(environment: "Environment", iterable: Any, attribute: Any, start: Any) -> Any:
    # Not by `sum`, which adds floats more precisely and does not accept texts.
    get = path_getter(environment, attribute)
    total = start
    async for item in auto_aiter(iterable):
        try:
            total += item if get is None else get(item)
        except TypeError as error:
            from tmplmon.runtime.filters.explain import not_added

            raise not_added(error, [item], get, attribute, total) from error
    return total


@pass_eval_context
@async_aware
def do_join(eval_ctx: Any, value: Any, d: Any = "", attribute: Any = None) -> Any:
    """Join the texts of the items.

    d: the text between two items.
    attribute: join this attribute of the items.

    With autoescaping, if an item or `d` is markup, the result is markup and all others are escaped.
    """
    if attribute is None and type(d) is str and (type(value) is list or type(value) is tuple):
        # The common case: plain texts.
        for item in value:
            if type(item) is not str:
                break
        else:
            if not eval_ctx.environment.is_async:
                return d.join(value)
    if eval_ctx.environment.is_async:
        return _join_async(eval_ctx, value, d, attribute)
    return _join(eval_ctx, value, d, attribute)


async def _join_async(eval_ctx: Any, value: Any, d: Any, attribute: Any) -> str:
    return _join(eval_ctx, await auto_to_list(value), d, attribute)


def _join(eval_ctx: Any, value: Any, d: Any, attribute: Any) -> str:
    if attribute is not None:
        get = path_getter(eval_ctx.environment, attribute)
        if get is not None:
            value = map(get, value)
    if not eval_ctx.autoescape:
        return str(d).join(map(str, value))
    if type(d) is str:
        items = list(value)
        kinds = set(map(type, items))
        if kinds == _STR:
            return d.join(items)
        if kinds <= _PLAIN:
            return d.join(map(str, items))
    elif hasattr(d, "__html__"):
        # A separator that is markup escapes the items.
        if type(d) is Markup:
            return mark(str(d).join([escape_to_str(soft_str(item)) for item in value]))
        return soft_str(d).join(map(soft_str, value))
    else:
        items = list(value)
    if any(hasattr(item, "__html__") for item in items):
        return mark(str.join(escape_to_str(d), map(_part, items)))
    return str(d).join(map(str, items))


def _part(item: Any) -> str:
    """Return the HTML of an item of a joined text: that of its `__html__`, or its escaped text."""
    return escape_to_str(item if hasattr(item, "__html__") else str(item))


@pass_eval_context
@async_aware
def do_slice(eval_ctx: Any, value: Any, slices: int, fill_with: Any = None) -> Any:
    """Divide the items into lists of about the same length, the longer ones first: the columns of a page.

    slices: the number of lists.
    fill_with: a value that is appended to the shorter lists; None for none.

    Raises ZeroDivisionError if `slices` is 0.
    """
    if eval_ctx.environment.is_async:
        return _slice_async(value, slices, fill_with)
    return _slice(value, slices, fill_with)


def _slice(value: Any, slices: int, fill_with: Any) -> Iterator[list[Any]]:
    items = list(value)
    # Not `divmod`, which undefined values do not support: their own error says what is undefined.
    length, longer = len(items) // slices, len(items) % slices
    end = 0
    for number in range(slices):
        begin = end
        end += length + (number < longer)
        part = items[begin:end]
        if fill_with is not None and number >= longer:
            part.append(fill_with)
        yield part


async def _slice_async(value: Any, slices: int, fill_with: Any) -> Iterator[list[Any]]:
    return _slice(await auto_to_list(value), slices, fill_with)


def do_batch(value: Iterable[Any], linecount: int, fill_with: Any = None) -> Iterator[list[Any]]:
    """Divide the items into lists of the same length: the rows of a table.

    linecount: the length of a list.
    fill_with: a value with which the last list is filled; None to leave it shorter.
    """
    batch: list[Any] = []
    for item in value:
        if len(batch) == linecount:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        if fill_with is not None and len(batch) < linecount:
            batch += [fill_with] * (linecount - len(batch))
        yield batch


class GroupTuple(namedtuple("GroupTuple", ("grouper", "list"))):
    """A group: `grouper` is the value that its items have in common, `list` the items. It prints as a tuple."""

    __slots__ = ()
    __repr__ = tuple.__repr__
    __str__ = tuple.__str__


@pass_environment
@async_aware
def do_groupby(
    environment: "Environment",
    value: Any,
    attribute: Any,
    default: Any = missing,
    case_sensitive: bool = False,
) -> Any:
    """Sort the items by an attribute, and group those for which it is the same.

    attribute: the attribute.
    default: the value for items without the attribute, which may be none.
    case_sensitive: distinguish upper and lower case. Otherwise `grouper` is the value of the group's first item.

    Raises TypeError if two values of the attribute cannot be compared.
    """
    if environment.is_async:
        return _groupby_async(environment, value, attribute, default, case_sensitive)
    return _groupby(environment, value, attribute, default, case_sensitive)


async def _groupby_async(
    environment: "Environment", value: Any, attribute: Any, default: Any, case_sensitive: bool
) -> list[GroupTuple]:
    items = await auto_to_list(value)
    return _groupby(environment, items, attribute, default, case_sensitive)


def _groupby(
    environment: "Environment", value: Any, attribute: Any, default: Any, case_sensitive: bool
) -> list[GroupTuple]:
    get = path_getter(environment, attribute, default)
    names = [(item if get is None else get(item), item) for item in value]
    keyed = [(name if case_sensitive else fold_case(name), name, item) for name, item in names]
    compared = itemgetter(0)
    try:
        # None is equal to None, but not comparable with it. Lists of equal items are equal.
        keyed = sorted(keyed, key=(lambda each: [each[0]]) if default is None else compared)
    except (TypeError, UndefinedError) as error:
        from tmplmon.runtime.filters.explain import incomparable

        items, values = [item for *_, item in keyed], [key for key, *_ in keyed]
        raise incomparable("groupby", error, items, [(attribute, values)]) from error
    groups = []
    for _, members in groupby(keyed, compared):
        group = list(members)
        groups.append(GroupTuple(group[0][1], [item for _, _, item in group]))
    return groups
