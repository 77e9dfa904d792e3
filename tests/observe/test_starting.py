"""Programs that are started so that Jinja2 is observed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """\
import importlib.util, sys
before = "jinja2" in sys.modules
assert importlib.util.find_spec("jinja2") is not None  # as programs do that work without it
import jinja2
code = jinja2.Template("{{ 1 }}").root_render_func.__code__
print(__name__, before, sys.argv[1:], code.co_name)
"""
OBSERVED = "top-level template code"
PTH = (ROOT / "tmplmon.pth").read_text()


def run(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "TMPLMON_JINJA2"}
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env={**inherited, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "program.py").write_text(PROGRAM)
    return tmp_path


@pytest.mark.parametrize("words", [["program.py"], ["-m", "program"]], ids=["script", "module"])
def test_a_program(folder: Path, words: list[str]) -> None:
    done = run("-m", "tmplmon.observe", *words, "a", "-m", cwd=folder)
    assert (done.stdout, done.stderr) == (f"__main__ False ['a', '-m'] {OBSERVED}\n", "")


def test_the_processes_that_it_starts(folder: Path) -> None:
    (folder / "outer.py").write_text(
        f"import os, subprocess, sys\nsubprocess.run([sys.executable, '-c', {PTH + 'import program'!r}])\n"
    )
    done = run("-m", "tmplmon.observe", "outer.py", cwd=folder)
    assert (done.stdout, done.stderr) == (f"program False [] {OBSERVED}\n", "")


def test_the_environment_variable(folder: Path) -> None:
    done = run("-c", PTH + "import program", cwd=folder, TMPLMON_JINJA2="observe")
    assert (done.stdout, done.stderr) == (f"program False [] {OBSERVED}\n", "")


def test_without_the_variable_nothing_is_imported(folder: Path) -> None:
    done = run("-c", PTH + "import sys; print('tmplmon' in sys.modules)", cwd=folder)
    assert done.stdout == "False\n"


def test_a_wrong_variable(folder: Path) -> None:
    done = run("-c", PTH + "print(1)", cwd=folder, TMPLMON_JINJA2="obsrve")
    assert done.stdout == "1\n"
    assert done.stderr.splitlines()[-1] == (
        "tmplmon: ValueError: TMPLMON_JINJA2='obsrve' is not one of observe, as_jinja2"
    )


@pytest.mark.parametrize("words", [[], ["-m"], ["-c", "1"]], ids=str)
def test_no_program(folder: Path, words: list[str]) -> None:
    done = run("-m", "tmplmon.observe", *words, cwd=folder)
    assert done.returncode == 2
    assert done.stderr == "usage: python -m tmplmon.observe [script.py | -m module] …\n"


@pytest.mark.parametrize("way", ["option", "ini"])
def test_pytest(folder: Path, way: str) -> None:
    (folder / "test_it.py").write_text(
        "import jinja2\n\ndef test_it():\n"
        f"    assert jinja2.Template('').root_render_func.__code__.co_name == {OBSERVED!r}\n"
    )
    if way == "ini":
        (folder / "pytest.ini").write_text("[pytest]\ntmplmon_jinja2 = observe\n")
    options = ["--jinja2", "observe"] if way == "option" else []
    plugins = ["-p", "tmplmon.tools.pytestplugin"]
    done = run("-m", "pytest", "-q", *plugins, *options, cwd=folder, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert done.returncode == 0, done.stdout


def test_a_wrong_option_of_pytest(folder: Path) -> None:
    (folder / "pytest.ini").write_text("[pytest]\ntmplmon_jinja2 = obsrve\n")
    plugins = ["-p", "tmplmon.tools.pytestplugin"]
    done = run("-m", "pytest", "-q", *plugins, cwd=folder, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert done.returncode == 4
    assert "TMPLMON_JINJA2='obsrve' is not one of observe, as_jinja2" in done.stderr
