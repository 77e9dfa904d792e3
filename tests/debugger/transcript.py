"""Sessions in a terminal: commands and their output.

A session file has a description and, after ``--- session``, a transcript. A line that begins with the prompt has a
command, and the lines up to the next one have its expected output. The commands are typed into a pseudo-terminal.
Paths are relative to the session's directory.
"""

import os
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

pexpect = pytest.importorskip("pexpect", reason="sessions need pexpect (pip install --group test)")

PATIENCE = 60  # in seconds; only a session that hangs takes so long
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
    """A program in a new terminal, with a home directory without any settings."""
    settings = {"TERM": "dumb", "HOME": str(here), "COLUMNS": "200", "PYTHON_BASIC_REPL": "1", **variables}
    # A coverage measurement of the tests does not extend to this process.
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
        # If the tests run in the background, they ignore Ctrl-C, and so would this process.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    program.delaybeforesend = None
    return program


def replay(argv: Sequence[str], here: Path, typed: Sequence[str]) -> str:
    """Type these commands in a session. Returns the transcript."""
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
    """The output of a terminal, without parts that depend on the machine."""
    text = ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "")
    text = text.replace(f"{here}{os.sep}", "")
    text = re.sub(r"0x[0-9a-f]{6,}", "0x…", text)
    return "\n".join(line.rstrip() if not PROMPT.search(line) else line for line in text.split("\n"))
