"""What the closures of a tree that spends from a budget have in addition, and how its scopes are entered.

Rule: fuel is taken once for each sequence of statements, for all that is executed in it: a number that is known
when the tree is built. A round of a loop, a branch of an ``if``, a body are such sequences. So no expression pays
for its own sites, and one comparison serves fuel, clock and cancelling. Output is counted when some fuel is used
up, and before it is joined (`Budget.tally`); trees that stop and go on count it piece by piece. The place that an
exception names is that of the sequence, or of the operation, that the budget did not reach for.

A scope of an environment that may be metered asks for the current budget when it is entered. If there is none, and
the environment has no limits, the quiet tree runs. The outermost scope makes the budget if nobody else did.
"""

from collections.abc import Callable, Generator, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

from tmplmon.backends.closures.core import Closure, suspends
from tmplmon.backends.closures.frame import CONTEXT, HEAD, METER, OUTER, OUTPUT, Frame
from tmplmon.backends.closures.joining import Part, alternating, joiner, writer
from tmplmon.backends.closures.shown import error_site, show
from tmplmon.backends.closures.tools import always, any_tool
from tmplmon.errors import BudgetError, DepthLimitExceeded
from tmplmon.ir import ops
from tmplmon.ir.walk import children, walk
from tmplmon.monitoring.lines import character_column, split_lines
from tmplmon.runtime.budget import Budget, budget_of, current, within, within_async

if TYPE_CHECKING:
    from tmplmon.backends.closures.scope import CompiledScope

# Fields of statements whose ops are sequences of their own.
_BODIES = {ops.For: ("body", "orelse", "test"), ops.Enter: ("body",), ops.Capture: ("body",)}
# Ops that run what may change anything: a loop with such in it looks at each round.
_MAY_CHANGE = frozenset(
    {ops.Call, ops.TagCall, ops.CallBlock, ops.Include, ops.Import, ops.MakeMacro, ops.Filter}
)
_SIZED = frozenset({list, tuple, range, dict})
_SHORT = 200
"""Rounds of a loop whose fuel is taken at once: no more than what makes a slice of it."""


class Metering:
    """Makes the closures of one tree spend."""

    def __init__(self) -> None:
        self._writers: dict[
            Closure, tuple[Sequence[Part], int]
        ] = {}  # what may take the fuel of a sequence as well

    # --- fuel ----------------------------------------------------------------------------------------------

    def steps(self, statements: Sequence[ops.Op], steps: list[Closure], least: int = 0) -> list[Closure]:
        """The steps of a sequence of statements, with its fuel taken by the first. `least`: what it costs if it is
        less."""
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
        """The condition of a loop, for one item."""
        assert op.test is not None
        cost, site = max(1, cost_of(op.test)), op.site
        if suspends(test):

            def later(f: Frame) -> Generator[Any, Any, Any]:
                nonlocal site
                budget = f[METER]
                budget.left -= cost
                if budget.left < 0:
                    budget.more_fuel()
                return (yield from test(f))

            return later

        def charged(f: Frame) -> Any:
            nonlocal site
            budget = f[METER]
            budget.left -= cost
            if budget.left < 0:
                budget.more_fuel()
            return test(f)

        return charged

    def simple_loop(self, op: ops.For, places: tuple[int, ...], iterable: Closure, body: Closure) -> Closure:
        """A loop that does nothing with its items but to assign them; see `loops._simple`. If the body cannot
        change how many there are, and it is known, then the fuel of a short loop is taken at once."""
        cost, site = max(1, sum(map(cost_of, op.body))), op.site
        steady = not any(type(inner) in _MAY_CHANGE for inner in walk(op.body))
        match places:
            case (i,) if steady:

                def over_one_steady(f: Frame) -> None:
                    nonlocal site
                    budget = f[METER]
                    items = iterable(f)
                    if type(items) in _SIZED and len(items) <= _SHORT:
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

    def work(self, f: Frame, characters: int) -> None:
        """Pay for a text that took long to make: four characters as much as a site."""
        f[METER].charge(characters // 4)

    def deeper(self, scope: "CompiledScope", run: Callable[[Frame, Any], Any]) -> Callable[[Frame, Any], Any]:
        """A level of a recursive loop."""
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

    # --- output --------------------------------------------------------------------------------------------

    def counted(self, text: Closure, site: int) -> Closure:
        """A closure for a text that will be put out."""
        if suspends(text):

            def later(f: Frame) -> Generator[Any, Any, Any]:
                nonlocal site
                held = yield from text(f)
                put(f, held)
                return held

            return later

        def counted(f: Frame) -> Any:
            nonlocal site
            held = text(f)
            put(f, held)
            return held

        return counted

    def writer(self, parts: "Sequence[Part]", site: int) -> Closure:
        """A statement that puts out texts and the texts of closures. (What it puts out is counted later.)"""
        made = writer(parts)
        self._writers[made] = parts, site
        return made

    def _taking_writer(self, parts: "Sequence[Part]", site: int, cost: int) -> Closure:
        """The same, where it takes the fuel of a sequence as well."""
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
        """A body whose output goes to a list of its own, which is about to be joined."""

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
    budget.room -= len(text) if isinstance(text, str) else 1
    if budget.room < 0:
        budget.more_room()


def tallied(budget: Budget) -> BudgetError | None:
    """Count the output at the end of a scope; give what is wrong with it."""
    try:
        budget.tally()
    except BudgetError as error:
        return error
    return None


def cost_of(op: Any) -> int:
    """How many sites are executed with an op, those of its bodies not counted."""
    if type(op) is ops.If:
        return sum(cost_of(test) + 1 for test, _, _ in op.branches)
    bodies = _BODIES.get(type(op), ())
    skipped = {id(inner) for name in bodies for inner in _as_list(getattr(op, name))}
    own = 1 if getattr(op, "site", -1) >= 0 and type(op) not in (ops.Const, ops.Load) else 0
    return own + sum(cost_of(inner) for inner in children(op) if id(inner) not in skipped)


def _as_list(held: Any) -> list[Any]:
    return held if isinstance(held, list) else [] if held is None else [held]


def _first_site(statements: Sequence[ops.Op]) -> int | None:
    """The site that a sequence begins with."""
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


def enter(budget: Budget, by_itself: bool = False) -> None:
    """A scope is entered. `by_itself`: by a function of its own."""
    depth = budget.depth + 1
    if depth == 1 or depth > budget.deepest:
        budget.entering(depth, by_itself)
    budget.depth = depth


def leave(budget: Budget, error: BaseException | None, before: int) -> None:
    """A scope is left that was entered at a depth. Where Python has no more room, some scopes inside may not have
    got to count themselves out. (Else it is counted, as several tasks may be running with the budget.)"""
    budget.depth = before if isinstance(error, (BudgetError, RecursionError)) else budget.depth - 1
    if not budget.depth:
        budget.stop()


def leaving(scope: "CompiledScope", f: Frame, error: BaseException) -> BaseException:
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
    """Tell an exception its place: a site, or where the scope begins."""
    template = scope.constants.template
    line, _, column, _ = scope.ir.position if site is None else scope.ir.positions[site]
    error.name, error.filename = template.name, template.filename
    lines = split_lines(template.get_source(""))
    text = lines[line - 1] if line <= len(lines) else ""
    error.lineno, error.column = line, character_column(text, column)


def budget_for(scope: "CompiledScope") -> Budget | None:
    """The budget of a scope that is entered: the current one; None where nothing is metered."""
    return current.get() if scope.constants.metered else None


def _new(scope: "CompiledScope") -> Budget | None:
    """A budget for a scope that is entered from outside of any, if its environment has limits."""
    if not scope.constants.metered:
        return None
    limits = scope.constants.environment.limits
    return None if limits is None else budget_of(limits)


def starting(scope: "CompiledScope", code: Callable[..., Any]) -> Callable[..., Any]:
    """Code that makes the budget where there is none."""
    if not scope.constants.metered:
        return code

    @wraps(code)
    def started(*args: Any) -> Any:
        if current.get() is None:
            budget = _new(scope)
            if budget is not None:
                with budget:
                    return code(*args)
        return code(*args)

    @wraps(code)
    async def started_async(*args: Any) -> Any:
        if current.get() is None:
            budget = _new(scope)
            if budget is not None:
                with budget:
                    return await code(*args)
        return await code(*args)

    return started_async if scope.constants.is_async else started


def starting_pieces(scope: "CompiledScope", pieces: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A generator function that makes the budget where there is none."""
    if not scope.constants.metered:
        return pieces

    def started(context: Any) -> Any:
        budget = current.get() or _new(scope)
        if budget is None or budget.depth:
            return pieces(context)
        return within(_Resumed(budget), pieces(context))

    def started_async(context: Any) -> Any:
        budget = current.get() or _new(scope)
        if budget is None or budget.depth:
            return pieces(context)
        return within_async(_Resumed(budget), pieces(context))

    return started_async if scope.constants.is_async else started


class _Resumed:
    """One step of a generator whose scopes are of a budget, in a ``with``: what is between the steps is not."""

    __slots__ = ("_budget", "_depth")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._depth = 0

    def __enter__(self) -> None:
        budget = self._budget
        budget.__enter__()
        budget.depth += self._depth
        if self._depth and budget.depth == self._depth:
            budget.start()

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        budget = self._budget
        self._depth = budget.depth
        budget.depth = 0
        budget.stop()
        budget.__exit__(kind, error, traceback)


def code_of(scope: "CompiledScope", quiet: Callable[..., Any]) -> Callable[..., Any]:
    """`code(context, output)` of a template or block. `quiet` is what runs where nothing is metered."""
    from tmplmon.backends.closures.entry import Run
    from tmplmon.backends.closures.tools import QUIET

    blank: Frame | None = None
    names: tuple[tuple[int, str, Any], ...] = ()
    body: Closure
    environment = scope.constants.environment
    get_current, set_current = current.get, current.set
    is_heard = always if environment.stepping else any_tool

    def listened_to(context: Any, output: list[Any]) -> None:
        with Run(scope, [context], output) as run:
            run.body(run.f)

    heard = starting(scope, listened_to)

    def code(context: Any, output: list[Any]) -> None:
        nonlocal blank, names, body
        budget = get_current()
        is_outermost = budget is None
        if budget is None and environment.limits is None:
            quiet(context, output)
            return
        if is_heard():
            heard(context, output)
            return
        if blank is None:
            tree = scope.tree(QUIET, metered=True)
            body, names, blank = tree.body, tree.names, tree.blank
        if budget is None:
            set_current(budget := budget_of(environment.limits))
        f = blank.copy()
        f[CONTEXT] = context
        f[OUTPUT] = output
        f[METER] = budget
        outside = budget.depth
        before = budget.output
        counted = budget.counted
        try:
            if not outside or outside >= budget.deepest:
                budget.entering(outside + 1)
            budget.depth = outside + 1
            if output is not before:
                budget.output = output
                budget.counted = len(output)
            get = context.names.get
            for i, name, undefined in names:
                f[i] = get(name, undefined)
            body(f)
            if output is not before:
                budget.tally()
        except BaseException as error:
            passing = leaving(scope, f, error)
            if passing is error:
                raise
            raise passing from error
        finally:
            if output is not before:
                budget.output = before
                budget.counted = counted
            budget.depth = outside
            if not outside:
                budget.stop()
                if is_outermost:
                    set_current(None)

    return code


def macro_of(scope: "CompiledScope", quiet: Callable[..., Any]) -> Callable[..., Any]:
    """The function that runs a macro; see `entry.macro_of`."""
    from tmplmon.backends.closures.entry import Run
    from tmplmon.backends.closures.tools import QUIET

    blank: Frame | None = None
    names: tuple[tuple[int, str, Any], ...] = ()
    body: Closure
    environment = scope.constants.environment
    get_current = current.get
    is_heard = always if environment.stepping else any_tool

    def listened_to(outer: Frame, output: list[Any], slots: Sequence[Any]) -> None:
        with Run(scope, outer, output, slots) as run:
            run.body(run.f)

    heard = starting(scope, listened_to)

    def run_macro(outer: Frame, output: list[Any], slots: Sequence[Any]) -> None:
        nonlocal blank, names, body
        budget = get_current()
        if budget is None:
            if environment.limits is None:
                quiet(outer, output, slots)
            else:
                with budget_of(environment.limits):
                    run_macro(outer, output, slots)
            return
        if is_heard():
            heard(outer, output, slots)
            return
        if blank is None:
            tree = scope.tree(QUIET, metered=True)
            body, names, blank = tree.body, tree.names, tree.blank
        f = blank.copy()
        f[CONTEXT] = context = outer[CONTEXT]
        f[OUTPUT] = output
        f[OUTER] = outer
        f[METER] = budget
        f[HEAD : HEAD + len(slots)] = slots
        outside = budget.depth
        before = budget.output
        counted = budget.counted
        try:
            if not outside or outside >= budget.deepest:
                budget.entering(outside + 1)
            budget.depth = outside + 1
            if output is not before:
                budget.output = output
                budget.counted = len(output)
            if names:
                get = context.names.get
                for i, name, undefined in names:
                    f[i] = get(name, undefined)
            body(f)
            if output is not before:
                budget.tally()
        except BaseException as error:
            passing = leaving(scope, f, error)
            if passing is error:
                raise
            raise passing from error
        finally:
            if output is not before:
                budget.output = before
                budget.counted = counted
            budget.depth = outside
            if not outside:
                budget.stop()

    return run_macro
