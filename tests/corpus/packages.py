"""The list of packages: which files in them are templates, and for what environment they were written."""

import fnmatch
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LIST = Path(__file__).with_name("packages.toml")


@dataclass(frozen=True)
class Kind:
    """The properties that the templates of one application share.

    files: patterns of the files that are templates. `*` also matches slashes.
    without: patterns of files that are not.
    options: arguments of the environment, and `newstyle` for the extension i18n.
    replace: (regular expression, replacement) pairs, which rewrite the application's own tags into standard ones.
    """

    files: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    replace: tuple[tuple[str, str], ...] = ()

    def is_template(self, path: str) -> bool:
        return matches(path, self.files) and not matches(path, self.without)


@dataclass(frozen=True)
class Package:
    """A set of templates: from a published package, or from a folder.

    name: the package with its version (``NAME==VERSION``), or the folder.
    label: the name for the report, with the kind if the list has the package several times.
    source: whether to fetch the source archive, because the wheel has no templates or there is none.
    """

    name: str
    kind: Kind
    source: bool = False
    label: str = ""


@dataclass(frozen=True)
class Listing:
    """A list of packages, with the reasons for differences: (pattern of files, entry of DIFFERENCES)."""

    packages: tuple[Package, ...]
    reasons: tuple[tuple[str, str], ...] = ()


def matches(path: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def read_list(path: Path) -> Listing:
    """Read a list: TOML as packages.toml, or a text file with a package and its version on each line."""
    text = path.read_text("utf-8")
    if path.suffix != ".toml":
        lines = [line.partition("#")[0].strip() for line in text.splitlines()]
        kind = kinds()["any"]
        return Listing(tuple(Package(line, kind) for line in lines if line))
    table = tomllib.loads(text)
    known = kinds() | kinds_of(table)
    packages: list[Package] = []
    for entry in table.get("package", ()):
        own = {key: value for key, value in entry.items() if key not in ("release", "kind", "source")}
        kind = extended(known[entry.get("kind", "any")], own)
        name = entry["release"]
        repeated = any(package.name == name for package in packages)
        label = f"{name} ({entry.get('kind', 'other options')})" if repeated else name
        packages.append(Package(name, kind, entry.get("source", False), label))
    reasons = tuple((entry["file"], entry["reason"]) for entry in table.get("difference", ()))
    return Listing(tuple(packages), reasons)


def kinds() -> dict[str, Kind]:
    """The kinds of packages.toml, which other lists can use, too."""
    return kinds_of(tomllib.loads(LIST.read_text("utf-8")))


def kinds_of(table: dict[str, Any]) -> dict[str, Kind]:
    return {name: extended(Kind(), entries) for name, entries in table.get("kind", {}).items()}


def extended(kind: Kind, entries: dict[str, Any]) -> Kind:
    """A copy of a kind with other entries: they are added to its options, and replace anything else."""
    unknown = entries.keys() - {"files", "without", "options", "replace"}
    if unknown:
        raise ValueError(f"unknown keys in a list of packages: {', '.join(sorted(unknown))}")
    return Kind(
        tuple(entries.get("files", kind.files)),
        tuple(entries.get("without", kind.without)),
        {**kind.options, **entries.get("options", {})},
        tuple((pattern, text) for pattern, text in entries.get("replace", kind.replace)),
    )


def fetch(package: Package, cache: Path) -> Path:
    """The archive of a package in the cache; pip fetches it if it is not there.

    Raises CalledProcessError if pip fails.
    """
    folder = cache / package.name.replace("==", "-")
    if not folder.is_dir() or not any(folder.iterdir()):
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
        command += ["--no-binary" if package.source else "--only-binary", ":all:", "-d", str(folder)]
        subprocess.run([*command, package.name], check=True)
    (archive,) = folder.iterdir()
    return archive


def templates_of(archive: Path, kind: Kind) -> dict[str, str]:
    """Name → source of the templates in an archive or folder. Files that are not UTF-8 are left out."""
    sources = {}
    for path, content in sorted(files_of(archive, kind)):
        try:
            sources[path] = content.decode("utf-8")
        except UnicodeDecodeError:
            continue
    return sources


def files_of(archive: Path, kind: Kind) -> Iterator[tuple[str, bytes]]:
    if archive.is_dir():
        for path in archive.rglob("*"):
            name = path.relative_to(archive).as_posix()
            if kind.is_template(name) and path.is_file():
                yield name, path.read_bytes()
    elif zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as wheel:
            for name in wheel.namelist():
                if kind.is_template(name):
                    yield name, wheel.read(name)
    else:
        with tarfile.open(archive) as file:
            for member in file:
                if member.isfile() and kind.is_template(member.name):
                    content = file.extractfile(member)
                    assert content is not None
                    yield member.name, content.read()
