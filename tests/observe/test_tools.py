"""Tools on the templates of Jinja2, when it is observed: debuggers, the profiler, live coverage."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jinja2
import pytest

from tmplmon.tools.livecoverage import LiveCoverage
from tmplmon.tools.profiler import Profiler

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
