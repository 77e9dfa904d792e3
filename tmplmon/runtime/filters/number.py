"""Filters for numbers."""

import math
from typing import Any

from tmplmon.errors import FilterArgumentError


def do_int(value: Any, default: Any = 0, base: int = 10) -> Any:
    """Convert a value to an integer: the text of a number, or a number, of which the fraction is removed.

    default: the result for a value that is not a number.
    base: the base of a text's digits, 2 to 36. The prefixes `0b`, `0o` and `0x` are allowed.
    """
    try:
        return int(value, base) if isinstance(value, str) else int(value)
    except (TypeError, ValueError):
        pass
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        return default


def do_float(value: Any, default: Any = 0.0) -> Any:
    """Convert a value to a floating point number.

    default: the result for a value that is not a number.
    """
    try:
        return float(value)
    except (TypeError, ValueError):
        return default


_ROUNDINGS = {"ceil": math.ceil, "floor": math.floor}


def do_round(value: Any, precision: int = 0, method: str = "common") -> Any:
    """Round a number. A float stays a float: `42.55|round` is `43.0`.

    precision: the number of digits after the decimal point.
    method: 'common' rounds to the nearest number (ties to even), 'ceil' up, 'floor' down.

    Raises FilterArgumentError for another method.
    """
    if method == "common":
        return round(value, precision)
    rounding = _ROUNDINGS.get(method)
    if rounding is None:
        raise FilterArgumentError("the method of round is 'common', 'ceil' or 'floor'")
    scale = 10**precision
    return rounding(value * scale) / scale


def _size_steps(base: int, units: str) -> tuple[tuple[int, str], ...]:
    """Return (size from which the next unit is used, unit) for each unit."""
    return tuple((base ** (power + 2), unit) for power, unit in enumerate(units.split()))


_DECIMAL = _size_steps(1000, "kB MB GB TB PB EB ZB YB")
_BINARY = _size_steps(1024, "KiB MiB GiB TiB PiB EiB ZiB YiB")


def do_filesizeformat(value: Any, binary: bool = False) -> str:
    """Return a number of bytes in a readable form: `1 Byte`, `13.0 kB`, `4.1 MB`.

    value: the number of bytes.
    binary: use units of 1024 (KiB, MiB) instead of 1000 (kB, MB).

    Raises TypeError or ValueError if the value is not a number.
    """
    size = float(value)
    base, steps = (1024, _BINARY) if binary else (1000, _DECIMAL)
    if size == 1:
        return "1 Byte"
    if size < base:
        return f"{int(size)} Bytes"
    # A size beyond the last limit is shown in the last unit.
    limit, unit = next((step for step in steps if size < step[0]), steps[-1])
    return f"{base * size / limit:.1f} {unit}"
