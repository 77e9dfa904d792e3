"""Which attributes a sandboxed template must not read.

Rule: a name with a leading underscore is always refused. For a few other names the object decides
(`checked_names`), and a few types have no attributes for templates at all (`is_closed`): frames, code objects,
classes, and the engine's environments, templates, contexts and loaders. For all other names the name alone decides,
before a template runs.
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
from tmplmon.stream import TemplateStream
from tmplmon.template import Template, TemplateExpression

UNSAFE_FUNCTION_ATTRIBUTES: set[str] = set()
"""Refused attributes of functions. Empty: all dangerous ones have a leading underscore."""

UNSAFE_METHOD_ATTRIBUTES: set[str] = set()
"""Refused attributes of methods, in addition to those of functions."""


def _public(cls: type, prefix: str = "") -> set[str]:
    return {name for name in dir(cls) if name[0] != "_" and name.startswith(prefix)}


UNSAFE_GENERATOR_ATTRIBUTES = _public(types.GeneratorType, "gi_")
"""Refused attributes of generators: frame, code, and the generator that is delegated to."""

UNSAFE_COROUTINE_ATTRIBUTES = _public(types.CoroutineType, "cr_")
"""Refused attributes of coroutines."""

UNSAFE_ASYNC_GENERATOR_ATTRIBUTES = _public(types.AsyncGeneratorType, "ag_")
"""Refused attributes of asynchronous generators."""

_OF_TYPES = frozenset({"mro"})
_FORMATS = frozenset({"format", "format_map"})

# The engine's types that a template may meet → their allowed attributes.
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
# Classes that are globals, which templates call. Their unbound methods could modify any other instance.
_GLOBALS = (Cycler, Joiner, Namespace)
_INTERNALS = (types.CodeType, types.FrameType, types.TracebackType)
_CLOSED = (*_ENGINE, *_INTERNALS, type)


def checked_names() -> frozenset[str]:
    """The names without a leading underscore for which the object has to be inspected."""
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
    """Whether objects of a type have to be inspected for every attribute name."""
    return issubclass(kind, _CLOSED)


def is_engine_class(obj: Any) -> bool:
    """Whether a value is one of the engine's classes that templates must not instantiate."""
    return isinstance(obj, type) and issubclass(obj, tuple(_ENGINE))


def is_internal_attribute(obj: Any, attr: str) -> bool:
    """Whether an attribute is internal to Python or to this engine: one that leads to frames, code, classes or
    environments. Every name with two leading underscores is internal."""
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


# Type → its methods that modify an object. An object may be an instance of several of these types.
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
    """The names for which `modifies_known_mutable` has to inspect the object."""
    return frozenset().union(*(names for _, names in _MODIFYING))


def modifies_known_mutable(obj: Any, attr: str) -> bool:
    """Whether calling a method would modify a list, dict, set or deque, or an object registered as one. For a class
    the question is about its unbound method. False for all other objects."""
    if isinstance(obj, type):
        return any(attr in names and issubclass(obj, cls) for cls, names in _MODIFYING)
    return any(attr in names and isinstance(obj, cls) for cls, names in _MODIFYING)


def unsafe[F: Callable[..., Any]](f: F) -> F:
    """Mark a function or method as unsafe: sandboxed templates must not call it. Returns `f`."""
    f.unsafe_callable = True  # type: ignore[attr-defined]
    return f
