"""The shape of the package: which way imports point, how big a module may get, that each says what it is for.

The rules are those of the layout: syntax → ir → backends; what runs templates knows nothing of how they were
compiled; `monitoring` could be a package of its own; tools and integrations use what any application could use.
"""

import ast
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(path for path in (ROOT / "tmplmon").rglob("*.py") if "__pycache__" not in path.parts)
NAMES = [path.relative_to(ROOT).as_posix() for path in MODULES]
MOST_LINES = 450

# Package → what of this project its modules may import, besides themselves. The longest prefix of a module decides.
# `tmplmon` alone stands for ``from tmplmon import …``, which is the public API.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "tmplmon.errors": ("tmplmon.runtime.undefined", "tmplmon.monitoring.lines"),
    "tmplmon.loaders": ("tmplmon.errors",),
    "tmplmon.records": (),
    "tmplmon.recursion": ("tmplmon.errors",),
    "tmplmon.syntax": ("tmplmon.errors", "tmplmon.records", "tmplmon.monitoring.lines"),
    "tmplmon.ir": ("tmplmon.syntax", "tmplmon.errors", "tmplmon.records"),
    "tmplmon.codemap": (
        "tmplmon.pipeline",
        "tmplmon.recursion",
        "tmplmon.ir",
        "tmplmon.syntax",
        "tmplmon.monitoring.lines",
    ),
    "tmplmon.backends": (
        "tmplmon.ir",
        "tmplmon.records",
        "tmplmon.recursion",
        "tmplmon.runtime",
        "tmplmon.monitoring",
        "tmplmon.errors",
    ),
    "tmplmon.runtime": ("tmplmon.errors", "tmplmon.monitoring"),
    "tmplmon.monitoring": (),
    "tmplmon.tools": ("tmplmon", "tmplmon.monitoring", "tmplmon.runtime.origins"),
    "tmplmon.integrations": ("tmplmon", "tmplmon.tools"),
}
# What only the command line itself and its entry points may import.
CLI = "tmplmon.cli"
MAY_IMPORT_CLI = ("tmplmon.cli", "tmplmon.__main__")


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, module) of the project's modules that one imports when it runs, inside functions too. What is only
    for type checkers does not count."""
    pending: list[ast.AST] = [ast.parse(path.read_text("utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            pending += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names if is_ours(alias.name))
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            for alias in node.names if node.module is not None and is_ours(node.module) else ():
                full = f"{node.module}.{alias.name}"
                yield node.lineno, full if is_module(full) else str(node.module)
        pending += ast.iter_child_nodes(node)


def is_ours(name: str) -> bool:
    return name.partition(".")[0] == "tmplmon"


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


each_module = pytest.mark.parametrize("path", MODULES, ids=NAMES)


@each_module
def test_imports_point_one_way(path: Path) -> None:
    module = module_name(path)
    packages = [package for package in MAY_IMPORT if is_in(module, package)]
    if not packages:
        return
    package = max(packages, key=len)
    for line, imported in imports(path):
        allowed = is_in(imported, package) or any(
            imported == "tmplmon" if name == "tmplmon" else is_in(imported, name)
            for name in MAY_IMPORT[package]
        )
        assert allowed, f"{path}:{line}: {package} must not import {imported}"


@each_module
def test_nothing_needs_the_command_line(path: Path) -> None:
    module = module_name(path)
    if not any(is_in(module, allowed) for allowed in MAY_IMPORT_CLI):
        for line, imported in imports(path):
            assert not is_in(imported, CLI), f"{path}:{line}: {module} must not import {imported}"


# Modules that split the *values* that filters work on, as Jinja does.
SPLIT_VALUES = ("tmplmon/runtime/filters/text.py", "tmplmon/sandbox/filters.py")
LINES = "tmplmon/monitoring/lines.py"


@each_module
def test_sources_are_split_into_lines_in_one_place(path: Path) -> None:
    """`str.splitlines` ends lines where the engine does not, and an entry of `linecache` has to agree with it."""
    name = path.relative_to(ROOT).as_posix()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr == "splitlines":
            assert name in SPLIT_VALUES, f"{path}:{node.lineno}: use tmplmon.monitoring.lines.split_lines"
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            filled = ast.unparse(node.value) == "linecache.cache"
            assert not filled or name == LINES, f"{path}:{node.lineno}: use remember_source"


@each_module
def test_a_module_says_what_it_is_for(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    if tree.body:
        assert ast.get_docstring(tree), f"{path} has no docstring"


def test_modules_are_of_a_size_to_read() -> None:
    """A warning, as a module may have its reasons; it is shown at the end of every run."""
    for name, path in zip(NAMES, MODULES, strict=True):
        count = len(path.read_text("utf-8").splitlines())
        if count > MOST_LINES:
            warnings.warn(f"{name} has {count} lines, more than {MOST_LINES}", stacklevel=1)


def test_every_package_is_shipped() -> None:
    """Each folder with modules is a package, which the build finds by itself."""
    for path in MODULES:
        assert (path.parent / "__init__.py").is_file(), path
    assert (ROOT / "tmplmon/py.typed").is_file()


def test_the_rules_are_about_packages_that_exist_or_are_planned() -> None:
    planned = {"tmplmon.tools", "tmplmon.integrations"}
    for package in {*MAY_IMPORT, *(name for names in MAY_IMPORT.values() for name in names)} - planned:
        assert is_module(package), package
