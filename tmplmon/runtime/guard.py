"""The decisions of a sandbox for the templates that run in it, as the closures back end uses them.

Rule: a sandboxed environment creates a `Guard` when a template is linked. Trees of closures decide by the name
alone where that is possible, and call the functions of the guard otherwise. Other environments have no guard.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tmplmon.runtime.support import escaped, html_of, join_pieces, joined_text, markup_join, str_join

_MAX_KINDS = 500
_BUILTIN = frozenset({list, tuple, dict, str, range})


_ITEMS: type[Any] = type({}.items())


@dataclass(frozen=True, slots=True)
class Text:
    """The functions that convert values to text.

    string: value → `str(value)`. escape: value → its escaped text. escape_part: the same for a value that is joined
        to others. html: value that is marked safe → its text.
    join, join_markup: values → `a ~ b` without and with escaping. concat: chunks of output → the output.
    """

    string: Callable[[Any], str] = str
    escape: Callable[[Any], str] = escaped
    escape_part: Callable[[Any], str] = joined_text
    html: Callable[[Any], str] = html_of
    join: Callable[[Sequence[Any]], str] = str_join
    join_markup: Callable[[Sequence[Any]], str] = markup_join
    concat: Callable[[Sequence[str]], str] = join_pieces


@dataclass(slots=True)
class Guard:
    """The decisions of one environment.

    checked: names without a leading underscore whose access depends on the object. All other such names are allowed
        for objects of open types. None: `getattr` decides for every name.
    is_closed: type → whether access to objects of this type depends on the object: for every name, for items and
        for iteration.
    getattr, getitem: those of the environment.
    set_attribute: (namespace, name, value) does ``{% set namespace.name = value %}``.
    items: value → a list of its items, for ``f(*value)``. Raises SecurityError if there are too many.
    mapping: value → the value, for ``f(**value)``. Raises SecurityError if its class forbids to read it.
    hashed: called with a key before its hash is computed.
    timed: iterable → an iterable with the same items that looks at the clock.
    closed_slice: (obj, slice) → the value of `obj[slice]` for an object of a closed type.
    closed_iterable: object of a closed type → the object, if a template may iterate over it. Raises SecurityError
        otherwise.
    no_item: (obj, key) → the value of `obj[key]` if the object has no such item. None: call `environment.getitem`
        for every item.
    call: `call(context, obj, *args, **kwargs)` → the result of a call in a template.
    callee: (context, obj) → the function that a call of `obj` calls. None: use `call`.
    asks_of_macros: whether macros and `super` must be called through `call` too.
    binary, unary: operator → function of the context and the operands.
    comparing: (operator, function that compares) → the function to use instead.
    text: the functions that convert values to text.
    build: called with the items of a list, tuple or dict before it is created, and with the values that a macro
        collects.
    """

    checked: frozenset[str] | None
    is_closed: Callable[[type], bool]
    getattr: Callable[[Any, str], Any]
    getitem: Callable[[Any, Any], Any]
    set_attribute: Callable[[Any, str, Any], None]
    items: Callable[[Any], list[Any]]
    mapping: Callable[[Any], Any]
    hashed: Callable[[Any], None]
    timed: Callable[[Any], Any]
    closed_slice: Callable[[Any, slice], Any]
    closed_iterable: Callable[[Any], Any]
    no_item: Callable[[Any, Any], Any] | None
    call: Callable[..., Any]
    callee: Callable[[Any, Any], Any] | None
    asks_of_macros: bool
    binary: Mapping[str, Callable[[Any, Any, Any], Any]]
    unary: Mapping[str, Callable[[Any, Any], Any]]
    comparing: Callable[[str, Callable[[Any, Any], Any]], Callable[[Any, Any], Any]]
    text: Text
    build: Callable[[Iterable[Any]], None]
    open_kinds: set[type] = field(default_factory=set)
    """The types whose objects need not be inspected, at most 500."""
    closed_kinds: set[type] = field(default_factory=set)
    """Types for which `is_closed` has returned true, at most 500."""

    def allows(self, name: Any) -> bool:
        """Whether access to a name is allowed for all objects of open types. True for a key that is not a str."""
        if not isinstance(name, str):
            return True
        return self.checked is not None and name[:1] != "_" and name not in self.checked

    def callee_of(self) -> Callable[[Any, Any], Any]:
        """Return `callee`, or a function with the same arguments that uses `call`."""
        call, callee = self.call, self.callee
        if callee is not None:
            return callee
        return lambda context, obj: lambda *args, **kwargs: call(context, obj, *args, **kwargs)

    def slice(self, obj: Any, part: slice) -> Any:
        """Return `obj[part]`. Raises what Python raises."""
        return obj[part] if self.opens(obj) else self.closed_slice(obj, part)

    def iterable(self, value: Any) -> Any:
        """Return a value that a template iterates over. Raises SecurityError if it must not."""
        if type(value) in _BUILTIN:
            return value
        return self.timed(value if self.opens(value) else self.closed_iterable(value))

    def unpackable(self, items: Any) -> Any:
        """Return the items of a loop that assigns each to several targets. Raises SecurityError at an item that a
        template must not iterate over."""
        if type(items) is _ITEMS:
            return items
        iterable = self.iterable
        return (item if type(item) is tuple else iterable(item) for item in items)

    def opens(self, obj: Any) -> bool:
        """Whether an object is of an open type, and does not pretend to be of another type as a proxy does. If so,
        add the type to `open_kinds`."""
        kind = type(obj)
        if kind in self.open_kinds:
            return True
        if kind in self.closed_kinds:
            return False
        closed = self.is_closed(kind)
        if not closed and obj.__class__ is not kind:
            return False
        kinds = self.closed_kinds if closed else self.open_kinds
        if len(kinds) >= _MAX_KINDS:
            kinds.clear()
        kinds.add(kind)
        return not closed
