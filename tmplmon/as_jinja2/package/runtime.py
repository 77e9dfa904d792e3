"""The run time, which is tmplmon's."""

from collections.abc import Iterable, Mapping
from typing import Any

from jinja2.async_utils import auto_aiter, auto_await
from jinja2.utils import Namespace, concat, internalcode, object_type_repr
from markupsafe import Markup, escape, soft_str

from tmplmon.errors import TemplateNotFound, TemplateRuntimeError, UndefinedError
from tmplmon.runtime.blocks import BlockReference, TemplateReference
from tmplmon.runtime.context import Context, EvalContext, alone
from tmplmon.runtime.loop import AsyncLoopContext, LoopContext
from tmplmon.runtime.macro import Macro
from tmplmon.runtime.undefined import (
    ChainableUndefined,
    DebugUndefined,
    StrictUndefined,
    Undefined,
    make_logging_undefined,
    missing,
)

__all__ = [
    "AsyncLoopContext",
    "BlockReference",
    "ChainableUndefined",
    "Context",
    "DebugUndefined",
    "EvalContext",
    "LoopContext",
    "Macro",
    "Markup",
    "Namespace",
    "StrictUndefined",
    "TemplateNotFound",
    "TemplateReference",
    "TemplateRuntimeError",
    "Undefined",
    "UndefinedError",
    "auto_aiter",
    "auto_await",
    "concat",
    "escape",
    "identity",
    "internalcode",
    "make_logging_undefined",
    "markup_join",
    "missing",
    "new_context",
    "object_type_repr",
    "soft_str",
    "str_join",
]

# The names that code generators import into generated code; none is generated, but others read the lists.
exported = [
    *("LoopContext", "TemplateReference", "Macro", "Markup", "TemplateRuntimeError", "missing", "escape"),
    *("markup_join", "str_join", "identity", "TemplateNotFound", "Namespace", "Undefined", "internalcode"),
]
async_exported = ["AsyncLoopContext", "auto_aiter", "auto_await"]


def identity[T](x: T) -> T:
    """Return the argument."""
    return x


def markup_join(seq: Iterable[Any]) -> str:
    """Return the escaped values, joined."""
    return Markup("").join(map(escape, seq))


def str_join(seq: Iterable[Any]) -> str:
    """Return the texts of the values, joined."""
    return "".join(map(str, seq))


def new_context(
    environment: Any,
    template_name: str | None,
    blocks: Mapping[str, Any],
    vars: Mapping[str, Any] | None = None,
    shared: bool = False,
    globals: Mapping[str, Any] | None = None,
    locals: Mapping[str, Any] | None = None,
) -> Context:
    """Create a context, of the class that the environment has.

    vars: names and values. shared: use `vars` as they are; otherwise `globals` are added. locals: names and values
    that precede those in `vars`. A value that is `missing` does not count.
    """
    parent: Any = {} if vars is None else vars
    if not shared:
        parent = {**(globals or {}), **parent}
    if locals:
        parent = {**parent, **{name: value for name, value in locals.items() if value is not missing}}
    context: Context = environment.context_class(environment, parent, template_name, blocks, globals=globals)
    return alone(context, parent) if shared else context
