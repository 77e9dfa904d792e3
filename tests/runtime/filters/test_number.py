"""Number filters on generated numbers."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ..sides import jinjas, ours, outcome

SIDES = [jinjas(), ours()]
NUMBERS = st.integers(-(10**30), 10**30) | st.floats() | st.booleans()
DIGITS = st.text(alphabet="0123456789abcdefxob._+-e ∞", max_size=8)


def same(name: str, value: Any, *args: Any) -> None:
    theirs, mine = (outcome(lambda s=side: s.call("filter", name, value, *args)) for side in SIDES)
    assert mine == theirs


@given(NUMBERS, st.integers(-20, 20), st.sampled_from(["common", "ceil", "floor", "up"]))
def test_round(value: Any, precision: int, method: str) -> None:
    same("round", value, precision, method)


@given(NUMBERS | DIGITS, st.booleans())
def test_filesizeformat(value: Any, binary: bool) -> None:
    same("filesizeformat", value, binary)


@given(st.integers(0, 30), st.sampled_from([-1, 0, 1]), st.booleans())
def test_filesizeformat_around_its_units(power: int, more: int, binary: bool) -> None:
    base = 1024 if binary else 10
    same("filesizeformat", base**power + more, binary)


@given(NUMBERS | DIGITS, st.sampled_from([0, None, 7]), st.integers(0, 37))
def test_int(value: Any, default: Any, base: int) -> None:
    same("int", value, default, base)


@given(NUMBERS | DIGITS, st.sampled_from([0.0, None]))
def test_float(value: Any, default: Any) -> None:
    same("float", value, default)
