"""Budgets: a rendering that exceeds a limit ends with the exception of that limit, which has the position."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from threading import Event, Thread
from typing import Any

import pytest

import tmplmon
from tmplmon import (
    Budget,
    BudgetError,
    DepthLimitExceeded,
    DictLoader,
    FuelExhausted,
    Limits,
    OutputLimitExceeded,
    RenderCancelled,
    TimeLimitExceeded,
)
from tmplmon.runtime import budget as budgets
from tmplmon.sandbox import SandboxedEnvironment

ENDLESS = "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"


def environment(sources: dict[str, str] | str, **options: Any) -> SandboxedEnvironment:
    sources = {"main": sources} if isinstance(sources, str) else sources
    return SandboxedEnvironment(loader=DictLoader(sources), **options)


def rendered(template: Any, names: dict[str, Any]) -> str:
    return template.render(names)  # type: ignore[no-any-return]


def generated(template: Any, names: dict[str, Any]) -> str:
    return "".join(template.generate(names))


def streamed(template: Any, names: dict[str, Any]) -> str:
    return "".join(template.stream(names))


def as_module(template: Any, names: dict[str, Any]) -> str:
    return str(template.make_module(names))


def listened_to(template: Any, names: dict[str, Any]) -> str:
    """A block with a tool that listens to all events, so that the monitored trees run."""
    monitoring = sys.monitoring
    monitoring.use_tool_id(3, "test")
    try:
        monitoring.register_callback(3, monitoring.events.LINE, lambda code, line: None)
        monitoring.register_callback(3, monitoring.events.CALL, lambda *args: None)
        monitoring.set_events(3, monitoring.events.LINE | monitoring.events.CALL)
        return template.render(names)  # type: ignore[no-any-return]
    finally:
        monitoring.set_events(3, 0)
        monitoring.register_callback(3, monitoring.events.LINE, None)
        monitoring.register_callback(3, monitoring.events.CALL, None)
        monitoring.free_tool_id(3)


WAYS: list[Callable[[Any, dict[str, Any]], str]] = [rendered, generated, streamed, as_module, listened_to]
ways = pytest.mark.parametrize("render", WAYS)


# --- each limit --------------------------------------------------------------------------------------------


@ways
@pytest.mark.parametrize("enable_async", [False, True])
@pytest.mark.parametrize(
    ("source", "limits", "error"),
    [
        ("{% for x in range(1000) %}{{ x }}{% endfor %}", {"fuel": 100}, FuelExhausted),
        ("{% for x in range(1000) %}{% endfor %}", {"fuel": 100}, FuelExhausted),
        ("{% for x in range(1000) if false %}{% endfor %}", {"fuel": 100}, FuelExhausted),
        ("{% for x in range(1000) if x == x %}{{ loop.last }}{% endfor %}", {"fuel": 100}, FuelExhausted),
        ("{% for x in range(1000) %}{{ loop.last }}{% endfor %}", {"fuel": 100}, FuelExhausted),
        ("{% for x in range(1000) %}{% else %}{% endfor %}", {"fuel": 100}, FuelExhausted),
        ("{{ range(1000)|map('string')|list }}", {"fuel": 100}, FuelExhausted),
        ("{{ range(1000)|sum }}", {"fuel": 100}, FuelExhausted),
        ("{{ 'a' * 100000 }}", {"fuel": 100}, FuelExhausted),
        ("{% for x in 'a' * 9 %}{% debug %}{% endfor %}", {"fuel": 200}, FuelExhausted),
        ("{{ ['text' * 999]|pprint }}", {"fuel": 200}, FuelExhausted),
        ("{{ range(9)|join('x' * 5000) }}", {"fuel": 200}, FuelExhausted),
        ("{{ (range(9)|list + [1])[::2][:1] * 99999 }}", {"fuel": 200}, FuelExhausted),
        ("text" * 100, {"output": 100}, OutputLimitExceeded),
        ("{% for x in range(1000) %}{{ x }}{% endfor %}", {"output": 100}, OutputLimitExceeded),
        (
            "{% set x %}{% for x in range(90) %}{{ x }}{% endfor %}{% endset %}",
            {"output": 99},
            OutputLimitExceeded,
        ),
        ("{% filter upper %}{{ 'x' * 101 }}{% endfilter %}", {"output": 100}, OutputLimitExceeded),
        (
            "{% macro m() %}{{ 'x' * 101 }}{% endmacro %}{% set x = m() %}",
            {"output": 100},
            OutputLimitExceeded,
        ),
        ("{% for x in [1] recursive %}{{ 'x' * 101 }}{% endfor %}", {"output": 100}, OutputLimitExceeded),
        ("{% for x in range(100000) %}{{ x }}{% endfor %}", {"seconds": 0}, TimeLimitExceeded),
        (ENDLESS, {"depth": 10}, DepthLimitExceeded),
        ("{% include 'main' %}", {"depth": 10}, DepthLimitExceeded),
        ("{% include 'main' ignore missing %}", {"depth": 10}, DepthLimitExceeded),
        ("{% block b %}{{ self.b() }}{% endblock %}", {"depth": 10}, DepthLimitExceeded),
        ("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", {"depth": 10}, DepthLimitExceeded),
        (
            "{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{{ caller() }}{% endmacro %}"
            "{% call m() %}{% endcall %}",
            {"depth": 10},
            DepthLimitExceeded,
        ),
        ("{% import 'main' as lib with context %}", {"depth": 10}, DepthLimitExceeded),
        ("{% extends 'main' %}", {"depth": 10}, DepthLimitExceeded),
    ],
)
def test_a_limit(
    source: str, limits: dict[str, Any], error: type[BudgetError], render: Any, enable_async: bool
) -> None:
    env = environment(
        source, limits=Limits(**limits), enable_async=enable_async, extensions=["tmplmon.ext.debug"]
    )
    if enable_async and render is as_module:

        def render(template: Any, names: dict[str, Any]) -> str:
            return str(asyncio.run(template.make_module_async(names)))

    with pytest.raises(error) as caught:
        render(env.get_template("main"), {})
    raised = caught.value
    assert isinstance(raised, tmplmon.TemplateRuntimeError)
    assert (raised.name, raised.filename, raised.lineno) == ("main", "<template>", 1)
    assert raised.column is not None
    assert budgets.current.get() is None


def test_the_error_has_the_position_of_the_first_statement_that_is_not_paid() -> None:
    source = "\n\n  é {% for x in range(9) %}{{ x }}\n    {% if x > 3 %}{{ x|string|upper }}{% endif %}{% endfor %}"
    env = environment(source, limits=Limits(fuel=30))
    with pytest.raises(FuelExhausted) as caught:
        env.get_template("main").render()
    assert caught.value.lineno == 4
    assert str(caught.value).endswith(f"(<template>:4:{caught.value.column + 1})")  # type: ignore[operator]
    with pytest.raises(DepthLimitExceeded) as caught_call:
        environment({"main": "a\né {% include 'b' %}", "b": "b"}, limits=Limits(depth=1)).get_template(
            "main"
        ).render()
    assert (caught_call.value.name, caught_call.value.lineno, caught_call.value.column) == ("main", 2, 2)


def test_limits_are_never_exceeded() -> None:
    source = "{% for x in range(10) %}{{ x }}{% endfor %}"
    env = environment(source)
    with env.budget() as budget:
        assert env.get_template("main").render() == "0123456789"
    spent = budget.spent
    limits = {"fuel": spent.fuel, "output": spent.output, "depth": spent.depth, "seconds": 100.0}
    assert (spent.output, spent.depth) == (10, 1)
    with env.budget(**limits):
        assert env.get_template("main").render() == "0123456789"
    for name in ("fuel", "output", "depth"):
        with env.budget(**{**limits, name: limits[name] - 1}), pytest.raises(BudgetError):
            env.get_template("main").render()


@ways
def test_all_templates_of_a_rendering_share_its_budget(render: Any) -> None:
    sources = {
        "main": "{% extends 'base' %}{% block b %}{% import 'lib' as lib %}{{ lib.m() }}{{ super() }}"
        "{% endblock %}",
        "base": "{% block b %}{% include 'part' %}{% endblock %}",
        "part": "{% for x in range(5) %}{{ x }}{% endfor %}",
        "lib": "{% macro m() %}{% for x in range(5) %}{{ x }}{% endfor %}{% endmacro %}",
    }
    env = environment(sources)
    with env.budget(fuel=100) as budget:
        render(env.get_template("main"), {})
    assert budget.spent.fuel > 20
    env = environment(sources)
    with env.budget(fuel=budget.spent.fuel - 1), pytest.raises(FuelExhausted):
        render(env.get_template("main"), {})


def test_an_exhausted_budget_stays_exhausted() -> None:
    env = environment("{{ 1 }}{{ 2 }}")
    with env.budget(fuel=1) as budget:
        for _ in range(3):
            with pytest.raises(FuelExhausted):
                env.get_template("main").render()
    assert budget.spent.fuel == 1


def test_several_renderings_share_a_budget() -> None:
    env = environment("{% for x in range(10) %}{{ x }}{% endfor %}")
    template = env.get_template("main")
    with env.budget() as budget:
        template.render()
        one = budget.spent.fuel
        template.render()
    assert budget.spent.fuel == 2 * one


def test_each_rendering_has_the_limits_of_the_environment() -> None:
    template = environment("{{ 'a' }}", limits=Limits(fuel=5)).get_template("main")
    for _ in range(10):
        assert template.render() == "a"


def test_renderings_in_called_functions_have_the_same_budget() -> None:
    env = environment({"main": "{{ render() }}", "other": "{% for x in range(100) %}{{ x }}{% endfor %}"})
    with env.budget(fuel=50), pytest.raises(FuelExhausted):
        env.get_template("main").render(render=lambda: env.get_template("other").render())


# --- cancelling, clock and spending ------------------------------------------------------------------------


@ways
def test_another_thread_cancels_a_rendering(render: Any) -> None:
    env = environment("{{ start() }}{% for x in numbers %}{{ x }}{% endfor %}")
    started, seen = Event(), []

    def numbers() -> Iterator[int]:
        number = 0
        while True:
            yield (number := number + 1)

    budget = env.budget()

    def cancel() -> None:
        started.wait(10)
        seen.append(budget.spent)
        budget.cancel()

    thread = Thread(target=cancel)
    thread.start()
    with budget, pytest.raises(RenderCancelled) as caught:
        render(env.get_template("main"), {"start": started.set, "numbers": numbers()})
    thread.join(60)
    assert budget.cancelled
    assert caught.value.lineno == 1
    assert seen[0].fuel <= budget.spent.fuel
    with budget, pytest.raises(RenderCancelled):
        env.get_template("main").render(start=str, numbers=[])


def test_the_clock_is_checked_inside_long_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(budgets, "monotonic", lambda: now[0])
    env = environment("{{ numbers|map('string')|list }}", limits=Limits(seconds=10))

    def numbers() -> Iterator[int]:
        for number in range(100_000):
            now[0] += 0.001
            yield number

    with pytest.raises(TimeLimitExceeded) as caught:
        env.get_template("main").render(numbers=numbers())
    assert 10 <= now[0] < 12
    assert 10 <= caught.value.spent.seconds < 12


def test_time_between_chunks_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(budgets, "monotonic", lambda: now[0])
    env = environment("{% for x in range(3) %}{{ tick() }}{% endfor %}")

    def tick() -> str:
        now[0] += 1
        return "."

    with env.budget(seconds=10) as budget:
        for _ in env.get_template("main").generate(tick=tick):
            now[0] += 100
    assert budget.spent.seconds == 3


def test_the_consumption_can_be_read_during_a_rendering() -> None:
    env = environment("{% for x in range(3000) %}{{ look() if x % 1000 == 0 }}{% endfor %}")
    seen = []
    with env.budget() as budget:
        env.get_template("main").render(look=lambda: seen.append(budget.spent.fuel))
    assert seen == sorted(seen)
    assert len({*seen}) == 3


# --- what outlives a rendering -----------------------------------------------------------------------------


def test_a_macro_uses_the_budget_of_its_caller() -> None:
    env = environment("{% macro m() %}{% for x in range(10) %}{{ x }}{% endfor %}{% endmacro %}")
    with env.budget() as first:
        macro = env.get_template("main").module.m
    spent = first.spent.fuel
    assert macro() == "0123456789"
    with env.budget() as second:
        macro()
    assert (first.spent.fuel, second.spent.fuel > 10) == (spent, True)
    with env.budget(fuel=5), pytest.raises(FuelExhausted):
        macro()
    env.limits = Limits(output=5)
    with pytest.raises(OutputLimitExceeded):
        macro()


def test_each_rendering_pays_for_calls_of_a_shared_module() -> None:
    env = environment(
        {
            "main": "{% from 'lib' import m %}{{ m() }}",
            "lib": "{% macro m() %}{% for x in range(10) %}{{ x }}{% endfor %}{% endmacro %}",
        },
        limits=Limits(fuel=30),
    )
    for _ in range(5):
        assert env.get_template("main").render() == "0123456789"


@pytest.mark.parametrize("enable_async", [False, True])
def test_a_generator_keeps_its_budget(enable_async: bool) -> None:
    env = environment("{% for x in range(100) %}{{ x }},{% endfor %}", enable_async=enable_async)
    with env.budget(output=50) as budget:
        pieces = env.get_template("main").generate()
    with pytest.raises(OutputLimitExceeded):
        list(pieces)
    assert budget.spent.output == 50
    env.limits = Limits(output=20)
    one, other = env.get_template("main").generate(), env.get_template("main").generate()
    for _ in range(5):
        assert next(one) == next(other)
        assert budgets.current.get() is None
    one.close()
    with pytest.raises(OutputLimitExceeded):
        list(other)


def test_concurrent_tasks_have_separate_budgets() -> None:
    async def wait(x: int) -> int:
        await asyncio.sleep(0)
        return x

    env = environment("{% for x in range(10) %}{{ wait(x) }}{% endfor %}", enable_async=True)
    template = env.get_template("main")

    async def render(fuel: int) -> int:
        with env.budget(fuel=fuel) as budget:
            await template.render_async(wait=wait)
        return budget.spent.fuel

    async def both() -> list[Any]:
        return await asyncio.gather(render(1000), render(10), render(1000), return_exceptions=True)

    one, failed, other = asyncio.run(both())
    assert one == other
    assert isinstance(failed, FuelExhausted)


# --- Python's own limits -----------------------------------------------------------------------------------


@ways
@pytest.mark.parametrize(
    "source",
    [
        ENDLESS,
        "{% include 'main' %}",
        "{% include ['none', 'main'] ignore missing %}",
        "{% block b %}{{ self.b() }}{% endblock %}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% import 'main' as lib with context %}",
        "{% macro m() %}{% set x %}{% filter upper %}{{ m() }}{% endfilter %}{% endset %}{% endmacro %}{{ m() }}",
    ],
)
@pytest.mark.parametrize("enable_async", [False, True])
def test_recursion_without_a_limit(source: str, render: Any, enable_async: bool) -> None:
    if enable_async and render is as_module:
        pytest.skip("a module is made in an event loop")
    env = environment(source, limits=Limits(fuel=1_000_000), enable_async=enable_async)
    template = env.get_template("main")
    with env.budget() as budget, pytest.raises(DepthLimitExceeded) as caught:
        render(template, {})
    assert caught.value.lineno == 1
    assert (budget.depth, budgets.current.get()) == (0, None)
    assert env.from_string("fine").render() == "fine"


def test_iterators_over_iterators() -> None:
    env = environment(
        "{% set ns = namespace(x=[1]) %}{% for i in range(999) %}{% set ns.x = ns.x|map('abs') %}{% endfor %}",
        limits=Limits(fuel=1_000_000),
    )
    with pytest.raises(DepthLimitExceeded):
        env.get_template("main").render()


# --- the interface -----------------------------------------------------------------------------------------


def test_limits_are_numbers() -> None:
    for wrong in ("1", 1.5, True):
        with pytest.raises(TypeError, match="fuel"):
            Limits(fuel=wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="depth"):
        Limits(depth=-1)
    with pytest.raises(TypeError):
        SandboxedEnvironment().budget(feul=1)
    assert Limits(seconds=0.5).seconds == 0.5


def test_a_budget_of_the_environment() -> None:
    env = environment("", limits=Limits(fuel=5, output=6))
    assert env.budget(output=None, depth=3).limits == Limits(fuel=5, depth=3)
    assert Budget().limits == Limits()
    assert Budget(Limits(fuel=1)).spent.fuel == 0


def test_environments_without_limits_are_not_metered() -> None:
    env = environment("{{ 1 }}")
    template = env.get_template("main")
    template.render()
    assert [key[2] for key in template._functions.root._trees] == [False]


@pytest.mark.parametrize("limits", [None, Limits(fuel=10_000)])
def test_the_deepest_template_that_compiles(limits: Limits | None) -> None:
    """Its tree is built by the first rendering."""
    env = environment("{% if no %}{{ x" + "|trim" * 990 + " }}{% endif %}fine", limits=limits)
    assert env.get_template("main").render() == "fine"


def test_methods_of_builtin_classes_need_an_object_of_the_class() -> None:
    """Calling one with another object raises Python's TypeError."""
    env = environment("{{ dict.update(x) }}")
    for x in (tmplmon.Undefined(name="x"), 1, {1}):
        with pytest.raises(TypeError, match="update"):
            env.get_template("main").render(x=x)
    assert env.from_string("{{ dict.get({'a': 1}, 'a') }}").render() == "1"
