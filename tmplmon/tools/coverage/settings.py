"""The section ``[tmplmon]`` of coverage.py's configuration: how templates are parsed, and which files are
templates.

    [tmplmon]
    environment = shop.pages:environment        the environment of the templates; several are possible
    variable_start_string = <<                  or the options of the environment that affect the syntax
    extensions = shop.tags.CacheTag
    patterns = *.tmpl                           files to report even if they were never rendered

Without options, a template is parsed with the syntax with which it has run, and one that has not run with that
of the nearest one in the file system. Without any, templates have Jinja's default delimiters. Whitespace options
do not matter, because they do not move a statement to another line.
"""

import json
import os
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from coverage.exceptions import ConfigError

from tmplmon import Environment, TemplateError, loaded_files
from tmplmon.loaded import DELIMITERS
from tmplmon.tools.applications import import_environment
from tmplmon.tools.coverage.private import remembered
from tmplmon.tools.syntaxes import STOCK, own_extension

_SYNTAX = (*DELIMITERS, "environment", "extensions")
KNOWN = (*_SYNTAX, "patterns", "encoding", "jinja2", "django")

# Files with these names are templates anywhere. Files with the extensions IN_FOLDERS are templates in a
# folder named "templates" and in the folders of a loader.
SUFFIXES = ("*.j2", "*.jinja", "*.jinja2")
IN_FOLDERS = ("html", "htm", "xhtml", "xml", "txt")
DEFAULT_PATTERNS = (*SUFFIXES, *(f"**/templates/**/*.{ending}" for ending in IN_FOLDERS))


class Settings:
    """The options as written. Raises coverage.py's ConfigError for an unknown option."""

    def __init__(self, options: dict[str, Any]) -> None:
        for name in options:
            if name not in KNOWN:
                raise ConfigError(
                    f"Unrecognized option '[tmplmon] {name}='; there are {', '.join(sorted(KNOWN))}"
                )
        self.options = options
        self.jinja2 = _is_on(options.get("jinja2"))
        self.django = _is_on(options.get("django"))
        # coverage.py's data, which has the syntax of the templates that ran.
        self.data: Any = None
        self.encoding = str(options.get("encoding") or "utf-8")
        self.patterns = _items(options.get("patterns")) or list(DEFAULT_PATTERNS)
        self.by_folder = not options.get("patterns")

    def environment_of(self, path: str) -> Any:
        """The environment with which a template file is parsed. Raises ConfigError if there is none."""
        if not self.describes_syntax:
            syntax = self._nearest_syntax(path)
            return self.plain if syntax is None else self._recorded(syntax)
        return self.plain if not self.environments else self._owner(path)

    @property
    def describes_syntax(self) -> bool:
        """Whether options describe the syntax. Otherwise templates have the syntax with which they have run."""
        return any(self.options.get(name) for name in _SYNTAX)

    def is_observed(self, path: str) -> bool:
        """Whether Jinja2 ran a template file, or would run it."""
        syntax = self._syntaxes.get(path)
        if syntax is not None:
            return bool(json.loads(syntax)["jinja2"])
        return self.jinja2 and path not in loaded_files()

    @cached_property
    def _syntaxes(self) -> dict[str, str]:
        """The recorded syntax of the templates that ran: absolute path → syntax."""
        return {os.path.realpath(file): syntax for file, syntax in remembered(self.data).items()}

    def _nearest_syntax(self, path: str) -> str | None:
        """The syntax of a template, or of the one that is nearest in the file system."""
        syntaxes = self._syntaxes
        if path in syntaxes or not syntaxes:
            return syntaxes.get(path)
        return syntaxes[max(sorted(syntaxes), key=lambda other: len(os.path.commonpath([path, other])))]

    def _recorded(self, syntax: str) -> Any:
        """The environment with a recorded syntax."""
        environments: dict[str, Any] = self.__dict__.setdefault("_of_syntax", {})
        if syntax not in environments:
            options = json.loads(syntax)
            del options["jinja2"]
            extensions = [own_extension(name, tags) for name, tags in options.pop("extensions")]
            environments[syntax] = _environment(options, (*STOCK, *extensions))
        return environments[syntax]

    @cached_property
    def plain(self) -> Any:
        """An environment with the syntax options of the configuration. Raises ConfigError if they are wrong."""
        syntax: dict[str, Any] = {
            name: str(value) for name in DELIMITERS if (value := self.options.get(name))
        }
        return _environment(syntax, (*STOCK, *_items(self.options.get("extensions"))))

    @cached_property
    def environments(self) -> list[Any]:
        """The environments that the option `environment` names, imported on first use."""
        return [_imported(place) for place in _items(self.options.get("environment"))]

    def _owner(self, path: str) -> Any:
        """The environment whose loader has the file, if there are several; else the first one."""
        if len(self.environments) > 1:
            for environment in self.environments:
                if path in self._files(environment):
                    return environment
        return self.environments[0]

    def _files(self, environment: Any) -> set[str]:
        known: dict[int, set[str]] = self.__dict__.setdefault("_known", {})
        if id(environment) not in known:
            known[id(environment)] = set(_files_of(environment))
        return known[id(environment)]

    def syntax_mismatch(self, environment: Any) -> str | None:
        """Return a warning if templates run in an environment with another syntax than they are parsed with."""
        if self.options.get("environment") or not self.describes_syntax:
            return None
        configured, actual = self.plain.syntax, environment.syntax
        if any(getattr(configured, name) != getattr(actual, name) for name in DELIMITERS):
            return (
                "have delimiters that differ from the coverage configuration: their lines cannot be determined."
                " Set [tmplmon] environment = module:name, or variable_start_string and the others"
            )
        unknown = {name for name, _ in actual.custom_tags} - {name for name, _ in configured.custom_tags}
        if unknown:
            return (
                f"use tags that the coverage configuration does not name ({', '.join(sorted(unknown))}). Say"
                " [tmplmon] environment = module:name or extensions = the import path of their class"
            )
        return None


def _is_on(value: Any) -> bool:
    return str(value).lower() in ("true", "yes", "on", "1")


def _items(value: Any) -> list[str]:
    """Split a list, or a text with items on separate lines or separated by commas."""
    if value is None:
        return []
    parts = value.replace("\n", ",").split(",") if isinstance(value, str) else value
    return [str(part).strip() for part in parts if str(part).strip()]


def _environment(syntax: dict[str, Any], extensions: tuple[Any, ...]) -> Any:
    try:
        return Environment(**syntax, extensions=extensions)
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise ConfigError(f"The options of [tmplmon] do not make an environment: {error}") from error


def _imported(place: str) -> Any:
    """Import the environment that ``module:name`` names. Raises ConfigError."""
    try:
        return import_environment(place)
    except Exception as error:
        raise ConfigError(f"[tmplmon] environment = {place}: {type(error).__name__}: {error}") from error


def _files_of(environment: Any) -> Iterator[str]:
    """Yield the files of an environment's loader."""
    try:
        names = environment.list_templates()
    except TypeError:
        return
    for name in names:
        try:
            _, filename, _ = environment.loader.get_source(environment, name)
        except (TemplateError, OSError, UnicodeDecodeError):
            continue
        if filename is not None:
            yield os.path.realpath(filename)
