"""Notes on errors that Python raises in a template."""

import pytest

from tmplmon import Environment, StrictUndefined, UndefinedError


@pytest.mark.parametrize("backend", ["bytecode", "closures"])
@pytest.mark.parametrize(
    "source", ["{% for k, v in d.items %}{% endfor %}", "{{ d.keys|length }}", "{{ d.values|list }}"]
)
def test_a_method_that_is_not_called(backend: str, source: str) -> None:
    with pytest.raises(TypeError) as raised:
        Environment(backend=backend).from_string(source).render(d={"a": 1})
    assert raised.value.__notes__ == ["a method is called with parentheses, as in items()"]


@pytest.mark.parametrize("backend", ["bytecode", "closures"])
def test_other_type_errors_have_no_note(backend: str) -> None:
    with pytest.raises(TypeError) as raised:
        Environment(backend=backend).from_string("{% for x in 1 %}{% endfor %}").render()
    assert not hasattr(raised.value, "__notes__")


@pytest.mark.parametrize("backend", ["bytecode", "closures"])
@pytest.mark.parametrize(
    ("source", "notes"),
    {
        "{{ len([1]) }}": ["use the filter length"],
        "{% for i, x in enumerate([1]) %}{% endfor %}": ["use loop.index0 or loop.index in a loop"],
        "{{ null }}": ["write none"],
        "{{ this.name }}": ["write the name of the variable"],
        "{% for x in [1] %}{{ loop.counter }}{% endfor %}": ["write loop.index"],
        "{% for x in [1] %}{{ loop.parentloop }}{% endfor %}": [
            "name the outer loop in its body, as in {% set outer = loop %}"
        ],
        "{{ nothing_like_it }}": [],
        "{{ d.len }}": [],
    }.items(),
)
def test_names_of_other_languages(backend: str, source: str, notes: list[str]) -> None:
    environment = Environment(backend=backend, undefined=StrictUndefined)
    with pytest.raises(UndefinedError) as raised:
        environment.from_string(source).render(d={})
    assert getattr(raised.value, "__notes__", []) == notes


def test_the_applications_own_names_have_no_note() -> None:
    assert Environment().from_string("{{ len([1]) }}{{ null }}").render(len=len, null=0) == "10"
