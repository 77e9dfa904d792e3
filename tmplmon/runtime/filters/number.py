"""Filters that take or give a number."""

import math
from typing import Any

from tmplmon.errors import FilterArgumentError


def do_int(value: Any, default: Any = 0, base: int = 10) -> Any:
    """Make an integer of a value: of a text that is a number, or of a number by cutting its fraction off.

    default: the result for a value that is no number.
    base: of the digits, 2 to 36, with or without the prefix `0b`, `0o` or `0x`; only for texts.
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
    """Make a floating point number of a value.

    default: the result for a value that is no number.
    """
    try:
        return float(value)
    except (TypeError, ValueError):
        return default


_ROUNDINGS = {"ceil": math.ceil, "floor": math.floor}


def do_round(value: Any, precision: int = 0, method: str = "common") -> Any:
    """Round a number. A float stays a float: `42.55|round` is `43.0`.

    precision: how many digits of the fraction to keep.
    method: 'common' to the nearest (ties to even), 'ceil' up, 'floor' down.
    """
    if method == "common":
        return round(value, precision)
    rounding = _ROUNDINGS.get(method)
    if rounding is None:
        raise FilterArgumentError("the method of round is 'common', 'ceil' or 'floor'")
    scale = 10**precision
    return rounding(value * scale) / scale


def _size_steps(base: int, units: str) -> tuple[tuple[int, str], ...]:
    """Pair each unit with the size from which the next unit is used."""
    return tuple((base ** (power + 2), unit) for power, unit in enumerate(units.split()))


_DECIMAL = _size_steps(1000, "kB MB GB TB PB EB ZB YB")
_BINARY = _size_steps(1024, "KiB MiB GiB TiB PiB EiB ZiB YiB")


def do_filesizeformat(value: Any, binary: bool = False) -> str:
    """Show a number of bytes as people do: `1 Byte`, `13.0 kB`, `4.1 MB`.

    value: number of bytes.
    binary: count in units of 1024 (KiB, MiB) instead of 1000 (kB, MB).
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
