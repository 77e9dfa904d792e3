"""A large table of one-line templates: values by operators, filters, tests and accessors."""

from collections.abc import Iterator
from itertools import product

import pytest
from effort import every
from jinja2.filters import FILTERS as JINJA2_FILTERS
from jinja2.tests import TESTS as JINJA2_TESTS

from .compare import Batch, assert_none
from .vocabulary import FILTERS, RANDOM, TESTS

# Each value is used as a literal, which an engine may evaluate at compile time, and as a variable.
VALUES = {
    "zero": "0",
    "one": "1",
    "minus": "-3",
    "big": "2 ** 70",
    "real": "2.5",
    "text": '"Some text <b>&amp;</b> with words"',
    "digits": '"42"',
    "empty": '""',
    "nothing": "none",
    "yes": "true",
    "numbers": "[3, 1, 2, 1]",
    "no_items": "[]",
    "pair": '("b", "a")',
    "table": '{"b": 1, "a": 2}',
    "rows": '[{"n": 1, "t": "x"}, {"n": 2, "t": "y"}, {"n": 1}]',
    "mixed": '[1, "a", none]',
    "absent": "absent",
}
OBJECTS = ("user", "users", "markup", "html", "letters", "both", "items", "absent.attribute")
CONTEXT = (
    "\n".join(f"{name} = {literal}" for name, literal in VALUES.items() if name != "absent")
    .replace("none", "None")
    .replace("true", "True")
    + """
user = User("ann", 30)
users = [User("bob", 30), User("ann", 20), User("Cid", 30)]
markup = Markup("<i>mark &amp; up</i>")
html = Html()
letters = generator("b", "a", "c")
both = Both()
items = Items(k="v", n=1)
"""
)

BINARY = (
    *("+", "-", "*", "/", "//", "%", "**", "~"),
    *("==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"),
)
OPERANDS = ("zero", "one", "real", "text", "nothing", "yes", "numbers", "pair", "table", "absent")
WRAPPERS = (
    "not {}",
    "-{}",
    "+{}",
    "({})",
    "[{}]",
    "({},)",
    "{{'k': {} }}",
    "{} ~ {}",
    "{} if {} else 'else'",
    "'then' if {}",
    "{}|string",
    "{}.name",
    "{}['name']",
    "{}.n",
    "{}['k']",
    "{}[0]",
    "{}[-1]",
    "{}.0",
    "{}[9]",
    "{}[1:]",
    "{}[::-1]",
    "{}[:'x']",
    "{}.upper()",
    "{}.items()",
    "{}.missing()",
    "{}()",
    "{}|length > 1 and true",
    "1 < {} < 5",
    "{} is defined and {} is not none",
)
STATEMENTS = (
    "{{% for x in {} %}}{{{{ loop.index }}}}{{{{ x }}}},{{% else %}}none{{% endfor %}}",
    "{{% for x in {} if x %}}{{{{ loop.length }}}}{{{{ x }}}}{{% endfor %}}",
    "{{% for x, y in {} %}}{{{{ x }}}}{{{{ y }}}}{{% endfor %}}",
    "{{% if {} %}}yes{{% else %}}no{{% endif %}}",
    "{{% set x = {} %}}{{{{ x }}}}",
    "{{% set x, y = {} %}}{{{{ x }}}}{{{{ y }}}}",
    "{{% with x = {} %}}{{{{ x }}}}{{% endwith %}}",
    "{{% macro m(a, b=5) %}}{{{{ a }}}}{{{{ b }}}}{{% endmacro %}}{{{{ m({}) }}}}",
    "{{% macro m() %}}{{{{ varargs }}}}{{{{ kwargs }}}}{{% endmacro %}}{{{{ m(*{}) }}}}",
    "{{% macro m() %}}{{{{ kwargs }}}}{{% endmacro %}}{{{{ m(**{}) }}}}",
    "{{% filter upper %}}{{{{ {} }}}}{{% endfilter %}}",
    "{{% autoescape true %}}{{{{ {} }}}}{{% endautoescape %}}",
    "{{% set x %}}{{{{ {} }}}}{{% endset %}}{{{{ x }}}}",
    "{{% include {} %}}",
    "{{% include {} ignore missing %}}",
    "{{% extends {} %}}",
    "{{% import {} as x %}}",
)

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*object is not (subscriptable|callable):SyntaxWarning",  # about constants in Jinja2's generated code
    "ignore:coroutine .* was never awaited:RuntimeWarning",
)
OPTIONS = {
    "plain": "",
    "autoescape": "autoescape = True",
    "strict": "undefined = StrictUndefined",
    "chainable": "undefined = ChainableUndefined",
    "debug": "undefined = DebugUndefined",
    "finalize": "finalize = lambda v: '' if v is None else v",
    "async": "enable_async = True",
    "native": "native = True",
}
everywhere = pytest.mark.parametrize("options", ["plain", "autoescape", "strict", "async"])


def operands() -> Iterator[str]:
    yield from VALUES
    yield from (literal for literal in VALUES.values() if literal != "absent")
    yield from OBJECTS


def batch(options: str) -> Batch:
    return Batch(OPTIONS[options], CONTEXT)


@pytest.mark.parametrize("operator", BINARY)
def test_operator(operator: str) -> None:
    sources = []
    for left, right in product(OPERANDS, OPERANDS):
        sources.append(f"{{{{ {left} {operator} {right} }}}}")
        if "absent" not in (left, right):
            sources.append(f"{{{{ ({VALUES[left]}) {operator} ({VALUES[right]}) }}}}")
    assert_none(batch("plain").differences(every(5, sources)))


@pytest.mark.parametrize("options", ["autoescape", "strict", "chainable", "async"])
def test_operators_with(options: str) -> None:
    objects = ("markup", "html", "text", "absent", "user")
    sources = [
        f"{{{{ {left} {operator} {right} }}}}" for left, operator, right in product(objects, BINARY, objects)
    ]
    assert_none(batch(options).differences(every(5, sources)))


@pytest.mark.parametrize("options", list(OPTIONS))
def test_wrapped(options: str) -> None:
    values = operands() if options in ("plain", "autoescape") else (*VALUES, *OBJECTS)
    sources = [f"{{{{ {form.replace('{}', value)} }}}}" for value in values for form in WRAPPERS]
    assert_none(batch(options).differences(source.replace("{{'", "{'") for source in every(5, sources)))


@everywhere
def test_statement(options: str) -> None:
    sources = [form.format(value) for form in STATEMENTS for value in operands()]
    assert_none(batch(options).differences(every(5, sources)))


@pytest.mark.parametrize("name", FILTERS)
def test_filter(name: str) -> None:
    for options in ("plain", "autoescape"):
        sources = [f"{{{{ ({value})|{name}{args} }}}}" for value in operands() for args in FILTERS[name]]
        assert_none(batch(options).differences(every(5, sources)))


@pytest.mark.parametrize("options", ["strict", "async", "debug"])
def test_filters_with(options: str) -> None:
    values = ("absent", "markup", "letters", "users", "text", "rows", "numbers")
    sources = [f"{{{{ {value}|{name}{args[0]} }}}}" for value in values for name, args in FILTERS.items()]
    assert_none(batch(options).differences(sources))


@pytest.mark.parametrize("name", TESTS)
def test_test(name: str) -> None:
    forms = [f"is {name}{args}" for args in TESTS[name]] + [f"is not {name}{TESTS[name][0]}"]
    sources = [f"{{{{ ({value}) {form} }}}}" for value in operands() for form in forms]
    assert_none(batch("plain").differences(every(5, sources)))


@pytest.mark.parametrize("options", ["strict", "chainable", "async"])
def test_tests_with(options: str) -> None:
    values = ("absent", "absent.attribute", "user.missing", "markup", "letters")
    sources = [f"{{{{ {value} is {name}{args[0]} }}}}" for value in values for name, args in TESTS.items()]
    assert_none(batch(options).differences(sources))


def test_the_table_has_all_filters_and_tests() -> None:
    assert set(JINJA2_FILTERS) - RANDOM <= set(FILTERS)
    assert {name for name in JINJA2_TESTS if name.isidentifier()} <= set(TESTS)
