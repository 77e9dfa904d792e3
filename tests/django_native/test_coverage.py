"""coverage.py reports the lines and branches of Django's templates that a person expects, on each of its
cores."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.django_native.cases import CASES, Case
from tests.django_native.conftest import MakeEngine, counting, numbers, render
from tests.effort import exhaustive_but

CORES = ("ctrace", "sysmon", "pytrace")
DEFAULT = "sysmon" if sys.version_info >= (3, 14) else "ctrace"


def test_number_of_cases() -> None:
    assert len(CASES) >= 25


@pytest.mark.parametrize("core", exhaustive_but(CORES, [DEFAULT]))
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case, core: str, engine: MakeEngine, folder: Path) -> None:
    if core == "sysmon" and sys.version_info < (3, 14):
        pytest.skip("coverage.py measures branches with sysmon from 3.14 on")
    made = engine(case.files)
    never = {name for name in case.files if name == "other.html"}
    counter = counting(folder, core)
    with counter.collect():
        for context in case.contexts:
            render(made, "page.html", **context)
    results = numbers(counter, folder)
    assert results == {name: each for name, each in case.numbers.items() if name not in never}
