"""Calls from templates: of functions, methods, macros and any other callable object.

Rule: a callable can ask for the context, the evaluation context or the environment as its first argument, by a
marker on itself or on its class's ``__call__`` (see `markers`). Looking for a marker takes longer than many
functions run. So types of callables that cannot have one, and macros, are called without looking.
"""

from collections.abc import Callable
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType
from typing import Any

from tmplmon.runtime.context import Context
from tmplmon.runtime.macro import Macro
from tmplmon.runtime.markers import first_argument, pass_arg_of


def call(context: Context, f: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Call `f` as `Context.call` does.

    A function that raises StopIteration gives an undefined value. Raises what `f` raises otherwise.
    """
    kind = type(f)
    try:
        if kind is FunctionType:
            if not f.__dict__:
                return f(*args, **kwargs)
        elif kind is Macro:
            return f.invoke(context.eval_ctx.autoescape, args, kwargs)
        elif kind is MethodType:
            # A method has the markers of its function.
            function = f.__func__
            if type(function) is FunctionType and not function.__dict__:
                return f(*args, **kwargs)
        elif kind is BuiltinFunctionType:
            return f(*args, **kwargs)
        kind_of_first = callable_pass_arg(f)
        if kind_of_first is None:
            return f(*args, **kwargs)
        return f(first_argument(context, kind_of_first), *args, **kwargs)
    except StopIteration:
        hint = "value was undefined because a callable raised a StopIteration exception"
        return context.environment.undefined(hint)


# The `__call__` of these types has no marker.
_WITHOUT_MARKED_CALL = (FunctionType, BuiltinFunctionType, MethodType, type)
_CALL = "__call__"


def callable_pass_arg(f: Any) -> str | None:
    """Return the kind of first argument that `f` asks for, by a marker on it or on its class's ``__call__``:
    'context', 'eval_context', 'environment' or None."""
    kind = pass_arg_of(f)
    if kind is None and not isinstance(f, _WITHOUT_MARKED_CALL):
        return pass_arg_of(getattr(type(f), _CALL, None))
    return kind


def context_seeing(context: Context, locals: Callable[[], dict[str, Any]], f: Any) -> Context:
    """Return the context to call `f` with: if `f` asks for the context, one that also has the template's variables
    `locals()`."""
    if type(f) is Macro or callable_pass_arg(f) != "context":
        return context
    return context.derived(locals())


def call_seeing(
    context: Context, locals: Callable[[], dict[str, Any]], f: Any, /, *args: Any, **kwargs: Any
) -> Any:
    """Call `f` as `call` does. A function that asks for the context gets one with the variables `locals()` too."""
    return call(context_seeing(context, locals, f), f, *args, **kwargs)


def pass_over(*functions: Callable[..., Any]) -> None:
    """Make `warnings` and `logging` pass over the frames of functions, and of functions that they define, when they
    count a ``stacklevel``: it then leads from a function to the line of the template that calls it.

    They pass over the frames of Python's import system, which they recognize by two words in the file name. In
    tracebacks the engine's frames are left out anyway.
    """
    for function in functions:
        function.__code__ = _passed_over(function.__code__)


def _passed_over(code: CodeType) -> CodeType:
    consts = tuple(_passed_over(const) if isinstance(const, CodeType) else const for const in code.co_consts)
    filename = f"{code.co_filename} (passed over as importlib._bootstrap)"
    return code.replace(co_filename=filename, co_consts=consts)


pass_over(call, call_seeing)
