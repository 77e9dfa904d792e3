"""The files of the templates that this process has loaded, for tools that meet their names in what they record.

Rule: a file is noted when a template is made of it, whether it was compiled or taken from the disk cache, and stays
noted. Templates that are no files are not.
"""

import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tmplmon.environment import Environment

_files: dict[str, "weakref.ref[Environment]"] = {}


def note(file: str, environment: "Environment") -> None:
    """A template was made of this file (an absolute path)."""
    _files[file] = weakref.ref(environment)


def loaded_files() -> "dict[str, Environment | None]":
    """Absolute path of each template file → the environment that loaded it last, None if that is gone. Not all that
    loaders say is a file exists.
    """
    return {file: environment() for file, environment in list(_files.items())}
