"""Fixtures for a current directory, and for the command as a function."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tmplmon.cli import main


@dataclass(frozen=True)
class Result:
    """The exit status and the output of a command."""

    status: int
    out: str
    err: str


type Command = Callable[..., Result]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory, which is the current directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tmplmon(here: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> Command:
    """A function that runs a command line in `here`. The words are in one string, or separate if one contains a
    blank."""

    def run(*words: str) -> Result:
        status = main(words[0].split() if len(words) == 1 else words)
        out, err = capsysbinary.readouterr()
        return Result(status, out.decode(), err.decode())

    return run


def write(root: Path, **files: str | bytes) -> None:
    """Write files. In their names, ``__`` stands for ``/``, and ``_html`` at the end for ``.html``, and so on."""
    for name, content in files.items():
        stem, _, end = name.replace("__", "/").rpartition("_")
        put(root / f"{stem}.{end}", content)


def put(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
