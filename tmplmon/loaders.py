"""Loaders: templates from the file system, packages, dicts and functions, and combinations of loaders.

Rule: a loader maps a template's name to `(source, filename, uptodate)` or raises TemplateNotFound. A name is a
path with `/` between its parts on every system. It cannot lead out of the loader's directories: a name with a
part `..` or a part that contains another separator of the system is not found, and a leading `/` is ignored.
(Symbolic links inside the directories are followed.)

An error when an existing file is read is not reported as "not found". OSError (no permission, a broken disk) and
UnicodeDecodeError (the file does not have the loader's encoding) are raised as they are, and both name the file.

There is no loader for compiled templates. The environment's disk cache, which `tmplmon compile` fills, works with
every loader.
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
"""Returns whether a source is still current."""

type Source = tuple[str, str | None, Uptodate | None]
"""A template's source, the path of its file (None if it has none), its check (None if it never changes)."""

type Path = str | os.PathLike[str]


def split_template_path(template: str) -> list[str]:
    """Return the parts of a template's name, without empty ones and `.`.

    Raises TemplateNotFound for a name that would lead out of the directory.
    """
    if not isinstance(template, str):
        raise _not_a_name(template)
    parts = []
    for part in template.split("/"):
        # On Windows, `\\` is a separator too.
        if os.sep in part or (os.altsep and os.altsep in part) or part == os.pardir:
            raise TemplateNotFound(template)
        if part and part != os.curdir:
            parts.append(part)
    return parts


def _not_a_name(value: object) -> TemplateNotFound:
    text = repr(value)
    shortened = text if len(text) <= 100 else f"{text[:100]}…"
    return TemplateNotFound(
        value, f"a template's name is a string, not {type(value).__qualname__}: {shortened}"
    )


def _read(filename: str) -> tuple[bytes, Uptodate]:
    """Read a file. Returns its content and its check for changes, which compares modification time and size."""
    with open(filename, "rb") as file:
        # Before reading, so that a change during reading counts as a change.
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
    """Decode the content of a file and remove a byte order mark. Raises UnicodeDecodeError, which names the
    file."""
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        error.reason += f" (in the template file {filename!r})"
        raise


class BaseLoader:
    """The base class of loaders. A subclass defines `get_source`, and `list_templates` if it can list them."""

    has_source_access = True
    """Whether `get_source` can return sources."""

    def get_source(self, environment: "Environment", template: str) -> Source:
        """Return the source of a template, the path of its file, and a function that checks whether it is current.

        The path is None for a template that is not a file. The function is None for a source that never
        changes. An environment with `auto_reload` calls the function whenever it gets the template from its
        cache, and loads the template again if the function returns false.

        Raises TemplateNotFound if there is no such template, and RuntimeError if `has_source_access` is false.
        """
        if not self.has_source_access:
            raise RuntimeError(f"{type(self).__name__} has no access to the source of templates")
        raise TemplateNotFound(template)

    def list_templates(self) -> list[str]:
        """Return the names of all templates, sorted. Raises TypeError if the loader cannot list them."""
        raise TypeError(f"{type(self).__name__} cannot list its templates")

    def has(self, template: str) -> bool:
        """Whether there is a template of this name, if that can be told as fast as whether a file exists; false
        if it cannot.

        With it, a template of a later loader or directory is out of date once an earlier one has its name.
        """
        return False

    def load(
        self, environment: "Environment", name: str, globals: MutableMapping[str, Any] | None = None
    ) -> "Template":
        """Load and compile a template. Loaders that combine loaders override this; others override `get_source`.

        globals: names and values for the template, in addition to the environment's.

        Raises TemplateNotFound, TemplateSyntaxError, and what reading the source raises.
        """
        return environment._load(loader=self, name=name, globals=globals)


def _unless_hidden(uptodate: Uptodate | None, is_hidden: Uptodate) -> Uptodate:
    """Return a function that checks that a source is current and that no earlier place has a template of its
    name."""
    return lambda: not is_hidden() and (uptodate is None or uptodate())


class FileSystemLoader(BaseLoader):
    """Load templates from one or more directories.

    searchpath: a directory, or several; the first that has the template is used. Relative paths are relative to the
        current directory at the time of loading.
    encoding: the encoding of the files.
    followlinks: follow symbolic links to directories when listing templates. (Loading always follows them.)
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
            # Universal newlines, as in text files.
            source = source.replace("\r\n", "\n").replace("\r", "\n")
        return source, filename, uptodate

    def _files(self, template: str) -> list[str]:
        """Return the paths that a template may have. Raises TemplateNotFound for a name that leads elsewhere."""
        parts = split_template_path(template)
        # `os.path.join` would let a part like `C:` lead out of the directory.
        return [posixpath.join(path, *parts) for path in self.searchpath]

    def has(self, template: str) -> bool:
        try:
            return any(map(os.path.isfile, self._files(template)))
        except TemplateNotFound:
            return False

    def list_templates(self) -> list[str]:
        names: set[str] = set()
        for path in self.searchpath:
            names.update(_walk(path, self.followlinks))
        return sorted(names)


def _walk(root: str, followlinks: bool = False) -> Iterable[str]:
    """Yield the names of the files below a directory, with `/` between their parts."""
    for directory, _, filenames in os.walk(root, followlinks=followlinks):
        below = directory[len(root) :].strip(os.sep).replace(os.sep, "/")
        for filename in filenames:
            yield f"{below}/{filename}" if below else filename


class PackageLoader(BaseLoader):
    """Load templates from a directory of an installed Python package, which may be in a zip file.

    If it is a namespace package, the first of its directories that has `package_path` is used.

    package_name: the import name of the package, which is imported.
    package_path: the path of the directory in the package, with `/` between its parts.
    encoding: the encoding of the files.

    Raises ImportError if the package cannot be imported, and ValueError if it has no such directory.
    """

    def __init__(self, package_name: str, package_path: str = "templates", encoding: str = "utf-8") -> None:
        from importlib.util import find_spec

        # `normpath` may return `.` or leave `./` at the start; neither can be part of a path in a zip file.
        package_path = os.path.normpath(package_path).rstrip(os.sep)
        package_path = package_path.removeprefix(os.curdir + os.sep)
        self.package_path = "" if package_path == os.curdir else package_path
        self.package_name = package_name
        self.encoding = encoding

        # Before it is imported, a namespace package may have no loader.
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
            # A module that is a single file: use the directory beside it.
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
        parts = split_template_path(template)
        filename = os.path.normpath(posixpath.join(self._template_root, *parts))
        uptodate: Uptodate | None = None
        if self._archive is None:
            if not os.path.isfile(filename):
                raise TemplateNotFound(template)
            data, uptodate = _read(filename)
        else:
            # A change of a zip file cannot be detected: the import system never reads its directory again.
            try:
                data = self._loader.get_data(filename)
            except OSError as error:
                raise TemplateNotFound(template) from error
        return _decode(data, self.encoding, filename), filename, uptodate

    def has(self, template: str) -> bool:
        try:
            parts = split_template_path(template)
        except TemplateNotFound:
            return False
        return self._archive is None and os.path.isfile(posixpath.join(self._template_root, *parts))

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

    mapping: name of a template → its source. If it changes, changed templates are loaded again.
    """

    def __init__(self, mapping: Mapping[str, str]) -> None:
        self.mapping = mapping

    def get_source(self, environment: "Environment", template: str) -> Source:
        try:
            if template not in self.mapping:
                raise TemplateNotFound(template)
        except TypeError:  # It cannot be hashed.
            raise _not_a_name(template) from None
        source = self.mapping[template]
        return source, None, lambda: source == self.mapping.get(template)

    def has(self, template: str) -> bool:
        return template in self.mapping

    def list_templates(self) -> list[str]:
        return sorted(self.mapping)


class FunctionLoader(BaseLoader):
    """Load templates by calling a function.

    load_func: name of a template → its source; or `(source, filename, uptodate)`, as `get_source` returns it; or
        None if there is no such template.
    """

    def __init__(self, load_func: Callable[[str], str | Source | None]) -> None:
        self.load_func = load_func

    def get_source(self, environment: "Environment", template: str) -> Source:
        source = self.load_func(template)
        if source is None:
            raise TemplateNotFound(template)
        return (source, None, None) if isinstance(source, str) else source


class PrefixLoader(BaseLoader):
    """Select a loader by the prefix of a template's name. That loader gets the rest of the name.

    mapping: prefix → loader.
    delimiter: the text between the prefix and the rest.
    """

    def __init__(self, mapping: Mapping[str, BaseLoader], delimiter: str = "/") -> None:
        self.mapping = mapping
        self.delimiter = delimiter

    def get_loader(self, template: str) -> tuple[BaseLoader, str]:
        """Return the loader for a template, and the template's name in that loader. Raises TemplateNotFound."""
        if not isinstance(template, str):
            raise _not_a_name(template)
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
            # The error must have the name that the user wrote.
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
    """Load a template from the first of several loaders that has it.

    loaders: the loaders, in the order in which they are tried.
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
        """Return the check for a template that the loader with this index has loaded."""

        def is_hidden() -> bool:
            for loader in self.loaders[:number]:
                # A subclass may not have all templates for which `has` is true.
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
