"""The results of `meta` are those of Jinja2's `meta`."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import jinja2.meta
import pytest
from cases import casefile
from cases.differences import DIFFERENCES
from cases.engines import JINJA2, TMPLMON, Engine, evaluate
from differential.generate import site
from effort import examples
from hypothesis import given

import tmplmon
from tmplmon import meta

CASES = Path(__file__).parent / "cases"
# Jinja2's `meta` does not find errors in the generated code, or finds another one. A difference in syntax is also a
# difference of `meta`.
NOT_COMPARED = {"python-syntax-error", "first-unknown-filter", "opened-at-the-end"}

TEMPLATES = [
    "",
    "{{ a }}{{ a.b }}{{ a['c'] }}{{ d[e] }}{{ f(g, h=i, *j, **k) }}{{ l|default(m) }}",
    "{{ n is defined }}{{ o is sameas(p) }}{{ q if r else s }}{{ t and u or not v }}{{ {w: x} }}{{ [y, (z,)] }}",
    "{{ range(a) }}{{ dict(b=c) }}{{ lipsum() }}{{ namespace }}{{ cycler }}",
    "{% set a = a %}{{ a }}{% set b = 1 %}{{ b }}{% set c, d = e %}{{ c }}{{ f }}{% set f = 1 %}",
    "{% set ns.x = y %}",
    "{% set a %}{{ b }}{% set c = 1 %}{% endset %}{{ a }}{{ c }}",
    "{% if a %}{% set b = 1 %}{% endif %}{{ b }}",
    "{% if a %}{% set b = 1 %}{% else %}{% set b = 2 %}{% endif %}{{ b }}",
    "{% for a in b if a and c %}{{ a }}{{ loop.index }}{{ d }}{% set e = 1 %}{% else %}{{ a }}{% endfor %}{{ e }}",
    "{% for a in a %}{% for b in a recursive %}{{ loop(b) }}{% endfor %}{{ b }}{% endfor %}{{ loop }}",
    "{% macro m(a, b=d, c=a) %}{{ a }}{{ varargs }}{{ kwargs }}{{ caller() }}{{ e }}{% endmacro %}{{ m(f) }}",
    "{% macro m() %}{{ m() }}{{ n() }}{% endmacro %}{% macro n() %}{% endmacro %}{{ caller }}",
    "{% call(a, b=c) m(d) %}{{ a }}{{ caller }}{{ e }}{% endcall %}",
    "{% block t scoped %}{{ a }}{{ super() }}{{ self.t() }}{% endblock %}{% set b = 1 %}"
    "{% block u %}{{ b }}{% endblock %}",
    "{% with a = b, c = a %}{{ a }}{{ c }}{{ d }}{% endwith %}{{ a }}",
    "{% extends x %}{{ dropped }}{% block b %}{{ y }}{% endblock %}{% set z = w %}",
    "{% include a %}{% import b as c %}{{ c }}{% from d import e as f, g %}{{ e }}{{ f }}{{ g }}",
    "{% filter replace(a, 'b') %}{{ c }}{% endfilter %}{% autoescape d %}{{ e }}{% endautoescape %}",
    "{% raw %}{{ a }}{% endraw %}{# {{ b }} #}{% print c %}",
    "{{ self }}{{ super }}{{ varargs }}{{ true }}{{ none }}",
    "{{ a|unknown }}",
    "{% if a %}{{ b|unknown }}{% endif %}{{ c }}",
    "{{ a is unknown }}",
    "{% block a %}{% endblock %}{% block a %}{% endblock %}",
    "{{ a",
]


def sides(engine: Engine, environment: Any, source: str) -> list[Any]:
    """The results of both functions, or their errors."""
    functions = importlib.import_module(f"{engine.name}.meta")
    try:
        tree = environment.parse(source)
    except Exception as error:
        return [type(error).__name__, getattr(error, "lineno", None)]
    found: list[Any] = []
    for function in (functions.find_undeclared_variables, functions.find_referenced_templates):
        try:
            told = function(tree)
            found.append(told if isinstance(told, set) else list(told))
        except Exception as error:
            found.append((type(error).__name__, getattr(error, "lineno", None)))
    return found


@pytest.mark.parametrize("source", TEMPLATES)
def test_templates(source: str) -> None:
    expected = sides(JINJA2, jinja2.Environment(), source)
    assert sides(TMPLMON, tmplmon.Environment(), source) == expected


# Jinja's own analysis fails for a filter of a block set that reads a name: it does not visit the filter.
FAILS_IN_JINJA = {"scoping/block_set_filter_reads_names"}


def each_case() -> Iterator[Any]:
    for path in sorted(CASES.glob("*/*.txt")):
        name = path.relative_to(CASES).with_suffix("").as_posix()
        if name not in FAILS_IN_JINJA:
            yield pytest.param(path, id=name)


@pytest.mark.parametrize("path", list(each_case()))
def test_templates_of_the_cases(path: Path) -> None:
    case = casefile.read(path)
    if case.refusal("jinja") in NOT_COMPARED:
        return
    environments = []
    for engine in (JINJA2, TMPLMON):
        options = evaluate(case.sections.get("options", ""), engine)
        try:
            environments.append(engine.environment(case.templates, **options))
        except Exception:
            return  # the case is about this error
    for source in case.templates.values():
        expected = sides(JINJA2, environments[0], source)
        assert sides(TMPLMON, environments[1], source) == expected


def test_filters_of_block_sets() -> None:
    tree = tmplmon.Environment().parse("{% set a | indent(b) | replace(c, 'd') %}{{ e }}{% endset %}{{ a }}")
    assert tmplmon.meta.find_undeclared_variables(tree) == {"b", "c", "e"}


def test_cases_that_are_not_compared_have_a_known_difference() -> None:
    assert set(DIFFERENCES) >= NOT_COMPARED


@examples(150)
@given(case=site(depth=3))
def test_random_templates(case: casefile.Case) -> None:
    extensions = ["jinja2.ext.do", "jinja2.ext.loopcontrols"]
    theirs = jinja2.Environment(extensions=extensions)
    ours = tmplmon.Environment(extensions=extensions)
    for source in case.templates.values():
        assert sides(TMPLMON, ours, source) == sides(JINJA2, theirs, source)


REFERENCES = [
    "{% include 5 %}{% extends 5 %}{% import 5 as x %}{% from 5 import x %}",
    "{% include none %}{% include {'a': 1} %}{% include 'a' 'b' %}{% include ('a') %}",
    "{% include [5, 'a', none, x] %}{% extends ['a', 5, b] %}{% import ('a', 5, b) as y %}",
    "{% include () %}{% include [] %}{% include [['a']] %}{% include ('a',) %}{% include 'a' ~ 'b' %}",
    "{% include 'a' if x else 'b' %}{% include 'c' ignore missing without context %}",
    "{% if a %}{% include 'a' %}{% elif b %}{% include 'b' %}{% else %}{% include 'c' %}{% endif %}",
    "{% for x in y if z %}{% include 'd' %}{% else %}{% include 'e' %}{% endfor %}{% include 'd' %}",
    "{% block b %}{% include 'f' %}{% endblock %}{% call x() %}{% include 'g' %}{% endcall %}",
    "{% filter upper %}{% include 'h' %}{% endfilter %}{% set x %}{% include 'i' %}{% endset %}",
    "{% with %}{% include 'j' %}{% endwith %}{% autoescape true %}{% include 'k' %}{% endautoescape %}",
    "{% macro m() %}{% include 'l' %}{% endmacro %}{% extends 'm' %}{% import 'n' as n with context %}",
]


@pytest.mark.parametrize("source", REFERENCES)
def test_references(source: str) -> None:
    expected = list(jinja2.meta.find_referenced_templates(jinja2.Environment().parse(source)))
    assert list(meta.find_referenced_templates(tmplmon.Environment().parse(source))) == expected


def test_globals_are_not_undeclared() -> None:
    environment = tmplmon.Environment()
    environment.globals["a"] = 1
    assert meta.find_undeclared_variables(environment.parse("{{ a }}{{ b }}")) == {"b"}


def test_unknown_filters_are_errors_as_in_a_compilation() -> None:
    environment = tmplmon.Environment()
    with pytest.raises(tmplmon.TemplateAssertionError, match="No filter named 'nope'"):
        meta.find_undeclared_variables(environment.parse("{{ a|nope }}"))
    assert meta.find_undeclared_variables(environment.parse("{% if a %}{{ b|nope }}{% endif %}")) == {
        "a",
        "b",
    }


def test_the_tree_has_the_name_of_the_template() -> None:
    environment = tmplmon.Environment()
    tree = environment.parse("a\r\n{{ b }}", "name", "/file")
    assert tree.environment is environment
    assert (tree.source.text, tree.source.name, tree.source.filename) == ("a\n{{ b }}", "name", "/file")


def test_errors_have_the_passed_file_name() -> None:
    for name, filename in ((None, None), ("name", "/file")):
        with pytest.raises(tmplmon.TemplateSyntaxError) as caught:
            tmplmon.Environment().parse("\n{{", name, filename)
        assert (caught.value.name, caught.value.filename, caught.value.lineno) == (name, filename, 2)


def test_extensions_see_the_source_first() -> None:
    class Shout(tmplmon.ext.Extension):
        def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
            return source.replace("!!", "{{ loud }}")

    environment = tmplmon.Environment(extensions=[Shout])
    assert meta.find_undeclared_variables(environment.parse("a!!")) == {"loud"}
