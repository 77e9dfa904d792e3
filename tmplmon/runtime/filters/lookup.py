"""Attributes of items by the path in an `attribute` argument, and calls of tests and filters by name.

Rule: all look-ups use the environment's `getitem`, `call_filter` and `call_test`, which a subclass (a sandbox) may
override. If they are the stock methods (see `markers.inlinable`), the functions here do the same without calling
them, and do some of it once for the sequence instead of once for each item.

A path is a text such as `"address.city"` or `"rows.0.name"`: parts between dots, where parts of digits are
integers. An integer is a path of one part. None is the empty path, which means the item itself.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tmplmon.runtime.markers import first_argument, is_inlinable, pass_arg_of
from tmplmon.runtime.undefined import Undefined, missing

if TYPE_CHECKING:
    from tmplmon.environment import Environment

type Getter = Callable[[Any], Any]

# The errors of a failed look-up of an item. All others are errors of the object's own code.
_LOOKUP_ERRORS = (AttributeError, TypeError, LookupError)


def fold_case(value: Any) -> Any:
    """Return a str in lower case, and any other value as it is."""
    return value.lower() if isinstance(value, str) else value


def split_path(attribute: Any) -> list[Any]:
    """Return the parts of an `attribute` argument."""
    if attribute is None:
        return []
    if isinstance(attribute, str):
        return [int(part) if part.isdigit() else part for part in attribute.split(".")]
    return [attribute]


def _inline_getter(environment: "Environment", parts: list[str]) -> Getter:
    """Return a function that looks names up like the stock `Environment.getitem`: item, attribute, undefined."""
    getitem = environment.getitem
    undefined = environment.undefined
    # The last type that has no items. Most sequences have items of one type.
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
            # `obj[part]` of a class calls its `__class_getitem__`.
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
                # The common case, without a call.
                try:
                    item = item[part]
                    continue
                except _LOOKUP_ERRORS:
                    pass
            item = get(item, part)
        return item

    return get if len(parts) == 1 else follow


def path_getter(environment: "Environment", attribute: Any, default: Any = missing) -> Getter | None:
    """Return a function that follows a path from an item; None for the empty path.

    default: replaces an undefined value at each step of the path; `missing` replaces none.
    """
    parts = split_path(attribute)
    if not parts:
        return None
    getitem = environment.getitem
    if default is not missing:

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


def sort_key(environment: "Environment", attribute: Any, case_sensitive: bool) -> Getter | None:
    """Return a function from an item to its sort key; None if the item itself is the key."""
    get = path_getter(environment, attribute)
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
    """Return a function that applies the test or filter `name` to an item.

    kind: 'test' or 'filter'.

    The returned function raises TemplateRuntimeError for an unknown name, so there is no error without items.
    """
    environment = context.environment
    call = environment.call_test if kind == "test" else environment.call_filter
    if is_inlinable(call):
        table = environment.tests if kind == "test" else environment.filters
        try:
            func = table[name]  # not `get`: the application's own mapping may load it
        except (KeyError, TypeError):  # an unknown name, or one that is not hashable
            func = None
        if func is not None:
            return _bind(func, context, args, kwargs)

    def by_name(item: Any) -> Any:
        return call(name, item, args, kwargs, context)

    return by_name


def _bind(
    func: Callable[..., Any], context: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Callable[[Any], Any]:
    kind_of_first = pass_arg_of(func)
    if kind_of_first is not None:
        first = first_argument(context, kind_of_first)
        return lambda item: func(first, item, *args, **kwargs)
    if kwargs:
        return lambda item: func(item, *args, **kwargs)
    if not args:
        return func
    if len(args) == 1:
        only = args[0]
        return lambda item: func(item, only)
    return lambda item: func(item, *args)
