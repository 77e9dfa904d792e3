"""``tmplmon check --from-jinja2``: reports what an application has to change to move from Jinja2, and what differs.

Rule: in Python code, every place that has to be edited is reported if the application is to import tmplmon: imports
of Jinja2, and imported names that have no counterpart here (which is checked by importing this package, not by a
list). What extensions import of Jinja2's parser stays as it is. `ways` says whether another way fits better. In
templates, places are reported where the two engines are known to differ and the template itself shows it;
docs/compatibility.md lists all differences. The check is static, so it does not see names that are computed at run
time.
"""

import ast
import os
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from tmplmon.cli.names import problem_at
from tmplmon.cli.problems import Problem, shown_path
from tmplmon.cli.project import Unit
from tmplmon.cli.ways import Reasons
from tmplmon.ir import ops
from tmplmon.ir.walk import scopes, walk
from tmplmon.monitoring.lines import character_column, split_lines

_SKIPPED = frozenset(("__pycache__", "node_modules", "site-packages", "build", "dist"))

_CACHE = "use Environment(cache_dir=…), and `tmplmon compile` to fill it ahead of time"
# Name without a counterpart → what to use instead.
_HINTS = {
    "compiler": "templates are not compiled to Python source",
    "bccache": _CACHE,
    "BytecodeCache": _CACHE,
    "FileSystemBytecodeCache": _CACHE,
    "MemcachedBytecodeCache": _CACHE,
    "ModuleLoader": _CACHE,
}
# Names of web frameworks: (module, name) → the replacement.
_FRAMEWORKS = {
    ("starlette.templating", "Jinja2Templates"): "tmplmon.integrations.starlette.TmplmonTemplates",
    ("fastapi.templating", "Jinja2Templates"): "tmplmon.integrations.starlette.TmplmonTemplates",
}
_DJANGO = {"django.template.backends.jinja2.Jinja2": "tmplmon.integrations.django.tmplmon.Templates"}
_KEYWORDS = {"bytecode_cache": _CACHE}
# The modules of Jinja2 that extensions use. The installed Jinja2 reads their templates, so these imports stay.
_PARSER = frozenset(("jinja2.nodes", "jinja2.parser", "jinja2.lexer", "jinja2.visitor"))


# --- Python code -------------------------------------------------------------------------------------------


def python_files(paths: list[str]) -> Iterator[str]:
    """Yield the Python files among the paths and in the directories among them."""
    for path in paths:
        if path.endswith(".py"):
            yield path
        for folder, folders, files in os.walk(path):
            folders[:] = sorted(name for name in folders if name not in _SKIPPED and name[0] not in "._")
            yield from (os.path.join(folder, name) for name in sorted(files) if name.endswith(".py"))


def check_python(path: str, reasons: Reasons) -> Iterator[Problem]:
    """Yield what has to be changed in a Python file, and add the reasons for one way or another."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        tree = ast.parse(text, path)
    except (OSError, SyntaxError, ValueError) as error:
        yield Problem(f"cannot read: {error}", shown_path(path), code="unreadable")
        return
    reasons.add_file(path, tree)
    lines = split_lines(text)
    names = {alias.asname or alias.name for alias in _imports(tree, "jinja2")}
    for node in ast.walk(tree):
        for message, hint, code in _findings(node, names):
            line = lines[node.lineno - 1]  # type: ignore[attr-defined]
            column = character_column(line, node.col_offset) + 1  # type: ignore[attr-defined]
            position = shown_path(path), node.lineno, column  # type: ignore[attr-defined]
            yield Problem(message, *position, source_line=line, hint=hint, code=code)


def _imports(tree: ast.AST, module: str) -> Iterator[ast.alias]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias for alias in node.names if alias.name == module)


type _Finding = tuple[str, str | None, str]


def _findings(node: ast.AST, names: set[str]) -> Iterator[_Finding]:
    """Yield (message, hint, code) for a node. `names` are the module's names for Jinja2."""
    match node:
        case ast.Import():
            for alias in node.names:
                if alias.name.partition(".")[0] == "jinja2":
                    yield from _module_findings(alias.name)
        case ast.ImportFrom(module=str(module), names=imported, level=0):
            if module.partition(".")[0] == "jinja2":
                missing = [finding for alias in imported for finding in _name_findings(module, alias.name)]
                yield from missing or _module_findings(module)
            for alias in imported:
                if (replacement := _FRAMEWORKS.get((module, alias.name))) is not None:
                    yield f"{alias.name} renders with Jinja2", f"use {replacement}", "jinja2-import"
        case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in names:
            yield from _name_findings("jinja2", attribute)
        case ast.Constant(value=str(value)) if value in _DJANGO:
            yield "this back end renders with Jinja2", f"use {_DJANGO[value]}", "jinja2-import"
        case ast.keyword(arg=str(argument)) if argument in _KEYWORDS:
            yield f"there is no argument {argument}", _KEYWORDS[argument], "jinja2-name"


def _module_findings(name: str) -> Iterator[_Finding]:
    if name in _PARSER:
        return
    ours = "tmplmon" + name.removeprefix("jinja2")
    if _has(ours, None):
        yield f"{name} is imported", f"import {ours}", "jinja2-import"
    else:
        yield f"there is no {ours}", _HINTS.get(name.rpartition(".")[2]), "jinja2-name"


def _name_findings(module: str, name: str) -> Iterator[_Finding]:
    """Yield a finding if a name of one of Jinja2's modules has no counterpart here."""
    if module in _PARSER or f"{module}.{name}" in _PARSER:
        return
    ours = "tmplmon" + module.removeprefix("jinja2")
    if name != "*" and not _has(ours, name) and not _has(f"{ours}.{name}", None):
        hint = _HINTS.get(name) or _HINTS.get(module.rpartition(".")[2])
        yield f"there is no {ours}.{name}", hint, "jinja2-name"


def _has(module: str, name: str | None) -> bool:
    try:
        imported = import_module(module)
    except ImportError:
        return False
    return name is None or hasattr(imported, name)


# --- templates ---------------------------------------------------------------------------------------------

_INCLUDE = (
    "an include without context inside a macro, a call or captured text works here; Jinja2 loses its output"
)
_SLICE = "slicing this literal raises TypeError here; in Jinja2 the result is undefined"
_AUTOESCAPE = (
    "the truth of this value is tested once, at the tag, and literals inside are escaped as elsewhere"
)
_JOINED = "a literal that is marked safe stays safe when it is joined by ~; Jinja2 escapes it"


def check_template(unit: Unit) -> Iterator[Problem]:
    """Yield the places of a template where the two engines differ."""
    if unit.facts is None:
        return
    for scope in scopes(unit.facts.program):
        captured = scope.kind in (ops.ScopeKind.MACRO, ops.ScopeKind.CALL)
        for message, site in dict.fromkeys(_differences(scope.body, captured)):
            yield problem_at(unit, scope, site, message, "jinja2-differs")


def _differences(body: list[Any], captured: bool) -> Iterator[tuple[str, int]]:
    """Yield (message, site). `captured`: whether the output is captured (in a macro, a call or a `set` block)."""
    for op in walk(body):
        match op:
            case ops.Include(with_context=False, site=site) if captured:
                yield _INCLUDE, site
            case ops.Slice(obj=ops.Build(kind="dict"), site=site):
                yield _SLICE, site
            case ops.Slice(obj=ops.Const(value=value), site=site) if not isinstance(
                value, (str, tuple, list)
            ):
                yield _SLICE, site
            case ops.Enter(autoescape=autoescape, site=site) if (
                autoescape is not None and type(autoescape) is not ops.Const
            ):
                yield _AUTOESCAPE, site
            case ops.Concat(items=items, site=site) if any(map(_is_safe_literal, items)):
                yield _JOINED, site
            case ops.Capture(body=inner) | ops.For(recursive=True, body=inner) if not captured:
                yield from (pair for pair in _differences(inner, True) if pair[0] is _INCLUDE)


def _is_safe_literal(op: Any) -> bool:
    return type(op) is ops.Filter and op.name == "safe" and type(op.value) is ops.Const
