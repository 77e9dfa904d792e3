"""Mutants that no test can catch, each with its reason. They do not count."""

from collections.abc import Iterator

EQUIVALENT: tuple[tuple[str, str, str, str, str, str], ...] = ()
"""(module, function, operator, before, after, reason); of texts with several lines, the first."""


def left_out() -> Iterator[tuple[str, ...]]:
    return (entry[:5] for entry in EQUIVALENT)
