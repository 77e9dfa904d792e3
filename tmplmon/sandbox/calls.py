"""What a sandboxed template may call, and what is called in its place.

Rule: a template calls through `Calls.callee`, which gives the function that is really called, or raises
SecurityError. A method `str.format` becomes one that looks fields up by the environment's rules, a method whose
result may be large is checked before it runs, and a function that Python's own functions are to call for the
template (``items.sort(key=…)``) has passed through here, too.
"""

from collections import deque
from types import BuiltinFunctionType, FunctionType, MethodDescriptorType, MethodType
from typing import Any

from tmplmon.errors import SecurityError
from tmplmon.runtime.budget import spend
from tmplmon.runtime.calls import call
from tmplmon.runtime.context import Context
from tmplmon.runtime.macro import Macro
from tmplmon.runtime.undefined import Undefined
from tmplmon.sandbox.formatting import FORMATS, bound, is_unbound_format, unbound
from tmplmon.sandbox.measure import CONTAINERS, PLAIN, check_nesting
from tmplmon.sandbox.methods import check_of, checked
from tmplmon.sandbox.names import is_engine_class

# Modules whose classes call what they are passed (``map``, ``functools.partial``), or keep it (`cycler`).
_CALLING = frozenset(
    {"builtins", "functools", "itertools", "operator", "collections", "tmplmon.runtime.globals"}
)

# Methods take time by the length of what they are of, except these.
_SIZED = (str, bytes, bytearray, list, tuple, dict, set, frozenset, deque)
_QUICK = frozenset(
    {
        *("add", "append", "appendleft", "discard", "endswith", "extend", "get", "items", "keys", "pop"),
        *("popitem", "popleft", "setdefault", "startswith", "update", "values"),
    }
)


def is_marked_unsafe(obj: Any) -> bool:
    """Whether a function says of itself that templates must not call it: with `unsafe`, or as Django's do."""
    return bool(getattr(obj, "unsafe_callable", False) or getattr(obj, "alters_data", False))


def _has_no_marks(f: Any) -> bool:
    return type(f) is FunctionType and not f.__dict__


class Calls:
    """How an environment's templates call. `stock`: `is_safe_callable` is the one that looks at the marks."""

    def __init__(self, environment: Any, stock: bool) -> None:
        self._environment = environment
        self._limits = environment._sizes
        self._stock = stock

    def callee(self, context: Context, obj: Any) -> Any:
        """The function that is called where a template calls `obj`. Raises SecurityError if it must not."""
        kind = type(obj)
        if self._stock:
            # What cannot have a mark has none.
            if kind is FunctionType and not obj.__dict__:
                return obj
            if kind is BuiltinFunctionType:
                return self._builtin(context, obj)
            if (
                kind is MethodType
                and _has_no_marks(obj.__func__)
                and not isinstance(obj.__self__, (str, type))
            ):
                return obj
        if not self._environment.is_safe_callable(obj) or is_engine_class(obj):
            raise SecurityError(f"{obj!r} is not safely callable")
        if kind is BuiltinFunctionType or kind is MethodType or isinstance(obj, MethodDescriptorType):
            return self._builtin(context, obj)
        if isinstance(obj, type) and obj.__module__ in _CALLING:
            return self._with_arguments(context, obj)
        return obj

    def _builtin(self, context: Context, obj: Any) -> Any:
        """What is called in the place of a method, or of a function of Python's own."""
        name = obj.__name__
        if isinstance(obj, MethodDescriptorType):
            if is_unbound_format(obj):
                return unbound(self._environment, name)
            return lambda this, /, *args, **kwargs: self._builtin(context, obj.__get__(this))(*args, **kwargs)
        this = obj.__self__
        if isinstance(this, _SIZED) and name not in _QUICK:
            spend(len(this))
        if name in FORMATS and isinstance(this, str):
            return bound(self._environment, this, name)
        if check_of(name, this) is not None:
            return checked(self._limits, obj, name, this)
        return obj if type(obj) is MethodType else self._with_arguments(context, obj)

    def _with_arguments(self, context: Context, obj: Any) -> Any:
        """A function that calls what it is passed, perhaps."""
        safe = self._argument

        def with_arguments(*args: Any, **kwargs: Any) -> Any:
            for value in args:
                if type(value) not in PLAIN:
                    args = tuple([safe(context, value) for value in args])
                    break
            if kwargs:
                kwargs = {name: safe(context, value) for name, value in kwargs.items()}
            return obj(*args, **kwargs)

        return with_arguments

    def _argument(self, context: Context, value: Any) -> Any:
        """What a function is passed in the place of a value."""
        kind = type(value)
        if isinstance(value, tuple):
            check_nesting((value,))
            return value
        if kind in PLAIN or kind in CONTAINERS or isinstance(value, Undefined) or not callable(value):
            return value
        return self.callee(context, value)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call as templates do that are not sandboxed, if that is allowed."""
        kind = type(obj)
        if self._stock and ((kind is FunctionType and not obj.__dict__) or kind is Macro):
            return call(context, obj, *args, **kwargs)
        return call(context, self.callee(context, obj), *args, **kwargs)
