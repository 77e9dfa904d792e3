"""The filter `attr`: it reads attributes only, computes them once, and follows the rules of the environment."""

from typing import Any

import pytest

from tmplmon.runtime.undefined import Undefined

from ..sides import Environment, OwnLookups, describe, jinjas, ours


class Counting:
    """Counts the computations of its property."""

    def __init__(self, error: type[Exception] | None = None) -> None:
        self.error = error
        self.count = 0

    @property
    def value(self) -> int:
        self.count += 1
        if self.error:
            raise self.error
        return self.count

    def __getitem__(self, name: str) -> str:
        if name == "nothing":
            raise KeyError(name)
        return f"item {name}"


class Slots:
    __slots__ = ("value",)


class Intercepting:
    """Hides an attribute of its class."""

    value = 3

    def __getattribute__(self, name: str) -> Any:
        if name == "value":
            raise AttributeError(name)
        return object.__getattribute__(self, name)


@pytest.mark.parametrize("error", [None, AttributeError])
def test_property_is_computed_once(error: type[Exception] | None) -> None:
    value = Counting(error)
    result = ours().call("filter", "attr", value, "value")
    assert value.count == 1
    assert result == ("item value" if error else 1)


@pytest.mark.parametrize("name", ["value", "nothing", "other", "__class__", "__name__", "mro"])
@pytest.mark.parametrize(
    "make",
    [Counting, lambda: Counting(AttributeError), Slots, Intercepting, lambda: Slots, dict, lambda: pytest],
)
@pytest.mark.parametrize("environment", [Environment, OwnLookups])
def test_as_jinja(make: Any, name: str, environment: type[Environment]) -> None:
    results = [describe(side.call("filter", "attr", make(), name)) for side in (jinjas(), ours(environment))]
    assert results[0] == results[1]


def test_items_are_not_attributes() -> None:
    assert isinstance(ours().call("filter", "attr", {"key": 1}, "key"), Undefined)
