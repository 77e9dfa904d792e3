"""Functions that the code of both back ends calls: for uncommon cases, and for what would be long to inline.

Rule: a function here gets all that it needs as arguments, and does not depend on the back end that calls it.
"""

import sys
from collections.abc import Mapping, Sequence
from types import CellType, CodeType, FunctionType
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
from tmplmon.runtime.messages import format_message
from tmplmon.runtime.origins import traced_escaped, traced_plain, traced_text, traced_value
from tmplmon.runtime.undefined import Undefined, missing, undefined_attribute

if TYPE_CHECKING:
    from tmplmon.environment import Environment
    from tmplmon.template import Template

# --- functions ---------------------------------------------------------------------------------------------


def cells_of(function: FunctionType) -> tuple[dict[str, Any], dict[str, CellType]]:
    """The global variables of a function, and the cells of the variables of enclosing functions that it reads."""
    return function.__globals__, dict(
        zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    )


def function_with(code: CodeType, variables: tuple[dict[str, Any], dict[str, CellType]]) -> FunctionType:
    """The function of a code object. `variables`: as `cells_of` returns them."""
    names, cells = variables
    return FunctionType(code, names, closure=tuple([cells[name] for name in code.co_freevars]))


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
    """`obj.name` after the first lookup has raised the exception that is being handled: the item of a dict, the
    attribute of any other object. The other kind of lookup is tried, and then the value is undefined."""
    if type(obj) is dict:
        if _is_no_attribute_of_dict(name):
            return context.environment.undefined(obj=obj, name=name)
        return member(context, obj, name)
    error = sys.exception()
    if isinstance(error, AttributeError):
        return _item_named(context, obj, name, error)
    assert error is not None
    raise error


def _is_no_attribute_of_dict(name: str) -> bool:
    """Whether no dict has an attribute of a name. This takes less time than an AttributeError."""
    return not hasattr(dict, name)


def _item_named(context: Context, obj: Any, name: str, error: AttributeError) -> Any:
    cls = type(obj)
    # Most objects have no items. Without this check, a TypeError is raised and caught for each of them.
    if hasattr(cls, "__getitem__") or issubclass(cls, type):
        try:
            return obj[name]
        except ITEM_ERRORS:
            pass
    return undefined_attribute(context.environment, obj, name, name, error)


def element(context: Context, obj: Any, key: Any) -> Any:
    """`obj[key]` where the direct way failed: for a name the attribute, then undefined."""
    environment = context.environment
    if type(key) is str and type(obj) is dict and _is_no_attribute_of_dict(key):
        return environment.undefined(obj=obj, name=key)
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
    """Return `obj.name` in an environment that overrides `getattr`."""
    return context.environment.getattr(obj, name)


def environment_getitem(context: Context, obj: Any, key: Any) -> Any:
    """Return `obj[key]` in an environment that overrides `getitem`."""
    return context.environment.getitem(obj, key)


def check_namespace(obj: Any) -> None:
    """Raise TemplateRuntimeError if `obj`, an attribute of which is to be set, is not a namespace."""
    if not isinstance(obj, Namespace):
        raise TemplateRuntimeError("cannot assign attribute on non-namespace object")


def set_attribute(namespace: Namespace, name: str, value: Any) -> None:
    """Do ``{% set namespace.name = value %}``."""
    namespace[name] = value


# --- output ------------------------------------------------------------------------------------------------


def escaped(value: Any) -> str:
    """Return the escaped text of a value, as an exact `str`."""
    kind = type(value)
    if kind is Markup:
        return _exact(value)
    if kind is Undefined:
        return ""
    return _exact(escape_to_str(value))


def html_of(value: Any) -> str:
    """Return the text of a value that is marked safe."""
    return value.__html__() if hasattr(value, "__html__") else str(value)


def emit(context: Context, value: Any) -> str:
    """Return the text of a value, escaped if the context says so, in a scope whose autoescaping is not known at
    compile time."""
    return escaped(value) if context.eval_ctx.autoescape else str(value)


def captured(context: Context, pieces: list[Any]) -> Any:
    """Return the text of captured output, as markup if the context says so, in a scope whose autoescaping is not
    known at compile time."""
    text = context.environment.concat(pieces)
    return mark_text(text) if context.eval_ctx.autoescape else text


_exact = str.__str__
join_pieces = "".join


def str_join(items: Sequence[Any]) -> str:
    """Return ``a ~ b`` without escaping."""
    return "".join(map(str, items))


def markup_join(items: Sequence[Any]) -> str:
    """Return ``a ~ b`` with escaping: if one of the items is Markup, all others are escaped and the result is
    Markup.

    An item that is not a str counts as its text, even if it has an `__html__`.
    """
    texts = [item if isinstance(item, str) else str(item) for item in items]
    for text in texts:
        if hasattr(text, "__html__"):
            return mark("".join([escape_to_str(text) for text in texts]))
    return "".join(texts)


def joined_text(value: Any) -> str:
    """Return the escaped text of an item, as `markup_join` would join it."""
    return escaped(value if isinstance(value, str) else str(value))


def join_dynamic(context: Context, items: Sequence[Any]) -> str:
    """Return ``a ~ b`` in a scope whose autoescaping is not known at compile time."""
    return markup_join(items) if context.eval_ctx.autoescape else str_join(items)


def eval_context(environment: "Environment", autoescape: Any) -> EvalContext:
    """Return the evaluation context inside ``{% autoescape %}``."""
    return environment._eval_contexts[bool(autoescape)]


# --- other templates ---------------------------------------------------------------------------------------


def check_required(context: Context, name: str) -> None:
    """Raise TemplateRuntimeError if no child template has filled the required block `name`."""
    if len(context.blocks[name]) <= 1:
        raise TemplateRuntimeError(f"Required block {name!r} not found")


def check_not_extended(parent: Any) -> None:
    """Raise TemplateRuntimeError if there is a parent already."""
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
    """Return the template to include, or None if it does not exist and `ignore_missing` is true.

    name: a name, a list or tuple of names, or a template.
    key: the site that includes it. It stores the template for the rest of this rendering; None does not.

    Raises TemplateNotFound, and what loading the template raises.
    """
    environment = context.environment
    try:
        if type(name) is str:
            included_template = environment.get_template(name, template.name)
        elif isinstance(name, (list, tuple)):
            included_template = environment.select_template(name, template.name)
        else:
            included_template = environment.get_or_select_template(name, template.name)
    except TemplateNotFound:
        if ignore_missing:
            return None
        raise
    if key is not None:
        if context.loaded is NOTHING_LOADED:
            context.loaded = {}
        context.loaded[key] = included_template
    return included_template


def included_context(context: Context, template: "Template", locals: Mapping[str, Any] | None) -> Context:
    """Return the context of an included template that sees the names of the including one.

    locals: variables of the including scope, which precede the context's names.
    """
    names = context.names
    if type(names) is not dict or template.environment is not context._origin.environment:
        names = context.get_all()
    if locals:
        names = {**names, **locals}
    included: Context = template._make_context(template, names)
    included.loaded = context.loaded
    return alone(included, names) if is_alone(context) else included


def sharing_loaded(context: Context, loaded: dict[Any, Any]) -> Context:
    """Return `context`, after making it share the templates that an including one has loaded."""
    context.loaded = loaded
    return context


def imported(context: Context, name: Any, template: "Template", locals: Mapping[str, Any] | None) -> Any:
    """Return the module of an imported template. (In an asynchronous environment: an awaitable.)

    locals: variables of the importing scope, for an import with context; None for one without.

    Raises TemplateNotFound, and what loading and running the template raises.
    """
    environment = context.environment
    imported = environment.get_template(name, template.name)
    if environment.auto_reload and imported.name is not None:
        template._imports[imported.name] = imported
    if locals is not None:
        names = context.get_all()
        make = imported.make_module_async if environment.is_async else imported.make_module
        module: Any = make(names, True, locals)
    elif environment.is_async:
        module = imported._default_module_async(context)
    else:
        module = imported._default_module(context)
    return environment._imported(module)


def imported_name(environment: "Environment", module: Any, name: str, place: str) -> Any:
    """Return the value of a name of an imported module; undefined if it does not export it. `place` is the
    import's, for the message."""
    value = environment._of_module(module, name)
    if value is missing:
        return environment.undefined(
            f"the template {environment._of_module(module, '__name__')!r} (imported on {place})"
            f" does not export the requested name {name!r}",
            name=name,
        )
    return value


def debug_info(context: Context, locals: Mapping[str, Any]) -> str:
    """Return the text of ``{% debug %}``."""
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
    """Return a function to call in place of a filter or test that does not exist. It raises TemplateRuntimeError:
    the code that calls it may never be reached."""

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
    "format_message",
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
