"""The decisions of a sandbox for the templates that run in it, as the closures back end uses them.

Rule: a sandboxed environment creates a `Guard` when a template is linked. Trees of closures decide by the name
alone where that is possible, and call the functions of the guard otherwise. Other environments have no guard.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tmplmon.runtime.support import escaped, html_of, join_pieces, joined_text, markup_join, str_join

_MAX_OPEN_KINDS = 500


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
    is_closed: type → whether access to objects of this type depends on the object for every name.
    getattr: `environment.getattr`.
    no_item: (obj, key) → the value of `obj[key]` if the object has no such item. None: call `environment.getitem`
        for every item.
    call: `call(context, obj, *args, **kwargs)` → the result of a call in a template.
    callee: (context, obj) → the function that a call of `obj` calls. None: use `call`.
    asks_of_macros: whether macros and `super` must be called through `call` too.
    binary, unary: operator → function of the context and the operands.
    comparing: function that compares → the function to use instead.
    text: the functions that convert values to text.
    build: called with the items of a list, tuple or dict before it is created.
    no_alias: (obj, key) → the value of `obj[key]` if Python's own would be a generic alias such as ``dict[int]``.
    """

    checked: frozenset[str] | None
    is_closed: Callable[[type], bool]
    getattr: Callable[[Any, str], Any]
    no_item: Callable[[Any, Any], Any] | None
    call: Callable[..., Any]
    callee: Callable[[Any, Any], Any] | None
    asks_of_macros: bool
    binary: Mapping[str, Callable[[Any, Any, Any], Any]]
    unary: Mapping[str, Callable[[Any, Any], Any]]
    comparing: Callable[[Callable[[Any, Any], Any]], Callable[[Any, Any], Any]]
    text: Text
    build: Callable[[Iterable[Any]], None]
    no_alias: Callable[[Any, Any], Any]
    open_kinds: set[type] = field(default_factory=set)
    """The types for which `is_closed` has returned false, at most 500."""

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

    def opens(self, kind: type) -> bool:
        """Whether a type is open. If it is, add it to `open_kinds`."""
        if self.is_closed(kind):
            return False
        if len(self.open_kinds) >= _MAX_OPEN_KINDS:
            self.open_kinds.clear()
        self.open_kinds.add(kind)
        return True
