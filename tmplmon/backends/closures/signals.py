"""What the closures of a tree that tools see have in addition.

Rule: a signal is put around a closure; the closure itself is the quiet tree's. Before anything is called, the byte
of the state is looked at: a line that a tool has disabled costs that look. LINE is fired when the line that is
reached is another than the one reached last (LINE of the frame), as the VM does it.

There are three levels. Tools that want lines, or lines and branches, get the quiet tree with those signals; for
tools that want more (debuggers, profilers of calls), filters, tests, macros and functions are called through the
activation as well (`calls`), which tells of the calls and puts the scope's frame on the stack.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tmplmon.backends.closures import lines
from tmplmon.backends.closures.around import run_after, run_before
from tmplmon.backends.closures.build import Builder, Closure, sequence, suspends
from tmplmon.backends.closures.frame import CONTEXT, DATA, FIRST, LINE, PART, SIGNAL, STATE, Frame
from tmplmon.backends.closures.lines import Reached
from tmplmon.backends.closures.tools import ALL, BRANCHES
from tmplmon.ir import ops
from tmplmon.ir.plan import Plan
from tmplmon.monitoring.activation import SITE_EVENTS
from tmplmon.runtime.calls import wanted_by
from tmplmon.runtime.markers import wanted_of

if TYPE_CHECKING:
    from tmplmon.backends.closures.output import Piece
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
        self._reached: dict[int, Reached] = {}  # id of an op → the lines before and after its value
        self._first: dict[int, list[int]] = {}  # IR site of a statement → the lines that it begins with

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

    def reach_all(self, found: Sequence[int]) -> Closure | None:
        """The lines of an expression, in this order; 0 stands for code that belongs to none."""
        return sequence([self.reach(line) if line else _nowhere for line in found])

    def reaching(self, found: Sequence[int], closure: Closure) -> Closure:
        """A closure that reaches lines, and then runs."""
        if len(found) != 1 or not found[0] or suspends(closure):
            return run_before(self.reach_all(found), closure)
        # Most closures: with `reach` in them, which saves a call.
        (line,) = found
        number = self.plan.first_on[line]
        state = self.states[number]

        def reaching(f: Frame) -> Any:
            if f[LINE] != line:
                f[LINE] = line
                if f[DATA][f[STATE] + state]:
                    f[SIGNAL].line(f[FIRST] + number)
            return closure(f)

        return reaching

    def leading_to(self, closure: Closure, found: Sequence[int]) -> Closure:
        """The value of a closure, with lines that are reached after it."""
        if len(found) != 1 or not found[0] or suspends(closure):
            return run_after(closure, self.reach_all(found))
        (line,) = found
        number = self.plan.first_on[line]
        state = self.states[number]

        def leading_to(f: Frame) -> Any:
            held = closure(f)
            if f[LINE] != line:
                f[LINE] = line
                if f[DATA][f[STATE] + state]:
                    f[SIGNAL].line(f[FIRST] + number)
            return held

        return leading_to

    def begin(self, b: Builder, op: ops.Op) -> None:
        """A statement is about to be built: find out which lines its expressions reach."""
        for site, trace in lines.traces(b, op):
            self._first[site] = lines.attach(trace, self._reached)

    def from_nowhere(self, closure: Closure) -> Closure:
        """What follows code that belongs to no line: its line counts as reached once more."""
        return run_before(_nowhere, closure)

    def at_line(self, b: Builder, site: int, closure: Closure) -> Closure:
        """A statement that reaches its line and runs."""
        return self.reaching([self.positions[site][0]], closure)

    def at_line_of(self, b: Builder, op: Any, closure: Closure) -> Closure:
        """A statement that reaches the lines that its expressions begin with, and runs."""
        return self.reaching(self._first[op.site], closure)

    def reaches(self, op: ops.Op) -> bool:
        """Whether evaluating an op reaches a line by itself."""
        found = self._reached.get(id(op))
        return found is not None and bool(found.before or found.after)

    def value(self, b: Builder, op: ops.Op, closure: Closure) -> Closure:
        """A value, with the lines that are reached before and after it."""
        reached = self._reached.get(id(op))
        if reached is None:
            return closure
        return self.leading_to(self.reaching(reached.before, closure), reached.after)

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
        branch = self.branch(number)
        if suspends(test):

            def decide_later(f: Frame) -> Generator[Any, Any, bool]:
                truth = bool((yield from test(f)))
                branch(f, truth)
                return truth

            return decide_later

        def decide(f: Frame) -> bool:
            truth = bool(test(f))
            branch(f, truth)
            return truth

        return decide

    def condition(self, b: Builder, condition: Closure, site: int) -> Closure:
        """The condition of an ``if`` or ``elif``."""
        deciding = self.deciding(condition, self.plan.branch.get(site))
        return self.reaching(self._first[site], deciding)

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

    def round(self, b: Builder, op: ops.For) -> tuple[Closure, Callable[[Frame, bool], None]]:
        """What comes before a loop asks for its next item, and after it knows whether there is one."""
        return self.reach_site(op.site), self.branch(self.plan.branch[op.site])

    def rounds(self, b: Builder, op: ops.For) -> Callable[[Frame, Any], Iterator[Any]]:
        """The items of a loop, with its line and branch on each round."""
        before, after = self.round(b, op)
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

    def function(self, loop: Callable[[Frame, Any], Any]) -> Callable[[Frame, Any], Any]:
        """A level of a recursive loop, which is a function of its own in compiled code, and for tracers."""

        def function(f: Frame, items: Any) -> Any:
            signal = f[SIGNAL]
            begun = signal.begin_function()
            try:
                return loop(f, items)
            except BaseException as error:
                f[PART].raised(f, error)
                raise
            finally:
                if begun:
                    signal.end_function()

        def function_later(f: Frame, items: Any) -> Generator[Any, Any, Any]:
            signal = f[SIGNAL]
            begun = signal.begin_function()
            try:
                return (yield from loop(f, items))
            except BaseException as error:
                f[PART].raised(f, error)
                raise
            finally:
                if begun:
                    signal.end_function()

        return function_later if suspends(loop) else function

    def begin_condition(self, b: Builder, op: ops.For) -> list[int]:
        """The condition of a loop is about to be built."""
        return lines.attach(lines.passing(b, op), self._reached)

    def passes(self, op: ops.For, test: Closure, first: list[int]) -> Closure:
        return self.reaching(first, self.deciding(test, self.plan.passes.get(op.site)))

    def finishing(
        self, b: Builder, op: ops.For, finish: Callable[[Frame, bool], Any]
    ) -> Callable[[Frame, bool], Any]:
        """What follows a loop that has an ``else``: left is to the ``else``."""
        reach, branch = self.reach_site(op.site), self.branch(self.plan.otherwise[op.site])

        def finishing(f: Frame, ran: bool) -> Any:
            reach(f)
            branch(f, not ran)
            return finish(f, ran)

        def finishing_later(f: Frame, ran: bool) -> Generator[Any, Any, Any]:
            reach(f)
            branch(f, not ran)
            return (yield from finish(f, ran))

        return finishing_later if suspends(finish) else finishing

    def begin_default(self, b: Builder, op: ops.Op) -> None:
        """The default of a parameter is about to be built."""
        self._first[-1] = lines.attach(lines.default(b, op), self._reached)

    def default(self, value: Closure) -> Closure:
        return self.reaching(self._first[-1], value)

    # --- exceptions ----------------------------------------------------------------------------------------

    def raising(self, body: Closure) -> Closure:
        """A body whose exceptions fire RAISE."""
        if suspends(body):

            def raising_later(f: Frame) -> Generator[Any, Any, Any]:
                try:
                    return (yield from body(f))
                except BaseException as error:
                    f[PART].raised(f, error)
                    raise

            return raising_later

        def raising(f: Frame) -> Any:
            try:
                return body(f)
            except BaseException as error:
                f[PART].raised(f, error)
                raise

        return raising

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
            wants = wanted_by(func)
            if wants == "context":
                args = [context if seen is None else context.derived(seen(f)), *args]
            elif wants is not None:
                args = [wanted_of(context, wants), *args]
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

    def put_out(self, b: Builder, piece: "Piece") -> list[Closure]:
        """Statements that put a piece out."""
        from tmplmon.backends.closures.output import writers

        items = [
            (self.positions[site][0] if site >= 0 else 0, None if isinstance(part, str) else part)
            for part, site in zip(piece.parts, piece.sites, strict=True)
        ]
        first = lines.attach(lines.run(b, items), self._reached)
        # What comes after a value comes after it has been made a text.
        parts = [
            part
            if isinstance(part, str) or item is None
            else self.leading_to(part, self._reached.pop(id(item)).after)
            for part, (_, item) in zip(piece.closures(b), items, strict=True)
        ]
        made = writers(b, parts, piece.site)
        if made:
            return [self.reaching(first, made[0]), *made[1:]]
        reach = self.reach_all(first)
        return [] if reach is None else [reach]

    def emitter(self, b: Builder, number: int) -> Callable[[Frame, Any], Generator[Any, Any, Any]]:
        """A generator function that yields a piece of output: PY_YIELD, then PY_RESUME or PY_THROW."""
        from tmplmon.backends.closures.resumable import Piece as Yielded

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
        from tmplmon.backends.closures.resumable import settled

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


def _nowhere(f: Frame) -> None:
    """Code that belongs to no line: what follows it counts as reached again."""
    f[LINE] = 0
