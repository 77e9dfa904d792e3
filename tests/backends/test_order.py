"""The order of evaluation of operands in all expressions and statements is that of Jinja2."""

from typing import Any

import jinja2
import pytest

import tmplmon

# Each operand is e(n), which records n. The expected order is that of Jinja2, and of Python for Python's
# expressions.
EXPRESSIONS = [
    ("e(1) + e(2) * e(3)", [1, 2, 3]),
    ("e(1) - e(2) - e(3)", [1, 2, 3]),
    ("e(1) // e(2) % e(3)", [1, 2, 3]),
    ("e(1) / e(2)", [1, 2]),
    ("e(1) ** e(2) ** e(3)", [1, 2, 3]),
    ("-e(1) ** e(2)", [1, 2]),
    ("e(1) ~ e(2) ~ e(3)", [1, 2, 3]),
    ("e(1) < e(2) < e(3)", [1, 2, 3]),
    ("e(2) < e(1) < e(3)", [2, 1]),
    ("e(1) in e([2])", [1, [2]]),
    ("e(1) not in e([2])", [1, [2]]),
    ("e(1) and e(2)", [1, 2]),
    ("e(0) and e(2)", [0]),
    ("e(1) or e(2)", [1]),
    ("e(0) or e(2)", [0, 2]),
    ("e(1) if e(2) else e(3)", [2, 1]),
    ("e(1) if e(0) else e(3)", [0, 3]),
    ("not e(1)", [1]),
    ("[e(1), e(2)]", [1, 2]),
    ("(e(1), e(2))", [1, 2]),
    ("{e(1): e(2), e(3): e(4)}", [1, 2, 3, 4]),
    ("e('abc')[e(1)]", ["abc", 1]),
    ("e('abc')[e(0):e(2):e(1)]", ["abc", 0, 2, 1]),
    ("e(1).real + e(2).imag", [1, 2]),
    ("f(e(1), e(2))(e(3))", [1, 2, 3]),
    ("f(a=e(1), b=e(2))", [1, 2]),
    ("f(b=e(1), a=e(2))", [1, 2]),
    ("f(e(1), *e([2]))", [1, [2]]),
    ("f(e(1), a=e(2), *e([3]), **e({'b': 4}))", [1, [3], 2, {"b": 4}]),
    ("e(1)|default(e(2), e(3))", [1, 2, 3]),
    ("e(1)|default(boolean=e(2), default_value=e(3))", [1, 2, 3]),
    ("e('a')|replace(e('b'), e('c'))|center(e(3))", ["a", "b", "c", 3]),
    ("e(1) is divisibleby(e(2))", [1, 2]),
    ("e(1) is sameas e(2)", [1, 2]),
    ("m(e(1), e(2))", [1, 2]),
    ("m(a=e(1), b=e(2))", [1, 2]),
    ("m(b=e(1), a=e(2))", [1, 2]),
    ("m(e(1), b=e(2))", [1, 2]),
    ("m(e(1), *e([2]))", [1, [2]]),
    ("m(e(1), **e({'b': 2}))", [1, {"b": 2}]),
    ("k(e(1), c=e(2), b=e(3))", [1, 2, 3]),
]
STATEMENTS = [
    ("{% set x, y = e(1), e(2) %}", [1, 2]),
    ("{% with x = e(1), y = e(2) %}{{ e(3) }}{% endwith %}", [1, 2, 3]),
    ("{% for x in e([1, 2]) if e(x) > 1 %}{{ e(9) }}{% endfor %}", [[1, 2], 1, 2, 9]),
    ("{% for x in e([]) %}{{ e(1) }}{% else %}{{ e(2) }}{% endfor %}", [[], 2]),
    ("{% if e(0) %}{{ e(1) }}{% elif e(2) %}{{ e(3) }}{% else %}{{ e(4) }}{% endif %}", [0, 2, 3]),
    ("{% macro d(a=e(1), b=e(2)) %}{{ e(3) }}{% endmacro %}{{ d() }}", [1, 2, 3]),
    ("{% macro d(a=e(1), b=e(2)) %}{{ e(3) }}{% endmacro %}{{ d(b=e(4)) }}", [4, 1, 3]),
    ("{% call(x) calls(e(1), b=e(2)) %}{{ e(3) }}{% endcall %}", [1, 2, 5, 3]),
    ("{% filter replace(e('a'), e('b')) %}{{ e(1) }}{% endfilter %}", [1, "a", "b"]),
    ("{% set x|replace(e('a'), 'b') %}{{ e(1) }}{% endset %}{{ e(2) }}", [1, "a", 2]),
    ("{{ e(1) }}{{ m(b=e(2), a=e(3)) }}{{ e(4) }}", [1, 2, 3, 4]),
    ("{{ e(1) ~ m(b=e(2), a=e(3)) ~ e(4) }}", [1, 2, 3, 4]),
    ("{{ k(c=e(1), b=e(2), a=e(3)) }}", [1, 2, 3]),
    ("{% set ns = namespace(a=e(1), b=e(2)) %}{% set ns.a = e(3) %}", [1, 2, 3]),
    ("{% autoescape e(1) %}{{ e(2) }}{% endautoescape %}", [1, 2]),
    ("{% include [e('no'), e('part')] %}", ["no", "part"]),
]
MACROS = "{% macro m(a, b) %}{% endmacro %}{% macro k(a, b, c) %}{% endmacro %}"
MACROS += "{% macro calls(a, b) %}{{ caller(e(5)) }}{% endmacro %}"
TEMPLATES = {"part": "."}


def evaluated(environment: Any, source: str) -> list[Any]:
    noted: list[Any] = []

    def e(value: Any) -> Any:
        noted.append(value)
        return value

    def f(*args: Any, **kwargs: Any) -> Any:
        return f

    environment.from_string(MACROS + source).render(e=e, f=f)
    return noted


@pytest.mark.parametrize(("expression", "order"), EXPRESSIONS, ids=[row[0] for row in EXPRESSIONS])
def test_expression(expression: str, order: list[Any], backend: str) -> None:
    jinja = jinja2.Environment()
    for context in ("{% set x = ... %}", "{{ ... }}", "{% if (...) %}{% endif %}", "{{ f(...) }}"):
        source = context.replace("...", expression)
        assert evaluated(jinja, source) == order
        assert evaluated(tmplmon.Environment(backend=backend), source) == order
        assert evaluated(tmplmon.Environment(backend=backend, autoescape=True), source) == order


@pytest.mark.parametrize(("source", "order"), STATEMENTS, ids=[row[0] for row in STATEMENTS])
def test_statement(source: str, order: list[Any], backend: str) -> None:
    assert evaluated(jinja2.Environment(loader=jinja2.DictLoader(TEMPLATES)), source) == order
    ours = tmplmon.Environment(backend=backend, loader=tmplmon.DictLoader(TEMPLATES))
    assert evaluated(ours, source) == order
