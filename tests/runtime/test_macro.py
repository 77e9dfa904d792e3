"""The binding of a macro's arguments to its slots."""

from typing import Any

import jinja2
import pytest

import tmplmon
from tmplmon.runtime.macro import Macro
from tmplmon.runtime.undefined import Undefined, missing

# (macro, positional arguments, keyword arguments, slots); slots are parameters, caller, kwargs, varargs.
BOUND: list[tuple[dict[str, Any], tuple[Any, ...], dict[str, Any], tuple[Any, ...]]] = [
    ({}, (), {}, ()),
    ({"arguments": ("a", "b")}, (1, 2), {}, (1, 2)),
    ({"arguments": ("a", "b")}, (1,), {}, (1, missing)),
    ({"arguments": ("a", "b")}, (), {}, (missing, missing)),
    ({"arguments": ("a", "b")}, (1,), {"b": 2}, (1, 2)),
    ({"arguments": ("a", "b")}, (), {"b": 2, "a": 1}, (1, 2)),
    ({"arguments": ("a", "b")}, (), {"b": 2}, (missing, 2)),
    ({"arguments": ("a",), "catch_varargs": True}, (1, 2, 3), {}, (1, (2, 3))),
    ({"arguments": ("a",), "catch_varargs": True}, (), {}, (missing, ())),
    ({"arguments": ("a",), "catch_kwargs": True}, (1,), {"b": 2}, (1, {"b": 2})),
    ({"arguments": ("a",), "catch_kwargs": True}, (), {"a": 1, "b": 2}, (1, {"b": 2})),
    ({"catch_kwargs": True, "catch_varargs": True}, (1,), {"b": 2}, ({"b": 2}, (1,))),
    ({"caller": True}, (), {"caller": "c"}, ("c",)),
    ({"arguments": ("a",), "caller": True}, (1,), {"caller": "c"}, (1, "c")),
    ({"caller": True, "catch_kwargs": True}, (), {"caller": "c", "x": 1}, ("c", {"x": 1})),
    ({"arguments": ("caller",), "caller": True}, (1,), {}, (1,)),
    ({"arguments": ("caller",), "caller": True}, (), {"caller": 2}, (2,)),
    ({"arguments": ("a", "caller"), "caller": True}, (1,), {}, (1, missing)),
]
REFUSED: list[tuple[dict[str, Any], tuple[Any, ...], dict[str, Any], str]] = [
    ({}, (1,), {}, r"macro 'm' takes not more than 0 argument\(s\)"),
    ({"arguments": ("a",)}, (1, 2), {}, r"macro 'm' takes not more than 1 argument\(s\)"),
    ({"arguments": ("a",)}, (1,), {"b": 2}, "macro 'm' takes no keyword argument 'b'"),
    ({"arguments": ("a",)}, (1,), {"a": 2}, "macro 'm' takes no keyword argument 'a'"),
    ({}, (), {"caller": 1}, "two values for the special caller argument"),
]


def macro(
    arguments: tuple[str, ...] = (),
    catch_kwargs: bool = False,
    catch_varargs: bool = False,
    caller: bool = False,
    environment: Any = None,
) -> Macro:
    def code(output: list[Any], *slots: Any) -> None:
        output.append(f"<{slots!r}>")

    environment = environment or tmplmon.Environment()
    return Macro(environment, code, "m", arguments, catch_kwargs, catch_varargs, caller)


@pytest.mark.parametrize(("made_with", "args", "kwargs", "slots"), BOUND, ids=str)
def test_slots(
    made_with: dict[str, Any], args: tuple[Any, ...], kwargs: dict[str, Any], slots: tuple[Any, ...]
) -> None:
    assert macro(**made_with).bind(args, dict(kwargs)) == slots
    assert macro(**made_with)(*args, **kwargs) == f"<{slots!r}>"


@pytest.mark.parametrize(("made_with", "args", "kwargs", "message"), REFUSED, ids=str)
def test_refused(
    made_with: dict[str, Any], args: tuple[Any, ...], kwargs: dict[str, Any], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        macro(**made_with)(*args, **kwargs)


def test_a_missing_caller_is_undefined() -> None:
    (caller,) = macro(caller=True).bind((), {})
    assert isinstance(caller, Undefined)
    assert caller._undefined_hint == "No caller defined"
    (caller,) = macro(caller=True).bind((), {"caller": None})
    assert isinstance(caller, Undefined)


def test_the_text_is_markup_if_output_is_escaped() -> None:
    for autoescape in (False, True):
        environment = tmplmon.Environment(autoescape=autoescape)
        assert hasattr(macro(environment=environment)(), "__html__") is autoescape
        assert hasattr(macro().invoke(autoescape, (), {}), "__html__") is autoescape


def test_names() -> None:
    assert repr(macro()) == "<Macro 'm'>"
    assert (
        repr(Macro(tmplmon.Environment(), lambda *_: None, None, (), False, False, False))
        == "<Macro anonymous>"
    )
    source = (
        "{% macro m(a, b=1) %}{{ varargs }}{{ kwargs }}{% endmacro %}"
        "{% macro n() %}{{ caller() }}{% endmacro %}"
    )
    for engine in (jinja2, tmplmon):
        module = engine.Environment().from_string(source).module
        shown = [
            (each.name, each.arguments, each.catch_kwargs, each.catch_varargs, each.caller)
            for each in (module.m, module.n)
        ]
        assert shown == [("m", ("a", "b"), True, True, False), ("n", (), False, False, True)]
