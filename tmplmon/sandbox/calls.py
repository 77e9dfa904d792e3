"""Which values a sandboxed template may call, and the checked functions that replace some of them.

Rule: every call of a template goes through `Calls.callee`. It returns the function that is called, or raises
SecurityError. `str.format` is replaced by a version that looks fields up by the environment's rules. A method whose
result may be large is checked before it runs. A callable that a template passes to a built-in function
(``items.sort(key=…)``) goes through `callee` as well.
"""

import operator
from collections import deque
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodDescriptorType, MethodType
from typing import Any

from tmplmon.errors import SecurityError
from tmplmon.runtime.budget import current, spend
from tmplmon.runtime.calls import call, callable_pass_arg, pass_over
from tmplmon.runtime.context import Context
from tmplmon.runtime.macro import Macro
from tmplmon.runtime.markers import first_argument
from tmplmon.runtime.undefined import Undefined
from tmplmon.sandbox.formatting import FORMATS, bound, is_unbound_format, unbound
from tmplmon.sandbox.hidden import SandboxedNamespace
from tmplmon.sandbox.measure import CONTAINERS, PLAIN
from tmplmon.sandbox.methods import with_lists
from tmplmon.sandbox.names import ALIASES, is_engine_class
from tmplmon.sandbox.operations import Row, raise_own_error, row_of
from tmplmon.sandbox.spending import check_iteration, check_mapping

# Classes of these modules call their arguments (``map``, ``functools.partial``) or store them (`cycler`).
_CALLING = frozenset(
    {"builtins", "functools", "itertools", "operator", "collections", "tmplmon.runtime.globals"}
)

_COLLECTIONS = (list, tuple, dict, set, frozenset, deque, bytes, bytearray, SandboxedNamespace)
_COLLECTED = PLAIN | {list, tuple, dict, set, frozenset}

# Methods that make containers of their arguments.
_MAKING = frozenset({"fromkeys", "union", "symmetric_difference"})
# Classes whose objects look up attributes or call methods by name.
_LOOKING_UP = (operator.attrgetter, operator.methodcaller)


def _has_no_marks(f: Any) -> bool:
    return type(f) is FunctionType and not f.__dict__


class Calls:
    """The rules for calls of one environment.

    stock: whether `is_safe_callable` is not overridden, so that only the marks on a function count.
    stock_call: whether `call` is not overridden either.
    """

    def __init__(self, environment: Any, stock: bool, stock_call: bool) -> None:
        self._environment = environment
        self._limits = environment._sizes
        self._stock = stock
        self._stock_call = stock_call

    def callee(self, context: Context, obj: Any) -> Any:
        """Return the function to call where a template calls `obj`. Raises SecurityError if `obj` is not safe."""
        kind = type(obj)
        if self._stock:
            # Fast paths for objects that cannot carry a mark.
            if kind is Macro or (kind is FunctionType and not obj.__dict__):
                return obj
            if kind is BuiltinFunctionType:
                return self._builtin(context, obj)
            if (
                kind is MethodType
                and _has_no_marks(obj.__func__)
                and not isinstance(obj.__self__, (str, type))
            ):
                return obj
        if (
            not self._environment.is_safe_callable(obj)
            or is_engine_class(obj)
            or isinstance(obj, ALIASES)
            or obj in _LOOKING_UP
        ):
            raise SecurityError(f"{obj!r} is not safely callable")
        if isinstance(obj, (BuiltinFunctionType, MethodType, MethodDescriptorType)):
            return self._builtin(context, obj)
        if isinstance(obj, type):
            if issubclass(obj, _COLLECTIONS):
                return self._making(context, obj)
            if obj.__module__ in _CALLING:
                return self._with_arguments(context, obj)
        return obj

    def _builtin(self, context: Context, obj: Any) -> Any:
        """Return the replacement for a method, or for a function implemented in C."""
        name = obj.__name__
        if isinstance(obj, MethodDescriptorType):
            if is_unbound_format(obj):
                return unbound(self._environment, name)
            return partial(self._call_unbound, context, obj)
        this = obj.__self__
        if name in FORMATS and isinstance(this, str):
            spend(len(this))
            return bound(self._environment, this, name)
        try:
            row = row_of(name, this)
        except KeyError:
            raise SecurityError(
                f"the method {name!r} of {type(this).__name__!r} objects is not known"
            ) from None
        if row is not None:
            return self._with_arguments(context, self._bounded(obj, row, name, this))
        return obj if isinstance(obj, MethodType) else self._with_arguments(context, obj)

    def _bounded(self, method: Any, row: Row, name: str, this: Any) -> Any:
        """Return a method of a built-in type whose bounds are checked first."""
        limits = self._limits

        def bounded(*args: Any, **kwargs: Any) -> Any:
            args = with_lists(limits, name, args)
            try:
                row.apply(limits, name, (this, *args), kwargs)
            except TypeError:
                raise_own_error(method, args, kwargs)
                raise
            return method(*args, **kwargs)

        bounded.__name__ = name
        return bounded

    def _call_unbound(self, context: Context, method: Any, this: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call an unbound method of a built-in type (``list.append``), as the method of its first argument."""
        bound_method = method.__get__(this)
        if not self._environment.is_safe_attribute(this, method.__name__, bound_method):
            raise SecurityError(f"{method!r} is not safely callable")
        return self.callee(context, bound_method)(*args, **kwargs)

    def _making(self, context: Context, cls: type) -> Any:
        """Wrap a class of containers: the items are collected, within the limits, and measured with all that they
        contain."""
        limits = self._limits

        def making(*args: Any, **kwargs: Any) -> Any:
            for value in args:
                if type(value) not in _COLLECTED:
                    args = tuple([self._items(context, value) for value in args])
                    break
            if args:
                limits.created(args)
            if kwargs:
                limits.created(kwargs.values())
            return limits.container(cls(*args, **kwargs))

        return making

    def _items(self, context: Context, value: Any) -> Any:
        """Return an argument for a class of containers: a value that has no length as a list."""
        value = self._argument(context, value)
        kind = type(value)
        if hasattr(kind, "keys"):
            return check_mapping(value)
        if hasattr(kind, "__len__") or isinstance(value, type):
            return value
        if hasattr(kind, "__iter__") or hasattr(kind, "__getitem__"):
            return self._limits.collected(value)
        return value

    def _with_arguments(self, context: Context, obj: Any) -> Any:
        """Wrap a function that may call its arguments: each callable argument is replaced by its safe version. If
        it is a class, or makes containers, they are measured."""
        safe, limits = self._argument, self._limits
        makes = isinstance(obj, type) or getattr(obj, "__name__", None) in _MAKING

        def with_arguments(*args: Any, **kwargs: Any) -> Any:
            for value in args:
                if type(value) not in PLAIN:
                    args = tuple([safe(context, value) for value in args])
                    break
            if kwargs:
                kwargs = {name: safe(context, value) for name, value in kwargs.items()}
            if not makes:
                return obj(*args, **kwargs)
            limits.created(args)
            limits.created(kwargs.values())
            return limits.container(obj(*args, **kwargs))

        return with_arguments

    def _argument(self, context: Context, value: Any) -> Any:
        """Return the safe version of an argument. Raises SecurityError for a value that must not be called or
        iterated over."""
        kind = type(value)
        if kind in PLAIN or kind in CONTAINERS or isinstance(value, Undefined):
            return value
        if not callable(value):
            check_iteration(value)
            return value
        if not self._stock_call:
            return partial(self._environment.call, context, value)
        function = self.callee(context, value)
        # The function that calls it does not know that it asks for the context.
        wants = callable_pass_arg(value)
        return function if wants is None else partial(function, first_argument(context, wants))

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call `obj` as an ordinary environment does. Raises SecurityError if `obj` is not safe to call."""
        kind = type(obj)
        if not self._stock or ((kind is not FunctionType or obj.__dict__) and kind is not Macro):
            obj = self.callee(context, obj)
        result = call(context, obj, *args, **kwargs)
        budget = current.get()
        if budget is not None and budget.limits.seconds is not None:
            budget.check()
        return result


pass_over(Calls.call)
