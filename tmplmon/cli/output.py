"""Writing output: complete files only, and only below the directory that the user named.

Rule: a file is written under a temporary name beside its destination and then renamed. A reader, or an interrupted
run, finds either the old file or the new one. A destination that is not a regular file (a pipe, ``/dev/stdout``) is
written directly.
"""

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from tmplmon.cli.problems import Problem, ProblemFound, shown_path


def write_stdout(text: str) -> None:
    """Write text to standard output as UTF-8, without converting newlines, whatever the locale is."""
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        sys.stdout.write(text)
        return
    sys.stdout.flush()
    rest = memoryview(encoded(text))
    while rest:
        # Without buffering (``python -u``) it is a raw file, which may write less than it is passed.
        rest = rest[buffer.write(rest) or 0 :]
    buffer.flush()


def encoded(text: str) -> bytes:
    """Encode the text in UTF-8. Raises ProblemFound if it contains a lone surrogate."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        character = text[error.start : error.start + 1]
        raise ProblemFound(Problem(f"the output has {character!a}, which is not a character")) from None


def write_file(path: str, data: bytes) -> None:
    """Write a file; create its directory if necessary. Raises OSError."""
    with replacing(path) as file:
        file.write(data)


def copy_file(source: str, path: str) -> None:
    """Copy a file's content and permissions. Raises OSError."""
    with open(source, "rb") as file, replacing(path) as target:
        shutil.copyfileobj(file, target)
        if hasattr(os, "fchmod"):
            os.fchmod(target.fileno(), stat.S_IMODE(os.fstat(file.fileno()).st_mode))


@contextmanager
def replacing(path: str) -> Iterator[BinaryIO]:
    """Open a file for writing, which replaces `path` if the ``with`` block succeeds. Raises OSError."""
    if os.path.exists(path) and not os.path.isfile(path):
        if os.path.isdir(path):
            raise IsADirectoryError(21, "Is a directory", path)
        with open(path, "wb") as file:
            yield file
        return
    directory = os.path.dirname(path)
    if directory:
        try:
            os.makedirs(directory, exist_ok=True)
        except FileExistsError:
            raise NotADirectoryError(20, "Not a directory", directory) from None
    temporary = f"{path}.{os.getpid()}.tmp"
    # With the default mode of a new file: `tempfile` would make it unreadable for a web server.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with open(descriptor, "wb") as file:
            yield file
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def check_inside(path: str, out: str) -> None:
    """Check that `path`, below `out`, does not lead outside through a symbolic link. Raises ProblemFound."""
    root = os.path.realpath(out)
    parent = os.path.realpath(os.path.dirname(path))
    if os.path.commonpath((root, parent)) != root:
        raise ProblemFound(
            Problem(f"the output would be written outside of {shown_path(out)}", shown_path(path))
        )


def plural(number: int, noun: str) -> str:
    """Return "1 file", "2 files"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
