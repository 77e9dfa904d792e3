"""Whole sessions with Python's own `pdb`, which knows nothing of templates; see `transcript`.

They hold in both back ends. What runs templates as bytecode is a library like any other, so there the debugger is
told to skip it; where closures run, it need not be. `caller` stands for `up`, past the function between a template
and what it calls.
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

# Two lines of `where`.
ENGINES = re.compile(r"^[> ] \S*/tmplmon/\w\S*\.py\(\d+\).*\n-> .*\n", re.M)
# Where a template begins: on its first line, or, as bytecode, before it.
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
    """What the engine uses is skipped too where closures run."""
    check(name, here, update, how, "closures", watching)


@pytest.mark.parametrize("watching", WATCHING)
def test_the_end_of_a_generator(watching: str, here: Path, update: bool) -> None:
    """Where it returns is on a line; `pdb` compares that with the one it is to stop at."""
    check("end", here, update, "generate", "bytecode", watching)


@pytest.mark.parametrize("backend", BACKENDS)
def test_post_mortem(backend: str, here: Path, update: bool) -> None:
    check("fail", here, update, "fail", backend)
