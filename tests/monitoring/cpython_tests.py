"""CPython's own test of monitoring, ``Lib/test/test_monitoring.py``, in the version of the running Python.

Many Pythons come with it, as ``test.test_monitoring``. Debian's have it in a package of its own;

    python tests/monitoring/cpython_tests.py

gets that package with ``apt-get download``, without installing it, and puts the files where :func:`find` looks
next, ``.cpython-tests/X.Y/`` in the project's folder. Those of a checkout of CPython can be put there, too.
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
    """The module, as Python has it or from the folder; None if it is in neither."""
    try:
        import test

        test.__path__.append(str(FOLDER))
        return importlib.import_module("test.test_monitoring")
    except ModuleNotFoundError as error:
        if error.name not in ("test", "test.test_monitoring"):
            raise
        return None


def get() -> None:
    """Take the files out of Debian's package for the running version."""
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
