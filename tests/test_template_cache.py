"""The number of templates that an environment keeps, and the ones that it drops."""

import pytest

from tmplmon import DictLoader, Environment, FunctionLoader

NAMES = "abcdefgh"


def loading(**options: object) -> tuple[Environment, list[str]]:
    """An environment, and the names of the templates that were loaded, in order."""
    loads: list[str] = []

    def load(name: str) -> str:
        loads.append(name)
        return name

    return Environment(loader=FunctionLoader(load), **options), loads


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
def test_the_size_is_the_number_of_kept_templates(size: int) -> None:
    environment, loads = loading(cache_size=size)
    for _ in range(2):
        for name in NAMES[:size]:
            environment.get_template(name)
    assert loads == list(NAMES[:size])
    assert environment.cache is not None
    assert list(environment.cache) == list(NAMES[:size])
    environment.get_template(NAMES[size])
    assert sorted(environment.cache) == sorted(NAMES[1 : size + 1])
    environment.get_template(NAMES[0])
    assert loads == [*NAMES[: size + 1], NAMES[0]]


def test_the_least_recently_used_template_is_dropped() -> None:
    environment, loads = loading(cache_size=4)
    for name in ("a", "b", "c", "d", "a", "b", "e", "f"):
        environment.get_template(name)
    assert environment.cache is not None
    assert set(environment.cache) == {"a", "b", "e", "f"}
    loads.clear()
    for name in ("a", "b", "e", "f", "c"):
        environment.get_template(name)
    assert loads == ["c"]


def test_the_default_is_four_hundred() -> None:
    environment, loads = loading()
    for number in range(400):
        environment.get_template(str(number))
    environment.get_template("0")
    assert len(loads) == 400
    environment.get_template("400")
    environment.get_template("1")
    assert len(loads) == 402


def test_no_limit_and_no_cache() -> None:
    environment, loads = loading(cache_size=-1)
    for _ in range(2):
        for number in range(500):
            environment.get_template(str(number))
    assert len(loads) == 500
    environment, loads = loading(cache_size=0)
    environment.get_template("a")
    environment.get_template("a")
    assert (loads, environment.cache) == (["a", "a"], None)


@pytest.mark.parametrize("backend", ["bytecode", "closures"])
def test_globals_of_get_template_are_those_of_the_caller(backend: str) -> None:
    templates = {
        "page": "{{ a }}{{ b }}{% include 'part' %}{% block x %}{{ a }}{% endblock %}{{ self.x() }}",
        "part": "[{{ a }}]",
        "child": "{% extends 'page' %}{% block x %}{{ a }}{{ super() }}{% endblock %}",
        "lib": "{% macro m() %}{{ a }}{% endmacro %}",
        "user": "{% import 'lib' as lib %}{{ lib.m() }}",
    }
    environment = Environment(loader=DictLoader(templates), backend=backend)
    for name, output in (
        ("page", "{0}{1}[{0}]{0}{0}"),
        ("child", "{0}{1}[{0}]{0}{0}{0}{0}"),
        ("user", "{0}"),
    ):
        first = environment.get_template(name, globals={"a": 1})
        second = environment.get_template(name, globals={"a": 2, "b": 3})
        plain = environment.get_template(name)
        for _ in range(2):
            assert first.render() == output.format(1, "")
            assert second.render() == output.format(2, 3)
            assert plain.render() == output.format("", "")
            assert first.render(a=4) == output.format(4, "")
            assert "".join(second.generate()) == output.format(2, 3)
    assert environment.get_template("page") is environment.get_template("page")
