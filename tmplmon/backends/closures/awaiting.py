"""Awaiting values and yielding output: what trees that suspend have in addition.

A tree suspends if its output is yielded (`generate`), or if it is a coroutine, which awaits values. A closure that
may suspend is a generator function and is run with ``yield from``; all other closures are as in plain trees. A
generator returns the value of its op when it ends. It yields what an awaitable yields to the event loop and, in a
coroutine, output as a `YieldedOutput`; where nothing is awaited, output is yielded as the text itself.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Sequence
from types import GeneratorType
from typing import Any

from tmplmon.backends.closures.core import BREAK, Builder, Closure, joiner, suspends
from tmplmon.backends.closures.frame import OUTPUT, Frame, copy_of
from tmplmon.ir import ops
from tmplmon.runtime.loop import acounted, alisted
from tmplmon.runtime.markers import is_awaitable
from tmplmon.runtime.undefined import missing

type Suspending = Callable[..., Generator[Any, Any, Any]]
"""A generator function."""


class YieldedOutput:
    """A piece of output, among the items that a coroutine yields."""

    __slots__ = ("text",)

    def __init__(self, text: Any) -> None:
        self.text = text


# --- running -----------------------------------------------------------------------------------------------


def any_suspends(*closures: Callable[..., Any] | None) -> bool:
    """Whether any of some closures is a generator function; None stands for no closure."""
    return any(closure is not None and suspends(closure) for closure in closures)


def run(closure: Closure, f: Frame) -> Generator[Any, Any, Any]:
    """Run a closure that may suspend, and return its value."""
    return (yield from closure(f)) if suspends(closure) else closure(f)


def call(function: Callable[[Frame, Any], Any], f: Frame, argument: Any) -> Generator[Any, Any, Any]:
    """Call a function of a frame and an argument that may suspend, and return its value."""
    return (yield from function(f, argument)) if suspends(function) else function(f, argument)


# --- awaiting ----------------------------------------------------------------------------------------------


class Running:
    """An awaitable that runs a generator."""

    __slots__ = ("_generator",)

    def __init__(self, generator: Generator[Any, Any, Any]) -> None:
        self._generator = generator

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._generator


class Passed:
    """An awaitable that passes an item from another awaitable on to the event loop."""

    __slots__ = ("_item",)

    def __init__(self, item: Any) -> None:
        self._item = item

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield self._item)


def settled(value: Any) -> Generator[Any, Any, Any]:
    """Await a value if it is awaitable, and return the result."""
    if not is_awaitable(value):
        return value
    if isinstance(value, GeneratorType):
        return (yield from value)
    return (yield from value.__await__())


def waiter(b: Builder, site: int) -> Callable[[Frame, Any], Generator[Any, Any, Any]]:
    """Return a generator function that does what `settled` does, and fires PY_YIELD and PY_RESUME at a site."""
    wait: Callable[[Frame, Any], Generator[Any, Any, Any]] = lambda f, value: settled(value)  # noqa: E731
    if b.signals is not None:
        number = b.signals.plan.await_yield.get(site)
        if number is not None:
            wait = b.signals.waiter(number)
    return wait if b.metering is None else b.metering.waiter(wait)


async def pieces_of(generator: Generator[Any, Any, Any]) -> AsyncGenerator[Any]:
    """The texts of the pieces that a tree yields; every other item that it yields goes to the event loop.

    `aclose` throws GeneratorExit into the tree, which may await while it closes what it has opened.
    """
    answer, error = None, None
    while True:
        try:
            item = generator.send(answer) if error is None else generator.throw(error)
        except StopIteration:
            return
        answer, error = None, None
        try:
            if type(item) is YieldedOutput:
                yield item.text
            else:
                answer = await Passed(item)
        except BaseException as thrown:
            error = thrown


def combined(
    b: Builder, operands: Sequence[Closure], apply: Callable[..., Any], site: int, awaits: bool
) -> Suspending:
    """Evaluates operands, applies a function to the frame and their values, and awaits the result."""
    wait = waiter(b, site)
    with_kind = [(operand, suspends(operand)) for operand in operands]

    def value(f: Frame) -> Generator[Any, Any, Any]:
        nonlocal site
        values = []
        for operand, operand_suspends in with_kind:
            values.append((yield from operand(f)) if operand_suspends else operand(f))
        result = apply(f, *values)
        if awaits and is_awaitable(result):
            result = yield from wait(f, result)
        return result

    return value


# --- output ------------------------------------------------------------------------------------------------


def put_out(b: Builder, parts: Sequence[Any], site: int) -> list[Closure]:
    """Statements that put out texts and the texts of closures."""
    if b.constants.native:
        return [_put(b, _part(part), site) for part in parts]
    parts = [part for part in parts if part != ""]
    return [_put(b, _text_of_parts(parts), site)] if parts else []


def _part(part: Any) -> Closure:
    return (lambda f: part) if isinstance(part, str) else part


def _text_of_parts(parts: Sequence[Any]) -> Closure:
    """A closure for the text of several parts."""
    with_kind = [(_part(part), not isinstance(part, str) and suspends(part)) for part in parts]
    if not any(part_suspends for _, part_suspends in with_kind):
        return joiner(parts)

    def text(f: Frame) -> Generator[Any, Any, Any]:
        texts = []
        for part, part_suspends in with_kind:
            texts.append(f"{(yield from part(f)) if part_suspends else part(f)}")
        return "".join(texts)

    return text


def _put(b: Builder, text: Closure, site: int) -> Closure:
    """Puts out the text of a closure."""
    if b.metering is not None:
        text = b.metering.counted(text, site)
    if not b.yields and not suspends(text):

        def append(f: Frame) -> None:
            f[OUTPUT].append(text(f))

        return append
    put = putter(b, site)

    def put_text(f: Frame) -> Generator[Any, Any, Any]:
        yield from put(f, (yield from run(text, f)))

    return put_text


def putter(b: Builder, site: int) -> Callable[[Frame, Any], Generator[Any, Any, Any]]:
    """Return a generator function that puts out a text."""
    if b.yields:
        return emitter(b, site)

    def append(f: Frame, text: Any) -> Generator[Any, Any, Any]:
        f[OUTPUT].append(text)
        yield from ()

    return append


def emitter(b: Builder, site: int) -> Callable[[Frame, Any], Generator[Any, Any, Any]]:
    """Return a generator function that yields a piece of output."""
    if b.signals is not None:
        number = b.signals.plan.output_yield.get(site)
        if number is not None:
            return b.signals.emitter(b, number)
    if b.constants.is_async:

        def emit_piece(f: Frame, text: Any) -> Generator[Any, Any, Any]:
            yield YieldedOutput(text)

        return emit_piece

    def emit_text(f: Frame, text: Any) -> Generator[Any, Any, Any]:
        yield text

    return emit_text


# --- other code --------------------------------------------------------------------------------------------


def runner(b: Builder, site: int) -> Callable[[Frame, Any, Any], Generator[Any, Any, Any]]:
    """Return a generator function that runs the code of a template or block; its output goes where the frame's
    output goes."""
    wait = waiter(b, site)
    if not b.yields:

        def run_code(f: Frame, owner: Any, context: Any) -> Generator[Any, Any, Any]:
            result = owner.code(context, f[OUTPUT])
            if is_awaitable(result):
                yield from wait(f, result)

        return run_code
    emit = emitter(b, site)
    if not b.constants.is_async:

        def hand_out(f: Frame, owner: Any, context: Any) -> Generator[Any, Any, Any]:
            for piece in owner.generate_code(context):
                yield from emit(f, piece)

        return hand_out

    def hand_out_async(f: Frame, owner: Any, context: Any) -> Generator[Any, Any, Any]:
        pieces = owner.generate_code(context)
        try:
            while True:
                try:
                    piece = yield from wait(f, pieces.__anext__())
                except StopAsyncIteration:
                    return
                yield from emit(f, piece)
        finally:
            yield from settled(pieces.aclose())

    return hand_out_async


# --- loops -------------------------------------------------------------------------------------------------


def loop(
    b: Builder,
    op: ops.For,
    steps: Sequence[Callable[..., Any]],
    assign: Callable[[Frame, Any], None],
    count: int | None,
    test: Closure | None,
    body: Closure,
    finish: Callable[[Frame, bool], Any],
    passing: Callable[..., Any] | None,
) -> Suspending:
    """A loop that may suspend, over an iterable that may be asynchronous.

    steps: what the iterable passes through first. passing: the first of them if it returns an asynchronous
    generator, which is closed at the end of the loop. count: the place of a number that counts the items
    that pass the test.
    """
    site, wait, finish_suspends = op.site, waiter(b, op.site), suspends(finish)
    with_kind = [(step, suspends(step)) for step in steps]
    before, after = (_before, _after) if b.signals is None else b.signals.round(op)

    def loop(f: Frame, iterable: Any) -> Generator[Any, Any, Any]:
        nonlocal site
        ran = False
        items, generator = iterable, None
        try:
            for step, step_suspends in with_kind:
                items = (yield from step(f, items)) if step_suspends else step(f, items)
                if step is passing:
                    generator = items
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
        finally:
            if generator is not None:
                yield from settled(generator.aclose())
        return (yield from finish(f, ran)) if finish_suspends else finish(f, ran)

    return loop


def _before(f: Frame) -> None:
    pass


def _after(f: Frame, is_item: bool) -> None:
    pass


def with_last(b: Builder, op: ops.For, length: int | None) -> Suspending:
    """Items with their numbers, and whether they are the last; the length in its place, if there is one."""
    wait = waiter(b, op.site)

    def numbered(f: Frame, iterable: Any) -> Generator[Any, Any, Any]:
        if length is not None:
            iterable = yield from wait(f, alisted(iterable))
            f[length] = len(iterable)
        return acounted(iterable)

    return numbered


def passing(
    assign: Callable[[Frame, Any], None], start: Closure | None, test: Closure, reach: Closure | None
) -> Callable[[Frame, Any], AsyncIterator[Any]]:
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
    """Yields the items that pass as pieces, to tell them from what is awaited."""
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
        passes = yield from run(test, g)
        if reach is not None:
            reach(g)
        if passes:
            yield YieldedOutput(item)
