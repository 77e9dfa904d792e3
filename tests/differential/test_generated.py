"""Generated templates give the same on both engines.

Each run draws the same templates. TMPLMON_EXAMPLES=20000 draws so many, new ones each time.
"""

import os

import pytest
from cases.casefile import Case
from effort import examples as fixed_examples
from hypothesis import HealthCheck, given, settings

from .compare import difference
from .generate import site

EXAMPLES = int(os.environ.get("TMPLMON_EXAMPLES", "0"))
pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")


def examples(number: int) -> settings:
    if not EXAMPLES:
        return fixed_examples(number)
    return settings(
        max_examples=EXAMPLES, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )


def check(case: Case, **how: bool) -> None:
    report = difference(case, **how)
    assert report is None, report


@examples(500)
@given(case=site(depth=1))
def test_shallow(case: Case) -> None:
    check(case)


@examples(600)
@given(case=site(depth=3))
def test_nested(case: Case) -> None:
    check(case)


@examples(300)
@given(case=site(depth=2))
def test_in_an_async_environment(case: Case) -> None:
    check(case, enable_async=True)
