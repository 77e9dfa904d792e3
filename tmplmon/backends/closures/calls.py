"""Calls: functions and macros, filters and tests, the tags of extensions.

Arguments are evaluated in the template's order and passed as Python would pass them. In a tree that fires events
for calls, the function is called by `signals`.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from tmplmon.backends.closures.callers import placed
from tmplmon.backends.closures.core import Builder, Closure
from tmplmon.backends.closures.definitions import Definition, built, combined
from tmplmon.backends.closures.frame import CONTEXT, Frame
from tmplmon.backends.closures.variables import locals_of
from tmplmon.ir import facts, ops
from tmplmon.runtime import support
from tmplmon.runtime.calls import call as call_function
from tmplmon.runtime.calls import context_seeing, pass_over
from tmplmon.runtime.undefined import Undefined

type Passed = tuple[Sequence[Any], dict[str, Any], Any, dict[str, Any]]


def passing(b: Builder, arguments: ops.Arguments, caller: Closure | None = None) -> Callable[..., Passed]:
    """A function that turns the values of a call's operands into its arguments: positional ones, keywords, those of
    ``**``, and the caller."""
    count, names = len(arguments.args), [name for name, _ in arguments.kwargs]
    starred, double_starred = arguments.star is not None, arguments.star_star is not None
    guard = b.constants.guard
    items_of, mapping_of = (None, None) if guard is None else (guard.items, guard.mapping)
    no_keywords: dict[str, Any] = {}
    if not starred and not double_starred and "caller" not in names:

        def passed_directly(f: Frame, values: Sequence[Any]) -> Passed:
            kwargs = dict(zip(names, values[count:], strict=True)) if names else {}
            if caller is not None:
                kwargs["caller"] = caller(f)
            return values[:count], kwargs, no_keywords, no_keywords

        return passed_directly

    def passed(f: Frame, values: Sequence[Any]) -> Passed:
        args, rest = values[:count], values[count:]
        if starred:
            star, *rest = rest
            args = [*args, *(star if items_of is None else items_of(star))]
        kwargs = dict(zip(names, rest, strict=False))
        more = rest[-1] if double_starred else {}
        if mapping_of is not None and type(more) is not dict:
            more = mapping_of(more)
        return args, kwargs, more, {} if caller is None else {"caller": caller(f)}

    return passed


def call(b: Builder, op: ops.Call) -> Definition:
    arguments = op.arguments
    operands = [op.func, *arguments.values()]
    seen = None if not op.locals else locals_of(b, op.locals)
    call_function = b.constants.call
    if arguments.simple and not arguments.kwargs and op.caller is None and seen is None and not b.calls:

        def apply_simple(f: Frame, func: Any, *args: Any) -> Any:
            return call_function(f[CONTEXT], func, *args)

        return Definition(operands, apply_simple, awaits=True)
    passed = passing(b, arguments, _caller(b, op.caller))

    def apply(f: Frame, func: Any, *values: Any) -> Any:
        args, kwargs, more, last = passed(f, values)
        context = f[CONTEXT]
        if seen is not None:
            context = context_seeing(context, partial(seen, f), func)
        return call_function(context, func, *args, **kwargs, **more, **last)

    if b.calls:
        assert b.signals is not None
        signalling = b.signals.call(op, passed, seen, b.constants.guard)
        return Definition(operands, b.signals.if_heard(op.site, signalling, apply), awaits=True)
    return Definition(operands, apply, awaits=True)


def _caller(b: Builder, slot: ops.Slot | None) -> Closure | None:
    return None if slot is None else b.load(slot)


def _first_argument(b: Builder, wants: str, autoescape: bool | None) -> Closure:
    """The argument that a marked filter or test is passed before the others."""
    environment = b.constants.environment
    if wants == "environment":
        return lambda f: environment
    if wants == "context":
        return lambda f: f[CONTEXT]
    if autoescape is None:
        return lambda f: f[CONTEXT].eval_ctx
    eval_context = environment._eval_contexts[autoescape]
    return lambda f: eval_context


def applied(b: Builder, kind: str, op: ops.Filter | ops.Test) -> Definition:
    """The call of a filter or test. A marked function gets the environment, context or evaluation context first."""
    func, wants = b.constants.function(kind, op.name)
    operands = [op.value, *op.arguments.values()]
    awaits = b.constants.is_known(kind, op.name)
    first = None if wants is None else _first_argument(b, wants, op.autoescape)
    is_simple = op.arguments.simple and not op.arguments.kwargs and not b.calls
    if is_simple and first is None:
        return Definition(operands, func, takes_frame=False, awaits=awaits)
    if is_simple and first is not None:
        return Definition(operands, lambda f, *values: func(first(f), *values), awaits=awaits)
    passed = passing(b, op.arguments)

    def apply(f: Frame, subject: Any, *values: Any) -> Any:
        args, kwargs, more, _ = passed(f, values)
        if first is None:
            return func(subject, *args, **kwargs, **more)
        return func(first(f), subject, *args, **kwargs, **more)

    if b.calls:
        assert b.signals is not None
        signalling = b.signals.applied(op, func, first, passed)
        return Definition(operands, b.signals.if_heard(op.site, signalling, apply), awaits=awaits)
    return Definition(operands, apply, awaits=awaits)


_LONGEST_INLINE = 256
"""The longest text for which a sandbox applies a filter without checking its bounds."""


def filter_(b: Builder, op: ops.Filter) -> Definition:
    if not b.calls and not b.constants.is_async and b.constants.is_stock("filter", op.name):
        longest = None if b.constants.guard is None else _LONGEST_INLINE
        inline = inline_filter(op, b.constants.environment._filters, longest)
        if inline is not None:
            return Definition(*inline, takes_frame=False)
    return applied(b, "filter", op)


def test(b: Builder, op: ops.Test) -> Closure:
    inline = None
    if not b.calls and b.constants.is_stock("test", op.name):
        inline = inline_test(op)
    definition = applied(b, "test", op) if inline is None else Definition(*inline, takes_frame=False)
    closure = placed(b, op.site, built(b, definition, op.site))
    return combined(b, [closure], operator.not_, op.site, takes_frame=False) if op.negated else closure


def tag_call(b: Builder, op: ops.TagCall) -> Definition:
    func = b.constants.environment._tag_function(op.name)
    seen = locals_of(b, op.locals) if op.locals else None
    passed = passing(b, op.arguments, _caller(b, op.caller))

    def apply(f: Frame, *values: Any) -> Any:
        args, kwargs, more, last = passed(f, values)
        context = f[CONTEXT]
        if seen is not None:
            context = context_seeing(context, partial(seen, f), func)
        return call_function(context, func, *args, **kwargs, **more, **last)

    if b.calls:
        assert b.signals is not None
        called = b.signals.call(op, passed, seen)
        apply = b.signals.if_heard(op.site, lambda f, *values: called(f, func, *values), apply)
    return Definition(op.arguments.values(), apply, awaits=True)


def debug_info(b: Builder, op: ops.DebugInfo) -> Definition:
    seen, metering = locals_of(b, op.locals), b.metering

    def apply(f: Frame) -> str:
        text = support.debug_info(f[CONTEXT], seen(f))
        if metering is not None:
            metering.work(f, len(text))
        return text

    return Definition([], apply)


# --- stock filters and tests that are inlined instead of called; `ir.facts` says which ones, and how --------------

type Inline = tuple[Sequence[ops.Op], Callable[..., Any]]

_CLASSES: dict[str, type[Any]] = {"Undefined": Undefined, "str": str, "float": float}
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "is": operator.is_,
    "in": lambda value, items: value in items,
}


def inline_filter(
    op: ops.Filter, filters: Mapping[str, Callable[..., Any]], longest: int | None
) -> Inline | None:
    """The operands and function of a stock filter, or None if the filter has to be called.

    filters: the environment's filters by name. longest: the length of a text for which the filter is not called;
        None for any length.
    """
    inline = facts.inline_filter(op)
    if inline is None:
        return None
    if inline.kind == "default":
        return inline.operands, _default_or_false if inline.detail else _default
    method, stock = getattr(str, inline.detail), filters[op.name]

    def text(value: Any) -> Any:
        return method(value) if type(value) is str else stock(value)

    if longest is None:
        return inline.operands, text

    def short_text(value: Any) -> Any:
        return method(value) if type(value) is str and len(value) <= longest else stock(value)

    return inline.operands, short_text


def _default(value: Any, default: Any) -> Any:
    return default if isinstance(value, Undefined) else value


def _default_or_false(value: Any, default: Any) -> Any:
    return default if isinstance(value, Undefined) or not value else value


def inline_test(op: ops.Test) -> Inline | None:
    """The operands and function of a stock test, or None if the test has to be called."""
    inline = facts.inline_test(op)
    return None if inline is None else ([op.value, *op.arguments.args], _test(*inline))


def _test(kind: str, detail: Any) -> Callable[..., Any]:
    """The function for a row of `facts.INLINE_TESTS`."""
    match kind:
        case "instance":
            cls = _CLASSES[detail]
            return lambda value: isinstance(value, cls)
        case "not instance":
            cls = _CLASSES[detail]
            return lambda value: not isinstance(value, cls)
        case "is":
            return lambda value: value is detail
        case "remainder":
            divisor, remainder = detail
            if divisor is None:
                return lambda value, by: value % by == remainder
            return lambda value: value % divisor == remainder
        case _:
            return _COMPARE[detail]


pass_over(call, applied, tag_call)
