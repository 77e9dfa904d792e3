"""If an application replaces a filter or test, its own one runs, even if the built-in one was inlined."""

from typing import Any

import pytest

from tmplmon import DictLoader, Environment
from tmplmon.runtime.filters import FILTERS
from tmplmon.runtime.tests import TESTS
from tmplmon.sandbox import SandboxedEnvironment

NAMES_OF_TESTS = sorted(name for name in TESTS if name.isidentifier() and name != "in")


def replacement(*args: Any, **kwargs: Any) -> str:
    return "replaced"


def environments(backend: str, sources: dict[str, str]) -> list[Environment]:
    loader = DictLoader(sources)
    made: list[Environment] = [Environment(backend=backend, loader=loader)]
    made.append(Environment(backend=backend, loader=loader, autoescape=True))
    if backend == "closures":
        made.append(SandboxedEnvironment(loader=loader))
    return made


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_a_filter(name: str, backend: str) -> None:
    """Before a template is compiled, and after it was rendered with the built-in filter."""
    form = f"{{{{ x|{name} }}}},{{{{ 'a'|{name} }}}},{{% filter {name} %}}b{{% endfilter %}}"
    for environment in environments(backend, {"page": form}):
        template = environment.get_template("page")
        try:
            before = template.render(x="<x>")
        except Exception:
            before = "failed"
        assert "replaced" not in before
        environment.filters[name] = replacement
        assert template.render(x="<x>") == "replaced,replaced,replaced"
        assert environment.from_string(form).render(x=None) == "replaced,replaced,replaced"
        environment.filters[name] = FILTERS[name]
        if before != "failed" and name != "random" and " at 0x" not in before:
            assert template.render(x="<x>") == before


@pytest.mark.parametrize("name", NAMES_OF_TESTS)
def test_a_test(name: str, backend: str) -> None:
    form = f"{{{{ x is {name} }}}},{{{{ 1 is not {name} }}}},{{% if y is {name} %}}yes{{% else %}}no{{% endif %}}"
    for environment in environments(backend, {"page": form}):
        template = environment.get_template("page")
        try:
            template.render(x=1)
        except Exception:
            pass  # the attribute of a value without `y`
        for answer, output in ((True, "True,False,yes"), (False, "False,True,no")):
            environment.tests[name] = lambda *args, answer=answer: answer
            assert template.render(x=1) == output
            assert environment.from_string(form).render() == output


def test_an_overlay_shares_the_filters(backend: str) -> None:
    environment = Environment(backend=backend)
    overlay = environment.overlay(trim_blocks=True)
    template = environment.from_string("{{ 'a'|upper }}{{ 1 is odd }}")
    environment.filters["upper"] = replacement
    assert template.render() == "replacedTrue"
    # As in Jinja2, an overlay shares the tables of its environment.
    assert overlay.from_string("{{ 'a'|upper }}").render() == "replaced"
