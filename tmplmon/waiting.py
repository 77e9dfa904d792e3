"""Hooks in a package of others that are installed when it has been imported, and not before."""

import importlib
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class Hooks:
    """Hooks that the functions `install`, `uninstall` and `is_installed` of a module set and remove.

    observed: the import name of the module after whose import they are installed.
    hooks: the import name of the module with the functions, which imports `observed`.

    The object is a finder of modules, which only waits.
    """

    def __init__(self, observed: str, hooks: str) -> None:
        self.observed = observed
        self.hooks = hooks

    def install(self) -> None:
        """Install the hooks, now or when the module has been imported."""
        if self.observed in sys.modules:
            self._module().install()
        elif self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def uninstall(self) -> None:
        """Undo `install`."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        if self.observed in sys.modules:
            self._module().uninstall()

    def is_installed(self) -> bool:
        """Whether the hooks are installed, or wait."""
        return self in sys.meta_path or (self.observed in sys.modules and bool(self._module().is_installed()))

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The spec that the other finders find; its module is watched if it is the observed one."""
        if name != self.observed:
            return None
        specs = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self)
        spec = next((spec for spec in specs if spec is not None), None)
        loader: Any = None if spec is None else spec.loader
        if loader is None:
            return spec
        execute = loader.exec_module

        def execute_and_install(module: ModuleType) -> None:
            # Not earlier: a program may only ask whether the module is there.
            loader.exec_module = execute
            execute(module)
            if self in sys.meta_path:
                sys.meta_path.remove(self)
                self._module().install()

        loader.exec_module = execute_and_install
        return spec

    def _module(self) -> Any:
        return importlib.import_module(self.hooks)
