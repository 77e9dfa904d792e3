"""Fixtures that make `import jinja2` import tmplmon during a test."""

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import tmplmon
from tmplmon import as_jinja2

# Packages whose modules are replaced, or refer to classes of a replaced module.
PACKAGES = ("jinja2", "tmplmon.jinjaparser")


def take_modules() -> dict[str, ModuleType]:
    """Remove the modules of these packages from `sys.modules`, and return them."""
    names = [name for name in sys.modules if name.startswith(tuple(f"{package}." for package in PACKAGES))]
    return {name: sys.modules.pop(name) for name in [*names, *PACKAGES] if name in sys.modules}


@pytest.fixture(scope="module")
def original() -> Iterator[dict[str, ModuleType]]:
    """The modules of the installed Jinja2, by name."""
    import jinja2

    for name in ("constants", "debug", "ext", "meta", "nativetypes", "sandbox"):
        importlib.import_module(f"jinja2.{name}")
    yield {name: module for name, module in sys.modules.items() if name.partition(".")[0] == jinja2.__name__}


@pytest.fixture(scope="module")
def jinja2(original: Any) -> Iterator[Any]:
    """The module that `import jinja2` returns."""
    saved = take_modules()
    as_jinja2.install()
    yield importlib.import_module("jinja2")
    as_jinja2.uninstall()
    take_modules()
    sys.modules.update(saved)
    if "tmplmon.jinjaparser" in saved:
        tmplmon.jinjaparser = saved["tmplmon.jinjaparser"]  # type: ignore[attr-defined]
