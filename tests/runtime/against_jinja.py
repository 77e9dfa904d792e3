"""Compares a filter or test with Jinja2's for all values of `sides.VALUES`."""

from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

import pytest

from .sides import VALUES, OwnLookups, Side, jinjas, ours, outcome

type Arguments = Callable[[Side], tuple[tuple[Any, ...], dict[str, Any]]]

MODES: dict[str, dict[str, Any]] = {
    "plain": {},
    "autoescape": {"autoescape": True},
    "async": {"enable_async": True, "autoescape": True},
}


def args(*values: Any, **named: Any) -> Arguments:
    """Arguments with equal values for both sides. They are copied for each call, which may change them."""
    return lambda side: deepcopy((values, named))


def differences(
    kind: str, name: str, arguments: Arguments, options: dict[str, Any], known: Iterable[str] = ()
) -> list[str]:
    """Apply a filter or test to all values on both sides, and list the differences.

    known: names of values with an intended difference.
    """
    differing = []
    known = set(known)
    sides = [jinjas(**options), ours(**options), ours(OwnLookups, **options)]
    for label, make in VALUES.items():
        results = []
        for side in sides:
            positional, named = arguments(side)
            value = make(side)
            results.append(
                outcome(lambda s=side, v=value, p=positional, n=named: s.call(kind, name, v, *p, **n))
            )
        theirs, mine, own = results
        if label not in known and (mine != theirs or own != theirs):
            differing.append(f"{label}:\n  jinja2:  {theirs}\n  tmplmon: {mine}\n  without inlining: {own}")
    return differing


def check(kind: str, name: str, arguments: Arguments, mode: str, known: Iterable[str] = ()) -> None:
    """Fail with a list of all differences."""
    differing = differences(kind, name, arguments, MODES[mode], known)
    if differing:
        pytest.fail("\n".join(differing), pytrace=False)
