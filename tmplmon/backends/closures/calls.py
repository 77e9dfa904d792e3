"""Calls by their definition: functions and macros, filters and tests, the tags of extensions.

Rule: the arguments are evaluated in the template's order, then passed as Python would pass them. In a tree that
tells of calls, the function is called through `signals`.
"""

from collections.abc import Callable, Sequence
from typing import Any

from tmplmon.backends.closures import builtin
from tmplmon.backends.closures.core import Builder, Closure
from tmplmon.backends.closures.frame import CONTEXT, Frame
from tmplmon.backends.closures.parts import Parts, combined
from tmplmon.backends.closures.variables import locals_of
from tmplmon.ir import ops
from tmplmon.runtime import support
from tmplmon.runtime.calls import call as call_function
from tmplmon.runtime.calls import context_seeing

type Passed = tuple[Sequence[Any], dict[str, Any], Any, dict[str, Any]]


def passing(arguments: ops.Arguments, caller: Closure | None = None) -> Callable[..., Passed]:
    """A function that makes the arguments of a call out of the operands' values: the positional ones, the keywords,
    those of ``**``, and the caller."""
    count, names = len(arguments.args), [name for name, _ in arguments.kwargs]
    starred, double_starred = arguments.star is not None, arguments.star_star is not None

    def passed(f: Frame, values: Sequence[Any]) -> Passed:
        args, rest = values[:count], values[count:]
        if starred:
            star, *rest = rest
            args = [*args, *star]
        kwargs = dict(zip(names, rest, strict=False))
        more = rest[-1] if double_starred else {}
        return args, kwargs, more, {} if caller is None else {"caller": caller(f)}

    return passed


def call(b: Builder, op: ops.Call) -> Parts:
    arguments = op.arguments
    operands = [op.func, *arguments.values()]
    seen = None if not op.locals else locals_of(b, op.locals)
    call_function = b.constants.call
    if b.calls:
        assert b.signals is not None
        return Parts(
            operands,
            b.signals.call(op, passing(arguments, _caller(b, op.caller)), seen, b.constants.guard),
            True,
        )
    if arguments.simple and not arguments.kwargs and op.caller is None and seen is None:

        def apply(f: Frame, func: Any, *args: Any) -> Any:
            return call_function(f[CONTEXT], func, *args)

    else:
        passed = passing(arguments, _caller(b, op.caller))

        def apply(f: Frame, func: Any, *values: Any) -> Any:
            args, kwargs, more, last = passed(f, values)
            if seen is None:
                return call_function(f[CONTEXT], func, *args, **kwargs, **more, **last)
            context = context_seeing(f[CONTEXT], lambda: seen(f), func)
            return call_function(context, func, *args, **kwargs, **more, **last)

    return Parts(operands, apply, True)


def _caller(b: Builder, slot: ops.Slot | None) -> Closure | None:
    return None if slot is None else b.load(slot)


def first_argument(b: Builder, wants: str, autoescape: bool | None) -> Closure:
    """What a marked filter or test is passed first."""
    environment = b.constants.environment
    if wants == "environment":
        return lambda f: environment
    if wants == "context":
        return lambda f: f[CONTEXT]
    if autoescape is None:
        return lambda f: f[CONTEXT].eval_ctx
    eval_context = environment._eval_contexts[autoescape]
    return lambda f: eval_context


def applied(b: Builder, kind: str, op: ops.Filter | ops.Test) -> Parts:
    """The call of a filter or test."""
    func, wants = b.constants.function(kind, op.name)
    first = None if wants is None else first_argument(b, wants, op.autoescape)
    operands = [op.value, *op.arguments.values()]
    awaits = b.constants.is_known(kind, op.name)
    if b.calls:
        assert b.signals is not None
        return Parts(operands, b.signals.applied(op, func, first, passing(op.arguments)), awaits)
    if op.arguments.simple and not op.arguments.kwargs:
        if first is None:
            return Parts(operands, lambda f, *values: func(*values), awaits)
        return Parts(operands, lambda f, *values: func(first(f), *values), awaits)
    passed = passing(op.arguments)

    def apply(f: Frame, subject: Any, *values: Any) -> Any:
        args, kwargs, more, _ = passed(f, values)
        if first is None:
            return func(subject, *args, **kwargs, **more)
        return func(first(f), subject, *args, **kwargs, **more)

    return Parts(operands, apply, awaits)


def filter_(b: Builder, op: ops.Filter) -> Parts:
    if not b.calls and not b.constants.is_async and b.constants.is_stock("filter", op.name):
        made = builtin.inline_filter(op, b.constants.environment.filters)
        if made is not None:
            return Parts(*made)
    return applied(b, "filter", op)


def test(b: Builder, op: ops.Test) -> Closure:
    parts = None
    if not b.calls and b.constants.is_stock("test", op.name):
        made = builtin.inline_test(op)
        parts = None if made is None else Parts(*made)
    if parts is None:
        parts = applied(b, "test", op)
    made_of = combined(b, b.values(parts.operands), parts.apply, op.site, parts.awaits)
    if not op.negated:
        return made_of
    return combined(b, [made_of], lambda f, held: not held, op.site)


def tag_call(b: Builder, op: ops.TagCall) -> Parts:
    func = b.constants.environment._tag_function(op.name)
    seen, passed = locals_of(b, op.locals), passing(op.arguments, _caller(b, op.caller))
    if b.calls:
        assert b.signals is not None
        made = b.signals.call(op, passed, seen)
        return Parts(op.arguments.values(), lambda f, *values: made(f, func, *values), True)

    def apply(f: Frame, *values: Any) -> Any:
        args, kwargs, more, last = passed(f, values)
        context = context_seeing(f[CONTEXT], lambda: seen(f), func)
        return call_function(context, func, *args, **kwargs, **more, **last)

    return Parts(op.arguments.values(), apply, True)


def debug_info(b: Builder, op: ops.DebugInfo) -> Parts:
    seen, metering = locals_of(b, op.locals), b.metering

    def apply(f: Frame) -> str:
        text = support.debug_info(f[CONTEXT], seen(f))
        if metering is not None:
            metering.work(f, len(text))
        return text

    return Parts([], apply)
