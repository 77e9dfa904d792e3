"""Loaders: what is found, what is refused, what is said, and when a template counts as changed.

Where Jinja2 has the same loader, both are asked and must agree.
"""

import os
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest

from tmplmon import loaders
from tmplmon.errors import TemplateNotFound
from tmplmon.loaders import (
    BaseLoader,
    ChoiceLoader,
    DictLoader,
    FileSystemLoader,
    FunctionLoader,
    PackageLoader,
    PrefixLoader,
    split_template_path,
)


class Environment:
    """Receives the sources that a loader passes for compilation."""

    def _load(self, loader: Any, name: str, globals: Any) -> tuple[Any, ...]:
        return loader.get_source(self, name)[0], name, globals


ENVIRONMENT: Any = Environment()


def source(loader: Any, name: str) -> str:
    return str(loader.get_source(ENVIRONMENT, name)[0])


def outcome(call: Callable[[], Any]) -> Any:
    """A result, or an error's class and, for a template that is not found, its name and message."""
    try:
        return call()
    except (TemplateNotFound, jinja2.TemplateNotFound) as error:
        return "TemplateNotFound", error.name, str(error)
    except Exception as error:
        return type(error)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Two directories of templates, and a secret beside them."""
    files = {
        "one/index.html": "index of one",
        "one/only.html": "only",
        "one/blog/post.html": "post",
        "one/blog/été.html": "été",
        "two/index.html": "index of two",
        "two/more.html": "more",
        "secret.txt": "secret",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


# Names for all loaders that read files. None of them may return anything but a template.
NAMES = [
    "index.html", "only.html", "more.html", "blog/post.html", "blog/été.html", "blog//post.html",
    "./index.html", "blog/./post.html", "/index.html", "//index.html", "index.html/", "blog", "blog/", "",
    ".", "/", "./", "missing.html", "../secret.txt", "..", "../one/index.html", "blog/../index.html",
    "blog/../../secret.txt", "/..", "....//secret.txt", "..\\secret.txt", "blog\\post.html",
    "%2e%2e/secret.txt", "..%2fsecret.txt", "\u2025/secret.txt", "~", "~root/x", "index.html\0", "\0",
    "index.html\0.txt", "a\ud800b", "x" * 5000, "x/" * 3000, "C:index.html", "C:/index.html", "//host/share",
    "file:index.html", "index.html ", " index.html", "INDEX.HTML", "*", "blog/*", "index.html#x",
    "/etc/passwd", "/proc/self/environ", "../../../../../../../../etc/passwd", ".../index.html",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:40])
def test_file_system_as_jinja(site: Path, name: str) -> None:
    for path in (site / "one", str(site / "one"), [site / "one", str(site / "two")], []):
        theirs = outcome(lambda p=path: jinja2.FileSystemLoader(p).get_source(ENVIRONMENT, name)[:2])
        mine = outcome(lambda p=path: FileSystemLoader(p).get_source(ENVIRONMENT, name)[:2])
        assert mine == theirs


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:40])
def test_names_do_not_leave_the_directory(site: Path, name: str) -> None:
    loader = FileSystemLoader(site / "one")
    try:
        _, filename, _ = loader.get_source(ENVIRONMENT, name)
    except TemplateNotFound:
        return
    assert filename is not None
    assert Path(filename).resolve().is_relative_to(site / "one")


def test_windows_separators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaders.os, "sep", "\\")
    monkeypatch.setattr(loaders.os, "altsep", "/")
    for name in ("..\\secret.txt", "blog\\post.html", "\\index.html", "C:\\index.html"):
        with pytest.raises(TemplateNotFound):
            split_template_path(name)
    assert split_template_path("blog/post.html") == ["blog", "post.html"]


def test_relative_search_path(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(site)
    for path in ("one", "./one", "one/", ".", "two/../one"):
        mine, theirs = FileSystemLoader(path), jinja2.FileSystemLoader(path)
        assert mine.list_templates() == theirs.list_templates()
        name = mine.list_templates()[0]
        assert mine.get_source(ENVIRONMENT, name)[:2] == theirs.get_source(ENVIRONMENT, name)[:2]  # type: ignore[arg-type]


def test_first_directory_wins(site: Path) -> None:
    loader = FileSystemLoader([site / "one", site / "two"])
    assert source(loader, "index.html") == "index of one"
    assert source(loader, "more.html") == "more"
    assert loader.searchpath == [str(site / "one"), str(site / "two")]


def test_not_found_names_the_search_path(site: Path) -> None:
    with pytest.raises(TemplateNotFound, match=r"'x' not found in search path: '.*one'$") as caught:
        source(FileSystemLoader(site / "one"), "x")
    assert (caught.value.name, caught.value.templates) == ("x", ["x"])
    with pytest.raises(TemplateNotFound, match=r"'x' not found in search paths: '.*one', '.*two'$"):
        source(FileSystemLoader([site / "one", site / "two"]), "x")


def test_list_templates(site: Path) -> None:
    expected = ["blog/post.html", "blog/été.html", "index.html", "more.html", "only.html"]
    assert FileSystemLoader([site / "one", site / "two"]).list_templates() == expected
    assert FileSystemLoader(site / "nowhere").list_templates() == []


def test_links_to_directories_are_listed_on_demand(site: Path) -> None:
    (site / "one" / "linked").symlink_to(site / "two")
    assert "linked/more.html" not in FileSystemLoader(site / "one").list_templates()
    assert "linked/more.html" in FileSystemLoader(site / "one", followlinks=True).list_templates()
    assert source(FileSystemLoader(site / "one"), "linked/more.html") == "more"


@pytest.mark.parametrize(
    "data", [b"a\r\nb\rc\nd\r\n", b"", b"\xef\xbb\xbfbom", "été".encode(), b"\r", b"\r\r\n"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_text_as_jinja(tmp_path: Path, data: bytes, encoding: str) -> None:
    (tmp_path / "t").write_bytes(data)
    mine = FileSystemLoader(tmp_path, encoding)
    # A byte order mark is not dropped by Jinja2.
    assert source(mine, "t") == source(jinja2.FileSystemLoader(tmp_path, encoding), "t").removeprefix(
        "\ufeff"
    )


def test_other_encodings(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes("été\r\n".encode("utf-16"))
    assert source(FileSystemLoader(tmp_path, encoding="utf-16"), "t") == "été\n"
    with pytest.raises(LookupError, match="unknown encoding"):
        source(FileSystemLoader(tmp_path, encoding="no-such-encoding"), "t")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory on the import path. Its modules are removed from `sys.modules` afterwards."""
    root = tmp_path / "packages"
    root.mkdir()
    monkeypatch.syspath_prepend(root)
    before = set(sys.modules)
    yield root
    for name in set(sys.modules) - before:
        if name.startswith("tmpl_"):
            del sys.modules[name]
    sys.path_importer_cache.clear()


FILES = {"index.html": "index", "sub/page.html": "page\r\n", "bad.html": b"\xff", "été.html": "été"}


def fill(directory: Path, files: dict[str, Any] = FILES) -> None:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def make_directory(root: Path) -> tuple[str, str]:
    fill(root / "tmpl_dir", {"__init__.py": "", "templates/__init__.py": ""})
    fill(root / "tmpl_dir" / "templates")
    return "tmpl_dir", "templates"


def make_namespace(root: Path) -> tuple[str, str]:
    fill(root / "tmpl_space" / "templates")
    other = root / "other"
    (other / "tmpl_space").mkdir(parents=True)
    # The first part of the namespace has no templates.
    sys.path.insert(0, str(other))
    return "tmpl_space", "templates"


def make_module(root: Path) -> tuple[str, str]:
    fill(root, {"tmpl_module.py": ""})
    fill(root / "pages")
    return "tmpl_module", "./pages/"


def make_zip(root: Path) -> tuple[str, str]:
    fill(root / "src" / "tmpl_zipped", {"__init__.py": ""})
    fill(root / "src" / "tmpl_zipped" / "templates")
    archive = root / "archive.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted((root / "src").rglob("*")):
            file.write(path, path.relative_to(root / "src"))
    sys.path.insert(0, str(archive))
    return "tmpl_zipped", "templates"


def make_zipped_subpackage(root: Path) -> tuple[str, str]:
    fill(root / "src" / "tmpl_outer", {"__init__.py": "", "inner/__init__.py": ""})
    fill(root / "src" / "tmpl_outer" / "inner")
    archive = root / "archive.egg"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted((root / "src").rglob("*")):
            file.write(path, path.relative_to(root / "src"))
    sys.path.insert(0, str(archive))
    return "tmpl_outer.inner", "."


PACKAGES = [make_directory, make_namespace, make_module, make_zip, make_zipped_subpackage]


@pytest.mark.parametrize("make", PACKAGES)
def test_package_as_jinja(package: Path, make: Callable[[Path], tuple[str, str]]) -> None:
    arguments = make(package)
    mine, theirs = PackageLoader(*arguments), jinja2.PackageLoader(*arguments)
    assert mine.list_templates() == theirs.list_templates()
    assert {"index.html", "sub/page.html"} <= set(mine.list_templates())
    for name in [*FILES, *NAMES]:
        expected = outcome(lambda name=name: theirs.get_source(ENVIRONMENT, name)[:2])
        assert (name, outcome(lambda name=name: mine.get_source(ENVIRONMENT, name)[:2])) == (name, expected)
    assert (mine.get_source(ENVIRONMENT, "index.html")[2] is None) == ("zip" in make.__name__)


@pytest.mark.parametrize(
    "path", ["templates", "./templates", "templates/", "templates/.", "", "nowhere", "../x"]
)
@pytest.mark.parametrize("make", [make_directory, make_zip])
def test_package_paths_as_jinja(package: Path, make: Callable[[Path], tuple[str, str]], path: str) -> None:
    name, _ = make(package)
    theirs = outcome(lambda: jinja2.PackageLoader(name, path).list_templates())
    assert outcome(lambda: PackageLoader(name, path).list_templates()) == theirs


def test_package_without_the_directory_names_the_path(package: Path) -> None:
    name, _ = make_directory(package)
    with pytest.raises(ValueError, match=rf"{name}.*'nowhere'.*{package}"):
        PackageLoader(name, "nowhere")


def test_packages_without_files() -> None:
    for name, error in [("sys", ValueError), ("no_such_package_anywhere", ModuleNotFoundError)]:
        with pytest.raises(error):
            PackageLoader(name)


def bad_file(tmp_path: Path) -> tuple[BaseLoader, str]:
    (tmp_path / "bad.html").write_bytes(b"caf\xe9")
    return FileSystemLoader(tmp_path), str(tmp_path / "bad.html")


def bad_in_package(package: Path, make: Callable[[Path], tuple[str, str]]) -> tuple[BaseLoader, str]:
    return PackageLoader(*make(package)), "bad.html"


@pytest.mark.parametrize("make", [None, make_directory, make_zip])
def test_a_file_that_is_not_text_is_named(package: Path, make: Any) -> None:
    loader, filename = bad_file(package) if make is None else bad_in_package(package, make)
    with pytest.raises(UnicodeDecodeError) as caught:
        loader.get_source(ENVIRONMENT, "bad.html")
    assert filename in str(caught.value)
    assert "utf-8" in str(caught.value)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_named(tmp_path: Path) -> None:
    (tmp_path / "closed").write_text("x")
    (tmp_path / "closed").chmod(0)
    with pytest.raises(PermissionError, match="closed"):
        source(FileSystemLoader(tmp_path), "closed")


def test_a_file_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken").write_text("x")

    def fail(filename: str, *args: Any) -> Any:
        raise OSError(5, "Input/output error", filename)

    monkeypatch.setattr(loaders, "open", fail, raising=False)
    with pytest.raises(OSError, match="broken") as caught:
        source(FileSystemLoader(tmp_path), "broken")
    assert not isinstance(caught.value, TemplateNotFound)


def test_only_files_are_templates(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "directory").mkdir()
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    for name in ("pipe", "directory", "dangling"):
        with pytest.raises(TemplateNotFound):
            source(FileSystemLoader(tmp_path), name)


CHANGES: dict[str, Callable[[Path], Any]] = {
    "longer": lambda path: path.write_text("longer"),
    "same size": lambda path: (path.write_text("new"), os.utime(path, ns=(1, 5_000_000_001))),
    "older": lambda path: os.utime(path, ns=(1, 4_000_000_000)),
    "one nanosecond": lambda path: os.utime(path, ns=(1, 5_000_000_000 + 1)),
    "same time, other size": lambda path: (path.write_text("longer"), os.utime(path, ns=(1, 5_000_000_000))),
    "removed": lambda path: path.unlink(),
    "replaced": lambda path: (
        path.with_name("new").write_text("longer"),
        path.with_name("new").replace(path),
    ),
    "now a directory": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_up_to_date_file(tmp_path: Path, change: str) -> None:
    path = tmp_path / "t"
    path.write_text("old")
    os.utime(path, ns=(1, 5_000_000_000))
    _, _, uptodate = FileSystemLoader(tmp_path).get_source(ENVIRONMENT, "t")
    assert uptodate is not None
    assert uptodate() and uptodate()
    CHANGES[change](path)
    assert not uptodate()


def test_up_to_date_reads_the_status_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t").write_text("x")
    _, _, uptodate = FileSystemLoader(tmp_path).get_source(ENVIRONMENT, "t")
    assert uptodate is not None
    looks = []
    stat = os.stat
    monkeypatch.setattr(os, "stat", lambda *args, **kwargs: (looks.append(args), stat(*args, **kwargs))[1])
    assert uptodate()
    assert len(looks) == 1


def test_up_to_date_in_a_package(package: Path) -> None:
    loader = PackageLoader(*make_directory(package))
    _, filename, uptodate = loader.get_source(ENVIRONMENT, "index.html")
    assert uptodate is not None and filename is not None and uptodate()
    Path(filename).write_text("changed")
    assert not uptodate()


def test_dict_loader() -> None:
    mapping = {"b": "B", "a": "A"}
    loader = DictLoader(mapping)
    text, filename, uptodate = loader.get_source(ENVIRONMENT, "a")
    assert (text, filename, loader.list_templates()) == ("A", None, ["a", "b"])
    assert uptodate is not None and uptodate()
    mapping["a"] = "other"
    assert not uptodate()
    del mapping["a"]
    assert not uptodate()
    with pytest.raises(TemplateNotFound, match=r"^a$"):
        source(loader, "a")


def test_function_loader() -> None:
    whole = ("source", "file", lambda: True)
    loader = FunctionLoader({"text": "source", "whole": whole, "empty": ""}.get)
    assert loader.get_source(ENVIRONMENT, "text") == ("source", None, None)
    assert loader.get_source(ENVIRONMENT, "whole") is whole
    assert loader.get_source(ENVIRONMENT, "empty") == ("", None, None)
    with pytest.raises(TemplateNotFound, match=r"^missing$"):
        source(loader, "missing")
    with pytest.raises(TypeError):
        loader.list_templates()


def test_prefix_loader() -> None:
    inner = DictLoader({"x": "inner x", "y/z": "inner z"})
    loader = PrefixLoader({"in": inner, "out": DictLoader({"x": "outer x"})})
    assert source(loader, "in/x") == "inner x"
    assert source(loader, "in/y/z") == "inner z"
    assert loader.list_templates() == ["in/x", "in/y/z", "out/x"]
    for name in ("in", "x", "in/missing", "nowhere/x", "", "/", "in/"):
        for ask in (loader.get_source, loader.load):
            with pytest.raises(TemplateNotFound) as caught:
                ask(ENVIRONMENT, name)
            assert (caught.value.name, str(caught.value)) == (name, name)
    assert PrefixLoader({"in": inner}, delimiter=":").get_source(ENVIRONMENT, "in:x")[0] == "inner x"
    assert loader.load(ENVIRONMENT, "in/x", {"a": 1}) == ("inner x", "x", {"a": 1})


def test_choice_loader(site: Path) -> None:
    loader = ChoiceLoader([DictLoader({"index.html": "first", "b": "B"}), FileSystemLoader(site / "two")])
    assert source(loader, "index.html") == "first"
    assert source(loader, "more.html") == "more"
    assert loader.list_templates() == ["b", "index.html", "more.html"]
    assert loader.load(ENVIRONMENT, "more.html") == ("more", "more.html", None)
    for ask in (loader.get_source, loader.load):
        with pytest.raises(TemplateNotFound, match=r"^missing$"):
            ask(ENVIRONMENT, "missing")


def test_an_error_is_not_skipped(tmp_path: Path) -> None:
    bad, _ = bad_file(tmp_path)
    loader = ChoiceLoader([bad, DictLoader({"bad.html": "other"})])
    with pytest.raises(UnicodeDecodeError):
        source(loader, "bad.html")


def test_a_loader_of_the_application() -> None:
    class Own(BaseLoader):
        def get_source(self, environment: Any, template: str) -> Any:
            return f"source of {template}", None, None

    assert Own().load(ENVIRONMENT, "x", {"a": 1}) == ("source of x", "x", {"a": 1})
    with pytest.raises(TypeError, match="Own"):
        Own().list_templates()


def test_base_loader() -> None:
    class Closed(BaseLoader):
        has_source_access = False

    with pytest.raises(TemplateNotFound):
        source(BaseLoader(), "x")
    with pytest.raises(RuntimeError, match="Closed"):
        source(Closed(), "x")
