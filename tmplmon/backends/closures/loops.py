"""Loops: as cheap as what the body asks of ``loop``.

    nothing                    for f[x] in items(f):
    index, index0, first       for f[n], f[x] in enumerate(items(f), 1):
    last                       for f[n], f[last], f[x] in counted(items(f)):
    length, revindex           … over `sized(items(f))`, its length taken before
    anything else              for f[x], f[loop] in LoopContext(items(f)):
    recursive                  the last, in a copy of the frame, which `loop(…)` makes another one of

A condition is tested in the body; where the loop looks ahead, in a generator in front of it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tmplmon.backends.closures import awaiting, suspending
from tmplmon.backends.closures.core import BREAK, Builder, Closure, nothing, sequence, suspends
from tmplmon.backends.closures.definitions import combined
from tmplmon.backends.closures.frame import OUTPUT, Frame, copy_of
from tmplmon.backends.closures.texts import joined
from tmplmon.backends.closures.variables import assigner, starts
from tmplmon.ir import ops
from tmplmon.ir.facts import COUNTED_ATTRIBUTES, LENGTH_ATTRIBUTES
from tmplmon.runtime.loop import AsyncLoopContext, LoopContext, counted, sized

type Assign = Callable[[Frame, Any], None]
type Items = Callable[[Frame, Any], Any]
"""Makes of an iterable what the loop runs over."""


@dataclass(slots=True)
class Counts:
    """The places of what stands for attributes of a loop without a loop object."""

    number: int = 0
    last: int = 0
    length: int = 0

    def attribute(self, name: str) -> Closure:
        number, last, length = self.number, self.last, self.length
        match name:
            case "index":
                return lambda f: f[number]
            case "index0":
                return lambda f: f[number] - 1
            case "first":
                return lambda f: f[number] == 1
            case "last":
                return lambda f: f[last]
            case "length":
                return lambda f: f[length]
            case "revindex":
                return lambda f: f[length] - f[number] + 1
            case "revindex0":
                return lambda f: f[length] - f[number]
            case "depth":
                return lambda f: 1
            case _:
                return lambda f: 0


@dataclass(slots=True)
class ItemSource:
    """How a loop takes its items: what it makes of the iterable, and where an item goes.

    slots: the places that get an item as it comes, where nothing else has to be done.
    """

    items: Items | None
    assign: Assign
    slots: tuple[int, ...] | None
    count: int | None = None  # the place of a number that counts the items that pass the condition


def for_(b: Builder, op: ops.For) -> Closure:
    iterable, site = b.value(op.iter), op.site
    if b.constants.guard is not None:
        iterable = combined(b, [iterable], b.constants.guard.iterable, site, takes_frame=False)
    if op.recursive:
        return b.at_line(site, _recursive(b, op, iterable))
    source = item_source(b, op)
    if _is_simple(b, op) and source.slots is not None:
        return _simple(b, op, iterable, source, source.slots)
    return b.at_line(site, suspending.for_(iterable, loop(b, op, source), site))


def _is_simple(b: Builder, op: ops.For) -> bool:
    """Whether the loop only runs its body for each item, in a tree without signals that is never suspended."""
    return (
        b.signals is None
        and not b.may_suspend
        and op.test is None
        and op.orelse is None
        and not b.jumps(op.body)
    )


def _simple(
    b: Builder, op: ops.For, iterable: Closure, source: ItemSource, slots: tuple[int, ...]
) -> Closure:
    """The commonest loops, written out."""
    body, items, site = _body(b, op, free=b.metering is not None), source.items, op.site
    if items is not None:
        value = iterable
        iterable = lambda f: items(f, value(f))  # noqa: E731
    guard = b.constants.guard
    if guard is not None and isinstance(op.target, tuple):
        every = iterable
        iterable = lambda f: guard.unpackable(every(f))  # noqa: E731
    if b.metering is not None:
        return b.metering.simple_loop(op, slots, iterable, body)
    match slots:
        case (i,):

            def over_one(f: Frame) -> None:
                nonlocal site
                for f[i] in iterable(f):  # noqa: B020
                    body(f)

            return over_one
        case (i, j):

            def over_two(f: Frame) -> None:
                nonlocal site
                for f[i], f[j] in iterable(f):  # noqa: B020
                    body(f)

            return over_two
    i, j, k = slots

    def over_three(f: Frame) -> None:
        nonlocal site
        for f[i], f[j], f[k] in iterable(f):  # noqa: B020
            body(f)

    return over_three


def loop(b: Builder, op: ops.For, source: ItemSource) -> suspending.Loop:
    """The loop over an iterable."""
    ahead = op.test is not None and op.loop.looks_ahead
    passing = _passing(b, op) if ahead else None
    test = None if op.test is None or ahead else _test(b, op)
    body = _body(b, op)
    finish = _finish(b, op)
    steps = [step for step in (passing, source.items) if step is not None]
    assign, count = source.assign, source.count
    if b.constants.is_async or awaiting.any_suspends(test, body, finish):
        closed = passing if b.constants.is_async else None
        return awaiting.loop(b, op, steps, assign, count, test, body, finish, closed)
    return _loop(_rounds(b, op, steps), assign, count, test, body, finish, op.site)


def _loop(
    rounds: Items,
    assign: Assign,
    count: int | None,
    test: Closure | None,
    body: Closure,
    finish: suspending.Finish,
    site: int,
) -> suspending.Loop:
    """A loop that does not suspend; `awaiting.loop` builds the others.

    rounds: returns the items of an iterable. count: the place of a number that counts the items that pass the test.
    """

    def loop(f: Frame, iterable: Any) -> Any:
        nonlocal site
        ran = False
        if count is not None:
            f[count] = 0
        for item in rounds(f, iterable):
            assign(f, item)
            if test is not None and not test(f):
                continue
            if count is not None:
                f[count] += 1
            outcome = body(f)
            if outcome is None:
                # A round that a break or continue ends does not count.
                ran = True
            elif outcome is BREAK:
                break
        return finish(f, ran)

    return loop


def _finish(b: Builder, op: ops.For) -> suspending.Finish:
    """What follows a loop: its ``else``."""
    orelse = None if op.orelse is None else b.body(op.orelse)
    if orelse is None:
        return lambda f, ran: None
    finish = suspending.finish(starts(b, op.else_frame) or nothing, orelse)
    return finish if b.signals is None else b.signals.finishing(op, finish)


def _rounds(b: Builder, op: ops.For, steps: list[Items]) -> Items:
    """The items of a loop: what the steps make of the iterable."""
    if b.signals is not None:
        steps = [*steps, b.signals.rounds(op)]

    def rounds(f: Frame, iterable: Any) -> Any:
        for step in steps:
            iterable = step(f, iterable)
        return iterable

    return rounds


def item_source(b: Builder, op: ops.For, recurse: Callable[..., Any] | None = None) -> ItemSource:
    """How a loop takes its items. recurse: frame → the function of a recursive loop and its depth."""
    use, target = op.loop, op.target
    asynchronous = b.constants.is_async
    counts = b.loops[use] = Counts()
    slots = _places(b, target)
    assign = assigner(b, target)
    if use.whole:
        assert use.slot is not None
        i = b.index(use.slot)
        undefined = b.constants.undefined_class
        loop_class: Callable[..., Any] = AsyncLoopContext if asynchronous else LoopContext

        def with_object(f: Frame, iterable: Any) -> Any:
            if recurse is None:
                return loop_class(iterable, undefined)
            return loop_class(iterable, undefined, *recurse(f))

        def assign_both(f: Frame, item: Any) -> None:
            value, f[i] = item
            assign(f, value)

        return ItemSource(with_object, assign_both, _followed(slots, i))
    if use.attributes & LENGTH_ATTRIBUTES or "last" in use.attributes:
        number, last = counts.number, counts.last = b.extra(), b.extra()
        length = None
        if use.attributes & LENGTH_ATTRIBUTES:
            length = counts.length = b.extra()

        def with_last(f: Frame, iterable: Any) -> Any:
            if length is not None:
                iterable = sized(iterable)
                f[length] = len(iterable)
            return counted(iterable)

        def assign_three(f: Frame, item: Any) -> None:
            f[number], f[last], value = item
            assign(f, value)

        if asynchronous:
            return ItemSource(awaiting.with_last(b, op, length), assign_three, None)
        return ItemSource(with_last, assign_three, _preceded((number, last), slots))
    if use.attributes & COUNTED_ATTRIBUTES:
        number = counts.number = b.extra()
        if asynchronous or op.test is not None:
            return ItemSource(None, assign, slots, number)

        def assign_numbered(f: Frame, item: Any) -> None:
            f[number], value = item
            assign(f, value)

        return ItemSource(_numbered, assign_numbered, _preceded((number,), slots))
    return ItemSource(None, assign, slots)


def _numbered(f: Frame, iterable: Any) -> Iterator[tuple[int, Any]]:
    return enumerate(iterable, 1)


def _places(b: Builder, target: ops.Target) -> tuple[int, ...] | None:
    """The places of a target that is a slot, or a pair or triple of slots."""
    if isinstance(target, ops.Slot):
        return (b.index(target),)
    if isinstance(target, tuple) and 2 <= len(target) <= 3 and all(isinstance(t, ops.Slot) for t in target):
        return tuple(b.index(part) for part in target if isinstance(part, ops.Slot))
    return None


def _preceded(numbers: tuple[int, ...], slots: tuple[int, ...] | None) -> tuple[int, ...] | None:
    return (*numbers, *slots) if slots is not None and len(slots) == 1 else None


def _followed(slots: tuple[int, ...] | None, i: int) -> tuple[int, ...] | None:
    return (*slots, i) if slots is not None and len(slots) == 1 else None


def _body(b: Builder, op: ops.For, free: bool = False) -> Closure:
    """The body; its fuel is taken by the loop if it is `free`."""
    start = starts(b, op.frame)
    body = (b.body_free(op.body) if free else b.body(op.body, least=1)) or nothing
    if start is None:
        return body
    return sequence([start, body], b.jumps(op.body)) or nothing


def _test(b: Builder, op: ops.For) -> Closure:
    """The condition, tested at the start of the body. Its variables share the places of the loop's variables. It
    reads the variables of the enclosing frame, and none that the body has assigned in the round before."""
    assert op.test is not None and op.test_target is not None
    _alias(b, op.test_target, op.target)
    return _condition(b, op)


def _condition(b: Builder, op: ops.For) -> Closure:
    assert op.test is not None
    test = b.value(op.test)
    if b.signals is not None:
        test = b.signals.passes(op, test)
    return test if b.metering is None else b.metering.round(op, test)


def _alias(b: Builder, to: ops.Target, of: ops.Target) -> None:
    if isinstance(to, ops.Slot) and isinstance(of, ops.Slot):
        b.aliases[to] = b.index(of)
    elif isinstance(to, tuple) and isinstance(of, tuple):
        for inner, outer in zip(to, of, strict=True):
            _alias(b, inner, outer)


def _passing(b: Builder, op: ops.For) -> Items:
    """An iterator over the items that pass the condition: a generator, so that none is taken before it is asked
    for."""
    assert op.test is not None and op.test_frame is not None and op.test_target is not None
    assign, start = assigner(b, op.test_target), starts(b, op.test_frame)
    test = _condition(b, op)
    reach = None if b.signals is None else b.signals.reach_head(op)
    if b.constants.is_async:
        return awaiting.passing(assign, start, test, reach)

    def passing(f: Frame, iterable: Any) -> Iterator[Any]:
        g = copy_of(f)
        if reach is not None:
            reach(g)
        for item in iterable:
            if start is not None:
                start(g)
            assign(g, item)
            passes = test(g)
            if reach is not None:
                reach(g)
            if passes:
                yield item

    return lambda f, iterable: passing(f, iterable)


def _recursive(b: Builder, op: ops.For, iterable: Closure) -> Closure:
    """A recursive loop runs in a copy of the frame, and gives its text."""
    site = op.site
    yields, b.yields = b.yields, False

    def own_recursion(f: Frame) -> tuple[Callable[[Any, int], Any], int]:
        return f[defined], f[depth]

    defined, depth = b.extra(), b.extra()
    run = loop(b, op, item_source(b, op, own_recursion))
    if b.signals is not None:
        run = suspending.level(run)
    if b.metering is not None:
        run = b.metering.deeper(b.scope, run)
    b.yields = yields
    join = joined(b, op.autoescape)

    def recursion(f: Frame) -> Callable[[Any, int], Any]:
        def recurse(items: Any, level: int) -> Any:
            g = copy_of(f)
            pieces: list[Any] = []
            g[OUTPUT] = pieces
            g[defined], g[depth] = recurse, level
            run(g, items)
            return join(g, pieces)

        async def recurse_async(items: Any, level: int) -> Any:
            g = copy_of(f)
            pieces: list[Any] = []
            g[OUTPUT] = pieces
            g[defined], g[depth] = recurse_async, level
            await awaiting.Running(run(g, items))
            return join(g, pieces)

        return recurse_async if is_awaited else recurse

    is_awaited = suspends(run)
    put = awaiting.putter(b, site) if b.runs_suspending else _append
    return suspending.recursive(iterable, recursion, put, site)


def _append(f: Frame, text: Any) -> None:
    f[OUTPUT].append(text)
