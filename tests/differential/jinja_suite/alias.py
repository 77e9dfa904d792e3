"""A pytest plugin: tests that import `jinja2` get tmplmon.

A module of Jinja2 that tmplmon has no counterpart of (its lexer, nodes, compiler …) is Jinja2's own, so that test
modules which import from it can be collected; so is a name that a module of tmplmon does not have.
"""

import importlib
import sys
from types import ModuleType
from typing import Any

import tmplmon

MODULES = (
    *(
        "bccache",
        "compiler",
        "debug",
        "defaults",
        "environment",
        "exceptions",
        "ext",
        "filters",
        "idtracking",
    ),
    *(
        "lexer",
        "loaders",
        "meta",
        "nativetypes",
        "nodes",
        "parser",
        "runtime",
        "sandbox",
        "tests",
        "utils",
        "visitor",
    ),
)


class _Alias(ModuleType):
    """`jinja2` or a module of it: names are looked up in tmplmon's module of that name, then in Jinja2's own."""

    def __init__(self, name: str, ours: ModuleType | None, original: ModuleType) -> None:
        super().__init__(name)
        self.__spec__ = (ours or original).__spec__
        self.__path__: list[str] = []
        self.__dict__.update(_ours=ours, _original=original)

    def __getattr__(self, name: str) -> Any:
        for module in (self._ours, self._original):
            try:
                return getattr(module, name)
            except AttributeError:
                pass
        raise AttributeError(name)


def _counterpart(name: str) -> ModuleType | None:
    if name == "jinja2":
        return tmplmon
    try:
        return importlib.import_module(name.replace("jinja2", "tmplmon", 1))
    except ImportError:
        return None


for _name in MODULES:
    importlib.import_module(f"jinja2.{_name}")
for _name, _module in list(sys.modules.items()):
    if _name == "jinja2" or _name.startswith("jinja2."):
        sys.modules[_name] = _Alias(_name, _counterpart(_name), _module)
for _name, _module in list(sys.modules.items()):
    if _name.startswith("jinja2."):
        setattr(sys.modules["jinja2"], _name.removeprefix("jinja2."), _module)
