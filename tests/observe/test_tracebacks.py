"""Tracebacks of errors in templates of observed Jinja2."""

import traceback
from pathlib import Path
from typing import Any

import jinja2
import pytest

pytestmark = pytest.mark.usefixtures("observed")

PAGE = """\
<ul>
{% macro field(user) %}
  <li>{{ user.name }}, ä {{ user.address.city|upper }} {{ "x" }}</li>
{% endmacro %}
{% for user in users %}
  {{ field(user) }}
{% endfor %}
{% block foot %}
  {{ 1 + first[0](2, "ü", a=3) }}
  {% set x = users|batch(0)|first %}
{% endblock %}
"""


def shown(folder: Path, **variables: Any) -> list[str]:
    """The lines of the traceback that belong to the template."""
    (folder / "page.html").write_text(PAGE, "utf-8")
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(folder))
    with pytest.raises(ZeroDivisionError if "first" in variables else Exception) as caught:
        environment.get_template("page.html").render(variables)
    lines = "".join(traceback.format_exception(caught.value)).splitlines()
    chosen: list[str] = []
    for index, line in enumerate(lines):
        if 'page.html",' in line:
            chosen += [line.replace(str(folder), ""), *lines[index + 1 : index + 3]]
    return chosen


def test_in_a_macro(tmp_path: Path) -> None:
    assert shown(tmp_path, users=[{"name": "ann"}]) == [
        '  File "/page.html", line 6, in top-level template code',
        "    {{ field(user) }}",
        "       ~~~~~^^^^^^",
        "  File \"/page.html\", line 3, in macro 'field'",
        '    <li>{{ user.name }}, ä {{ user.address.city|upper }} {{ "x" }}</li>',
        "                              ^^^^^^^^^^^^^^^^^",
    ]


def test_in_a_block(tmp_path: Path) -> None:
    assert shown(tmp_path, users=[], first=[lambda *args, a: 1 / 0])[-3:] == [
        "  File \"/page.html\", line 9, in block 'foot'",
        '    {{ 1 + first[0](2, "ü", a=3) }}',
        "           ~~~~~~~~^^^^^^^^^^^^^",
    ]


def test_positions_of_an_error_that_jinja2_does_not_handle(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("a\n{{ f() }}")
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(tmp_path))
    template = environment.get_template("page.html")
    try:
        list(template.root_render_func(template.new_context({"f": lambda: 1 / 0})))
    except ZeroDivisionError as error:
        frames = traceback.extract_tb(error.__traceback__)
        places = [
            (f.name, f.lineno, f.colno, f.end_colno) for f in frames if f.filename.endswith("page.html")
        ]
        assert places == [("top-level template code", 2, 3, 6)]
    else:
        pytest.fail("no error")


def test_lines_for_tools_that_translate_them_as_jinja2_does(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("a\n\n{{ b }}\n{% if c %}\nd{% endif %}")
    template = jinja2.Environment(loader=jinja2.FileSystemLoader(tmp_path)).get_template("page.html")
    assert [template.get_corresponding_lineno(line) for line in (1, 3, 4, 5)] == [1, 3, 4, 5]
    assert template.debug_info == [(line, line) for line in (1, 3, 4, 5)]
