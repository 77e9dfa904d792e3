"""What the closures of a tree that tools see have in addition.

Rule: a signal is put around a closure; the closure itself is the quiet tree's. Before anything is called, the byte
of the state is looked at: a line that a tool has disabled costs that look. LINE is fired when the line that is
reached is another than the one reached last (LINE of the frame), as the VM does it.

There are three levels. Tools that want lines, or lines and branches, get the quiet tree with those signals; for
tools that want more (debuggers, profilers of calls), filters, tests, macros and functions are called through the
activation as well (`calls`), which tells of the calls and puts the scope's frame on the stack.
"""

from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

from tmplmon.backends.closures import suspending
from tmplmon.backends.closures.awaiting import Piece as Yielded
from tmplmon.backends.closures.awaiting import settled
from tmplmon.backends.closures.core import Builder, Closure, sequence, suspends
from tmplmon.backends.closures.frame import (
    CONTEXT,
    DATA,
    FIRST,
    LINE,
    SIGNAL,
    STATE,
    Frame,
    forget_line,
)
from tmplmon.backends.closures.listeners import ALL, BRANCHES
from tmplmon.backends.closures.output import OutputChunk, writers
from tmplmon.ir import ops
from tmplmon.ir.plan import Plan
from tmplmon.monitoring.activation import SITE_EVENTS
from tmplmon.runtime.calls import callable_pass_arg
from tmplmon.runtime.markers import first_argument

if TYPE_CHECKING:
    from tmplmon.backends.closures.scope import CompiledScope
    from tmplmon.runtime.guard import Guard

# From the state of a branch's left side to that of its right; on 3.13 they are one.
_RIGHT = 2 * (len(SITE_EVENTS["branch"]) - 1)

# What `runtime.calls.call` says of it.
STOPPED = "value was undefined because a callable raised a StopIteration exception"


class Signals:
    """Puts signals around the closures of one tree."""

    def __init__(self, scope: "CompiledScope", kind: str) -> None:
        self.kind = kind
        self.calls = kind is ALL
        self.branches = kind is BRANCHES or kind is ALL
        self.plan = scope.plan
        self.states = state_offsets(scope.plan)
        self.positions = scope.ir.positions

    # --- lines ---------------------------------------------------------------------------------------------

    def reach(self, line: int) -> Closure:
        """LINE, if it is another line than the one reached last."""
        number = self.plan.first_on[line]
        state = self.states[number]

        def reach(f: Frame) -> None:
            if f[LINE] != line:
                f[LINE] = line
                if f[DATA][f[STATE] + state]:
                    f[SIGNAL].line(f[FIRST] + number)

        return reach

    def reach_site(self, site: int) -> Closure:
        return self.reach(self.positions[site][0])

    def reaching(self, line: int, closure: Closure) -> Closure:
        """A closure that reaches a line, and then runs."""
        if suspends(closure):
            return suspending.after(self.reach(line), closure)
        # Written out, as this is around most statements: a call of `reach` would cost more than it does.
        number = self.plan.first_on[line]
        state = self.states[number]

        def reaching(f: Frame) -> Any:
            if f[LINE] != line:
                f[LINE] = line
                if f[DATA][f[STATE] + state]:
                    f[SIGNAL].line(f[FIRST] + number)
            return closure(f)

        return reaching

    def from_nowhere(self, closure: Closure) -> Closure:
        """A closure that runs after code without a line: the line that comes next counts as reached again, even if
        it is the one reached last."""
        return suspending.after(forget_line, closure)

    def at_line(self, site: int, closure: Closure) -> Closure:
        """A statement that reaches its line and runs. Its expressions reach no lines, wherever they stand."""
        return self.reaching(self.positions[site][0], closure)

    # --- branches ------------------------------------------------------------------------------------------

    def branch(self, number: int) -> Callable[[Frame, bool], None]:
        """BRANCH, to the left or to the right."""
        if not self.branches:
            return _no_branch
        left = self.states[number]
        right = left + _RIGHT

        def branch(f: Frame, to_left: bool) -> None:
            if f[DATA][f[STATE] + (left if to_left else right)]:
                f[SIGNAL].branch(f[FIRST] + number, to_left)

        return branch

    def deciding(self, test: Closure, number: int | None) -> Closure:
        """A condition that decides which way to go: its truth. Without a number it is a constant."""
        if number is None or not self.branches:
            return test
        return suspending.deciding(test, self.branch(number))

    def condition(self, condition: Closure, site: int) -> Closure:
        """The condition of an ``if`` or ``elif``."""
        return self.at_line(site, self.deciding(condition, self.plan.branch.get(site)))

    def decided(self, op: ops.Logical) -> Callable[[Frame, Any], bool]:
        """The truth of the left operand of ``and`` or ``or``: left is on to the right operand."""
        wanted = op.op == "and"
        number = self.plan.branch.get(op.site)
        if number is None or not self.branches:
            return lambda f, held: bool(held)
        branch = self.branch(number)

        def decide(f: Frame, held: Any) -> bool:
            truth = bool(held)
            branch(f, truth is wanted)
            return truth

        return decide

    # --- loops ---------------------------------------------------------------------------------------------

    def round(self, op: ops.For) -> tuple[Closure, Callable[[Frame, bool], None]]:
        """What comes before a loop asks for its next item, and after it knows whether there is one."""
        return self.reach_site(op.site), self.branch(self.plan.branch[op.site])

    def rounds(self, op: ops.For) -> Callable[[Frame, Any], Iterator[Any]]:
        """The items of a loop, with its line and branch on each round."""
        before, after = self.round(op)
        if not self.branches:

            def reaching(f: Frame, iterable: Any) -> Iterator[Any]:
                iterator = iter(iterable)
                before(f)
                for item in iterator:
                    yield item
                    before(f)

            return lambda f, iterable: reaching(f, iterable)

        def rounds(f: Frame, iterable: Any) -> Iterator[Any]:
            iterator = iter(iterable)
            while True:
                before(f)
                for item in iterator:
                    after(f, True)
                    yield item
                    break
                else:
                    after(f, False)
                    return

        return lambda f, iterable: rounds(f, iterable)

    def passes(self, op: ops.For, test: Closure) -> Closure:
        """The condition of a loop, for one item."""
        return self.at_line(op.site, self.deciding(test, self.plan.passes.get(op.site)))

    def finishing(self, op: ops.For, finish: suspending.Finish) -> suspending.Finish:
        """What follows a loop that has an ``else``."""
        reach, branch = self.reach_site(op.site), self.branch(self.plan.otherwise[op.site])
        return suspending.finishing(reach, branch, finish)

    def default(self, op: Any, value: Closure) -> Closure:
        """The default of a parameter, which reaches a line unless it is a constant or variable."""
        if isinstance(op, (ops.Const, ops.Load)):
            return value
        return self.at_line(op.site, value)

    # --- calls ---------------------------------------------------------------------------------------------

    def call(
        self,
        op: ops.Call | ops.TagCall,
        passed: Callable[..., Any],
        seen: Closure | None,
        guard: "Guard | None" = None,
    ) -> Callable[..., Any]:
        """The call of what a template calls: `runtime.calls.call`, by the activation. (What a sandbox has a say
        in has its `guard`.)"""
        number = self.plan.call[op.site]
        callee = None if guard is None else guard.callee_of()

        def apply(f: Frame, func: Any, *values: Any) -> Any:
            args, kwargs, more, last = passed(f, values)
            context, signal, there = f[CONTEXT], f[SIGNAL], f[FIRST] + number
            if callee is not None:
                func = callee(context, func)
            wants = callable_pass_arg(func)
            if wants == "context":
                args = [context if seen is None else context.derived(seen(f)), *args]
            elif wants is not None:
                args = [first_argument(context, wants), *args]
            if not callable(func):
                return func(*args, **kwargs, **more, **last)
            try:
                return signal.invoke(there, func, *args, **_together(kwargs, more, last))
            except StopIteration as stop:
                signal.raise_(stop, there)
                signal.exception_handled(stop, there)
                return context.environment.undefined(STOPPED)

        return apply

    def applied(
        self,
        op: ops.Filter | ops.Test,
        func: Callable[..., Any],
        first: Closure | None,
        passed: Callable[..., Any],
    ) -> Callable[..., Any]:
        """The call of a filter or test by the activation."""
        number = self.plan.call[op.site]

        def apply(f: Frame, subject: Any, *values: Any) -> Any:
            args, kwargs, more, _ = passed(f, values)
            args = [subject, *args] if first is None else [first(f), subject, *args]
            return f[SIGNAL].invoke(f[FIRST] + number, func, *args, **kwargs, **more)

        return apply

    # --- output --------------------------------------------------------------------------------------------

    def put_out(self, b: Builder, chunk: OutputChunk) -> list[Closure]:
        """The statements that put a chunk out, with LINE for each line on which a part of it begins."""
        parts: list[Any] = []
        before: list[Closure] = []  # reach the lines since the last value
        for site, closure in zip(chunk.sites, chunk.closures(b), strict=True):
            if site >= 0:
                before.append(self.reach_site(site))
            if isinstance(closure, str):
                parts.append(closure)
            else:
                first = sequence(before)
                parts.append(closure if first is None else suspending.after(first, closure))
                before = []
        # A chunk of texts alone is put out after its lines are reached, else the lines after the last value are
        # reached when it has been put out.
        statements = writers(b, parts, chunk.site)
        after = sequence(before)
        if after is None:
            return statements
        return [*statements, after] if chunk.values else [after, *statements]

    def emitter(self, b: Builder, number: int) -> Callable[[Frame, Any], Generator[Any, Any, Any]]:
        """A generator function that yields a piece of output: PY_YIELD, then PY_RESUME or PY_THROW."""
        is_async = b.constants.is_async

        def emit(f: Frame, text: Any) -> Generator[Any, Any, Any]:
            signal, there = f[SIGNAL], f[FIRST] + number
            signal.py_yield(text, there)
            try:
                yield Yielded(text) if is_async else text
            except BaseException as error:
                signal.py_throw(error, there)
                raise
            signal.py_resume(there)

        return emit

    def waiter(self, number: int) -> Callable[[Frame, Any], Generator[Any, Any, Any]]:
        """A generator function that awaits a value: each time it has to wait PY_YIELD, then PY_RESUME or PY_THROW.

        What is awaited may be of the same run, the next level of a recursive loop: then it has told already.
        """
        calls = self.calls

        def wait(f: Frame, value: Any) -> Generator[Any, Any, Any]:
            signal, there = f[SIGNAL], f[FIRST] + number
            awaited = settled(value)
            go_on, sent = awaited.send, None
            while True:
                over, item = signal.within(there, _step, go_on, sent) if calls else _step(go_on, sent)
                if over:
                    return item
                told = signal.is_paused
                if not told:
                    signal.py_yield(item, there)
                try:
                    go_on, sent = awaited.send, (yield item)
                except BaseException as error:
                    go_on, sent = awaited.throw, error
                    if not told:
                        signal.py_throw(error, there)
                else:
                    if not told:
                        signal.py_resume(there)

        return wait


def state_offsets(plan: Plan) -> list[int]:
    """For each entry of a plan where its state is in the table, in bytes after the state of the first entry."""
    offsets, offset = [], 0
    for kind, _ in plan.entries:
        offsets.append(offset)
        offset += 2 * len(SITE_EVENTS[kind])
    return offsets


def _step(go_on: Callable[[Any], Any], sent: Any) -> tuple[bool, Any]:
    """A step of a generator: whether it has ended, and its value, or what it yielded."""
    try:
        return False, go_on(sent)
    except StopIteration as stop:
        return True, stop.value


def _together(*keywords: dict[str, Any]) -> dict[str, Any]:
    """Keyword arguments as one dict. Says of a name given twice what `runtime.calls.call` says."""
    found: dict[str, Any] = {}
    for part in keywords:
        twice = next((name for name in part if name in found), None)
        if twice is not None:
            said = "tmplmon.runtime.calls.call() got multiple values for keyword argument"
            raise TypeError(f"{said} {twice!r}")
        found.update(part)
    return found


def _no_branch(f: Frame, to_left: bool) -> None:
    """In place of `branch` where nobody listens to branches."""
