"""Where templates come from: the file system, packages, dicts, functions, and combinations of loaders.

Rule: a loader turns a template's name into `(source, filename, uptodate)` or raises `TemplateNotFound`. A
name is a path with `/` between its parts on every system, and it cannot lead out of the loader's directories:
a part that is `..`, or that holds another separator of the system, is refused, and a leading `/` means
nothing. (A symbolic link inside the directories is followed wherever it leads.)

Errors of a file that is there but cannot be read are not hidden behind "not found": an `OSError` (no
permission, a broken disk) and a `UnicodeDecodeError` (the file is not in the loader's encoding) are raised as
they are, and both name the file.

There is no loader for templates compiled ahead: the environment's disk cache, which `tmplmon compile` fills,
serves that purpose for every loader.
"""

import os
import posixpath
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any
from zipimport import zipimporter

from tmplmon.errors import TemplateNotFound

if TYPE_CHECKING:
    from tmplmon.environment import Environment
    from tmplmon.template import Template

type Uptodate = Callable[[], bool]
"""Tells, whenever it is called, whether the source it came with is still the current one."""

type Source = tuple[str, str | None, Uptodate | None]
"""A template's source, its file (None if it has none), its check for changes (None if it never changes)."""

type Path = str | os.PathLike[str]


def split_template_path(template: str) -> list[str]:
    """Split a template's name into its parts, leaving out empty ones and `.`.

    Raises `TemplateNotFound` for a name that would lead out of the directory it is looked up in.
    """
    pieces = []
    for piece in template.split("/"):
        # On Windows a part could hold `\\`, which is a separator there too.
        if os.sep in piece or (os.altsep and os.altsep in piece) or piece == os.pardir:
            raise TemplateNotFound(template)
        if piece and piece != os.curdir:
            pieces.append(piece)
    return pieces


def _read(filename: str) -> tuple[bytes, Uptodate]:
    """Read a file, and make its check for changes: one look at its time of change and its size."""
    with open(filename, "rb") as file:
        # Taken before reading, so that a change while reading counts as a change.
        before = os.fstat(file.fileno())
        data = file.read()
    mtime, size = before.st_mtime_ns, before.st_size

    def uptodate() -> bool:
        try:
            now = os.stat(filename)
        except OSError:
            return False
        return now.st_mtime_ns == mtime and now.st_size == size

    return data, uptodate


def _decode(data: bytes, encoding: str, filename: str) -> str:
    """Decode a file's bytes and drop a byte order mark. The error for bytes that are not in `encoding` names the
    file."""
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        error.reason += f" (in the template file {filename!r})"
        raise


class BaseLoader:
    """The base of all loaders. One of your own has its `get_source`, and `list_templates` if it can."""

    has_source_access = True
    """Whether the loader can give a template's source."""

    def get_source(self, environment: "Environment", template: str) -> Source:
        """Give the source of a template, its file's path, and a function that tells whether it is up to date.

        The path is None for a template that is not a file. The function is None for a source that never
        changes; else it is called, if the environment has `auto_reload`, each time the template is asked for,
        and the template is loaded again when it returns False.

        Raises `TemplateNotFound` if there is no such template.
        """
        if not self.has_source_access:
            raise RuntimeError(f"{type(self).__name__} has no access to the source of templates")
        raise TemplateNotFound(template)

    def list_templates(self) -> list[str]:
        """Give the names of all templates, sorted. Raises `TypeError` if the loader cannot know them."""
        raise TypeError(f"{type(self).__name__} cannot list its templates")

    def has(self, template: str) -> bool:
        """Tell whether there is a template of this name, where that takes no longer than to look at a file.

        A template of a later loader or directory that is hidden by a new one is found out of date by this. False
        also where it is not known.
        """
        return False

    def load(
        self, environment: "Environment", name: str, globals: MutableMapping[str, Any] | None = None
    ) -> "Template":
        """Load and compile a template. Loaders that are made of loaders redefine this; others `get_source`.

        globals: names that the template knows in addition to the environment's.
        """
        return environment._load(loader=self, name=name, globals=globals)


def _unless_hidden(uptodate: Uptodate | None, is_hidden: Uptodate) -> Uptodate:
    """A function that tells whether a source is up to date and no earlier place has a template of its name."""
    return lambda: not is_hidden() and (uptodate is None or uptodate())


class FileSystemLoader(BaseLoader):
    """Load templates from one or more directories.

    searchpath: a directory or several; the first that has the template is taken. A relative one is relative
        to the current directory at the time of loading.
    encoding: of the files.
    followlinks: go into symbolic links to directories when listing templates. (Loading always follows them.)
    """

    def __init__(
        self, searchpath: Path | Sequence[Path], encoding: str = "utf-8", followlinks: bool = False
    ) -> None:
        if isinstance(searchpath, str) or not isinstance(searchpath, Iterable):
            searchpath = [searchpath]
        self.searchpath = [os.fspath(path) for path in searchpath]
        self.encoding = encoding
        self.followlinks = followlinks

    def get_source(self, environment: "Environment", template: str) -> Source:
        files = self._files(template)
        for number, filename in enumerate(files):  # noqa: B007
            if os.path.isfile(filename):
                break
        else:
            paths = ", ".join(map(repr, self.searchpath))
            plural = "" if len(self.searchpath) == 1 else "s"
            raise TemplateNotFound(template, f"{template!r} not found in search path{plural}: {paths}")
        data, uptodate = _read(filename)
        if number:
            uptodate = _unless_hidden(uptodate, lambda: any(map(os.path.isfile, files[:number])))
        filename = os.path.normpath(filename)
        source = _decode(data, self.encoding, filename)
        if "\r" in source:
            # As text files are read everywhere: each kind of line end is one newline.
            source = source.replace("\r\n", "\n").replace("\r", "\n")
        return source, filename, uptodate

    def _files(self, template: str) -> list[str]:
        """Where a template may be. Raises TemplateNotFound for a name that leads out of the directories."""
        pieces = split_template_path(template)
        # With `/` on every system: `os.path.join` would let a part like `C:` lead elsewhere.
        return [posixpath.join(path, *pieces) for path in self.searchpath]

    def has(self, template: str) -> bool:
        try:
            return any(map(os.path.isfile, self._files(template)))
        except TemplateNotFound:
            return False

    def list_templates(self) -> list[str]:
        found: set[str] = set()
        for path in self.searchpath:
            found.update(_walk(path, self.followlinks))
        return sorted(found)


def _walk(root: str, followlinks: bool = False) -> Iterable[str]:
    """Give the names of the files below a directory, with `/` between their parts."""
    for directory, _, filenames in os.walk(root, followlinks=followlinks):
        below = directory[len(root) :].strip(os.sep).replace(os.sep, "/")
        for filename in filenames:
            yield f"{below}/{filename}" if below else filename


class PackageLoader(BaseLoader):
    """Load templates from a directory inside an installed Python package, which may be a zip file.

    Of a namespace package, the first of its directories that has `package_path` is used.

    package_name: the package's import name. It is imported.
    package_path: the directory in it, with `/` between its parts.
    encoding: of the files.

    Raises `ValueError` if the package has no such directory.
    """

    def __init__(self, package_name: str, package_path: str = "templates", encoding: str = "utf-8") -> None:
        from importlib.util import find_spec

        # `normpath` gives `.` and may leave `./` at the start; neither is part of a path inside a zip file.
        package_path = os.path.normpath(package_path).rstrip(os.sep)
        package_path = package_path.removeprefix(os.curdir + os.sep)
        self.package_path = "" if package_path == os.curdir else package_path
        self.package_name = package_name
        self.encoding = encoding

        # A package that is not imported yet may have no loader, if it is a namespace package.
        import_module(package_name)
        spec = find_spec(package_name)
        if spec is None or spec.loader is None:
            raise ValueError(f"the package {package_name!r} has no import spec with a loader")
        self._loader: Any = spec.loader
        self._archive: str | None = None
        roots = list(spec.submodule_search_locations or ())
        if isinstance(spec.loader, zipimporter):
            self._archive = spec.loader.archive
            root = os.path.join(roots[0] if roots else self._archive, self.package_path)
            self._template_root = root.rstrip(os.sep)
            return
        if not roots and spec.origin is not None:
            # A module that is one file: the directory beside it.
            roots.append(os.path.dirname(spec.origin))
        if not roots:
            raise ValueError(f"the package {package_name!r} is not a directory or a zip file")
        candidates = [os.path.join(root, self.package_path) for root in roots]
        for candidate in candidates:
            if os.path.isdir(candidate):
                self._template_root = candidate
                break
        else:
            tried = ", ".join(map(repr, candidates))
            raise ValueError(
                f"the package {package_name!r} has no directory {self.package_path!r} (looked for {tried})"
            )

    def get_source(self, environment: "Environment", template: str) -> Source:
        pieces = split_template_path(template)
        filename = os.path.normpath(posixpath.join(self._template_root, *pieces))
        uptodate: Uptodate | None = None
        if self._archive is None:
            if not os.path.isfile(filename):
                raise TemplateNotFound(template)
            data, uptodate = _read(filename)
        else:
            # Nothing tells when a zip file changes: the import system keeps its table of contents for good.
            try:
                data = self._loader.get_data(filename)
            except OSError as error:
                raise TemplateNotFound(template) from error
        return _decode(data, self.encoding, filename), filename, uptodate

    def has(self, template: str) -> bool:
        try:
            pieces = split_template_path(template)
        except TemplateNotFound:
            return False
        return self._archive is None and os.path.isfile(posixpath.join(self._template_root, *pieces))

    def list_templates(self) -> list[str]:
        if self._archive is None:
            return sorted(_walk(self._template_root))
        # Private names of zipimport, but the only list of an archive's files that follows its own rules.
        files = self._loader._get_files()
        prefix = self._template_root[len(self._archive) :].lstrip(os.sep) + os.sep
        return sorted(
            name[len(prefix) :].replace(os.sep, "/")
            for name in files
            if name.startswith(prefix) and not name.endswith(os.sep)
        )


class DictLoader(BaseLoader):
    """Load templates from a mapping.

    mapping: template's name → its source. It may change; the templates are loaded again then.
    """

    def __init__(self, mapping: Mapping[str, str]) -> None:
        self.mapping = mapping

    def get_source(self, environment: "Environment", template: str) -> Source:
        if template not in self.mapping:
            raise TemplateNotFound(template)
        source = self.mapping[template]
        return source, None, lambda: source == self.mapping.get(template)

    def has(self, template: str) -> bool:
        return template in self.mapping

    def list_templates(self) -> list[str]:
        return sorted(self.mapping)


class FunctionLoader(BaseLoader):
    """Load templates by calling a function.

    load_func: takes the template's name; returns its source, or `(source, filename, uptodate)` as
        `get_source` does, or None if there is no such template.
    """

    def __init__(self, load_func: Callable[[str], str | Source | None]) -> None:
        self.load_func = load_func

    def get_source(self, environment: "Environment", template: str) -> Source:
        found = self.load_func(template)
        if found is None:
            raise TemplateNotFound(template)
        return (found, None, None) if isinstance(found, str) else found


class PrefixLoader(BaseLoader):
    """Choose a loader by the first part of a template's name; the rest is the name that loader is asked for.

    mapping: prefix → loader.
    delimiter: what stands between the prefix and the rest.
    """

    def __init__(self, mapping: Mapping[str, BaseLoader], delimiter: str = "/") -> None:
        self.mapping = mapping
        self.delimiter = delimiter

    def get_loader(self, template: str) -> tuple[BaseLoader, str]:
        """Give the loader for a template and the name of the template there."""
        try:
            prefix, name = template.split(self.delimiter, 1)
            return self.mapping[prefix], name
        except (ValueError, KeyError) as error:
            raise TemplateNotFound(template) from error

    def get_source(self, environment: "Environment", template: str) -> Source:
        loader, name = self.get_loader(template)
        try:
            return loader.get_source(environment, name)
        except TemplateNotFound as error:
            # The error is about the whole name, which is what the user wrote.
            raise TemplateNotFound(template) from error

    def load(
        self, environment: "Environment", name: str, globals: MutableMapping[str, Any] | None = None
    ) -> "Template":
        loader, inner_name = self.get_loader(name)
        try:
            return loader.load(environment, inner_name, globals)
        except TemplateNotFound as error:
            raise TemplateNotFound(name) from error

    def has(self, template: str) -> bool:
        try:
            loader, name = self.get_loader(template)
        except TemplateNotFound:
            return False
        return loader.has(name)

    def list_templates(self) -> list[str]:
        return [
            prefix + self.delimiter + name
            for prefix, loader in self.mapping.items()
            for name in loader.list_templates()
        ]


class ChoiceLoader(BaseLoader):
    """Try several loaders; the first that has a template gives it.

    loaders: in the order in which they are tried.
    """

    def __init__(self, loaders: Sequence[BaseLoader]) -> None:
        self.loaders = loaders

    def get_source(self, environment: "Environment", template: str) -> Source:
        for number, loader in enumerate(self.loaders):
            try:
                source, file, uptodate = loader.get_source(environment, template)
            except TemplateNotFound:
                continue
            return (
                source,
                file,
                self._uptodate(uptodate, number, environment, template) if number else uptodate,
            )
        raise TemplateNotFound(template)

    def load(
        self, environment: "Environment", name: str, globals: MutableMapping[str, Any] | None = None
    ) -> "Template":
        for number, loader in enumerate(self.loaders):
            try:
                template = loader.load(environment, name, globals)
            except TemplateNotFound:
                continue
            if number and hasattr(template, "_uptodate"):
                template._uptodate = self._uptodate(template._uptodate, number, environment, name)
            return template
        raise TemplateNotFound(name)

    def _uptodate(
        self, uptodate: Uptodate | None, number: int, environment: "Environment", name: str
    ) -> Uptodate:
        """The `uptodate` of a template that the loader of this number has loaded."""

        def is_hidden() -> bool:
            for loader in self.loaders[:number]:
                # A subclass may give other templates than `has` says.
                if isinstance(loader, BaseLoader) and loader.has(name):
                    try:
                        loader.get_source(environment, name)
                    except TemplateNotFound:
                        continue
                    return True
            return False

        return _unless_hidden(uptodate, is_hidden)

    def has(self, template: str) -> bool:
        return any(loader.has(template) for loader in self.loaders)

    def list_templates(self) -> list[str]:
        return sorted({name for loader in self.loaders for name in loader.list_templates()})
