"""Auto-reload: all templates that include, extend or import a changed template use the new version."""

import os
from pathlib import Path

import pytest

from tmplmon import Environment, FileSystemLoader

TEMPLATES = {
    "base.html": "[old base {% block body %}{% endblock %}]",
    "middle.html": "{% extends 'base.html' %}{% block body %}(old middle {{ super() }}){% endblock %}",
    "page.html": (
        "{% extends 'middle.html' %}{% import 'lib.html' as lib %}"
        "{% block body %}{{ super() }}{% include 'part.html' %} {{ lib.m() }}{% endblock %}"
    ),
    "part.html": "old part {% include ['inner.html'] %}",
    "inner.html": "old inner",
    "lib.html": "{% from 'deep.html' import n %}{% macro m() %}old lib {{ n() }}{% endmacro %}",
    "deep.html": "{% macro n() %}old deep{% endmacro %}",
    "loop.html": "{% for x in [1, 2] %}{% include 'inner.html' %};{% endfor %}",
}


def write(folder: Path, name: str, source: str, age: int) -> None:
    """Write a file with another modification time than before, whatever the resolution of the clock."""
    (folder / name).write_text(source)
    os.utime(folder / name, ns=(0, 1_700_000_000_000_000_000 + age))


@pytest.fixture(params=["bytecode", "closures", "source map", "disk cache"])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> Environment:
    for name, source in TEMPLATES.items():
        write(tmp_path, name, source, 0)
    options = {
        "bytecode": {},
        "closures": {"backend": "closures"},
        "source map": {"source_map": True},
        "disk cache": {"cache_dir": tmp_path / "cache"},
    }
    return Environment(loader=FileSystemLoader(tmp_path), **options[request.param])


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name not in ("page.html", "loop.html")])
def test_a_change_shows_where_the_template_is_used(
    environment: Environment, tmp_path: Path, name: str
) -> None:
    page = environment.get_template("page.html")
    before = page.render()
    word = name.removesuffix(".html")
    assert f"old {word}" in before
    for age, change in enumerate(("new", "newer"), 1):
        write(tmp_path, name, TEMPLATES[name].replace("old", change), age)
        # A template that was loaded before uses the new versions of others. Loaded again, it is new itself.
        for template in (page, environment.get_template("page.html")):
            assert template.render() == before.replace(f"old {word}", f"{change} {word}")


def test_templates_that_import_each_other(environment: Environment, tmp_path: Path) -> None:
    for one, other in (("one", "two"), ("two", "one")):
        source = "{% macro ONE(n) %}ONE{% if n %}{% from 'TWO.html' import TWO %}{{ TWO(n - 1) }}{% endif %}"
        source = source.replace("ONE", one).replace("TWO", other)
        write(tmp_path, f"{one}.html", source + "{% endmacro %}", 0)
    write(tmp_path, "both.html", "{% from 'one.html' import one %}{{ one(3) }}", 0)
    assert environment.get_template("both.html").render() == "onetwoonetwo"
    write(tmp_path, "two.html", "{% macro two(n) %}new{% endmacro %}", 1)
    assert environment.get_template("both.html").render() == "onenew"


def test_a_change_of_the_page_itself(environment: Environment, tmp_path: Path) -> None:
    environment.get_template("page.html").render()
    write(tmp_path, "page.html", "another", 1)
    assert environment.get_template("page.html").render() == "another"


def test_an_include_in_a_loop(environment: Environment, tmp_path: Path) -> None:
    assert environment.get_template("loop.html").render() == "old inner;old inner;"
    write(tmp_path, "inner.html", "new", 1)
    assert environment.get_template("loop.html").render() == "new;new;"


def test_a_template_that_is_added_and_deleted(environment: Environment, tmp_path: Path) -> None:
    source = "{% include 'extra.html' ignore missing %}|{% include ['extra.html', 'inner.html'] %}"
    write(tmp_path, "optional.html", source, 0)
    page = environment.get_template("optional.html")
    assert page.render() == "|old inner"
    write(tmp_path, "extra.html", "extra", 0)
    assert page.render() == "extra|extra"
    (tmp_path / "extra.html").unlink()
    assert page.render() == "|old inner"


def test_a_mistake_that_is_corrected(environment: Environment, tmp_path: Path) -> None:
    page = environment.get_template("page.html")
    before = page.render()
    write(tmp_path, "inner.html", "{% if %}", 1)
    with pytest.raises(Exception, match="expected"):
        page.render()
    write(tmp_path, "inner.html", "old inner", 2)
    assert page.render() == before


def test_without_auto_reload(environment: Environment, tmp_path: Path) -> None:
    fixed = environment.overlay(auto_reload=False)
    before = fixed.get_template("page.html").render()
    for name in TEMPLATES:
        write(tmp_path, name, "new", 1)
    assert fixed.get_template("page.html").render() == before
