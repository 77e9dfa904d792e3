"""Debuggers, the profiler and live coverage with templates of observed Jinja2."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jinja2
import pytest
from jinja2.ext import Extension
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tmplmon.tools.livecoverage import LiveCoverage
from tmplmon.tools.profiler import Profiler
from tmplmon.tools.tracing import TemplateTracing

ROOT = Path(__file__).parents[2]
PAGE = """\
<ul>
{% for user in users %}
  {% set name = user|upper %}
  <li>{{ name }}</li>
{% endfor %}
{% if never %}
  never
{% endif %}
"""
PROGRAM = """\
import jinja2

def stop():
    breakpoint()
    return ""

environment = jinja2.Environment(loader=jinja2.FileSystemLoader("."))
print(environment.get_template("page.html").render(users=["ann", "bob"], stop=stop))
"""


class Stamp(Extension):
    """An extension with a tag that it parses itself."""

    tags = {"stamp"}  # noqa: RUF012

    def parse(self, parser: Any) -> Any:
        return jinja2.nodes.Output([jinja2.nodes.TemplateData("stamp")]).set_lineno(
            next(parser.stream).lineno
        )


@pytest.fixture
def template(tmp_path: Path, observed: None) -> Any:
    (tmp_path / "page.html").write_text(PAGE)
    return jinja2.Environment(loader=jinja2.FileSystemLoader(tmp_path)).get_template("page.html")


def test_the_profiler(template: Any) -> None:
    with Profiler() as profiler:
        template.render(users=["ann", "bob"])
    (file,) = profiler.profile.files.values()
    assert {number: line.hits for number, line in file.lines.items()} == {1: 1, 2: 3, 3: 2, 4: 2, 6: 1}


def test_live_coverage(template: Any, tmp_path: Path) -> None:
    with LiveCoverage() as live:
        template.render(users=["ann", "bob"])
    assert live.lines == {str(tmp_path / "page.html"): {1, 2, 3, 4, 6}}


def test_the_report_of_live_coverage(tmp_path: Path, observed: None) -> None:
    (tmp_path / "page.html").write_text(PAGE.replace("{%", "<%").replace("%}", "%>") + "<% do 1 %>\n")
    (tmp_path / "never.html").write_text("<% if a %>\n1\n<% endif %>\n")
    (tmp_path / "wrong.html").write_text("<% if %>")
    loaders = [jinja2.FileSystemLoader(tmp_path), jinja2.DictLoader({"text": "{{ 1 }}"})]
    environment = jinja2.Environment(
        block_start_string="<%",
        block_end_string="%>",
        extensions=["jinja2.ext.do", Stamp],
        loader=jinja2.ChoiceLoader(loaders),
    )
    with LiveCoverage() as live:
        environment.get_template("page.html").render(users=["ann"])
        report = live.report(environment)  # type: ignore[arg-type]
    assert report["page.html"] == {
        "file": str(tmp_path / "page.html"),
        "executable": [1, 2, 3, 4, 6, 7, 9],
        "ran": [1, 2, 3, 4, 6, 9],
        "missing": [7],
    }
    assert report["never.html"]["missing"] == [1, 2]
    assert report["wrong.html"]["line"] == 1
    assert "not files" in report["text"]["error"]


def test_spans(tmp_path: Path, observed: None) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    (tmp_path / "base.html").write_text("{% block body %}{% endblock %}{% include 'part.html' %}")
    (tmp_path / "page.html").write_text(
        "{% extends 'base.html' %}{% block body %}{% macro m() %}m{% endmacro %}{{ m() }}{% endblock %}"
    )
    (tmp_path / "part.html").write_text("part")
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(tmp_path))
    with TemplateTracing(provider):
        environment.get_template("page.html").render()
    spans: Any = exporter.get_finished_spans()
    names = {span.context.span_id: span.name for span in spans}
    assert {span.name: names.get(span.parent.span_id) if span.parent else None for span in spans} == {
        "page.html": None,
        "base.html": "page.html",
        "page.html: block 'body'": "base.html",
        "part.html": "base.html",
    }
    assert {span.attributes["code.file.path"] for span in spans} == {
        str(tmp_path / name) for name in ("base.html", "page.html", "part.html")
    }


@pytest.mark.parametrize("debugger", ["pdb.set_trace", "tmplmon.tools.debugger.set_trace"])
def test_a_debugger(tmp_path: Path, debugger: str) -> None:
    (tmp_path / "page.html").write_text(PAGE.replace("<ul>", "{{ stop() }}"))
    (tmp_path / "program.py").write_text(PROGRAM)
    up = "up\nup\n" if debugger.startswith("pdb") else ""
    commands = f"{up}next\nbreak 4\ncontinue\np name, user\nnext\nnext\np user\nclear 1\nyes\ncontinue\n"
    if not up:
        commands = "next\nbreak page.html:4\ncontinue\np name, user\nnext\nnext\np user\nclear 1\ncontinue\n"
    done = subprocess.run(
        [sys.executable, "-m", "tmplmon.observe", "program.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONBREAKPOINT": debugger, "NO_COLOR": "1"},
        input=commands,
        capture_output=True,
        text=True,
        timeout=60,
    )
    shown = done.stdout + done.stderr
    assert "('ANN', 'ann')" in shown
    assert "'bob'" in shown
    assert shown.count("page.html(4)") + shown.count("page.html:4") >= 1
    assert "<li>BOB</li>" in shown
