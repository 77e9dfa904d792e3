"""Statement ops to closures; loops are in `loops`, what involves other templates and blocks in `templates`."""

from collections.abc import Callable
from typing import Any

from tmplmon.backends.closures import loops, output, resumable_statements, templates
from tmplmon.backends.closures.core import BREAK, CONTINUE, Builder, Closure, nothing, sequence, suspends
from tmplmon.backends.closures.frame import CONTEXT, OUTPUT, Frame, forget_line
from tmplmon.backends.closures.texts import joined
from tmplmon.backends.closures.variables import assigner, exporter, namespace_checks, starts
from tmplmon.ir import ops
from tmplmon.runtime import support
from tmplmon.runtime.macro import Macro
from tmplmon.runtime.undefined import missing

# --- assignment --------------------------------------------------------------------------------------------


def assign(b: Builder, op: ops.Assign) -> Closure:
    closure = _assign(b, op)
    # The end of a block set reaches no line: its tag has reached it.
    is_captured = type(op.value) is ops.Load and op.value.slot.kind is ops.SlotKind.TEMP
    return closure if is_captured else b.at_line(op.site, closure)


def _assign(b: Builder, op: ops.Assign) -> Closure:
    value, site = b.value(op.value), op.site
    exports = exporter(b, op.export)
    if isinstance(op.target, ops.Slot) and not suspends(value) and exports is None:
        i = b.index(op.target)

        def to_slot(f: Frame) -> None:
            f[i] = value(f)

        return to_slot
    to = assigner(b, op.target)
    if suspends(value):
        assigned: Closure = resumable_statements.assign(to, value, site)
    else:

        def to_target(f: Frame) -> None:
            nonlocal site
            to(f, value(f))

        assigned = to_target
    steps = (namespace_checks(b, op.target), assigned, exports)
    closure = sequence([step for step in steps if step is not None])
    assert closure is not None
    return closure


def evaluate(b: Builder, op: ops.Evaluate) -> Closure:
    value = b.value(op.value)
    if suspends(value):
        return b.at_line(op.site, resumable_statements.evaluate(value))

    def run(f: Frame) -> None:
        value(f)

    return b.at_line(op.site, run)


# --- control flow ------------------------------------------------------------------------------------------


def if_(b: Builder, op: ops.If) -> Closure:
    """An ``if`` with its ``elif``s: each is an ``if`` in the ``else`` of the one before."""
    made = b.body(op.orelse)
    for test, yes, site in reversed(op.branches):
        condition = b.value(test)
        if b.signals is not None:
            condition = b.signals.condition(condition, site)
        made = _if(condition, b.body(yes) or nothing, made, site)
    assert made is not None
    return made


def _if(test: Closure, yes: Closure, no: Closure | None, site: int) -> Closure:
    if suspends(test) or suspends(yes) or (no is not None and suspends(no)):
        return resumable_statements.if_(test, yes, no, site)
    if no is None:

        def if_only(f: Frame) -> Any:
            nonlocal site
            if not test(f):
                return None
            return yes(f)

        return if_only

    def if_else(f: Frame) -> Any:
        nonlocal site
        holds = test(f)
        if not holds:
            return no(f)
        return yes(f)

    return if_else


def jump(b: Builder, op: ops.Jump) -> Closure:
    outcome = BREAK if op.kind == "break" else CONTINUE
    return b.at_line(op.site, lambda f: outcome)


def enter(b: Builder, op: ops.Enter) -> Closure:
    site = op.site
    bindings = [(assigner(b, to), b.value(bound)) for to, bound in op.bindings]
    wanted = None if op.autoescape is None else b.value(op.autoescape)
    start = starts(b, op.frame)
    body = b.body(op.body) or nothing
    evaluated = [bound for _, bound in bindings] + ([] if wanted is None else [wanted])
    if suspends(body) or any(map(suspends, evaluated)):
        return b.at_line(site, resumable_statements.enter(b, bindings, wanted, start, body, site))
    open_frame = _open_frame(bindings, start, site)
    if wanted is None:

        def with_(f: Frame) -> Any:
            open_frame(f)
            return body(f)

        return b.at_line(site, with_)
    environment = b.constants.environment

    def autoescaped(f: Frame) -> Any:
        nonlocal site
        open_frame(f)
        context = f[CONTEXT]
        saved = context.eval_ctx
        context.eval_ctx = support.eval_context(environment, wanted(f))
        outcome = body(f)
        context.eval_ctx = saved
        return outcome

    return b.at_line(site, autoescaped)


def _open_frame(
    bindings: list[tuple[Callable[[Frame, Any], None], Closure]], start: Closure | None, site: int
) -> Closure:
    """Evaluates the values of a ``with``, all of them before the first is assigned."""

    def open_frame(f: Frame) -> None:
        nonlocal site
        given = [bound(f) for _, bound in bindings]
        if start is not None:
            start(f)
        for (to, _), held in zip(bindings, given, strict=True):
            to(f, held)

    return open_frame


# --- captured output and macros ----------------------------------------------------------------------------


def capture(b: Builder, op: ops.Capture) -> Closure:
    i, site = b.index(op.slot), op.site
    start = starts(b, op.frame) or nothing
    yields, b.yields = b.yields, False
    body = b.body(op.body) or nothing
    b.yields = yields
    join = joined(b, op.autoescape)
    if suspends(body):
        return b.at_line(site, resumable_statements.capture(i, start, body, join))

    if b.metering is not None:
        body = b.metering.captured(body, site)

    def captured(f: Frame) -> Any:
        pieces: list[Any] = []
        output = f[OUTPUT]
        f[OUTPUT] = pieces
        start(f)
        outcome = body(f)
        f[OUTPUT] = output
        if outcome is None:
            f[i] = join(f, pieces)
        return outcome

    return b.at_line(site, captured)


def make_macro(b: Builder, op: ops.MakeMacro) -> Closure:
    """Binds a macro: a value that knows the frame it was made in."""
    ir = op.scope
    scope = b.scope.nested[ir]
    i, exports = b.index(op.slot), exporter(b, op.export)
    environment = b.constants.environment
    name = None if ir.kind is ops.ScopeKind.CALL else ir.name
    arguments = tuple(slot.name for slot, _ in ir.parameters)
    flags = [flag is not None for flag in (ir.kwargs, ir.varargs, ir.caller)]

    def make(f: Frame) -> None:
        f[i] = Macro(environment, scope.code_in(f), name, arguments, *flags)
        if exports is not None:
            exports(f)

    return b.at_line(op.site, make)


def parameters(b: Builder, ir: ops.Scope) -> list[Closure]:
    """What comes first in a macro: parameters that were not given get their defaults."""
    made: list[Closure] = [
        _argument(b.index(argument), b.index(slot), b.constants.undefined(slot.name))
        for slot, argument in ir.arguments.items()
    ]
    for slot, default in ir.parameters:
        i = b.index(slot)
        if default is None:
            made.append(_absent(i, b.constants.absent(slot.name)))
            continue
        value = b.value(default)
        if b.signals is not None:
            value = b.signals.default(default, value)
        if suspends(value):
            made.append(resumable_statements.default(i, value))
        else:
            made.append(_default(i, value))
        if b.signals is not None:
            made.append(forget_line)
    return made


def _argument(i: int, parameter: int, undefined: Any) -> Closure:
    def argument(f: Frame) -> None:
        f[i] = undefined if f[parameter] is missing else f[parameter]

    return argument


def _absent(i: int, undefined: Any) -> Closure:
    def absent(f: Frame) -> None:
        if f[i] is missing:
            f[i] = undefined

    return absent


def _default(i: int, value: Closure) -> Closure:
    def default(f: Frame) -> None:
        if f[i] is missing:
            f[i] = value(f)

    return default


STATEMENTS: dict[type[Any], Callable[[Builder, Any], Closure | list[Closure]]] = {
    ops.Emit: output.emit,
    ops.Assign: assign,
    ops.Evaluate: evaluate,
    ops.If: if_,
    ops.For: loops.for_,
    ops.Jump: jump,
    ops.Enter: enter,
    ops.Capture: capture,
    ops.MakeMacro: make_macro,
    ops.CallBlock: templates.call_block,
    ops.Extends: templates.extends,
    ops.Include: templates.include,
    ops.Import: templates.import_,
}
