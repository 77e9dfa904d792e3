"""Values that contain another value twice. A template that creates too large ones fails, whatever it uses them for.
Each loop doubles a value; sixty rounds would give 10**18 items."""

import pytest

from tmplmon import FuelExhausted, Limits
from tmplmon.errors import TooLargeError
from tmplmon.sandbox import SandboxedEnvironment

ROUNDS = 60
# Each creates a new `ns.x` that contains the old one twice.
STEPS = {
    "list": "{% set ns.x = [ns.x, ns.x] %}",
    "tuple": "{% set ns.x = (ns.x, ns.x) %}",
    "dict": "{% set ns.x = {'a': ns.x, 'b': ns.x} %}",
    "tuple as a key": "{% set ns.x = ({(ns.x, ns.x): 1}|list)[0] %}",
    "append": "{% set y = [] %}{% do y.append(ns.x) %}{% do y.append(ns.x) %}{% set ns.x = y %}",
    "insert": "{% set y = [] %}{% do y.insert(0, ns.x) %}{% do y.insert(0, ns.x) %}{% set ns.x = y %}",
    "extend": "{% set y = [] %}{% do y.extend([ns.x, ns.x]) %}{% set ns.x = y %}",
    "update": "{% set y = {} %}{% do y.update(a=ns.x, b=ns.x) %}{% set ns.x = y %}",
    "update by a dict": "{% set y = {} %}{% do y.update({'a': ns.x, 'b': ns.x}) %}{% set ns.x = y %}",
    "setdefault": "{% set y = {} %}{% do y.setdefault(1, ns.x) %}{% do y.setdefault(2, ns.x) %}{% set ns.x = y %}",
    "namespace": "{% set ns.x = namespace(a=ns.x, b=ns.x) %}",
    "attributes": "{% set y = namespace() %}{% set y.a = ns.x %}{% set y.b = ns.x %}{% set ns.x = [y] %}",
    "namespaces": "{% set y = namespace() %}{% set y.a = ns %}{% set y.b = ns %}{% set ns = y %}",
    "dict()": "{% set ns.x = dict(a=ns.x, b=ns.x) %}",
    "dict of pairs": "{% set ns.x = dict([(1, ns.x), (2, ns.x)]) %}",
    "fromkeys": "{% set ns.x = dict.fromkeys('ab', ns.x) %}",
    "cycler": "{% set ns.x = cycler(ns.x, ns.x).items %}",
    "items": "{% set ns.x = dict(a=ns.x, b=ns.x).items() %}",
    "values": "{% set ns.x = dict(a=ns.x, b=ns.x).values() %}",
    "+": "{% set ns.x = [ns.x + ns.x] %}",
    "*": "{% set ns.x = [ns.x] * 2 %}",
    "|list": "{% set ns.x = [0, 0]|map('default', ns.x, true)|list %}",
    "|sort": "{% set ns.x = [0, 0]|map('default', [ns.x], true)|sort %}",
    "|batch": "{% set ns.x = [0, 0]|map('default', ns.x, true)|batch(2)|first %}",
    "|batch fills": "{% set ns.x = [ns.x]|batch(2, ns.x)|first %}",
    "|slice": "{% set ns.x = [0, 0]|map('default', ns.x, true)|slice(1)|first %}",
    "|groupby": "{% set ns.x = [0, 0]|map('default', ns.x, true)|groupby(0)|list %}",
    "|items": "{% set ns.x = dict(a=ns.x, b=ns.x)|items|list %}",
    "|dictsort": "{% set ns.x = dict(a=ns.x, b=ns.x)|dictsort %}",
    "|sum": "{% set ns.x = [[[ns.x]], [[ns.x]]]|sum(start=[]) %}",
    "|reverse": "{% set ns.x = [0, 0]|map('default', ns.x, true)|reverse|list %}",
}
ALONE = {
    "varargs": "{% macro m(n) %}{% if n %}{{ m(n - 1, varargs, varargs) }}{% endif %}{% endmacro %}{{ m(45, 1) }}",
    "kwargs": (
        "{% macro m(n) %}{% if n %}{{ m(n - 1, a=kwargs, b=kwargs) }}{% endif %}{% endmacro %}{{ m(45, a=1) }}"
    ),
    "written out": "{% set x = ['lol'] %}" + "{% set x = [x, x] %}" * ROUNDS,
    "shared and grown later": (
        "{% set x = [] %}{% set y = [x] * 1000 %}{% set z = [y] * 1000 %}"
        "{% for i in range(1000) %}{% do x.append(i) %}{% endfor %}{{ z == [y] * 1000 }}"
    ),
}
SOURCES = {
    **ALONE,
    **{
        name: "{% set ns = namespace(x=[1]) %}"
        + ("{% set ns.x = (1,) %}" if "tuple" in name else "")
        + (step * ROUNDS if name == "namespaces" else f"{{% for i in range({ROUNDS}) %}}{step}{{% endfor %}}")
        for name, step in STEPS.items()
    },
}
sources = pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)


@pytest.mark.parametrize("enable_async", [False, True])
@sources
def test_creation_exceeds_the_size_limit(source: str, enable_async: bool) -> None:
    env = SandboxedEnvironment(extensions=["tmplmon.ext.do"], enable_async=enable_async, max_size=100_000)
    with pytest.raises(TooLargeError, match=r"with those of its items|the text of the list would"):
        env.from_string(source).render()


@sources
def test_creation_uses_fuel(source: str) -> None:
    env = SandboxedEnvironment(extensions=["tmplmon.ext.do"], limits=Limits(fuel=20_000))
    with pytest.raises((FuelExhausted, TooLargeError)):
        env.from_string(source).render()


def test_each_append_costs_the_same_fuel() -> None:
    """A list that grows is not measured again for each item."""
    env = SandboxedEnvironment(extensions=["tmplmon.ext.do"])
    spent = {}
    for count in (100, 1000):
        loop = "{% for i in range(count) %}{% do rows.append({'a': i}) %}{% endfor %}"
        source = "{% set rows = [] %}" + loop + "{{ rows|length }}"
        with env.budget() as budget:
            assert env.from_string(source).render(count=count) == str(count)
        spent[count] = budget.spent.fuel
    assert spent[1000] < 11 * spent[100]


def test_variables_are_measured_when_the_template_uses_them() -> None:
    rows = [["cell"] * 10] * 10_000
    env = SandboxedEnvironment(max_size=1000)
    assert (
        env.from_string("{{ rows|length }}{% for row in rows[:2] %}{{ row[0] }}{% endfor %}").render(
            rows=rows
        )
        == "10000cellcell"
    )
    with pytest.raises(TooLargeError):
        env.from_string("{{ [rows]|length }}").render(rows=rows)
