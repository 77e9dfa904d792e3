"""Trees that stop and go on: for `generate`, which yields the output, and for coroutines, which await values.

Rule: what may stop is a generator function, and whoever runs it says ``yield from``; what cannot stop is the same
closure as in other trees. A generator gives its value when it ends, as the closure of the same op would. What is
yielded is, in a coroutine, what an awaitable yields to the event loop; a piece of output is a `Piece` then, and the
text itself where nothing is awaited.
"""

from collections.abc import AsyncIterator, Callable, Generator, Sequence
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from tmplmon.backends.closures.build import BREAK, Builder, Closure, suspends
from tmplmon.backends.closures.frame import CONTEXT, LINE, OUTPUT, PARENT, Frame, fail, hand_on
from tmplmon.ir import ops
from tmplmon.runtime import support
from tmplmon.runtime.loop import acounted
from tmplmon.runtime.markers import auto_to_list, is_awaitable
from tmplmon.runtime.undefined import missing

if TYPE_CHECKING:
    from tmplmon.backends.closures.loops import Head, Items
    from tmplmon.backends.closures.scope import CompiledScope
    from tmplmon.backends.closures.signals import Signals

type Suspending = Callable[[Frame], Generator[Any, Any, Any]]


class Piece:
    """A piece of output, among what a coroutine yields."""

    __slots__ = ("text",)

    def __init__(self, text: Any) -> None:
        self.text = text


class ResumableBuilder(Builder):
    """Builds a tree that may stop. With `yields` its output is yielded, else appended to the frame's list."""

    resumable = True

    def __init__(self, scope: "CompiledScope", signals: "Signals | None", yields: bool) -> None:
        super().__init__(scope, signals)
        self.yields = yields


# --- awaiting ----------------------------------------------------------------------------------------------


class Running:
    """A generator as something that can be awaited."""

    __slots__ = ("_generator",)

    def __init__(self, generator: Generator[Any, Any, Any]) -> None:
        self._generator = generator

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._generator


class Passed:
    """What an awaitable yielded, on its way to the event loop."""

    __slots__ = ("_item",)

    def __init__(self, item: Any) -> None:
        self._item = item

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield self._item)


def settled(value: Any) -> Generator[Any, Any, Any]:
    """The value, awaited if it can be."""
    if not is_awaitable(value):
        return value
    if isinstance(value, GeneratorType):
        return (yield from value)
    return (yield from value.__await__())


async def pieces_of(generator: Generator[Any, Any, Any]) -> AsyncIterator[Any]:
    """The texts of the pieces that a tree yields; everything else it yields is for the event loop."""
    answer, error = None, None
    try:
        while True:
            try:
                item = generator.send(answer) if error is None else generator.throw(error)
            except StopIteration:
                return
            answer, error = None, None
            if type(item) is Piece:
                yield item.text
                continue
            try:
                answer = await Passed(item)
            except BaseException as thrown:
                error = thrown
    finally:
        generator.close()


# --- values ------------------------------------------------------------------------------------------------


def combined(operands: Sequence[Closure], apply: Callable[..., Any], site: int, awaits: bool) -> Suspending:
    """Evaluates operands, applies a function to the frame and their values, and awaits the result."""
    steps = [(operand, suspends(operand)) for operand in operands]

    def value(f: Frame) -> Generator[Any, Any, Any]:
        try:
            values = []
            for operand, stops in steps:
                values.append((yield from operand(f)) if stops else operand(f))
            result = apply(f, *values)
            if awaits and is_awaitable(result):
                result = yield from settled(result)
            return result
        except BaseException as error:
            fail(f, error, site)
            raise

    return value


def compare(b: Builder, op: ops.Compare) -> Closure:
    """A chain of comparisons: a further operand is evaluated only if what is compared before it holds."""
    left, site = b.value(op.left), op.site
    rest = [(b.constants.compare[name], b.value(operand)) for name, operand in op.rest]

    def chain(f: Frame) -> Generator[Any, Any, Any]:
        try:
            before = yield from run(left, f)
            result: Any = True
            for function, operand in rest:
                after = yield from run(operand, f)
                result = function(before, after)
                if not result:
                    return result
                before = after
            return result
        except BaseException as error:
            fail(f, error, site)
            raise

    return chain


def run(closure: Closure, f: Frame) -> Generator[Any, Any, Any]:
    """The value of a closure that may stop."""
    return (yield from closure(f)) if suspends(closure) else closure(f)


def logical(
    op: str, left: Closure, right: Closure, site: int, decide: Callable[[Frame, Any], bool]
) -> Suspending:
    wanted = op == "and"

    def value(f: Frame) -> Generator[Any, Any, Any]:
        try:
            held = yield from run(left, f)
            if decide(f, held) is wanted:
                held = yield from run(right, f)
            return held
        except BaseException as error:
            fail(f, error, site)
            raise

    return value


def conditional(test: Closure, body: Closure, orelse: Closure, site: int) -> Suspending:
    def value(f: Frame) -> Generator[Any, Any, Any]:
        try:
            holds = yield from run(test, f)
            return (yield from run(body if holds else orelse, f))
        except BaseException as error:
            fail(f, error, site)
            raise

    return value


# --- output ------------------------------------------------------------------------------------------------


def put_out(b: Builder, parts: Sequence[Any], site: int) -> list[Closure]:
    """Statements that put out texts and the texts of closures."""
    if b.constants.native:
        return [_put(b, run_part(part), site) for part in parts]
    parts = [part for part in parts if part != ""]
    return [_put(b, text_of_parts(parts), site)] if parts else []


def run_part(part: Any) -> Closure:
    """A closure for a part of a piece."""
    return (lambda f: part) if isinstance(part, str) else part


def text_of_parts(parts: Sequence[Any]) -> Closure:
    """A closure for the text of several parts."""
    if not any(not isinstance(part, str) and suspends(part) for part in parts):
        from tmplmon.backends.closures.output import joiner

        return joiner(parts)
    steps = [(run_part(part), not isinstance(part, str) and suspends(part)) for part in parts]

    def text(f: Frame) -> Generator[Any, Any, Any]:
        texts = []
        for part, stops in steps:
            texts.append(f"{(yield from part(f)) if stops else part(f)}")
        return "".join(texts)

    return text


def _put(b: Builder, text: Closure, site: int) -> Closure:
    """Puts out the text of a closure."""
    if b.metering is not None:
        text = b.metering.counted(text, site)
    if b.yields:
        emit = emitter(b, site)

        def put(f: Frame) -> Generator[Any, Any, Any]:
            yield from emit(f, (yield from run(text, f)))

        return put
    if suspends(text):

        def append(f: Frame) -> Generator[Any, Any, Any]:
            f[OUTPUT].append((yield from text(f)))

        return append

    def append_at_once(f: Frame) -> None:
        f[OUTPUT].append(text(f))

    return append_at_once


def emitter(b: Builder, site: int) -> Callable[[Frame, Any], Generator[Any, Any, Any]]:
    """A generator function that yields a piece of output."""
    if b.signals is not None:
        number = b.signals.plan.pause.get(site)
        if number is not None:
            return b.signals.emitter(b, number)
    if b.constants.is_async:

        def emit_piece(f: Frame, text: Any) -> Generator[Any, Any, Any]:
            yield Piece(text)

        return emit_piece

    def emit_text(f: Frame, text: Any) -> Generator[Any, Any, Any]:
        yield text

    return emit_text


# --- statements --------------------------------------------------------------------------------------------


def sequence(steps: Sequence[Closure]) -> Suspending:
    """Several statements. Any that jumps ends them."""
    with_kind = [(step, suspends(step)) for step in steps]

    def several(f: Frame) -> Generator[Any, Any, Any]:
        for step, stops in with_kind:
            outcome = (yield from step(f)) if stops else step(f)
            if outcome is not None:
                return outcome
        return None

    return several


def unless_extended(step: Closure) -> Suspending:
    def checked(f: Frame) -> Generator[Any, Any, Any]:
        return (yield from step(f)) if f[PARENT] is None else None

    return checked


def if_extended(step: Closure) -> Suspending:
    def checked(f: Frame) -> Generator[Any, Any, Any]:
        if f[PARENT] is not None:
            yield from step(f)

    return checked


def assign(to: Callable[[Frame, Any], None], value: Closure, site: int) -> Suspending:
    def assigned(f: Frame) -> Generator[Any, Any, Any]:
        try:
            to(f, (yield from value(f)))
        except BaseException as error:
            fail(f, error, site)
            raise

    return assigned


def evaluate(value: Closure) -> Suspending:
    def evaluated(f: Frame) -> Generator[Any, Any, Any]:
        yield from value(f)

    return evaluated


def default(i: int, value: Closure) -> Suspending:
    def set_default(f: Frame) -> Generator[Any, Any, Any]:
        if f[i] is missing:
            f[i] = yield from value(f)

    return set_default


def if_(test: Closure, yes: Closure, no: Closure | None, site: int) -> Suspending:
    def branch(f: Frame) -> Generator[Any, Any, Any]:
        try:
            holds = bool((yield from run(test, f)))
        except BaseException as error:
            fail(f, error, site)
            raise
        body = yes if holds else no
        return None if body is None else (yield from run(body, f))

    return branch


def enter(
    b: Builder,
    bindings: Sequence[tuple[Callable[[Frame, Any], None], Closure]],
    wanted: Closure | None,
    start: Closure | None,
    body: Closure,
    site: int,
) -> Suspending:
    environment = b.constants.environment

    def entered(f: Frame) -> Generator[Any, Any, Any]:
        context = f[CONTEXT]
        saved = context.eval_ctx
        try:
            given = []
            for _, bound in bindings:
                given.append((yield from run(bound, f)))
            if start is not None:
                start(f)
            for (to, _), held in zip(bindings, given, strict=True):
                to(f, held)
            if wanted is not None:
                context.eval_ctx = support.eval_context(environment, (yield from run(wanted, f)))
        except BaseException as error:
            fail(f, error, site)
            raise
        outcome = yield from run(body, f)
        if wanted is not None:
            context.eval_ctx = saved
        return outcome

    return entered


def capture(i: int, start: Closure, body: Closure, join: Callable[[Frame, list[Any]], Any]) -> Suspending:
    def captured(f: Frame) -> Generator[Any, Any, Any]:
        pieces: list[Any] = []
        output = f[OUTPUT]
        f[OUTPUT] = pieces
        start(f)
        outcome = yield from body(f)
        f[OUTPUT] = output
        if outcome is None:
            f[i] = join(f, pieces)
        return outcome

    return captured


# --- loops -------------------------------------------------------------------------------------------------


def for_(iterable: Closure, loop: Callable[[Frame, Any], Any], site: int) -> Suspending:
    stops = suspends(loop)

    def for_loop(f: Frame) -> Generator[Any, Any, Any]:
        try:
            items = yield from run(iterable, f)
        except BaseException as error:
            fail(f, error, site)
            raise
        return (yield from loop(f, items)) if stops else loop(f, items)

    return for_loop


def loop(
    b: Builder,
    op: ops.For,
    head: "Head",
    passing: "Items | None",
    test: Closure | None,
    body: Closure,
    finish: Callable[[Frame, bool], Any],
) -> Callable[[Frame, Any], Generator[Any, Any, Any]]:
    from tmplmon.backends.closures.loops import prepared

    steps, assign, count, site = prepared(passing, head), head.assign, head.count, op.site
    finish_stops = suspends(finish)
    before, after = (_nothing, _nothing_more) if b.signals is None else b.signals.round(b, op)

    def run_loop(f: Frame, iterable: Any) -> Generator[Any, Any, Any]:
        ran = False
        try:
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
                        item = yield from settled(iterator.__anext__())
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
        except BaseException as error:
            fail(f, error, site)
            raise
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


def with_last(length: int | None) -> "Items":
    """Items with their numbers, and whether they are the last; the length in its place, if there is one."""

    def numbered(f: Frame, iterable: Any) -> Generator[Any, Any, Any]:
        if length is not None:
            iterable = yield from settled(auto_to_list(iterable))
            f[length] = len(iterable)
        return acounted(iterable)

    return numbered


def passing(assign: Callable[[Frame, Any], None], start: Closure | None, test: Closure) -> "Items":
    """An asynchronous iterator over the items that pass a condition."""

    def passed(f: Frame, iterable: Any) -> AsyncIterator[Any]:
        g = f.copy()
        g[LINE] = 0
        return pieces_of(_passing(f, g, iterable, assign, start, test))

    return passed


def _passing(
    f: Frame,
    g: Frame,
    iterable: Any,
    assign: Callable[[Frame, Any], None],
    start: Closure | None,
    test: Closure,
) -> Generator[Any, Any]:
    """Yields the items that pass as pieces, so that they are told from what is awaited."""
    try:
        is_async = hasattr(iterable, "__aiter__")
        iterator = iterable.__aiter__() if is_async else iter(iterable)
        while True:
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
    except BaseException as error:
        hand_on(f, g, error)
        raise


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
        g = f.copy()
        g[LINE] = 0
        pieces: list[Any] = []
        g[OUTPUT] = pieces
        g[defined], g[depth] = recurse, level
        return g, pieces

    def looped(f: Frame) -> Generator[Any, Any, Any]:
        def recurse(items: Any, level: int) -> Any:
            g, pieces = level_of(f, level, recurse)
            try:
                loop(g, items)
            except BaseException as error:
                hand_on(f, g, error)
                raise
            return join(g, pieces)

        async def recurse_async(items: Any, level: int) -> Any:
            g, pieces = level_of(f, level, recurse_async)
            try:
                await Running(loop(g, items))
            except BaseException as error:
                hand_on(f, g, error)
                raise
            return join(g, pieces)

        try:
            items = yield from run(iterable, f)
            if stops:
                text = yield from settled(recurse_async(items, 0))
            else:
                text = recurse(items, 0)
            if emit is None:
                f[OUTPUT].append(text)
        except BaseException as error:
            fail(f, error, site)
            raise
        if emit is not None:
            yield from emit(f, text)

    assert stops or not is_async
    return looped


# --- blocks and other templates ----------------------------------------------------------------------------


def run_found(b: Builder, find: Closure, site: int) -> Suspending:
    """Runs the code of the template or block that `find` gives, with its context; of None, nothing."""
    hand_out = runner(b, site)

    def found(f: Frame) -> Generator[Any, Any, Any]:
        try:
            running = find(f)
            if running is not None:
                yield from hand_out(f, *running)
        except BaseException as error:
            fail(f, error, site)
            raise

    return found


def runner(b: Builder, site: int) -> Callable[[Frame, Any, Any], Generator[Any, Any, Any]]:
    """A generator function that runs the code of a template or block; its output goes where a frame's goes."""
    if not b.yields:

        def run_code(f: Frame, owner: Any, context: Any) -> Generator[Any, Any, Any]:
            result = owner.code(context, f[OUTPUT])
            if is_awaitable(result):
                yield from settled(result)

        return run_code
    emit = emitter(b, site)
    if not b.constants.is_async:

        def hand_out(f: Frame, owner: Any, context: Any) -> Generator[Any, Any, Any]:
            for piece in owner.generate_code(context):
                yield from emit(f, piece)

        return hand_out

    def hand_out_async(f: Frame, owner: Any, context: Any) -> Generator[Any, Any, Any]:
        iterator = owner.generate_code(context).__aiter__()
        while True:
            try:
                piece = yield from settled(iterator.__anext__())
            except StopAsyncIteration:
                return
            yield from emit(f, piece)

    return hand_out_async


def extends(template: Closure, again: bool, this: Any, site: int) -> Suspending:
    def extend(f: Frame) -> Generator[Any, Any, Any]:
        try:
            if again:
                support.check_not_extended(f[PARENT])
            f[PARENT] = support.extend(f[CONTEXT], (yield from template(f)), this)
        except BaseException as error:
            fail(f, error, site)
            raise

    return extend


def include(
    b: Builder,
    name: Closure,
    key: object,
    load: Callable[[Frame, Any], Any],
    context_for: Callable[[Frame, Any], Any],
    site: int,
) -> Suspending:
    hand_out = runner(b, site)

    def included(f: Frame) -> Generator[Any, Any, Any]:
        try:
            found = None if key is None else f[CONTEXT].loaded.get(key)
            if found is None:
                found = load(f, (yield from run(name, f)))
            if found is not None:
                yield from hand_out(f, found, context_for(f, found))
        except BaseException as error:
            fail(f, error, site)
            raise

    return included
