"""The layout of the package: the direction of imports, the size of modules, and their docstrings.

The rules: syntax → ir → backends. The code that runs templates does not import the code that compiles them.
`monitoring` does not import the rest of the package. Tools and integrations use the public API.
"""

import ast
import functools
import graphlib
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODULES = sorted(path for path in (ROOT / "tmplmon").rglob("*.py") if "__pycache__" not in path.parts)
NAMES = [path.relative_to(ROOT).as_posix() for path in MODULES]
MOST_LINES = 450

# Package → the parts of this project that its modules may import besides it. The longest prefix of a module counts.
# `tmplmon` alone stands for ``from tmplmon import …``, which is the public API.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "tmplmon.errors": ("tmplmon.runtime.undefined", "tmplmon.monitoring.lines"),
    "tmplmon.loaders": ("tmplmon.errors",),
    "tmplmon.records": (),
    "tmplmon.recursion": ("tmplmon.errors",),
    "tmplmon.syntax": ("tmplmon.errors", "tmplmon.records", "tmplmon.monitoring.lines"),
    "tmplmon.ir": ("tmplmon.syntax", "tmplmon.errors", "tmplmon.records"),
    "tmplmon.jinjaparser": (
        "tmplmon.syntax",
        "tmplmon.errors",
        "tmplmon.recursion",
        "tmplmon.monitoring.lines",
    ),
    "tmplmon.codemap": (
        "tmplmon.pipeline",
        "tmplmon.recursion",
        "tmplmon.ir",
        "tmplmon.syntax",
        "tmplmon.monitoring.lines",
        "tmplmon.monitoring.flow",
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
    "tmplmon.waiting": (),
    "tmplmon.tools": (
        "tmplmon",
        "tmplmon.ext",
        "tmplmon.loaded",
        "tmplmon.monitoring",
        "tmplmon.runtime.origins",
        "tmplmon.observe",
        "tmplmon.starting",
    ),
    "tmplmon.integrations": ("tmplmon", "tmplmon.tools", "tmplmon.monitoring", "tmplmon.waiting"),
    # What observes Jinja2 uses nothing of the engine but the places of Jinja2's tokens.
    "tmplmon.observe": (
        "tmplmon.monitoring",
        "tmplmon.loaded",
        "tmplmon.starting",
        "tmplmon.waiting",
        "tmplmon.jinjaparser.places",
    ),
}
# Only the command line itself and its entry points may import this package.
CLI = "tmplmon.cli"
MAY_IMPORT_CLI = ("tmplmon.cli", "tmplmon.__main__")


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@functools.cache
def imports(path: Path) -> list[tuple[int, str]]:
    """(line, module) of all imports of the project's modules, including those inside functions, but not those for
    type checkers."""
    result: list[tuple[int, str]] = []
    pending: list[ast.AST] = [parsed(path)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            pending += node.orelse
            continue
        if isinstance(node, ast.Import):
            result += ((node.lineno, alias.name) for alias in node.names if is_ours(alias.name))
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            for alias in node.names if node.module is not None and is_ours(node.module) else ():
                full = f"{node.module}.{alias.name}"
                result.append((node.lineno, full if is_module(full) else str(node.module)))
        pending += ast.iter_child_nodes(node)
    return result


def is_ours(name: str) -> bool:
    return name.partition(".")[0] == "tmplmon"


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


# The modules that are imported inside functions, so that processes that do not need them start faster: module → the
# processor time of its import after that of `tmplmon.environment`, or its purpose. The section `start` of the
# benchmarks measures a process that takes its templates from the disk cache.
IMPORTED_ON_USE = {
    # To compile: 30 ms with the parse tables.
    "tmplmon.pipeline": "to compile",
    "tmplmon.syntax.lexer": "to compile",
    "tmplmon.syntax.parser": "to compile",
    "tmplmon.syntax.source": "to compile",
    "tmplmon.ir.lower": "to compile",
    "tmplmon.ir.ops": "to compile",
    "tmplmon.backends.bytecode.compile": "to compile",
    "tmplmon.backends.bytecode.link": "to compile",
    "tmplmon.backends.bytecode.unit": "to compile",
    "tmplmon.backends.closures.compile": "55 ms, for the other back end",
    # To run closures when a tool listens.
    "tmplmon.backends.closures.inclusions": "30 ms, with `tmplmon.monitoring`",
    "tmplmon.backends.closures.signals": "with it",
    "tmplmon.backends.closures.monitored": "with it",
    "tmplmon.monitoring.debuggers": "with it",
    "tmplmon.monitoring.frames": "with it, or to show an error",
    "tmplmon.syntax.grammar.build": "to build tables for an edited grammar",
    "lark": "65 ms, to build tables for an edited grammar",
    "lark.parsers.lalr_analysis": "with lark",
    "tmplmon.syntax.diagnose": "4 ms, to explain a syntax error",
    "tmplmon.syntax.hints": "with it",
    "tmplmon.runtime.filters.explain": "1 ms, to explain an error of a filter",
    "difflib": "1.3 ms, to explain an unknown name",
    # For options and methods of environments and templates that most applications do not use.
    "tmplmon.diskcache": "1 ms, for `cache_dir`",
    "tmplmon.ext": "2 ms, for extensions",
    "tmplmon.jinjaparser.parse": "40 ms with Jinja2, for extensions that need its parser",
    "tmplmon.jinjaparser.tags": "with it",
    "tmplmon.runtime.special": "with it",
    "jinja2.lexer": "with it, which imports what imports it",
    "jinja2.nativetypes": "with it, which imports what imports it",
    "importlib.metadata": "5 ms, for a Jinja2 that has its version nowhere else",
    "jinja2": "with it; also optional: it may not be installed",
    "tmplmon.runtime.origins": "4 ms, for `source_map`",
    "tmplmon.runtime.budget": "10 ms with `dataclasses`, for limits, which only sandboxes have",
    "tmplmon.meta": "10 ms, for `Environment.parse`",
    "tmplmon.syntax.raw": "6 ms, for `Environment.lex`",
    "tmplmon.monitoring.linetable": "0.5 ms, for tools that ask for lines",
    "asyncio": "48 ms, to render an asynchronous template from synchronous code",
    "gettext": "1.1 ms, to install null translations",
    "importlib.util": "0.4 ms, for PackageLoader",
    "logging": "7 ms, for make_logging_undefined",
    "opcode": "0.8 ms, to make location tables",
    # For single filters, tests and tags.
    "inspect": "9 ms",
    "json": "2 ms",
    "numbers": "0.5 ms",
    "pprint": "10 ms",
    "random": "1.1 ms",
    "textwrap": "1.2 ms",
    "tmplmon.tools.debugger": "63 ms",
    # For Django's own templates, in a process that renders them.
    "tmplmon.integrations.django.native.parts": "imports Django's tags, which import its engine",
    "tmplmon.integrations.django.native.tracebacks": "with it, for errors",
    "django.template.loaders.base": "with it",
    "django.template": "imported by an application that has templates",
    # For single commands and options of the command line.
    "coverage": "76 ms; also optional: it may not be installed",
    "shutil": "3 ms",
    "tomllib": "3 ms",
    "tmplmon.tools.debugger.session": "66 ms",
    "tmplmon.tools.profiler": "10 ms",
    # To show a profile, in a process that has recorded one.
    "signal": "0.7 ms",
    "tmplmon.tools.profiler.formats": "20 ms",
    "tmplmon.tools.profiler.formats.show": "20 ms",
    "tmplmon.tools.profiler.formats.highlight": "10 ms",
    "encodings.aliases": "for codecs that few templates need",
}


def forbidden_imports(path: Path) -> Iterator[str]:
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
        if not allowed:
            yield f"{path}:{line}: {package} must not import {imported}"


def test_imports_point_one_way() -> None:
    assert [problem for path in MODULES for problem in forbidden_imports(path)] == []


def test_only_the_command_line_imports_the_command_line() -> None:
    problems = [
        f"{path}:{line}: {module_name(path)} must not import {imported}"
        for path in MODULES
        if not any(is_in(module_name(path), allowed) for allowed in MAY_IMPORT_CLI)
        for line, imported in imports(path)
        if is_in(imported, CLI)
    ]
    assert problems == []


def imported_in_functions(path: Path) -> Iterator[tuple[int, str]]:
    """(line, module) of all imports inside functions, of this project and of others."""
    for function in ast.walk(parsed(path)):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for node in ast.walk(function):
                if isinstance(node, ast.Import):
                    yield from ((node.lineno, alias.name) for alias in node.names)
                elif isinstance(node, ast.ImportFrom):
                    for alias in node.names:
                        full = f"{node.module}.{alias.name}"
                        yield node.lineno, full if is_ours(full) and is_module(full) else str(node.module)


def test_no_import_cycle() -> None:
    """Also counting imports inside functions. `import tmplmon.a.b` runs `tmplmon/a/__init__.py` too, which does
    not count: a package may re-export from its modules."""
    graph = {module_name(path): {module for _, module in imports(path)} for path in MODULES}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, whose message has the cycle


def test_imports_inside_functions_have_a_reason() -> None:
    """If this fails: import the module at the top, or add the reason to the table; remove unused entries."""
    places = {name: f"{path}:{line}" for path in MODULES for line, name in imported_in_functions(path)}
    assert places.keys() - IMPORTED_ON_USE.keys() == set(), places
    assert IMPORTED_ON_USE.keys() - places.keys() == set()


def test_the_closures_back_end_lists_its_modules_in_the_order_of_their_imports() -> None:
    folder = ROOT / "tmplmon/backends/closures"
    described = ast.get_docstring(parsed(folder / "__init__.py"))
    assert described is not None
    order = re.findall(r"^ {8}(\w+)  ", described, re.MULTILINE)
    paths = {path.stem: path for path in folder.glob("*.py") if path.stem != "__init__"}
    assert sorted(order) == sorted(paths)
    for name, path in paths.items():
        for node in parsed(path).body:
            for module in imported_modules(node) if isinstance(node, ast.ImportFrom) else ():
                package, _, last = module.rpartition(".")
                if package == "tmplmon.backends.closures":
                    assert order.index(last) < order.index(name), f"{name} imports {last}"


def imported_modules(node: ast.ImportFrom) -> list[str]:
    full = [f"{node.module}.{alias.name}" for alias in node.names]
    return [name if is_ours(name) and is_module(name) else str(node.module) for name in full]


# Modules that split the *values* that filters work on, as Jinja does.
SPLIT_VALUES = ("tmplmon/runtime/filters/text.py", "tmplmon/sandbox/filters.py")
LINES = "tmplmon/monitoring/lines.py"


def test_sources_are_split_into_lines_in_one_place() -> None:
    """`str.splitlines` ends lines where the engine does not, and an entry of `linecache` has to agree with it."""
    problems = []
    for name, path in zip(NAMES, MODULES, strict=True):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Attribute) and node.attr == "splitlines" and name not in SPLIT_VALUES:
                problems.append(f"{path}:{node.lineno}: use tmplmon.monitoring.lines.split_lines")
            is_stored = isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)
            if is_stored and name != LINES and ast.unparse(node.value) == "linecache.cache":
                problems.append(f"{path}:{node.lineno}: use remember_source")
    assert problems == []


def test_all_modules_have_docstrings() -> None:
    assert [path for path in MODULES if parsed(path).body and not ast.get_docstring(parsed(path))] == []


def test_long_modules_are_reported() -> None:
    """Only a warning, which is shown at the end of the run, as there may be a reason for a long module."""
    for name, path in zip(NAMES, MODULES, strict=True):
        count = len(path.read_text("utf-8").splitlines())
        if count > MOST_LINES:
            warnings.warn(f"{name} has {count} lines, more than {MOST_LINES}", stacklevel=1)


def test_the_build_finds_all_packages() -> None:
    """All folders with modules are packages."""
    for path in MODULES:
        assert (path.parent / "__init__.py").is_file(), path
    assert (ROOT / "tmplmon/py.typed").is_file()


def test_the_rules_name_packages_that_exist() -> None:
    for package in {*MAY_IMPORT, *(name for names in MAY_IMPORT.values() for name in names)}:
        assert is_module(package), package
