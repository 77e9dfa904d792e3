"""Other projects' profilers see templates as source code. Each runs in a process, with a small site.

The site spends its time on two lines: in a macro that a block calls, and in an included template. The tests check
that the profiles have these lines, under understandable names. docs/profiling.md has more about each profiler.
"""

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

BASE = "<html>\n{% block content %}{% endblock %}\n</html>\n"
PAGE = """\
{% extends "base.html" %}
{% macro field(n) %}
  {{ burn(n) }}
{% endmacro %}
{% block content %}
  {{ field(1) }}
  {% include "part.html" %}
{% endblock %}
"""
PART = "{# one line #}\n{{ burn(1) }}\n"
SITE = """\
import sys, time
from tmplmon import Environment, FileSystemLoader

def burn(n):
    ends = time.process_time() + 0.15 * n
    while time.process_time() < ends:
        pass
    return ""

environment = Environment(loader=FileSystemLoader("."))
environment.globals["burn"] = burn
page = environment.get_template("page.html")
"""
RUN = SITE + "page.render()\n"

# The name of a function in profiles → its file and first line.
FUNCTIONS = {
    ("base.html", 1, "<template>"),
    ("page.html", 1, "<template>"),
    ("page.html", 2, "macro field"),
    ("page.html", 5, "block content"),
    ("part.html", 1, "<template>"),
}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    for name, text in (("base.html", BASE), ("page.html", PAGE), ("part.html", PART), ("run.py", RUN)):
        (tmp_path / name).write_text(text)
    return tmp_path


def run(here: Path, *arguments: str) -> str:
    """The output of ``python arguments`` in the site's directory."""
    paths = [str(Path(__file__).parents[2]), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=here, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def need(module: str) -> None:
    if find_spec(module) is None:
        pytest.skip(f"{module} is not installed (pip install 'tmplmon[profilers]')")


# --- by function -------------------------------------------------------------------------------------------


def test_cprofile(here: Path) -> None:
    out = run(here, "-m", "cProfile", "-s", "cumulative", "run.py")
    rows = {
        (row[6], int(row[7]), row[8]): float(row[4])
        for row in re.findall(
            r"(\d+)(\s+)([\d.]+)\s+([\d.]+)\s+([\d.]+)\s+([\d.]+) (\S+\.html):(\d+)\((.*)\)", out
        )
    }
    assert rows.keys() == FUNCTIONS
    assert rows["page.html", 2, "macro field"] > 0.1
    assert rows["page.html", 5, "block content"] > 0.2
    assert rows["part.html", 1, "<template>"] > 0.1


def test_pyinstrument(here: Path) -> None:
    need("pyinstrument")
    run(here, "-m", "pyinstrument", "-r", "json", "-o", "out.json", "run.py")
    functions: dict[tuple[str, int, str], float] = {}
    pending = [json.loads((here / "out.json").read_text())["root_frame"]]
    while pending:
        frame = pending.pop()
        pending += frame["children"]
        key = Path(frame["file_path"] or "").name, frame["line_no"], frame["function"]
        functions[key] = functions.get(key, 0) + frame["time"]
    assert functions.keys() >= FUNCTIONS
    assert functions["page.html", 2, "macro field"] > 0.1


def test_viztracer(here: Path) -> None:
    need("viztracer")
    (here / "run.py").write_text(
        "from viztracer import VizTracer\n"
        + SITE
        + "page.render()\n"
        + "with VizTracer(output_file='out.json', verbose=0, ignore_c_function=True):\n    page.render()\n"
    )
    run(here, "run.py")
    names = {event.get("name", "") for event in json.loads((here / "out.json").read_text())["traceEvents"]}
    wanted = {
        f"{'<template>.' * name.startswith('macro')}{name} ({here / file}:{line})"
        for file, line, name in FUNCTIONS
    }
    assert names >= wanted


# --- by line -----------------------------------------------------------------------------------------------

# The lines of the callers, outermost first, and the line that takes the time.
STACKS = (
    ("page.html:1", "base.html:2", "page.html:6", "page.html:3"),
    ("page.html:1", "base.html:2", "page.html:7", "part.html:2"),
)


def templates_in(stack: str, pattern: str) -> tuple[str, ...]:
    return tuple(":".join(match) for match in re.findall(pattern, stack))


def test_py_spy(here: Path) -> None:
    need_command = Path(sys.executable).with_name("py-spy")
    if not need_command.exists():
        pytest.skip("py-spy is not installed (pip install 'tmplmon[profilers]')")
    paths = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [
        need_command,
        "record",
        "-r",
        "200",
        "-f",
        "raw",
        "-o",
        "out.txt",
        "--",
        sys.executable,
        "run.py",
    ]
    done = subprocess.run(command, cwd=here, env=paths, capture_output=True, text=True, timeout=120)
    if done.returncode:
        said = done.stdout + done.stderr
        if re.search("permission|not permitted|version|find a python|unsupported", said, re.I):
            pytest.skip(f"py-spy may not, or cannot, look into this Python: {said.strip().splitlines()[-1]}")
        raise AssertionError(said)
    stacks = (here / "out.txt").read_text().splitlines()
    frames = {templates_in(stack, r"\(([^/()]*\.html):(\d+)\)") for stack in stacks}
    assert frames >= set(STACKS)
    assert any("<template>.macro field (page.html:3)" in stack for stack in stacks)


@pytest.mark.skipif(sys.version_info < (3, 15), reason="profiling.sampling is new in Python 3.15")
def test_the_sampling_profiler_of_python_3_15(here: Path) -> None:
    command = ("-m", "profiling.sampling", "run", "--collapsed", "-o", "out.txt", "run.py")
    try:
        run(here, *command)
    except AssertionError as error:
        if re.search("permission|not permitted", str(error), re.I):
            pytest.skip("this process may not look into others")
        raise
    stacks = (here / "out.txt").read_text().splitlines()
    frames = {templates_in(stack, r";([^/;]*\.html):[^;]*?:(\d+)(?=[; ])") for stack in stacks}
    assert frames >= set(STACKS)
    assert any("page.html:<template>.macro field:3" in stack for stack in stacks)


def test_line_profiler(here: Path) -> None:
    """Its times are correct. Its listing is cut off, as it uses `inspect` to find the end of a Python function."""
    need("line_profiler")
    (here / "run.py").write_text(
        SITE
        + """\
from line_profiler import LineProfiler
part = environment.get_template("part.html")
profiler = LineProfiler(part.code, page.blocks["content"].code)
profiler.enable_by_count()
page.render()
profiler.disable_by_count()
stats = profiler.get_stats()
import json, os
print(json.dumps([
    [os.path.basename(file), name, [[line, hits, time * stats.unit] for line, hits, time in lines]]
    for (file, _, name), lines in stats.timings.items()
]))
"""
    )
    made = {(file, name): lines for file, name, lines in json.loads(run(here, "run.py"))}
    assert [row[:2] for row in made["part.html", "<template>"]] == [[2, 1]]
    assert [row[:2] for row in made["page.html", "block content"]] == [[6, 1], [7, 1]]
    assert min(row[2] for row in made["page.html", "block content"]) > 0.1


def test_scalene_has_to_exclude_templates(here: Path) -> None:
    """It parses all reported files as Python, so templates must be excluded. Their time counts for the caller's
    line."""
    need("scalene")
    run(here, "-m", "scalene", "run", "--cpu-only", "--profile-exclude", ".html", "-o", "out.json", "run.py")
    made = json.loads((here / "out.json").read_text())
    (lines,) = [file["lines"] for path, file in made["files"].items() if path.endswith("run.py")]
    assert any(line["n_cpu_percent_python"] > 0 for line in lines)
    assert not any(path.endswith(".html") for path in made["files"])
