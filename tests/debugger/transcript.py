"""Sessions in a terminal: what is typed, and what comes of it.

A session file is a description, and after ``--- session`` a transcript. A line that begins with the prompt has a
command; the lines up to the next one are what it must print. The commands are typed into a real pseudo-terminal;
paths are relative to the session's directory.
"""

import os
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

pexpect = pytest.importorskip("pexpect", reason="sessions need pexpect (pip install --group test)")

PATIENCE = 60  # seconds for what takes a tenth of one; only a session that hangs waits so long
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|[\x00-\x08\x0e-\x1a]")
PROMPT = re.compile(r"\((?:Pdb|tmplmon|com)\) $", re.M)


def read(path: Path) -> tuple[str, str]:
    """The description and the transcript of a session file."""
    description, _, transcript = path.read_text("utf-8").partition("--- session\n")
    return description, transcript


def write(path: Path, description: str, transcript: str) -> None:
    path.write_text(f"{description}--- session\n{transcript}", "utf-8")


def commands(transcript: str) -> list[str]:
    return [
        line.partition(") ")[2]
        for line in transcript.splitlines()
        if re.match(r"\((Pdb|tmplmon|com)\) ", line)
    ]


def terminal(argv: Sequence[str], here: Path, **variables: str) -> "pexpect.spawn[str]":
    """A program in a terminal of its own, with a home directory that has no settings of anybody's."""
    settings = {"TERM": "dumb", "HOME": str(here), "COLUMNS": "200", "PYTHON_BASIC_REPL": "1", **variables}
    # A coverage run of the tests is not one of their children.
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COV_", "COVERAGE_", "PYTHON", "FORCE_COLOR", "NO_COLOR"))
    }
    program = pexpect.spawn(
        sys.executable,
        list(argv),
        cwd=str(here),
        env={**inherited, "PYTHONPATH": os.pathsep.join(sys.path), **settings},
        encoding="utf-8",
        timeout=PATIENCE,
        dimensions=(50, 200),
        # Where the tests run in the background, Ctrl-C is ignored, and so it would be in there.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    program.delaybeforesend = None
    return program


def replay(argv: Sequence[str], here: Path, typed: Sequence[str]) -> str:
    """The transcript of a session in which these commands are typed."""
    program = terminal(argv, here)
    pieces: list[str] = []
    rest = list(typed)
    while True:
        ended = program.expect([PROMPT, pexpect.EOF])
        output = plain(program.before, here)
        if pieces:
            output = output.partition("\n")[2]  # without the echo of the command
        pieces.append(output)
        if ended:
            break
        if not rest:
            program.close(force=True)
            pieces.append(f"{program.after or ''} still waits\n")
            break
        command = rest.pop(0)
        pieces.append(f"{plain(program.after, here)}{command}\n")
        program.sendline(command)
    program.close()
    if rest:
        pieces.append(f"it ended before {rest}\n")
    return "".join(piece if piece.endswith("\n") or not piece else f"{piece}\n" for piece in pieces)


def plain(text: str, here: Path) -> str:
    """What a terminal shows, the same wherever the session runs."""
    text = ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "")
    text = text.replace(f"{here}{os.sep}", "")
    text = re.sub(r"0x[0-9a-f]{6,}", "0x…", text)
    return "\n".join(line.rstrip() if not PROMPT.search(line) else line for line in text.split("\n"))
