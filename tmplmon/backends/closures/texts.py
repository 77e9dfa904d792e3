"""A value as text: escaped or not, in as few closures as its shape allows.

Rule: an exact `str` or `int` is served in place, the run-time support does the rest. The site of what fails here,
a `__str__` or `__html__`, is that of the output.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tmplmon.backends.closures.core import Builder, Closure, suspends
from tmplmon.backends.closures.frame import CONTEXT, Frame
from tmplmon.backends.closures.parts import combined
from tmplmon.ir import ops
from tmplmon.ir.facts import (
    BOOLEAN_LOOP_ATTRIBUTES,
    BOOLEAN_TESTS,
    ESCAPE_FILTERS,
    LENGTH_FILTERS,
)
from tmplmon.runtime import support
from tmplmon.runtime.guard import Text
from tmplmon.runtime.html import escape, escape_text, mark

if TYPE_CHECKING:
    from tmplmon.backends.closures.output import ChunkValue


def text_of(b: Builder, item: "ChunkValue") -> Closure:
    """The text of a value that is put out, or the value itself in a native environment."""
    constants = b.constants
    if constants.finalize is not None and not item.finished:
        return _finalized(b, item)
    if constants.native:
        return b.value(item.op)
    return _text(b, item.op, item.escape, item.site)


def _text(b: Builder, op: ops.Op, escape: bool | None, site: int) -> Closure:
    if type(op) is ops.LoopAttr and op.name not in BOOLEAN_LOOP_ATTRIBUTES:
        return b.value(op)
    if type(op) is ops.Filter and b.constants.is_stock("filter", op.name) and not b.calls:
        if op.name in ESCAPE_FILTERS and not op.arguments.values():
            return _text(b, op.value, True, site)
        if op.name == "safe" and escape:
            html = b.constants.text.html
            return converted(
                b, b.value(op.value), lambda f, held: held if type(held) is str else html(held), site
            )
        if op.name in LENGTH_FILTERS:
            return b.value(op)
    if type(op) is ops.Test and op.name in BOOLEAN_TESTS and b.constants.is_stock("test", op.name):
        return converted(b, b.value(op), lambda f, held: str(held), site)
    if escape is None:
        return converted(b, b.value(op), _emitting(b.constants.text), site)
    if escape:
        return _escaped(b, op, site)
    return _plain(b, op, site)


def converted(b: Builder, value: Closure, convert: Callable[[Frame, Any], Any], site: int) -> Closure:
    """The value of a closure, made something else."""
    return combined(b, [value], convert, site)


def joined_value(b: Builder, item: "ChunkValue") -> Closure:
    """The text of a value that is joined to others."""
    if item.escape:
        return converted(b, b.value(item.op), _escaping(b.constants.text.escape_part), item.site)
    return plain(b, item)


def _escaping(other: Callable[[Any], str]) -> Callable[[Frame, Any], Any]:
    """A function that escapes texts, and leaves what is neither text nor `int` to another."""

    def escape(f: Frame, held: Any) -> Any:
        if type(held) is str:
            return escape_text(held)
        return held if type(held) is int else other(held)

    return escape


def _emitting(text: Text) -> Callable[[Frame, Any], str]:
    """The text of a value where it is known only when it runs whether output is escaped."""
    return lambda f, held: (text.escape if f[CONTEXT].eval_ctx.autoescape else text.string)(held)


def _escaped(b: Builder, op: ops.Op, site: int) -> Closure:
    escaped = b.constants.text.escape
    if not b.constants.is_async:
        i = b.own(op)
        if i is not None:
            return _escaped_slot(i, escaped, site)
    value = b.value(op)
    if suspends(value):
        return converted(b, value, _escaping(escaped), site)

    def text(f: Frame) -> Any:
        nonlocal site
        held = value(f)
        if type(held) is str:
            return escape_text(held)
        if type(held) is int:
            return held
        return escaped(held)

    return text


def _escaped_slot(i: int, escaped: Callable[[Any], str], site: int) -> Closure:
    def text(f: Frame) -> Any:
        nonlocal site
        held = f[i]
        if type(held) is str:
            return escape_text(held)
        if type(held) is int:
            return held
        return escaped(held)

    return text


def plain(b: Builder, item: "ChunkValue") -> Closure:
    """The text of a value as it is."""
    return _plain(b, item.op, item.site)


def _plain(b: Builder, op: ops.Op, site: int) -> Closure:
    value, string = b.value(op), b.constants.text.string
    if suspends(value):
        return converted(b, value, lambda f, held: string(held), site)

    def text(f: Frame) -> Any:
        nonlocal site
        held = value(f)
        if type(held) is str or type(held) is int:
            return held
        return string(held)

    return text


def _finalized(b: Builder, item: "ChunkValue") -> Closure:
    """A value that passes through the application's function before it becomes text."""
    constants, op, site, text = b.constants, item.op, item.site, b.constants.text
    finalize, wants = constants.finalize, constants.finalize_wants
    assert finalize is not None
    environment = constants.environment
    constant = type(op) is ops.Const
    escape_first = constant and bool(item.escape)  # as Jinja2 does it while compiling

    def finalized(f: Frame, held: Any) -> Any:
        if escape_first:
            held = escape(held)
        if wants is None:
            return finalize(held)
        if wants == "environment":
            return finalize(environment, held)
        return finalize(f[CONTEXT] if wants == "context" else f[CONTEXT].eval_ctx, held)

    made = converted(b, b.value(op), finalized, site)
    if constants.native:
        return made
    if constant or item.escape is False:
        return converted(b, made, lambda f, held: text.string(held), site)
    if item.escape is None:
        return converted(b, made, _emitting(text), site)
    return converted(b, made, lambda f, held: text.escape(held), site)


def joined(b: Builder, autoescape: bool | None) -> Callable[[Frame, list[Any]], Any]:
    """The text of a list of pieces, as Markup where that is asked for."""
    if autoescape is None:
        return lambda f, pieces: support.captured(f[CONTEXT], pieces)
    if b.constants.native:
        environment = b.constants.environment
        if autoescape:
            return lambda f, pieces: support.mark_text(environment.concat(pieces))
        return lambda f, pieces: environment.concat(pieces)
    join = b.constants.text.concat
    return (lambda f, pieces: mark(join(pieces))) if autoescape else (lambda f, pieces: join(pieces))
