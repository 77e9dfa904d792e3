"""The definition of a value op, and the closure that is built from it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tmplmon.backends.closures import awaiting
from tmplmon.backends.closures.core import Builder, Closure, suspends
from tmplmon.backends.closures.frame import Frame
from tmplmon.ir import ops


@dataclass(frozen=True, slots=True)
class Definition:
    """What a value op computes.

    operands: evaluated in this order, each once.
    apply: called with the values of the operands, after the frame if `takes_frame`; returns the value of the op.
    awaits: whether the result may have to be awaited in an asynchronous environment.
    """

    operands: Sequence[ops.Op]
    apply: Callable[..., Any]
    takes_frame: bool = True
    awaits: bool = False


def built(b: Builder, definition: Definition, site: int) -> Closure:
    """The closure of a definition, for an op at a site."""
    return combined(
        b, b.values(definition.operands), definition.apply, site, definition.takes_frame, definition.awaits
    )


def combined(
    b: Builder,
    operands: Sequence[Closure],
    apply: Callable[..., Any],
    site: int,
    takes_frame: bool = True,
    awaits: bool = False,
) -> Closure:
    """A closure that evaluates operands and applies a function to their values, as in `Definition`."""
    if b.constants.is_async and (awaits or any(map(suspends, operands))):
        in_frame = apply if takes_frame else lambda f, *values: apply(*values)
        return awaiting.combined(b, operands, in_frame, site, awaits)
    return _with_frame(operands, apply, site) if takes_frame else _without_frame(operands, apply, site)


def _with_frame(operands: Sequence[Closure], apply: Callable[..., Any], site: int) -> Closure:
    match operands:
        case [only]:

            def unary(f: Frame) -> Any:
                nonlocal site
                return apply(f, only(f))

            return unary
        case [left, right]:

            def binary(f: Frame) -> Any:
                nonlocal site
                return apply(f, left(f), right(f))

            return binary

    def many(f: Frame) -> Any:
        nonlocal site
        return apply(f, *[operand(f) for operand in operands])

    return many


def _without_frame(operands: Sequence[Closure], apply: Callable[..., Any], site: int) -> Closure:
    match operands:
        case [only]:

            def unary(f: Frame) -> Any:
                nonlocal site
                return apply(only(f))

            return unary
        case [left, right]:

            def binary(f: Frame) -> Any:
                nonlocal site
                return apply(left(f), right(f))

            return binary

    def many(f: Frame) -> Any:
        nonlocal site
        return apply(*[operand(f) for operand in operands])

    return many
