"""Converts the trees of Jinja2 and of tmplmon to nested tuples, so that they can be compared.

The names of nodes are those of Jinja2. In Jinja2's tree, adjacent text and output is one list, with joined
texts; those of tmplmon are joined here. `trans` is left out, as Jinja2's parser converts it to calls of gettext.
"""

from typing import Any

import jinja2
from jinja2 import nodes as theirs

from tmplmon.syntax import nodes as ours

EXTENSIONS = ["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols", "jinja2.ext.debug"]
ENVIRONMENT = jinja2.Environment(extensions=EXTENSIONS)
OPERATORS = {
    **{
        "eq": "==",
        "ne": "!=",
        "lt": "<",
        "lteq": "<=",
        "gt": ">",
        "gteq": ">=",
        "in": "in",
        "notin": "not in",
    },
    **{"Add": "+", "Sub": "-", "Mul": "*", "Div": "/", "FloorDiv": "//", "Mod": "%", "Pow": "**"},
    **{"Neg": "-", "Pos": "+", "Not": "not", "And": "and", "Or": "or"},
}


# --- Jinja2's ----------------------------------------------------------------------------------------------


def jinja_tree(node: Any) -> Any:
    if isinstance(node, list):
        return _joined([jinja_tree(item) for item in node])
    if not isinstance(node, theirs.Node):
        return node
    kind = type(node).__name__
    match node:
        case theirs.Template():
            return jinja_tree(node.body)
        case theirs.Output():
            return [
                ("text", item.data) if isinstance(item, theirs.TemplateData) else ("output", jinja_tree(item))
                for item in node.nodes
            ]
        case theirs.Name():
            return "name", node.name
        case theirs.NSRef():
            return "nsref", node.name, node.attr
        case theirs.Const():
            return "const", repr(node.value)
        case theirs.Tuple() | theirs.List():
            return kind, *map(jinja_tree, node.items)
        case theirs.Dict():
            return kind, *((jinja_tree(pair.key), jinja_tree(pair.value)) for pair in node.items)
        case theirs.CondExpr():
            return kind, jinja_tree(node.test), jinja_tree(node.expr1), jinja_tree(node.expr2)
        case theirs.Call() | theirs.Filter() | theirs.Test():
            what = node.name if not isinstance(node, theirs.Call) else ""
            keywords = [(keyword.key, jinja_tree(keyword.value)) for keyword in node.kwargs]
            arguments = [jinja_tree(item) for item in node.args], keywords
            stars = jinja_tree(node.dyn_args), jinja_tree(node.dyn_kwargs)
            return kind, jinja_tree(node.node), what, *arguments, *stars
        case theirs.Getattr():
            return kind, jinja_tree(node.node), node.attr
        case theirs.Getitem():
            return kind, jinja_tree(node.node), jinja_tree(node.arg)
        case theirs.Slice():
            return kind, jinja_tree(node.start), jinja_tree(node.stop), jinja_tree(node.step)
        case theirs.Concat():
            return kind, *map(jinja_tree, node.nodes)
        case theirs.Compare():
            rest = [(OPERATORS[operand.op], jinja_tree(operand.expr)) for operand in node.ops]
            return kind, jinja_tree(node.expr), rest
        case theirs.BinExpr():
            return OPERATORS[kind], jinja_tree(node.left), jinja_tree(node.right)
        case theirs.UnaryExpr():
            return OPERATORS[kind], jinja_tree(node.node)
        case theirs.For():
            parts = map(jinja_tree, (node.target, node.iter, node.test, node.body, node.else_))
            return kind, *parts, bool(node.recursive)
        case theirs.If():
            branches = [(jinja_tree(branch.test), jinja_tree(branch.body)) for branch in (node, *node.elif_)]
            return kind, branches, jinja_tree(node.else_)
        case theirs.Macro():
            return kind, node.name, _signature(node), jinja_tree(node.body)
        case theirs.CallBlock():
            return kind, _signature(node), jinja_tree(node.call), jinja_tree(node.body)
        case theirs.FilterBlock():
            return kind, jinja_tree(node.filter), jinja_tree(node.body)
        case theirs.With():
            bindings = zip(map(jinja_tree, node.targets), map(jinja_tree, node.values), strict=True)
            return kind, list(bindings), jinja_tree(node.body)
        case theirs.Block():
            return kind, node.name, bool(node.scoped), bool(node.required), jinja_tree(node.body)
        case theirs.Extends():
            return kind, jinja_tree(node.template)
        case theirs.Include():
            return kind, jinja_tree(node.template), node.ignore_missing, node.with_context
        case theirs.Import():
            return kind, jinja_tree(node.template), node.target, node.with_context
        case theirs.FromImport():
            names = [name if isinstance(name, tuple) else (name, name) for name in node.names]
            return kind, jinja_tree(node.template), names, node.with_context
        case theirs.ExprStmt():
            return kind, jinja_tree(node.node)
        case theirs.Assign():
            return kind, jinja_tree(node.target), jinja_tree(node.node)
        case theirs.AssignBlock():
            return kind, jinja_tree(node.target), jinja_tree(node.filter), jinja_tree(node.body)
        case theirs.Scope():
            (modifier,) = node.body
            return "Autoescape", jinja_tree(modifier.options[0].value), jinja_tree(modifier.body)
        case theirs.Break() | theirs.Continue():
            return (kind,)
    raise NotImplementedError(kind)


def _signature(node: Any) -> list[tuple[str, Any]]:
    defaults = [None] * (len(node.args) - len(node.defaults)) + [jinja_tree(item) for item in node.defaults]
    return [(argument.name, default) for argument, default in zip(node.args, defaults, strict=True)]


# --- ours --------------------------------------------------------------------------------------------------


def our_tree(node: Any) -> Any:
    if isinstance(node, list):
        return _joined([our_tree(item) for item in node])
    if not isinstance(node, ours.Node):
        return node
    kind = type(node).__name__
    match node:
        case ours.Template():
            return our_tree(node.body)
        case ours.Text():
            return [("text", node.value)]
        case ours.Output():
            return [("output", our_tree(node.expr))]
        case ours.Name():
            return "name", node.name
        case ours.NamespaceRef():
            return "nsref", node.name, node.attr
        case ours.Const():
            return "const", repr(node.value)
        case ours.TupleExpr() | ours.ListExpr():
            return kind.removesuffix("Expr"), *map(our_tree, node.items)
        case ours.DictExpr():
            return "Dict", *((our_tree(key), our_tree(value)) for key, value in node.pairs)
        case ours.Conditional():
            return "CondExpr", our_tree(node.test), our_tree(node.body), our_tree(node.orelse)
        case ours.Call():
            return kind, our_tree(node.func), "", *_arguments(node.arguments)
        case ours.Filter():
            return kind, our_tree(node.value), node.name, *_arguments(node.arguments)
        case ours.Test():
            test = kind, our_tree(node.value), node.name, *_arguments(node.arguments)
            return ("not", test) if node.negated else test
        case ours.Attribute():
            return "Getattr", our_tree(node.obj), node.name
        case ours.Item():
            return "Getitem", our_tree(node.obj), our_tree(node.key)
        case ours.Slice():
            return kind, our_tree(node.lower), our_tree(node.upper), our_tree(node.step)
        case ours.Concat():
            return kind, *map(our_tree, node.items)
        case ours.Compare():
            return (
                kind,
                our_tree(node.left),
                [(operator, our_tree(operand)) for operator, operand in node.rest],
            )
        case ours.Binary() | ours.Logical():
            return node.op, our_tree(node.left), our_tree(node.right)
        case ours.Unary():
            return node.op, our_tree(node.operand)
        case ours.For():
            parts = map(our_tree, (node.target, node.iter, node.test, node.body, node.orelse or []))
            return kind, *parts, node.recursive
        case ours.If():
            branches = [(our_tree(test), our_tree(body)) for _, _, test, body in node.branches]
            return kind, branches, our_tree(node.orelse or [])
        case ours.Macro():
            return kind, node.name, _parameters(node.parameters), our_tree(node.body)
        case ours.CallBlock():
            return kind, _parameters(node.parameters), our_tree(node.call), our_tree(node.body)
        case ours.FilterBlock():
            return kind, our_tree(node.filter), our_tree(node.body)
        case ours.With():
            bindings = [(our_tree(target), our_tree(value)) for target, value in node.bindings]
            return kind, bindings, our_tree(node.body)
        case ours.Block():
            return kind, node.name, node.scoped, node.required, our_tree(node.body)
        case ours.Extends():
            return kind, our_tree(node.template)
        case ours.Include():
            return kind, our_tree(node.template), node.ignore_missing, node.with_context
        case ours.Import():
            return kind, our_tree(node.template), node.target, node.with_context
        case ours.FromImport():
            return kind, our_tree(node.template), node.names, node.with_context
        case ours.Do():
            return "ExprStmt", our_tree(node.expr)
        case ours.Set():
            return "Assign", our_tree(node.target), our_tree(node.value)
        case ours.SetBlock():
            return "AssignBlock", our_tree(node.target), our_tree(node.filter), our_tree(node.body)
        case ours.Autoescape():
            return kind, our_tree(node.value), our_tree(node.body)
        case ours.Break() | ours.Continue():
            return (kind,)
    raise NotImplementedError(kind)


def _arguments(arguments: ours.Arguments) -> tuple[Any, ...]:
    positional = [our_tree(item) for item in arguments.args]
    keywords = [(name, our_tree(value)) for name, value in arguments.kwargs]
    return positional, keywords, our_tree(arguments.star), our_tree(arguments.star_star)


def _parameters(parameters: list[ours.Parameter]) -> list[tuple[str, Any]]:
    return [(parameter.name, our_tree(parameter.default)) for parameter in parameters]


def _joined(items: list[Any]) -> list[Any]:
    """Bodies with flat lists of text and output, and with adjacent texts joined."""
    flat: list[Any] = []
    for item in items:
        flat += item if isinstance(item, list) else [item]
    result: list[Any] = []
    for item in flat:
        if item[0] == "text" and result and result[-1][0] == "text":
            result[-1] = ("text", result[-1][1] + item[1])
        else:
            result.append(item)
    return result
