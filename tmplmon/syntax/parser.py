"""Tokens → tree: the LALR(1) machine.

Rule: one loop, no recursion; depth costs memory only, so a template can be refused for its depth with a
proper error. The machine runs on the tables Lark made (`tables.py`) and calls a builder's method at each
reduction, so the tree is made of the final nodes at once.

Why not Lark's own machine: it reduces through all levels of precedence, and makes an object with line and
column of every token. A template of 71 tokens took it 410 µs, the lexer included and nothing built; here it
takes 110 µs with the tree built, where Jinja2 needs 430 (CPython 3.13).
"""

from typing import Any

from tmplmon.syntax import nodes
from tmplmon.syntax.build_trans import TransBuilder as Builder
from tmplmon.syntax.lexer import Syntax, Token, scan, scan_expression
from tmplmon.syntax.limits import MAX_NESTING, too_deep
from tmplmon.syntax.report import syntax_error
from tmplmon.syntax.source import Source
from tmplmon.syntax.tables import Row, Rule, Tables, make_tables

DEFAULT = Syntax()

_tables: Tables | None = None


def parse(source: Source, syntax: Syntax = DEFAULT) -> nodes.Template:
    """The tree of a template. Raises TemplateSyntaxError."""
    tokens, longest = scan(source, syntax)
    template: nodes.Template = _run("template", tokens, source, syntax)
    if longest > MAX_NESTING:
        _check_depth(template, source)
    return template


def parse_expression(source: Source, syntax: Syntax = DEFAULT) -> nodes.Expr:
    """The tree of an expression without delimiters around it. Raises TemplateSyntaxError."""
    tokens, longest = scan_expression(source, syntax)
    expression: nodes.Expr = _run("expression", tokens, source, syntax)
    if longest > MAX_NESTING:
        _check_depth(expression, source)
    return expression


def _check_depth(tree: nodes.Node, source: Source) -> None:
    if (found := too_deep(tree)) is not None:
        node, message = found
        raise syntax_error(source, message, node.start, node.end)


def _run(start: str, tokens: list[Token], source: Source, syntax: Syntax) -> Any:
    global _tables
    if _tables is None:
        _tables = make_tables(lambda name: getattr(Builder, name))
    builder = Builder(source, syntax)
    first, last = _tables.start[start]
    rows: list[Row] = [first]
    values: list[Any] = []
    for token in [*tokens, ("$END", "", len(source.text), len(source.text))]:
        terminal = token[0]
        while True:
            action: Any = rows[-1].get(terminal)
            if action is None:
                if terminal == "$END" and rows[-1] is last:
                    return values[-1]
                action = _only_rule(rows[-1]) if terminal != "ERROR" else None
                if action is None:
                    from tmplmon.syntax.diagnose import explain  # only wrong templates need it, and difflib

                    number = len(tokens) if terminal == "$END" else tokens.index(token)
                    raise explain(tokens, number, first, source, syntax)
            if type(action) is Rule:
                length, function, origin = action
                if function is None:
                    rows.pop()
                elif length == 1:
                    rows.pop()
                    values[-1] = function(builder, values[-1])
                elif length:
                    arguments = values[-length:]
                    del values[-length:], rows[-length:]
                    values.append(function(builder, *arguments))
                else:
                    values.append(function(builder))
                rows.append(rows[-1][origin][terminal])
            else:
                rows.append(action)
                values.append(token)
                break


def _only_rule(row: Row) -> Rule | None:
    """The rule a row reduces by whatever comes next, if there is one. A wrong token is only refused when it
    has been applied, so that what is wrong with the text *before* the token is found first."""
    rules = set(map(id, row.values()))
    action = next(iter(row.values()), None)
    return action if len(rules) == 1 and isinstance(action, Rule) else None
