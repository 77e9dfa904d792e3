"""How much work it takes to build trees, and how deeply their closures are nested.

Work is counted in calls of functions of the back end, so that the tests do not depend on time.
"""

import asyncio
import sys
import traceback
from types import CodeType, FrameType
from typing import Any

import pytest

from tests.effort import exhaustive_but
from tmplmon import Environment
from tmplmon.backends import closures
from tmplmon.sandbox import SandboxedEnvironment
from tmplmon.template import Template

FOLDER = closures.__path__[0]

OPTIONS: dict[str, Any] = {"extensions": ["tmplmon.ext.loopcontrols"]}
# (environment, kind of tree, whether it yields, whether it is metered)
TREES: dict[str, tuple[Environment, str, bool, bool]] = {
    "quiet": (Environment(backend="closures", **OPTIONS), "quiet", False, False),
    "signals": (Environment(backend="closures", **OPTIONS), "all", False, False),
    "yields": (Environment(backend="closures", **OPTIONS), "quiet", True, False),
    "async": (Environment(backend="closures", enable_async=True, **OPTIONS), "quiet", False, False),
    "async with signals": (Environment(backend="closures", enable_async=True, **OPTIONS), "all", True, False),
    "metered": (SandboxedEnvironment(**OPTIONS), "quiet", False, True),
    "metered with signals": (SandboxedEnvironment(**OPTIONS), "all", False, True),
}
BODIES = {
    "for": ("{% for i in x %}", "{% endfor %}"),
    "for, a pair": ("{% for i, j in x %}", "{% endfor %}"),
    "for, numbered": ("{% for i in x %}{{ loop.index }}", "{% endfor %}"),
    "for, with length": ("{% for i in x %}{{ loop.revindex }}", "{% endfor %}"),
    "for, with a loop object": ("{% for i in x %}{{ loop.cycle(1) }}", "{% endfor %}"),
    "for, with condition": ("{% for i in x if i %}", "{% endfor %}"),
    "for, with condition, looks ahead": ("{% for i in x if i %}{{ loop.last }}", "{% endfor %}"),
    "for, with else": ("{% for i in x %}", "{% else %}e{% endfor %}"),
    "for, recursive": ("{% for i in x recursive %}", "{{ loop(i) }}{% endfor %}"),
    "else of for": ("{% for i in x %}{% else %}", "{% endfor %}"),
    "break": ("{% for i in x %}{% if i %}", "{% break %}{% endif %}{% endfor %}"),
    "if": ("{% if x %}", "{% endif %}"),
    "if, never true": ("{% if 0 %}", "{% endif %}"),
    "elif": ("{% if x %}{% elif y %}", "{% endif %}"),
    "else": ("{% if x %}{% else %}", "{% endif %}"),
    "with": ("{% with a = x %}", "{% endwith %}"),
    "filter": ("{% filter upper %}", "{% endfilter %}"),
    "set": ("{% set a %}", "{% endset %}"),
    "autoescape": ("{% autoescape x %}", "{% endautoescape %}"),
    "call": ("{% call m() %}", "{% endcall %}"),
    "macro": ("{% macro m() %}", "{% endmacro %}{{ m() }}"),
}
OPERANDS = {
    "and": ("x and (", ")"),
    "attribute": ("(", ").a"),
    "item": ("x[", "]"),
    "call": ("x(", ")"),
    "compare": ("1 < (", ") < 3"),
    "concat": ("x ~ (", ")"),
    "conditional": ("(", ") if x else (y)"),
    "else of conditional": ("y if x else (", ")"),
    "filter": ("(", ")|upper"),
    "inlined filter": ("(", ")|default(1)"),
    "list": ("[", "]"),
    "not": ("not (", ")"),
    "plus": ("1 + (", ")"),
    "slice": ("(", ")[1:]"),
    "test": ("(", ") is defined"),
}


def building_calls(tree: str, source: str) -> int:
    """The number of calls in the back end while the trees of a template are built."""
    environment, *kind = TREES[tree]
    template: Any = environment.from_string(source)
    count = 0

    def on_event(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call" and frame.f_code.co_filename.startswith(FOLDER)

    scopes = [template._functions.root]
    profiler = sys.getprofile()
    sys.setprofile(on_event)
    try:
        while scopes:
            scope = scopes.pop()
            scope.tree(*kind)
            scopes += scope.nested.values()
    finally:
        sys.setprofile(profiler)
    return count


def assert_linear(tree: str, sources: dict[int, str]) -> None:
    """Assert that the work for each further level or copy is the same."""
    building_calls(tree, "{{ x }}")  # imports modules
    (a, at_a), (b, at_b), (c, at_c) = (
        (size, building_calls(tree, source)) for size, source in sources.items()
    )
    assert at_b > at_a
    assert (at_c - at_b) * (b - a) <= 1.05 * (at_b - at_a) * (c - b)


def trees(*kept: str) -> pytest.MarkDecorator:
    """All kinds of trees; a plain run builds only those in `kept`."""
    return pytest.mark.parametrize("tree", exhaustive_but(TREES, kept))


@trees("quiet", "async with signals", "metered")
@pytest.mark.parametrize("body", BODIES)
def test_nested_bodies_are_built_once(body: str, tree: str) -> None:
    opening, closing = BODIES[body]
    depths = (5, 20, 45) if opening.count("{%") > 1 else (5, 25, 90)
    assert_linear(tree, {depth: opening * depth + "z" + closing * depth for depth in depths})


@trees("quiet")
@pytest.mark.parametrize("operand", OPERANDS)
def test_nested_operands_are_built_once(operand: str, tree: str) -> None:
    opening, closing = OPERANDS[operand]
    sources = {depth: "{{ " + opening * depth + "z" + closing * depth + " }}" for depth in (5, 25, 90)}
    assert_linear(tree, sources)


@pytest.mark.parametrize("tree", TREES)
def test_building_is_linear_in_the_size(tree: str) -> None:
    part = "a{{ x.y|upper }}{% for i in x %}{{ i }}{% if i %}{% set b = i ~ 1 %}{% endif %}{% endfor %}{{ m(1) }}\n"
    assert_linear(tree, {size: part * size for size in (10, 20, 100)})
    assert_linear(
        tree, {size: "{% if x %}" + "{% elif y == 1 %}a" * size + "{% endif %}" for size in (10, 20, 100)}
    )


# --- chains ------------------------------------------------------------------------------------------------


class Chained:
    def __getattr__(self, name: str) -> "Chained":
        if name != "a":
            raise AttributeError(name)
        return self

    def __getitem__(self, key: object) -> "Chained":
        return self

    def __call__(self) -> "Chained":
        return self

    def __str__(self) -> str:
        return "end"


CHAINS = {
    "attributes": ("{{ c" + ".a" * 999 + " }}", "end"),
    "items": ("{{ c" + "[1]" * 999 + " }}", "end"),
    "calls": ("{{ c" + "()" * 999 + " }}", "end"),
    "filters": ("{{ n" + "|int" * 999 + " }}", "1"),
    "inlined filters": ("{{ n" + "|default(1)" * 999 + " }}", "1"),
    "filter block": ("{% filter " + "|".join(["upper"] * 999) + " %}a{% endfilter %}", "A"),
    "plus": ("{{ " + " + ".join(["n"] * 1000) + " }}", "1000"),
    "and": ("{{ " + " and ".join(["n"] * 1000) + " }}", "1"),
    "or": ("{{ " + " or ".join(["0"] * 999) + " or n }}", "1"),
    "concat": ("{{ " + " ~ ".join(["n"] * 1000) + " }}", "1" * 1000),
    "comparisons": ("{{ 1" + " <= n" * 1000 + " }}", "True"),
    "elif": ("{% if n == 0 %}" + "{% elif n == 0 %}" * 1100 + "{% elif n %}a{% endif %}", "a"),
    "else": ("{% if n == 0 %}" + "{% elif n == 0 %}" * 1100 + "{% else %}a{% endif %}", "a"),
}


def rendered(template: Template, way: str) -> str:
    variables = {"c": Chained(), "n": 1}
    if way == "generate":
        return "".join(template.generate(variables))
    if way == "async":
        return asyncio.run(template.render_async(variables))
    return template.render(variables)


@pytest.mark.parametrize("way", ["render", "generate", "async", "sandbox"])
@pytest.mark.parametrize("chain", CHAINS)
def test_long_chains_do_not_nest(chain: str, way: str) -> None:
    """The longest chains that are allowed are rendered where Python has room for 200 more frames."""
    source, expected = CHAINS[chain]
    options: dict[str, Any] = {"enable_async": True} if way == "async" else {"backend": "closures"}
    options["backend"] = "closures"
    environment = SandboxedEnvironment(**OPTIONS) if way == "sandbox" else Environment(**options)
    template = environment.from_string(source)
    assert rendered(template, way) == expected
    limit, depth, frame = sys.getrecursionlimit(), 0, sys._getframe()
    while frame is not None:
        frame, depth = frame.f_back, depth + 1  # type: ignore[assignment]
    sys.setrecursionlimit(depth + 200)
    try:
        assert rendered(template, way) == expected
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.parametrize("events", exhaustive_but(["LINE", "CALL"], ["LINE"]))
def test_long_chains_with_tools(events: str) -> None:
    environment = Environment(backend="closures")
    templates = [(environment.from_string(source), expected) for source, expected in CHAINS.values()]
    monitoring: Any = sys.monitoring
    fired = 0

    def on_event(code: CodeType, *arguments: object) -> object:
        nonlocal fired
        fired += code.co_filename.startswith("<template")
        return monitoring.DISABLE

    monitoring.use_tool_id(4, "chains")
    try:
        event = getattr(monitoring.events, events)
        monitoring.register_callback(4, event, on_event)
        monitoring.set_events(4, event)
        for template, expected in templates:
            assert rendered(template, "render") == expected
    finally:
        monitoring.set_events(4, 0)
        monitoring.register_callback(4, event, None)
        monitoring.free_tool_id(4)
    assert fired


def test_the_error_in_a_long_chain_is_at_its_operation() -> None:
    source = "{{ n" + "\n|int" * 500 + "\n|round(wrong=3)" + "\n|int" * 400 + " }}"
    places = []
    for backend in ("bytecode", "closures"):
        with pytest.raises(TypeError) as caught:
            Environment(backend=backend).from_string(source).render(n=1)
        places.append(template_lines(caught.value))
    assert places[0] == places[1] != []


def template_lines(error: BaseException) -> list[int]:
    """The lines of the template's frames in a traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    return [frame.lineno or 0 for frame in frames if frame.filename.startswith("<template")]


@pytest.mark.parametrize("further", [0, 10])
@pytest.mark.parametrize("backend", ["bytecode", "closures"])
def test_the_error_of_an_elif_is_on_its_line(backend: str, further: int) -> None:
    class NoTruth:
        def __bool__(self) -> bool:
            raise ValueError("no truth")

    source = "{% if 0 %}\n{% elif n == 2 %}\n{% elif no_truth %}" + "\n{% elif 1 %}" * further + "{% endif %}"
    template = Environment(backend=backend).from_string(source)
    with pytest.raises(ValueError, match="no truth") as caught:
        template.render(no_truth=NoTruth())
    assert template_lines(caught.value) == [3]
