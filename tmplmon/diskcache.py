"""Compiled templates on disk, for the next process.

Rule: a file is used only if it was made of exactly this source with exactly these options by exactly this Python
and this engine: all of that is in the file and is compared. Code is loaded from the directory, so it must belong to
the user or to root, and nobody else may be able to write to it. It may be read-only, as one that `tmplmon compile`
filled when an application was built.
"""

import marshal
import os
import stat
import sys
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tmplmon.backends.code import Code

_FORMAT = 2
_PYTHON = sys.implementation.cache_tag, sys.hexversion, sys.platform
_HEAD = b"tmplmon\0"


class DiskCache:
    """The compiled templates in a directory.

    Raises RuntimeError if the directory is not safe.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = os.path.abspath(directory)
        if self.directory not in _checked:
            _make_safe(self.directory)
            _checked.add(self.directory)

    def _path(self, key: tuple[Any, ...]) -> str:
        # A name for the template, not for its content: a changed template replaces its file.
        name, file, generating, _, *options = key
        number = zlib.crc32(repr((name, file, generating, options)).encode())
        shown = "".join(c if c.isalnum() else "_" for c in (name or "template")[-40:])
        return os.path.join(self.directory, f"{shown}.{number:08x}.{_PYTHON[0]}.tmplmon")

    def get(self, key: tuple[Any, ...]) -> "Code | None":
        """The code for a key; None if it is not there, or not readable."""
        try:
            with open(self._path(key), "rb") as file:
                data = file.read()
        except OSError:
            return None
        head = len(_HEAD) + 4
        if data[: len(_HEAD)] != _HEAD or zlib.crc32(data[head:]) != int.from_bytes(data[len(_HEAD) : head]):
            return None
        try:
            version, found, root, blocks, required, pure, links = marshal.loads(memoryview(data)[head:])
        except (EOFError, ValueError, TypeError):
            return None
        if version != (_FORMAT, *_PYTHON, _engine()) or found != key:
            return None
        from tmplmon.backends.code import Code

        return Code(root, blocks, frozenset(required), pure, links)

    def put(self, key: tuple[Any, ...], code: "Code") -> None:
        """Keep the code for a key. A disk that cannot be written is no error: the template was compiled."""
        version = (_FORMAT, *_PYTHON, _engine())
        try:
            parts = code.root, code.blocks, tuple(code.required), code.pure, code.links
            data = marshal.dumps((version, key, *parts))
        except ValueError:
            return
        path = self._path(key)
        temporary = f"{path}.{os.getpid()}.{id(code):x}"
        try:
            with open(temporary, "wb") as file:
                file.write(_HEAD + zlib.crc32(data).to_bytes(4) + data)
            os.replace(temporary, path)
        except OSError:
            try:
                os.unlink(temporary)
            except OSError:
                pass


_checked: set[str] = set()
_engine_key: tuple[Any, ...] | None = None


def _engine() -> tuple[Any, ...]:
    """What tells one state of the engine from another: the content of the modules that make code. Their times do
    not count, as installing the same engine again changes them."""
    global _engine_key
    if _engine_key is None:
        package = os.path.dirname(__file__)
        crc = count = 0
        for folder in ("syntax", "ir", os.path.join("backends", "bytecode")):
            directory = os.path.join(package, folder)
            for name in sorted(os.listdir(directory)):
                if name.endswith(".py"):
                    with open(os.path.join(directory, name), "rb", buffering=0) as file:
                        crc = zlib.crc32(file.readall(), crc)
                    count += 1
        _engine_key = crc, count
    return _engine_key


def _make_safe(directory: str) -> None:
    try:
        os.makedirs(directory, mode=0o700)
        os.chmod(directory, 0o700)
    except FileExistsError:
        pass
    status = os.lstat(directory)
    if not stat.S_ISDIR(status.st_mode):
        raise RuntimeError(f"the cache directory {directory!r} is not a directory")
    if not hasattr(os, "getuid"):
        return
    if status.st_uid == os.getuid() and status.st_mode & 0o022:
        # A directory that somebody made for this and that nobody can have put anything into yet.
        os.chmod(directory, 0o700)
        if os.listdir(directory):
            os.chmod(directory, status.st_mode & 0o777)
        status = os.lstat(directory)
    if status.st_uid not in (os.getuid(), 0) or status.st_mode & 0o022:
        raise RuntimeError(
            f"the cache directory {directory!r} must belong to the user or to root, and nobody else may write to"
            " it: code is loaded from it (chmod 700)"
        )
