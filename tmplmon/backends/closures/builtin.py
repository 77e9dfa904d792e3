"""The stock filters and tests that are done in place instead of called.

Rule: only where the table has the stock function, and only what gives the same result for every value: the common
type is served in place, the function serves the rest. Each row is (operands, what is done with their values).
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tmplmon.backends.closures.frame import Frame
from tmplmon.ir import ops
from tmplmon.runtime.undefined import Undefined

type Inline = tuple[Sequence[ops.Op], Callable[..., Any]]


def inline_filter(op: ops.Filter, filters: Mapping[str, Callable[..., Any]]) -> Inline | None:
    """What a stock filter does, or None where it is to be called."""
    arguments = op.arguments
    if not arguments.simple or arguments.kwargs:
        return None
    method = _TEXT_METHODS.get(op.name)
    if method is not None and not arguments.args:
        called = filters[op.name]

        def text(f: Frame, value: Any) -> Any:
            return method(value) if type(value) is str else called(value)

        return [op.value], text
    if op.name in ("default", "d") and len(arguments.args) <= 1:
        default = arguments.args[0] if arguments.args else ops.Const("", op.site)
        return [op.value, default], _default
    return None


_TEXT_METHODS: dict[str, Callable[[str], str]] = {
    "upper": str.upper,
    "lower": str.lower,
    "capitalize": str.capitalize,
}


def _default(f: Frame, value: Any, otherwise: Any) -> Any:
    return otherwise if isinstance(value, Undefined) else value


def inline_test(op: ops.Test) -> Inline | None:
    """What a stock test does, or None where it is to be called."""
    arguments = op.arguments
    if not arguments.simple or arguments.kwargs:
        return None
    apply = _TESTS.get((op.name, len(arguments.args)))
    return None if apply is None else ([op.value, *arguments.args], apply)


def _of_two(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return lambda f, left, right: function(left, right)


# (name, number of arguments) → what is done with the frame and the values.
_TESTS: dict[tuple[str, int], Callable[..., Any]] = {
    ("defined", 0): lambda f, value: not isinstance(value, Undefined),
    ("undefined", 0): lambda f, value: isinstance(value, Undefined),
    ("none", 0): lambda f, value: value is None,
    ("true", 0): lambda f, value: value is True,
    ("false", 0): lambda f, value: value is False,
    ("odd", 0): lambda f, value: value % 2 == 1,
    ("even", 0): lambda f, value: value % 2 == 0,
    ("divisibleby", 1): lambda f, value, by: value % by == 0,
    ("string", 0): lambda f, value: isinstance(value, str),
    ("float", 0): lambda f, value: isinstance(value, float),
    ("sameas", 1): _of_two(operator.is_),
    ("in", 1): lambda f, value, items: value in items,
    **{(name, 1): _of_two(operator.eq) for name in ("eq", "equalto", "==")},
    **{(name, 1): _of_two(operator.ne) for name in ("ne", "!=")},
    **{(name, 1): _of_two(operator.lt) for name in ("lt", "lessthan", "<")},
    **{(name, 1): _of_two(operator.le) for name in ("le", "<=")},
    **{(name, 1): _of_two(operator.gt) for name in ("gt", "greaterthan", ">")},
    **{(name, 1): _of_two(operator.ge) for name in ("ge", ">=")},
}
