"""What tmplmon cannot do as Jinja2, because it generates no Python source."""

from collections.abc import Iterator
from typing import Any

_INSTEAD = "Keep Jinja2 as the engine and let tmplmon observe it instead: python -m tmplmon.observe"


def refusal(what: str) -> NotImplementedError:
    """Return the error for something that is not possible."""
    return NotImplementedError(f"{what} is not possible while tmplmon runs the templates. {_INSTEAD}")


def check_code_generator(cls: type[Any], stock: tuple[type[Any], ...]) -> None:
    """Raise NotImplementedError if a class of code generators has methods of its own. stock: those without."""
    own = next(_own_methods(cls, stock), None)
    if own is not None:
        raise refusal(
            f"the code generator {cls.__module__}.{cls.__qualname__}, which has the method {own!r},"
        )


def _own_methods(cls: type[Any], stock: tuple[type[Any], ...]) -> Iterator[str]:
    for base in cls.__mro__:
        if base in stock:
            return
        yield from (name for name, value in vars(base).items() if callable(value) and name != "__class__")
