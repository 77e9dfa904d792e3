"""PyCharm: its debugger, with the commands of PyCharm, stops in templates and steps through them."""

import sys
from pathlib import Path

import pytest
from effort import exhaustive_but

pytest.importorskip("pydevd_pycharm", reason="needs pydevd-pycharm (pip install --group test)")

from .pycharm import PyCharm

SESSIONS = [
    (watching, backend) for watching in ("settrace", "monitoring") for backend in ("bytecode", "closures")
]
sessions = pytest.mark.parametrize(
    ("watching", "backend"), exhaustive_but(SESSIONS, [("settrace", "bytecode")])
)
# The debugger finds the end of a generator by `co_lnotab`, which Python 3.15 does not have. The frames of
# closures are those of generators.
WITHOUT_AN_END = [("settrace", "closures")] if sys.version_info >= (3, 15) else []

PAGE = ["page.html:1 <template>", "app.py:28 main", "app.py:32 <module>"]
BASE = ["base.html:4 <template>", *PAGE]


@sessions
def test_include(here: Path, backend: str, watching: str) -> None:
    with PyCharm(watching) as editor:
        breakpoints = {"templates/nav.html": {3: "item == 'help'"}}
        editor.launch(here, ["app.py", "plain", "page.html", backend], breakpoints)
        assert editor.stopped() == ["nav.html:3 <template>", "base.html:2 <template>", *PAGE]
        shown = editor.variables()
        assert (shown["item"], shown["links"]) == ("help", "['home', 'help']")
        assert editor.evaluate("item.upper() + links[0]") == "HELPhome"
        assert editor.go("next")[0] == "nav.html:2 <template>"
        assert editor.go("next")[0] == "nav.html:5 <template>"
        if (watching, backend) not in WITHOUT_AN_END:
            assert editor.go("stepOut") == ["base.html:2 <template>", *PAGE]
            assert editor.go("next") == ["base.html:3 <template>", *PAGE]
        assert editor.go("continue") == []
    assert "190 characters" in editor.output


@sessions
def test_every_first_line(here: Path, backend: str, watching: str) -> None:
    """The debugger stops once on each first line. Its tracer also sees the call of a template, which has no
    line."""
    with PyCharm(watching) as editor:
        files = ("page", "base", "nav", "forms")
        breakpoints = {f"templates/{name}.html": {1: "None"} for name in files}
        editor.launch(here, ["app.py", "plain", "page.html", backend], breakpoints)
        assert editor.stopped() == PAGE
        stops = []
        while stack := editor.go("continue"):
            stops.append(stack[0])
        # The first line of page.html is reached again at the end, when the parent runs.
        assert stops == [f"{name}.html:1 <template>" for name in ("forms", "page", "base", "nav")]
    assert "190 characters" in editor.output


@sessions
def test_block_macro_and_function(here: Path, backend: str, watching: str) -> None:
    with PyCharm(watching) as editor:
        breakpoints = {"templates/page.html": {7: "user['name'] == 'Bob'", 13: "None"}}
        editor.launch(here, ["app.py", "plain", "page.html", backend], breakpoints)
        assert editor.stopped() == ["page.html:7 block body", *BASE]
        assert editor.variables()["user"] == "{'name': 'Bob'}"
        assert editor.go("stepInMyCode") == ["app.py:16 hello", "page.html:7 block body", *BASE]
        assert editor.go("stepInMyCode")[0] == "app.py:17 hello"
        assert editor.go("stepInMyCode") == ["page.html:8 block body", *BASE]
        assert editor.variables()["greeting"] == "Hello Bob"
        assert editor.go("continue") == ["page.html:13 block body", *BASE]
        assert editor.go("stepInMyCode") == ["forms.html:2 macro field", "page.html:13 block body", *BASE]
        shown = editor.variables()
        assert (shown["name"], shown["value"]) == ("email", "a@b")
        assert editor.go("next") == ["forms.html:3 macro field", "page.html:13 block body", *BASE]
        assert editor.variables()["id"] == "f_email"


@sessions
def test_steps_from_a_program_into_its_templates(here: Path, backend: str, watching: str) -> None:
    """This needs no breakpoint in a template, which cannot be set in PyCharm."""
    with PyCharm(watching) as editor:
        editor.launch(here, ["app.py", "plain", "page.html", backend], {"app.py": {28: "None"}})
        assert editor.stopped() == ["app.py:28 main", "app.py:32 <module>"]
        assert editor.go("stepInMyCode") == PAGE
        assert editor.go("next") == ["page.html:2 <template>", *PAGE[1:]]
        assert editor.go("next") == PAGE
        assert editor.go("stepInMyCode") == ["base.html:1 <template>", *PAGE]
        assert editor.go("stepInMyCode")[:2] == ["page.html:3 block title", "base.html:1 <template>"]
        assert editor.go("stepInMyCode") == ["base.html:2 <template>", *PAGE]
        assert editor.go("stepInMyCode") == ["nav.html:1 <template>", "base.html:2 <template>", *PAGE]
        assert editor.go("continue") == []
    assert "190 characters" in editor.output


@sessions
def test_breakpoint_tag(here: Path, backend: str, watching: str) -> None:
    with PyCharm(watching) as editor:
        editor.launch(here, ["app.py", "tag", "stop.html", backend], {})
        include = ["stop.html:2 <template>", "app.py:28 main", "app.py:32 <module>"]
        # As after `breakpoint()` in Python, it stops at the next line.
        assert editor.stopped() == ["stop_inner.html:4 <template>", *include]
        assert editor.variables()["user"] == "{'name': 'Ann'}"
        assert editor.go("next") == ["stop_inner.html:1 <template>", *include]
        assert editor.go("continue") == ["stop_inner.html:4 <template>", *include]


@sessions
def test_pieces(here: Path, backend: str, watching: str) -> None:
    with PyCharm(watching) as editor:
        breakpoints = {"templates/rows.html": {3: "None"}}
        editor.launch(here, ["flow.py", "generate", backend, "none"], breakpoints)
        program = ["flow.py:23 generate", "flow.py:64 <module>"]
        assert editor.stopped() == ["rows.html:3 <template>", *program]
        assert editor.variables()["row"] == "1"
        assert editor.go("continue") == ["rows.html:3 <template>", *program]
        assert editor.variables()["row"] == "2"
        assert editor.go("continue") == []
    assert "piece '\\n</table>'" in editor.output


@sessions
def test_tasks(here: Path, backend: str, watching: str) -> None:
    with PyCharm(watching) as editor:
        breakpoints = {"templates/rows.html": {3: "row == 2"}, "templates/end.html": {2: "None"}}
        editor.launch(here, ["flow.py", "async", backend, "none"], breakpoints)
        loop = ["flow.py:71 <module>"]
        assert editor.stopped() == ["rows.html:3 <template>", *loop]
        assert editor.variables()["row"] == "2"
        assert editor.go("continue") == ["end.html:2 <template>", "rows.html:5 <template>", *loop]
        assert editor.variables()["a"] == "1"
        assert editor.go("continue") == []
    assert "value of 2" in editor.output


@sessions
def test_templates_that_end_without_a_line(here: Path, backend: str, watching: str) -> None:
    """The tracer may fail at the call of such a template (a `TypeError` on standard error), but not the program."""
    page = "{% if title %}{% extends 'base.html' %}{% endif %}\n{% block title %}{% endblock %}"
    (here / "templates/page.html").write_text(page)
    with PyCharm(watching) as editor:
        breakpoints = {"templates/page.html": {1: "None"}, "templates/nav.html": {1: "None"}}
        editor.launch(here, ["app.py", "plain", "page.html", backend], breakpoints)
        stack = editor.stopped()
        while stack[0] == "page.html:1 <template>":
            stack = editor.go("continue")
        assert stack[:2] == ["nav.html:1 <template>", "base.html:2 <template>"]
        assert editor.go("continue") == []
    assert "76 characters" in editor.output
