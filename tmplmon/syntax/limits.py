"""How deep an expression may be: what the passes after the parser, which recurse, are promised.

Two depths are limited. *Nesting* counts the steps into an operand that is not the leftmost one (a sign's
operand, a right operand, an argument, an element): what a template's author would call nested. *Height*
counts every step, so it also bounds long chains to the left, ``a + b + c …`` or ``a.b.c …``. ``~``,
comparison chains and ``elif`` are lists in the tree and not limited. Brackets and blocks have limits of their
own (lexer.MAX_BRACKETS, build_statements.MAX_BLOCKS), which are checked while reading.

An expression of n tokens cannot be deeper than n, so only templates that have a tag of more than MAX_NESTING
tokens are measured at all; `too_deep` then walks the whole tree without recursion.
"""

from tmplmon.syntax import nodes
from tmplmon.syntax.walk import children

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


def too_deep(template: nodes.Node) -> tuple[nodes.Node, str] | None:
    """(node, message) of the first node found that is deeper than the limits, or None."""
    worklist: list[tuple[nodes.Node, int, int]] = [(template, 0, 0)]
    while worklist:
        node, nesting, height = worklist.pop()
        is_expression = isinstance(node, nodes.Expr)
        if is_expression and nesting > MAX_NESTING:
            return node, f"this expression is nested more than {MAX_NESTING} levels deep"
        if is_expression and height > MAX_HEIGHT:
            return node, f"this expression is a chain of more than {MAX_HEIGHT} operations"
        leftmost_field = _LEFTMOST.get(type(node))
        leftmost = None if leftmost_field is None else getattr(node, leftmost_field)
        for child in children(node):
            nests = is_expression and child is not leftmost
            worklist.append((child, nesting + nests, height + is_expression))
    return None
