"""Closures that run other closures: conditions, statements, loops, and what runs blocks and other templates.

This is the one definition of each, in the form for trees that may suspend: a generator function that runs closures
by ``yield from run(closure, f)``. `plain` has the same functions for closures that do not suspend; it is generated
from this module by ``python -m tests.closures.unsuspend``, which explains the rules. A function here returns the
plain form where none of the closures suspends, so it serves all kinds of trees.

A statement's closure returns None, or BREAK or CONTINUE where a jump is to end what is around it.
"""

from collections.abc import Callable, Generator, Sequence
from typing import Any

from tmplmon.backends.closures import plain
from tmplmon.backends.closures.awaiting import any_suspends, call, run, settled
from tmplmon.backends.closures.core import Closure
from tmplmon.backends.closures.frame import CONTEXT, FILE, METER, OUTPUT, PARENT, SIGNAL, Frame
from tmplmon.runtime import support
from tmplmon.runtime.undefined import missing

type Loop = Callable[[Frame, Any], Any]
"""A loop: it is called with an iterable."""
type Finish = Callable[[Frame, bool], Any]
"""What follows a loop: it is called with whether a round ran to its end."""

# --- conditions --------------------------------------------------------------------------------------------


def both(left: Closure, right: Closure, site: int) -> Closure:
    """``and``"""
    if not any_suspends(left, right):
        return plain.both(left, right, site)

    def both(f: Frame) -> Generator[Any, Any, Any]:
        nonlocal site
        return (yield from run(left, f)) and (yield from run(right, f))

    return both


def either(left: Closure, right: Closure, site: int) -> Closure:
    """``or``"""
    if not any_suspends(left, right):
        return plain.either(left, right, site)

    def either(f: Frame) -> Generator[Any, Any, Any]:
        nonlocal site
        return (yield from run(left, f)) or (yield from run(right, f))

    return either


def decided(
    left: Closure, right: Closure, goes_on: bool, decide: Callable[[Frame, Any], bool], site: int
) -> Closure:
    """``and`` or ``or`` with a function for the truth of the left operand: if that is `goes_on`, the right operand
    is evaluated."""
    if not any_suspends(left, right):
        return plain.decided(left, right, goes_on, decide, site)

    def decided(f: Frame) -> Generator[Any, Any, Any]:
        nonlocal site
        value = yield from run(left, f)
        return (yield from run(right, f)) if decide(f, value) is goes_on else value

    return decided


def choose(test: Closure, body: Closure, orelse: Closure, site: int) -> Closure:
    """An inline ``if``."""
    if not any_suspends(test, body, orelse):
        return plain.choose(test, body, orelse, site)

    def choose(f: Frame) -> Generator[Any, Any, Any]:
        nonlocal site
        return (yield from run(body, f)) if (yield from run(test, f)) else (yield from run(orelse, f))

    return choose


def chain(left: Closure, rest: Sequence[tuple[Callable[[Any, Any], Any], Closure]], site: int) -> Closure:
    """A chain of comparisons: a further operand is evaluated only if what is compared before it holds."""
    if not any_suspends(left, *(operand for _, operand in rest)):
        return plain.chain(left, rest, site)

    def chain(f: Frame) -> Generator[Any, Any, Any]:
        nonlocal site
        before = yield from run(left, f)
        result: Any = True
        for function, operand in rest:
            after = yield from run(operand, f)
            result = function(before, after)
            if not result:
                return result
            before = after
        return result

    return chain


def in_segments(segments: Sequence[tuple[int, Closure]], last: Closure) -> Closure:
    """A long chain of operations. segments: (place, closure) of each segment but the last; the next segment reads
    the value from the place."""
    if not any_suspends(last, *(closure for _, closure in segments)):
        return plain.in_segments(segments, last)

    def in_segments(f: Frame) -> Generator[Any, Any, Any]:
        for i, closure in segments:
            f[i] = yield from run(closure, f)
        return (yield from run(last, f))

    return in_segments


# --- assignment --------------------------------------------------------------------------------------------


def assign_slot(i: int, value: Closure) -> Closure:
    if not any_suspends(value):
        return plain.assign_slot(i, value)

    def assign_slot(f: Frame) -> Generator[Any, Any]:
        f[i] = yield from run(value, f)

    return assign_slot


def assign(to: Callable[[Frame, Any], None], value: Closure, site: int) -> Closure:
    if not any_suspends(value):
        return plain.assign(to, value, site)

    def assign(f: Frame) -> Generator[Any, Any]:
        nonlocal site
        to(f, (yield from run(value, f)))

    return assign


def evaluate(value: Closure) -> Closure:
    """A statement that evaluates a value for its effects."""
    if not any_suspends(value):
        return plain.evaluate(value)

    def evaluate(f: Frame) -> Generator[Any, Any]:
        yield from run(value, f)

    return evaluate


def default(i: int, value: Closure) -> Closure:
    """A parameter that was not passed gets its default."""
    if not any_suspends(value):
        return plain.default(i, value)

    def default(f: Frame) -> Generator[Any, Any]:
        if f[i] is missing:
            f[i] = yield from run(value, f)

    return default


# --- control flow ------------------------------------------------------------------------------------------


def if_only(test: Closure, yes: Closure, site: int) -> Closure:
    if not any_suspends(test, yes):
        return plain.if_only(test, yes, site)

    def if_only(f: Frame) -> Generator[Any, Any, Any]:
        nonlocal site
        if not (yield from run(test, f)):
            return None
        return (yield from run(yes, f))

    return if_only


def if_else(test: Closure, yes: Closure, site: int, no: Closure) -> Closure:
    if not any_suspends(test, yes, no):
        return plain.if_else(test, yes, site, no)

    def if_else(f: Frame) -> Generator[Any, Any, Any]:
        nonlocal site
        if not (yield from run(test, f)):
            return (yield from run(no, f))
        return (yield from run(yes, f))

    return if_else


def if_any(branches: Sequence[tuple[Closure, Closure, int]], orelse: Closure) -> Closure:
    """An ``if`` with ``elif``s. branches: (test, body, site) of each; no branch is nested in the one before."""
    if not any_suspends(orelse, *(closure for test, body, _ in branches for closure in (test, body))):
        return plain.if_any(branches, orelse)

    def if_any(f: Frame) -> Generator[Any, Any, Any]:
        for test, body, site in branches:  # `tracebacks.error_site` reads the site
            if (yield from run(test, f)):
                return (yield from run(body, f))
        return (yield from run(orelse, f))

    return if_any


def autoescape(environment: Any, setting: Closure, body: Closure, site: int) -> Closure:
    if not any_suspends(setting, body):
        return plain.autoescape(environment, setting, body, site)

    def autoescape(f: Frame) -> Generator[Any, Any, Any]:
        nonlocal site
        context = f[CONTEXT]
        saved = context.eval_ctx
        context.eval_ctx = support.eval_context(environment, (yield from run(setting, f)))
        outcome = yield from run(body, f)
        context.eval_ctx = saved
        return outcome

    return autoescape


def capture(i: int, start: Closure, body: Closure, join: Callable[[Frame, list[Any]], Any]) -> Closure:
    """A body whose output becomes a value."""
    if not any_suspends(body):
        return plain.capture(i, start, body, join)

    def capture(f: Frame) -> Generator[Any, Any, Any]:
        pieces: list[Any] = []
        output = f[OUTPUT]
        f[OUTPUT] = pieces
        start(f)
        outcome = yield from run(body, f)
        f[OUTPUT] = output
        if outcome is None:
            f[i] = join(f, pieces)
        return outcome

    return capture


# --- loops -------------------------------------------------------------------------------------------------


def for_(iterable: Closure, loop: Loop, site: int) -> Closure:
    """A loop over the value of a closure."""
    if not any_suspends(iterable, loop):
        return plain.for_(iterable, loop, site)

    def for_(f: Frame) -> Generator[Any, Any, Any]:
        nonlocal site
        items = yield from run(iterable, f)
        return (yield from call(loop, f, items))

    return for_


def finish(start: Closure, orelse: Closure) -> Finish:
    """The ``else`` of a loop: it is executed if no round ran to its end."""
    if not any_suspends(orelse):
        return plain.finish(start, orelse)

    def finish(f: Frame, ran: bool) -> Generator[Any, Any, Any]:
        if ran:
            return None
        start(f)
        return (yield from run(orelse, f))

    return finish


def recursive(
    iterable: Closure,
    recursion: Callable[[Frame], Callable[[Any, int], Any]],
    put: Callable[[Frame, Any], Any],
    site: int,
) -> Closure:
    """A recursive loop. recursion: returns the function that ``loop(…)`` calls; it returns the text of a level."""
    if not any_suspends(iterable, put):
        return plain.recursive(iterable, recursion, put, site)

    def recursive(f: Frame) -> Generator[Any, Any]:
        nonlocal site
        items = yield from run(iterable, f)
        yield from put(f, (yield from settled(recursion(f)(items, 0))))

    return recursive


# --- blocks and other templates ----------------------------------------------------------------------------


def unless_extended(step: Closure) -> Closure:
    """A statement that is left out where a parent is set."""
    if not any_suspends(step):
        return plain.unless_extended(step)

    def unless_extended(f: Frame) -> Generator[Any, Any, Any]:
        return (yield from run(step, f)) if f[PARENT] is None else None

    return unless_extended


def if_extended(step: Closure) -> Closure:
    """A statement that is left out where no parent is set."""
    if not any_suspends(step):
        return plain.if_extended(step)

    def if_extended(f: Frame) -> Generator[Any, Any]:
        if f[PARENT] is not None:
            yield from run(step, f)

    return if_extended


def run_code(find: Closure, start: Callable[[Frame, Any, Any], Any], site: int) -> Closure:
    """Runs the code of the template or block that `find` returns, with its context."""
    if not any_suspends(start):
        return plain.run_code(find, start, site)

    def run_code(f: Frame) -> Generator[Any, Any]:
        nonlocal site
        owner, context = find(f)
        yield from start(f, owner, context)

    return run_code


def extends(template: Closure, again: bool, this: Any, site: int) -> Closure:
    """``extends``; `again`: it may follow another one."""
    if not any_suspends(template):
        return plain.extends(template, again, this, site)

    def extends(f: Frame) -> Generator[Any, Any]:
        nonlocal site
        if again:
            support.check_not_extended(f[PARENT])
        f[PARENT] = support.extend(f[CONTEXT], (yield from run(template, f)), this)

    return extends


def include(
    name: Closure,
    key: object,
    load: Callable[[Frame, Any], Any],
    context_for: Callable[[Frame, Any], Any],
    start: Callable[[Frame, Any, Any], Any],
    site: int,
) -> Closure:
    """``include``. key: of a template that is loaded once in a rendering, else None."""
    if not any_suspends(name, start):
        return plain.include(name, key, load, context_for, start, site)

    def include(f: Frame) -> Generator[Any, Any]:
        nonlocal site
        template = None if key is None else f[CONTEXT].loaded.get(key)
        if template is None:
            template = load(f, (yield from run(name, f)))
        if template is not None:
            yield from start(f, template, context_for(f, template))

    return include


def include_file(
    name: Closure,
    find: Callable[[Frame, Any], tuple[Any, Any, Any]],
    begin: Callable[[Frame, Any, Any], Any],
    start: Callable[[Frame, Any, Any], Any],
    site: int,
) -> Closure:
    """``include`` in a tree that signals.

    find: returns the template, its context, and the file of this scope that it is, or None. begin: starts to
    run a file.
    """
    if not any_suspends(name, start):
        return plain.include_file(name, find, begin, start, site)

    def include_file(f: Frame) -> Generator[Any, Any]:
        nonlocal site
        template, context, file = find(f, (yield from run(name, f)))
        if file is not None:
            running = begin(f, file, context)
            with running:
                yield from run(running.body, running.f)
        elif template is not None:
            yield from start(f, template, context)

    return include_file


# --- in trees that signal ----------------------------------------------------------------------------------


def after(first: Closure, closure: Closure) -> Closure:
    """A closure that runs after another one."""
    if not any_suspends(closure):
        return plain.after(first, closure)

    def after(f: Frame) -> Generator[Any, Any, Any]:
        first(f)
        return (yield from run(closure, f))

    return after


def deciding(test: Closure, branch: Callable[[Frame, bool], None]) -> Closure:
    """The truth of a condition, which fires BRANCH."""
    if not any_suspends(test):
        return plain.deciding(test, branch)

    def deciding(f: Frame) -> Generator[Any, Any, bool]:
        truth = bool((yield from run(test, f)))
        branch(f, truth)
        return truth

    return deciding


def finishing(reach: Closure, branch: Callable[[Frame, bool], None], finish: Finish) -> Finish:
    """What follows a loop that has an ``else``, which fires LINE and BRANCH: left is to the ``else``."""
    if not any_suspends(finish):
        return plain.finishing(reach, branch, finish)

    def finishing(f: Frame, ran: bool) -> Generator[Any, Any, Any]:
        reach(f)
        branch(f, not ran)
        return (yield from call(finish, f, ran))

    return finishing


def raising(body: Closure) -> Closure:
    """A body whose exceptions fire RAISE."""
    if not any_suspends(body):
        return plain.raising(body)

    def raising(f: Frame) -> Generator[Any, Any, Any]:
        try:
            return (yield from run(body, f))
        except BaseException as error:
            f[FILE].raised(f, error)
            raise

    return raising


def level(loop: Loop) -> Loop:
    """A level of a recursive loop, which is a function of its own in compiled code, and for tracers."""
    if not any_suspends(loop):
        return plain.level(loop)

    def level(f: Frame, items: Any) -> Generator[Any, Any, Any]:
        signal = f[SIGNAL]
        is_begun = signal.begin_function()
        try:
            return (yield from call(loop, f, items))
        except BaseException as error:
            f[FILE].raised(f, error)
            raise
        finally:
            if is_begun:
                signal.end_function()

    return level


# --- in trees that are metered -----------------------------------------------------------------------------


def charged(test: Closure, cost: int, site: int) -> Closure:
    """A condition that takes fuel."""
    if not any_suspends(test):
        return plain.charged(test, cost, site)

    def charged(f: Frame) -> Generator[Any, Any, Any]:
        nonlocal site
        budget = f[METER]
        budget.left -= cost
        if budget.left < 0:
            budget.more_fuel()
        return (yield from run(test, f))

    return charged


def counted(text: Closure, count: Callable[[Frame, Any], None], site: int) -> Closure:
    """The text of a closure, which is counted as output."""
    if not any_suspends(text):
        return plain.counted(text, count, site)

    def counted(f: Frame) -> Generator[Any, Any, Any]:
        nonlocal site
        value = yield from run(text, f)
        count(f, value)
        return value

    return counted
