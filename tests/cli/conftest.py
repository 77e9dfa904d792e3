"""A directory to work in, and the command as a function."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tmplmon.cli import main


@dataclass(frozen=True)
class Result:
    """What a command did: its exit status and what it wrote."""

    status: int
    out: str
    err: str


type Command = Callable[..., Result]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tmplmon(here: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> Command:
    """Runs a command line in `here`: words in one string, or one by one where a word has a blank."""

    def run(*words: str) -> Result:
        status = main(words[0].split() if len(words) == 1 else words)
        out, err = capsysbinary.readouterr()
        return Result(status, out.decode(), err.decode())

    return run


def write(root: Path, **files: str | bytes) -> None:
    """Files by name; ``__`` in a name is ``/``, ``_html`` at its end ``.html``, and so on."""
    for name, content in files.items():
        stem, _, end = name.replace("__", "/").rpartition("_")
        put(root / f"{stem}.{end}", content)


def put(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
