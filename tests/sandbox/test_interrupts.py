"""An exception of a signal handler, at any point, leaves nothing behind: no budget, no recursion limit, no stopped
garbage collector. And the clock is looked at wherever a rendering may have waited.

A profile function raises at a chosen call, as a handler would. Where no tool listens other code runs, so there a
timer interrupts: at any time, after which everything must be as it was before."""

import asyncio
import gc
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tmplmon import DictLoader, Limits, TimeLimitExceeded
from tmplmon.runtime import budget as budgets
from tmplmon.runtime.budget import current
from tmplmon.sandbox import SandboxedEnvironment

SOURCE = (
    "{% macro m(n) %}x{{ n }}{% if n %}{{ m(n - 1) }}{% endif %}{% endmacro %}"
    "{% for i in range(2) %}{% include 'a' %}{{ m(1) }}{% endfor %}"
    "{% block b %}{% set x %}{{ m(1) }}{% endset %}{{ x }}{% endblock %}"
)


class Interrupt(BaseException):
    """What the signal handler raises."""


def environment(**options: Any) -> SandboxedEnvironment:
    limits = Limits(fuel=100_000, output=10_000, seconds=1000, depth=50)
    return SandboxedEnvironment(loader=DictLoader({"a": "[{{ i }}]"}), limits=limits, **options)


def interrupted(run: Callable[[], Any], at: int) -> bool:
    """Run a function and raise Interrupt at the call number `at`. Returns whether there were that many calls."""
    calls = 0

    def handler(frame: Any, event: str, argument: Any) -> None:
        # Python runs signal handlers at the beginning of functions and after calls of functions in C.
        nonlocal calls
        if event in ("call", "c_return") and "tmplmon" in frame.f_code.co_filename:
            calls += 1
            if calls == at:
                sys.setprofile(None)
                raise Interrupt

    sys.setprofile(handler)
    try:
        run()
    except Interrupt:
        return True
    finally:
        sys.setprofile(None)
    return False


def state() -> tuple[Any, ...]:
    return current.get(), sys.getrecursionlimit(), gc.isenabled()


@pytest.mark.parametrize("kind", ["render", "generate", "macro", "compile", "deep"])
def test_nothing_is_left_behind(kind: str) -> None:
    env = environment()
    template = env.from_string(SOURCE)
    macro = template.module.m
    deep = "{{ " + "(" * 90 + "1" + ")" * 90 + " }}"
    runs: dict[str, Callable[[], Any]] = {
        "render": template.render,
        "generate": lambda: "".join(template.generate()),
        "macro": lambda: macro(1),
        "compile": lambda: env.from_string("{% if a %}{{ a + 1 }}{% endif %}"),
        "deep": lambda: env.from_string(deep),
    }
    run = runs[kind]
    run()
    before, expected = state(), template.render()
    assert before[0] is None
    step = {"compile": 29, "deep": 199}.get(kind, 23)
    at = 1
    while interrupted(run, at):
        assert state() == before, at
        at += step
    assert at > 20
    assert template.render() == expected


@pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(), reason="only the main thread gets signals"
)
@pytest.mark.parametrize("kind", ["render", "generate", "macro"])
def test_signals_leave_nothing_behind(kind: str) -> None:
    env = environment()
    template = env.from_string(SOURCE)
    macro = template.module.m
    run: Callable[[], Any] = {
        "render": template.render,
        "generate": lambda: "".join(template.generate()),
        "macro": lambda: macro(1),
    }[kind]
    expected, before = run(), state()

    def handler(*_: Any) -> None:
        raise Interrupt

    previous = signal.signal(signal.SIGALRM, handler)
    try:
        for number in range(300):
            try:
                signal.setitimer(signal.ITIMER_REAL, 5e-6 + number * 5e-7)
                for _ in range(5):
                    run()
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Interrupt:
                pass
            assert state() == before
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert run() == expected


# --- the clock ---------------------------------------------------------------------------------------------


@pytest.fixture
def pause(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A function that takes one second."""
    now = [100.0]
    monkeypatch.setattr(budgets, "monotonic", lambda: now[0])

    def pause(*args: Any) -> int:
        now[0] += 1
        return 1

    return pause


@pytest.mark.parametrize(
    ("source", "calls"),
    [
        ("{{ pause() }}{{ pause() }}{{ pause() }}{{ pause() }}", 2),
        ("{{ 1|pause }}{{ 1|pause }}{{ 1|pause }}{{ 1|pause }}", 2),
        ("{{ 1 is pause }}{{ 1 is pause }}{{ 1 is pause }}", 2),
        ("{{ [1, 2, 3, 4]|map('pause')|list }}", 2),
        ("{% for x in numbers %}{{ x }}{% endfor %}", 2),
        ("{% for x in numbers %}{{ loop.index }}{{ loop.previtem }}{% endfor %}", 2),
        ("{% for x in numbers if x %}{{ x }}{% endfor %}", 2),
        ("{{ numbers|list }}", 2),
        ("{{ numbers|join }}", 2),
        ("{{ numbers|map('string')|first }}{{ numbers|first }}{{ numbers|first }}", 2),
        # Properties are not calls; the end is looked at.
        ("{{ p.x }}{{ p.x }}{{ p.x }}", 3),
    ],
)
def test_the_clock_is_looked_at_after_everything_that_may_take_long(
    source: str, calls: int, pause: Callable[..., Any]
) -> None:
    count = 0

    def counting(*args: Any) -> int:
        nonlocal count
        count += 1
        return pause()  # type: ignore[no-any-return]

    def numbers() -> Iterator[int]:
        while True:
            yield counting()

    class Slow:
        x = property(counting)

    env = SandboxedEnvironment(limits=Limits(seconds=1.5))
    env.filters["pause"] = env.tests["pause"] = counting
    with pytest.raises(TimeLimitExceeded):
        env.from_string(source).render(pause=counting, numbers=numbers(), p=Slow())
    assert count == calls


@pytest.mark.parametrize("generate", [False, True])
def test_the_clock_is_looked_at_after_each_await(generate: bool, pause: Callable[..., Any]) -> None:
    count = 0

    async def later() -> int:
        nonlocal count
        count += 1
        await asyncio.sleep(0)
        return pause()  # type: ignore[no-any-return]

    env = SandboxedEnvironment(limits=Limits(seconds=1.5), enable_async=True)
    template = env.from_string("{{ later() }}{{ later() }}{{ later() }}{{ later() }}")

    async def run() -> None:
        if generate:
            async for _ in template.generate_async(later=later):
                pass
        else:
            await template.render_async(later=later)

    with pytest.raises(TimeLimitExceeded):
        asyncio.run(run())
    assert count == 2


def test_tasks_that_share_a_budget_have_their_own_depth() -> None:
    async def later() -> str:
        await asyncio.sleep(0)
        return "1"

    env = SandboxedEnvironment(enable_async=True)
    template = env.from_string(
        "{% macro m(n) %}{{ later() }}{% if n %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(2) }}"
    )

    async def rendered() -> str:
        return await template.render_async(later=later)

    async def generated() -> str:
        return "".join([piece async for piece in template.generate_async(later=later)])

    async def spending(*runs: Callable[[], Any], **limits: Any) -> Any:
        with env.budget(**limits) as budget:
            texts = await asyncio.gather(*[run() for run in runs])
        assert texts == ["111"] * len(runs)
        assert budget.depth == 0
        return budget.spent

    one = asyncio.run(spending(rendered))
    many = asyncio.run(spending(*[rendered] * 10, *[generated] * 10, depth=4))
    assert (many.fuel, many.output, many.depth) == (20 * one.fuel, 20 * one.output, one.depth)
    # The same task, one after the other.
    assert asyncio.run(spending(rendered, depth=4)).depth == 4


def test_an_iterator_spends_from_the_budget_of_its_user() -> None:
    env = SandboxedEnvironment(limits=Limits(fuel=100))
    module = env.from_string("{% set numbers = range(50)|map('string') %}").module
    template = env.from_string("{{ numbers|join }}")
    with env.budget(fuel=60) as budget:
        assert len(template.render(numbers=module.numbers)) == 90
    assert budget.spent.fuel > 50
