"""The section ``[tmplmon]`` of coverage.py's configuration: how templates are read, and which files are templates.

    [tmplmon]
    environment = shop.pages:environment        whose templates they are; several for several kinds
    variable_start_string = <<                  or the options of the environment that concern the syntax
    extensions = shop.tags.CacheTag
    patterns = *.tmpl                           which files to look for that were never rendered

Without any of it, templates are read with Jinja's own delimiters and all extensions that come with the engine. How
whitespace is trimmed does not matter: no line begins or ends by it.
"""

import importlib
import os
import sys
from collections.abc import Iterator
from functools import cached_property
from inspect import signature
from typing import Any

from coverage.exceptions import ConfigError

from tmplmon import Environment, TemplateError

STOCK = tuple(f"tmplmon.ext.{name}" for name in ("do", "loopcontrols", "debug", "i18n"))
# What decides on how a template is cut into tags and text.
DELIMITERS = tuple(
    name for name in signature(Environment).parameters if name.endswith(("_string", "_prefix"))
)
KNOWN = (*DELIMITERS, "environment", "extensions", "patterns", "encoding")

# What is a template by its name, wherever it is, and what is one in a folder called templates or in one that a
# loader looks into.
SUFFIXES = ("*.j2", "*.jinja", "*.jinja2")
IN_FOLDERS = ("html", "htm", "xhtml", "xml", "txt")
DEFAULT_PATTERNS = (*SUFFIXES, *(f"**/templates/**/*.{ending}" for ending in IN_FOLDERS))


class Settings:
    """The options as they are written. Raises coverage.py's ConfigError for one that there is not."""

    def __init__(self, options: dict[str, Any]) -> None:
        for name in options:
            if name not in KNOWN:
                raise ConfigError(
                    f"Unrecognized option '[tmplmon] {name}='; there are {', '.join(sorted(KNOWN))}"
                )
        self.options = options
        self.encoding = str(options.get("encoding") or "utf-8")
        self.patterns = _items(options.get("patterns")) or list(DEFAULT_PATTERNS)
        self.by_folder = not options.get("patterns")

    def environment_of(self, path: str) -> Any:
        """The environment that a template file is read with."""
        return self.plain if not self.environments else self._owner(path)

    @cached_property
    def plain(self) -> Any:
        """The environment of the options that concern the syntax."""
        syntax: dict[str, Any] = {
            name: str(value) for name in DELIMITERS if (value := self.options.get(name))
        }
        try:
            return Environment(**syntax, extensions=(*STOCK, *_items(self.options.get("extensions"))))
        except (ImportError, AttributeError, ValueError, TypeError) as error:
            raise ConfigError(f"The options of [tmplmon] make no environment: {error}") from error

    @cached_property
    def environments(self) -> list[Any]:
        """Those that the option `environment` names, imported when they are first needed."""
        return [_imported(where) for where in _items(self.options.get("environment"))]

    def _owner(self, path: str) -> Any:
        """The one of several environments whose loader has the file; else the first."""
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

    def misfit(self, environment: Any) -> str | None:
        """What is to be said of templates that run in an environment of another syntax than they are read with."""
        if self.options.get("environment"):
            return None
        ours, theirs = self.plain.syntax, environment.syntax
        if any(getattr(ours, name) != getattr(theirs, name) for name in DELIMITERS):
            return (
                "have delimiters that the coverage configuration does not name: their lines cannot be told."
                " Say [tmplmon] environment = module:name, or set variable_start_string and so on as it does"
            )
        unknown = {name for name, _ in theirs.custom_tags} - {name for name, _ in ours.custom_tags}
        if unknown:
            return (
                f"use tags that the coverage configuration does not name ({', '.join(sorted(unknown))}). Say"
                " [tmplmon] environment = module:name or extensions = the import path of their class"
            )
        return None


def _items(value: Any) -> list[str]:
    """A list, or a text with an item on each line or between commas."""
    if value is None:
        return []
    parts = value.replace("\n", ",").split(",") if isinstance(value, str) else value
    return [str(part).strip() for part in parts if str(part).strip()]


def _imported(where: str) -> Any:
    """What ``module:attribute`` names; a function is called. Raises ConfigError."""
    module, _, attribute = where.partition(":")
    path = os.getcwd()
    sys.path.insert(0, path)
    try:
        found: Any = importlib.import_module(module)
        for name in filter(None, attribute.split(".")):
            found = getattr(found, name)
        if not hasattr(found, "syntax") and callable(found):
            found = found()
        if not hasattr(found, "syntax"):
            raise TypeError(f"{found!r} is no environment")
    except Exception as error:
        raise ConfigError(f"[tmplmon] environment = {where}: {type(error).__name__}: {error}") from error
    finally:
        if path in sys.path:
            sys.path.remove(path)
    return found


def _files_of(environment: Any) -> Iterator[str]:
    """The files that an environment's loader has."""
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
