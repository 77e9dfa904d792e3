"""Native templates: the value of the output is that of Jinja2."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

import jinja2.nativetypes
import pytest
from markupsafe import Markup

import tmplmon
from tmplmon.nativetypes import NativeEnvironment, NativeTemplate, native_concat

MARK = object()

PIECES: list[list[Any]] = [
    [],
    [""],
    [1],
    [None],
    [MARK],
    [["a"]],
    ["1"],
    [" 1"],
    ["1 "],
    ["\n1"],
    ["01"],
    ["1_0"],
    ["-1"],
    ["--1"],
    ["1+2"],
    ["1+2j"],
    ["True"],
    ["true"],
    ["None"],
    ["..."],
    ["a"],
    ["'a'"],
    ['"a" "b"'],
    ["b'a'"],
    ["f'a'"],
    ["'a"],
    ["[1, 2"],
    ["{'a': [1, (2, {3})]}"],
    ["set()"],
    ["# a"],
    ["1 # a"],
    ["a\0"],
    ["\ud800"],
    ["1; 2"],
    [Markup("1")],
    [Markup("<b>")],
    [1, 2],
    [1, "+", "2j"],
    ["[", 1, ", ", "2", "]"],
    ["(", None, ",)"],
    [[1], [2]],
    ["", ""],
    ["a", 1],
    [Markup("<"), "a"],
    ["1" * 5000],
]


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@pytest.mark.parametrize("pieces", PIECES, ids=lambda pieces: repr(pieces).partition(" at 0x")[0])
def test_concat(pieces: list[Any]) -> None:
    expected = jinja2.nativetypes.native_concat(pieces)
    found = native_concat(pieces)
    assert (type(found), found) == (type(expected), expected)
    assert native_concat(iter(pieces)) == expected


DEEP = [
    "-" * 100_000 + "1",
    "1+" * 100_000 + "1",
    "(" * 100_000,
    "[" * 1000 + "]" * 1000,
    "a" + ".a" * 100_000,
    "a" + "()" * 100_000,
    "not " * 100_000,
    "2**" * 50_000 + "2",
    "1 if 1 else " * 100_000 + "1",
    "lambda:" * 100_000 + "1",
]


@pytest.mark.parametrize("text", DEEP, ids=lambda text: text[:12])
def test_text_that_is_too_deep_to_parse_stays_text(text: str) -> None:
    assert native_concat([text]) is text


@pytest.mark.parametrize("text", ["{[]: 1}", "{[]}", "{1: {}, {}: 2}"])
def test_text_with_an_unhashable_key_stays_text(text: str) -> None:
    """Jinja2 raises TypeError."""
    assert native_concat([text]) == text


def test_a_long_literal_is_a_value() -> None:
    assert native_concat(["[" + "1, " * 100_000 + "]"]) == [1] * 100_000


TEMPLATES = [
    "",
    "text",
    " 5",
    "{{ x }}",
    "{{ x }} ",
    "{{ x }}{{ x }}",
    "{{ n }}",
    "{{ n }}{{ n }}",
    "{{ n }} {{ n }}",
    "{{ n }}px",
    "{{ [n, x] }}",
    "[{{ n }}, 2]",
    "{{ '5' }}",
    "{{ s }}",
    "{{ s|int }}",
    "{{ nothing }}",
    "{{ none }}",
    "{{ n == 3 }}",
    "{% if n %}{{ n }}{% endif %}",
    "{% if not n %}{{ n }}{% endif %}",
    "{% for i in [1, 2] %}{{ i }}{% endfor %}",
    "{% for i in [1] %}{{ i }}{% endfor %}",
    "[{% for i in [1, 2] %}{{ i }},{% endfor %}]",
    "{% set a = [n] %}{{ a }}",
    "{% set a %}{{ n }}{% endset %}{{ a + 1 }}",
    "{% set a %}{{ n }}{{ n }}{% endset %}{{ a + 1 }}",
    "{% set a %}{{ s }} {% endset %}{{ a }}",
    "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(n) + 1 }}",
    "{% macro m(x) %}[{{ x }}]{% endmacro %}{{ m(n)[0] }}",
    "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ n }}{% endcall %}",
    "{% block b %}{{ n }}{% endblock %}{% if self.b() == 3 %}!{% endif %}",
    "{% filter string %}{{ n }}{% endfilter %}",
    "{{ n ~ n }}",
    "{{ f }}",
    "{{ f() }}",
    "{{ m }}",
    "{# only a comment #}",
    "{% include 'n' %}",
    "{% include 'n' %}{% include 'n' %}",
    "{% extends 'base' %}{% block b %}{{ [n] }}{% endblock %}",
]
OTHERS = {"n": "{{ n }}", "base": "{% block b %}{% endblock %}"}
VALUES = {"x": {"k": (1, 2)}, "n": 3, "s": "3", "f": len, "m": Markup("<b>")}


def environments(**options: Any) -> Iterator[Any]:
    for module, cls in ((jinja2, jinja2.nativetypes.NativeEnvironment), (tmplmon, NativeEnvironment)):
        yield cls(loader=module.DictLoader(OTHERS), **options)


def outcome(call: Any) -> tuple[str, str]:
    try:
        value = call()
    except Exception as error:
        return "raises", type(error).__name__
    return type(value).__name__, repr(value)


@pytest.mark.parametrize("source", TEMPLATES)
def test_render(source: str) -> None:
    theirs, ours = (
        outcome(lambda env=env: env.from_string(source).render({**VALUES})) for env in environments()
    )
    assert ours == theirs


@pytest.mark.parametrize("source", TEMPLATES)
def test_render_async(source: str) -> None:
    theirs, ours = (
        outcome(lambda env=env: asyncio.run(env.from_string(source).render_async({**VALUES})))
        for env in environments(enable_async=True)
    )
    assert ours == theirs


def render(source: str, environment: tmplmon.Environment, **values: Any) -> Any:
    return environment.from_string(source).render(values)


def test_render_runs_an_asynchronous_template() -> None:
    assert render("[{{ n }}, {{ n }}]", NativeEnvironment(enable_async=True), n=1) == [1, 1]


def test_render_async_needs_an_asynchronous_environment() -> None:
    with pytest.raises(RuntimeError, match="async"):
        asyncio.run(NativeEnvironment().from_string("").render_async())


def test_a_single_object_is_returned_unchanged() -> None:
    assert render("{{ x }}", NativeEnvironment(), x=MARK) is MARK


def test_a_template_of_a_string() -> None:
    template = NativeTemplate("{{ x + 1 }}")
    assert isinstance(template, NativeTemplate)
    assert isinstance(template.environment, NativeEnvironment)
    assert template.render(x=1) == 2


def test_the_class_in_an_environment_of_text() -> None:
    template: Any = tmplmon.Environment().from_string("[{{ x }}]", template_class=NativeTemplate)
    assert template.render(x=1) == [1]


def test_an_overlay_is_native() -> None:
    overlay = NativeEnvironment().overlay(variable_start_string="${", variable_end_string="}")
    assert render("${[1]}", overlay) == [1]


def test_the_function_that_joins_values_can_be_replaced() -> None:
    class Listing(NativeEnvironment):
        concat: ClassVar[Callable[[Iterable[Any]], Any]] = staticmethod(lambda values: [*values])

    assert render("{{ a }}{{ [b] }}", Listing(), a=1, b=2) == [1, [2]]


@pytest.mark.parametrize("backend", ["bytecode", "closures"])
def test_without_literals(backend: str) -> None:
    environment = NativeEnvironment(literal_eval=False, backend=backend)
    for each in (environment, environment.overlay(trim_blocks=True)):
        values = [
            each.from_string(source).render(x=[1], text="7") for source in ("7", "{{ text }}", "{{ x }}")
        ]
        assert values == ["7", "7", [1]]
        assert each.from_string("{{ 1 }}{{ 2 }}").render() == "12"
        assert each.from_string("").render() is None
        assert each.from_string("{{ 7 }}").render() == 7
    assert NativeEnvironment(backend=backend).from_string("7").render() == 7
    assert NativeTemplate("{{ text }}", literal_eval=False).render(text="1e5") == "1e5"
