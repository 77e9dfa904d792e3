"""Other projects' tools with templates of the closures back end: coverage.py with each core, cProfile, pdb, and
functions for ``sys.settrace`` and ``sys.setprofile``. Each test runs a process.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = """\
{% for x in xs %}
{% if x > 1 %}
big {{ x|upper }}
{% else %}
small
{% endif %}
{% endfor %}
{% include "part.html" %}
{% macro never() %}
not run
{% endmacro %}
"""
PART = "{% if xs %}\nsome\n{% else %}\nnone\n{% endif %}\n"
RENDER = """\
from tmplmon import Environment, FileSystemLoader
environment = Environment(loader=FileSystemLoader("templates"), backend="closures")
page = environment.get_template("page.html")
text = page.render(xs=[1, 2])
assert "small" in text and "big" in text and "some" in text
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/page.html").write_text(PAGE)
    (tmp_path / "templates/part.html").write_text(PART)
    (tmp_path / "render.py").write_text(RENDER)
    return tmp_path


def python(folder: Path, *arguments: str, stdin: str = "", **more: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **more}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def measured(folder: Path, core: str, *options: str) -> dict[str, dict[str, list[int]]]:
    """File → its part of coverage.py's JSON report."""
    (folder / ".coveragerc").write_text("[run]\nplugins = tmplmon.tools.coverage\nsource = .\n[report]\n")
    python(folder, "-m", "coverage", "run", *options, "render.py", COVERAGE_CORE=core)
    python(folder, "-m", "coverage", "json", "-o", "report.json")
    return json.loads((folder / "report.json").read_text())["files"]


needs_plugin = pytest.mark.skipif(
    not (ROOT / "tmplmon/tools").exists(), reason="the coverage plugin is not there yet"
)


@needs_plugin
@pytest.mark.parametrize("core", ["sysmon", "ctrace"])
def test_coverage(folder: Path, core: str) -> None:
    branch = core != "sysmon" or sys.version_info >= (
        3,
        14,
    )  # The sysmon core measures branches from 3.14 on.
    files = measured(folder, core, *(["--branch"] if branch else []))
    page, part = files["templates/page.html"], files["templates/part.html"]
    assert (page["executed_lines"], page["missing_lines"]) == ([1, 2, 3, 5, 8, 9], [10])
    assert (part["executed_lines"], part["missing_lines"]) == ([1, 2], [4])
    if branch:
        assert (page["executed_branches"], page["missing_branches"]) == ([[1, 2], [1, 8], [2, 3], [2, 5]], [])
        assert (part["executed_branches"], part["missing_branches"]) == ([[1, 2]], [[1, 4]])


def test_cprofile(folder: Path) -> None:
    """In the profile, a template is a function in the template's file."""
    script = (
        "import cProfile, pstats\n"
        + RENDER.replace("page.render(xs=[1, 2])", "None")
        .replace('assert "small" in text and "big" in text and "some" in text\n', "")
        .replace("text = None\n", "")
        # A clock that advances by one whenever it is read, so that times do not depend on the machine.
        + "import itertools\nticks = itertools.count()\n"
        + "for _ in range(2):  # the first rendering with a tool builds the monitored tree\n"
        + "    profile = cProfile.Profile(lambda: next(ticks))\n    profile.runcall(page.render, xs=[1, 2])\n"
        "times = {}\n"
        "for (file, line, name), (calls, *_, spent, _) in sorted(pstats.Stats(profile).stats.items()):\n"
        "    times[file.rpartition('/')[2], name] = spent\n"
        "    if file.endswith('.html'):\n        print(file.rpartition('/')[2], line, name, calls)\n"
        "whole, page_, part = (\n"
        "    times[file, name]\n"
        "    for file, name in zip(('template.py', 'page.html', 'part.html'), ('render', *['<template>'] * 2))\n"
        ")\n"
        "assert whole > page_ > part and page_ > whole / 2, (whole, page_, part)\n"
    )
    assert python(folder, "-c", script).splitlines() == [
        "page.html 1 <template> 1",
        "part.html 1 <template> 1",
    ]


DEBUGGED = """
import os, pdb
debugger = pdb.Pdb(nosigint=True, stdout=__import__("sys").stdout)
assert debugger.set_break(os.path.abspath("templates/page.html"), 3) is None
assert debugger.set_break(os.path.abspath("templates/part.html"), 2) is None
debugger.runcall(page.render, xs=[2])
"""


def test_pdb_stops_on_lines(folder: Path) -> None:
    """Stops at a breakpoint in a loop, prints a variable, runs ``where`` and ``next``, and stops in the include."""
    commands = "continue\np x\nwhere\nnext\nnext\ncontinue\ncontinue\n"
    (folder / "debug.py").write_text(RENDER + DEBUGGED)
    shown = python(folder, "debug.py", stdin=commands)
    places = [line.rpartition("/")[2] for line in shown.splitlines() if line.startswith(("> ", "(Pdb) > "))]
    assert places[1:4] == ["page.html(3)<template>()", "page.html(3)<template>()", "page.html(1)<template>()"]
    assert "page.html(8)<template>()" in places
    assert any(place.startswith("part.html(2)") for place in places)
    assert "(Pdb) 2" in shown


TRACED = """
import sys
seen = []
def trace(frame, event, argument):
    if frame.f_code.co_filename.endswith(".html"):
        seen.append(f"{event} {frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno}")
    return trace
sys.settrace(trace)
page.render(xs=[2])
sys.settrace(None)
print("\\n".join(seen))
"""
PROFILED = """
import sys
seen = []
def profile(frame, event, argument):
    if frame.f_code.co_filename.endswith(".html") and not event.startswith("c_"):
        seen.append(f"{event} {frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno}")
sys.setprofile(profile)
page.render(xs=[2])
sys.setprofile(None)
print("\\n".join(seen))
"""


def test_settrace(folder: Path) -> None:
    lines = python(folder, "-c", RENDER + TRACED).splitlines()
    assert [line for line in lines if line.startswith("line")] == [
        *(f"line page.html:{n}" for n in (1, 2, 3, 1, 8)),
        *("line part.html:1", "line part.html:2"),
        "line page.html:9",
    ]
    assert [line.partition(":")[0] for line in lines if not line.startswith("line")] == [
        *("call page.html", "call part.html", "return part.html", "return page.html")
    ]


def test_setprofile(folder: Path) -> None:
    lines = python(folder, "-c", RENDER + PROFILED).splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        *("call page.html", "call part.html", "return part.html", "return page.html")
    ]
