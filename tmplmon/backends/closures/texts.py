"""Values as text: escaped or not, in as few closures as their shape allows.

Values of the types `str` and `int` are converted in place; `runtime.guard.Text` converts the others. An exception
that comes up here, in a `__str__` or `__html__` or for an int with too many digits, has the site of the output.
"""

from collections.abc import Callable
from typing import Any

from tmplmon.backends.closures.core import Builder, Closure, suspends
from tmplmon.backends.closures.definitions import combined
from tmplmon.backends.closures.frame import CONTEXT, Frame
from tmplmon.ir import ops
from tmplmon.ir.facts import BOOLEAN_LOOP_ATTRIBUTES, BOOLEAN_TESTS, ESCAPE_FILTERS, LENGTH_FILTERS
from tmplmon.ir.output import OutputValue
from tmplmon.runtime import support
from tmplmon.runtime.guard import Text
from tmplmon.runtime.html import escape, escape_text, mark


def text_of(b: Builder, output: OutputValue) -> Closure:
    """The text of a value that is put out; the value itself in a native environment."""
    constants = b.constants
    if output.joined:
        return _joined_text(b, output)
    if constants.finalize is not None and not output.finished:
        return _finalized(b, output)
    if constants.native:
        return b.value(output.op)
    return _text(b, output.op, output.escape, output.site)


def _joined_text(b: Builder, output: OutputValue) -> Closure:
    """The text of a value that is joined to others by ``~``."""
    if not output.escape:
        return _plain(b, output.op, output.site)
    escape_part = _escaping(b.constants.text.escape_part)
    return combined(b, [b.value(output.op)], escape_part, output.site, takes_frame=False)


def _text(b: Builder, op: ops.Op, escape: bool | None, site: int) -> Closure:
    text = b.constants.text
    if type(op) is ops.LoopAttr and op.name not in BOOLEAN_LOOP_ATTRIBUTES:
        return b.value(op)
    if type(op) is ops.Filter and b.constants.is_stock("filter", op.name) and not b.calls:
        if op.name in ESCAPE_FILTERS and not op.arguments.values():
            return _text(b, op.value, True, site)
        if op.name == "safe" and escape and not op.arguments.values():
            html = text.html
            as_markup: Callable[[Any], Any] = lambda value: value if type(value) is str else html(value)  # noqa: E731
            return combined(b, [b.value(op.value)], as_markup, site, takes_frame=False)
        if op.name in LENGTH_FILTERS:
            return b.value(op)
    if type(op) is ops.Test and op.name in BOOLEAN_TESTS and b.constants.is_stock("test", op.name):
        return combined(b, [b.value(op)], str, site, takes_frame=False)
    if escape is None:
        return combined(b, [b.value(op)], _by_context(text), site)
    return _escaped(b, op, site) if escape else _plain(b, op, site)


def _by_context(text: Text) -> Callable[[Frame, Any], str]:
    """Converts a value as the context says when it runs."""
    return lambda f, value: (text.escape if f[CONTEXT].eval_ctx.autoescape else text.string)(value)


def _escaping(other: Callable[[Any], str]) -> Callable[[Any], Any]:
    """A function that escapes text, leaves ints, and passes other values to `other`."""

    def escaped(value: Any) -> Any:
        if type(value) is str:
            return escape_text(value)
        return str(value) if type(value) is int else other(value)

    return escaped


def _escaped(b: Builder, op: ops.Op, site: int) -> Closure:
    other = b.constants.text.escape
    i = None if b.constants.is_async else b.own(op)
    if i is not None:

        def slot_text(f: Frame) -> str:
            nonlocal site
            value = f[i]
            if type(value) is str:
                return escape_text(value)
            return str(value) if type(value) is int else other(value)

        return slot_text
    value_of = b.value(op)
    if suspends(value_of):
        return combined(b, [value_of], _escaping(other), site, takes_frame=False)

    def text(f: Frame) -> str:
        nonlocal site
        value = value_of(f)
        if type(value) is str:
            return escape_text(value)
        return str(value) if type(value) is int else other(value)

    return text


def _plain(b: Builder, op: ops.Op, site: int) -> Closure:
    string = b.constants.text.string
    i = None if b.constants.is_async else b.own(op)
    if i is not None:

        def slot_text(f: Frame) -> str:
            nonlocal site
            value = f[i]
            if type(value) is str:
                return value
            return str(value) if type(value) is int else string(value)

        return slot_text
    value_of = b.value(op)
    if suspends(value_of):
        return combined(b, [value_of], string, site, takes_frame=False)

    def text(f: Frame) -> str:
        nonlocal site
        value = value_of(f)
        if type(value) is str:
            return value
        return str(value) if type(value) is int else string(value)

    return text


def _finalized(b: Builder, output: OutputValue) -> Closure:
    """A value that the application's `finalize` is applied to before it becomes text."""
    constants, op, site, text = b.constants, output.op, output.site, b.constants.text
    finalize, wants = constants.finalize, constants.finalize_wants
    assert finalize is not None
    environment = constants.environment
    is_constant = type(op) is ops.Const
    escape_first = is_constant and bool(output.escape)  # as Jinja2 does when it compiles

    def finalized(f: Frame, value: Any) -> Any:
        if escape_first:
            value = escape(value)
        if wants is None:
            return finalize(value)
        if wants == "environment":
            return finalize(environment, value)
        return finalize(f[CONTEXT] if wants == "context" else f[CONTEXT].eval_ctx, value)

    closure = combined(b, [b.value(op)], finalized, site)
    if constants.native:
        return closure
    if output.escape is None and not is_constant:
        return combined(b, [closure], _by_context(text), site)
    convert = text.string if is_constant or not output.escape else text.escape
    return combined(b, [closure], convert, site, takes_frame=False)


def joined(b: Builder, autoescape: bool | None) -> Callable[[Frame, list[Any]], Any]:
    """A function of a frame and a list of chunks that joins captured output, to Markup where it is escaped."""
    if autoescape is None:
        return lambda f, chunks: support.captured(f[CONTEXT], chunks)
    if b.constants.native:
        environment = b.constants.environment
        if autoescape:
            return lambda f, chunks: support.mark_text(environment.concat(chunks))
        return lambda f, chunks: environment.concat(chunks)
    join = b.constants.text.concat
    return (lambda f, chunks: mark(join(chunks))) if autoescape else (lambda f, chunks: join(chunks))
