"""How filters reach into items: by the path in an `attribute` argument, and by the name of a test or filter.

Rule: everything goes through the environment, whose `getitem`, `call_filter` and `call_test` may be replaced
(a sandbox does). Where they are the stock ones (see `markers.inlinable`) the same is done here in place, once
for the whole sequence instead of once for each item.

A path is `"address.city"` or `"rows.0.name"`: parts between dots, parts of digits are integers. An integer is
a path of itself, None the empty path (the item itself).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tmplmon.runtime.markers import first_argument, is_inlinable, pass_arg_of
from tmplmon.runtime.undefined import Undefined

if TYPE_CHECKING:
    from tmplmon.environment import Environment

type Getter = Callable[[Any], Any]

# What a failed lookup of an item raises; anything else is an error of the object's own.
_LOOKUP_ERRORS = (AttributeError, TypeError, LookupError)


def fold_case(value: Any) -> Any:
    """Make strings comparable without case; other values are compared as they are."""
    return value.lower() if isinstance(value, str) else value


def split_path(attribute: Any) -> list[Any]:
    """Split an `attribute` argument into the parts to look up, one after the other."""
    if attribute is None:
        return []
    if isinstance(attribute, str):
        return [int(part) if part.isdigit() else part for part in attribute.split(".")]
    return [attribute]


def _inline_getter(environment: "Environment", parts: list[str]) -> Getter:
    """Look up names as the stock `Environment.getitem` does: the item, then the attribute, then undefined."""
    getitem = environment.getitem
    undefined = environment.undefined
    # Most sequences hold one type of item, so it is enough to remember the last type that has no items.
    plain: type = object

    def get(item: Any, part: str = parts[0]) -> Any:
        nonlocal plain
        kind = type(item)
        if kind is dict:
            try:
                return item[part]
            except _LOOKUP_ERRORS:
                return getitem(item, part)
        if kind is not plain:
            # A class is subscripted by its __class_getitem__.
            if hasattr(kind, "__getitem__") or issubclass(kind, type):
                return getitem(item, part)
            plain = kind
        try:
            return getattr(item, part)
        except AttributeError:
            return undefined(obj=item, name=part)

    def follow(item: Any) -> Any:
        for part in parts:
            if type(item) is dict:
                # The common step is spared the call.
                try:
                    item = item[part]
                    continue
                except _LOOKUP_ERRORS:
                    pass
            item = get(item, part)
        return item

    return get if len(parts) == 1 else follow


def path_getter(environment: "Environment", attribute: Any, default: Any = None) -> Getter | None:
    """Make the function that follows a path from an item; None for the empty path.

    default: stands for an undefined value, on every step of the path; None to keep undefined values.
    """
    parts = split_path(attribute)
    if not parts:
        return None
    getitem = environment.getitem
    if default is not None:

        def follow_or_default(item: Any) -> Any:
            for part in parts:
                item = getitem(item, part)
                if isinstance(item, Undefined):
                    item = default
            return item

        return follow_or_default
    if is_inlinable(getitem) and all(type(part) is str for part in parts):
        return _inline_getter(environment, parts)

    def follow(item: Any) -> Any:
        for part in parts:
            item = getitem(item, part)
        return item

    return follow


def sort_key(
    environment: "Environment", attribute: Any, case_sensitive: bool, default: Any = None
) -> Getter | None:
    """Make the function that gives what an item is compared by; None where that is the item itself."""
    get = path_getter(environment, attribute, default)
    if case_sensitive:
        return get
    if get is None:
        return fold_case
    getter = get

    def folded(item: Any) -> Any:
        value = getter(item)
        return value.lower() if isinstance(value, str) else value

    return folded


def call_each(
    kind: str,
    context: Any,
    name: Any,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Callable[[Any], Any]:
    """Make the function that applies the test or filter `name` to an item.

    kind: 'test' or 'filter'. The name is looked up at the first item, so that nothing is said of an unknown
        name when there is no item.
    """
    environment = context.environment
    call = environment.call_test if kind == "test" else environment.call_filter
    if is_inlinable(call):
        table = environment.tests if kind == "test" else environment.filters
        func = table.get(name)
        if func is not None:
            return _bind(func, context, args, kwargs)

    def by_name(item: Any) -> Any:
        return call(name, item, args, kwargs, context)

    return by_name


def _bind(
    func: Callable[..., Any], context: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Callable[[Any], Any]:
    wants = pass_arg_of(func)
    if wants is not None:
        first = first_argument(context, wants)
        return lambda item: func(first, item, *args, **kwargs)
    if kwargs:
        return lambda item: func(item, *args, **kwargs)
    if not args:
        return func
    if len(args) == 1:
        only = args[0]
        return lambda item: func(item, only)
    return lambda item: func(item, *args)
