"""How deep an expression may be: what the passes after the parser, which recurse, are promised.

Two depths are limited. *Nesting* counts the steps into an operand that is not the leftmost one (a sign's
operand, a right operand, an argument, an element): what a template's author would call nested. *Height*
counts every step, so it also bounds long chains to the left, ``a + b + c …`` or ``a.b.c …``. ``~``,
comparison chains and ``elif`` are lists in the tree and not limited. Brackets and blocks have limits of their
own (lexer.MAX_BRACKETS, build_statements.MAX_BLOCKS), which are checked while reading.

An expression of n tokens cannot be deeper than n, so only templates that have a tag of more than MAX_NESTING
tokens are measured at all; `too_deep` then walks the whole tree without recursion.
"""

from typing import Any

from tmplmon.syntax import nodes

MAX_NESTING = 200
MAX_HEIGHT = 1000

# The field that holds the leftmost operand, which does not nest: the parser does not go deeper for it either.
_LEFTMOST = {
    nodes.Attribute: "obj",
    nodes.Item: "obj",
    nodes.Call: "func",
    nodes.Filter: "value",
    nodes.Test: "value",
    nodes.Binary: "left",
    nodes.Logical: "left",
    nodes.Compare: "left",
    nodes.Conditional: "body",
}


def _children(node: nodes.Node | nodes.Arguments) -> list[tuple[str, bool]]:
    """(field, is it the leftmost operand) of what a node can contain."""
    leftmost = _LEFTMOST.get(type(node))
    return [(name, name == leftmost) for name in node.__match_args__ if name not in ("start", "end")]


def too_deep(template: nodes.Node) -> tuple[nodes.Node, str] | None:
    """The first node found that is deeper than the limits, and how to say so."""
    waiting: list[tuple[Any, int, int]] = [(template, 0, 0)]
    while waiting:
        node, nesting, height = waiting.pop()
        if isinstance(node, (list, tuple)):
            waiting += [(item, nesting, height) for item in node if not isinstance(item, (str, int))]
        elif isinstance(node, (nodes.Node, nodes.Arguments)):
            if isinstance(node, nodes.Expr):
                if nesting > MAX_NESTING:
                    return node, f"this expression is nested more than {MAX_NESTING} levels deep"
                if height > MAX_HEIGHT:
                    return node, f"this expression is a chain of more than {MAX_HEIGHT} operations"
            step = isinstance(node, nodes.Expr)
            for name, leftmost in _children(node):
                child = getattr(node, name)
                if child is not None and not isinstance(child, (str, int, float)):
                    waiting.append((child, nesting + (step and not leftmost), height + step))
    return None
