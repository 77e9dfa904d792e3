"""Which of three ways to tmplmon fits an application, for ``tmplmon check --from-jinja2``.

    import       the application imports tmplmon instead of Jinja2
    as_jinja2    `import jinja2` is tmplmon, and the application stays as it is
    observe      Jinja2 stays the engine, and tmplmon shows its templates to Python's tools

Rule: the first way fits if there is no reason against it, the second if there is none against that. A reason is a
place in the application's Python files, or a package that they import and that imports Jinja2 itself. The check is
static; the packages are those that are installed beside tmplmon.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions

from tmplmon.cli.problems import shown_path

HOW = {
    "import": "import tmplmon instead of jinja2",
    "as_jinja2": "`import jinja2` becomes tmplmon, the application stays as it is: python -m tmplmon.as_jinja2 …",
    "observe": "Jinja2 stays the engine, and Python's tools see its templates: python -m tmplmon.observe …",
}

# Packages with an integration of their own, which does not need their Jinja2.
_INTEGRATED = frozenset(("django", "fastapi", "flask", "jinja2", "starlette", "tmplmon"))

# What only Jinja2 itself can do, because it generates Python source.
_GENERATING_NAMES = frozenset(("ModuleLoader", "compile_templates", "from_module_dict"))
# Methods that only Jinja2's environments and templates call: class → names.
_STEPS = {
    "Environment": frozenset(
        ("_parse", "_tokenize", "_compile", "lexer", "compile", "handle_exception", "make_globals")
    ),
    "Template": frozenset(("new_context", "from_code")),
}
_READING_CLASSES = ("Parser", "Lexer", "NodeVisitor", "NodeTransformer")
_CACHES = frozenset(("BytecodeCache", "FileSystemBytecodeCache", "MemcachedBytecodeCache"))


@dataclass
class Reasons:
    """Why an application needs one way or another.

    observe, as_jinja2: the reasons for these ways.
    packages: the names of the packages that are imported.
    """

    observe: list[str] = field(default_factory=list)
    as_jinja2: list[str] = field(default_factory=list)
    packages: set[str] = field(default_factory=set)

    def add_file(self, path: str, tree: ast.AST) -> None:
        """Add the reasons in a Python file."""
        for node in ast.walk(tree):
            for way, reason in _reasons(node):
                place = f"{shown_path(path)}:{node.lineno}"  # type: ignore[attr-defined]
                getattr(self, way).append(f"{place} {reason}")
            self.packages.update(_imported_packages(node))

    def way(self) -> tuple[str, list[str]]:
        """Return the way that fits and the reasons against those before it."""
        if self.observe:
            return "observe", self.observe
        packages = [f"the package {name} imports jinja2 itself" for name in using_jinja2(self.packages)]
        reasons = self.as_jinja2 + packages
        return ("as_jinja2" if reasons else "import"), reasons


def _reasons(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield (way, reason) of a node."""
    match node:
        case ast.ClassDef(name=name, bases=bases, body=body):
            of = [ast.unparse(base).rpartition(".")[2] for base in bases]
            methods = [item.name for item in body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)]
            for base in of:
                if base.endswith("CodeGenerator") and methods:
                    yield "observe", f"{name}.{methods[0]} changes the Python source that Jinja2 generates"
                elif base in _READING_CLASSES:
                    yield "as_jinja2", f"{name} is a subclass of Jinja2's {base}"
                for kind, names in _STEPS.items():
                    for method in methods if base.endswith(kind) else ():
                        if method in names:
                            yield "as_jinja2", f"{name}.{method} overrides a step of Jinja2's {kind}"
        case ast.Attribute(attr=name) | ast.alias(name=name) if name in _GENERATING_NAMES:
            yield "observe", f"{name} is about Python source that Jinja2 generates"
        case ast.Call(func=ast.Attribute(attr="compile"), keywords=keywords) if any(
            keyword.arg in ("raw", "defer_init") for keyword in keywords
        ):
            yield "observe", "Environment.compile is asked for the Python source that Jinja2 generates"
        case ast.keyword(arg="bytecode_cache"):
            yield "as_jinja2", "a bytecode cache is passed to an environment"
        case ast.alias(name=name) if name in _CACHES:
            yield "as_jinja2", f"{name} is imported"


def _imported_packages(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (alias.name.partition(".")[0] for alias in names)
        case ast.ImportFrom(module=str(module), level=0):
            yield module.partition(".")[0]


_IMPORT = re.compile(r"^\s*(?:from|import)\s+jinja2\b", re.MULTILINE)


def using_jinja2(packages: Iterable[str]) -> list[str]:
    """Return the installed packages among these that import Jinja2 themselves, sorted. A package is only read if
    it requires Jinja2, directly or through others."""
    providers = packages_distributions()
    importing = []
    for package in sorted(set(packages) - _INTEGRATED):
        if any(
            _requires_jinja2(name, set()) and _imports_jinja2(name) for name in providers.get(package, ())
        ):
            importing.append(package)
    return importing


def _requires_jinja2(name: str, seen: set[str]) -> bool:
    try:
        requirements = distribution(name).requires or []
    except PackageNotFoundError:
        return False
    seen.add(name)
    for requirement in requirements:
        required = re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower().replace("_", "-")
        if required == "jinja2":
            return True
        if "extra ==" not in requirement and required not in seen and _requires_jinja2(required, seen):
            return True
    return False


def _imports_jinja2(name: str) -> bool:
    for file in distribution(name).files or ():
        if file.suffix == ".py":
            try:
                text = file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                continue
            if _IMPORT.search(text) is not None:
                return True
    return False
