"""How a scope is entered: the functions that templates, blocks and macros are run by.

    code(context, output)       of a template or block: appends to a list
    code(output, *slots)        of a macro
    generate_code(context)      yields
    code(context)               of an expression: gives its value

Rule: each asks first whether there is a tool (`any_tool`). If there is none, the quiet tree runs and nothing looks
again. Where renderings have budgets, there are other functions for the same (`metered`). The two that are run most,
in loops, are written out; in an asynchronous environment the same functions are coroutines and asynchronous
generators.
"""

from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tmplmon.backends.closures import metered
from tmplmon.backends.closures.core import Closure, suspends
from tmplmon.backends.closures.frame import (
    CONTEXT,
    DATA,
    FIRST,
    HEAD,
    LINE,
    METER,
    OUTER,
    OUTPUT,
    PART,
    SIGNAL,
    STATE,
    Frame,
)
from tmplmon.backends.closures.shown import Variables, error_site, show
from tmplmon.backends.closures.tools import ALL, QUIET, always, any_tool
from tmplmon.ir import ops
from tmplmon.monitoring.direct import pause_clocks, resume_clocks

if TYPE_CHECKING:
    from tmplmon.backends.closures.monitored import Part
    from tmplmon.backends.closures.scope import CompiledScope, Tree
    from tmplmon.monitoring import Activation
    from tmplmon.runtime.budget import Budget

type Slots = Sequence[Any]


class Run:
    """One run of a scope, in a ``with``: its frame and its tree, and its activation where tools listen. An
    exception that leaves it gets the scope's frame."""

    __slots__ = ("activation", "before", "body", "depth", "f", "scope")

    def __init__(
        self, scope: "CompiledScope", outer: Frame, output: Any, slots: Slots = (), yields: bool = False
    ) -> None:
        self.scope = scope
        self.f: Frame = []
        self.activation: Activation | None = None
        stepping = scope.constants.environment.stepping
        if stepping or any_tool():
            # What may be suspended does not join includes in: each of the files has to tell that it is.
            table = scope.alone if yields or scope.constants.is_async else scope.monitored
            if stepping or table.is_heard():
                names = scope.module_names
                self.activation = table.scope.enter(Variables(scope, self.f), names, always=stepping)
        kind = QUIET
        if self.activation is not None:
            self.activation.py_start()
            pause_clocks()
            kind = ALL if stepping else table.kind()
        budget = metered.budget_for(scope)
        tree = scope.tree(kind, yields, budget is not None)
        f = fill(self.f, tree, outer, output, slots, budget)
        if self.activation is not None:
            signal_from(f, self.activation, table.root)
        self.body = tree.body
        self.depth = 0 if budget is None else budget.depth
        self.before: tuple[list[Any] | None, int] | None = None
        try:
            if budget is not None:
                metered.enter(budget, by_itself=True)
                if not (yields or scope.constants.is_async) and output is not budget.output:
                    self.before = budget.output, budget.counted
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
            if self.before is not None:
                if passing is None:
                    passing = metered.tallied(budget)
                budget.output, budget.counted = self.before
            metered.leave(budget, passing, self.depth)
        if passing is not None and kind is not GeneratorExit:
            passing = left(self.scope, self.f, passing)
        if self.activation is not None:
            self.activation.__exit__(None if passing is None else type(passing), passing, traceback)
        if passing is not error:
            assert passing is not None
            raise passing from error


def left(scope: "CompiledScope", f: Frame, error: BaseException) -> BaseException:
    """An exception leaves a scope: it gets the scope's frame. What is given is the exception to raise."""
    if f[METER] is not None:
        return metered.leaving(scope, f, error)
    show(scope, f, error, error_site(f, error))
    return error


def fill(
    f: Frame, tree: "Tree", outer: Frame, output: Any, slots: Slots, budget: "Budget | None" = None
) -> Frame:
    f[:] = tree.blank
    f[CONTEXT] = outer[CONTEXT]
    f[OUTPUT] = output
    f[OUTER] = outer
    f[METER] = budget
    f[HEAD : HEAD + len(slots)] = slots
    return f


def signal_from(f: Frame, activation: "Activation", part: "Part") -> None:
    """Events of a frame go to an activation, as those of a part of its scope."""
    f[SIGNAL] = activation
    f[PART] = part
    f[DATA] = part.whole.scope.data
    f[STATE] = part.state
    f[FIRST] = part.first
    f[LINE] = 0


# --- what appends ------------------------------------------------------------------------------------------


def code_of(scope: "CompiledScope") -> Callable[..., Any]:
    """`code(context, output)` of a template or block."""
    if scope.constants.is_async:

        async def code_async(context: Any, output: list[Any]) -> None:
            from tmplmon.backends.closures.resumable import Running

            with Run(scope, [context], output) as run:
                if suspends(run.body):
                    await Running(run.body(run.f))
                else:
                    run.body(run.f)

        return metered.starting(scope, code_async)
    stepping = scope.constants.environment.stepping
    may_be_heard, is_heard = always if stepping else any_tool, scope.is_heard
    blank: Frame | None = None
    names: tuple[tuple[int, str, Any], ...] = ()
    body: Closure

    def code(context: Any, output: list[Any]) -> None:
        nonlocal blank, names, body
        if may_be_heard() and (stepping or is_heard()):
            with Run(scope, [context], output) as run:
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

    return metered.code_of(scope, code) if scope.constants.metered else code


def macro_of(scope: "CompiledScope") -> Callable[[Frame, Any, Slots], Any]:
    """The function that runs a macro: of the frame it was made in, the list that takes output, and the values of
    its parameters."""
    if scope.constants.is_async:

        async def run_async(outer: Frame, output: list[Any], slots: Slots) -> None:
            from tmplmon.backends.closures.resumable import Running

            with Run(scope, outer, output, slots) as run:
                if suspends(run.body):
                    await Running(run.body(run.f))
                else:
                    run.body(run.f)

        return metered.starting(scope, run_async)
    stepping = scope.constants.environment.stepping
    may_be_heard, is_heard = always if stepping else any_tool, scope.is_heard
    blank: Frame | None = None
    names: tuple[tuple[int, str, Any], ...] = ()
    body: Closure

    def run_macro(outer: Frame, output: list[Any], slots: Slots) -> None:
        nonlocal blank, names, body
        if may_be_heard() and (stepping or is_heard()):
            with Run(scope, outer, output, slots) as run:
                run.body(run.f)
            return
        if blank is None:
            tree = scope.tree(QUIET)
            body, names, blank = tree.body, tree.names, tree.blank
        f = blank.copy()
        f[CONTEXT] = context = outer[CONTEXT]
        f[OUTPUT] = output
        f[OUTER] = outer
        f[HEAD : HEAD + len(slots)] = slots
        try:
            if names:
                get = context.names.get
                for i, name, undefined in names:
                    f[i] = get(name, undefined)
            body(f)
        except BaseException as error:
            show(scope, f, error, error_site(f, error))
            raise

    return metered.macro_of(scope, run_macro) if scope.constants.metered else run_macro


def expression_of(scope: "CompiledScope", result: ops.Slot) -> Callable[[Any], Any]:
    """`code(context)` of an expression, whose tree leaves its value in a slot."""
    i = scope.indexes[result]

    def code(context: Any) -> Any:
        with Run(scope, [context], []) as run:
            run.body(run.f)
            return run.f[i]

    return metered.starting(scope, code)


# --- what yields -------------------------------------------------------------------------------------------


def generating_of(scope: "CompiledScope") -> Callable[[Any], Any]:
    """`generate_code(context)` of a template or block."""
    if scope.constants.is_async:
        return metered.starting_pieces(scope, lambda context: _generate_async(scope, context))
    return metered.starting_pieces(scope, lambda context: _generate(scope, context))


def _generate(scope: "CompiledScope", context: Any) -> Iterator[Any]:
    with Run(scope, [context], [], yields=True) as run:
        yield from _running(run)


def _running(run: Run) -> Generator[Any, Any]:
    if suspends(run.body):
        yield from run.body(run.f)
    else:
        run.body(run.f)


async def _generate_async(scope: "CompiledScope", context: Any) -> AsyncIterator[Any]:
    from tmplmon.backends.closures.resumable import pieces_of

    with Run(scope, [context], [], yields=True) as run:
        async for piece in pieces_of(_running(run)):
            yield piece
