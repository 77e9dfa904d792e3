"""Finds the modules of `jinja2`: those in `package`, and all others in the installed Jinja2.

Rule: every module is loaded under its own name in `jinja2`, from one of two folders. So a module of the installed
Jinja2 that imports another one relatively gets the one in `package`, if there is one.
"""

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any

PACKAGE = os.path.join(os.path.dirname(__file__), "package")


class Finder:
    """The finder for `sys.meta_path`."""

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return the spec of a module in `package`; None for every other module.

        Raises ModuleNotFoundError for `jinja2` if Jinja2 is not installed, which is looked for at that time: many
        processes that are prepared never import it.
        """
        if name == "jinja2":
            spec = PathFinder.find_spec(name)
            if spec is None or not spec.submodule_search_locations:
                raise ModuleNotFoundError(
                    "tmplmon.as_jinja2 needs an installed Jinja2, whose parser it borrows: pip install jinja2",
                    name=name,
                )
            file = os.path.join(PACKAGE, "__init__.py")
            installed = list(spec.submodule_search_locations)
            return spec_from_file_location(name, file, submodule_search_locations=installed)
        parent, _, last = name.rpartition(".")
        file = os.path.join(PACKAGE, f"{last}.py")
        if parent != "jinja2" or not os.path.isfile(file):
            return None
        return spec_from_file_location(name, file)


def installed_file(name: str) -> str:
    """Return the path of a module of the installed Jinja2, relative to its package and without suffix."""
    import jinja2

    return os.path.join(jinja2.__path__[0], f"{name}.py")


def original(name: str) -> ModuleType:
    """Return a module of the installed Jinja2 that `package` replaces, under the name ``jinja2._original_NAME``.

    It runs with the other modules of `package`, for functions that tmplmon has no counterpart of.
    """
    full = f"jinja2._original_{name}"
    module = sys.modules.get(full)
    if module is None:
        spec = spec_from_file_location(full, installed_file(name))
        assert spec is not None and spec.loader is not None
        module = sys.modules[full] = module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[full]
            raise
    return module
