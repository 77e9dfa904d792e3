"""Complete sessions with the debugger in a terminal; see `transcript`.

A session is the same for both back ends and, from Python 3.14 on, for both backends of `pdb`. ``--update`` writes
the output to the session files.
"""

import sys
from pathlib import Path

import pytest

from . import transcript

pytestmark = pytest.mark.usefixtures("pseudo_terminals")

HERE = Path(__file__).parent
BACKENDS = ("bytecode", "closures")
WATCHING = ("settrace", "monitoring") if sys.version_info >= (3, 14) else ("settrace",)


def check(name: str, here: Path, update: bool, *argv: str) -> None:
    path = HERE / "sessions" / f"{name}.txt"
    description, expected = transcript.read(path)
    output = transcript.replay(argv, here, transcript.commands(expected))
    if update:
        transcript.write(path, description, output)
    assert output == expected


@pytest.mark.parametrize("watching", WATCHING)
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["steps", "breakpoints", "inspection", "functions"])
def test_pdb(name: str, backend: str, watching: str, here: Path, update: bool) -> None:
    check(name, here, update, "app.py", "pdb", "page.html", backend, watching)


@pytest.mark.parametrize("watching", WATCHING)
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("how", ["generate", "stream", "async", "pieces"])
def test_templates_that_yield(how: str, backend: str, watching: str, here: Path, update: bool) -> None:
    check(f"pause_{how}", here, update, "flow.py", how, backend, watching)


@pytest.mark.parametrize("backend", BACKENDS)
def test_post_mortem_of_a_task(backend: str, here: Path, update: bool) -> None:
    check("pause_post_mortem", here, update, "flow.py", "post_mortem", backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_breakpoints_of_templates_and_functions(backend: str, here: Path, update: bool) -> None:
    check("stops", here, update, "stops.py", backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_breakpoint_tag(backend: str, here: Path, update: bool) -> None:
    check("tag", here, update, "app.py", "tag", "stop.html", backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["tag_reached", "tag_and_breakpoint"])
def test_a_breakpoint_tag_that_was_reached_before(name: str, backend: str, here: Path, update: bool) -> None:
    check(name, here, update, "app.py", "tag", "reached.html", backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_post_mortem(backend: str, here: Path, update: bool) -> None:
    check("post_mortem", here, update, "app.py", "post_mortem", "broken.html", backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("name", "page"), [("debug", "plain.html"), ("debug_broken", "broken.html")])
def test_debug_command(name: str, page: str, backend: str, here: Path, update: bool) -> None:
    options = ["--data", "data.json", "--backend", backend, "-o", "out.html"]
    check(name, here, update, "-m", "tmplmon", "debug", f"templates/{page}", *options)


@pytest.mark.parametrize("backend", BACKENDS)
def test_templates_that_are_not_loaded_or_not_in_files(backend: str, here: Path, update: bool) -> None:
    check("unknown", here, update, "unknown.py", backend)
