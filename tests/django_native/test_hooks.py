"""Observed templates render as before, whatever happens in them, and signal in every situation."""

from __future__ import annotations

import copy
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType

import pytest
from django.template import Context, Template
from django.template.base import Node, NodeList, TextNode

from tests.django_native.cases import CASES, Case
from tests.django_native.conftest import MakeEngine, counting, render
from tmplmon.integrations.django import native

ROOT = Path(__file__).parents[2]


@contextmanager
def lines(folder: Path) -> Iterator[list[str]]:
    """Record the lines of templates in a folder: name:line."""
    monitoring, recorded = sys.monitoring, []

    def line(code: CodeType, number: int) -> None:
        if code.co_filename.startswith(str(folder)):
            recorded.append(f"{Path(code.co_filename).name}:{number}")

    monitoring.use_tool_id(4, "lines")
    monitoring.register_callback(4, monitoring.events.LINE, line)
    monitoring.set_events(4, monitoring.events.LINE)
    try:
        yield recorded
    finally:
        monitoring.set_events(4, 0)
        monitoring.register_callback(4, monitoring.events.LINE, None)
        monitoring.free_tool_id(4)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_output_is_the_same(case: Case, engine: MakeEngine, folder: Path) -> None:
    native.uninstall()
    expected = [render(engine(case.files), "page.html", **context) for context in case.contexts]
    native.install()
    made = engine(case.files)
    assert [render(made, "page.html", **context) for context in case.contexts] == expected
    with lines(folder) as recorded:
        assert [render(made, "page.html", **context) for context in case.contexts] == expected
    assert recorded
    assert [render(made, "page.html", **context) for context in case.contexts] == expected


def test_the_order_of_lines(engine: MakeEngine, folder: Path) -> None:
    made = engine({"page.html": "a\n{% for x in xs %}\n{{ x }}\n{% empty %}\nnone\n{% endfor %}\nend"})
    with lines(folder) as recorded:
        render(made, "page.html", xs=[1, 2])
        assert recorded == [f"page.html:{line}" for line in (1, 2, 3, 2, 3, 2, 7)]
        recorded.clear()
        render(made, "page.html", xs=[])
        assert recorded == [f"page.html:{line}" for line in (1, 2, 5, 7)]


def test_uninstall(engine: MakeEngine, folder: Path) -> None:
    made = engine({"page.html": "a\n{{ x }}"})
    template = made.get_template("page.html")
    original = Template.compile_nodelist
    native.uninstall()
    assert not native.is_installed() and Template.compile_nodelist is not original
    with lines(folder) as recorded:
        template.render(Context())
    assert recorded == []
    native.install()
    with lines(folder) as recorded:
        template.render(Context())
    assert recorded == ["page.html:1", "page.html:2"]


def test_without_a_tool_nodes_are_not_changed(engine: MakeEngine) -> None:
    template = engine({"page.html": "a{% if x %}b{% endif %}"}).get_template("page.html")
    template.render(Context({"x": 1}))
    for node in template.nodelist.get_nodes_by_type(Node):
        assert not [name for name in vars(node) if name.startswith("_tmplmon")]


def test_threads(engine: MakeEngine, folder: Path) -> None:
    text = "{% for x in xs %}\n{% if x %}\n{{ x }}\n{% endif %}\n{% include 'part.html' %}\n{% endfor %}"
    made = engine({"page.html": text, "part.html": "part {{ x }}"})
    template = made.get_template("page.html")
    results: list[str] = []
    expected = str(template.render(Context({"xs": range(5)})))

    def work() -> None:
        results.extend(str(template.render(Context({"xs": range(5)}))) for _ in range(5))

    with lines(folder) as recorded:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert results == [expected] * 20
    # Five iterations, of which one does not render line 3: 1 + 5 * 4 - 1 lines, and those of the part.
    assert recorded.count("page.html:3") == 20 * 4
    assert recorded.count("page.html:1") == 20 * 6
    assert recorded.count("part.html:1") == 20 * 5


def test_copies_of_nodes(engine: MakeEngine, folder: Path) -> None:
    template = engine({"page.html": "{% if x %}\n{{ x }}\n{% endif %}"}).get_template("page.html")
    with lines(folder):
        template.render(Context({"x": 1}))
    for copied in (copy.copy(template.nodelist[0]), copy.deepcopy(template.nodelist[0])):
        with lines(folder) as recorded:
            assert NodeList([copied, TextNode("!")]).render(Context({"x": 2})).strip() == "2\n!"
        assert recorded == ["page.html:1", "page.html:2"]


def test_an_error_leaves_no_state(engine: MakeEngine, folder: Path) -> None:
    files = {
        "page.html": "{% load tried %}\n{% if x %}\n{% for y in x %}\n{% fail %}\n{% endfor %}{% endif %}",
        "ok.html": "a\nb{{ x }}",
    }
    made = engine(files)
    with lines(folder) as recorded:
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                render(made, "page.html", x=[1])
        assert recorded == [f"page.html:{line}" for line in (1, 2, 3, 4)] * 2
        recorded.clear()
        render(made, "ok.html")
    assert recorded == ["ok.html:1", "ok.html:2"]


def test_include_and_extends_of_template_objects(engine: MakeEngine, folder: Path) -> None:
    made = engine(
        {
            "page.html": "{% extends base %}\n{% block a %}\n{% include part %}\n{% endblock %}",
            "base.html": "{% block a %}{% endblock %}",
            "part.html": "part",
        }
    )
    base, part = made.get_template("base.html"), made.get_template("part.html")
    with lines(folder) as recorded:
        assert render(made, "page.html", base=base, part=part).strip() == "part"
    assert recorded == ["page.html:1", "base.html:1", "page.html:3", "part.html:1"]


def test_partials(engine: MakeEngine, folder: Path) -> None:
    pytest.importorskip("django", minversion="6.0")
    text = "{% partialdef row inline %}\n  row {{ x }}\n{% endpartialdef %}\n"
    text += "{% for x in xs %}\n{% partial row %}\n{% endfor %}"
    made = engine({"page.html": text})
    with lines(folder) as recorded:
        render(made, "page.html", xs=[1])
        assert recorded == [f"page.html:{line}" for line in (1, 2, 4, 5, 2, 4)]
        recorded.clear()
        made.get_template("page.html#row").render(Context())
    assert recorded == ["page.html:2"]


def test_the_cached_loader(engine: MakeEngine, folder: Path) -> None:
    loaders = [("django.template.loaders.cached.Loader", ["django.template.loaders.filesystem.Loader"])]
    engine({"page.html": "a\n{{ x }}"})
    from django.template import Engine

    made = Engine(dirs=[str(folder)], loaders=loaders)
    render(made, "page.html")
    counter = counting(folder)
    with counter.collect():
        render(made, "page.html")
    assert counter.get_data().lines(str(folder / "page.html")) == [1, 2]


PROGRAM = """
import coverage, os, sys
counter = coverage.Coverage(config_file="rc")
counter.start()
import django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes",
        "django.contrib.messages", "django.contrib.sessions"],
    STATIC_URL="/static/",
    ROOT_URLCONF="urls",
    TEMPLATES=[
        {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": ["templates"], "APP_DIRS": True},
    ],
)
django.setup()
from django.template.loader import get_template
for name in sys.argv[1:]:
    get_template(name).render({"x": [1]})
counter.stop()
counter.save()
"""


RC = """\
[run]
plugins = tmplmon
parallel = true
branch = true
include =
    templates/*
    */admin/templates/*
[report]
include =
    templates/*
    */admin/pagination.html
    */admin/404.html
[tmplmon]
django = true
"""


def test_processes_templates_that_were_never_rendered_and_those_of_the_admin(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "urls.py").write_text(
        "from django.contrib import admin\nfrom django.urls import path\n"
        "urlpatterns = [path('admin/', admin.site.urls)]\n"
    )
    (tmp_path / "rc").write_text(RC)
    for name in ("a", "b", "never"):
        (tmp_path / f"templates/{name}.html").write_text("{% if x %}\nyes\n{% endif %}\nend\n")
    (tmp_path / "templates/wrong.html").write_text("{% unknown %}\n")

    def run(*arguments: str) -> str:
        command = [sys.executable, "-W", "ignore", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    for name in ("a.html", "b.html", "admin/404.html"):
        run("program.py", name)
    run("-m", "coverage", "combine", "--rcfile=rc")
    report = run("-m", "coverage", "report", "--rcfile=rc", "-m")
    rows = {
        Path(words[0]).name: words[1:7]
        for words in map(str.split, report.splitlines())
        if "%" in report and words
    }
    assert rows["a.html"][:5] == rows["b.html"][:5] == ["3", "0", "2", "1", "80%"]
    assert rows["never.html"][:5] == ["3", "3", "2", "0", "0%"]
    assert rows["404.html"][4] == "100%"
    assert rows["pagination.html"][4] == "0%"
    assert "wrong.html" not in rows
