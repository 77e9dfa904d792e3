"""The decisions of the lowering about names, by the output of templates."""

import jinja2
import pytest

from tmplmon import DictLoader, Environment, TemplateAssertionError

UNKNOWN = [
    # Unknown filters and tests are errors when a template is compiled, except in code that may not run.
    ("{{ x|nope }}", 1),
    ("{{ x is nope }}", 1),
    ("{{ 1 if a else 2 }}{{ x|nope }}", 1),
    ("{{ 1 if a }}\n{{ x|nope }}", 2),
    ("{{ (1 if a else 2)|nope }}", 1),
    ("{{ [1 if a else 2, x|nope] }}", 1),
    ("{{ 1 if a else (2 if b else 3) }}\n{{ x is nope }}", 2),
    ("{% if a %}b{% endif %}\n{{ x|nope }}", 2),
    ("{% if a %}b{% else %}{{ y|nope }}{% endif %}\n{{ x|nope }}", 2),
    ("{% if a %}{% if b %}c{% endif %}{% endif %}\n{{ x is nope }}", 2),
    ("{% if a %}{% endif %}{% for i in l %}\n{{ x|nope }}{% endfor %}", 2),
    ("{% macro m() %}{{ 1 if a }}\n{{ x|nope }}{% endmacro %}", 2),
]


@pytest.mark.parametrize(("source", "line"), UNKNOWN, ids=[row[0] for row in UNKNOWN])
def test_an_unknown_name_is_an_error_at_once(source: str, line: int, backend: str) -> None:
    with pytest.raises(TemplateAssertionError, match=r"[Nn]o (filter|test) named 'nope'") as raised:
        Environment(backend=backend).from_string(source)
    assert raised.value.lineno == line


@pytest.mark.parametrize(
    "source",
    [
        "{{ 1 if a else x|nope }}",
        "{{ x|nope if no else 1 }}",
        "{{ 1 if a or (x|nope) else 2 }}",
        "{% if a %}1{% else %}{{ x|nope }}{% endif %}",
        "{% if a %}1{% elif x is nope %}{% endif %}",
        "{% if no %}{% if l %}{{ x is nope }}{% endif %}{% else %}1{% endif %}",
    ],
)
def test_an_unknown_name_that_is_not_reached(source: str, backend: str) -> None:
    assert Environment(backend=backend).from_string(source).render(a=True) == "1"


def test_a_set_blocks_filter_reads_names_of_the_block_around(backend: str) -> None:
    """Jinja2 raises AssertionError if only the filter reads the name."""
    environment = Environment(backend=backend)
    for source, output in (
        ("{% set x|replace('a', b) %}abc{% endset %}{{ x }}", "Bbc"),
        ("{% set x|replace('a', b) %}{% set b = 'c' %}abc{% endset %}{{ x }}", "Bbc"),
        ("{% macro m() %}{% set x|replace('a', b) %}abc{% endset %}{{ x }}{% endmacro %}{{ m() }}", "Bbc"),
        ("{% for i in 'a' %}{% set x|replace(i, b) %}abc{% endset %}{{ x }}{% endfor %}", "Bbc"),
    ):
        assert environment.from_string(source).render(b="B") == output


# --- exports -----------------------------------------------------------------------------------------------

LIB = """
{%- set public = 1 %}{% set _private = 2 %}
{%- macro shown() %}{% endmacro %}{% macro _hidden() %}{% endmacro %}
{%- import "other" as other %}{% import "other" as _other %}
{%- from "other" import a, b as c, a as _a %}
{%- with %}{% set inner = 1 %}{% endwith %}
{%- for i in [1] %}{% set in_loop = 1 %}{% endfor %}
{%- if true %}{% set in_if = 1 %}{% endif %}
{%- set first, _second = 1, 2 %}
{%- set text %}x{% endset %}{% set _text %}x{% endset %}
"""


def test_exported_names(backend: str) -> None:
    """Assignments and macros at the top level are exported, unless the name begins with an underscore. Imported
    names are not."""
    sources = {"lib": LIB, "other": "{% macro a() %}{% endmacro %}{% macro b() %}{% endmacro %}"}
    environment = Environment(backend=backend, loader=DictLoader(sources))
    module = environment.get_template("lib").module
    for each in (module, jinja2.Environment(loader=jinja2.DictLoader(sources)).get_template("lib").module):
        names = {name for name in vars(each) if not name.startswith("__")} - {"_body_stream"}
        assert names == {"public", "shown", "in_if", "first", "text"}
    for name in (
        "_private",
        "_hidden",
        "other",
        "_other",
        "a",
        "c",
        "_a",
        "_second",
        "_text",
        "inner",
        "in_loop",
    ):
        assert not hasattr(module, name), name
        shown = environment.from_string(f"{{% import 'lib' as lib %}}{{{{ lib['{name}'] is defined }}}}")
        assert shown.render() == "False"


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("{% set x = 1 %}{% import 'other' as x %}", set()),
        ("{% set _x = 1 %}{% import 'other' as _x %}", set()),
        ("{% import 'other' as x %}{% set x = 1 %}", {"x"}),
        ("{% set a = 1 %}{% from 'other' import a %}", set()),
        ("{% set a, y = 1, 2 %}{% from 'other' import a as y %}", {"a"}),
        ("{% from 'other' import a as _a %}{% set b = 1 %}", {"b"}),
        ("{% macro x() %}{% endmacro %}{% set y %}{% endset %}{% set _z %}{% endset %}", {"x", "y"}),
    ],
)
def test_an_import_takes_a_name_out_of_the_exports(source: str, names: set[str], backend: str) -> None:
    sources = {"lib": source, "other": "{% macro a() %}{% endmacro %}"}
    for environment in (
        jinja2.Environment(loader=jinja2.DictLoader(sources)),
        Environment(backend=backend, loader=DictLoader(sources)),
    ):
        module = environment.get_template("lib").module
        exported = {name for name in vars(module) if not name.startswith("__")} - {"_body_stream"}
        assert exported == names
