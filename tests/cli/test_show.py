"""``tmplmon show``: the text of each stage of the compiler."""

import ast
from pathlib import Path

import pytest

from .conftest import Command, put

TEMPLATE = """\
<ul>
{% for u in users -%}
  <li>{{ u.name }}
  {{- "!" if u.old }}</li>
{% else %}

  nobody
{% endfor %}
</ul>
"""


@pytest.fixture(autouse=True)
def template(here: Path) -> None:
    put(here / "a.html", TEMPLATE)


def test_tokens(tmplmon: Command) -> None:
    result = tmplmon("show tokens a.html")
    assert result.status == 0
    assert result.out.splitlines()[:3] == [
        "1:1-5     TEXT            '<ul>\\n'",
        "2:1-6     TAG_FOR         'for'",
        "2:8       NAME            'u'",
    ]


def test_tree(tmplmon: Command) -> None:
    result = tmplmon("show tree a.html")
    assert result.status == 0
    assert result.out.startswith("Template  1:1-9:6\n  body\n    Text '<ul>\\n'  1:1-5\n    For  2:1-21\n")


def test_ir(here: Path, tmplmon: Command) -> None:
    result = tmplmon("show ir a.html")
    assert result.status == 0
    assert result.out.startswith(f"program 'a.html'  autoescape=True  file {here}/a.html\n")
    assert "For u loop=#1" in " ".join(result.out.split())


def test_python(tmplmon: Command) -> None:
    result = tmplmon("show python a.html")
    assert result.status == 0
    ast.parse(result.out)
    assert "users" in result.out


def test_lines(tmplmon: Command) -> None:
    assert tmplmon("show lines a.html").out == (
        "1 *  | <ul>\n"
        "2 *? | {% for u in users -%}\n"
        "3 *  |   <li>{{ u.name }}\n"
        '4 *? |   {{- "!" if u.old }}</li>\n'
        "5    | {% else %}\n"
        "6    |\n"
        "7 *  |   nobody\n"
        "8    | {% endfor %}\n"
        "9 *  | </ul>\n"
        "6 executable lines, 2 branches\n"
    )


def test_options_are_the_environments(here: Path, tmplmon: Command) -> None:
    put(here / "a.txt", "{% do x %}\n  {% if a %}\n{% endif %}")
    assert tmplmon("show tree a.txt").status == 1
    shown = tmplmon("show tree a.txt --extension do --trim-blocks --lstrip-blocks").out
    assert "Do " in shown
    assert "Text" not in shown
    assert "autoescape=False" in tmplmon("show ir a.txt --extension do").out
    assert "autoescape=True" in tmplmon("show ir a.txt --extension do --autoescape on").out


@pytest.mark.parametrize("stage", ["tokens", "tree", "ir", "python", "lines"])
def test_a_syntax_error(here: Path, tmplmon: Command, stage: str) -> None:
    put(here / "a.html", "x\n{{ 'a }}")
    result = tmplmon(f"show {stage} a.html")
    assert result.status == 1
    assert result.err.startswith("error: this string is never closed\n  --> a.html:2:4\n   2 | {{ 'a }}\n")
    assert bool(result.out) is (stage == "tokens")


def test_an_empty_template(here: Path, tmplmon: Command) -> None:
    put(here / "a.html", "")
    for stage in ("tokens", "tree", "ir", "python", "lines"):
        assert tmplmon(f"show {stage} a.html").status == 0


def test_usage_errors(here: Path, tmplmon: Command) -> None:
    put(here / "latin.html", b"\xe9")
    assert tmplmon("show tree nowhere.html").err == "tmplmon show: there is no nowhere.html\n"
    assert tmplmon("show tree .").err == "tmplmon show: . is a directory; name a template\n"
    assert tmplmon("show asm a.html").status == 2
    result = tmplmon("show tree latin.html")
    assert result.status == 1
    assert result.err.startswith("error: not valid UTF-8")
