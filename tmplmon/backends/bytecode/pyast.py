"""Fast constructors for the nodes of Python's ``ast``.

Rule: a function sets the `__dict__` of a new node to its fields, which takes 0.3 µs; calling the class takes 0.9
µs. The place of a node is a dict of the four position fields, which is made once for each site. `NOWHERE` is the
place of code that belongs to no line and never fires LINE.

A name can be any text, including texts that are not identifiers. The names of the engine's own variables begin
with a dot, so they cannot conflict with those of a template.
"""

import ast
from collections.abc import Sequence, Set
from typing import Any

type Place = dict[str, int]
type Definition = ast.FunctionDef | ast.AsyncFunctionDef

# A line number that no template has, for code that belongs to no line. `compile` removes it from the line table.
NO_LINE = 1 << 28
NOWHERE: Place = {"lineno": NO_LINE, "end_lineno": NO_LINE, "col_offset": 0, "end_col_offset": 0}
# The same, for a test that may skip code: tools must not take the test for a part of the line before it.
APART: Place = {**NOWHERE, "lineno": NO_LINE + 1, "end_lineno": NO_LINE + 1}

LOAD, STORE = ast.Load(), ast.Store()
_new: Any = ast.AST.__new__


def place(position: tuple[int, int, int, int]) -> Place:
    line, end_line, column, end_column = position
    return {"lineno": line, "end_lineno": end_line, "col_offset": column, "end_col_offset": end_column}


def _make[N: ast.AST](cls: type[N], fields: dict[str, Any]) -> N:
    node: N = _new(cls)
    node.__dict__ = fields
    return node


def const(value: Any, at: Place) -> ast.Constant:
    return _make(ast.Constant, {"value": value, "kind": None, **at})


def name(id: str, at: Place) -> ast.Name:
    return _make(ast.Name, {"id": id, "ctx": LOAD, **at})


def target(id: str, at: Place) -> ast.Name:
    return _make(ast.Name, {"id": id, "ctx": STORE, **at})


def tuple_target(items: list[ast.expr], at: Place) -> ast.Tuple:
    return _make(ast.Tuple, {"elts": items, "ctx": STORE, **at})


def sequence(cls: type[ast.Tuple] | type[ast.List], items: list[ast.expr], at: Place) -> ast.expr:
    return _make(cls, {"elts": items, "ctx": LOAD, **at})


def dictionary(keys: Sequence[ast.expr | None], values: list[ast.expr], at: Place) -> ast.Dict:
    """A dict display; a key None unpacks its value."""
    return _make(ast.Dict, {"keys": list(keys), "values": values, **at})


def attribute(obj: ast.expr, attr: str, at: Place) -> ast.Attribute:
    return _make(ast.Attribute, {"value": obj, "attr": attr, "ctx": LOAD, **at})


def attribute_target(obj: ast.expr, attr: str, at: Place) -> ast.Attribute:
    return _make(ast.Attribute, {"value": obj, "attr": attr, "ctx": STORE, **at})


def subscript(obj: ast.expr, key: ast.expr, at: Place) -> ast.Subscript:
    return _make(ast.Subscript, {"value": obj, "slice": key, "ctx": LOAD, **at})


def slice_(lower: ast.expr | None, upper: ast.expr | None, step: ast.expr | None, at: Place) -> ast.Slice:
    return _make(ast.Slice, {"lower": lower, "upper": upper, "step": step, **at})


def starred(value: ast.expr, at: Place) -> ast.Starred:
    return _make(ast.Starred, {"value": value, "ctx": LOAD, **at})


def keyword(arg: str | None, value: ast.expr, at: Place) -> ast.keyword:
    if arg == "__debug__":
        # Python's compiler refuses this name as a keyword, but not in a mapping.
        arg, value = None, _make(ast.Dict, {"keys": [const(arg, at)], "values": [value], **at})
    return _make(ast.keyword, {"arg": arg, "value": value, **at})


def call(
    func: ast.expr, args: Sequence[ast.expr], at: Place, keywords: Sequence[ast.keyword] = ()
) -> ast.Call:
    if type(func) is ast.Attribute and at["lineno"] != at["end_lineno"]:
        # Python's compiler places the call of a method on the line where the method's name ends.
        func.end_lineno, func.end_col_offset = func.lineno, func.col_offset
    return _make(ast.Call, {"func": func, "args": list(args), "keywords": list(keywords), **at})


def await_(value: ast.expr, at: Place) -> ast.Await:
    return _make(ast.Await, {"value": value, **at})


def binary(left: ast.expr, op: ast.operator, right: ast.expr, at: Place) -> ast.BinOp:
    return _make(ast.BinOp, {"left": left, "op": op, "right": right, **at})


def unary(op: ast.unaryop, operand: ast.expr, at: Place) -> ast.UnaryOp:
    return _make(ast.UnaryOp, {"op": op, "operand": operand, **at})


def logical(op: ast.boolop, values: list[ast.expr], at: Place) -> ast.BoolOp:
    return _make(ast.BoolOp, {"op": op, "values": values, **at})


def compare(left: ast.expr, ops: list[ast.cmpop], rights: list[ast.expr], at: Place) -> ast.Compare:
    return _make(ast.Compare, {"left": left, "ops": ops, "comparators": rights, **at})


def if_expr(test: ast.expr, body: ast.expr, orelse: ast.expr, at: Place) -> ast.IfExp:
    return _make(ast.IfExp, {"test": test, "body": body, "orelse": orelse, **at})


def walrus(id: str, value: ast.expr, at: Place) -> ast.NamedExpr:
    return _make(ast.NamedExpr, {"target": target(id, at), "value": value, **at})


def formatted(value: ast.expr, at: Place) -> ast.FormattedValue:
    return _make(ast.FormattedValue, {"value": value, "conversion": -1, "format_spec": None, **at})


def joined(values: list[ast.expr], at: Place) -> ast.JoinedStr:
    return _make(ast.JoinedStr, {"values": values, **at})


def yield_(value: ast.expr, at: Place) -> ast.Yield:
    return _make(ast.Yield, {"value": value, **at})


def yield_from(value: ast.expr, at: Place) -> ast.YieldFrom:
    return _make(ast.YieldFrom, {"value": value, **at})


def thunk(body: ast.expr, at: Place) -> ast.Lambda:
    """A lambda without parameters."""
    return _make(ast.Lambda, {"args": parameters([], at), "body": body, **at})


# --- statements --------------------------------------------------------------------------------------------


def assign(to: ast.expr, value: ast.expr, at: Place) -> ast.Assign:
    return _make(ast.Assign, {"targets": [to], "value": value, "type_comment": None, **at})


def set_(id: str, value: ast.expr, at: Place) -> ast.Assign:
    return assign(target(id, at), value, at)


def evaluate(value: ast.expr, at: Place) -> ast.Expr:
    return _make(ast.Expr, {"value": value, **at})


def if_(test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt], at: Place) -> ast.If:
    return _make(ast.If, {"test": test, "body": body, "orelse": orelse, **at})


def for_(
    to: ast.expr, iterable: ast.expr, body: list[ast.stmt], at: Place, asynchronous: bool = False
) -> ast.stmt:
    cls = ast.AsyncFor if asynchronous else ast.For
    fields = {"target": to, "iter": iterable, "body": body, "orelse": [], "type_comment": None, **at}
    return _make(cls, fields)


def try_(body: list[ast.stmt], exceptions: ast.expr, handler: list[ast.stmt], at: Place) -> ast.Try:
    except_ = _make(ast.ExceptHandler, {"type": exceptions, "name": None, "body": handler, **at})
    return _make(ast.Try, {"body": body, "handlers": [except_], "orelse": [], "finalbody": [], **at})


def closing(generator: str, body: list[ast.stmt], at: Place) -> ast.Try:
    """Statements after which the asynchronous generator in a variable is closed, however they end."""
    close = evaluate(await_(call(attribute(name(generator, at), "aclose", at), [], at), at), at)
    return _make(ast.Try, {"body": body, "handlers": [], "orelse": [], "finalbody": [close], **at})


def once(body: list[ast.stmt], at: Place) -> ast.While:
    """A loop of one round, so that a ``break`` can end the statements early."""
    return _make(ast.While, {"test": const(True, at), "body": [*body, break_(at)], "orelse": [], **at})


def pass_(at: Place) -> ast.Pass:
    return _make(ast.Pass, dict(at))


def break_(at: Place) -> ast.Break:
    return _make(ast.Break, dict(at))


def continue_(at: Place) -> ast.Continue:
    return _make(ast.Continue, dict(at))


def return_(value: ast.expr | None, at: Place) -> ast.Return:
    return _make(ast.Return, {"value": value, **at})


def parameters(names: list[str], at: Place, defaults: Sequence[ast.expr] = ()) -> ast.arguments:
    args = [_make(ast.arg, {"arg": n, "annotation": None, "type_comment": None, **at}) for n in names]
    return _make(
        ast.arguments,
        {
            "posonlyargs": args,
            "args": [],
            "vararg": None,
            "kwonlyargs": [],
            "kw_defaults": [],
            "kwarg": None,
            "defaults": list(defaults),
        },
    )


def function(id: str, names: list[str], body: list[ast.stmt], asynchronous: bool = False) -> Definition:
    """A function definition. It is placed nowhere: the statement that binds the function has the line."""
    at = NOWHERE
    cls: type[Definition] = ast.AsyncFunctionDef if asynchronous else ast.FunctionDef
    fields = {
        "name": id,
        "args": parameters(names, at),
        "body": body or [pass_(at)],
        "decorator_list": [],
        "returns": None,
        "type_comment": None,
        "type_params": [],
        **at,
    }
    return _make(cls, fields)


def free_names(function: Definition, links: Set[str]) -> set[str]:
    """The variables of enclosing functions that a function definition reads.

    links: the names that are global variables.
    """
    bound = {arg.arg for arg in function.args.posonlyargs}
    read: set[str] = set()
    worklist: list[Any] = list(function.body)
    while worklist:
        node = worklist.pop()
        kind = type(node)
        if kind is ast.Name:
            (bound if type(node.ctx) is ast.Store else read).add(node.id)
        elif kind is ast.FunctionDef or kind is ast.AsyncFunctionDef:
            bound.add(node.name)
            read |= free_names(node, links)
        elif kind is not ast.Constant:
            for field in node.__dict__.values():
                if type(field) is list:
                    worklist += [item for item in field if isinstance(item, ast.AST)]
                elif isinstance(field, ast.AST):
                    worklist.append(field)
    return read - bound - links


def module(body: list[ast.stmt]) -> ast.Module:
    return _make(ast.Module, {"body": body, "type_ignores": []})
