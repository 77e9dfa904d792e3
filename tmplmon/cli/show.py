"""``tmplmon show``: prints the result of each pass for a template.

Rule: it shows the data that the engine itself uses. ``lines`` marks the sites of the IR, which coverage counts and
the debugger stops at. Nothing here parses the source by rules of its own.
"""

import argparse
import ast
import os
import re
import sys
from collections import Counter
from typing import Any

from tmplmon import pipeline
from tmplmon.cli.options import make_environment
from tmplmon.cli.output import write_stdout
from tmplmon.cli.problems import Problem, ProblemFound, from_syntax_error, long_form, shown_path
from tmplmon.cli.render import require_template
from tmplmon.errors import TemplateSyntaxError
from tmplmon.ir import ops
from tmplmon.ir.show import show_program
from tmplmon.ir.walk import scopes
from tmplmon.syntax.lexer import tokenize
from tmplmon.syntax.show import show_tokens, show_tree
from tmplmon.syntax.source import Source


def show(args: argparse.Namespace) -> int:
    """Run the command. Returns the exit status. Raises UsageError or ProblemFound."""
    path = os.path.abspath(args.template)
    name = os.path.basename(path)
    text = read_text(args.template)
    environment = make_environment(args, [os.path.dirname(path)])
    try:
        write_stdout(_STAGES[args.stage](environment, text, name, path))
        if args.stage == "tokens":
            tokenize(Source(text, name, path), environment.syntax)
    except TemplateSyntaxError as error:
        sys.stdout.flush()
        print(long_form(from_syntax_error(error)), file=sys.stderr)
        return 1
    return 0


def read_text(path: str) -> str:
    """Read a template. Raises UsageError if there is no such file, ProblemFound if it cannot be read."""
    require_template(path)
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        problem = Problem(f"cannot read: {error.strerror}", shown_path(path), code="unreadable")
        raise ProblemFound(problem) from None
    except UnicodeDecodeError as error:
        problem = Problem(f"not valid UTF-8: {error.reason}", shown_path(path), code="unreadable")
        raise ProblemFound(problem) from None


def _tokens(environment: Any, text: str, name: str, path: str) -> str:
    return show_tokens(Source(text, name, path), environment.syntax)


def _tree(environment: Any, text: str, name: str, path: str) -> str:
    tree, source = pipeline.parse(environment, text, name, path)
    return show_tree(tree, source)


def _ir(environment: Any, text: str, name: str, path: str) -> str:
    return show_program(pipeline.lower(environment, text, name, path))


def _python(environment: Any, text: str, name: str, path: str) -> str:
    return ast.unparse(readable(pipeline.python_of(environment, text, name, path))) + "\n"


def _lines(environment: Any, text: str, name: str, path: str) -> str:
    return mark_lines(Source(text, name, path), pipeline.lower(environment, text, name, path))


_STAGES = {"tokens": _tokens, "tree": _tree, "ir": _ir, "python": _python, "lines": _lines}


def mark_lines(source: Source, program: ops.Program) -> str:
    """Return the source with ``*`` at executable lines and ``?`` at lines with a branch, and a line of totals."""
    lines: set[int] = set()
    branches: Counter[int] = Counter()
    for scope in scopes(program):
        lines.update(scope.positions[site][0] for site in scope.lines)
        branches.update(scope.positions[site][0] for site in scope.branches)
    shown = []
    count = source.line_count - source.text.endswith("\n")
    width = len(str(count))
    for line in range(1, count + 1):
        marks = ("*" if line in lines else " ") + ("?" if line in branches else " ")
        shown.append(f"{line:>{width}} {marks} | {source.line_text(line)}".rstrip())
    shown.append(
        f"{len(lines)} executable lines, {branches.total()} branch{'' if branches.total() == 1 else 'es'}"
    )
    return "\n".join(shown) + "\n"


def readable(tree: ast.Module) -> ast.Module:
    """Rename the engine's own names so that they are valid Python: they begin with a dot, so that they cannot
    collide with a template's names. Here they begin with two underscores."""
    for node in ast.walk(tree):
        for field in ("id", "name", "arg", "attr"):
            value = getattr(node, field, None)
            if isinstance(value, str) and value.startswith("."):
                setattr(node, field, "__" + re.sub(r"\W", "_", value[1:]))
    return tree
