"""Loops of trees that stop and go on.

Rule: as in `resumable`; each function makes what the one of its name in `loops` makes.
"""

from collections.abc import AsyncIterator, Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any

from tmplmon.backends.closures.core import BREAK, Builder, Closure, suspends
from tmplmon.backends.closures.frame import OUTPUT, Frame, copy_of
from tmplmon.backends.closures.resumable import (
    Piece,
    Running,
    Suspending,
    emitter,
    pieces_of,
    run,
    settled,
    waiter,
)
from tmplmon.ir import ops
from tmplmon.runtime.loop import acounted
from tmplmon.runtime.markers import auto_to_list
from tmplmon.runtime.undefined import missing

if TYPE_CHECKING:
    from tmplmon.backends.closures.loops import Head, Items


def for_(iterable: Closure, loop: Callable[[Frame, Any], Any], site: int) -> Suspending:
    stops = suspends(loop)

    def for_loop(f: Frame) -> Generator[Any, Any, Any]:
        nonlocal site
        items = yield from run(iterable, f)
        return (yield from loop(f, items)) if stops else loop(f, items)

    return for_loop


def loop(
    b: Builder,
    op: ops.For,
    head: "Head",
    steps: "Sequence[Items]",
    test: Closure | None,
    body: Closure,
    finish: Callable[[Frame, bool], Any],
) -> Callable[[Frame, Any], Generator[Any, Any, Any]]:
    assign, count, site = head.assign, head.count, op.site
    finish_stops = suspends(finish)
    wait = waiter(b, site)
    before, after = (_nothing, _nothing_more) if b.signals is None else b.signals.round(b, op)

    def run_loop(f: Frame, iterable: Any) -> Generator[Any, Any, Any]:
        nonlocal site
        ran = False
        items = iterable
        for step in steps:
            items = (yield from step(f, items)) if suspends(step) else step(f, items)
        if count is not None:
            f[count] = 0
        is_async = hasattr(items, "__aiter__")
        iterator = items.__aiter__() if is_async else iter(items)
        while True:
            before(f)
            if is_async:
                try:
                    item = yield from wait(f, iterator.__anext__())
                except StopAsyncIteration:
                    item = missing
            else:
                item = next(iterator, missing)
            after(f, item is not missing)
            if item is missing:
                break
            assign(f, item)
            if test is not None and not (yield from run(test, f)):
                continue
            if count is not None:
                f[count] += 1
            outcome = yield from run(body, f)
            if outcome is None:
                ran = True
            elif outcome is BREAK:
                break
        return (yield from finish(f, ran)) if finish_stops else finish(f, ran)

    return run_loop


def finish(start: Closure, orelse: Closure) -> Callable[[Frame, bool], Generator[Any, Any, Any]]:
    """The ``else`` of a loop."""

    def finish(f: Frame, ran: bool) -> Generator[Any, Any, Any]:
        if ran:
            return None
        start(f)
        return (yield from orelse(f))

    return finish


def _nothing(f: Frame) -> None:
    pass


def _nothing_more(f: Frame, more: bool) -> None:
    pass


def with_last(b: Builder, op: ops.For, length: int | None) -> "Items":
    """Items with their numbers, and whether they are the last; the length in its place, if there is one."""
    wait = waiter(b, op.site)

    def numbered(f: Frame, iterable: Any) -> Generator[Any, Any, Any]:
        if length is not None:
            iterable = yield from wait(f, auto_to_list(iterable))
            f[length] = len(iterable)
        return acounted(iterable)

    return numbered


def passing(
    assign: Callable[[Frame, Any], None], start: Closure | None, test: Closure, reach: Closure | None
) -> "Items":
    """An asynchronous iterator over the items that pass a condition. `reach`: fires LINE of the loop."""

    def passed(f: Frame, iterable: Any) -> AsyncIterator[Any]:
        return pieces_of(_passing(copy_of(f), iterable, assign, start, test, reach))

    return passed


def _passing(
    g: Frame,
    iterable: Any,
    assign: Callable[[Frame, Any], None],
    start: Closure | None,
    test: Closure,
    reach: Closure | None,
) -> Generator[Any, Any]:
    """Yields the items that pass as pieces, so that they are told from what is awaited."""
    is_async = hasattr(iterable, "__aiter__")
    iterator = iterable.__aiter__() if is_async else iter(iterable)
    while True:
        if reach is not None:
            reach(g)
        if is_async:
            try:
                item = yield from settled(iterator.__anext__())
            except StopAsyncIteration:
                return
        else:
            item = next(iterator, missing)
            if item is missing:
                return
        if start is not None:
            start(g)
        assign(g, item)
        if (yield from run(test, g)):
            yield Piece(item)


def recursive(
    b: Builder,
    iterable: Closure,
    loop: Callable[[Frame, Any], Any],
    join: Callable[[Frame, list[Any]], Any],
    places: tuple[int, int],
    site: int,
) -> Suspending:
    """A recursive loop runs in a copy of the frame, and gives its text; in a coroutine, when it is awaited."""
    defined, depth = places
    is_async, emit = b.constants.is_async, emitter(b, site) if b.yields else None
    stops = suspends(loop)

    def level_of(f: Frame, level: int, recurse: Any) -> tuple[Frame, list[Any]]:
        g = copy_of(f)
        pieces: list[Any] = []
        g[OUTPUT] = pieces
        g[defined], g[depth] = recurse, level
        return g, pieces

    def looped(f: Frame) -> Generator[Any, Any, Any]:
        nonlocal site

        def recurse(items: Any, level: int) -> Any:
            g, pieces = level_of(f, level, recurse)
            loop(g, items)
            return join(g, pieces)

        async def recurse_async(items: Any, level: int) -> Any:
            g, pieces = level_of(f, level, recurse_async)
            await Running(loop(g, items))
            return join(g, pieces)

        items = yield from run(iterable, f)
        if stops:
            text = yield from settled(recurse_async(items, 0))
        else:
            text = recurse(items, 0)
        if emit is None:
            f[OUTPUT].append(text)
        if emit is not None:
            yield from emit(f, text)

    assert stops or not is_async
    return looped
