"""Statement ops to closures; loops are in `loops`, what involves other templates and blocks in `templates`."""

from collections.abc import Callable, Sequence
from typing import Any

from tmplmon.backends.closures import loops, output, suspending, templates
from tmplmon.backends.closures.core import BREAK, CONTINUE, Builder, Closure, nothing, sequence
from tmplmon.backends.closures.frame import Frame, forget_line
from tmplmon.backends.closures.texts import joined
from tmplmon.backends.closures.variables import assigner, exporter, namespace_checks, starts
from tmplmon.ir import ops
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
    if isinstance(op.target, ops.Slot) and exports is None:
        return suspending.assign_slot(b.index(op.target), value)
    assigned = suspending.assign(assigner(b, op.target), value, site)
    steps = (namespace_checks(b, op.target), assigned, exports)
    closure = sequence([step for step in steps if step is not None])
    assert closure is not None
    return closure


def evaluate(b: Builder, op: ops.Evaluate) -> Closure:
    return b.at_line(op.site, suspending.evaluate(b.value(op.value)))


# --- control flow ------------------------------------------------------------------------------------------

_MOST_NESTED = 6
"""The most ``if`` and ``elif`` that are closures within each other. For a few, a loop over them takes up to twice
as long; for many, it keeps the call stack flat."""


def if_(b: Builder, op: ops.If) -> Closure:
    branches = []
    for test, yes, site in op.branches:
        condition, body = b.value(test), b.body(yes) or nothing
        if b.signals is not None:
            condition = b.signals.condition(condition, site)
        branches.append((condition, body, site))
    orelse = b.body(op.orelse)
    if len(branches) > _MOST_NESTED:
        return suspending.if_any(branches, orelse or nothing)
    *before, last = branches
    closure = suspending.if_only(*last) if orelse is None else suspending.if_else(*last, orelse)  # pyright: ignore[reportCallIssue]
    for branch in reversed(before):
        closure = suspending.if_else(*branch, closure)  # pyright: ignore[reportCallIssue]
    return closure


def jump(b: Builder, op: ops.Jump) -> Closure:
    outcome = BREAK if op.kind == "break" else CONTINUE
    return b.at_line(op.site, lambda f: outcome)


def enter(b: Builder, op: ops.Enter) -> Closure:
    """``with`` and ``autoescape``. A value cannot read the targets, as their names belong to the frame of the body.
    So each is assigned as soon as it has been evaluated."""
    site = op.site
    start = starts(b, op.frame)
    steps = [] if start is None else [start]
    for target, value in op.bindings:
        if isinstance(target, ops.Slot):
            steps.append(suspending.assign_slot(b.index(target), b.value(value)))
        else:
            steps.append(suspending.assign(assigner(b, target), b.value(value), site))
    setting = None if op.autoescape is None else b.value(op.autoescape)
    body = b.body(op.body) or nothing
    if setting is not None:
        body = suspending.autoescape(b.constants.environment, setting, body, site)
    return b.at_line(site, sequence([*steps, body], b.jumps(op.body)) or nothing)


# --- captured output and macros ----------------------------------------------------------------------------


def capture(b: Builder, op: ops.Capture) -> Closure:
    i, site = b.index(op.slot), op.site
    start = starts(b, op.frame) or nothing
    yields, b.yields = b.yields, False
    body = b.body(op.body) or nothing
    b.yields = yields
    join = joined(b, op.autoescape)
    # Where a tree may suspend, each chunk of output is counted when it is put out.
    if b.metering is not None and not b.may_suspend:
        body = b.metering.captured(body, site)
    return b.at_line(site, suspending.capture(i, start, body, join))


def make_macro(b: Builder, op: ops.MakeMacro) -> Closure:
    """Binds a macro: a value that refers to the frame of the statement that defines it."""
    ir = op.scope
    scope = b.scope.nested[ir]
    i, exports = b.index(op.slot), exporter(b, op.export)
    environment = b.constants.environment
    name = None if ir.kind is ops.ScopeKind.CALL else ir.name
    arguments = tuple(slot.name for slot, _ in ir.parameters)
    flags = [flag is not None for flag in (ir.kwargs, ir.varargs, ir.caller)]
    run = scope.run

    def make(f: Frame) -> None:
        f[i] = Macro(environment, lambda output, *slots: run(f, output, slots), name, arguments, *flags)
        if exports is not None:
            exports(f)

    return b.at_line(op.site, make)


def parameters(b: Builder, ir: ops.Scope) -> list[Closure]:
    """The steps at the start of a macro: parameters that were not passed get their defaults."""
    steps: list[Closure] = [
        _argument(b.index(argument), b.index(slot), b.constants.undefined(slot.name))
        for slot, argument in ir.arguments.items()
    ]
    collected = [b.index(slot) for slot in (ir.varargs, ir.kwargs) if slot is not None]
    if b.constants.guard is not None and collected:
        steps.append(_collected(b.constants.guard.build, collected))
    for slot, default in ir.parameters:
        i = b.index(slot)
        if default is None:
            steps.append(_absent(i, b.constants.absent(slot.name)))
            continue
        value = b.value(default)
        if b.signals is not None:
            value = b.signals.default(default, value)
        steps.append(suspending.default(i, value))
        if b.signals is not None:
            steps.append(forget_line)
    return steps


def _collected(check: Callable[[Any], None], places: Sequence[int]) -> Closure:
    """Checks the containers of the arguments that a macro collects: `varargs` and `kwargs`."""

    def collected(f: Frame) -> None:
        check([f[i] for i in places])

    return collected


def _argument(i: int, parameter: int, undefined: Any) -> Closure:
    def argument(f: Frame) -> None:
        f[i] = undefined if f[parameter] is missing else f[parameter]

    return argument


def _absent(i: int, undefined: Any) -> Closure:
    def absent(f: Frame) -> None:
        if f[i] is missing:
            f[i] = undefined

    return absent


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
