"""Which attributes a sandboxed template must not read.

Rule: a name with a leading underscore is always refused. For a few other names the object decides
(`checked_names`), and the objects of a few types are inspected for every name (`is_closed`): frames, code objects,
classes, the engine's environments, templates, contexts and loaders, and proxies, which may stand for one of these.
For all other names the name alone decides, before a template runs.
"""

import types
import typing
from array import array
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, MutableSet, Sequence
from functools import cached_property, partial
from typing import Any

from tmplmon.environment import Environment
from tmplmon.ext import Extension
from tmplmon.loaders import BaseLoader
from tmplmon.runtime.blocks import Block, BlockReference, TemplateReference
from tmplmon.runtime.context import Context, EvalContext
from tmplmon.runtime.globals import Cycler, Joiner, Namespace
from tmplmon.runtime.macro import Macro
from tmplmon.sandbox.hidden import HIDDEN, SandboxedModule, SandboxedNamespace
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
_OLD_ALIAS: Any = typing.List[int]  # noqa: UP006
# ``list[int]`` and the classes of ``typing.List[int]``: their attributes are those of the class, with the methods
# of all its objects.
ALIASES: tuple[type[Any], ...] = (
    types.GenericAlias,
    types.UnionType,  # pyright: ignore[reportAssignmentType]
    *(cls for cls in type(_OLD_ALIAS).__mro__ if cls is not object),
)
_CLOSED = (*_ENGINE, *_INTERNALS, *ALIASES, SandboxedNamespace, SandboxedModule, type)


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
    """Whether objects of a type have to be inspected for every attribute name, for items and for iteration."""
    if issubclass(kind, _CLOSED):
        return True
    for cls in kind.__mro__[:-1]:
        # A proxy (`werkzeug.local.LocalProxy`, a mock) pretends to be of another class.
        names = vars(cls)
        if "__class__" in names or isinstance(names.get("__getattribute__"), types.FunctionType):
            return True
        if any(is_marked(names[name]) for name in _SPECIAL_METHODS if name in names):
            return True
        if any(is_marked(_getter(value)) for value in list(names.values())):
            return True
    return False


def is_engine_class(obj: Any) -> bool:
    """Whether a value is one of the engine's classes that templates must not instantiate."""
    return isinstance(obj, type) and issubclass(obj, tuple(_ENGINE))


def is_internal_attribute(obj: Any, attr: str) -> bool:
    """Whether an attribute is internal to Python or to this engine: one that leads to frames, code, classes or
    environments. Every name with two leading underscores is internal."""
    if attr.startswith("__"):
        return True
    if type(obj) in HIDDEN:
        return False  # They have items only, and each `isinstance` below would ask for their class.
    if isinstance(obj, types.FunctionType):
        return attr in UNSAFE_FUNCTION_ATTRIBUTES
    if isinstance(obj, types.MethodType):
        return attr in UNSAFE_FUNCTION_ATTRIBUTES or attr in UNSAFE_METHOD_ATTRIBUTES
    if isinstance(obj, ALIASES):
        return True
    if isinstance(obj, type):
        return attr in _OF_TYPES or issubclass(obj, _GLOBALS)
    if isinstance(obj, types.GeneratorType):
        return attr in UNSAFE_GENERATOR_ATTRIBUTES
    if isinstance(obj, types.CoroutineType):
        return attr in UNSAFE_COROUTINE_ATTRIBUTES
    if isinstance(obj, types.AsyncGeneratorType):
        return attr in UNSAFE_ASYNC_GENERATOR_ATTRIBUTES
    if isinstance(obj, (*_INTERNALS, *_ENGINE)):
        return not any(isinstance(obj, cls) and attr in names for cls, names in _ENGINE.items())
    return False


_COPYING = frozenset({"copy", "count", "index"})
_READING_DICT = frozenset({"copy", "fromkeys", "get", "items", "keys", "values"})

# Type → its methods that modify an object: all methods except those that are known to only read, so that a method
# which a later version of Python adds is refused. An object may be an instance of several of these types.
_MODIFYING: tuple[tuple[type[Any], frozenset[str]], ...] = tuple(
    (cls, frozenset(names))
    for cls, names in (
        (MutableSet, _public(set) - _public(frozenset)),
        (MutableMapping, (_public(MutableMapping) - _public(Mapping)) | (_public(dict) - _READING_DICT)),
        (OrderedDict, _public(OrderedDict) - _READING_DICT),
        (Counter, _public(Counter) - _READING_DICT - {"elements", "most_common", "total"}),
        (MutableSequence, (_public(MutableSequence) - _public(Sequence)) | (_public(list) - _COPYING)),
        (deque, _public(deque) - _COPYING - {"maxlen"}),
        (bytearray, (_public(bytearray) - _public(bytes) - _COPYING) | {"resize", "take_bytes"}),
        (
            array,
            _public(array)
            - _COPYING
            - {"buffer_info", "itemsize", "tobytes", "tolist", "tounicode", "typecode"},
        ),
        (memoryview, {"release"}),
    )
)

INSERTING: tuple[type[Any], ...] = (defaultdict, ChainMap, types.MappingProxyType)
"""Mappings that may insert an item when a missing one is read, or that look items up in such a mapping."""


def modifying_names() -> frozenset[str]:
    """The names for which `modifies_known_mutable` has to inspect the object."""
    return frozenset().union(*(names for _, names in _MODIFYING))


def modifies_known_mutable(obj: Any, attr: str) -> bool:
    """Whether calling a method would modify a list, dict, set or deque, or an object registered as one. For a class
    the question is about its unbound method. False for all other objects."""
    if isinstance(obj, type):
        return any(attr in names and issubclass(obj, cls) for cls, names in _MODIFYING)
    return any(attr in names and isinstance(obj, cls) for cls, names in _MODIFYING)


# Special methods that an application may mark: an object whose class marks one is refused where a template would
# call it.
_SPECIAL_METHODS = (
    "__aiter__",
    "__anext__",
    "__call__",
    "__contains__",
    "__getitem__",
    "__iter__",
    "__next__",
)
_ITERATION = ("__iter__", "__aiter__", "__next__", "__anext__")
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType)


def is_marked(function: Any) -> bool:
    """Whether a function has the mark of `unsafe`, or Django's `alters_data`."""
    return bool(getattr(function, "unsafe_callable", False) or getattr(function, "alters_data", False))


def _getter(value: Any) -> Any:
    """The function of a property or of a `functools.cached_property`, which reading the attribute calls."""
    kind = type(value)
    if kind is cached_property:
        return value.func
    return value.fget if isinstance(value, property) else None


def has_marked_property(obj: Any, name: str) -> bool:
    """Whether an attribute is a property whose function is marked: reading the attribute would call it."""
    return is_marked(_getter(getattr(type(obj), name, None))) or (
        obj.__class__ is not type(obj) and is_marked(_getter(getattr(obj.__class__, name, None)))
    )


def is_marked_unsafe(obj: Any) -> bool:
    """Whether a value is marked as one that templates must not call: itself, the function of a `partial`, the
    ``__call__`` of its class, or the ``__init__`` or ``__new__`` of a class."""
    while True:
        if is_marked(obj):
            return True
        if not isinstance(obj, partial):
            break
        obj = obj.func
    if isinstance(obj, _FUNCTIONS):
        return False
    if isinstance(obj, type):
        return is_marked(obj.__init__) or is_marked(obj.__new__)  # type: ignore[misc]
    return is_marked(getattr(type(obj), "__call__", None))  # noqa: B004


_MAX_KINDS = 500
_iterable_kinds: set[type] = set()
"""Types whose iteration is not marked, at most 500."""


def refuses(obj: Any, *names: str) -> bool:
    """Whether the class of an object marks one of these special methods as unsafe."""
    return any(is_marked(getattr(type(obj), name, None)) for name in names)


def refuses_iteration(obj: Any) -> bool:
    """Whether the class of an object marks its iteration as unsafe."""
    kind = type(obj)
    if kind in _iterable_kinds:
        return False
    if refuses(obj, *_ITERATION) or (not hasattr(kind, "__iter__") and refuses(obj, "__getitem__")):
        return True
    if len(_iterable_kinds) >= _MAX_KINDS:
        _iterable_kinds.clear()
    _iterable_kinds.add(kind)
    return False


def unsafe[F: Callable[..., Any]](f: F) -> F:
    """Mark a function or method as unsafe: sandboxed templates must not call it. Returns `f`."""
    f.unsafe_callable = True  # type: ignore[attr-defined]
    return f
