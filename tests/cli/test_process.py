"""Properties of the command that need a process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import put

PYTHON = [sys.executable, "-m", "tmplmon"]


def run(*words: str, cwd: Path, **more: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*PYTHON, *words], cwd=cwd, capture_output=True, timeout=60, **more)  # type: ignore[call-overload,no-any-return]


def test_output_is_utf_8_whatever_the_locale(here: Path) -> None:
    put(here / "a.txt", "é€\r\n{{ 1 }}")
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    result = run("render", "a.txt", cwd=here, env=environment)
    assert (result.returncode, result.stdout, result.stderr) == (0, "é€\n1".encode(), b"")


def test_data_on_standard_input(here: Path) -> None:
    put(here / "a.txt", "{{ v }}")
    assert run("render", "a.txt", "--data", "-", cwd=here, input=b'{"v": 7}').stdout == b"7"


def test_a_reader_that_closes_the_pipe(here: Path) -> None:
    put(here / "a.txt", "{% for i in range(1000000) %}some text\n{% endfor %}")
    process = subprocess.Popen(
        [*PYTHON, "render", "a.txt"], cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert (process.wait(60), errors) == (141, b"")


@pytest.mark.parametrize("words", ["check {}", "coverage {}", "debug {}", "profile {}", "show tokens {}"])
def test_standard_output_without_a_reader(words: str, here: Path) -> None:
    put(
        here / "a.txt",
        "{% if x %}{% endif %}{{ x }}{{ '' | unknown }}" if "check" in words else "{{ 1 }}\n{{ 2 }}",
    )
    reader, writer = os.pipe()
    os.close(reader)
    result = subprocess.run(
        [*PYTHON, *words.format("a.txt").split()],
        cwd=here,
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=60,
    )
    os.close(writer)
    assert (result.returncode, result.stderr) == (141, b"")


INTERRUPTED = """
import os, signal, sys
from tmplmon.cli import main

def line(code, number):
    if code.co_filename.endswith("a.txt"):
        sys.monitoring.set_events(4, 0)
        os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background is started without one
sys.monitoring.use_tool_id(4, "test")
sys.monitoring.register_callback(4, sys.monitoring.events.LINE, line)
sys.monitoring.set_events(4, sys.monitoring.events.LINE)
sys.exit(main(["render", "a.txt", "-o", "out.txt"]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_interrupted(here: Path) -> None:
    """Ctrl-C while a template runs."""
    put(here / "a.txt", "{% for i in range(10 ** 12) %}{% endfor %}")
    put(here / "out.txt", "old")
    result = subprocess.run([sys.executable, "-c", INTERRUPTED], cwd=here, capture_output=True, timeout=60)
    assert (result.returncode, result.stdout, result.stderr) == (130, b"", b"")
    assert (here / "out.txt").read_text() == "old"


def test_the_installed_command(here: Path) -> None:
    command = Path(sys.executable).with_name("tmplmon")
    if not command.exists():
        pytest.skip("the package is not installed in this environment")
    put(here / "a.txt", "{{ 6 * 7 }}")
    result = subprocess.run([command, "render", "a.txt"], cwd=here, capture_output=True, timeout=60)
    assert (result.returncode, result.stdout) == (0, b"42")


def test_rendering_imports_no_slow_modules(here: Path) -> None:
    """Rendering imports neither Lark nor the modules of other commands."""
    put(here / "a.txt", "x")
    code = (
        "import sys; from tmplmon.cli import main; main(['render', 'a.txt', '-o', 'out']);"
        "heavy = ('lark', 'difflib', 'importlib.metadata', 'tmplmon.cli.check', 'tmplmon.ir.show');"
        "print(sorted(name for name in sys.modules if name.startswith(heavy)))"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=here, capture_output=True, timeout=60)
    assert result.stdout.strip() == b"[]", result.stderr
