"""Objects whose attributes a template chooses: namespaces and imported modules.

Rule: for Python such an object has no attributes. Otherwise a function that calls a method of its argument by name
(``dict(x)`` calls ``x.keys()``, a filter calls ``x.splitlines()``) would call what the template has stored under
that name. The engine reads the attributes as items.
"""

from collections.abc import Mapping
from types import CoroutineType
from typing import Any

from tmplmon.errors import SecurityError
from tmplmon.runtime.globals import Namespace, values_of
from tmplmon.runtime.html import mark

_VISIBLE = frozenset({"__class__", "__doc__", "__module__"})


class HiddenAttributeError(SecurityError, AttributeError):
    """Python code tried to read an attribute of an object whose attributes a template chooses."""


class _Hidden:
    """Refuses all attributes except those that Python itself reads."""

    __slots__ = ()

    def __getattribute__(self, name: str) -> Any:
        if name in _VISIBLE or (name == "__html__" and type(self) is SandboxedModule):
            return object.__getattribute__(self, name)
        raise HiddenAttributeError(
            f"{type(self).__name__!r} object shows no attribute {name!r} to Python code"
        )

    # An object with items would otherwise be iterable.
    __iter__ = None
    __contains__ = None


class SandboxedNamespace(_Hidden, Namespace):
    """A namespace that refuses names with two leading underscores, which are Python's own."""

    __slots__ = ()

    def __init__(*args: Any, **kwargs: Any) -> None:
        names = dict(*args[1:], **kwargs)
        for name in names:
            _check_name(name)
        Namespace.__init__(args[0], names)

    def __getitem__(self, name: Any) -> Any:
        return values_of(self)[name]

    def __setitem__(self, name: str, value: Any) -> None:
        _check_name(name)
        values_of(self)[name] = value


def _check_name(name: Any) -> None:
    if isinstance(name, str) and name.startswith("__"):
        raise SecurityError(f"{name!r} is not a name for an attribute of a namespace")


class SandboxedModule(_Hidden):
    """An imported template: its exported names are items, `str(module)` is its output.

    module: the `TemplateModule`.
    """

    __slots__ = ("_module",)

    def __init__(self, module: Any) -> None:
        object.__setattr__(self, "_module", module)

    def __getitem__(self, name: Any) -> Any:
        return names_of(self)[name]

    def __html__(self) -> str:
        return mark(str(module_of(self)))

    def __str__(self) -> str:
        return str(module_of(self))

    def __repr__(self) -> str:
        return repr(module_of(self))


# Messages name them as in other environments.
SandboxedNamespace.__name__ = "Namespace"
SandboxedModule.__name__ = "TemplateModule"

module_of = SandboxedModule.__dict__["_module"].__get__
"""Module → the `TemplateModule` that it hides."""


HIDDEN = (SandboxedNamespace, SandboxedModule)


def names_of(module: SandboxedModule) -> Mapping[str, Any]:
    """Return the exported names of a module, and their values."""
    names: Mapping[str, Any] = vars(module_of(module))
    return names


def concealed(module: Any) -> Any:
    """Return what a template gets for an imported module, or for an awaitable that gives the module."""
    return _concealed_later(module) if isinstance(module, CoroutineType) else SandboxedModule(module)


async def _concealed_later(module: Any) -> SandboxedModule:
    return SandboxedModule(await module)
