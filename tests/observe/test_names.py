"""Names of functions and variables in the code that observed Jinja2 generates."""

import sys
from types import FrameType
from typing import Any

import jinja2
import pytest

pytestmark = pytest.mark.usefixtures("observed")


def seen(source: str, **variables: Any) -> tuple[str, dict[str, Any]]:
    """The name of the function that calls `here()` in a template, and its variables."""
    frames: list[tuple[str, dict[str, Any]]] = []

    def here() -> str:
        frame: FrameType | None = sys._getframe()
        while frame is not None and frame.f_code.co_filename != "<template>":
            frame = frame.f_back
        assert frame is not None
        frames.append((frame.f_code.co_name, dict(frame.f_locals)))
        return ""

    environment = jinja2.Environment(loader=jinja2.DictLoader({}))
    environment.from_string(source).render(variables, here=here)
    return frames[0]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("{{ here() }}", "top-level template code"),
        ("{% block main %}{{ here() }}{% endblock %}", "block 'main'"),
        ("{% macro field() %}{{ here() }}{% endmacro %}{{ field() }}", "macro 'field'"),
        ("{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ here() }}{% endcall %}", "caller"),
        ("{% for x in [1] recursive %}{{ here() }}{% endfor %}", "loop"),
        ("{% for x in [1] if here() %}{% endfor %}", "condition of a loop"),
    ],
)
def test_functions(source: str, name: str) -> None:
    assert seen(source)[0] == name


def test_macros_of_one_name() -> None:
    macro = "{% macro m(x) %}{{ here() }}{% endmacro %}"
    name, variables = seen("{% if a %}" + macro + "{% else %}" + macro + "{% endif %}{{ m(2) }}", a=1)
    assert name == "macro 'm'"
    assert variables["x"] == 2


def test_variables() -> None:
    source = "{% set a = 1 %}{% for user in users %}{% set b = user %}{{ here() }}{{ a }}{% endfor %}"
    _, variables = seen(source, users=["ann"])
    assert {name: variables[name] for name in ("a", "b", "user", "users")} == {
        "a": 1,
        "b": "ann",
        "user": "ann",
        "users": ["ann"],
    }
    assert not [name for name in variables if name.startswith("l_")]


def test_the_inner_variable_has_the_name() -> None:
    _, variables = seen("{% set x = 1 %}{% for x in [2] %}{{ here() }}{% endfor %}{{ x }}")
    assert (variables["x"], variables["x.0"]) == (2, 1)


def test_a_variable_with_a_name_that_the_generated_code_uses() -> None:
    source = (
        "{% macro m(event) %}{{ here() }}{{ event }}{% include 'x' ignore missing %}{% endmacro %}{{ m(3) }}"
    )
    assert seen(source)[1]["event"] == 3


def test_a_variable_with_the_name_of_a_global() -> None:
    assert seen("{% set Markup = 1 %}{% set context = 2 %}{{ here() }}")[1]["l_0_context"] == 2
    source = (
        "{% set str = 1 %}{% set escape = 2 %}{{ str }}{{ escape }}{{ '<'|e }}{% set class = 3 %}{{ class }}"
    )
    assert jinja2.Environment(autoescape=True).from_string(source).render() == "12&lt;3"


def test_reserved_names() -> None:
    source = "{% set __debug__ = 1 %}{{ __debug__ }}{{ None }}"
    assert jinja2.Environment().from_string(source).render() == "1None"
