"""From the source that Jinja2 generates to code with the template's lines and names.

source, marks ─► ast ─► lines ─► names ─► code
                        `lines`  `names`
"""

import ast
from types import CodeType
from typing import Any

from tmplmon.monitoring import without_line
from tmplmon.observe.lines import NO_LINE, LineSetter
from tmplmon.observe.marks import MarkedSource
from tmplmon.observe.names import ROOT, Labels

# A variable of the module of a template that was compiled here.
MARKER = "__tmplmon__"


def compile_marked(source: MarkedSource, filename: str, lines_before: int = 0) -> CodeType:
    """Compile generated source. `filename`: of the template. `lines_before`: in the file, before its text."""
    module = ast.parse(source.text, filename)
    lines = LineSetter(module, source)
    lines.set_all()
    labels = Labels(lines)
    labels.rename_all(module)
    if lines_before:
        for node in ast.walk(module):
            if isinstance(node, (ast.stmt, ast.expr, ast.arg, ast.keyword, ast.ExceptHandler)):
                _move(node, lines_before)
        labels.labels = {name: (shown, line + lines_before) for name, (shown, line) in labels.labels.items()}
    _describe_lines(module)
    code = compile(module, filename, "exec", dont_inherit=True)
    return _labelled(code, labels.labels, "")


def _move(node: Any, lines: int) -> None:
    if node.lineno < NO_LINE:
        node.lineno += lines
        node.end_lineno += lines


def _describe_lines(module: ast.Module) -> None:
    """Set the module's variable `debug_info`, from which Jinja2 translates lines: each line is its own."""
    lines = {node.lineno for node in ast.walk(module) if isinstance(node, ast.stmt)} - {NO_LINE}
    for statement in module.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            target = statement.targets[0]
            if target.id == "debug_info":
                text = "&".join(f"{line}={line}" for line in sorted(lines))
                statement.value = ast.copy_location(ast.Constant(text), statement.value)
                marker = ast.Assign(
                    [ast.copy_location(ast.Name(MARKER, ast.Store()), target)], statement.value
                )
                module.body.append(ast.copy_location(marker, statement))
                return


def _labelled(code: CodeType, labels: dict[str, tuple[str, int]], within: str) -> CodeType:
    """A function's code with the names that readers see, for it and the functions in it.

    In tracebacks, the body of a template has the name that Jinja2 shows. Its qualified name is the one by which
    tools recognize templates.
    """
    label, line = labels.get(code.co_name, (code.co_name, min(code.co_firstlineno, NO_LINE - 1)))
    qualified = f"{within}{'<template>' if label == ROOT else label}"
    inside = "" if label == "<module>" else f"{qualified}."
    consts = tuple(
        _labelled(const, labels, inside) if isinstance(const, CodeType) else const for const in code.co_consts
    )
    named = code.replace(co_name=label, co_qualname=qualified, co_consts=consts)
    return without_line(named, NO_LINE, line)
