"""Trees that stop and go on: for `generate`, which yields the output, and for coroutines, which await values.

Rule: what may stop is a generator function, and whoever runs it says ``yield from``; what cannot stop is the same
closure as in other trees. A generator gives its value when it ends, as the closure of the same op would. What is
yielded is, in a coroutine, what an awaitable yields to the event loop; a piece of output is a `Piece` then, and the
text itself where nothing is awaited.
"""

from collections.abc import AsyncIterator, Callable, Generator, Sequence
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from tmplmon.backends.closures.core import Builder, Closure, suspends
from tmplmon.backends.closures.frame import OUTPUT, Frame
from tmplmon.backends.closures.joining import joiner
from tmplmon.ir import ops
from tmplmon.runtime.markers import is_awaitable

if TYPE_CHECKING:
    pass

type Suspending = Callable[[Frame], Generator[Any, Any, Any]]


class Piece:
    """A piece of output, among what a coroutine yields."""

    __slots__ = ("text",)

    def __init__(self, text: Any) -> None:
        self.text = text


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


def waiter(b: Builder, site: int) -> Callable[[Frame, Any], Generator[Any, Any, Any]]:
    """A generator function: `settled` at a site of a frame, which tells tools that the scope waits."""
    if b.signals is not None:
        number = b.signals.plan.wait.get(site)
        if number is not None:
            return b.signals.waiter(number)
    return lambda f, value: settled(value)


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


def combined(
    b: Builder, operands: Sequence[Closure], apply: Callable[..., Any], site: int, awaits: bool
) -> Suspending:
    """Evaluates operands, applies a function to the frame and their values, and awaits the result."""
    wait = waiter(b, site)
    steps = [(operand, suspends(operand)) for operand in operands]

    def value(f: Frame) -> Generator[Any, Any, Any]:
        nonlocal site
        values = []
        for operand, stops in steps:
            values.append((yield from operand(f)) if stops else operand(f))
        result = apply(f, *values)
        if awaits and is_awaitable(result):
            result = yield from wait(f, result)
        return result

    return value


def compare(b: Builder, op: ops.Compare) -> Closure:
    """A chain of comparisons: a further operand is evaluated only if what is compared before it holds."""
    left, site = b.value(op.left), op.site
    rest = [(b.constants.compare[name], b.value(operand)) for name, operand in op.rest]

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


def run(closure: Closure, f: Frame) -> Generator[Any, Any, Any]:
    """The value of a closure that may stop."""
    return (yield from closure(f)) if suspends(closure) else closure(f)


def logical(
    op: str, left: Closure, right: Closure, site: int, decide: Callable[[Frame, Any], bool]
) -> Suspending:
    wanted = op == "and"

    def value(f: Frame) -> Generator[Any, Any, Any]:
        nonlocal site
        held = yield from run(left, f)
        if decide(f, held) is wanted:
            held = yield from run(right, f)
        return held

    return value


def conditional(test: Closure, body: Closure, orelse: Closure, site: int) -> Suspending:
    def value(f: Frame) -> Generator[Any, Any, Any]:
        nonlocal site
        holds = yield from run(test, f)
        return (yield from run(body if holds else orelse, f))

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
