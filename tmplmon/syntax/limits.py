"""The limits on the depth of expressions, which the passes after the parser rely on, as they recurse.

Two depths are limited. *Nesting* counts the steps into an operand that is not the leftmost one: the operand of a
sign, a right operand, an argument, an element. This is what the author of a template would call nested. *Height*
counts every step, so it also limits long chains such as ``a + b + c …`` or ``a.b.c …``. Operands of ``~``,
comparison chains and ``elif`` are lists in the tree, and not limited. Brackets and blocks have limits of their
own (`lexer.MAX_BRACKETS`, `build_statements.MAX_BLOCKS`), which are checked while they are read.

An expression of n tokens has at most depth n. So only a template with a tag of more than MAX_NESTING tokens is
checked; `too_deep` then walks the whole tree, without recursion.
"""

from tmplmon.syntax import nodes
from tmplmon.syntax.walk import children

MAX_NESTING = 200
MAX_HEIGHT = 1000

# The field with the leftmost operand, which does not count as nested, as it is not for the parser.
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
