"""Writing: whole files or nothing, and nothing outside the place that was named.

Rule: a file is written beside its destination and then renamed, so a reader, or a run that is interrupted, finds
the old file or the new one. What is not a regular file (a pipe, ``/dev/stdout``) is written to directly.
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
    """Writes text to standard output as UTF-8, line ends as they are, whatever the locale says."""
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        sys.stdout.write(text)
        return
    sys.stdout.flush()
    rest = memoryview(encoded(text))
    while rest:
        # Without buffering (``python -u``) it is a raw file, which may write a part only.
        rest = rest[buffer.write(rest) or 0 :]
    buffer.flush()


def encoded(text: str) -> bytes:
    """The text in UTF-8. Raises ProblemFound if it has half a surrogate pair, which no encoding has."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        found = text[error.start : error.start + 1]
        raise ProblemFound(Problem(f"the output has {found!a}, which is not a character")) from None


def write_file(path: str, data: bytes) -> None:
    """Writes a file, and its directory if there is none. Raises OSError."""
    with replacing(path) as file:
        file.write(data)


def copy_file(source: str, path: str) -> None:
    """Copies a file's content and permissions. Raises OSError."""
    with open(source, "rb") as file, replacing(path) as target:
        shutil.copyfileobj(file, target)
        if hasattr(os, "fchmod"):
            os.fchmod(target.fileno(), stat.S_IMODE(os.fstat(file.fileno()).st_mode))


@contextmanager
def replacing(path: str) -> Iterator[BinaryIO]:
    """A file to write, which takes the place of `path` when the block ends without an exception."""
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
    # With the mode that any new file gets; `tempfile` would make it unreadable for a web server.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with open(descriptor, "wb") as file:
            yield file
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def check_inside(path: str, out: str) -> None:
    """Raises ProblemFound if `path`, below `out`, leads elsewhere through a symbolic link."""
    root = os.path.realpath(out)
    parent = os.path.realpath(os.path.dirname(path))
    if os.path.commonpath((root, parent)) != root:
        raise ProblemFound(
            Problem(f"the output would be written outside of {shown_path(out)}", shown_path(path))
        )
