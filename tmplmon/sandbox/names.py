"""Which attributes a sandboxed template does not get.

Rule: a name that begins with an underscore is refused, whatever it is of. Of the other names only a few depend on
the object (`CHECKED`), and a few kinds of objects have no attributes for templates at all (`is_closed`): frames and
code, and the engine's own environments, templates, contexts and loaders. Everything else is decided by the name
alone, before a template runs.
"""

import types
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, MutableMapping, MutableSequence, MutableSet
from typing import Any

from tmplmon.environment import Environment
from tmplmon.ext import Extension
from tmplmon.loaders import BaseLoader
from tmplmon.runtime.blocks import Block, BlockReference, TemplateReference
from tmplmon.runtime.context import Context, EvalContext
from tmplmon.runtime.globals import Cycler, Joiner, Namespace
from tmplmon.runtime.macro import Macro
from tmplmon.template import Template, TemplateExpression, TemplateStream

UNSAFE_FUNCTION_ATTRIBUTES: set[str] = set()
"""Attributes of functions that are refused. Empty: all that are dangerous begin with an underscore."""

UNSAFE_METHOD_ATTRIBUTES: set[str] = set()
"""Attributes of methods that are refused; those of functions are too."""


def _public(cls: type, prefix: str = "") -> set[str]:
    return {name for name in dir(cls) if name[0] != "_" and name.startswith(prefix)}


UNSAFE_GENERATOR_ATTRIBUTES = _public(types.GeneratorType, "gi_")
"""Attributes of generators that are refused: frame and code, and what leads to those of another generator."""

UNSAFE_COROUTINE_ATTRIBUTES = _public(types.CoroutineType, "cr_")
"""Attributes of coroutines that are refused."""

UNSAFE_ASYNC_GENERATOR_ATTRIBUTES = _public(types.AsyncGeneratorType, "ag_")
"""Attributes of asynchronous generators that are refused."""

_OF_TYPES = frozenset({"mro"})
_FORMATS = frozenset({"format", "format_map"})

# Objects of the engine that a template may meet. Templates get these attributes of them, and no others.
_ENGINE: dict[type[Any], frozenset[str]] = {
    Macro: frozenset({"name", "arguments", "catch_kwargs", "catch_varargs", "caller"}),
    BlockReference: frozenset({"name", "super", "depth"}),
    **dict.fromkeys(
        (
            Block,
            TemplateReference,
            Context,
            EvalContext,
            Environment,
            Template,
            TemplateExpression,
            TemplateStream,
        ),
        frozenset(),
    ),
    **dict.fromkeys((BaseLoader, Extension), frozenset()),
}
# Classes that are globals: templates call them. Their methods, called with some other object, would modify that.
_GLOBALS = (Cycler, Joiner, Namespace)
_INTERNALS = (types.CodeType, types.FrameType, types.TracebackType)
_CLOSED = (*_ENGINE, *_INTERNALS, type)


def checked_names() -> frozenset[str]:
    """Names, without an underscore in front, for which the object has to be looked at."""
    return frozenset(
        _OF_TYPES
        | _FORMATS
        | UNSAFE_FUNCTION_ATTRIBUTES
        | UNSAFE_METHOD_ATTRIBUTES
        | UNSAFE_GENERATOR_ATTRIBUTES
        | UNSAFE_COROUTINE_ATTRIBUTES
        | UNSAFE_ASYNC_GENERATOR_ATTRIBUTES
    )


def is_closed(kind: type) -> bool:
    """Whether the objects of a type are looked at for every attribute."""
    return issubclass(kind, _CLOSED)


def is_engine_class(obj: Any) -> bool:
    """Whether a value is one of the engine's classes that templates must not make objects of."""
    return isinstance(obj, type) and issubclass(obj, tuple(_ENGINE))


def is_internal_attribute(obj: Any, attr: str) -> bool:
    """Tell whether an attribute belongs to Python's or this engine's inside: one that leads to frames, code,
    classes, environments. Every name that begins with two underscores is one."""
    if attr.startswith("__"):
        return True
    if isinstance(obj, types.FunctionType):
        return attr in UNSAFE_FUNCTION_ATTRIBUTES
    if isinstance(obj, types.MethodType):
        return attr in UNSAFE_FUNCTION_ATTRIBUTES or attr in UNSAFE_METHOD_ATTRIBUTES
    if isinstance(obj, (type, types.GenericAlias, types.UnionType)):
        return attr in _OF_TYPES or any(obj is cls for cls in _GLOBALS)
    if isinstance(obj, types.GeneratorType):
        return attr in UNSAFE_GENERATOR_ATTRIBUTES
    if isinstance(obj, types.CoroutineType):
        return attr in UNSAFE_COROUTINE_ATTRIBUTES
    if isinstance(obj, types.AsyncGeneratorType):
        return attr in UNSAFE_ASYNC_GENERATOR_ATTRIBUTES
    if isinstance(obj, (*_INTERNALS, *_ENGINE)):
        return not any(isinstance(obj, cls) and attr in names for cls, names in _ENGINE.items())
    return False


# Type → the methods that modify an object of it. An object may be of several of these types.
_MODIFYING: tuple[tuple[type[Any], frozenset[str]], ...] = (
    (
        MutableSet,
        frozenset(
            {
                *("add", "clear", "difference_update", "discard", "intersection_update", "pop", "remove"),
                *("symmetric_difference_update", "update"),
            }
        ),
    ),
    (MutableMapping, frozenset({"clear", "pop", "popitem", "setdefault", "update"})),
    (OrderedDict, frozenset({"move_to_end"})),
    (Counter, frozenset({"subtract"})),
    (
        MutableSequence,
        frozenset({"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"}),
    ),
    (deque, frozenset({"appendleft", "extendleft", "popleft", "rotate"})),
    (bytearray, frozenset({"resize", "take_bytes"})),
)


def modifying_names() -> frozenset[str]:
    """Every name for which `modifies_known_mutable` has to look at the object."""
    return frozenset().union(*(names for _, names in _MODIFYING))


def modifies_known_mutable(obj: Any, attr: str) -> bool:
    """Tell whether calling a method would modify a list, dict, set, deque, or what registers as one of these. Of a
    class it is the method that is passed such an object. False for everything else."""
    if isinstance(obj, type):
        return any(attr in names and issubclass(obj, cls) for cls, names in _MODIFYING)
    return any(attr in names and isinstance(obj, cls) for cls, names in _MODIFYING)


def unsafe[F: Callable[..., Any]](f: F) -> F:
    """Mark a function or method as one that templates must not call."""
    f.unsafe_callable = True  # type: ignore[attr-defined]
    return f
