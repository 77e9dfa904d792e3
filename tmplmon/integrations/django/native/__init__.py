"""Django's own templates, seen by Python's tools.

    INSTALLED_APPS = ["tmplmon.integrations.django.native", ...]

or, for coverage.py only, ``django = true`` in the section ``[tmplmon]`` of its configuration, or `install`.

Django stays the engine: it parses and renders its templates, and the output is the same. While a tool is
active, they also fire the events of `tmplmon.monitoring`. So coverage.py (on each of its cores), debuggers
and profilers see templates, blocks and partials as functions of the template's file.

    hooks       what is replaced in Django; nodes that signal
    parts       the scopes of a template, and the sites of its nodes
    variables   the context, as a debugger shows it
    tracebacks  the lines of templates in tracebacks
    coverage    the plugin for coverage.py
    structure   the lines and branches of a template, as a report needs them

Django is not imported before the application imports it.
"""

import importlib
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["install", "is_installed", "uninstall"]

_DJANGO = "django.template.engine"


def install() -> None:
    """Observe all templates that Django compiles from now on.

    It can be called before or after Django is imported, and several times. Templates that were compiled
    before are not observed.
    """
    if _DJANGO in sys.modules:
        _hooks().install()
    elif _waiting not in sys.meta_path:
        sys.meta_path.insert(0, _waiting)


def uninstall() -> None:
    """Undo `install`. Templates that were compiled meanwhile no longer fire events."""
    if _waiting in sys.meta_path:
        sys.meta_path.remove(_waiting)
    if _DJANGO in sys.modules:
        _hooks().uninstall()


def is_installed() -> bool:
    """Whether templates are observed."""
    return _waiting in sys.meta_path or (_DJANGO in sys.modules and _hooks().is_installed())


def _hooks() -> Any:
    return importlib.import_module(f"{__name__}.hooks")


class _Waiting:
    """A finder of modules that only waits for Django's templates to be imported."""

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != _DJANGO:
            return None
        finders = [finder for finder in sys.meta_path if finder is not self]
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in finders)), None)
        loader: Any = None if spec is None else spec.loader
        if loader is None:
            return spec
        execute = loader.exec_module

        def execute_and_install(module: ModuleType) -> None:
            loader.exec_module = execute
            execute(module)
            if self in sys.meta_path:
                sys.meta_path.remove(self)
                _hooks().install()

        loader.exec_module = execute_and_install
        return spec


_waiting: Any = _Waiting()
