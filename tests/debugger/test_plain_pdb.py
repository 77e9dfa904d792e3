"""Complete sessions with Python's own `pdb`, which has no support for templates; see `transcript`.

They are the same for both back ends. With the bytecode back end, the debugger is told to skip the engine, like any
other library. With closures, this is not necessary. `caller` stands for `up`, past the function between a template
and the function that it calls.
"""

import re
import sys
from pathlib import Path

import pytest

from . import transcript

pytestmark = pytest.mark.usefixtures("pseudo_terminals")

SESSIONS = Path(__file__).parent / "sessions"
BACKENDS = ("bytecode", "closures")
WATCHING = ("settrace", "monitoring") if sys.version_info >= (3, 14) else ("settrace",)

# Two lines of output of `where`.
ENGINES = re.compile(r"^[> ] \S*/tmplmon/\w\S*\.py(?: \(passed over .*\))?\(\d+\).*\n-> .*\n", re.M)
# The start of a template: its first line or, in bytecode, a position before it.
BEGINS = re.compile(r"^(--Call--\n> templates/[^(]+)\([01]\)(.*\n)(?:->.*\n)?", re.M)


def check(name: str, here: Path, update: bool, how: str, backend: str, *watching: str) -> None:
    path = SESSIONS / f"plain_{name}.txt"
    description, expected = transcript.read(path)
    (here / ".pdbrc").write_text(f"alias caller up {2 if backend == 'bytecode' else 1}\n", "utf-8")
    argv = ["plain.py", how, backend, *watching]
    output = transcript.replay(argv, here, transcript.commands(expected))
    output = BEGINS.sub(r"\1(beginning)\2", ENGINES.sub("", output))
    if update:
        transcript.write(path, description, output)
    assert output == expected


@pytest.mark.parametrize("watching", WATCHING)
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("how", ["render", "generate", "maybe"])
def test_steps(how: str, backend: str, watching: str, here: Path, update: bool) -> None:
    check(how, here, update, how, backend, watching)


@pytest.mark.parametrize("watching", WATCHING)
@pytest.mark.parametrize(("name", "how"), [("into", "generate"), ("before", "before")])
def test_steps_that_would_lead_into_libraries(
    name: str, how: str, watching: str, here: Path, update: bool
) -> None:
    """With closures, functions that the engine calls are skipped, too."""
    check(name, here, update, how, "closures", watching)


@pytest.mark.parametrize("watching", WATCHING)
def test_the_end_of_a_generator(watching: str, here: Path, update: bool) -> None:
    """A generator returns on a line, which `pdb` compares with the line to stop at."""
    check("end", here, update, "generate", "bytecode", watching)


@pytest.mark.parametrize("backend", BACKENDS)
def test_post_mortem(backend: str, here: Path, update: bool) -> None:
    check("fail", here, update, "fail", backend)
