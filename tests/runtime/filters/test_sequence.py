"""Sequence filters on generated sequences, which they must not change."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from tmplmon.runtime.filters.sequence import GroupTuple, do_batch
from tmplmon.runtime.undefined import Undefined

from ..sides import Once, describe, jinjas, ours, outcome

SIDES = [jinjas(), ours()]
SAFE = [jinjas(autoescape=True), ours(autoescape=True)]

ITEMS = st.sampled_from(
    ["a", "A", "b", "B", "ß", "", Markup("a"), 1, 1.0, True, 0, -2.5, float("nan"), None, (1,)]
)
LISTS = st.lists(ITEMS, max_size=7)
ROWS = st.lists(st.fixed_dictionaries({}, optional={"k": ITEMS, "j": ITEMS}), max_size=6)


def same(name: str, value: Any, *args: Any, sides: Any = SIDES, **kwargs: Any) -> None:
    theirs, mine = (outcome(lambda s=side: s.call("filter", name, value, *args, **kwargs)) for side in sides)
    assert mine == theirs


@pytest.mark.parametrize("name", ["sort", "unique", "min", "max"])
@given(value=LISTS, sensitive=st.booleans())
def test_order(name: str, value: list[Any], sensitive: bool) -> None:
    same(name, value, case_sensitive=sensitive)


@pytest.mark.parametrize("name", ["unique", "min", "max", "groupby"])
@given(value=ROWS, sensitive=st.booleans())
def test_order_by_attribute(name: str, value: list[Any], sensitive: bool) -> None:
    same(name, value, attribute="k", case_sensitive=sensitive)


@given(ROWS, st.booleans(), st.booleans(), st.sampled_from(["k", "k,j", "j,k", "k.x", "k,,j", "", 0]))
def test_sort_by_attributes(value: list[Any], reverse: bool, sensitive: bool, attribute: Any) -> None:
    same("sort", value, reverse, sensitive, attribute)


@given(LISTS, st.sampled_from(["", ", ", "<", Markup("<"), 3]))
def test_join(value: list[Any], delimiter: Any) -> None:
    same("join", value, delimiter)
    same("join", value, delimiter, sides=SAFE)


@pytest.mark.parametrize("name", ["slice", "batch"])
@given(value=LISTS, count=st.integers(-2, 9), fill=st.sampled_from([None, "-"]))
def test_division(name: str, value: list[Any], count: int, fill: Any) -> None:
    same(name, value, count, fill)


@given(st.lists(st.integers() | st.floats(), max_size=6), st.integers() | st.floats())
def test_sum(value: list[Any], start: Any) -> None:
    same("sum", value, None, start)


@pytest.mark.parametrize(
    "value", [[1, 2, 3], "text", (1,), range(9), "", [], {1: "a"}, {"a": 1}, 3, None, Once(1)]
)
def test_random(value: Any) -> None:
    results = []
    for side in SIDES:
        random.seed(7)
        results.append(outcome(lambda s=side: s.call("filter", "random", value)))
    assert results[0] == results[1]


LAZY: dict[str, Callable[..., Any]] = {
    "batch": lambda side, value: side.call("filter", "batch", value, 2),
    "unique": lambda side, value: side.call("filter", "unique", value),
    "map": lambda side, value: side.call("filter", "map", value, "upper"),
    "map attribute": lambda side, value: side.call("filter", "map", value, attribute="x"),
    "select": lambda side, value: side.call("filter", "select", value, "defined"),
    "reject": lambda side, value: side.call("filter", "reject", value),
}


@pytest.mark.parametrize("name", LAZY)
@pytest.mark.parametrize("side", SIDES, ids=["jinja2", "tmplmon"])
def test_lazy(name: str, side: Any) -> None:
    """Items are taken only when they are needed."""
    taken = []

    def items() -> Iterator[str]:
        for item in ["", "a", "", "b", "", "c"]:
            taken.append(item)
            yield item

    result = LAZY[name](side, items())
    assert taken == []
    next(result)
    assert len(taken) < 4


@pytest.mark.parametrize(
    "name", ["sort", "dictsort", "unique", "list", "slice", "batch", "groupby", "reverse", "join"]
)
def test_the_value_is_not_changed(name: str) -> None:
    value: Any = {"b": 1, "a": 2} if name == "dictsort" else ["b", "C", "a", "b"]
    before = describe(value)
    args = {"slice": (3, "x"), "batch": (3, "x"), "groupby": (0,)}.get(name, ())
    result = ours().call("filter", name, value, *args)
    assert describe(value) == before
    assert [type(part) for part in result] and result is not value


def test_groups_print_as_tuples() -> None:
    (group,) = ours().call("filter", "groupby", [{"k": 1}], "k")
    assert isinstance(group, GroupTuple)
    assert (group.grouper, group.list) == (1, [{"k": 1}]) == group
    assert repr(group) == str(group) == f"{group}" == "(1, [{'k': 1}])"


def test_undefined_values_have_the_class_of_the_environment() -> None:
    class Own(Undefined):
        pass

    side = ours(undefined=Own)
    for name in ("first", "last", "min", "max", "random"):
        assert type(side.call("filter", name, [])) is Own
    assert type(next(side.call("filter", "map", [1], attribute="x"))) is Own


@pytest.mark.parametrize(
    ("items", "batches"),
    [("ab", [["a", "b", "x"]]), ("abc", [["a", "b", "c"]]), ("abcd", [["a", "b", "c"], ["d", "x", "x"]])],
)
def test_only_the_last_batch_is_filled(items: str, batches: list[list[str]]) -> None:
    assert list(do_batch(items, 3, "x")) == batches
