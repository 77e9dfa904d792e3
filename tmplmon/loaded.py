"""The files of the templates that this process has loaded, for tools that meet their names in what they record.

Rule: a file is noted when a template is made of it, whether it was compiled or taken from the disk cache, and stays
noted. Templates that are no files are not.
"""

import os
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tmplmon.environment import Environment

# File → the template's name, and the environment.
_files: dict[str, tuple[str, "weakref.ref[Environment]"]] = {}


def note(file: str, name: str | None, environment: "Environment") -> None:
    """A template of this name was made of this file (an absolute path)."""
    _files[file] = name or "", weakref.ref(environment)


def loaded_files() -> "dict[str, Environment | None]":
    """Absolute path of each template file → the environment that loaded it last, None if that is gone. Not all that
    loaders say is a file exists.
    """
    return {file: environment() for file, (_, environment) in list(_files.items())}


def loaded_folders() -> set[str]:
    """The folders that the names of the loaded templates begin in: ``/srv/pages`` for ``/srv/pages/shop/a.html`` of
    the name ``shop/a.html``."""
    found: set[str] = set()
    for file, (name, _) in list(_files.items()):
        folder, last = os.path.split(file)
        parts = name.split("/")
        if last == parts.pop():
            while parts and os.path.basename(folder) == parts.pop():
                folder = os.path.dirname(folder)
            found.add(folder)
    return found
