"""Filters for values of any kind."""

from typing import TYPE_CHECKING, Any

from tmplmon.runtime.markers import is_inlinable, pass_environment
from tmplmon.runtime.undefined import Undefined

if TYPE_CHECKING:
    from tmplmon.environment import Environment

# `inspect.getattr_static`, once it is needed.
_getattr_static: Any = None


def do_default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    """Give another value in the place of one that is undefined.

    default_value: the other value.
    boolean: replace every value that is false too.
    """
    if isinstance(value, Undefined) or (boolean and not value):
        return default_value
    return value


@pass_environment
def do_attr(environment: "Environment", obj: Any, name: str) -> Any:
    """Get an attribute as `obj.name` does, but never an item; undefined if there is none.

    name: the attribute's name.
    """
    if is_inlinable(environment.getattr):
        try:
            return getattr(obj, name)
        except AttributeError:
            pass
        if not _has_static(obj, name, failed=True):
            return environment.undefined(obj=obj, name=name)
        # There is such an attribute, and computing it failed: then the item is tried, as for `obj.name`.
        try:
            return obj[name]
        except (TypeError, LookupError, AttributeError):
            return environment.undefined(obj=obj, name=name)
    if not _has_static(obj, name) and not hasattr(obj, name):
        return environment.undefined(obj=obj, name=name)
    return environment.getattr(obj, name)


def _has_static(obj: Any, name: str, failed: bool = False) -> bool:
    """Tell whether an attribute is defined, without computing its value.

    failed: asking for the value raised AttributeError. Then an ordinary object does not have it itself.
    """
    getattribute: Any = type(obj).__getattribute__
    if failed and getattribute is object.__getattribute__:
        return any(name in cls.__dict__ for cls in type(obj).__mro__)
    global _getattr_static
    if _getattr_static is None:
        from inspect import getattr_static as _getattr_static
    try:
        _getattr_static(obj, name)
    except AttributeError:
        return False
    return True


def do_pprint(value: Any) -> str:
    """Show a value as Python would write it, over several lines if it is long."""
    from pprint import pformat

    return pformat(value)
