"""Signals: the closures that fire events, put around the closures of a quiet tree.

Before a signal calls anything, it checks the byte of its state, so a disabled line costs one check. LINE is fired
if the line that is reached is not the one that was reached last (LINE of the frame), as in CPython.

There are three kinds of trees with signals. For tools that listen to lines, or lines and branches,
the tree has those signals. For tools that listen to more (debuggers, profilers of calls), filters, tests, macros
and functions are also called by the activation, which fires the events of calls and puts the scope's frame on the
stack.
"""

from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

from tmplmon.backends.closures import suspending
from tmplmon.backends.closures.awaiting import YieldedOutput, settled
from tmplmon.backends.closures.core import ALL, BRANCHES, Builder, Closure, sequence, suspends
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
from tmplmon.backends.closures.output import OutputChunk, writers
from tmplmon.ir import ops
from tmplmon.ir.plan import Plan
from tmplmon.monitoring.activation import SITE_EVENTS
from tmplmon.monitoring.legacy import uses_frames
from tmplmon.runtime.calls import callable_pass_arg
from tmplmon.runtime.markers import first_argument

if TYPE_CHECKING:
    from tmplmon.backends.closures.scope import CompiledScope
    from tmplmon.runtime.guard import Guard

# The distance from the state of a branch's left side to that of its right, in bytes; on 3.13 there is only one.
_RIGHT = 2 * (len(SITE_EVENTS["branch"]) - 1)

# The hint of `runtime.calls.call`.
STOPPED = "value was undefined because a callable raised a StopIteration exception"


class Signals:
    """Puts signals around the closures of one tree.

    kind: the kind of the tree. calls, branches: whether it fires events for those.
    plan, states: the plan of the scope's sites, and the offset of the state of each of its entries.
    positions: the positions of IR sites.
    """

    def __init__(self, scope: "CompiledScope", kind: str) -> None:
        self.kind = kind
        self.calls = kind is ALL
        self.stepping = scope.constants.environment.stepping
        self.branches = kind is BRANCHES or kind is ALL
        self.plan = scope.plan
        self.states = state_offsets(scope.plan)
        self.positions = scope.ir.positions

    # --- lines ---------------------------------------------------------------------------------------------

    def reach(self, line: int, number: int | None = None) -> Closure:
        """Fires LINE, unless the line is the one that was reached last. number: the entry of the plan, by default
        the first one on the line."""
        number = self.plan.first_on[line] if number is None else number
        state = self.states[number]

        def reach(f: Frame) -> None:
            if f[LINE] != line:
                f[LINE] = line
                if f[DATA][f[STATE] + state]:
                    f[SIGNAL].line(f[FIRST] + number)

        return reach

    def reach_site(self, site: int) -> Closure:
        """`reach` for the line of an IR site."""
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
        """Fires BRANCH to the left or to the right, for an entry of the plan."""
        if not self.branches:
            return _no_branch
        left = self.states[number]
        right = left + _RIGHT

        def branch(f: Frame, to_left: bool) -> None:
            if f[DATA][f[STATE] + (left if to_left else right)]:
                f[SIGNAL].branch(f[FIRST] + number, to_left)

        return branch

    def deciding(self, test: Closure, number: int | None) -> Closure:
        """The truth of a condition, which fires BRANCH. A constant condition has no entry in the plan."""
        if number is None or not self.branches:
            return test
        return suspending.deciding(test, self.branch(number))

    def condition(self, condition: Closure, site: int) -> Closure:
        """The condition of an ``if`` or ``elif``."""
        return self.at_line(site, self.deciding(condition, self.plan.branch.get(site)))

    def decided(self, op: ops.Logical) -> Callable[[Frame, Any], bool]:
        """The truth of the left operand of ``and`` or ``or``. The way to the right operand is the left branch."""
        continues_if = op.op == "and"
        number = self.plan.branch.get(op.site)
        if number is None or not self.branches:
            return lambda f, value: bool(value)
        branch = self.branch(number)

        def decide(f: Frame, value: Any) -> bool:
            truth = bool(value)
            branch(f, truth is continues_if)
            return truth

        return decide

    # --- loops ---------------------------------------------------------------------------------------------

    def round(self, op: ops.For) -> tuple[Closure, Callable[[Frame, bool], None]]:
        """(before, after) of a round: a closure that runs before the next item is requested, and a function of
        the frame and whether there was one."""
        return self.reach_head(op), self.branch(self.plan.branch[op.site])

    def reach_head(self, op: ops.For) -> Closure:
        """`reach` for the head of a loop, before each round."""
        return self.reach(self.positions[op.site][0], self.plan.head.get(op.site))

    def rounds(self, op: ops.For) -> Callable[[Frame, Any], Iterator[Any]]:
        """A function that wraps the items of a loop, so that each round fires LINE and BRANCH."""
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
        """The condition of a loop, for one item. It reaches the line on which its operation stands."""
        site = getattr(op.test, "site", -1)
        if site < 0 or self.positions[site][0] not in self.plan.first_on:
            site = op.site
        return self.at_line(site, self.deciding(test, self.plan.condition_branch.get(op.site)))

    def finishing(self, op: ops.For, finish: suspending.Finish) -> suspending.Finish:
        """The end of a loop that has an ``else``."""
        reach, branch = self.reach_site(op.site), self.branch(self.plan.else_branch[op.site])
        return suspending.finishing(reach, branch, finish)

    def default(self, op: Any, value: Closure) -> Closure:
        """The default of a parameter, which reaches a line unless it is a constant or variable."""
        if isinstance(op, (ops.Const, ops.Load)):
            return value
        return self.at_line(op.site, value)

    # --- calls ---------------------------------------------------------------------------------------------

    def if_heard(
        self, site: int, signalling: Callable[..., Any], quiet: Callable[..., Any]
    ) -> Callable[..., Any]:
        """The call of a function, by the activation if a tool needs that at the moment."""
        if self.stepping:
            return signalling
        state = self.states[self.plan.call[site]]

        def apply(f: Frame, *values: Any) -> Any:
            if f[DATA][f[STATE] + state] or uses_frames():
                return signalling(f, *values)
            return quiet(f, *values)

        return apply

    def call(
        self,
        op: ops.Call | ops.TagCall,
        passed: Callable[..., Any],
        seen: Closure | None,
        guard: "Guard | None" = None,
    ) -> Callable[..., Any]:
        """Does what `runtime.calls.call` does, with the call made by the activation.

        passed: makes the arguments (`calls.passing`). seen: the variables that the callee sees in the context, if
        it is passed that. guard: the rules of a sandbox.
        """
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
        """A generator function that yields a chunk of output. Fires PY_YIELD, then PY_RESUME or PY_THROW."""
        is_async = b.constants.is_async

        def emit(f: Frame, text: Any) -> Generator[Any, Any, Any]:
            signal, there = f[SIGNAL], f[FIRST] + number
            signal.py_yield(text, there)
            try:
                yield YieldedOutput(text) if is_async else text
            except BaseException as error:
                signal.py_throw(error, there)
                raise
            signal.py_resume(there)

        return emit

    def waiter(self, number: int) -> Callable[[Frame, Any], Generator[Any, Any, Any]]:
        """A generator function that awaits a value. Fires PY_YIELD, then PY_RESUME or PY_THROW, each time that the
        value suspends.

        If the value is of the same run (the next level of a recursive loop), it has fired them already.
        """
        calls, stepping = self.calls, self.stepping

        def wait(f: Frame, value: Any) -> Generator[Any, Any, Any]:
            signal, there = f[SIGNAL], f[FIRST] + number
            awaited = settled(value)
            go_on, sent = awaited.send, None
            while True:
                if calls and (stepping or signal.hears_calls or uses_frames()):
                    over, item = signal.within(there, _step, go_on, sent)
                else:
                    over, item = _step(go_on, sent)
                if over:
                    return item
                already_paused = signal.is_paused
                if not already_paused:
                    signal.py_yield(item, there)
                try:
                    go_on, sent = awaited.send, (yield item)
                except BaseException as error:
                    go_on, sent = awaited.throw, error
                    if not already_paused:
                        signal.py_throw(error, there)
                else:
                    if not already_paused:
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
    """Run a step of a generator. Returns (False, what it yielded), or (True, its value) at its end."""
    try:
        return False, go_on(sent)
    except StopIteration as stop:
        return True, stop.value


def _together(*keywords: dict[str, Any]) -> dict[str, Any]:
    """Keyword arguments as one dict. Raises the TypeError of `runtime.calls.call` if a name occurs twice."""
    merged: dict[str, Any] = {}
    for names in keywords:
        twice = next((name for name in names if name in merged), None)
        if twice is not None:
            message = "tmplmon.runtime.calls.call() got multiple values for keyword argument"
            raise TypeError(f"{message} {twice!r}")
        merged.update(names)
    return merged


def _no_branch(f: Frame, to_left: bool) -> None:
    """Used in place of `branch` in a tree that fires no events for branches."""
