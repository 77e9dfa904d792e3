"""The files of the templates that this process has loaded, for tools that find the names of files in recordings.

Rule: a file is recorded when a template is created from it, whether it is compiled or comes from the disk
cache. It is never removed. Templates that are not files are not recorded. The syntax of a template is kept after
its environment is gone, as names and texts only, so that a report in another process can use it.
"""

import os
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tmplmon.environment import Environment

# The attributes of an environment that determine how a template is split into tags and text.
DELIMITERS = (
    "block_start_string",
    "block_end_string",
    "variable_start_string",
    "variable_end_string",
    "comment_start_string",
    "comment_end_string",
    "line_statement_prefix",
    "line_comment_prefix",
)

type Delimiters = tuple[str | None, ...]
type Extensions = tuple[tuple[str, tuple[tuple[str, bool | None], ...]], ...]


class _Loaded(NamedTuple):
    """A template that was created from a file.

    is_jinja2: whether the environment is one of Jinja2's, which is observed.
    delimiters: the values of `DELIMITERS`.
    extensions: the import name of each extension, and its tags: name, and whether the tag has a body, or None if
        only the extension's `parse` knows.
    """

    name: str
    environment: "weakref.ref[Environment]"
    is_jinja2: bool
    delimiters: Delimiters
    extensions: Extensions


_files: dict[str, _Loaded] = {}


def note(file: str, name: str | None, environment: Any, is_jinja2: bool = False) -> None:
    """Record that `environment` has created the template `name` from `file`, an absolute path."""
    _files[file] = _Loaded(name or "", weakref.ref(environment), is_jinja2, *syntax_of(environment))


def syntax_of(environment: Any) -> tuple[Delimiters, Extensions]:
    """Return the delimiters and extensions of an environment, of tmplmon's or Jinja2's, as `_Loaded` has them."""
    extensions = []
    for each in environment.iter_extensions():
        methods = getattr(each, "method_tags", {})
        tags = [(tag, methods[tag].body if tag in methods else None) for tag in sorted(each.tags)]
        extensions.append((f"{type(each).__module__}.{type(each).__qualname__}", tuple(tags)))
    delimiters = tuple([getattr(environment, option) for option in DELIMITERS])
    return delimiters, tuple(extensions)


def loaded_files() -> "dict[str, Environment | None]":
    """Return the files of all loaded templates: absolute path → the environment that loaded it last, or None if
    that environment does not exist any more.

    A path is the one that the loader returned, so there may be no such file.
    """
    return {file: each.environment() for file, each in list(_files.items())}


def loaded_syntaxes() -> dict[str, str]:
    """Return the syntax of all loaded templates: absolute path → JSON of an object with the delimiters, a list
    `extensions` as in `_Loaded`, and `jinja2`, whether Jinja2 runs the template."""
    import json

    return {
        file: json.dumps(
            {
                **dict(zip(DELIMITERS, each.delimiters, strict=True)),
                "extensions": each.extensions,
                "jinja2": each.is_jinja2,
            }
        )
        for file, each in list(_files.items())
    }


def loaded_folders() -> set[str]:
    """Return the folders to which the names of loaded templates are relative: ``/srv/pages`` for the file
    ``/srv/pages/shop/a.html`` of the template ``shop/a.html``."""
    folders: set[str] = set()
    for file, each in list(_files.items()):
        folder, last = os.path.split(file)
        parts = each.name.split("/")
        if last == parts.pop():
            while parts and os.path.basename(folder) == parts.pop():
                folder = os.path.dirname(folder)
            folders.add(folder)
    return folders
