"""Compiled templates on disk are used only by the engine that compiled them.

`tests/cli/test_compile.py` has the tests of sources, options, damaged files and directories.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import markupsafe
import pytest

import tmplmon
from tmplmon import Environment, diskcache
from tmplmon.diskcache import checksum

# Compiles a template or loads it from the disk cache, and prints which, and the engine's folder.
PROGRAM = """
import sys
import tmplmon
environment = tmplmon.Environment(loader=tmplmon.DictLoader({"a": "{{ '<'|e }}"}), cache_dir="cache")
assert environment.get_template("a").render() == "&lt;"
print("compiled" if "tmplmon.syntax.parser" in sys.modules else "cached", tmplmon.__file__)
"""


def copy(package: ModuleType, folder: Path) -> None:
    source = Path(str(package.__file__)).parent
    shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__"))


def start(folder: Path, program: str = PROGRAM) -> str:
    """Run a program with the engine in a folder or zip file, and return "compiled" or "cached"."""
    command = [sys.executable, "-c", program]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    result = subprocess.run(command, cwd=folder.parent, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    origin, file = result.stdout.rstrip("\n").split(" ", 1)
    assert file.startswith(str(folder))
    return origin


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with copies of the engine and of markupsafe, next to a disk cache that they have filled."""
    folder = tmp_path_factory.mktemp("installed") / "packages"
    copy(tmplmon, folder)
    copy(markupsafe, folder)
    assert start(folder) == "compiled"
    assert start(folder) == "cached"
    return folder


def test_a_process_that_renders_from_the_cache_imports_no_slow_module(installed: Path) -> None:
    """`dataclasses` imports `inspect`, `ast` and `dis`, which take a quarter of the start of such a process."""
    program = PROGRAM + "assert not {'dataclasses', 'inspect', 'ast', 'dis', 'asyncio'} & set(sys.modules)\n"
    assert start(installed, program) == "cached"


CHANGED_FILES = [
    "tmplmon/__init__.py",
    "tmplmon/environment.py",
    "tmplmon/runtime/html.py",
    "tmplmon/runtime/filters/markup.py",
    "tmplmon/backends/bytecode/compile.py",
    "tmplmon/ir/lower.py",
    "tmplmon/syntax/lexer.py",
    "tmplmon/syntax/grammar/jinja.tables",
    "tmplmon/syntax/grammar/jinja.lark",
    "markupsafe/__init__.py",
    "markupsafe/_native.py",
]


def test_a_change_of_any_file_makes_the_cache_stale(installed: Path) -> None:
    """The size and the time of the file stay the same, as they may in reproducible builds."""
    originals = {installed / name: (installed / name).read_bytes() for name in CHANGED_FILES}

    def write(path: Path, content: bytes) -> None:
        status = path.stat()
        path.write_bytes(content)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    try:
        for path, content in originals.items():
            write(path, content[:-1] + b" ")
            assert start(installed) == "compiled", path
        assert start(installed) == "cached"
    finally:
        for path, content in originals.items():
            write(path, content)
    assert start(installed) == "compiled"  # which fills the cache again, for the next test


def test_the_same_engine_in_another_folder_with_other_times(installed: Path, tmp_path: Path) -> None:
    shutil.copytree(installed.parent, tmp_path / "elsewhere", copy_function=shutil.copyfile)
    (tmp_path / "elsewhere/cache").chmod(0o700)
    assert start(tmp_path / "elsewhere/packages") == "cached"


def test_an_engine_in_a_zip_file(installed: Path, tmp_path: Path) -> None:
    archive = tmp_path / "engine.zip"

    def build(comment: bytes) -> None:
        with zipfile.ZipFile(archive, "w") as file:
            for path in sorted(path for path in installed.rglob("*.*") if path.suffix != ".pyc"):
                file.write(path, path.relative_to(installed))
            file.comment = comment

    build(b"1")
    assert [start(archive), start(archive)] == ["compiled", "cached"]
    build(b"2")
    assert start(archive) == "compiled"


@pytest.fixture
def package(tmp_path: Path) -> ModuleType:
    """A package with a module, a data file and a folder, for its checksum."""
    folder = tmp_path / "package"
    (folder / "inner/__pycache__").mkdir(parents=True)
    for name in ("__init__.py", "a.py", "b.data", "inner/c.py", "inner/__pycache__/c.pyc"):
        (folder / name).write_text(name)
    module = ModuleType("package")
    module.__path__ = [str(folder)]
    return module


def test_times_and_bytecode_do_not_count(package: ModuleType) -> None:
    folder = Path(package.__path__[0])
    before = checksum(package)
    os.utime(folder / "a.py", (1, 1))
    (folder / "inner/__pycache__/c.pyc").write_text("other")
    (folder / "__pycache__").mkdir()
    assert checksum(package) == before is not None


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "a.py").write_text("A.py"),
        lambda folder: (folder / "b.data").write_text("B.data"),
        lambda folder: (folder / "inner/c.py").write_text("inner/C.py"),
        lambda folder: (folder / "a.py").rename(folder / "aa.py"),
        lambda folder: (folder / "a.py").unlink(),
        lambda folder: (folder / "empty.py").touch(),
        lambda folder: (folder / "inner/c.py").rename(folder / "c.py"),
        lambda folder: (folder / "extension.so").write_bytes(b"\0"),
    ],
)
def test_contents_and_names_count(package: ModuleType, change: Callable[[Path], object]) -> None:
    before = checksum(package)
    change(Path(package.__path__[0]))
    assert checksum(package) != before


def test_two_processes_that_start_get_the_same_checksum(package: ModuleType) -> None:
    assert checksum(package) == checksum(package)


@pytest.fixture
def other_process(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Forget the state of this process about the engine, as in a new process."""

    def forget() -> None:
        monkeypatch.setattr(diskcache, "_engine", None)
        monkeypatch.setattr(diskcache, "_engine_is_unchanged", None)

    forget()
    return forget


def cached(folder: Path) -> int:
    """Compile a template with a disk cache. Returns the number of files in the cache."""
    Environment(cache_dir=folder).from_string("a")
    return len(list(folder.iterdir()))


def test_the_version_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other_process: Callable[[], None]
) -> None:
    before = diskcache.engine()
    monkeypatch.setattr(tmplmon, "__version__", "0.0.0")
    other_process()
    assert diskcache.engine() != before


def test_an_engine_that_cannot_be_read_has_no_disk_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other_process: Callable[[], None]
) -> None:
    monkeypatch.setattr(markupsafe, "__path__", [str(tmp_path / "nowhere")])
    assert diskcache.engine() is None
    assert cached(tmp_path / "cache") == 0


def test_an_engine_that_is_replaced_while_it_runs_stores_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other_process: Callable[[], None]
) -> None:
    """It may have imported modules of both versions."""
    environment = Environment(cache_dir=tmp_path / "cache")
    monkeypatch.setattr(diskcache, "checksum", lambda package: 1)
    environment.from_string("a")
    assert list((tmp_path / "cache").iterdir()) == []
    other_process()
    assert cached(tmp_path / "cache") == 1
