"""``tmplmon check --from-jinja2``: the problems that it reports in Python code and in templates."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command, put, write
from tmplmon.cli.ways import using_jinja2


def found(tmplmon: Command, *paths: str) -> list[tuple[str, int, str, str, str | None]]:
    """(file, line, code, message, hint) of the reported problems."""
    result = tmplmon("check", "--from-jinja2", "--format", "json", *(paths or (".",)))
    problems: list[Any] = json.loads(result.out)["problems"]
    assert result.status == (1 if problems else 0)
    return [(p["path"], p["line"], p["code"], p["message"], p["hint"]) for p in problems]


def of_python(tmplmon: Command, here: Path, source: str) -> list[tuple[int, str, str]]:
    put(here / "app.py", source)
    return [(line, code, message) for _, line, code, message, _ in found(tmplmon, "app.py")]


def test_imports_are_to_be_edited(tmplmon: Command, here: Path) -> None:
    source = (
        "import jinja2\nfrom jinja2 import Environment, select_autoescape\n"
        "from jinja2.sandbox import SandboxedEnvironment\n"
    )
    assert of_python(tmplmon, here, source) == [
        (1, "jinja2-import", "jinja2 is imported"),
        (2, "jinja2-import", "jinja2 is imported"),
        (3, "jinja2-import", "jinja2.sandbox is imported"),
    ]


def test_names_without_a_counterpart(tmplmon: Command, here: Path) -> None:
    source = (
        "from jinja2 import nodes, Environment\n"
        "import jinja2 as j, jinja2.parser\n"
        "class Own(j.ext.Extension):\n"
        "    def parse(self, parser): pass\n"
        "j.Environment(bytecode_cache=j.FileSystemBytecodeCache('x'))\n"
        "j.Undefined, j.ModuleLoader\n"
        "class Other:\n"
        "    def parse(self): pass\n"
    )
    assert of_python(tmplmon, here, source) == [
        (1, "jinja2-import", "jinja2 is imported"),
        (2, "jinja2-import", "jinja2 is imported"),
        (5, "jinja2-name", "there is no argument bytecode_cache"),
        (5, "jinja2-name", "there is no tmplmon.FileSystemBytecodeCache"),
        (6, "jinja2-name", "there is no tmplmon.ModuleLoader"),
    ]


def test_frameworks(tmplmon: Command, here: Path) -> None:
    source = (
        "from starlette.templating import Jinja2Templates\nfrom fastapi.templating import Jinja2Templates as T\n"
        "TEMPLATES = [{'BACKEND': 'django.template.backends.jinja2.Jinja2'}]\nimport flask\n"
    )
    put(here / "app.py", source)
    hints = [(line, hint) for _, line, code, _, hint in found(tmplmon, "app.py") if code == "jinja2-import"]
    assert hints == [
        (1, "use tmplmon.integrations.starlette.TmplmonTemplates"),
        (2, "use tmplmon.integrations.starlette.TmplmonTemplates"),
        (3, "use tmplmon.integrations.django.tmplmon.Templates"),
    ]


def test_python_files_in_directories(tmplmon: Command, here: Path) -> None:
    write(
        here,
        shop__views_py="import jinja2\n",
        shop__templates__page_html="{{ x }}\n",
        shop__models_py="import os\n",
    )
    for path in ("shop/.venv/x.py", "shop/__pycache__/x.py", "shop/node_modules/x.py"):
        put(here / path, "import jinja2\n")
    put(here / "shop/broken.py", "def\n")
    assert [(path, code) for path, _, code, *_ in found(tmplmon, "shop")] == [
        ("shop/broken.py", "unreadable"),
        ("shop/views.py", "jinja2-import"),
    ]
    # Without the option, Python files are not checked.
    assert tmplmon("check shop").status == 0


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "{% macro m() %}{% include 'part.html' without context %}{% endmacro %}",
            (1, 16, "an include without"),
        ),
        ("{% set x %}\n{% include 'part.html' without context %}{% endset %}", (2, 1, "an include without")),
        (
            "{% filter upper %}{% set y %}{% include 'part.html' without context %}{% endset %}{% endfilter %}",
            (1, 30, "an"),
        ),
        (
            "{% for x in t recursive %}{% include 'part.html' without context %}{% endfor %}",
            (1, 27, "an include"),
        ),
        ("é {{ {'a': 1}[1:] }}", (1, 6, "slicing this")),
        ("{{ 5[1:] }}", (1, 4, "slicing this")),
        ("{% autoescape x %}{% endautoescape %}", (1, 1, "the truth of")),
        ("{{ x ~ ('<b>'|safe) }}", (1, 4, "a literal that")),
    ],
)
def test_templates(tmplmon: Command, here: Path, source: str, expected: tuple[int, int, str]) -> None:
    write(here, page_html=source, part_html="x")
    result = tmplmon("check --from-jinja2 --format json .")
    (problem,) = json.loads(result.out)["problems"]
    assert (problem["line"], problem["column"]) == expected[:2]
    assert problem["message"].startswith(expected[2]) and problem["code"] == "jinja2-differs"


@pytest.mark.parametrize(
    "source",
    [
        "{% include 'part.html' without context %}",
        "{% for x in t %}{% include 'part.html' without context %}{% endfor %}",
        "{% macro m() %}{% include 'part.html' %}{% endmacro %}",
        "{{ [1, 2][1:] }}{{ 'abc'[1:] }}{{ (1, 2)[1:] }}{{ x[1:] }}",
        "{% autoescape true %}{{ x ~ 'b' ~ (x|safe) }}{% endautoescape %}",
    ],
)
def test_templates_that_are_the_same(tmplmon: Command, here: Path, source: str) -> None:
    write(here, page_html=source, part_html="x")
    assert found(tmplmon) == []


def test_mistakes_are_reported_as_without(tmplmon: Command, here: Path) -> None:
    write(here, page_html="{% if %}", other_html="{% own x %}")
    assert [code for _, _, code, *_ in found(tmplmon)] == ["syntax", "syntax"]


def way_of(tmplmon: Command, here: Path, source: str) -> tuple[str, list[str]]:
    put(here / "app.py", source)
    document: Any = json.loads(tmplmon("check --from-jinja2 --format json app.py").out)
    assert document["way"]["how"]
    return document["way"]["name"], document["way"]["reasons"]


@pytest.mark.parametrize(
    ("source", "way", "reasons"),
    [
        (
            "from jinja2 import Environment, nodes\nfrom jinja2.ext import Extension\n"
            "class Tag(Extension):\n    def parse(self, parser): ...\n"
            "class Own(Environment):\n    def join_path(self, template, parent): ...\n",
            "import",
            [],
        ),
        (
            "import jinja2\nclass E(jinja2.Environment):\n    def _parse(self, *args): ...\n"
            "class P(jinja2.parser.Parser): ...\njinja2.Environment(bytecode_cache=None)\n",
            "as_jinja2",
            [
                "app.py:5 a bytecode cache is passed to an environment",
                "app.py:4 P is a subclass of Jinja2's Parser",
                "app.py:2 E._parse overrides a step of Jinja2's Environment",
            ],
        ),
        (
            "from jinja2 import ModuleLoader\nfrom jinja2.compiler import CodeGenerator\n"
            "class G(CodeGenerator):\n    def visit_If(self, node, frame): ...\n"
            "env.compile('', raw=True)\nenv.compile_templates('x')\nclass H(CodeGenerator): ...\n"
            "class E(Environment):\n    def compile(self, source): ...\n",
            "observe",
            [
                "app.py:1 ModuleLoader is about Python source that Jinja2 generates",
                "app.py:3 G.visit_If changes the Python source that Jinja2 generates",
                "app.py:5 Environment.compile is asked for the Python source that Jinja2 generates",
                "app.py:6 compile_templates is about Python source that Jinja2 generates",
            ],
        ),
    ],
)
def test_the_way_that_fits(tmplmon: Command, here: Path, source: str, way: str, reasons: list[str]) -> None:
    name, why = way_of(tmplmon, here, source)
    assert (name, sorted(why)) == (way, sorted(reasons))


def test_packages_that_import_jinja2(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The installed packages that require Jinja2, directly or through others."""
    for name, requires, source in (
        ("Shop_Pages", "Flask>=1", "from jinja2 import Environment"),
        ("Shop_Forms", "shop-pages", "import flask"),
        ("Shop_Mails", "requests", "import jinja2"),
    ):
        module = name.lower()
        put(here / f"site/{module}/__init__.py", source)
        put(
            here / f"site/{name}-1.0.dist-info/METADATA",
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: {requires}\n",
        )
        put(
            here / f"site/{name}-1.0.dist-info/RECORD",
            f"{module}/__init__.py,,\n{name}-1.0.dist-info/METADATA,,\n",
        )
    monkeypatch.syspath_prepend(str(here / "site"))
    imported = ["shop_pages", "shop_forms", "shop_mails", "flask", "jinja2", "os", "nowhere"]
    assert using_jinja2(imported) == ["shop_pages"]


def test_the_way_is_printed(tmplmon: Command, here: Path) -> None:
    put(here / "app.py", "import jinja2\njinja2.ModuleLoader('x')\n")
    lines = tmplmon("check --from-jinja2 app.py").err.splitlines()
    assert lines[1].startswith("way: observe: Jinja2 stays the engine")
    assert lines[2] == "  because app.py:2 ModuleLoader is about Python source that Jinja2 generates"
    put(here / "app.py", "x = 1\n")
    assert "way" not in tmplmon("check app.py").err
