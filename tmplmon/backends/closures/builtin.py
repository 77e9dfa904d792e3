"""Functions for the stock filters and tests that are inlined instead of called.

`ir.facts` says which ones are inlined, and how. Only stock functions are. The result is a pair: the operands, and
the function that computes the value from theirs.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tmplmon.ir import facts, ops
from tmplmon.runtime.undefined import Undefined

type Inline = tuple[Sequence[ops.Op], Callable[..., Any]]

_CLASSES: dict[str, type[Any]] = {"Undefined": Undefined, "str": str, "float": float}
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "is": operator.is_,
    "in": lambda value, items: value in items,
}


def inline_filter(
    op: ops.Filter, filters: Mapping[str, Callable[..., Any]], longest: int | None
) -> Inline | None:
    """The operands and function of a stock filter, or None if the filter has to be called.

    filters: the environment's filters by name. longest: the length of a text for which the filter is not called;
        None for any length.
    """
    inline = facts.inline_filter(op)
    if inline is None:
        return None
    if inline.kind == "default":
        return inline.operands, _default_or_false if inline.detail else _default
    method, stock = getattr(str, inline.detail), filters[op.name]

    def text(value: Any) -> Any:
        return method(value) if type(value) is str else stock(value)

    if longest is None:
        return inline.operands, text

    def short_text(value: Any) -> Any:
        return method(value) if type(value) is str and len(value) <= longest else stock(value)

    return inline.operands, short_text


def _default(value: Any, default: Any) -> Any:
    return default if isinstance(value, Undefined) else value


def _default_or_false(value: Any, default: Any) -> Any:
    return default if isinstance(value, Undefined) or not value else value


def inline_test(op: ops.Test) -> Inline | None:
    """The operands and function of a stock test, or None if the test has to be called."""
    inline = facts.inline_test(op)
    return None if inline is None else ([op.value, *op.arguments.args], _test(*inline))


def _test(kind: str, detail: Any) -> Callable[..., Any]:
    """The function for a row of `facts.INLINE_TESTS`."""
    match kind:
        case "instance":
            cls = _CLASSES[detail]
            return lambda value: isinstance(value, cls)
        case "not instance":
            cls = _CLASSES[detail]
            return lambda value: not isinstance(value, cls)
        case "is":
            return lambda value: value is detail
        case "remainder":
            divisor, remainder = detail
            if divisor is None:
                return lambda value, by: value % by == remainder
            return lambda value: value % divisor == remainder
        case _:
            return _COMPARE[detail]
