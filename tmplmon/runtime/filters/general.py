"""Filters for all kinds of values."""

from typing import TYPE_CHECKING, Any

from tmplmon.runtime.markers import is_inlinable, pass_environment
from tmplmon.runtime.undefined import Undefined

if TYPE_CHECKING:
    from tmplmon.environment import Environment

# `inspect.getattr_static` after the first use.
_getattr_static: Any = None


def do_default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    """Return the value, or another one if it is undefined.

    default_value: the other value.
    boolean: return the other value for all values that are false.
    """
    if isinstance(value, Undefined) or (boolean and not value):
        return default_value
    return value


@pass_environment
def do_attr(environment: "Environment", obj: Any, name: str) -> Any:
    """Return an attribute like `obj.name`, but no item. Undefined if the object does not have the attribute.

    name: the attribute's name.
    """
    if is_inlinable(environment.getattr):
        try:
            return getattr(obj, name)
        except AttributeError:
            pass
        if not _has_static(obj, name, failed=True):
            return environment.undefined(obj=obj, name=name)
        # The attribute exists but its code raised AttributeError: use the item, as `obj.name` does.
        try:
            return obj[name]
        except (TypeError, LookupError, AttributeError):
            return environment.undefined(obj=obj, name=name)
    if not _has_static(obj, name) and not hasattr(obj, name):
        return environment.undefined(obj=obj, name=name)
    return environment.getattr(obj, name)


def _has_static(obj: Any, name: str, failed: bool = False) -> bool:
    """Whether an attribute is defined, without computing its value.

    failed: reading it raised AttributeError, so it cannot be in the `__dict__` of an ordinary object.
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
    """Return the value as a Python expression, on several lines if it is long."""
    from pprint import pformat

    return pformat(value)
