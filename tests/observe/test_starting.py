"""The ways to start a program in which Jinja2 is observed."""

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

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


def test_child_processes(folder: Path) -> None:
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


STAYING = """\
import atexit, pickle, sys, threading
class Value: pass
def check():
    assert sys.modules["__main__"].__dict__ is globals()
    pickle.dumps(Value())
    print("found")
atexit.register(check)
threading.Timer(0, check).start()
def fail():
    raise ValueError("wrong")
if len(sys.argv) > 1:
    fail()
"""


@pytest.mark.parametrize(
    "words", [["program.py"], ["-m", "program"], ["package"], ["package.zip"]], ids=" ".join
)
def test_the_module_of_the_program_stays_the_main_module(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "program.py").write_text(STAYING)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__main__.py").write_text(STAYING)
    with ZipFile(tmp_path / "package.zip", "w") as archive:
        archive.writestr("__main__.py", STAYING)
    done = run("-m", "tmplmon.observe", *words, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("found\nfound\n", "")


@pytest.mark.parametrize("words", [["program.py"], ["-m", "program"], ["package"]], ids=" ".join)
def test_an_error_is_reported_as_by_python(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "program.py").write_text(STAYING)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__main__.py").write_text(STAYING)
    expected = run(*words, "fail", cwd=tmp_path)
    done = run("-m", "tmplmon.observe", *words, "fail", cwd=tmp_path)
    assert "ValueError: wrong" in expected.stderr
    assert (done.returncode, done.stderr) == (expected.returncode, expected.stderr)


@pytest.mark.parametrize("words", [["missing.py"], ["-m", "missing"], ["wrong.py"]], ids=" ".join)
def test_a_program_that_cannot_be_started(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "wrong.py").write_text("x = (\n")
    expected = run(*words, cwd=tmp_path)
    done = run("-m", "tmplmon.observe", *words, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (expected.returncode, expected.stderr)
    assert done.returncode and done.stderr


def test_the_excepthook_of_the_program_gets_its_own_frames_only(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "import sys, traceback\n"
        "sys.excepthook = lambda kind, error, tb: print([frame.name for frame in traceback.extract_tb(tb)])\n"
        "1 / 0\n"
    )
    done = run("-m", "tmplmon.observe", "program.py", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "['<module>']\n")


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
