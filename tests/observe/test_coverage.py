"""coverage.py with ``jinja2 = true``: the templates of an application that uses Jinja2, in real processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from effort import exhaustive_but

ROOT = Path(__file__).parents[2]

CONFIGURATION = """\
[run]
plugins = tmplmon
source = .
branch = true
{more}
[tmplmon]
jinja2 = true
"""
APPLICATION = '''\
import sys
import jinja2
from jinja2.ext import Extension

class Cache(Extension):
    """A tag that reads its arguments and its body itself, as extensions for Jinja2 do."""

    tags = {"cache"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        parser.parse_expression()
        body = parser.parse_statements(["name:endcache"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_run"), [], [], body).set_lineno(line)

    def _run(self, caller):
        return caller()

def local():
    class Stamp(Extension):
        """A class that a report cannot import, with a tag that has no body, and one that has."""

        tags = {"stamp", "box"}

        def parse(self, parser):
            token = next(parser.stream)
            body = []
            if token.value == "box":
                body = parser.parse_statements(["name:endbox"], drop_needle=True)
            else:
                parser.parse_expression()
            return jinja2.nodes.CallBlock(self.call_method("_run"), [], [], body).set_lineno(token.lineno)

        def _run(self, caller):
            return caller()

    return Stamp

def render(**variables):
    """The environment does not exist any more when the measurement ends."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader("templates"), variable_start_string="<<", variable_end_string=">>",
        extensions=[Cache, local()], trim_blocks=True)
    return environment.get_template("page.html").render(variables)
'''
PAGE = """\
<h1>
{% cache "x" %}
<< user >>
{% endcache %}
{% if admin %}
  << admin >>
{% endif %}
{% block foot %}
{% if user %}
  foot
{% endif %}
{% endblock %}
{% stamp 1 +
  2 %}
{% box %}
  box
{% endbox %}
"""
NEVER = "{% cache 1 %}\n<< x >>\n{% endcache %}\n"
PROGRAMS = {
    "run": "-m coverage run run.py",
    "module": "-m coverage run -m run",
    "subprocess": "-m coverage run outer.py",
    "fork": "-m coverage run fork.py fork",
    "spawn": "-m coverage run fork.py spawn",
    "pytest": "-m pytest -q -p pytest_cov.plugin --cov --cov-report= test_page.py",
    "xdist": "-m pytest -q -p pytest_cov.plugin -p xdist.plugin -n 2 --cov --cov-report= test_page.py",
}
MORE = {
    "subprocess": "patch = subprocess",
    "fork": "concurrency = multiprocessing",
    "spawn": "concurrency = multiprocessing",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "templates").mkdir()
    files = {
        "templates/page.html": PAGE,
        "templates/never.html": NEVER,
        "app.py": APPLICATION,
        "run.py": "import app\napp.render(user='ann')\n",
        "outer.py": "import subprocess, sys\nsubprocess.run([sys.executable, 'run.py'], check=True)\n",
        "fork.py": "import multiprocessing, sys, app\n"
        "if __name__ == '__main__':\n"
        "    multiprocessing.set_start_method(sys.argv[1])\n"
        "    process = multiprocessing.Process(target=app.render, kwargs={'user': 'ann'})\n"
        "    process.start()\n    process.join()\n",
        "test_page.py": "import app\ndef test_page():\n    assert 'ann' in app.render(user='ann')\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def python(project: Path, words: str, core: str = "ctrace") -> None:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST"))}
    environment = {**inherited, "PYTHONPATH": f"{project}{os.pathsep}{ROOT}", "COVERAGE_CORE": core}
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *words.split()]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Warning" not in done.stderr.replace("no-sysmon", "").replace("Can't use core=sysmon", "")


@pytest.mark.parametrize("way", exhaustive_but(PROGRAMS, ["run", "subprocess", "xdist"]))
def test_all_ways_to_start_give_the_same_numbers(project: Path, way: str) -> None:
    (project / ".coveragerc").write_text(CONFIGURATION.format(more=MORE.get(way, "")))
    python(project, PROGRAMS[way])
    if way in MORE:
        python(project, "-m coverage combine -q")
    python(project, "-m coverage json -q -o out.json")
    files = json.loads((project / "out.json").read_text())["files"]
    page, never = files["templates/page.html"], files["templates/never.html"]
    assert (page["executed_lines"], page["missing_lines"]) == ([1, 2, 3, 5, 8, 9, 10, 13, 15, 16], [6])
    assert (page["executed_branches"], page["missing_branches"]) == ([[5, 8], [9, 10]], [[5, 6], [9, -1]])
    assert (never["executed_lines"], never["missing_lines"]) == ([], [1, 2])
