"""Finds CPython's own test of monitoring, ``Lib/test/test_monitoring.py``, for the running version of Python.

Most installations contain it, as ``test.test_monitoring``. Debian has a separate package for it:

    python tests/monitoring/cpython_tests.py

downloads this package with ``apt-get download``, without installing it, and copies the files to
``.cpython-tests/X.Y/`` beside this file, where :func:`find` looks next. Files of a checkout of CPython work, too.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
FOLDER = Path(__file__).resolve().parents[2] / ".cpython-tests" / VERSION
FILES = ("test_monitoring.py", "profilee.py")  # the second is imported by the first
HOW_TO_GET_IT = (
    f"Python {VERSION} comes without test.test_monitoring, and it is not in {FOLDER}; "
    f"on Debian, `python{VERSION} tests/monitoring/{Path(__file__).name}` gets it"
)


def find() -> ModuleType | None:
    """The module of the running Python or, failing that, of the folder; None if neither has it."""
    try:
        import test

        test.__path__.append(str(FOLDER))
        return importlib.import_module("test.test_monitoring")
    except ModuleNotFoundError as error:
        if error.name not in ("test", "test.test_monitoring"):
            raise
        return None


def get() -> None:
    """Download Debian's package for the running version, and extract the files."""
    where = f"./usr/lib/python{VERSION}/test"
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["apt-get", "download", f"libpython{VERSION}-testsuite"], cwd=folder, check=True)
        [package] = Path(folder).glob("*.deb")
        archive = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], check=True, stdout=subprocess.PIPE)
        FOLDER.mkdir(parents=True, exist_ok=True)
        command = ["tar", "-x", "--strip-components=5", "-C", FOLDER, *(f"{where}/{name}" for name in FILES)]
        subprocess.run(command, input=archive.stdout, check=True)
    print(FOLDER)


if __name__ == "__main__":
    get()
