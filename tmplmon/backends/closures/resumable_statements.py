"""Statements of trees that stop and go on, and what runs other code in them: blocks, the parent, includes.

Rule: as in `resumable`; each function makes what the one of its name in `statements` or `templates` makes.
"""

from collections.abc import Callable, Generator, Sequence
from typing import Any

from tmplmon.backends.closures.core import Builder, Closure
from tmplmon.backends.closures.frame import CONTEXT, OUTPUT, PARENT, Frame
from tmplmon.backends.closures.resumable import Suspending, emitter, run, waiter
from tmplmon.runtime import support
from tmplmon.runtime.markers import is_awaitable
from tmplmon.runtime.undefined import missing


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
        nonlocal site
        to(f, (yield from value(f)))

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
        nonlocal site
        holds = bool((yield from run(test, f)))
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
        nonlocal site
        context = f[CONTEXT]
        saved = context.eval_ctx
        given = []
        for _, bound in bindings:
            given.append((yield from run(bound, f)))
        if start is not None:
            start(f)
        for (to, _), held in zip(bindings, given, strict=True):
            to(f, held)
        if wanted is not None:
            context.eval_ctx = support.eval_context(environment, (yield from run(wanted, f)))
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


# --- blocks and other templates ----------------------------------------------------------------------------


def run_found(b: Builder, find: Closure, site: int) -> Suspending:
    """Runs the code of the template or block that `find` gives, with its context; of None, nothing."""
    hand_out = runner(b, site)

    def found(f: Frame) -> Generator[Any, Any, Any]:
        nonlocal site
        running = find(f)
        if running is not None:
            yield from hand_out(f, *running)

    return found


def runner(b: Builder, site: int) -> Callable[[Frame, Any, Any], Generator[Any, Any, Any]]:
    """A generator function that runs the code of a template or block; its output goes where a frame's goes."""
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
        iterator = owner.generate_code(context).__aiter__()
        while True:
            try:
                piece = yield from wait(f, iterator.__anext__())
            except StopAsyncIteration:
                return
            yield from emit(f, piece)

    return hand_out_async


def extends(template: Closure, again: bool, this: Any, site: int) -> Suspending:
    def extend(f: Frame) -> Generator[Any, Any, Any]:
        nonlocal site
        if again:
            support.check_not_extended(f[PARENT])
        f[PARENT] = support.extend(f[CONTEXT], (yield from template(f)), this)

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
        nonlocal site
        found = None if key is None else f[CONTEXT].loaded.get(key)
        if found is None:
            found = load(f, (yield from run(name, f)))
        if found is not None:
            yield from hand_out(f, found, context_for(f, found))

    return included
