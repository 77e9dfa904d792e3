"""Compiled templates on disk, for the next process.

Rule: a file is used only if it was compiled from exactly this source, with exactly these options, by exactly this
Python, this engine and this markupsafe. The file contains all of that, and all of it is compared. Text that the
compiler escaped is part of compiled code, so "this engine" means the content of the whole package; see `checksum`.

Code is loaded from the directory. So the directory must belong to the user or to root, and nobody else may be able
to write to it. It may be read-only, like one that `tmplmon compile` filled when an application was built.
"""

import marshal
import os
import stat
import sys
import zlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import markupsafe

import tmplmon
from tmplmon.backends.code import Code

_FORMAT = 3
_PYTHON = sys.implementation.cache_tag, sys.hexversion, sys.platform
_HEAD = b"tmplmon\0"


class DiskCache:
    """The compiled templates in a directory, which is created if it does not exist.

    Raises RuntimeError if somebody else can write to the directory or it is no directory, and OSError if it cannot
    be created.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = os.path.abspath(directory)
        if self.directory not in _checked:
            _make_safe(self.directory)
            _checked.add(self.directory)

    def _path(self, key: tuple[Any, ...]) -> str:
        # The name identifies the template, not its content: a changed template replaces its file.
        name, file, generating, _, *options = key
        number = zlib.crc32(repr((name, file, generating, options)).encode())
        readable = "".join(c if c.isalnum() else "_" for c in (name or "template")[-40:])
        return os.path.join(self.directory, f"{readable}.{number:08x}.{_PYTHON[0]}.tmplmon")

    def get(self, key: tuple[Any, ...]) -> Code | None:
        """Return the code stored for `key`; None if there is none, or none that can be used."""
        if engine() is None:
            return None
        try:
            with open(self._path(key), "rb") as file:
                data = file.read()
        except OSError:
            return None
        head = len(_HEAD) + 4
        if data[: len(_HEAD)] != _HEAD or zlib.crc32(data[head:]) != int.from_bytes(data[len(_HEAD) : head]):
            return None
        try:
            version, stored_key, root, blocks, required, pure, links = marshal.loads(memoryview(data)[head:])
        except (EOFError, ValueError, TypeError):
            return None
        if version != (_FORMAT, *_PYTHON, engine()) or stored_key != key:
            return None
        return Code(root, blocks, frozenset(required), pure, links)

    def put(self, key: tuple[Any, ...], code: Code) -> None:
        """Store the code for `key`. A file that cannot be written is no error: the template was compiled."""
        if not _is_engine_unchanged():
            return
        version = (_FORMAT, *_PYTHON, engine())
        try:
            fields = code.root, code.blocks, tuple(code.required), code.pure, code.links
            data = marshal.dumps((version, key, *fields))
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

_engine: tuple[Any, ...] | None = None
_engine_is_unchanged: bool | None = None


def engine() -> tuple[Any, ...] | None:
    """Return what identifies this engine: its version, and the checksums of its files and of markupsafe's.

    It is computed once for a process, by the first environment with a disk cache. None if the files cannot be read;
    the disk cache is not used then. (Lark does not count: it builds tables only for an edited grammar, which is one
    of the files.)
    """
    global _engine
    if _engine is None:
        _engine = _identify_engine()
    return _engine if None not in _engine else None


def _identify_engine() -> tuple[Any, ...]:
    return tmplmon.__version__, checksum(tmplmon), checksum(markupsafe)


def _is_engine_unchanged() -> bool:
    """Whether the engine's files are still those that `engine` identified.

    It is called when a template has been compiled for the first time, so the modules of the compiler are loaded. If
    somebody has installed another engine since this process started, this process may run modules of both, and must
    not store their results.
    """
    global _engine_is_unchanged
    if _engine_is_unchanged is None:
        _engine_is_unchanged = engine() is not None and _engine == _identify_engine()
    return _engine_is_unchanged


def checksum(package: ModuleType) -> int | None:
    """Return a checksum of the names and the contents of a package's files; None if they cannot be read.

    Times do not count: installing the same files again changes them, and reproducible builds give different files
    the same one. Of a package in a zip file, the whole zip file counts. Reading the engine's files takes 1.4 ms;
    looking at nothing but their times would take 0.7 ms.
    """
    archive: str | None = getattr(package.__loader__, "archive", None)
    try:
        if archive is not None:
            with open(archive, "rb", buffering=0) as file:
                return zlib.crc32(file.readall())
        crc = 0
        for directory in package.__path__:
            for path in sorted(_files(directory)):
                crc = zlib.crc32(path[len(directory) :].encode(errors="surrogateescape"), crc)
                # `open` would take 1.6 times as long.
                descriptor = os.open(path, _READ)
                try:
                    while data := os.read(descriptor, 0x20000):
                        crc = zlib.crc32(data, crc)
                finally:
                    os.close(descriptor)
        return crc
    except OSError:
        return None


_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0)


def _files(directory: str) -> Iterator[str]:
    """Yield the paths of all files below a directory, without those that Python keeps in ``__pycache__``."""
    with os.scandir(directory) as entries:
        for entry in entries:
            if not entry.is_dir():
                yield entry.path
            elif entry.name != "__pycache__":
                yield from _files(entry.path)


def _make_safe(directory: str) -> None:
    """Create the cache directory if it does not exist, and check that only the user and root can put files there.
    Raises RuntimeError otherwise."""
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
        # A directory that was created for the cache. If it is empty, nobody has put code into it.
        os.chmod(directory, 0o700)
        if os.listdir(directory):
            os.chmod(directory, status.st_mode & 0o777)
        status = os.lstat(directory)
    if status.st_uid not in (os.getuid(), 0) or status.st_mode & 0o022:
        raise RuntimeError(
            f"the cache directory {directory!r} must belong to the user or to root, and nobody else may write to"
            " it: code is loaded from it (chmod 700)"
        )
    for parent in _parents(directory):
        if _may_others_write(os.lstat(parent)):
            raise RuntimeError(
                f"others may write to {parent!r}, and so can replace the cache directory {directory!r}: code is"
                " loaded from it (chmod go-w)"
            )


def _may_others_write(status: os.stat_result) -> bool:
    """Whether users other than this one and root can replace what a directory contains, or a symbolic link."""
    if status.st_uid not in (os.getuid(), 0):
        return True
    if stat.S_ISLNK(status.st_mode) or status.st_mode & stat.S_ISVTX:
        # Only the owner can replace a link, and what is in a directory with the sticky bit, such as /tmp.
        return False
    # A group with the number of the owner is the owner's own, as many systems create one for each user.
    return bool(status.st_mode & (0o002 if status.st_gid == status.st_uid else 0o022))


def _parents(directory: str) -> Iterator[str]:
    """Yield the directories above a directory, from the root on, and the symbolic links on the way with the
    directories above their targets."""
    seen: set[str] = set()
    worklist = [os.path.abspath(directory)]
    while worklist:
        path = os.path.dirname(worklist.pop())
        while path not in seen:
            seen.add(path)
            yield path
            if os.path.islink(path):
                worklist.append(os.path.join(os.path.dirname(path), os.readlink(path), ""))
            path = os.path.dirname(path)
