"""The functions behind `Special` expressions: what nodes of Jinja2's extensions can express and templates cannot.

* ``("extension", identifier, name)``: the attribute of an extension.
* ``("environment", name)``: the attribute of the environment.
* ``("import", "package.name")``: the object of an import name.
* ``("constant", opaque)``: `opaque.value`.
* ``("set",)``: the set of the items of its argument.
* ``("safe",)``: its argument, marked as safe.
* ``("safe_if_autoescape",)``: the same if output is escaped, else the argument as it is.
* ``("context",)``: the context.
* ``("derived_context",)``: the context, with the variables at this place.
* ``("overlay",)``: that context with the names of its argument.
* ``("resolve",)``: the value of a name in a context.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from markupsafe import Markup

from tmplmon.runtime.context import Context, EvalContext
from tmplmon.runtime.markers import pass_context, pass_eval_context


def special_function(environment: Any, function: tuple[Any, ...]) -> Callable[..., Any]:
    """The function of a `Special` expression in the templates of an environment."""
    match function:
        case ("extension", identifier, name):
            return lambda: getattr(environment.extensions[identifier], name)
        case ("environment", name):
            return lambda: getattr(environment, name)
        case ("import", import_name):
            return lambda: imported(import_name)
        case ("constant", opaque):
            return lambda: opaque.value
    return _FUNCTIONS[function[0]]


def imported(import_name: str) -> Any:
    """The object of an import name: ``package.module.name``, ``package.module:name``, or a module without dots.

    Raises ImportError if the module cannot be imported or has no such name.
    """
    separator = ":" if ":" in import_name else "."
    module, _, name = import_name.rpartition(separator)
    if not module:
        return import_module(import_name)
    try:
        return getattr(import_module(module), name)
    except AttributeError as error:
        raise ImportError(f"module {module!r} has no name {name!r}") from error


@pass_eval_context
def _safe_if_autoescape(eval_ctx: EvalContext, value: Any) -> Any:
    return Markup(value) if eval_ctx.autoescape else value


@pass_context
def _context(context: Context) -> Context:
    return context


@pass_context
def _overlay(context: Context, names: Mapping[str, Any]) -> Context:
    return context.derived(dict(names))


def _resolve(context: Context, name: str) -> Any:
    return context.resolve(name)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "set": set,
    "safe": Markup,
    "safe_if_autoescape": _safe_if_autoescape,
    "context": _context,
    "derived_context": _context,
    "overlay": _overlay,
    "resolve": _resolve,
}
