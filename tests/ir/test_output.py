"""The parts into which runs of output are split, for both back ends."""

from typing import Any

import pytest
from markupsafe import escape

from tmplmon import Environment, pipeline
from tmplmon.ir import ops
from tmplmon.ir.output import ConstantText, MacroCall, OutputRules, OutputValue, SuperCall, split_piece
from tmplmon.ir.walk import scope_nodes


def split(source: str, block: str | None = None, **rules: Any) -> list[str]:
    """The parts of all output of a template or block, in a short form."""
    program = pipeline.lower(Environment(autoescape=True), source, "page", "page")
    scope = program.root if block is None else program.blocks[block]
    options = {"finalized": False, "native": False, "direct_macros": True, "direct_supers": True, **rules}
    chosen = OutputRules(**options, escape=lambda value: str(escape(value)))
    emits = [op for op in scope_nodes(scope) if type(op) is ops.Emit]
    parts = [part for op in emits for piece in op.pieces for part in split_piece(piece, chosen)]
    return [shown(part) for part in parts]


def shown(part: Any) -> str:
    match part:
        case ConstantText():
            return repr(part.text)
        case OutputValue():
            flags = [name for name in ("finished", "joined") if getattr(part, name)]
            return " ".join(["value", type(part.op).__name__, *flags])
        case MacroCall():
            operands = [None if each is None else type(each).__name__ for each in part.operands]
            return f"macro {part.macro.scope.name} {operands}"
        case SuperCall():
            return f"super {part.block}"
    raise AssertionError(part)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a{{ x }}b", ["'a'", "value Load finished", "'b'"]),
        ("{{ '<' }}{{ 1 }}{{ none }}", ["'&lt;'", "'1'", "'None'"]),
        (
            "{{ x ~ '<' ~ 2 ~ y.z }}",
            ["value Load finished joined", "'&lt;'", "'2'", "value Attr finished joined"],
        ),
        ("{% autoescape false %}{{ '<' ~ x }}{% endautoescape %}", ["'<'", "value Load finished joined"]),
        (
            "{% autoescape e %}{{ '<' }}{{ x ~ y }}{% endautoescape %}",
            ["value Const finished", "value Concat finished"],
        ),
    ],
)
def test_constants_and_values(source: str, expected: list[str]) -> None:
    assert split(source) == expected


MACRO = "{% macro m(a, b=1) %}{% endmacro %}"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("m(x)", "macro m ['Load', None]"),
        ("m(1, 2)", "macro m ['Const', 'Const']"),
        ("m(b=1)", "macro m [None, 'Const']"),
        ("m(a=1, b=x)", "macro m ['Const', 'Load']"),
        ("m(b=1, a=x)", "macro m ['Load', 'Const']"),
        ("m(b=1, a=x.y)", "value Call finished"),  # The arguments are not in the order of the parameters.
        ("m(1, 2, 3)", "value Call finished"),
        ("m(1, c=2)", "value Call finished"),
        ("m(1, a=2)", "value Call finished"),
        ("m(*x)", "value Call finished"),
        ("other(1)", "value Call finished"),
    ],
)
def test_calls_of_macros(call: str, expected: str) -> None:
    source = f"{MACRO}{{{{ {call} }}}}"
    assert split(source) == [expected]
    assert split(source, direct_macros=False) == ["value Call finished"]
    assert split(source, finalized=True) == ["value Call"]
    assert split(source, native=True) == ["value Call finished"]


@pytest.mark.parametrize(
    ("used", "call", "expected"),
    [
        ("varargs", "m(1)", "macro m ['Const', 'Build']"),
        ("varargs", "m(1, 2, x.y)", "macro m ['Const', 'Build']"),
        ("varargs", "m(1, b=2)", "value Call finished"),
        ("kwargs", "m(1)", "macro m ['Const', 'Build']"),
        ("kwargs", "m(x.y, b=x.z)", "macro m ['Attr', 'Build']"),
        ("kwargs", "m(b=x.z, a=x.y)", "value Call finished"),
        ("kwargs", "m(1, 2)", "value Call finished"),
        ("kwargs", "m(1, caller=2)", "value Call finished"),
        ("kwargs ~ varargs", "m(1, 2, b=3)", "macro m ['Const', 'Build', 'Build']"),
        ("kwargs ~ varargs", "m(1, x.y, b=3)", "value Call finished"),
        ("caller", "m(1)", "value Call finished"),
    ],
)
def test_calls_of_macros_with_further_arguments(used: str, call: str, expected: str) -> None:
    assert split(f"{{% macro m(a) %}}{{{{ {used} }}}}{{% endmacro %}}{{{{ {call} }}}}") == [expected]


def test_a_macro_that_is_not_certain_is_called() -> None:
    assert split(f"{{% if x %}}{MACRO}{{% endif %}}{{{{ m(1) }}}}") == ["value Call finished"]
    assert split(f"{MACRO}{{% set m = x %}}{{{{ m(1) }}}}") == ["value Call finished"]
    assert split(f"{MACRO.replace('a,', 'caller=2, a,').replace('a, b=1', 'a=1, b=1')}{{{{ m(1) }}}}") == [
        "value Call finished"
    ]


def test_super() -> None:
    source = "{% block a %}{{ super() }}{{ super.super() }}{{ x(super()) }}{% endblock %}"
    assert split(source, "a") == ["super a", "value Call finished", "value Call finished"]
    assert split(source, "a", direct_supers=False)[0] == "value Call finished"


def test_constants_pass_through_finalize() -> None:
    assert split("a{{ 1 }}{{ x ~ 2 }}", finalized=True) == ["'a'", "value Const", "value Concat"]
    assert split("a{{ 1 }}{{ x ~ 2 }}", native=True) == [
        "'a'",
        "value Const finished",
        "value Concat finished",
    ]
