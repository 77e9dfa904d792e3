"""Contexts: their names, the variables that are set and exported, and the mapping interface."""

from typing import Any

import pytest

import tmplmon
from tmplmon import pass_context, pass_environment, pass_eval_context
from tmplmon.runtime.calls import call, callable_pass_arg
from tmplmon.runtime.context import Context, EvalContext
from tmplmon.runtime.undefined import missing


@pytest.fixture
def environment() -> tmplmon.Environment:
    environment = tmplmon.Environment()
    environment.globals = {"g": "global", "shadowed": "global"}
    return environment


@pytest.fixture
def context(environment: tmplmon.Environment) -> Context:
    template = environment.from_string("", globals={"own": "template's"})
    return template.new_context({"a": 1, "shadowed": "given"})


def test_names(context: Context) -> None:
    names = {"g": "global", "own": "template's", "a": 1, "shadowed": "given"}
    assert context.parent == context.get_all() == dict(context) == names
    assert dict(context.items()) == names
    assert (set(context.keys()), len(context), sorted(map(str, context.values()))) == (
        set(names),
        4,
        ["1", "given", "global", "template's"],
    )
    assert ("a" in context, "g" in context, "b" in context) == (True, True, False)
    assert (context["a"], context.get("a"), context.get("b"), context.get("b", 5)) == (1, 1, None, 5)
    with pytest.raises(KeyError, match="'b'"):
        context["b"]
    assert context.resolve("g") == "global"
    assert isinstance(context.resolve("b"), tmplmon.Undefined)
    assert context.resolve_or_missing("b") is missing
    assert repr(context) == f"<TemplateContext {context.get_all()!r} of None>"


def test_set(context: Context) -> None:
    context.set("a", 2)
    context.set("_private", 3)
    context.set("hidden", 4, exported=False)
    assert context.vars == {"a": 2, "_private": 3, "hidden": 4}
    assert context.exported_vars == {"a"}
    assert context.get_exported() == {"a": 2}
    assert (context["a"], context["_private"], context["hidden"]) == (2, 3, 4)
    assert context.parent["a"] == 1
    context.set("a", 5, exported=False)
    assert context.get_exported() == {}


def test_nothing_is_set_at_first(context: Context) -> None:
    assert (context.get_exported(), context.exported_vars, context.vars) == ({}, set(), {})


def test_a_shared_context_has_no_globals(environment: tmplmon.Environment) -> None:
    context = environment.from_string("").new_context({"a": 1}, shared=True)
    assert context.get_all() == {"a": 1}
    assert "g" not in context


def test_locals_hide_variables_of_the_rendering(environment: tmplmon.Environment) -> None:
    template = environment.from_string("")
    context = template.new_context({"a": 1, "b": 2}, locals={"a": 3, "b": missing, "c": 4})
    assert context.get_all() == {"g": "global", "shadowed": "global", "a": 3, "b": 2, "c": 4}


def test_a_derived_context(context: Context) -> None:
    context.set("x", 1)
    derived = context.derived({"a": 7, "y": 8})
    assert derived.get_all() == {**context.get_all(), "a": 7, "y": 8}
    assert (derived.name, derived.environment, derived.eval_ctx) == (
        context.name,
        context.environment,
        context.eval_ctx,
    )
    assert context.derived().get_all() == context.get_all()
    derived.set("z", 1)
    assert "z" not in context


def test_the_class_of_a_derived_context(environment: tmplmon.Environment) -> None:
    class Own(Context):
        pass

    assert type(environment.from_string("").new_context().derived()) is Context
    environment.context_class = Own
    assert type(environment.from_string("").new_context().derived()) is Own


def test_an_evaluation_context(environment: tmplmon.Environment) -> None:
    assert EvalContext(environment).autoescape is False
    environment.autoescape = lambda name: name == "a.html"
    assert [EvalContext(environment, name).autoescape for name in ("a.html", "a.txt", None)] == [
        True,
        False,
        False,
    ]
    context = EvalContext.make(environment, True)
    assert (context.environment, context.autoescape, context.volatile) == (environment, True, False)
    with pytest.raises(AttributeError, match="cannot be changed"):
        context.autoescape = False
    with pytest.raises(AttributeError, match="cannot be changed"):
        del context.autoescape


# --- calls -------------------------------------------------------------------------------------------------


class Marked:
    @pass_context
    def method(self, context: Any, value: Any) -> Any:
        return context, value

    @pass_environment
    def __call__(self, environment: Any, value: Any) -> Any:
        return environment, value


class Plain:
    def method(self, value: Any) -> Any:
        return value

    def __call__(self, value: Any) -> Any:
        return value


@pass_eval_context
def of_eval_context(eval_ctx: Any, value: Any) -> Any:
    return eval_ctx, value


def with_attribute(value: Any) -> Any:
    return value


with_attribute.note = 1  # type: ignore[attr-defined]


def test_functions_receive_the_argument_of_their_marker(context: Context) -> None:
    assert call(context, Marked().method, 5) == (context, 5)
    assert call(context, Marked(), 5) == (context.environment, 5)
    assert call(context, of_eval_context, 5) == (context.eval_ctx, 5)
    assert call(context, of_eval_context, value=5) == (context.eval_ctx, 5)
    for plain in (Plain().method, Plain(), with_attribute, int, abs, [5].index, lambda value: value):
        assert call(context, plain, 5) in (5, 0)
        assert callable_pass_arg(plain) is None
    assert call(context, dict, a=1) == {"a": 1}
    assert [callable_pass_arg(f) for f in (Marked().method, Marked(), of_eval_context, Marked)] == [
        "context",
        "environment",
        "eval_context",
        None,
    ]


def test_stop_iteration_gives_an_undefined_value(context: Context) -> None:
    def stops() -> None:
        raise StopIteration

    value = call(context, stops)
    assert isinstance(value, tmplmon.Undefined)
    assert value._undefined_hint == "value was undefined because a callable raised a StopIteration exception"
