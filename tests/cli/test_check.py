"""``tmplmon check``: the problems that it reports, and the formats of its output."""

import json
import os
from pathlib import Path

import pytest

from .conftest import Command, put


def check(here: Path, tmplmon: Command, *words: str, **templates: str) -> list[str]:
    """The reported lines for templates (``a`` is ``t/a.html``), without the directory."""
    for name, source in templates.items():
        put(here / f"t/{name}.html", source)
    result = tmplmon("check", "t", *words)
    assert result.status == (1 if result.out else 0)
    return [line.removeprefix("t/") for line in result.out.splitlines()]


def test_nothing_to_report(here: Path, tmplmon: Command) -> None:
    put(here / "t/a.html", "{{ a|upper }}")
    put(here / "t/_b.html.j2", "x")
    put(here / "t/c.css", "{{")
    result = tmplmon("check t")
    assert (result.status, result.out, result.err) == (0, "", "2 templates, no problems\n")


def test_the_environment_of_an_application(
    here: Path, tmplmon: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its filters, tests, globals and delimiters are used, and its loader finds templates."""
    monkeypatch.syspath_prepend(here)
    put(
        here / "checked_app.py",
        "from tmplmon import DictLoader, Environment\n"
        "loader = DictLoader({'theirs.html': ''})\n"
        "env = Environment(loader=loader, variable_start_string='<<', variable_end_string='>>')\n"
        "env.filters['money'] = str\nenv.tests['cheap'] = bool\nenv.globals['shop'] = 1\n",
    )
    page = "{% include 'theirs.html' %}{{ << shop|money is cheap >>\n<< nobody|dear >>"
    assert check(here, tmplmon, "--environment", "checked_app:env", "--names", "x", a=page) == [
        "a.html:2:4: nothing defines 'nobody' [undefined-name]",
        "a.html:2:4: there is no filter named 'dear' [unknown-filter]",
    ]
    assert tmplmon("check t --environment checked_app:nothing").status == 2


def test_syntax_errors(here: Path, tmplmon: Command) -> None:
    assert check(
        here, tmplmon, a="\n{{ é b }}", b="{% block a %}{% endblock %}{% block a %}{% endblock %}"
    ) == [
        "a.html:2:6: unexpected 'b'; expected ',', '}}' or an operator [syntax]",
        "b.html:1:28: block 'a' defined twice; a block's name is unique in a template [syntax]",
    ]


def test_all_unknown_filters_and_tests(here: Path, tmplmon: Command) -> None:
    problems = check(
        here,
        tmplmon,
        a="{{ é|uper|nope }}\n{% if a is odd or a is oddd %}{{ b|nope }}{% endif %}",
        b="{% if 'nope' is filter %}{{ b|nope }}{% endif %}{{ b|nope if 'nope' is filter and 'm' is test }}",
        c="{% if 'm' is test %}{{ b is m }}{% else %}{{ b|m }}{% endif %}",
    )
    assert problems == [
        "a.html:1:4: there is no filter named 'uper'; did you mean 'upper'? [unknown-filter]",
        "a.html:1:4: there is no filter named 'nope' [unknown-filter]",
        "a.html:2:19: there is no test named 'oddd'; did you mean 'odd'? [unknown-test]",
        "a.html:2:34: there is no filter named 'nope' [unknown-filter]",
        "c.html:1:46: there is no filter named 'm' [unknown-filter]",
    ]


def test_missing_templates(here: Path, tmplmon: Command) -> None:
    problems = check(
        here,
        tmplmon,
        a="{% extends 'bace.html' %}{% include 'gone' %}{% include 'gone' ignore missing %}",
        b="{% import 'gone' as m %}{% from 'gone' import f %}{% include ['gone', 'a.html'] %}",
        c="{% include ['gone', 'off'] %}{% include [x, 'gone'] %}{% include x %}",
        d="{% extends 'base.html' if x else 'gone' %}",
        base="",
    )
    assert problems == [
        "a.html:1:12: there is no template 'bace.html'; did you mean 'base.html'? [missing-template]",
        "a.html:1:37: there is no template 'gone' [missing-template]",
        "b.html:1:11: there is no template 'gone' [missing-template]",
        "b.html:1:33: there is no template 'gone' [missing-template]",
        "c.html:1:12: there is no template any of 'gone', 'off' [missing-template]",
        "d.html:1:12: there is no template 'gone' [missing-template]",
    ]


def test_missing_imports(here: Path, tmplmon: Command) -> None:
    problems = check(
        here,
        tmplmon,
        a="{% from 'm.html' import f, g, h as i %}{% import 'm.html' as m %}{{ m.f() }}{{ m.ff() }}{{ m.base() }}",
        b="{% import 'm.html' as m %}{% if x %}{% import x as m %}{% endif %}{{ m.other() }}",
        c="{% import 'm.html' as m %}{% if m.q is defined %}{{ m.f() }}{% endif %}{% import x as y %}{{ y.q }}",
        m="{% extends 'p.html' %}{% macro f() %}{% endmacro %}{% set h = 1 %}{% for x in y %}{% set g = 1 %}"
        "{% endfor %}",
        p="{% macro base() %}{% endmacro %}",
    )
    assert problems == [
        "a.html:1:1: 'm.html' has no macro or variable 'g' [missing-import]",
        "a.html:1:80: 'm.html' has no macro or variable 'ff' [missing-import]",
        "c.html:1:33: 'm.html' has no macro or variable 'q' [missing-import]",
    ]


# --- undefined names ---------------------------------------------------------------------------------------


def test_undefined_names_only_if_the_names_are_known(here: Path, tmplmon: Command) -> None:
    templates = {"a": "{{ site }}\n{{ é ~ sit.x }}{{ range(2) }}{{ é }}"}
    assert check(here, tmplmon, **templates) == []
    assert check(here, tmplmon, "--names", "site, other", **templates) == [
        "a.html:2:4: nothing defines 'é' [undefined-name]",
        "a.html:2:8: nothing defines 'sit'; did you mean 'site'? [undefined-name]",
        "a.html:2:33: nothing defines 'é' [undefined-name]",
    ]
    assert check(here, tmplmon, "--names", "site", "--data", "é=1", "sit:={}", **templates) == []
    assert len(check(here, tmplmon, "--names", "", **templates)) == 4


@pytest.mark.parametrize(
    "source",
    [
        "{% set x = 1 %}{{ x }}",
        "{% for x in [1] %}{{ x }}{{ loop.index }}{% endfor %}",
        "{% macro x(y, z=1) %}{{ y }}{{ z }}{{ caller() }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ x() }}",
        "{% with x = 1 %}{{ x }}{% endwith %}",
        "{% if x is defined %}{{ x }}{% endif %}",
        "{% if x is not defined %}no{% else %}{{ x }}{% endif %}",
        "{{ x if x is defined }}",
        "{{ x is defined and x.y }}",
        "{{ x|default('') }}{{ x|d(1) }}",
        "{% if x is defined %}{% for y in x %}{{ x }}{% endfor %}{% call z() %}{{ x }}{% endcall %}{% endif %}"
        "{% macro z() %}{% endmacro %}",
        "{% if x is defined %}{% block b %}{{ x }}{% endblock %}{% endif %}",
        "{% if true %}{% set x = 1 %}{% endif %}{{ x }}",
        "{% block b %}{{ super() }}{{ self.b() }}{% endblock %}",
        "{% set ns = namespace(a=1) %}{% set ns.a = 2 %}{{ ns.a }}",
        "{% macro outer() %}{% set x = 1 %}{% macro inner() %}{{ x }}{% endmacro %}{{ inner() }}{% endmacro %}",
    ],
)
def test_names_that_are_defined_or_tested(here: Path, tmplmon: Command, source: str) -> None:
    assert check(here, tmplmon, "--names", "", a=source) == []


@pytest.mark.parametrize(
    ("source", "column"),
    [
        ("{{ x }}", 4),
        ("{% for y in [1] %}{% set x = 1 %}{% endfor %}{{ x }}", 49),
        ("{% macro m() %}{{ x }}{% endmacro %}", 19),
        ("{% set y %}{{ x }}{% endset %}", 15),
        ("{{ loop.index }}", 4),
        ("{{ x.y|default(1) }}", 4),
        ("{{ 1|default(x) }}", 14),
        ("{{ caller() }}", 4),
        ("{% block b %}{{ x }}{% endblock %}", 17),
        ("{% if x %}{% endif %}", 7),
    ],
)
def test_names_that_nothing_defines(here: Path, tmplmon: Command, source: str, column: int) -> None:
    (problems,) = check(here, tmplmon, "--names", "", a=source)
    assert problems.startswith(f"a.html:1:{column}: nothing defines ")


def test_names_that_other_templates_define(here: Path, tmplmon: Command) -> None:
    """An include passes its variables on. A template shares its assignments with its parents and children."""
    assert (
        check(
            here,
            tmplmon,
            "--names",
            "given",
            page="{% extends 'base.html' %}{% set slug = 1 %}{% block b %}{{ crumbs }}{{ ui.x() }}"
            "{{ row }}{% endblock %}",
            base="{% import 'ui.html' as ui %}{% set crumbs = 2 %}{{ slug }}{% for row in given %}"
            "{% block b scoped %}{% endblock %}{% include 'row.html' %}{% endfor %}",
            row="{{ row }}{{ given }}{{ slug }}{% include 'cell.html' %}",
            cell="{{ row }}{{ loop }}",
            ui="{% macro x() %}{% endmacro %}",
        )
        == []
    )


def test_names_that_are_not_passed_on(here: Path, tmplmon: Command) -> None:
    problems = check(
        here,
        tmplmon,
        "--names",
        "given",
        a="{% import 'm.html' as m %}{% set x = 1 %}{% include 'i.html' without context %}{{ m.f() }}",
        m="{% macro f() %}{{ x }}{{ given }}{% endmacro %}",
        i="{{ x }}",
        b="{% from 'w.html' import f with context %}{% set x = 1 %}",
        w="{% macro f() %}{{ given }}{% endmacro %}",
    )
    assert problems == [
        "i.html:1:4: nothing defines 'x' [undefined-name]",
        "m.html:1:19: nothing defines 'x' [undefined-name]",
        "m.html:1:26: nothing defines 'given' [undefined-name]",
    ]


def test_a_computed_include_may_be_any_template(here: Path, tmplmon: Command) -> None:
    assert check(here, tmplmon, "--names", "which", a="{% set x = 1 %}{% include which %}", b="{{ x }}") == []


# --- what is looked at -------------------------------------------------------------------------------------


def test_one_file_and_the_templates_that_it_uses(here: Path, tmplmon: Command) -> None:
    """Only problems of the named templates are reported, although others are loaded."""
    put(here / "t/a.html", "{% from 'b.html' import f %}{{ f() }}{{ 1|nope }}")
    put(here / "t/b.html", "{% macro f() %}{{ 1|nope }}{% endmacro %}")
    result = tmplmon("check t/a.html")
    assert result.out.splitlines() == ["t/a.html:1:41: there is no filter named 'nope' [unknown-filter]"]
    assert tmplmon("check t/a.html t").out.count("nope") == 2
    assert tmplmon("check t/a.html --path t").status == 1


def test_the_search_path(here: Path, tmplmon: Command) -> None:
    put(here / "t/pages/a.html", "{% include 'b.html' %}")
    put(here / "theme/b.html", "")
    assert tmplmon("check t").status == 1
    assert tmplmon("check t --path theme").status == 0
    assert tmplmon("check t/pages/a.html --path theme --path t").status == 0


def test_unreadable_files(here: Path, tmplmon: Command) -> None:
    put(here / "t/latin.html", b"caf\xe9")
    put(here / "t/user.html", "{% include 'latin.html' %}")
    result = tmplmon("check t")
    assert result.status == 1
    (line,) = result.out.splitlines()
    assert line == "t/latin.html: not valid UTF-8: unexpected end of data at byte 3 [unreadable]"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root can read everything")
def test_files_without_permission(here: Path, tmplmon: Command) -> None:
    put(here / "t/a.html", "")
    (here / "t/a.html").chmod(0)
    assert "t/a.html: Permission denied" in tmplmon("check t").out


def test_usage_errors(here: Path, tmplmon: Command) -> None:
    put(here / "a.html", "{{")
    for words, message in (
        ("check", "required: PATH"),
        ("check nowhere", "there is no nowhere"),
        ("check a.html nowhere", "there is no nowhere"),
        ("check a.html --names 1x", "'1x' is not a name"),
        ("check a.html --data x.yaml", "YAML"),
    ):
        result = tmplmon(words)
        assert (result.status, result.out) == (2, "")
        assert message in result.err


# --- formats -----------------------------------------------------------------------------------------------


def test_json(here: Path, tmplmon: Command) -> None:
    put(here / "a.html", "é{{ x|uper }}")
    result = tmplmon("check a.html --format json")
    assert result.status == 1
    assert json.loads(result.out) == {
        "templates": 1,
        "problems": [
            {
                "path": "a.html",
                "line": 1,
                "column": 5,
                "end_column": 11,
                "code": "unknown-filter",
                "message": "there is no filter named 'uper'",
                "hint": "did you mean 'upper'?",
            }
        ],
    }
    put(here / "a.html", "")
    assert json.loads(tmplmon("check a.html --format json").out) == {"templates": 1, "problems": []}


def test_github(here: Path, tmplmon: Command) -> None:
    put(here / "a,b.html", "{% include '100%' %}\n{{ 1|uper }}")
    assert tmplmon("check", "a,b.html", "--format", "github").out.splitlines() == [
        "::error file=a%2Cb.html,line=1,col=12,endColumn=17,title=missing-template::there is no template '100%25'",
        "::error file=a%2Cb.html,line=2,col=4,endColumn=9,title=unknown-filter::"
        "there is no filter named 'uper'; did you mean 'upper'?",
    ]


def test_the_summary(here: Path, tmplmon: Command) -> None:
    put(here / "t/a.html", "{{ 1|x }}{{ 1|y }}")
    put(here / "t/b.html", "")
    assert tmplmon("check t").err == "2 problems in 1 of 2 templates\n"
    assert tmplmon("check t/a.html --format json").err == ""
