"""Editors: debugpy stops in templates and steps through them."""

from pathlib import Path
from typing import Any

import pytest
from effort import exhaustive_but

import tmplmon

pytest.importorskip("debugpy", reason="needs debugpy (pip install --group test)")

from .dap import Editor

BACKENDS = ["bytecode", "closures"]
# A session takes seconds. The tests with BOTH cover the differences between the back ends.
BOTH = pytest.mark.parametrize("backend", BACKENDS)
ONE = pytest.mark.parametrize("backend", exhaustive_but(BACKENDS, ["bytecode"]))

# Editors skip the frames of installed libraries. Here, the engine is a part of the project.
OPTIONS: dict[str, Any] = {
    "rules": [{"path": str(Path(tmplmon.__file__).parent / "**"), "include": False}],
}
PAGE = ["page.html:1 <template>", "app.py:28 main", "app.py:32 <module>"]
BASE = ["base.html:4 <template>", *PAGE]
BODY = ["page.html:13 block body", *BASE]


@ONE
def test_include(here: Path, backend: str) -> None:
    breakpoints = {"templates/nav.html": [{"line": 3, "condition": "item == 'help'"}]}
    with Editor() as editor:
        editor.launch(here, ["app.py", "plain", "page.html", backend], breakpoints, **OPTIONS)
        assert editor.stopped() == ["nav.html:3 <template>", "base.html:2 <template>", *PAGE]
        shown = editor.variables()
        assert (shown["item"], shown["links"]) == ("'help'", "['home', 'help']")
        assert editor.evaluate("item.upper() + links[0]") == "'HELPhome'"
        assert editor.go("next")[0] == "nav.html:2 <template>"
        assert editor.go("next")[0] == "nav.html:5 <template>"
        assert editor.go("stepOut") == ["base.html:2 <template>", *PAGE]
        assert editor.go("next") == ["base.html:3 <template>", *PAGE]
        assert editor.go("continue") == []
    assert "190 characters" in editor.output


@BOTH
def test_block_macro_and_function(here: Path, backend: str) -> None:
    breakpoints = {"templates/page.html": [{"line": 7, "condition": "user['name'] == 'Bob'"}, {"line": 13}]}
    with Editor() as editor:
        editor.launch(here, ["app.py", "plain", "page.html", backend], breakpoints, **OPTIONS)
        assert editor.stopped() == ["page.html:7 block body", *BASE]
        assert editor.variables()["user"] == "{'name': 'Bob'}"
        assert editor.go("stepIn") == ["app.py:16 hello", "page.html:7 block body", *BASE]
        assert editor.go("stepOut") == ["page.html:7 block body", *BASE]
        assert editor.go("next") == ["page.html:8 block body", *BASE]
        assert editor.variables()["greeting"] == "'Hello Bob'"
        assert editor.go("continue") == BODY
        assert editor.go("stepIn") == ["forms.html:2 macro field", *BODY]
        shown = editor.variables()
        assert (shown["name"], shown["value"]) == ("'email'", "'a@b'")
        assert editor.go("next") == ["forms.html:3 macro field", *BODY]
        assert editor.variables()["id"] == "'f_email'"
        assert editor.go("stepOut") == BODY
        assert editor.go("stepOut") == BASE
        assert editor.go("next") == ["base.html:6 <template>", *PAGE]


@ONE
def test_breakpoint_tag(here: Path, backend: str) -> None:
    with Editor() as editor:
        editor.launch(here, ["app.py", "tag", "stop.html", backend], {}, **OPTIONS)
        include = ["stop.html:2 <template>", "app.py:28 main", "app.py:32 <module>"]
        # As after `breakpoint()` in Python, debugpy stops at the next line.
        assert editor.stopped() == ["stop_inner.html:4 <template>", *include]
        assert editor.variables()["user"] == "{'name': 'Ann'}"
        assert editor.go("next") == ["stop_inner.html:1 <template>", *include]


@ONE
def test_steps_into_block_super_and_macro(here: Path, backend: str) -> None:
    for name in ("child", "parent", "cards"):
        page = here / f"templates/{name}.html"
        page.write_text(page.read_text().replace("{% breakpoint %}", "{% set here = 1 %}"))
    with Editor() as editor:
        breakpoints = {"templates/parent.html": [{"line": 2}]}
        editor.launch(here, ["app.py", "plain", "child.html", backend], breakpoints, **OPTIONS)
        page = ["child.html:1 <template>", *PAGE[1:]]
        base = ["parent.html:2 <template>", *page]
        block = ["child.html:5 block body", *base]
        assert editor.stopped() == base
        assert editor.go("stepIn") == ["child.html:4 block body", *base]
        assert editor.go("next") == block
        assert editor.go("stepIn") == ["parent.html:3 block body", *block]
        assert editor.go("stepOut") == block
        assert editor.go("next") == ["child.html:6 block body", *base]
        assert editor.go("stepIn") == ["cards.html:2 macro card", "child.html:6 block body", *base]
        assert editor.set("name", "'changed'") == "'changed'"
        assert editor.go("next") == ["cards.html:3 macro card", "child.html:6 block body", *base]
        assert editor.go("continue") == []


@ONE
def test_a_changed_variable_is_output(here: Path, backend: str) -> None:
    with Editor() as editor:
        breakpoints = {"templates/nav.html": [{"line": 3, "condition": "item == 'help'"}]}
        editor.launch(here, ["app.py", "plain", "page.html", backend], breakpoints, **OPTIONS)
        assert editor.stopped()[0] == "nav.html:3 <template>"
        assert editor.set("item", "item * 10") == repr("help" * 10)
        assert editor.evaluate("item") == repr("help" * 10)
        assert editor.go("continue") == []
    assert "226 characters" in editor.output


@ONE
def test_logpoint(here: Path, backend: str) -> None:
    """A logpoint writes a message with values of the template, and does not stop."""
    with Editor() as editor:
        logpoints = {"templates/nav.html": [{"line": 3, "logMessage": "{item.upper()} of {len(links)}"}]}
        editor.launch(here, ["app.py", "plain", "page.html", backend], logpoints, **OPTIONS)
        assert editor.stopped() == []
    # The output of the program arrives in several events.
    assert editor.output.count("HOME of 2\n") == editor.output.count("HELP of 2\n") == 1


@pytest.mark.parametrize("filter", ["raised", "uncaught"])
@ONE
def test_exception(here: Path, backend: str, filter: str) -> None:
    with Editor() as editor:
        argv = ["app.py", "plain", "broken.html", backend]
        editor.launch(here, argv, {}, exceptions=[filter], **OPTIONS)
        stack = ["broken.html:3 macro price", "broken.html:7 <template>", *PAGE[1:]]
        assert editor.stopped() == stack
        assert editor.variables()["item"] == "{'net': None}"


@BOTH
def test_pieces(here: Path, backend: str) -> None:
    with Editor() as editor:
        breakpoints = {"templates/rows.html": [{"line": 3}]}
        editor.launch(here, ["flow.py", "generate", backend, "none"], breakpoints, **OPTIONS)
        program = ["flow.py:23 generate", "flow.py:64 <module>"]
        assert editor.stopped() == ["rows.html:3 <template>", *program]
        assert editor.go("next") == ["rows.html:2 <template>", *program]
        assert editor.go("next") == ["rows.html:3 <template>", *program]
        assert editor.variables()["row"] == "2"
        assert editor.go("continue") == []
    assert "piece '\\n</table>'" in editor.output


@BOTH
def test_tasks(here: Path, backend: str) -> None:
    with Editor() as editor:
        breakpoints = {"templates/rows.html": [{"line": 3}]}
        editor.launch(here, ["flow.py", "async", backend, "none"], breakpoints, **OPTIONS)
        loop = ["flow.py:71 <module>"]
        assert editor.stopped() == ["rows.html:3 <template>", *loop]
        assert editor.go("next") == ["rows.html:2 <template>", *loop]
        assert editor.go("next") == ["rows.html:3 <template>", *loop]
        assert editor.go("stepIn") == ["flow.py:36 value", "rows.html:3 <template>", *loop]
        assert editor.go("stepOut") == ["rows.html:3 <template>", *loop]
        assert editor.go("continue") == []
    assert "value of 2" in editor.output


@ONE
def test_include_of_a_template_that_awaits(here: Path, backend: str) -> None:
    with Editor() as editor:
        breakpoints = {"templates/rows.html": [{"line": 2}], "templates/end.html": [{"line": 1}]}
        editor.launch(here, ["flow.py", "async", backend, "none"], breakpoints, **OPTIONS)
        loop = ["flow.py:71 <module>"]
        assert editor.stopped() == ["rows.html:2 <template>", *loop]
        rounds = [editor.go("continue")[0] for _ in range(2)]
        assert rounds == ["rows.html:2 <template>"] * 2
        include = ["rows.html:5 <template>", *loop]
        assert editor.go("continue") == ["end.html:1 <template>", *include]
        assert editor.go("next") == ["end.html:2 <template>", *include]
        assert editor.variables()["a"] == "1"
        assert editor.go("stepOut") == include
        assert editor.go("next") == ["rows.html:6 <template>", *loop]
        assert editor.go("continue") == []
    assert "value of 2" in editor.output


def test_the_setting_for_jinja_disables_breakpoints(here: Path) -> None:
    """With this setting, debugpy treats all breakpoints outside of Python files as Jinja2's, and never stops
    there."""
    with Editor() as editor:
        breakpoints = {"templates/nav.html": [{"line": 3}]}
        editor.launch(here, ["app.py", "plain", "page.html", "bytecode"], breakpoints, jinja=True, **OPTIONS)
        assert editor.verified == [False]
        assert editor.stopped() == []
