"""Tokens to tree: the LALR(1) parser.

Rule: the parser is one loop without recursion. Deep nesting costs memory only, so that a template that is too
deep is refused with a proper error. The parser runs on the tables that Lark generates (`tables`), and calls a
method of the builder at each reduction, which makes the final nodes.

Lark's own parser is slower: it makes a reduction for each level of precedence, and an object with line and column
for each token. With it, a template of 71 tokens took 410 µs, including the lexer, without a tree. Here it takes
110 µs with the tree; Jinja2 takes 430 µs (CPython 3.13).
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
    """Parse a template. Raises TemplateSyntaxError."""
    _check_size(source, syntax)
    tokens, longest = scan(source, syntax)
    _check_count(tokens, source, syntax)
    template: nodes.Template = _run("template", tokens, source, syntax)
    if longest > MAX_NESTING:
        _check_depth(template, source)
    return template


def parse_expression(source: Source, syntax: Syntax = DEFAULT) -> nodes.Expr:
    """Parse an expression that has no delimiters around it. Raises TemplateSyntaxError."""
    _check_size(source, syntax)
    tokens, longest = scan_expression(source, syntax)
    _check_count(tokens, source, syntax)
    expression: nodes.Expr = _run("expression", tokens, source, syntax)
    if longest > MAX_NESTING:
        _check_depth(expression, source)
    return expression


def _check_size(source: Source, syntax: Syntax) -> None:
    limit = syntax.max_source
    if limit is not None and len(source.text) > limit:
        message = f"the template has more than {limit} characters"
        raise syntax_error(source, message, limit, limit + 1, hint="the environment's option max_source")


def _check_count(tokens: list[Token], source: Source, syntax: Syntax) -> None:
    limit = syntax.max_tokens
    if limit is not None and len(tokens) > limit:
        _, _, start, end = tokens[limit]
        message = f"the template has more than {limit} tokens"
        raise syntax_error(source, message, start, end, hint="the environment's option max_tokens")


def _check_depth(tree: nodes.Node, source: Source) -> None:
    if (excess := too_deep(tree)) is not None:
        node, message = excess
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
                    from tmplmon.syntax.diagnose import explain  # slow to import, and only needed for errors

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
    """The rule that a row reduces by for every token, or None. It is applied even if the next token is wrong, so
    that an error in the text *before* the token is reported first."""
    rules = set(map(id, row.values()))
    action = next(iter(row.values()), None)
    return action if len(rules) == 1 and isinstance(action, Rule) else None
