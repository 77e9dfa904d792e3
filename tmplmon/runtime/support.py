"""What generated code and closures call for the uncommon case, or because it would be long to write out.

Rule: everything here takes what it needs as arguments; nothing knows which back end calls it.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from tmplmon.errors import TemplateAssertionError, TemplateNotFound, TemplateRuntimeError, UndefinedError
from tmplmon.runtime.blocks import TemplateReference, super_of
from tmplmon.runtime.calls import call, call_seeing
from tmplmon.runtime.context import NOTHING_LOADED, Context, EvalContext, alone, is_alone
from tmplmon.runtime.globals import Namespace
from tmplmon.runtime.html import escape, escape_text, escape_to_str, mark, mark_text
from tmplmon.runtime.loop import AsyncLoopContext, LoopContext, acounted, counted, sized
from tmplmon.runtime.macro import Macro
from tmplmon.runtime.markers import auto_aiter, auto_await, auto_to_list
from tmplmon.runtime.origins import traced_escaped, traced_plain, traced_text, traced_value
from tmplmon.runtime.undefined import Undefined, missing, undefined_attribute

if TYPE_CHECKING:
    from tmplmon.environment import Environment
    from tmplmon.template import Template

# --- attributes and items ----------------------------------------------------------------------------------

ATTRIBUTE_ERRORS = (AttributeError, KeyError)
ITEM_ERRORS = (AttributeError, TypeError, LookupError)


def member(context: Context, obj: Any, name: str) -> Any:
    """`obj.name`: attribute, then item, then undefined."""
    try:
        return getattr(obj, name)
    except AttributeError as error:
        return _item_named(context, obj, name, error)


def member_failed(context: Context, obj: Any, name: str) -> Any:
    """`obj.name` in the handler for the error of the direct way, which is the item of a dict and the attribute of
    everything else: what is left to try, then undefined."""
    if type(obj) is dict:
        return member(context, obj, name)
    error = sys.exception()
    if isinstance(error, AttributeError):
        return _item_named(context, obj, name, error)
    assert error is not None
    raise error


def _item_named(context: Context, obj: Any, name: str, error: AttributeError) -> Any:
    try:
        return obj[name]
    except ITEM_ERRORS:
        return undefined_attribute(context.environment, obj, name, name, error)


def element(context: Context, obj: Any, key: Any) -> Any:
    """`obj[key]` where the direct way failed: for a name the attribute, then undefined."""
    environment = context.environment
    if isinstance(key, str):
        try:
            attribute = str(key)
        except Exception:
            pass
        else:
            try:
                return getattr(obj, attribute)
            except AttributeError as error:
                return undefined_attribute(environment, obj, attribute, key, error)
    return environment.undefined(obj=obj, name=key)


def environment_getattr(context: Context, obj: Any, name: str) -> Any:
    """`obj.name` in an environment that looks attributes up in its own way."""
    return context.environment.getattr(obj, name)


def environment_getitem(context: Context, obj: Any, key: Any) -> Any:
    """`obj[key]` in an environment that looks items up in its own way."""
    return context.environment.getitem(obj, key)


def check_namespace(obj: Any) -> None:
    """Refuse to set an attribute of what is no namespace."""
    if not isinstance(obj, Namespace):
        raise TemplateRuntimeError("cannot assign attribute on non-namespace object")


def set_attribute(namespace: Namespace, name: str, value: Any) -> None:
    """``{% set namespace.name = value %}``"""
    namespace[name] = value


# --- output ------------------------------------------------------------------------------------------------


def escaped(value: Any) -> str:
    """The escaped text of a value, as an exact `str`."""
    kind = type(value)
    if kind is Markup:
        return _exact(value)
    if kind is Undefined:
        return ""
    return _exact(escape_to_str(value))


def html_of(value: Any) -> str:
    """The text of a value that is marked safe."""
    return value.__html__() if hasattr(value, "__html__") else str(value)


def emit(context: Context, value: Any) -> str:
    """The text of a value where it is known only now whether output is escaped."""
    return escaped(value) if context.eval_ctx.autoescape else str(value)


def captured(context: Context, pieces: list[Any]) -> Any:
    """The text of captured output, where it is known only now whether it is markup."""
    text = context.environment.concat(pieces)
    return mark_text(text) if context.eval_ctx.autoescape else text


_exact = str.__str__
join_pieces = "".join


def str_join(items: Sequence[Any]) -> str:
    """``a ~ b`` without escaping."""
    return "".join(map(str, items))


def markup_join(items: Sequence[Any]) -> str:
    """``a ~ b`` with escaping: Markup, with the others escaped, if any of them is Markup. (What has an `__html__`
    but is no text counts by its text.)"""
    texts = [item if isinstance(item, str) else str(item) for item in items]
    for text in texts:
        if hasattr(text, "__html__"):
            return mark("".join([escape_to_str(text) for text in texts]))
    return "".join(texts)


def joined_text(value: Any) -> str:
    """The escaped text of a value that `markup_join` joins."""
    return escaped(value if isinstance(value, str) else str(value))


def join_dynamic(context: Context, items: Sequence[Any]) -> str:
    return markup_join(items) if context.eval_ctx.autoescape else str_join(items)


def eval_context(environment: "Environment", autoescape: Any) -> EvalContext:
    """The evaluation context inside ``{% autoescape %}``."""
    return environment._eval_contexts[bool(autoescape)]


# --- other templates ---------------------------------------------------------------------------------------


def check_required(context: Context, name: str) -> None:
    """Refuse to run a required block that no template has filled."""
    if len(context.blocks[name]) <= 1:
        raise TemplateRuntimeError(f"Required block {name!r} not found")


def check_not_extended(parent: Any) -> None:
    if parent is not None:
        raise TemplateRuntimeError("extended multiple times")


def extend(context: Context, parent: Any, template: "Template") -> Any:
    """Return the parent of `template`, after adding its blocks to those of the context.

    parent: the parent's name, or the template itself.

    Raises TemplateNotFound, and what loading the parent raises.
    """
    environment = template.environment
    parent_template = environment._ready_template(parent) or environment.get_template(parent, template.name)
    context.blocks = context.blocks.extending[parent_template._table]
    return parent_template


def included(context: Context, name: Any, key: Any, template: "Template", ignore_missing: bool) -> Any:
    """The template to include; None if there is none and that is to be ignored. Under `key` it is kept for this
    rendering."""
    environment = context.environment
    try:
        if type(name) is str:
            found = environment.get_template(name, template.name)
        elif isinstance(name, (list, tuple)):
            found = environment.select_template(name, template.name)
        else:
            found = environment.get_or_select_template(name, template.name)
    except TemplateNotFound:
        if ignore_missing:
            return None
        raise
    if key is not None:
        if context.loaded is NOTHING_LOADED:
            context.loaded = {}
        context.loaded[key] = found
    return found


def included_context(context: Context, template: "Template", locals: Mapping[str, Any] | None) -> Context:
    """The context of an included template that sees the including one's names."""
    names = context.names
    if type(names) is not dict or template.environment is not context._origin.environment:
        names = context.get_all()
    if locals:
        names = {**names, **locals}
    made: Context = template._make_context(template, names)
    made.loaded = context.loaded
    return alone(made, names) if is_alone(context) else made


def sharing_loaded(context: Context, loaded: dict[Any, Any]) -> Context:
    context.loaded = loaded
    return context


def imported(context: Context, name: Any, template: "Template", locals: Mapping[str, Any] | None) -> Any:
    """The module of an imported template; with `locals`, one that sees the importing one's names. (An awaitable in
    an asynchronous environment.)"""
    environment = context.environment
    found = environment.get_template(name, template.name)
    if environment.auto_reload and found.name is not None:
        template._imports[found.name] = found
    if locals is not None:
        names = context.get_all()
        if environment.is_async:
            return found.make_module_async(names, True, locals)
        return found.make_module(names, True, locals)
    return found._default_module_async(context) if environment.is_async else found._default_module(context)


def imported_name(environment: "Environment", module: Any, name: str, place: str) -> Any:
    """A name of an imported module."""
    found = getattr(module, name, missing)
    if found is missing:
        return environment.undefined(
            f"the template {module.__name__!r} (imported on {place})"
            f" does not export the requested name {name!r}",
            name=name,
        )
    return found


def debug_info(context: Context, locals: Mapping[str, Any]) -> str:
    """The text of ``{% debug %}``."""
    from pprint import pformat

    environment = context.environment
    names = {**context.get_all(), **locals}
    shown = {
        "context": names,
        "filters": sorted(environment.filters.keys()),
        "tests": sorted(environment.tests.keys()),
    }
    return pformat(shown, depth=3, compact=True)


def unknown(kind: str, name: str) -> Any:
    """A function that says that there is no such filter or test, for code that may never be reached."""

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise TemplateRuntimeError(f"No {kind} named {name!r} found.")

    return fail


__all__ = [
    "ATTRIBUTE_ERRORS",
    "ITEM_ERRORS",
    "AsyncLoopContext",
    "Context",
    "LoopContext",
    "Macro",
    "TemplateAssertionError",
    "TemplateReference",
    "Undefined",
    "UndefinedError",
    "acounted",
    "auto_aiter",
    "auto_await",
    "auto_to_list",
    "call",
    "call_seeing",
    "counted",
    "escape",
    "escape_text",
    "mark",
    "mark_text",
    "missing",
    "sized",
    "super_of",
    "traced_escaped",
    "traced_plain",
    "traced_text",
    "traced_value",
]
