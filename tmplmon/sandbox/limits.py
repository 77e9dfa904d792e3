"""How large a value a sandboxed template may make."""

MAX_RANGE = 100_000
"""The most numbers that `range` gives."""


def safe_range(*args: int) -> range:
    """`range`, for at most `MAX_RANGE` numbers. Raises OverflowError for more."""
    numbers = range(*args)
    try:
        count = len(numbers)
    except OverflowError:
        count = MAX_RANGE + 1
    if count > MAX_RANGE:
        raise OverflowError(
            f"range too big: a sandboxed template gets at most {MAX_RANGE} numbers (MAX_RANGE)"
        )
    return numbers
