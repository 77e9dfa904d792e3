"""How much of the suite a run does.

A plain run leaves out what another test or another value of one axis shows as well: tests marked `exhaustive`, most
examples of generated tests, and every row but each n-th of the large tables. The option ``--all`` runs everything.
"""

import os
from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, settings

VARIABLE = "TMPLMON_ALL_TESTS"
"""Set by ``--all``; in the environment, so that the workers of pytest-xdist see it when they import the tests."""

exhaustive = pytest.mark.exhaustive


def runs_everything() -> bool:
    return VARIABLE in os.environ


def examples(number: int, least: int = 25) -> settings:
    """So many examples of a generated test with ``--all``, a tenth otherwise; the same ones in every run."""
    return settings(
        max_examples=number if runs_everything() else max(number // 10, least),
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def every[T](step: int, rows: Iterable[T]) -> list[T]:
    """All rows with ``--all``, each `step`-th otherwise."""
    rows = list(rows)
    return rows if runs_everything() else rows[::step]


def exhaustive_but[T](rows: Iterable[T], kept: Iterable[T]) -> list[object]:
    """Parameters of a test, of which a plain run takes those in `kept`."""
    chosen = list(kept)
    params = []
    for row in rows:
        values = row if isinstance(row, tuple) else (row,)
        params.append(pytest.param(*values, marks=() if row in chosen else exhaustive))
    return params
