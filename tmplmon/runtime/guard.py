"""What a sandbox decides for the templates that run in it, in the form in which trees of closures take it.

Rule: an environment makes one when a template is linked. What it can decide then, by a name alone, the trees do in
place; for the rest they call what is here. An environment that is no sandbox has none.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tmplmon.runtime.support import escaped, html_of, join_pieces, joined_text, markup_join, str_join

_MOST_KINDS = 500


@dataclass(frozen=True, slots=True)
class Text:
    """How values become text.

    string: `str(value)`. escape: the escaped text. escape_part: that of a value that is joined to others. html: the
        text of what is marked safe.
    join, join_markup: `a ~ b` without and with escaping. concat: joins pieces of output.
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

    checked: names without an underscore in front for which the object has to be looked at; all others are allowed
        of objects that are not closed. None: the environment is asked for every name.
    is_closed: whether the objects of a type are looked at for every name.
    getattr: `environment.getattr`. no_item: what gives the value of `obj[key]` where there is no such item; None:
        `environment.getitem` is to be asked first.
    call: `call(context, obj, *args, **kwargs)`. callee: of the context and of what a template calls,
        the function that is called;
        None: only `call` knows.
    asks_of_macros: whether calls of macros and of `super`, too, have to be made as all others.
    binary, unary: operator → the function of the context and the operands that does it.
    comparing: makes of the function that does a comparison the one that is used.
    text: how values become text.
    build: is passed the parts of a list, tuple or dict that is about to be made.
    no_alias: `environment` gives it in the place of `obj[key]` where that would be a type such as ``dict[int]``.
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
    """Types whose objects are not closed, so far as any were met."""

    def allows(self, name: Any) -> bool:
        """Whether a name is allowed of all objects that are not closed. (What is no text is no name.)"""
        if not isinstance(name, str):
            return True
        return self.checked is not None and name[:1] != "_" and name not in self.checked

    def callee_of(self) -> Callable[[Any, Any], Any]:
        """A function of the context and of what a template calls that gives the function to call."""
        call, callee = self.call, self.callee
        if callee is not None:
            return callee
        return lambda context, obj: lambda *args, **kwargs: call(context, obj, *args, **kwargs)

    def opens(self, kind: type) -> bool:
        """Whether the objects of a type are not closed; it is kept in `open_kinds` then."""
        if self.is_closed(kind):
            return False
        if len(self.open_kinds) >= _MOST_KINDS:
            self.open_kinds.clear()
        self.open_kinds.add(kind)
        return True
