"""The files of the templates that this process has loaded, for tools that find the names of files in recordings.

Rule: a file is recorded when a template is created from it, whether it is compiled or comes from the disk
cache. It is never removed. Templates that are not files are not recorded.
"""

import os
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tmplmon.environment import Environment

# File → the template's name, and the environment.
_files: dict[str, tuple[str, "weakref.ref[Environment]"]] = {}


def note(file: str, name: str | None, environment: "Environment") -> None:
    """Record that `environment` has created the template `name` from `file`, an absolute path."""
    _files[file] = name or "", weakref.ref(environment)


def loaded_files() -> "dict[str, Environment | None]":
    """Return the files of all loaded templates: absolute path → the environment that loaded it last, or None if
    that environment does not exist any more.

    A path is the one that the loader returned, so there may be no such file.
    """
    return {file: environment() for file, (_, environment) in list(_files.items())}


def loaded_folders() -> set[str]:
    """Return the folders to which the names of loaded templates are relative: ``/srv/pages`` for the file
    ``/srv/pages/shop/a.html`` of the template ``shop/a.html``."""
    folders: set[str] = set()
    for file, (name, _) in list(_files.items()):
        folder, last = os.path.split(file)
        parts = name.split("/")
        if last == parts.pop():
            while parts and os.path.basename(folder) == parts.pop():
                folder = os.path.dirname(folder)
            folders.add(folder)
    return folders
