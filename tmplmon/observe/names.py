"""The template's names for the variables and functions of the code that Jinja2 generates.

Jinja2 calls the variable ``user`` of a template ``l_0_user`` in its functions, where the number is the depth of the
scope, and each macro ``macro``.

Rule: a variable has its own name. If Jinja2 uses that name for itself, its own variable begins with a dot; if it
is a global name, the template's variable stays as it was. If a function tree has variables of one name in several
scopes, the innermost has the name, and the others end with the number of their scope: ``user.0``.
"""

import ast
import re
from typing import Any

from jinja2 import nodes

from tmplmon.observe.lines import Function, LineSetter

_VARIABLE = re.compile(r"l_(\d+)_(.+)", re.DOTALL)
# Names that cannot be assigned in Python.
_RESERVED = frozenset({"__debug__", "None", "True", "False"})
# Names by which debuggers and Jinja2 itself recognise a function of a template.
_KEPT = frozenset({"context", "environment", "missing"})

ROOT = "top-level template code"


class Labels:
    """The names for the functions of a module. labels: name in the code → (name to show, first line)."""

    def __init__(self, lines: LineSetter) -> None:
        self.labels: dict[str, tuple[str, int]] = {}
        self._lines = lines
        self._number = 0

    def rename_all(self, module: ast.Module) -> None:
        """Rename the variables and functions of a module."""
        for statement in module.body:
            if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
                line = self._lines.first_lines[statement]
                is_root = statement.name == "root"
                shown = ROOT if is_root else f"block {statement.name.removeprefix('block_')!r}"
                self.labels[statement.name] = shown, line
                self._name_functions(statement.body, {})
                _rename_variables(statement)

    def _name_functions(self, body: list[ast.stmt], around: dict[str, str]) -> None:
        """Give the functions in consecutive statements names that no others have. `around`: the names of those
        around them."""
        current = dict(around)
        worklist: list[Any] = body[::-1]
        while worklist:
            node = worklist.pop()
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self._name_functions(node.body, current)
                current[node.name] = node.name = self._unique(node)
            elif isinstance(node, ast.Name):
                node.id = current.get(node.id, node.id)
            else:
                worklist += reversed(list(ast.iter_child_nodes(node)))

    def _unique(self, function: Function) -> str:
        if function not in self._lines.first_lines:
            return (
                function.name
            )  # It stands for a filter or test that does not exist, and may get defined twice.
        if function.name not in ("macro", "loop"):
            self.labels[function.name] = "condition of a loop", self._lines.first_lines[function]
            return function.name
        node = self._lines.marks[function].node
        self._number += 1
        match node:
            case nodes.Macro():
                shown = f"macro {node.name!r}"
            case nodes.CallBlock():
                shown = "caller"
            case _:
                shown = "loop"
        name = f".{self._number} {shown}"
        self.labels[name] = shown, self._lines.first_lines[function]
        return name


def _rename_variables(function: Function) -> None:
    names: set[str] = set()
    own: set[str] = set()
    places: list[tuple[Any, str]] = []
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            places.append((node, "id"))
            if not isinstance(node.ctx, ast.Load):
                own.add(node.id)
        elif isinstance(node, ast.arg):
            places.append((node, "arg"))
            own.add(node.arg)
    names.update(getattr(node, field) for node, field in places)
    scopes: dict[str, list[int]] = {}
    for name in names:
        if (match := _VARIABLE.fullmatch(name)) is not None:
            scopes.setdefault(match[2], []).append(int(match[1]))
    renamed: dict[str, str] = {}
    for name, levels in scopes.items():
        if name in _RESERVED or name in _KEPT or (name in names and name not in own):
            continue
        if name in names:
            renamed[name] = f".{name}"
        inner = max(levels)
        for level in levels:
            renamed[f"l_{level}_{name}"] = name if level == inner else f"{name}.{level}"
    for node, field in places:
        name = getattr(node, field)
        setattr(node, field, renamed.get(name, name))
