"""The attributes of a compiled scope, as docs/closures.md describes them."""

import re
import sys
from pathlib import Path
from types import CodeType

import pytest

from tmplmon import DictLoader, Environment

PAGE = Path(__file__).parents[2] / "docs/closures.md"


def test_the_example_of_the_documentation(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    exec(compile(example, str(PAGE), "exec"), {})
    assert capsys.readouterr().out == "['<template page>', '<template row>']\n[(1, 1), (1, 2)]\n"


def scope_of(templates: dict[str, str]) -> object:
    return Environment(loader=DictLoader(templates), backend="closures").get_template("main")._functions.root


def test_each_attribute() -> None:
    source = "{% macro m() %}x{% endmacro %}\n{% for x in xs %}\n{{ x }}\n{% endfor %}"
    scope = scope_of({"main": source})
    assert type(scope.code_like) is CodeType
    assert (scope.code_like.co_name, scope.code_like.co_firstlineno) == ("<template>", 1)
    assert [codelike.code for codelike in scope.codelikes] == [scope.code_like]
    (macro,) = scope.nested.values()
    assert macro.code_like.co_qualname == "<template>.macro m"
    assert len(scope.states.data) == 2 * len(scope.events)
    for site in scope.sites:
        assert scope.code_like is site.code
        assert scope.locations[site.offset].line == site.line
    lines = {line for _, _, line in scope.code_like.co_lines() if line is not None}
    assert lines == {1, 2, 3}


@pytest.mark.skipif(sys.version_info < (3, 14), reason="co_branches is new in 3.14")
def test_the_branches_of_a_code_like() -> None:
    scope = scope_of({"main": "{% if a %}\nb\n{% endif %}\n{% for x in xs %}\n{{ x }}\n{% endfor %}"})
    lines = {o: line for start, end, line in scope.code_like.co_lines() for o in range(start, end, 2)}
    assert [lines[source] for source, *_ in scope.code_like.co_branches()] == [1, 4]


def test_a_template_that_includes_itself_ends() -> None:
    templates = {"main": "{{ n }}{% if n %}{% set n = n - 1 %}{% include 'main' %}{% endif %}"}
    template = Environment(loader=DictLoader(templates), backend="closures").get_template("main")
    assert len(template._functions.root.codelikes) == 1
    assert template.render(n=2) == "210"


def test_a_changed_template_is_included_again() -> None:
    templates = {"main": "{% include 'part' %}", "part": "old"}
    environment = Environment(loader=DictLoader(templates), backend="closures")
    template = environment.get_template("main")
    before = template._functions.root.codelikes
    templates["part"] = "\nnew"
    lines: list[tuple[str, int]] = []
    monitoring = sys.monitoring
    monitoring.use_tool_id(4, "test")
    try:
        monitoring.register_callback(
            4,
            monitoring.events.LINE,
            lambda code, line: (
                lines.append((code.co_filename, line)) if "<temp" in code.co_filename else None
            ),
        )
        monitoring.set_events(4, monitoring.events.LINE)
        assert template.render() == "\nnew"
    finally:
        monitoring.set_events(4, 0)
        monitoring.register_callback(4, monitoring.events.LINE, None)
        monitoring.free_tool_id(4)
    assert [(name.split()[1].strip(">"), line) for name, line in lines] == [("main", 1), ("part", 2)]
    assert template._functions.root.codelikes is not before
