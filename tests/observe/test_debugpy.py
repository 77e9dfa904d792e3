"""debugpy, which editors use, stops in templates of observed Jinja2 and steps through them."""

from pathlib import Path

import pytest

pytest.importorskip("debugpy", reason="needs debugpy (pip install --group test)")

from debugger.dap import Editor

PAGE = """\
{% macro field(name, value) %}
  {% set id = "f_" ~ name %}
  <i id="{{ id }}">{{ value }}</i>
{% endmacro %}
{% for user in users %}
  {{ field(user, 1) }}
{% endfor %}
"""
PROGRAM = """\
from tmplmon import observe

observe.install()
import jinja2

environment = jinja2.Environment(loader=jinja2.FileSystemLoader("templates"))
print(environment.get_template("page.html").render(users=["ann", "bob"]))
"""


def test_stops_and_steps(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/page.html").write_text(PAGE)
    (tmp_path / "app.py").write_text(PROGRAM)
    breakpoints = {"templates/page.html": [{"line": 6, "condition": "user == 'bob'"}]}
    with Editor() as editor:
        editor.launch(tmp_path, ["app.py"], breakpoints)
        assert editor.stopped()[0] == "page.html:6 top-level template code"
        assert editor.variables()["user"] == "'bob'"
        assert editor.go("stepIn")[0] == "page.html:2 macro 'field'"
        assert editor.go("next")[0] == "page.html:3 macro 'field'"
        shown = editor.variables()
        assert (shown["id"], shown["name"], shown["value"]) == ("'f_bob'", "'bob'", "1")
        assert editor.go("stepOut")[0] == "page.html:6 top-level template code"
