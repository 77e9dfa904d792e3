"""``tmplmon check --from-jinja2``: what an application that comes from Jinja2 has to change, and what will differ.

Rule: of Python code, what is reported is what has to be edited: each import of Jinja2, and what it imports that has
no counterpart here; each such name is asked of this package itself, not of a list. Of templates, those places are
reported where the two engines are known to differ and the template itself shows it; docs/compatibility.md has all
differences. Reading code is no proof: what is made at run time is not seen.
"""

import ast
import os
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from tmplmon import pipeline
from tmplmon.cli.problems import Problem, shown_path
from tmplmon.cli.project import Anything, Project, Unit
from tmplmon.errors import TemplateSyntaxError
from tmplmon.ir import ops
from tmplmon.ir.lower import lower
from tmplmon.ir.walk import scopes, walk
from tmplmon.monitoring.lines import character_column, split_lines

_SKIPPED = frozenset(("__pycache__", "node_modules", "site-packages", "build", "dist"))

_TAGS = "a tag is a method of an extension here: docs/extensions.md"
_CACHE = "Environment(cache_dir=…) does it, and `tmplmon compile` fills it ahead"
# What has no counterpart of its name → what is in its place.
_HINTS = {
    "nodes": _TAGS,
    "parser": _TAGS,
    "lexer": _TAGS,
    "compiler": "nothing is compiled to Python source",
    "bccache": _CACHE,
    "BytecodeCache": _CACHE,
    "FileSystemBytecodeCache": _CACHE,
    "MemcachedBytecodeCache": _CACHE,
    "ModuleLoader": _CACHE,
}
# Names of frameworks: (module, name) → what takes their place.
_FRAMEWORKS = {
    ("starlette.templating", "Jinja2Templates"): "tmplmon.integrations.starlette.TmplmonTemplates",
    ("fastapi.templating", "Jinja2Templates"): "tmplmon.integrations.starlette.TmplmonTemplates",
}
_DJANGO = {"django.template.backends.jinja2.Jinja2": "tmplmon.integrations.django.tmplmon.Templates"}
_KEYWORDS = {"bytecode_cache": _CACHE}
_METHODS = {"parse": _TAGS, "filter_stream": "`preprocess` sees the source instead"}


# --- Python code -------------------------------------------------------------------------------------------


def python_files(paths: list[str]) -> Iterator[str]:
    """The Python files among the paths, and in the directories among them."""
    for path in paths:
        if path.endswith(".py"):
            yield path
        for folder, folders, files in os.walk(path):
            folders[:] = sorted(name for name in folders if name not in _SKIPPED and name[0] not in "._")
            yield from (os.path.join(folder, name) for name in sorted(files) if name.endswith(".py"))


def in_python(path: str) -> Iterator[Problem]:
    """What is to be changed in a Python file."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        tree = ast.parse(text, path)
    except (OSError, SyntaxError, ValueError) as error:
        yield Problem(f"cannot read: {error}", shown_path(path), code="unreadable")
        return
    lines = split_lines(text)
    names = {alias.asname or alias.name for alias in _imports(tree, "jinja2")}
    for node in ast.walk(tree):
        for message, hint, code in _of_node(node, names):
            line = lines[node.lineno - 1]  # type: ignore[attr-defined]
            column = character_column(line, node.col_offset) + 1  # type: ignore[attr-defined]
            place = shown_path(path), node.lineno, column  # type: ignore[attr-defined]
            yield Problem(message, *place, source_line=line, hint=hint, code=code)


def _imports(tree: ast.AST, module: str) -> Iterator[ast.alias]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias for alias in node.names if alias.name == module)


type _Finding = tuple[str, str | None, str]


def _of_node(node: ast.AST, names: set[str]) -> Iterator[_Finding]:
    """names: those under which the module has imported Jinja2."""
    match node:
        case ast.Import():
            for alias in node.names:
                if alias.name.partition(".")[0] == "jinja2":
                    yield from _module(alias.name)
        case ast.ImportFrom(module=str(module), names=imported, level=0):
            if module.partition(".")[0] == "jinja2":
                missing = [found for alias in imported for found in _name(module, alias.name)]
                yield from missing or _module(module)
            for alias in imported:
                if (instead := _FRAMEWORKS.get((module, alias.name))) is not None:
                    yield f"{alias.name} renders with Jinja2", f"use {instead}", "jinja2-import"
        case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in names:
            yield from _name("jinja2", attribute)
        case ast.Constant(value=str(value)) if value in _DJANGO:
            yield "this back end renders with Jinja2", f"use {_DJANGO[value]}", "jinja2-import"
        case ast.keyword(arg=str(argument)) if argument in _KEYWORDS:
            yield f"there is no argument {argument}", _KEYWORDS[argument], "jinja2-name"
        case ast.ClassDef(bases=bases, body=body) if any("Extension" in ast.unparse(base) for base in bases):
            for method in body:
                if isinstance(method, ast.FunctionDef) and method.name in _METHODS:
                    yield f"{node.name}.{method.name} is never called", _METHODS[method.name], "jinja2-name"


def _module(name: str) -> Iterator[_Finding]:
    ours = "tmplmon" + name.removeprefix("jinja2")
    if _has(ours, None):
        yield f"{name} is imported", f"import {ours}", "jinja2-import"
    else:
        yield f"there is no {ours}", _HINTS.get(name.rpartition(".")[2]), "jinja2-name"


def _name(module: str, name: str) -> Iterator[_Finding]:
    """What is wrong with a name of one of Jinja2's modules; nothing if it has a counterpart."""
    ours = "tmplmon" + module.removeprefix("jinja2")
    if name != "*" and not _has(ours, name) and not _has(f"{ours}.{name}", None):
        hint = _HINTS.get(name) or _HINTS.get(module.rpartition(".")[2])
        yield f"there is no {ours}.{name}", hint, "jinja2-name"


def _has(module: str, name: str | None) -> bool:
    try:
        found = import_module(module)
    except ImportError:
        return False
    return name is None or hasattr(found, name)


# --- templates ---------------------------------------------------------------------------------------------

_INCLUDE = (
    "an include without context inside a macro, a call or captured text works here; Jinja2 loses its text"
)
_SLICE = "a slice of this literal is a TypeError here; with Jinja2 it is undefined"
_AUTOESCAPE = (
    "this is asked whether it is true once, at the tag, and literals inside are escaped as elsewhere"
)
_JOINED = "a literal that is marked safe stays so when ~ joins it; Jinja2 escapes it"


def in_template(unit: Unit, project: Project) -> Iterator[Problem]:
    """The places of a template where the engines differ."""
    if unit.source is None or unit.problem is not None:
        return
    environment = project.environment
    try:
        tree, source = pipeline.parse(environment, unit.source.text, unit.name, unit.source.filename)
        options = environment.lower_options(unit.name)
        options.filters = options.tests = Anything()
        program = lower(tree, source, options)
    except (TemplateSyntaxError, RecursionError):
        return  # It is reported as it is.
    lines = split_lines(unit.source.text)
    for scope in scopes(program):
        inside = scope.kind in (ops.ScopeKind.MACRO, ops.ScopeKind.CALL)
        for message, site in dict.fromkeys(_differences(scope.body, inside)):
            line, _, column, _ = scope.positions[site]
            text = lines[line - 1] if line <= len(lines) else ""
            yield Problem(
                message,
                unit.path,
                line,
                character_column(text, column) + 1,
                source_line=text,
                code="jinja2-differs",
            )


def _differences(body: list[Any], inside: bool) -> Iterator[tuple[str, int]]:
    """inside: in a macro, a call or captured text."""
    for op in walk(body):
        match op:
            case ops.Include(with_context=False, site=site) if inside:
                yield _INCLUDE, site
            case ops.Slice(obj=ops.Build(kind="dict"), site=site):
                yield _SLICE, site
            case ops.Slice(obj=ops.Const(value=value), site=site) if not isinstance(
                value, (str, tuple, list)
            ):
                yield _SLICE, site
            case ops.Enter(autoescape=wanted, site=site) if (
                wanted is not None and type(wanted) is not ops.Const
            ):
                yield _AUTOESCAPE, site
            case ops.Concat(items=items, site=site) if any(map(_is_safe_literal, items)):
                yield _JOINED, site
            case ops.Capture(body=captured) if not inside:
                yield from (found for found in _differences(captured, True) if found[0] is _INCLUDE)
            case ops.For(recursive=True, body=rounds) if not inside:
                yield from (found for found in _differences(rounds, True) if found[0] is _INCLUDE)


def _is_safe_literal(op: Any) -> bool:
    return type(op) is ops.Filter and op.name == "safe" and type(op.value) is ops.Const
