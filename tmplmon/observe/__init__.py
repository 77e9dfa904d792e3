"""The templates of an application that uses Jinja2, seen by Python's tools.

    import tmplmon.observe

    tmplmon.observe.install()

Jinja2 stays the engine: it parses templates, generates code and runs it, and the output is the same. Only the code
objects differ. They have the template's file, its lines and the names of its variables, as those of tmplmon's own
templates do. So coverage.py, debuggers, profilers and tracebacks show the template.

    Jinja2's nodes ─► Jinja2's source ─► ast ─► lines ─► names ─► code
                      `marks`                   `lines`  `names`  `compiling`

Jinja2 is not imported before the application imports it.
"""

import os
from collections.abc import Iterable

from tmplmon.observe import strings
from tmplmon.waiting import Hooks

__all__ = ["install", "is_installed", "uninstall"]


def install(sources: Iterable[str] = ()) -> None:
    """Observe all templates that Jinja2 compiles from now on, in all environments.

    sources: folders with the files of templates that the application passes to Jinja2 as strings. The environment
        variable TMPLMON_SOURCES has further ones, separated as in PATH.

    It can be called before or after Jinja2 is imported, and several times. Templates that were compiled before
    stay as they are.
    """
    strings.add_folders([*sources, *filter(None, os.environ.get("TMPLMON_SOURCES", "").split(os.pathsep))])
    _hooks.install()


def uninstall() -> None:
    """Undo `install`. Templates that were compiled meanwhile stay as they are."""
    _hooks.uninstall()


def is_installed() -> bool:
    """Whether templates are observed."""
    return _hooks.is_installed()


_hooks = Hooks("jinja2", f"{__name__}.hooks")
