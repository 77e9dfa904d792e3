"""An application's own mapping in place of the filters, tests or globals is used as it is, now and later."""

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tmplmon import ChainableUndefined, Environment, StrictUndefined, TemplateAssertionError, UndefinedError


@pytest.fixture(params=["bytecode", "closures"])
def new(request: pytest.FixtureRequest) -> Callable[..., Environment]:
    return lambda **options: Environment(backend=request.param, **options)


class Plugins(Mapping[str, Any]):
    """Loads a value when it is looked up, and does not know which there are."""

    def __init__(self) -> None:
        self.loaded: list[str] = []

    def __getitem__(self, name: str) -> Any:
        self.loaded.append(name)
        if not name.startswith("my_"):
            raise KeyError(name)
        return lambda value: f"{name}({value})"

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("it was iterated over")

    def __len__(self) -> int:
        raise AssertionError("it was counted")


class Missing(dict[str, Any]):
    def __missing__(self, name: str) -> Any:
        return lambda *args: f"{name}{args}"


@pytest.mark.parametrize("table", ["filters", "tests", "globals"])
def test_the_mapping_is_the_application_s(new: Callable[..., Environment], table: str) -> None:
    environment = new()
    mapping = dict(getattr(environment, table))
    setattr(environment, table, mapping)
    assert getattr(environment, table) is mapping
    own = getattr(new(), table)
    setattr(environment, table, own)
    assert getattr(environment, table) is own


def test_later_changes_of_filters(new: Callable[..., Environment]) -> None:
    environment = new()
    mapping: dict[str, Any] = dict(environment.filters)
    environment.filters = mapping
    template = environment.from_string("{{ 'a'|upper }}{% if more %}{{ 'b'|more }}{% endif %}")
    assert template.render() == "A"
    mapping["upper"] = lambda value: "new"  # The stock filter has been compiled inline.
    assert template.render() == "new"
    mapping["more"] = lambda value: f"more {value}"
    assert template.render(more=True) == "newmore b"
    environment.filters.update(more=lambda value: "other")
    assert template.render(more=True) == "newother"
    with pytest.raises(TemplateAssertionError):
        environment.from_string("{{ 1|another }}")
    mapping["another"] = lambda value: "another"
    assert environment.from_string("{{ 1|another }}").render() == "another"


def test_later_changes_of_tests_and_globals(new: Callable[..., Environment]) -> None:
    environment = new()
    tests: dict[str, Any] = dict(environment.tests)
    names: dict[str, Any] = {"a": 1}
    environment.tests, environment.globals = tests, names
    template = environment.from_string("{{ a }}{{ b }}{{ 1 is odd }}")
    assert template.render() == "1True"
    names["b"], tests["odd"] = 2, lambda value: "odd"
    assert template.render() == "12odd"
    del names["a"]
    assert template.render() == "2odd"
    environment.globals = environment.tests = {"odd": lambda value: "again"}
    assert template.render() == "again"


def test_plugins_are_loaded_when_they_are_used(new: Callable[..., Environment]) -> None:
    environment = new()
    filters, tests, names = Plugins(), Plugins(), Plugins()
    environment.filters, environment.tests, environment.globals = filters, tests, names
    template = environment.from_string("{{ 1|my_filter }} {{ 2 is my_test }} {{ my_global(3) }} {{ other }}")
    assert template.render() == "my_filter(1) my_test(2) my_global(3) "
    assert set(filters.loaded) == {"my_filter"}
    assert set(tests.loaded) == {"my_test"}
    assert set(names.loaded) == {"my_global", "other"}
    with pytest.raises(TemplateAssertionError, match="No filter named 'other'"):
        environment.from_string("{{ 1|other }}")


def test_other_mappings(new: Callable[..., Environment]) -> None:
    environment = new()
    first: dict[str, Any] = {}
    environment.filters = ChainMap(first, environment.filters)
    environment.tests = Missing()
    template = environment.from_string("{{ 'a'|upper }}{{ 1 is anything(2) }}")
    assert template.render() == "Aanything(1, 2)"
    first["upper"] = lambda value: "first"
    assert template.render() == "firstanything(1, 2)"


def test_overlays(new: Callable[..., Environment]) -> None:
    environment = new()
    before = environment.overlay()
    mapping: dict[str, Any] = {"upper": lambda value: "mapped"}
    environment.filters = mapping
    after = environment.overlay()
    source = "{{ 'a'|upper }}"
    templates = [each.from_string(source) for each in (before, environment, after)]
    assert [template.render() for template in templates] == ["A", "mapped", "mapped"]
    mapping["upper"] = lambda value: "changed"
    assert [template.render() for template in templates] == ["A", "changed", "changed"]
    after.filters = before.filters
    before.filters["upper"] = lambda value: "own"
    assert [template.render() for template in templates] == ["own", "changed", "own"]


def test_tables_of_another_environment(new: Callable[..., Environment]) -> None:
    environment, other = new(), new()
    other.globals = environment.globals
    template = other.from_string("{{ name }}")
    assert template.render() == ""
    environment.globals["name"] = "Bob"
    assert template.render() == "Bob"


def test_options_that_loaded_templates_use(new: Callable[..., Environment]) -> None:
    environment = new(finalize=lambda value: f"<{value}>")
    template = environment.from_string("{{ 1 }}{{ x.y.z if x is defined else x }}")
    assert template.render() == "<1><>"
    environment.finalize = lambda value: f"({value})"
    assert template.render() == "(1)()"
    environment.undefined = ChainableUndefined
    assert template.render(x={}) == "(1)()"
    environment.undefined = StrictUndefined
    with pytest.raises(UndefinedError):
        template.render()


def test_options_that_are_compiled_in(new: Callable[..., Environment]) -> None:
    environment = new()
    source = "{{ x }}\n|"
    template = environment.from_string(source)
    environment.autoescape = True
    environment.newline_sequence = "\r\n"
    environment.finalize = lambda value: f"{value}!"
    environment.variable_start_string = "{{{"
    assert template.render(x="<") == "<\n|"
    assert environment.from_string("{{{ x }}\n|").render(x="<") == "&lt;!\r\n|"
