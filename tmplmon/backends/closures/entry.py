"""How a scope is entered: the functions that run templates, blocks and macros.

    code(context, output)            of a template or block: appends its output to a list
    run(outer, output, slots)        of a macro: `outer` is the frame that it was made in, `slots` its parameters
    generate_code(context)           of a template or block: yields its output
    code(context)                    of an expression: returns its value

Entering takes the same steps everywhere, in this order:

    1. the budget         where renderings are metered: the current one, or a new one from the environment's limits
    2. tools              if any tool listens to the scope, `Run` starts an activation and runs a tree that signals
    3. the frame          a copy of the tree's blank frame, with what the caller passes
    4. the budget again   depth and output are counted from here
    5. names              those of the context that the scope reads
    6. the body           the tree's closure

An exception that leaves the scope gets the scope's frame in its traceback. Most scopes are templates, blocks and
macros without tools, so for them the steps are written out, with and without a budget: four functions, beside each
other. A single function for all would take 1.6 times as long. Everything else enters through `Run`.
"""

from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tmplmon.backends.closures import budget as metered
from tmplmon.backends.closures.awaiting import Running, pieces_of
from tmplmon.backends.closures.core import ALL, QUIET, Closure, suspends
from tmplmon.backends.closures.frame import (
    CONTEXT,
    DATA,
    FILE,
    FIRST,
    FIRST_SLOT,
    LINE,
    METER,
    OUTER,
    OUTPUT,
    RAISED,
    SIGNAL,
    STATE,
    Frame,
)
from tmplmon.backends.closures.tracebacks import Variables, error_site, show
from tmplmon.ir import ops
from tmplmon.monitoring.direct import pause_clocks, resume_clocks
from tmplmon.monitoring.states import any_tool
from tmplmon.runtime.budget import Budget, budget_of, current

if TYPE_CHECKING:
    from tmplmon.backends.closures.monitored import ScopeFile
    from tmplmon.backends.closures.scope import CompiledScope, Tree
    from tmplmon.monitoring import Activation

type Slots = Sequence[Any]


class Run:
    """One run of a scope, in a ``with``, with all steps: for scopes that tools listen to, and for all scopes that
    may be suspended.

    f: its frame. body: the body of its tree. activation: what events are fired with; None without tools.
    """

    __slots__ = ("activation", "body", "depth", "f", "outer_output", "scope")

    def __init__(
        self,
        scope: "CompiledScope",
        outer: Frame,
        output: Any,
        slots: Slots = (),
        yields: bool = False,
        entered: bool = False,
    ) -> None:
        self.scope = scope
        self.f: Frame = []
        self.activation: Activation | None = None
        may_pause = yields or scope.constants.is_async
        stepping = scope.constants.environment.stepping
        # entered: `has_listeners` has just found listeners, of the table with the includes.
        entered = entered and not may_pause
        if entered or stepping or any_tool():
            # A scope that may be suspended does not run its includes as its files: each fires its own events when
            # it is suspended.
            table = scope.alone if may_pause else scope.monitored
            if entered or stepping or table.has_listeners():
                names = scope.module_names
                self.activation = table.scope.enter(
                    Variables(scope, self.f), names, always=stepping, entered=entered
                )
        kind = QUIET
        if self.activation is not None:
            self.activation.py_start()
            pause_clocks()
            # While a scope is suspended, a tool may start to listen to anything.
            kind = ALL if stepping or may_pause else table.kind()  # pyright: ignore[reportPossiblyUnboundVariable]
        budget = current.get() if scope.constants.metered else None
        tree = scope.tree(kind, yields, budget is not None)
        f = fill(self.f, tree, outer, output, slots, budget)
        if self.activation is not None:
            signal_from(f, self.activation, table.root)  # pyright: ignore[reportPossiblyUnboundVariable]
        self.body = tree.body
        self.depth = 0 if budget is None else budget.depth
        self.outer_output: tuple[list[Any] | None, int] | None = None
        try:
            if budget is not None:
                metered.enter(budget, has_function=True)
                if not may_pause and output is not budget.output:
                    self.outer_output = budget.output, budget.counted
                    budget.output, budget.counted = output, len(output)
            if self.activation is not None:
                resume_clocks()
            tree.look_up(f)
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.activation is not None:
            pause_clocks()
        passing, budget = error, self.f[METER]
        if budget is not None:
            if self.outer_output is not None:
                if passing is None:
                    passing = metered.error_of_last_count(budget)
                budget.output, budget.counted = self.outer_output
            metered.leave(budget, passing, self.depth)
        if passing is not None and kind is not GeneratorExit:
            passing = error_leaving(self.scope, self.f, passing)
        self.f[RAISED] = None  # the exception leads to the frame
        if self.activation is not None:
            self.activation.__exit__(None if passing is None else type(passing), passing, traceback)
        if passing is not error:
            assert passing is not None
            raise passing from error


def error_leaving(scope: "CompiledScope", f: Frame, error: BaseException) -> BaseException:
    """Add a scope's frame to the traceback of an exception that leaves it. Returns the exception to raise."""
    if f[METER] is not None:
        return metered.error_leaving(scope, f, error)
    show(scope, f, error, error_site(f, error))
    return error


def fill(
    f: Frame, tree: "Tree", outer: Frame, output: Any, slots: Slots, budget: Budget | None = None
) -> Frame:
    """Fill an empty frame for a tree."""
    f[:] = tree.blank
    f[CONTEXT] = outer[CONTEXT]
    f[OUTPUT] = output
    f[OUTER] = outer
    f[METER] = budget
    f[FIRST_SLOT : FIRST_SLOT + len(slots)] = slots
    return f


def signal_from(f: Frame, activation: "Activation", file: "ScopeFile") -> None:
    """Make a frame fire its events with an activation, as a file of its scope."""
    f[SIGNAL] = activation
    f[FILE] = file
    f[DATA] = file.whole.scope.data
    f[STATE] = file.state
    f[FIRST] = file.first
    f[LINE] = 0


# --- the four that are written out -------------------------------------------------------------------------


def always() -> bool:
    """Used in place of `any_tool` where a tool may start during a scope (`Environment.stepping`)."""
    return True


def code_of(scope: "CompiledScope") -> Callable[..., Any]:
    """`code(context, output)` of a template or block; in an asynchronous environment a coroutine function."""
    if scope.constants.is_async:

        async def code_async(context: Any, output: list[Any]) -> None:
            with Run(scope, [context], output) as run:
                await _awaiting(run)

        return metered.starting(scope, code_async)
    return _metered_code(scope) if scope.constants.metered else _code(scope)


def macro_of(scope: "CompiledScope") -> Callable[[Frame, list[Any], Slots], Any]:
    """`run(outer, output, slots)` of a macro; in an asynchronous environment a coroutine function."""
    if scope.constants.is_async:

        async def run_async(outer: Frame, output: list[Any], slots: Slots) -> None:
            with Run(scope, outer, output, slots) as run:
                await _awaiting(run)

        return metered.starting(scope, run_async)
    return _metered_macro(scope) if scope.constants.metered else _macro(scope)


def _code(scope: "CompiledScope") -> Callable[[Any, list[Any]], None]:
    stepping = scope.constants.environment.stepping
    may_have_listeners, has_listeners = always if stepping else any_tool, scope.has_listeners
    blank: Frame | None = None
    names: tuple[tuple[int, str, Any], ...] = ()
    body: Closure

    def code(context: Any, output: list[Any]) -> None:
        nonlocal blank, names, body
        if may_have_listeners() and (stepping or has_listeners()):
            with Run(scope, [context], output, entered=not stepping) as run:
                run.body(run.f)
            return
        if blank is None:
            tree = scope.tree(QUIET)
            body, names, blank = tree.body, tree.names, tree.blank
        f = blank.copy()
        f[CONTEXT] = context
        f[OUTPUT] = output
        try:
            get = context.names.get
            for i, name, undefined in names:
                f[i] = get(name, undefined)
            body(f)
        except BaseException as error:
            show(scope, f, error, error_site(f, error))
            raise

    return code


def _macro(scope: "CompiledScope") -> Callable[[Frame, list[Any], Slots], None]:
    stepping = scope.constants.environment.stepping
    may_have_listeners, has_listeners = always if stepping else any_tool, scope.has_listeners
    blank: Frame | None = None
    names: tuple[tuple[int, str, Any], ...] = ()
    body: Closure

    def run_macro(outer: Frame, output: list[Any], slots: Slots) -> None:
        nonlocal blank, names, body
        if may_have_listeners() and (stepping or has_listeners()):
            with Run(scope, outer, output, slots, entered=not stepping) as run:
                run.body(run.f)
            return
        if blank is None:
            tree = scope.tree(QUIET)
            body, names, blank = tree.body, tree.names, tree.blank
        f = blank.copy()
        f[CONTEXT] = context = outer[CONTEXT]
        f[OUTPUT] = output
        f[OUTER] = outer
        f[FIRST_SLOT : FIRST_SLOT + len(slots)] = slots
        try:
            if names:
                get = context.names.get
                for i, name, undefined in names:
                    f[i] = get(name, undefined)
            body(f)
        except BaseException as error:
            show(scope, f, error, error_site(f, error))
            raise

    return run_macro


def _metered_code(scope: "CompiledScope") -> Callable[[Any, list[Any]], None]:
    environment = scope.constants.environment
    stepping, unmetered = environment.stepping, _code(scope)
    may_have_listeners, has_listeners = always if stepping else any_tool, scope.has_listeners
    get_current, set_current = current.get, current.set
    blank: Frame | None = None
    names: tuple[tuple[int, str, Any], ...] = ()
    body: Closure

    def run_with_listeners(context: Any, output: list[Any]) -> None:
        with Run(scope, [context], output, entered=not stepping) as run:
            run.body(run.f)

    with_listeners = metered.starting(scope, run_with_listeners)

    def code(context: Any, output: list[Any]) -> None:
        nonlocal blank, names, body
        budget = get_current()
        is_outermost = budget is None
        if budget is None and environment.limits is None:
            unmetered(context, output)
            return
        if may_have_listeners() and (stepping or has_listeners()):
            with_listeners(context, output)
            return
        if blank is None:
            tree = scope.tree(QUIET, metered=True)
            body, names, blank = tree.body, tree.names, tree.blank
        if budget is None:
            budget = budget_of(environment.limits)
        f = blank.copy()
        f[CONTEXT] = context
        f[OUTPUT] = output
        f[METER] = budget
        outside = budget.depth
        before = budget.output
        counted = budget.counted
        try:
            # A signal handler may raise an exception after any call. So what is undone below is done in the `try`,
            # and below are no calls before the one that undoes it.
            if is_outermost:
                set_current(budget)
            if not outside or outside >= budget.deepest:
                budget.check_entry(outside + 1)
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
            if not outside:
                budget.finish()
        except BaseException as error:
            passing = metered.error_leaving(scope, f, error)
            if passing is error:
                raise
            raise passing from error
        finally:
            if output is not before:
                budget.output = before
                budget.counted = counted
            budget.depth = outside
            if not outside:
                if is_outermost:
                    set_current(None)
                budget.stop()

    return code


def _metered_macro(scope: "CompiledScope") -> Callable[[Frame, list[Any], Slots], None]:
    environment = scope.constants.environment
    stepping, unmetered = environment.stepping, _macro(scope)
    may_have_listeners, has_listeners = always if stepping else any_tool, scope.has_listeners
    get_current = current.get
    blank: Frame | None = None
    names: tuple[tuple[int, str, Any], ...] = ()
    body: Closure

    def run_macro(outer: Frame, output: list[Any], slots: Slots) -> None:
        nonlocal blank, names, body
        budget = get_current()
        if budget is None:
            if environment.limits is None:
                unmetered(outer, output, slots)
            else:
                metered.with_budget(budget_of(environment.limits), run_macro, outer, output, slots)
            return
        if may_have_listeners() and (stepping or has_listeners()):
            with Run(scope, outer, output, slots, entered=not stepping) as run:
                run.body(run.f)
            return
        if blank is None:
            tree = scope.tree(QUIET, metered=True)
            body, names, blank = tree.body, tree.names, tree.blank
        f = blank.copy()
        f[CONTEXT] = context = outer[CONTEXT]
        f[OUTPUT] = output
        f[OUTER] = outer
        f[METER] = budget
        f[FIRST_SLOT : FIRST_SLOT + len(slots)] = slots
        outside = budget.depth
        before = budget.output
        counted = budget.counted
        try:
            if not outside or outside >= budget.deepest:
                budget.check_entry(outside + 1)
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
            if not outside:
                budget.finish()
        except BaseException as error:
            passing = metered.error_leaving(scope, f, error)
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


# --- everything else ---------------------------------------------------------------------------------------


def expression_of(scope: "CompiledScope", result: ops.Slot) -> Callable[[Any], Any]:
    """`code(context)` of an expression, whose tree leaves its value in a slot."""
    i = scope.indexes[result]

    def code(context: Any) -> Any:
        with Run(scope, [context], []) as run:
            run.body(run.f)
            return run.f[i]

    return metered.starting(scope, code)


def generating_of(scope: "CompiledScope") -> Callable[[Any], Any]:
    """`generate_code(context)` of a template or block: a generator function, or an asynchronous one."""
    generate = _generate_async if scope.constants.is_async else _generate
    return metered.starting_pieces(scope, lambda context: generate(scope, context))


def _generate(scope: "CompiledScope", context: Any) -> Iterator[Any]:
    with Run(scope, [context], [], yields=True) as run:
        yield from _running(run)


async def _generate_async(scope: "CompiledScope", context: Any) -> AsyncIterator[Any]:
    with Run(scope, [context], [], yields=True) as run:
        pieces = pieces_of(_running(run))
        try:
            async for piece in pieces:
                yield piece
        finally:
            await pieces.aclose()


def _running(run: Run) -> Generator[Any, Any]:
    if suspends(run.body):
        yield from run.body(run.f)
    else:
        run.body(run.f)


async def _awaiting(run: Run) -> None:
    if suspends(run.body):
        await Running(run.body(run.f))
    else:
        run.body(run.f)
