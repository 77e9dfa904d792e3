"""Budgets: how a tree spends fuel and counts output, and what changes when a metered scope is entered and left.

Fuel is taken once for each sequence of statements: the body of a scope, a branch of an ``if``, one round of a loop.
The amount, one unit for each site that the sequence executes, is known when the tree is built. So expressions need
no code for it, and one comparison checks fuel, time and cancelling. A loop over a short list takes the fuel of all
its rounds at once.

Output is counted each time that some fuel is used up, and before it is joined (`Budget.tally`). Trees that can be
suspended count each chunk instead. A BudgetError names the sequence or operation that the budget did not suffice
for.

A scope of an environment that may be metered asks for the current budget when it is entered. Without one, if the
environment has no limits either, its quiet tree runs. The outermost scope creates the budget.
"""

from collections.abc import Callable, Generator, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

from tmplmon.backends.closures import suspending
from tmplmon.backends.closures.core import Closure, Fragment, alternating, joiner, suspends, writer
from tmplmon.backends.closures.frame import METER, OUTPUT, Frame
from tmplmon.backends.closures.tracebacks import error_site, show
from tmplmon.errors import BudgetError, DepthLimitExceeded
from tmplmon.ir import ops
from tmplmon.ir.walk import children
from tmplmon.monitoring.lines import character_column, split_lines
from tmplmon.runtime.budget import OUTPUT_PER_FUEL, Budget, budget_of, current, within, within_async
from tmplmon.runtime.loop import SIZED

if TYPE_CHECKING:
    from tmplmon.backends.closures.scope import CompiledScope

# Type of statement → its fields whose ops are sequences of their own.
_BODIES = {ops.For: ("body", "orelse", "test"), ops.Enter: ("body",), ops.Capture: ("body",)}
# Ops that run code which may change the list that a loop runs over: such a loop takes its fuel for each round.
_MAY_CHANGE = frozenset(
    {ops.Call, ops.TagCall, ops.CallBlock, ops.Include, ops.Import, ops.MakeMacro, ops.Filter}
)
_SHORT = 200
"""The most rounds of a loop whose fuel is taken at once, so that time is still checked often enough."""


class Metering:
    """Adds closures that spend from the budget to one tree."""

    def __init__(self) -> None:
        # Statements that write output, which can take the fuel of a sequence as well: → their parts and site.
        self._writers: dict[Closure, tuple[Sequence[Fragment], int]] = {}
        self._changing: dict[Any, bool] = {}

    # --- fuel ----------------------------------------------------------------------------------------------

    def steps(self, statements: Sequence[ops.Op], steps: list[Closure], least: int = 0) -> list[Closure]:
        """The steps of a sequence of statements, of which the first takes the fuel, at least `least` units."""
        cost = max(least, sum(map(cost_of, statements)))
        if not cost:
            return steps
        if steps and steps[0] in self._writers:
            parts, site = self._writers[steps[0]]
            return [self._taking_writer(parts, site, cost), *steps[1:]]
        return [self._take(cost, _first_site(statements)), *steps]

    def _take(self, cost: int, site: int | None) -> Closure:
        """A closure that takes the fuel of a sequence."""

        def take(f: Frame) -> None:
            nonlocal site
            budget = f[METER]
            budget.left -= cost
            if budget.left < 0:
                budget.more_fuel()

        return take

    def round(self, op: ops.For, test: Closure) -> Closure:
        """The condition of a loop, which takes the fuel for one item."""
        assert op.test is not None
        return suspending.charged(test, max(1, cost_of(op.test)), op.site)

    def simple_loop(self, op: ops.For, places: tuple[int, ...], iterable: Closure, body: Closure) -> Closure:
        """A loop whose items are stored as they come; see `loops._simple`. If the iterable has a known, small size
        that the body cannot change, the fuel of all rounds is taken at once."""
        cost, site = max(1, sum(map(cost_of, op.body))), op.site
        steady = not any(map(self._may_change, op.body))
        match places:
            case (i,) if steady:

                def over_one_steady(f: Frame) -> None:
                    nonlocal site
                    budget = f[METER]
                    items = iterable(f)
                    if type(items) in SIZED and len(items) <= _SHORT:
                        budget.left -= cost * len(items)
                        if budget.left < 0:
                            budget.more_fuel()
                        for f[i] in items:
                            body(f)
                    else:
                        for f[i] in items:
                            budget.left -= cost
                            if budget.left < 0:
                                budget.more_fuel()
                            body(f)

                return over_one_steady
            case (i,):

                def over_one(f: Frame) -> None:
                    nonlocal site
                    budget = f[METER]
                    for f[i] in iterable(f):  # noqa: B020
                        budget.left -= cost
                        if budget.left < 0:
                            budget.more_fuel()
                        body(f)

                return over_one
            case (i, j):

                def over_two(f: Frame) -> None:
                    nonlocal site
                    budget = f[METER]
                    for f[i], f[j] in iterable(f):  # noqa: B020
                        budget.left -= cost
                        if budget.left < 0:
                            budget.more_fuel()
                        body(f)

                return over_two
        i, j, k = places

        def over_three(f: Frame) -> None:
            nonlocal site
            budget = f[METER]
            for f[i], f[j], f[k] in iterable(f):  # noqa: B020
                budget.left -= cost
                if budget.left < 0:
                    budget.more_fuel()
                body(f)

        return over_three

    def _may_change(self, op: Any) -> bool:
        """Whether an op contains one of `_MAY_CHANGE`."""
        may_change = self._changing.get(op)
        if may_change is None:
            may_change = type(op) in _MAY_CHANGE or any(map(self._may_change, children(op)))
            self._changing[op] = may_change
        return may_change

    def work(self, f: Frame, characters: int) -> None:
        """Charge for a text that is expensive to make: a unit for four characters."""
        f[METER].charge(characters // 4)

    def deeper(self, scope: "CompiledScope", run: Callable[[Frame, Any], Any]) -> Callable[[Frame, Any], Any]:
        """A level of a recursive loop, which counts as a level of depth and has output of its own."""
        if suspends(run):

            def later(f: Frame, items: Any) -> Generator[Any, Any, Any]:
                budget = f[METER]
                enter(budget)
                try:
                    return (yield from run(f, items))
                finally:
                    budget.depth -= 1

            return later

        def deeper(f: Frame, items: Any) -> Any:
            budget = f[METER]
            enter(budget)
            before = budget.output, budget.counted
            budget.output, budget.counted = f[OUTPUT], 0
            try:
                outcome = run(f, items)
                budget.tally()
                return outcome
            finally:
                budget.output, budget.counted = before
                budget.depth -= 1

        return deeper

    def waiter(
        self, wait: Callable[[Frame, Any], Generator[Any, Any, Any]]
    ) -> Callable[[Frame, Any], Generator[Any, Any, Any]]:
        """Awaits a value, and looks at the clock."""

        def wait_and_check(f: Frame, value: Any) -> Generator[Any, Any, Any]:
            result = yield from wait(f, value)
            f[METER].finish()
            return result

        return wait_and_check

    # --- output --------------------------------------------------------------------------------------------

    def counted(self, text: Closure, site: int) -> Closure:
        """A closure for a text that will be put out, which counts it."""
        return suspending.counted(text, put, site)

    def writer(self, parts: "Sequence[Fragment]", site: int) -> Closure:
        """A statement that puts out texts and the texts of closures. Its output is counted later."""
        closure = writer(parts)
        self._writers[closure] = parts, site
        return closure

    def _taking_writer(self, parts: "Sequence[Fragment]", site: int, cost: int) -> Closure:
        """The same statement, which also takes the fuel of a sequence."""
        texts, values = alternating(parts)
        if len(values) == 1:
            (v,), (before, after) = values, texts

            def put_one(f: Frame) -> None:
                nonlocal site
                budget = f[METER]
                budget.left -= cost
                if budget.left < 0:
                    budget.more_fuel()
                f[OUTPUT].append(f"{before}{v(f)}{after}")

            return put_one
        text_of = joiner(parts)

        def put_all(f: Frame) -> None:
            nonlocal site
            budget = f[METER]
            budget.left -= cost
            if budget.left < 0:
                budget.more_fuel()
            f[OUTPUT].append(text_of(f))

        return put_all

    def captured(self, run: Closure, site: int) -> Closure:
        """A body whose output goes to a list of its own, counted before the list is joined."""

        def captured(f: Frame) -> Any:
            nonlocal site
            budget = f[METER]
            before = budget.output, budget.counted
            budget.output, budget.counted = f[OUTPUT], 0
            outcome = run(f)
            budget.tally()
            budget.output, budget.counted = before
            return outcome

        return captured


def put(f: Frame, text: Any) -> None:
    """Count the characters of output; a value that is not text, in a native environment, counts as one."""
    budget = f[METER]
    length = len(text) if isinstance(text, str) else 1
    budget.room -= length
    if length > OUTPUT_PER_FUEL:
        budget.left -= length // OUTPUT_PER_FUEL
    if budget.room < 0:
        budget.more_room()


def error_of_last_count(budget: Budget) -> BudgetError | None:
    """Count the output at the end of a scope. Returns the error if it exceeds the budget."""
    try:
        budget.tally()
    except BudgetError as error:
        return error
    return None


def cost_of(op: Any) -> int:
    """The number of sites that an op executes, without those of its bodies."""
    if type(op) is ops.If:
        return sum(cost_of(test) + 1 for test, _, _ in op.branches)
    bodies = _BODIES.get(type(op), ())
    skipped = {id(inner) for name in bodies for inner in _as_list(getattr(op, name))}
    own = 1 if getattr(op, "site", -1) >= 0 and type(op) not in (ops.Const, ops.Load) else 0
    return own + sum(cost_of(inner) for inner in children(op) if id(inner) not in skipped)


def _as_list(field: Any) -> list[Any]:
    return field if isinstance(field, list) else [] if field is None else [field]


def _first_site(statements: Sequence[ops.Op]) -> int | None:
    """The first site of a sequence of statements; None if it has no site."""
    pending: list[Any] = [*reversed(statements)]
    while pending:
        op = pending.pop()
        if type(op) is ops.If:
            return op.branches[0][2]
        site: int = getattr(op, "site", -1)
        if site >= 0:
            return site
        pending += reversed(children(op))
    return None


# --- entering ----------------------------------------------------------------------------------------------


def enter(budget: Budget, has_function: bool = False) -> None:
    """Count a scope that is entered. `has_function`: whether it has a Python function of its own. Checks
    limits before the outermost scope and before each new deepest one. Raises BudgetError."""
    depth = budget.depth + 1
    if depth == 1 or depth > budget.deepest:
        budget.check_entry(depth, has_function)
    budget.depth = depth


def leave(budget: Budget, error: BaseException | None, before: int) -> None:
    """Count a scope that is left, which was entered at the depth `before`.

    After a RecursionError, inner scopes may not have been counted, so the depth is set. Otherwise it is
    decremented, as several tasks may share the budget.
    """
    budget.depth = before if isinstance(error, (BudgetError, RecursionError)) else budget.depth - 1
    if not budget.depth:
        budget.stop()
        if error is None:
            budget.finish()


def error_leaving(scope: "CompiledScope", f: Frame, error: BaseException) -> BaseException:
    """Add a scope's frame to the traceback of an exception that leaves it, and its location to a BudgetError.
    Returns the exception to raise: a RecursionError becomes a DepthLimitExceeded."""
    if isinstance(error, BudgetError) and error.is_outside:
        error.is_outside = False  # its location is that of the call
        return error
    passing: BaseException = error
    site = error_site(f, error)
    if isinstance(error, RecursionError):
        passing = DepthLimitExceeded("more scopes in each other than Python has room for", f[METER].spent)
    if isinstance(passing, BudgetError) and passing.lineno is None:
        locate(passing, scope, site)
    show(scope, f, passing, site)
    return passing


def locate(error: BudgetError, scope: "CompiledScope", site: int | None) -> None:
    """Set the location of an exception: that of a site, or of the beginning of the scope."""
    template = scope.constants.template
    line, _, column, _ = scope.ir.position if site is None else scope.ir.positions[site]
    error.name, error.filename = template.name, template.filename
    lines = split_lines(template.get_source(""))
    text = lines[line - 1] if line <= len(lines) else ""
    error.lineno, error.column = line, character_column(text, column)


def _new(scope: "CompiledScope") -> Budget | None:
    """A budget for an outermost scope; None if its environment has no limits."""
    if not scope.constants.metered:
        return None
    limits = scope.constants.environment.limits
    return None if limits is None else budget_of(limits)


def with_budget(budget: Budget, code: Callable[..., Any], *args: Any) -> Any:
    """Call a function while a budget is current. Afterwards its depth and the current budget are the ones before,
    also if a signal handler raises an exception at any time."""
    outer, depth = current.get(), budget.depth
    try:
        current.set(budget)
        return code(*args)
    finally:
        budget.depth = depth
        current.set(outer)


def starting(scope: "CompiledScope", code: Callable[..., Any]) -> Callable[..., Any]:
    """The function of a scope, which creates the budget if there is none."""
    if not scope.constants.metered:
        return code

    @wraps(code)
    def started(*args: Any) -> Any:
        budget = current.get()
        if budget is None:
            budget = _new(scope)
            if budget is None:
                return code(*args)
        return with_budget(budget, code, *args)

    @wraps(code)
    async def started_async(*args: Any) -> Any:
        outer = current.get()
        budget = _new(scope) if outer is None else outer.of_this_task()
        if budget is outer:
            return await code(*args)
        try:
            current.set(budget)
            return await code(*args)
        finally:
            current.set(outer)

    return started_async if scope.constants.is_async else started


def starting_pieces(scope: "CompiledScope", pieces: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The generator function of a scope, which creates the budget if there is none."""
    if not scope.constants.metered:
        return pieces

    def started(context: Any) -> Any:
        budget = current.get() or _new(scope)
        if budget is None or budget.depth:
            return pieces(context)
        return within(_Resumed(budget), pieces(context))

    def started_async(context: Any) -> Any:
        budget = current.get() or _new(scope)
        if budget is not None:
            budget = budget.of_this_task()
        if budget is None or budget.depth:
            return pieces(context)
        return within_async(_Resumed(budget), pieces(context))

    return started_async if scope.constants.is_async else started


class _Resumed:
    """Makes a budget current during one step of a generator. Between the steps it is not, and its clock does not
    run."""

    __slots__ = ("_budget", "_depth")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._depth = 0

    def begin(self) -> Any:
        budget = self._budget
        outer = current.get()
        budget.depth += self._depth
        if self._depth and budget.depth == self._depth:
            budget.start()
        current.set(budget)
        return outer

    def end(self, outer: Any) -> None:
        budget = self._budget
        self._depth, budget.depth = budget.depth, 0
        current.set(outer)
        budget.stop()
