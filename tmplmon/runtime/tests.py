"""The built-in tests, which templates use after `is`.

Rule: the arguments of a test's function are the value and the arguments of the test. It returns a bool; a
comparison returns the result of the values' operator. The table at the end has all names, including aliases.
"""

import operator
from collections.abc import Callable, Container, Mapping
from typing import Any

from tmplmon.runtime.markers import pass_environment
from tmplmon.runtime.undefined import Undefined


def test_odd(value: Any) -> bool:
    """Tell whether a number is odd."""
    return value % 2 == 1  # type: ignore[no-any-return]


def test_even(value: Any) -> bool:
    """Tell whether a number is even."""
    return value % 2 == 0  # type: ignore[no-any-return]


def test_divisibleby(value: Any, num: Any) -> bool:
    """Tell whether a number is a multiple of another.

    num: the other number.
    """
    return value % num == 0  # type: ignore[no-any-return]


def test_defined(value: Any) -> bool:
    """Tell whether the value exists."""
    return not isinstance(value, Undefined)


def test_undefined(value: Any) -> bool:
    """Tell whether the value does not exist."""
    return isinstance(value, Undefined)


@pass_environment
def test_filter(env: Any, value: Any) -> bool:
    """Tell whether there is a filter of this name."""
    return value in env.filters


@pass_environment
def test_test(env: Any, value: Any) -> bool:
    """Tell whether there is a test of this name."""
    return value in env.tests


def test_none(value: Any) -> bool:
    """Tell whether the value is none."""
    return value is None


def test_boolean(value: Any) -> bool:
    """Tell whether the value is the constant true or false, not only counts as true or false."""
    return value is True or value is False


def test_false(value: Any) -> bool:
    """Tell whether the value is the constant false."""
    return value is False


def test_true(value: Any) -> bool:
    """Tell whether the value is the constant true."""
    return value is True


def test_integer(value: Any) -> bool:
    """Tell whether the value is an integer. True and false are not integers."""
    return isinstance(value, int) and value is not True and value is not False


def test_float(value: Any) -> bool:
    """Tell whether the value is a floating point number."""
    return isinstance(value, float)


def test_lower(value: Any) -> bool:
    """Tell whether all letters of a text are lower case."""
    return str(value).islower()


def test_upper(value: Any) -> bool:
    """Tell whether all letters of a text are upper case."""
    return str(value).isupper()


def test_string(value: Any) -> bool:
    """Tell whether the value is a text."""
    return isinstance(value, str)


def test_mapping(value: Any) -> bool:
    """Tell whether the value is a mapping, such as a dict."""
    return isinstance(value, Mapping)


_NUMBERS = frozenset({int, float, bool, complex})
_NOT_NUMBERS = frozenset({str, list, dict, tuple, type(None)})


def test_number(value: Any) -> bool:
    """Tell whether the value is a number of any type. True and false are numbers."""
    kind = type(value)
    if kind in _NUMBERS:
        return True
    if kind in _NOT_NUMBERS:
        return False
    from numbers import Number

    return isinstance(value, Number)


def test_sequence(value: Any) -> bool:
    """Tell whether the value has a length and items, like a list, a text or a dict."""
    try:
        len(value)
        value.__getitem__  # noqa: B018
    except Exception:
        return False
    return True


def test_sameas(value: Any, other: Any) -> bool:
    """Tell whether the value is the same object as another one, not only equal to it.

    other: the other object.
    """
    return value is other


def test_iterable(value: Any) -> bool:
    """Tell whether the value is iterable."""
    try:
        iter(value)
    except TypeError:
        return False
    return True


def test_escaped(value: Any) -> bool:
    """Tell whether the value is markup, which autoescaping does not escape again."""
    return hasattr(value, "__html__")


def test_in(value: Any, seq: Container[Any]) -> bool:
    """Tell whether a container has the value.

    seq: the container, for example a list, a text or a dict.
    """
    return value in seq


TESTS: dict[str, Callable[..., Any]] = {
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "boolean": test_boolean,
    "callable": callable,
    "defined": test_defined,
    "divisibleby": test_divisibleby,
    "eq": operator.eq,
    "equalto": operator.eq,
    "escaped": test_escaped,
    "even": test_even,
    "false": test_false,
    "filter": test_filter,
    "float": test_float,
    "ge": operator.ge,
    "greaterthan": operator.gt,
    "gt": operator.gt,
    "in": test_in,
    "integer": test_integer,
    "iterable": test_iterable,
    "le": operator.le,
    "lessthan": operator.lt,
    "lower": test_lower,
    "lt": operator.lt,
    "mapping": test_mapping,
    "ne": operator.ne,
    "none": test_none,
    "number": test_number,
    "odd": test_odd,
    "sameas": test_sameas,
    "sequence": test_sequence,
    "string": test_string,
    "test": test_test,
    "true": test_true,
    "undefined": test_undefined,
    "upper": test_upper,
}
"""Name of each built-in test → its function."""
