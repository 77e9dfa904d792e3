"""Notes on errors that Python raises in a template."""

import pytest

from tmplmon import Environment


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
