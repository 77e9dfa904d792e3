"""What a value op consists of: its operands, and what is done with their values; and the closure for that."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tmplmon.backends.closures import awaiting
from tmplmon.backends.closures.core import Builder, Closure, suspends
from tmplmon.backends.closures.frame import Frame
from tmplmon.ir import ops


@dataclass(frozen=True, slots=True)
class Parts:
    """The definition of an op. `awaits`: in an asynchronous environment the result may have to be awaited."""

    operands: Sequence[ops.Op]
    apply: Callable[..., Any]
    awaits: bool = False


def combined(
    b: Builder, operands: Sequence[Closure], apply: Callable[..., Any], site: int, awaits: bool = False
) -> Closure:
    """A closure that evaluates operands and applies a function to the frame and their values."""
    if b.constants.is_async and (awaits or any(map(suspends, operands))):
        return awaiting.combined(b, operands, apply, site, awaits)
    match operands:
        case []:

            def nullary(f: Frame) -> Any:
                nonlocal site
                return apply(f)

            return nullary
        case [a]:

            def unary(f: Frame) -> Any:
                nonlocal site
                return apply(f, a(f))

            return unary
        case [a, c]:

            def binary(f: Frame) -> Any:
                nonlocal site
                return apply(f, a(f), c(f))

            return binary

    def many(f: Frame) -> Any:
        nonlocal site
        return apply(f, *[operand(f) for operand in operands])

    return many
