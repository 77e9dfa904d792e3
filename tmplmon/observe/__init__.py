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

import importlib
import os
import sys
from collections.abc import Iterable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from tmplmon.observe import strings

__all__ = ["install", "is_installed", "uninstall"]


def install(sources: Iterable[str] = ()) -> None:
    """Observe all templates that Jinja2 compiles from now on, in all environments.

    sources: folders with the files of templates that the application passes to Jinja2 as strings. The environment
        variable TMPLMON_SOURCES has further ones, separated as in PATH.

    It can be called before or after Jinja2 is imported, and several times. Templates that were compiled before
    stay as they are.
    """
    strings.add_folders([*sources, *filter(None, os.environ.get("TMPLMON_SOURCES", "").split(os.pathsep))])
    if "jinja2" in sys.modules:
        _hooks().install()
    elif _waiting not in sys.meta_path:
        sys.meta_path.insert(0, _waiting)


def uninstall() -> None:
    """Undo `install`. Templates that were compiled meanwhile stay as they are."""
    if _waiting in sys.meta_path:
        sys.meta_path.remove(_waiting)
    if "jinja2" in sys.modules:
        _hooks().uninstall()


def is_installed() -> bool:
    """Whether templates are observed."""
    return _waiting in sys.meta_path or ("jinja2" in sys.modules and _hooks().is_installed())


def _hooks() -> Any:
    return importlib.import_module("tmplmon.observe.hooks")


class _Waiting:
    """A finder of modules that only waits for Jinja2 to be imported."""

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != "jinja2":
            return None
        specs = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self)
        spec = next((spec for spec in specs if spec is not None), None)
        loader: Any = None if spec is None else spec.loader
        if loader is None:
            return spec
        execute = loader.exec_module

        def execute_and_install(module: ModuleType) -> None:
            # Not earlier: a program may only ask whether Jinja2 is there.
            loader.exec_module = execute
            execute(module)
            if self in sys.meta_path:
                sys.meta_path.remove(self)
                _hooks().install()

        loader.exec_module = execute_and_install
        return spec


_waiting: Any = _Waiting()
