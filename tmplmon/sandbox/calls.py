"""What a sandboxed template may call, and what is called in its place.

Rule: a template calls through `Calls.callee`, which gives the function that is really called, or raises
SecurityError. That is where a method `str.format` becomes one that looks fields up by the environment's rules.
"""

from types import BuiltinFunctionType, FunctionType, MethodDescriptorType, MethodType
from typing import Any

from tmplmon.errors import SecurityError
from tmplmon.runtime.context import Context, call
from tmplmon.runtime.macro import Macro

_FORMATS = frozenset({"format", "format_map"})


def is_marked_unsafe(obj: Any) -> bool:
    """Whether a function says of itself that templates must not call it: with `unsafe`, or as Django's do."""
    return bool(getattr(obj, "unsafe_callable", False) or getattr(obj, "alters_data", False))


def formatted_text(value: Any) -> Any:
    """The text whose `format` or `format_map` a value is; None for any other value."""
    kind = type(value)
    if kind is not BuiltinFunctionType and kind is not MethodType:
        return None
    return value.__self__ if value.__name__ in _FORMATS and isinstance(value.__self__, str) else None


def is_unbound_format(value: Any) -> bool:
    """Whether a value is `str.format` or `str.format_map` itself, which takes the text as its first argument."""
    return (
        type(value) is MethodDescriptorType
        and value.__name__ in _FORMATS
        and issubclass(value.__objclass__, str)
    )


class Calls:
    """How an environment's templates call."""

    def __init__(self, environment: Any) -> None:
        self._environment = environment

    def callee(self, obj: Any) -> Any:
        """The function that is called where a template calls `obj`. Raises SecurityError if it must not."""
        environment = self._environment
        kind = type(obj)
        if kind is Macro or (kind is FunctionType and not obj.__dict__):
            return obj
        if not environment.is_safe_callable(obj):
            raise SecurityError(f"{obj!r} is not safely callable")
        return environment._wrapped(obj) or obj

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call as templates do that are not sandboxed, if that is allowed."""
        return call(context, self.callee(obj), *args, **kwargs)
