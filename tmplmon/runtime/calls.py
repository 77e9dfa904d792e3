"""How a template calls what it was given: functions, methods, macros, any object that can be called.

Rule: what is called may want the context, the evaluation context or the environment first, and says so by a mark,
on itself or on its class's ``__call__`` (see `markers`). To look for one that is not there takes longer than many
a function, so kinds that cannot have one are called at once, and so are macros.
"""

from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from tmplmon.runtime.context import Context
from tmplmon.runtime.macro import Macro
from tmplmon.runtime.markers import pass_arg_of, wanted_of


def call(context: Context, f: Any, /, *args: Any, **kwargs: Any) -> Any:
    """`Context.call` for the engine: one call less."""
    kind = type(f)
    try:
        if kind is FunctionType:
            if not f.__dict__:
                return f(*args, **kwargs)
        elif kind is Macro:
            return f.invoke(context.eval_ctx.autoescape, args, kwargs)
        elif kind is MethodType:
            # A method has the marks of its function.
            function = f.__func__
            if type(function) is FunctionType and not function.__dict__:
                return f(*args, **kwargs)
        elif kind is BuiltinFunctionType:
            return f(*args, **kwargs)
        wants = wanted_by(f)
        if wants is None:
            return f(*args, **kwargs)
        return f(wanted_of(context, wants), *args, **kwargs)
    except StopIteration:
        hint = "value was undefined because a callable raised a StopIteration exception"
        return context.environment.undefined(hint)


# Of these, the call method has no mark.
_NOT_MARKED_BY_CLASS = (FunctionType, BuiltinFunctionType, MethodType, type)
_CALL = "__call__"


def wanted_by(f: Any) -> str | None:
    """What `f` wants as its first argument, by a mark on it or on its class's ``__call__``."""
    wants = pass_arg_of(f)
    if wants is None and not isinstance(f, _NOT_MARKED_BY_CLASS):
        return pass_arg_of(getattr(type(f), _CALL, None))
    return wants


def context_seeing(context: Context, locals: Callable[[], dict[str, Any]], f: Any) -> Context:
    """The context to call `f` with, where a function that asks for it has to see variables of the template."""
    return context.derived(locals()) if wanted_by(f) == "context" else context


def call_seeing(
    context: Context, locals: Callable[[], dict[str, Any]], f: Any, /, *args: Any, **kwargs: Any
) -> Any:
    """Call as `call` does, where a function that asks for the context has to see variables of the template."""
    return call(context_seeing(context, locals, f), f, *args, **kwargs)
