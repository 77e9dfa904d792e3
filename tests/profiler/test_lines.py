"""The time of each line. In each template, line N contains the time that it spends."""

import pytest

from .conftest import Site, file_of, lines


def test_each_line_has_its_own_time(site: Site) -> None:
    site.add(
        page="""
{{ spend(1) }}
text
{{ spend(3) }}{{ spend(4) }}
"""
    )
    assert lines(site.profile()) == {1: (1, 1, 1), 2: (1, 0, 0), 3: (1, 7, 7)}


def test_a_loop_reaches_its_line_on_every_round(site: Site) -> None:
    site.add(
        page="""
{% for n in range(3) %}
  {{ spend(n) }}
{% endfor %}
"""
    )
    assert lines(site.profile()) == {1: (4, 0, 0), 2: (3, 3, 3)}


def test_renderings_add_up(site: Site) -> None:
    site.add(page="{{ spend(5) }}")
    profile = site.profile(lambda: [site.render() for _ in range(4)])
    assert (profile.renderings, profile.spent, lines(profile)) == (4, 20, {1: (4, 20, 20)})


def test_an_include_counts_for_the_line_that_includes_it_and_in_its_own_file(site: Site) -> None:
    site.add(
        page="""
{{ spend(1) }}
{% for n in (1, 2) %}
  {% include "row" %}{{ spend(10) }}
{% endfor %}
""",
        row="""
{{ spend(100) }}
{{ spend(200) }}
""",
    )
    profile = site.profile()
    assert lines(profile) == {1: (1, 1, 1), 2: (3, 0, 0), 3: (2, 20, 620)}
    assert lines(profile, "row") == {1: (2, 200, 200), 2: (2, 400, 400)}
    (called,) = file_of(profile, "page").lines[3].calls.values()
    assert (called.hits, called.own, called.total) == (2, 600, 600)


def test_an_include_whose_name_is_computed(site: Site) -> None:
    site.add(page='{% include ["none", which] %}', row="{{ spend(7) }}")
    profile = site.profile(which="row")
    assert lines(profile) == {1: (1, 0, 7)}
    assert lines(profile, "row") == {1: (1, 7, 7)}


def test_macros_count_for_the_call_and_for_their_own_lines(site: Site) -> None:
    site.add(
        page="""
{% from "lib" import field %}
{{ field(1) }}
{{ field(2) }}
""",
        lib="""
{% macro field(n) %}
  {{ spend(10 * n) }}
  {{ caller_less() if false }}
{% endmacro %}
""",
    )
    profile = site.profile()
    assert lines(profile)[2] == (1, 0, 10)
    assert lines(profile)[3] == (1, 0, 20)
    assert lines(profile, "lib")[2] == (2, 30, 30)
    names = {scope.name: figures.hits for scope, figures in profile.scopes.items()}
    assert names["<template>.macro field"] == 2 or names["macro field"] == 2


def test_call_blocks(site: Site) -> None:
    site.add(
        page="""
{% macro box() %}
  {{ spend(1) }}{{ caller() }}
{% endmacro %}
{% call box() %}
  {{ spend(5) }}
{% endcall %}
"""
    )
    profile = site.profile()
    assert [lines(profile)[number] for number in (2, 4, 5)] == [(1, 1, 6), (1, 0, 6), (1, 5, 5)]


def test_blocks_and_parents(site: Site) -> None:
    site.add(
        page="""
{% extends "base" %}
{% block body %}
  {{ spend(1) }}
  {{ super() }}
{% endblock %}
""",
        base="""
{{ spend(10) }}
{% block body %}
  {{ spend(100) }}
{% endblock %}
""",
    )
    profile = site.profile()
    assert lines(profile)[1][1:] == (0, 111)
    assert lines(profile)[3] == (1, 1, 1)
    assert lines(profile)[4] == (1, 0, 100)
    assert lines(profile, "base") == {1: (1, 10, 10), 2: (1, 0, 101), 3: (1, 100, 100)}


def test_an_include_has_its_own_name(site: Site) -> None:
    site.add(page='{% block content %}{% include "part" %}{% endblock %}', part="{{ spend(1) }}")
    profile = site.profile()
    names = [scope.name for scope in profile.scopes if scope.file == file_of(profile, "part").path]
    assert names == ["<template>"]


def test_recursion_counts_a_moment_once(site: Site) -> None:
    site.add(
        page="""
{% macro down(n) %}
  {{ spend(1) }}
  {% if n %}
    {{ down(n - 1) }}
  {% endif %}
{% endmacro %}
{{ down(3) }}
"""
    )
    profile = site.profile()
    assert profile.spent == 4
    assert lines(profile)[2] == (4, 4, 4)
    assert lines(profile)[4] == (3, 0, 3)
    assert lines(profile)[7] == (1, 0, 4)
    (macro,) = [figures for scope, figures in profile.scopes.items() if "down" in scope.name]
    assert (macro.hits, macro.own, macro.total) == (4, 4, 4)


def test_a_template_that_includes_itself(site: Site) -> None:
    site.add(
        page="""
{{ spend(1) }}
{% if n %}
  {% with n = n - 1 %}{% include "page" %}{% endwith %}
{% endif %}
"""
    )
    profile = site.profile(n=5)
    assert lines(profile) == {1: (6, 6, 6), 2: (6, 0, 0), 3: (5, 0, 5)}


def test_a_recursive_loop(site: Site) -> None:
    site.add(
        page="""
{% for node in tree recursive %}
  {{ spend(node.cost) }}
  {{ loop(node.below) }}
{% endfor %}
"""
    )
    leaf = {"cost": 10, "below": []}
    profile = site.profile(tree=[{"cost": 1, "below": [leaf, leaf]}])
    assert profile.spent == 21
    assert lines(profile)[2] == (3, 21, 21)
    # A recursive loop is a function of its own in one back end, and a part of its scope in the other.
    assert lines(profile)[3] == (3, 0, 20 if site.environment.backend == "bytecode" else 0)


def test_time_before_the_first_line_counts_for_the_first_line(site: Site) -> None:
    """The names of a template are looked up first, which takes time here."""
    site.add(
        page="""
{# nothing #}
{{ value }}
"""
    )

    class Names(dict):  # type: ignore[type-arg]
        def __missing__(self, name: str) -> object:
            raise KeyError(name)

    assert lines(site.profile(value=1)) == {2: (1, 0, 0)}


def test_an_empty_block_has_its_own_line(site: Site) -> None:
    site.add(page="{{ spend(2) }}{% block empty %}{% endblock %}")
    profile = site.profile()
    assert lines(profile)[1] == (1, 2, 2)


def test_functions_and_filters_count_for_the_line_that_calls_them(site: Site) -> None:
    site.environment.filters["slow"] = lambda value: site.clock.spend(6)
    site.add(page="{{ 1|slow }}\n{{ [3]|map('slow')|join }}")
    assert lines(site.profile()) == {1: (1, 6, 6), 2: (1, 6, 6)}


def test_a_template_rendered_by_a_function_that_a_template_calls(site: Site) -> None:
    site.add(page="{{ inner() }}{{ spend(1) }}", other="{{ spend(50) }}")
    profile = site.profile(inner=lambda: site.render("other"))
    assert lines(profile) == {1: (1, 1, 51)}
    assert lines(profile, "other") == {1: (1, 50, 50)}
    assert profile.renderings == 1


@pytest.mark.parametrize("generated", [False, True])
def test_templates_that_are_compiled_during_the_profile(site: Site, generated: bool) -> None:
    site.add(page='{% include "row" %}', row="{{ spend(4) }}")
    profile = site.profile(
        lambda: list(site.environment.get_template("page").generate()) if generated else site.render()
    )
    assert (lines(profile), lines(profile, "row")) == ({1: (1, 0, 4)}, {1: (1, 4, 4)})


def test_expressions(site: Site) -> None:
    expression = site.environment.compile_expression("spend(3) ~ 1")
    profile = site.profile(lambda: expression(spend=site.clock.spend))
    assert profile.spent == 3
