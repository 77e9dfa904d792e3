"""A closure with something run before or after it, whether or not it suspends."""

from collections.abc import Generator
from typing import Any

from tmplmon.backends.closures.build import Closure, suspends
from tmplmon.backends.closures.frame import Frame


def run_before(first: Closure | None, closure: Closure) -> Closure:
    """A closure that begins with another."""
    if first is None:
        return closure
    if suspends(closure):

        def later(f: Frame) -> Generator[Any, Any, Any]:
            first(f)
            return (yield from closure(f))

        return later

    def both(f: Frame) -> Any:
        first(f)
        return closure(f)

    return both


def run_after(closure: Closure, then: Closure | None) -> Closure:
    """The value of a closure, with another run after it."""
    if then is None:
        return closure
    if suspends(closure):

        def later(f: Frame) -> Generator[Any, Any, Any]:
            held = yield from closure(f)
            then(f)
            return held

        return later

    def both(f: Frame) -> Any:
        held = closure(f)
        then(f)
        return held

    return both
