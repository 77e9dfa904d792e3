"""The effects of functions that receive the context and change it, on both back ends."""

import copy
import pickle
from typing import Any

import pytest

from tmplmon import DictLoader, Environment, pass_context, pass_eval_context
from tmplmon.runtime.context import Context, EvalContext

backends = pytest.mark.parametrize("backend", ["bytecode", "closures"])


@pass_context
def put(context: Context, **names: Any) -> str:
    context.vars.update(names)
    context.exported_vars.update(names)
    return ""


@pass_context
def unescaped(context: Context) -> str:
    context.eval_ctx.autoescape = False
    return ""


@pass_eval_context
def unescaped_filter(eval_ctx: Any, value: str) -> str:
    eval_ctx.autoescape = False
    return value


def environment(backend: str, **options: Any) -> Environment:
    templates = {
        "part": "[{{ a }}|{{ g }}]",
        "module": "{{ put(a=5) }}{% macro m() %}{{ a }}{% endmacro %}",
    }
    environment = Environment(loader=DictLoader(templates), backend=backend, **options)
    environment.globals.update(put=put, unescaped=unescaped, g="G")
    environment.filters["unescaped"] = unescaped_filter
    return environment


@backends
@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("{{ put(a=1) }}{% include 'part' %}{{ a }}", "[1|G]"),
        ("{{ put(a=1) }}{% block b %}{{ a }}{% endblock %}", "1"),
        ("{{ put(g=1) }}{% block b %}{{ g }}{% endblock %}{% include 'part' %}", "1[|1]"),
        ("{% set a = 2 %}{{ put(a=1) }}{% include 'part' %}{{ a }}", "[2|G]2"),
        ("{{ put(a=1) }}{% set a = 3 %}{% include 'part' %}{% block b %}{{ a }}{% endblock %}", "[3|G]3"),
        ("{% from 'module' import a %}{{ a }}", "5"),
        ("{% import 'module' as m with context %}{{ m.a }}{{ m.m() }}", "55"),
        ("{% for x in [1] %}{{ put(a=1) }}{% include 'part' %}{% endfor %}", "[1|G]"),
        ("{{ put(a=1) }}{% include 'part' without context %}", "[|G]"),
    ],
)
def test_names_that_are_added_to_vars_are_visible_in_scopes_entered_later(
    backend: str, source: str, output: str
) -> None:
    assert environment(backend).from_string(source).render() == output


@backends
@pytest.mark.parametrize("source", ["{{ unescaped() }}{{ '<' }}", "{{ 'x'|unescaped }}{{ '<' }}"])
def test_the_setting_for_escaping_cannot_be_changed(backend: str, source: str) -> None:
    page = environment(backend, autoescape=True)
    with pytest.raises(AttributeError, match="'autoescape' of an evaluation context cannot be changed"):
        page.from_string(source).render()
    assert page.from_string("{{ x }}").render(x="<") == "&lt;"
    assert page.from_string("{% autoescape false %}{{ x }}{% endautoescape %}").render(x="<") == "<"


def test_an_evaluation_context_survives_copying() -> None:
    setting = EvalContext.make("environment", True)
    for duplicate in (copy.deepcopy(setting), pickle.loads(pickle.dumps(setting))):
        assert (duplicate.environment, duplicate.autoescape, duplicate.volatile) == (
            "environment",
            True,
            False,
        )


@backends
def test_a_keyword_argument_may_have_a_name_that_python_reserves(backend: str) -> None:
    page = environment(backend)
    page.globals["f"] = lambda *args, **kwargs: (args, kwargs)
    source = "{{ f(1, a=2, __debug__=3, b=4) }}"
    assert page.from_string(source).render() == "((1,), {'a': 2, '__debug__': 3, 'b': 4})"
    assert (
        page.from_string(
            "{% macro m(__debug__=1) %}{{ __debug__ }}{% endmacro %}{{ m() }}{{ m(__debug__=2) }}"
        ).render()
        == "12"
    )


@backends
def test_super_of_a_context(backend: str) -> None:
    @pass_context
    def above(context: Context) -> Any:
        return context.super("b", context.blocks["b"][0])

    templates = {
        "base": "{% block b %}base{% endblock %}",
        "child": "{% extends 'base' %}{% block b %}child, {{ above()() }}{% endblock %}",
        "alone": "{% block b %}{{ above() is defined }}{% endblock %}",
    }
    environment = Environment(loader=DictLoader(templates), backend=backend)
    environment.globals["above"] = above
    assert environment.get_template("child").render() == "child, base"
    assert environment.get_template("alone").render() == "False"


def test_globals_of_a_context_that_is_created_directly() -> None:
    environment = Environment()
    environment.globals.clear()
    environment.globals["e"] = 1
    context = Context(environment, {"a": 2}, "page", {}, {"g": 3})
    assert (context.name, context["a"], dict(context.globals_keys)) == ("page", 2, {"g": 3})
    assert dict(Context(environment, {}, None, {}).globals_keys) == {}
