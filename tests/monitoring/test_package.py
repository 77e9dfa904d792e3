"""The imports of the package, and its public names."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import tmplmon.monitoring as package

FOLDER = Path(package.__file__).parent


def test_it_imports_only_itself_and_the_standard_library() -> None:
    """The base of coverage.py plugins imports coverage.py, and no other module imports it."""
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                top = name.partition(".")[0]
                assert (
                    (name.startswith("tmplmon.monitoring") and name != "tmplmon.monitoring.coverage")
                    or top in sys.stdlib_module_names
                    or (path.name, top) == ("coverage.py", "coverage")
                ), (path, name)


def test_its_import_is_lazy() -> None:
    """``ctypes`` is imported with the first name that needs it. A compiler only needs the line table."""
    program = (
        "import sys, tmplmon; before = {*sys.modules}; import tmplmon.monitoring.linetable\n"
        "assert not {'ctypes', 'dis', 'opcode'} & ({*sys.modules} - before), {*sys.modules} - before\n"
        "from tmplmon.monitoring import Scope, encode_linetable\n"
        "assert Scope.__module__ == 'tmplmon.monitoring.scope'\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(FOLDER.parents[1])}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment, timeout=60)


def test_every_public_name_is_there_and_documented() -> None:
    assert set(package.__all__) <= set(dir(package))
    for name in package.__all__:
        home = importlib.import_module(f"tmplmon.monitoring.{package._HOME[name]}")
        assert getattr(package, name) is getattr(home, name)
        assert name in (FOLDER.parents[1] / "docs" / "monitoring" / "api.md").read_text(encoding="utf-8"), (
            name
        )


def members(thing: type) -> set[str]:
    """The public names of a class and of its instances."""
    names = {
        name for base in thing.__mro__[:-1] for name in (*vars(base), *base.__dict__.get("__slots__", ()))
    }
    names |= set(getattr(thing, "__annotations__", ()))
    if issubclass(thing, tuple):
        names -= set(dir(tuple))
    return {name for name in names if not name.startswith("_")}


def test_the_api_page_has_all_members_of_the_classes() -> None:
    page = (FOLDER.parents[1] / "docs" / "monitoring" / "api.md").read_text(encoding="utf-8")
    words = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", page))))
    missing = {
        f"{name}.{member}"
        for name in package.__all__
        if isinstance(thing := getattr(package, name), type)
        for member in members(thing) - words
    }
    fire = importlib.import_module("tmplmon.monitoring.fire")
    missing |= {f"fire.{name}" for name in set(fire.__all__) - words}
    assert missing == set()


def test_public_names_have_docstrings() -> None:
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
                continue
            assert ast.get_docstring(node), f"{path.name}: {node.name}"
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                    assert ast.get_docstring(method), f"{path.name}: {node.name}.{method.name}"


def test_an_unknown_name() -> None:
    try:
        package.no_such_name  # noqa: B018
    except AttributeError as error:
        assert "no_such_name" in str(error)
    else:
        raise AssertionError("no error")
