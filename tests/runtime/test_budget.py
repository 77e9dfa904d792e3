"""A budget without a template: slices, clocks, nesting, and its consumption."""

from collections.abc import Iterator
from typing import Any

import pytest

from tmplmon.errors import (
    DepthLimitExceeded,
    FuelExhausted,
    OutputLimitExceeded,
    RenderCancelled,
    TimeLimitExceeded,
)
from tmplmon.runtime import budget as budgets
from tmplmon.runtime.budget import Budget, Limits, Spending, budget_of, current, spend, within


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    time = [100.0]
    monkeypatch.setattr(budgets, "monotonic", lambda: time[0])
    return time


@pytest.mark.parametrize(
    "make", [lambda **limits: Budget(**limits), lambda **limits: budget_of(Limits(**limits))]
)
def test_the_first_slice(make: Any) -> None:
    """At most 500 units of fuel and 2**28 characters; less if the limit is lower."""
    for fuel, left in ((None, 500), (0, 0), (499, 499), (500, 500), (501, 500)):
        assert make(fuel=fuel).left == left
    for output, room in ((None, 1 << 28), (0, 0), (7, 7), (1 << 28, 1 << 28), ((1 << 28) + 1, 1 << 28)):
        assert make(output=output).room == room
    budget = make()
    assert (budget.depth, budget.deepest, budget.counted, budget.output) == (0, 0, 0, None)
    assert budget.spent == Spending(0, 0, 0.0, 0)
    assert budget.cancelled is False


def test_slices_of_fuel() -> None:
    budget = Budget(fuel=1100)
    for charge, left, spent in ((500, 0, 500), (1, 500, 501), (500, 0, 1001), (1, 98, 1002), (98, 0, 1100)):
        budget.charge(charge)
        assert (budget.left, budget.spent.fuel) == (left, spent)
    with pytest.raises(FuelExhausted, match="more than 1100") as raised:
        budget.charge(1)
    assert raised.value.spent.fuel == budget.spent.fuel == 1100
    assert budget.left == 0
    with pytest.raises(FuelExhausted):
        budget.charge(1)


def test_a_charge_larger_than_a_slice() -> None:
    budget = Budget(fuel=2000)
    budget.charge(1200)
    assert (budget.left, budget.spent.fuel) == (500, 1200)
    with pytest.raises(FuelExhausted):
        budget.charge(801)
    budget = Budget(fuel=2000)
    budget.charge(2000)
    assert (budget.left, budget.spent.fuel) == (0, 2000)


def test_without_a_limit_of_fuel() -> None:
    budget = Budget()
    budget.charge(501)
    assert (budget.left, budget.spent.fuel) == (500, 501)
    budget.charge(10_000_500)
    assert budget.spent.fuel == 10_001_001
    with pytest.raises(FuelExhausted, match="too much at once"):
        budget.charge(10_000_501)


def test_chunks_are_counted_once() -> None:
    budget = Budget(output=10)
    budget.output = []
    budget.tally()
    assert (budget.room, budget.counted, budget.output) == (10, 0, [])
    budget.output.append("abc")
    budget.tally()
    budget.tally()
    assert (budget.room, budget.counted, budget.output) == (7, 1, ["abc"])
    budget.output += ["de", "", "f"]
    budget.tally()
    # They have been joined.
    assert (budget.room, budget.counted, budget.output) == (4, 2, ["abc", "def"])
    budget.output.append("ghij")
    budget.tally()
    assert (budget.room, budget.spent.output) == (0, 10)
    budget.output.append("k")
    with pytest.raises(OutputLimitExceeded, match="more than 10 characters of output"):
        budget.tally()
    assert budget.spent.output == 10


def test_values_that_are_not_text_count_as_one_character() -> None:
    budget = Budget(output=10)
    budget.output = ["abc", 5, None]
    budget.tally()
    assert (budget.room, budget.counted, budget.output) == (5, 3, ["abc", 5, None])
    budget.output += [[1, 2, 3]]
    budget.tally()
    assert budget.counted == 4


def test_long_output_costs_fuel() -> None:
    for length, fuel in ((4096, 0), (4097, 1), (8191, 1), (8192, 2)):
        budget = Budget()
        budget.output = ["a" * length]
        budget.tally()
        assert (500 - budget.left, budget.room) == (fuel, (1 << 28) - length)


def test_output_is_counted_when_fuel_is_used_up() -> None:
    budget = Budget(output=5)
    budget.output = ["a" * 6]
    budget.charge(500)
    with pytest.raises(OutputLimitExceeded):
        budget.charge(1)


def test_depth() -> None:
    budget = Budget(depth=2)
    budget.check_entry(1)
    budget.check_entry(2)
    assert budget.deepest == 2
    budget.check_entry(1)
    assert budget.deepest == 2
    for has_function in (True, False):
        with pytest.raises(DepthLimitExceeded, match="more than 2 scopes") as raised:
            budget.check_entry(3, has_function)
        assert raised.value.is_outside is has_function
    with pytest.raises(DepthLimitExceeded) as raised:
        Budget(depth=0).check_entry(1)
    assert raised.value.is_outside is False


def test_seconds(now: list[float]) -> None:
    budget = Budget(seconds=5)
    budget.check_entry(1)
    now[0] += 2
    assert budget.spent.seconds == 2
    budget.stop()
    budget.stop()
    now[0] += 50
    assert budget.spent.seconds == 2
    budget.start()
    now[0] += 2.5
    budget.check()
    assert budget.spent.seconds == 4.5
    now[0] += 0.5
    with pytest.raises(TimeLimitExceeded, match="longer than 5 s") as raised:
        budget.check()
    assert raised.value.spent.seconds == 5
    budget.stop()
    with pytest.raises(TimeLimitExceeded):
        budget.check_entry(1)


def test_cancelled() -> None:
    budget = Budget()
    budget.check()
    budget.cancel()
    assert budget.cancelled
    with pytest.raises(RenderCancelled):
        budget.check()
    with pytest.raises(RenderCancelled):
        budget.check_entry(1)
    budget.check_entry(2)  # only the outermost scope checks


def test_nested_budgets() -> None:
    outer, inner = Budget(), Budget()
    with outer as entered:
        assert entered is current.get() is outer
        with inner:
            assert current.get() is inner
            with inner:
                assert current.get() is inner
            assert current.get() is inner
        assert current.get() is outer
    assert current.get() is None


def test_texts_of_1024_characters_are_paid_for() -> None:
    spend(10**9)  # without an active budget, nothing is charged
    for size, fuel in ((1023, 0), (1024, 16), (1087, 16), (1088, 17), (6400, 100)):
        with Budget() as budget:
            spend(size)
        assert budget.spent.fuel == fuel


def test_limits() -> None:
    assert Limits() == Limits(None, None, None, None)
    assert Limits(seconds=0, fuel=0, output=0, depth=0).seconds == 0
    for name in ("fuel", "output", "depth", "seconds"):
        for wrong in ("1", True, [], 1j):
            with pytest.raises(TypeError, match=f"the limit '{name}' must be a number or None"):
                Limits(**{name: wrong})
        with pytest.raises(ValueError, match=f"the limit '{name}' must not be negative: -1"):
            Limits(**{name: -1})
    for name in ("fuel", "output", "depth"):
        with pytest.raises(TypeError):
            Limits(**{name: 1.0})
    with pytest.raises(ValueError, match="nan"):
        Limits(seconds=float("nan"))
    assert Budget(Limits(fuel=1, depth=2), fuel=3).limits == Limits(fuel=3, depth=2)
    assert repr(Budget(fuel=3)).startswith("<Budget Limits(fuel=3, output=None, ")


def test_each_chunk_is_created_with_the_budget() -> None:
    seen: list[Any] = []

    def pieces() -> Iterator[int]:
        try:
            for number in range(3):
                seen.append((number, current.get()))
                yield number
        finally:
            seen.append(("end", current.get()))

    budget = Budget()
    for number in within(budget, pieces()):
        assert current.get() is None
        if number == 1:
            break
    assert seen == [(0, budget), (1, budget), ("end", budget)]
    assert list(within(budget, iter(pieces()))) == [0, 1, 2]


def test_slices_of_output_are_added_up() -> None:
    budget = Budget(output=(1 << 28) + 5)
    budget.room = -3
    budget.more_room()
    assert budget.room == 2
    budget.room = -1
    with pytest.raises(OutputLimitExceeded):
        budget.more_room()


def test_a_task_keeps_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each further task gets a share of its own. Code outside of tasks uses the budget that it has."""
    tasks = iter(["first", "second", "second", "third", None])
    monkeypatch.setattr(budgets, "_task", lambda: next(tasks))
    budget = Budget()
    assert budget.of_this_task() is budget
    share = budget.of_this_task()
    assert share is not budget
    assert share.of_this_task() is share
    assert share.of_this_task() not in (budget, share)
    assert share.of_this_task() is share
