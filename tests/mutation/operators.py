"""What a mutant is, and every mutant that a module can have.

An operator takes a node and yields its replacements. Mutants are numbered by their place in the module's tree, so
a seed chooses the same ones as long as the module does not change.
"""

import ast
import copy
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Function = ast.FunctionDef | ast.AsyncFunctionDef
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
PLAIN_CALLS = {"isinstance", "issubclass", "getattr", "setattr", "hasattr", "super"}
"""With arguments swapped or missing, these raise TypeError at once: a test that runs them would be enough."""


@dataclass(frozen=True)
class Mutant:
    """One changed node of one module.

    path: the module's file, relative to the root.  function: qualified name of the innermost function, "" outside.
    number: place among the module's mutants.  statement: number of the innermost statement inside a function, or
    None for a mutant that takes effect when the module is imported.  before, after: source of the changed node.
    """

    path: str
    number: int
    operator: str
    function: str
    line: int
    statement: int | None
    before: str
    after: str

    @property
    def module(self) -> str:
        parts = Path(self.path).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def describe(self) -> str:
        place = f"{self.path}:{self.line}" + (f" {self.function}" if self.function else "")
        return f"{place} [{self.operator}]\n    - {shorten(self.before)}\n    + {shorten(self.after)}"


def shorten(text: str, most: int = 150) -> str:
    first, newline, _ = text.partition("\n")
    return first[:most] + (" …" if newline or len(first) > most else "")


# --- operators ---------------------------------------------------------------------------------------------


def change_comparison(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            changed = copy.deepcopy(node)
            changed.ops[index] = COMPARISONS[type(operator)]()
            yield changed


def change_arithmetic(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in ARITHMETIC:
        changed = copy.deepcopy(node)
        changed.op = ARITHMETIC[type(node.op)]()
        yield changed


def change_boolean(node: ast.AST) -> Iterator[ast.AST]:
    """``and`` for ``or``, and an operand less."""
    if isinstance(node, ast.BoolOp):
        changed = copy.deepcopy(node)
        changed.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield changed
        for index in range(len(node.values)):
            rest = [copy.deepcopy(value) for at, value in enumerate(node.values) if at != index]
            yield rest[0] if len(rest) == 1 else ast.BoolOp(copy.deepcopy(node.op), rest)


def change_constant(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield ast.Constant(not node.value)
        elif isinstance(node.value, (int, float)):
            yield ast.Constant(node.value + 1)
            yield ast.Constant(node.value - 1)


def remove_not(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub, ast.Invert)):
        yield copy.deepcopy(node.operand)


def force_condition(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, (ast.If, ast.IfExp, ast.While)):
        for value in (True, False):
            if isinstance(node, ast.While) and value:
                continue  # an endless loop says little
            changed = copy.deepcopy(node)
            changed.test = ast.Constant(value)
            yield changed
    elif isinstance(node, ast.comprehension):
        for index in range(len(node.ifs)):
            changed = copy.deepcopy(node)
            del changed.ifs[index]
            yield changed


def remove_statement(node: ast.AST) -> Iterator[ast.AST]:
    simple = (ast.Expr, ast.Assign, ast.AugAssign, ast.Delete, ast.Raise)
    if isinstance(node, simple) and not is_docstring(node):
        yield ast.Pass()


def swap_arguments(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Call) and not _is_plain_call(node):
        for index in range(len(node.args) - 1):
            changed = copy.deepcopy(node)
            changed.args[index : index + 2] = reversed(changed.args[index : index + 2])
            yield changed
        if len(node.keywords) > 1:
            changed = copy.deepcopy(node)
            changed.keywords.reverse()
            yield changed


def drop_argument(node: ast.AST) -> Iterator[ast.AST]:
    if not isinstance(node, ast.Call) or _is_plain_call(node):
        return
    if len(node.args) + len(node.keywords) > 1:
        changed = copy.deepcopy(node)
        (changed.keywords or changed.args).pop()
        yield changed


def swap_elements(node: ast.AST) -> Iterator[ast.AST]:
    """The elements of a pair, the order of iteration."""
    if isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.ctx, ast.Load):
        changed = copy.deepcopy(node)
        changed.elts.reverse()
        yield changed


def drop_return_value(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Return) and node.value is not None and not is_none(node.value):
        yield ast.Return(ast.Constant(None))


def change_jump(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Break):
        yield ast.Continue()
    elif isinstance(node, ast.Continue):
        yield ast.Break()


def change_slice(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Slice):
        for name in ("lower", "upper"):
            if getattr(node, name) is not None:
                changed = copy.deepcopy(node)
                setattr(changed, name, None)
                yield changed


def drop_handler(node: ast.AST) -> Iterator[ast.AST]:
    """An exception that was handled is not, ``finally`` does nothing."""
    if isinstance(node, ast.Try):
        if node.handlers:
            changed = copy.deepcopy(node)
            changed.handlers[0].type = ast.Tuple([], ast.Load())
            yield changed
        if node.finalbody:
            changed = copy.deepcopy(node)
            changed.finalbody = [ast.Pass()]
            yield changed


OPERATORS: tuple[Callable[[ast.AST], Iterator[ast.AST]], ...] = (
    change_comparison,
    change_arithmetic,
    change_boolean,
    change_constant,
    remove_not,
    force_condition,
    remove_statement,
    swap_arguments,
    drop_argument,
    swap_elements,
    drop_return_value,
    change_jump,
    change_slice,
    drop_handler,
)


# --- finding and applying ----------------------------------------------------------------------------------


def mutants_of(path: str, source: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its tree."""
    return [mutant for mutant, _ in _sites(path, ast.parse(source))]


def mutated(mutant: Mutant, source: str) -> ast.Module:
    """The module's tree with the mutant in it. Raises LookupError if the module has no such mutant."""
    tree = ast.parse(source)
    for candidate, apply in _sites(mutant.path, tree):
        if candidate.number == mutant.number:
            if candidate != mutant:
                break
            apply()
            return ast.fix_missing_locations(tree)
    raise LookupError(f"{mutant.path} has changed: no mutant {mutant.number} {mutant.before!r}")


def statement_numbers(tree: ast.Module) -> dict[ast.stmt, int]:
    """Number of each statement inside of functions, in the order of `ast.walk`."""
    inside: dict[ast.stmt, int] = {}
    for function in ast.walk(tree):
        if isinstance(function, Function):
            for node in _statements(function):
                inside.setdefault(node, len(inside))
    return inside


def _statements(function: Function) -> Iterator[ast.stmt]:
    for statement in function.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.stmt):
                yield node


def _sites(path: str, tree: ast.Module) -> Iterator[tuple[Mutant, Callable[[], None]]]:
    numbers = statement_numbers(tree)
    count = 0
    worklist: list[tuple[ast.AST, str, int | None]] = [(tree, "", None)]
    while worklist:
        node, function, statement = worklist.pop()
        if isinstance(node, ast.stmt):
            statement = numbers.get(node)
        for parent, field, index, child in _children(node):
            for operator in OPERATORS:
                if operator is swap_elements and _is_plain_call(parent):
                    continue
                for replacement in operator(child):
                    number = numbers.get(child, statement) if isinstance(child, ast.stmt) else statement
                    mutant = Mutant(
                        path,
                        count,
                        operator.__name__,
                        function,
                        getattr(child, "lineno", getattr(node, "lineno", 0)),
                        number,
                        ast.unparse(child),
                        ast.unparse(replacement),
                    )
                    count += 1
                    yield mutant, _setter(parent, field, index, child, replacement)
        for _, _, _, child in reversed(list(_children(node))):
            name = function
            if isinstance(child, (Function, ast.ClassDef)):
                name = f"{function}.{child.name}" if function else child.name
            worklist.append((child, name, statement))


def _setter(
    parent: ast.AST, field: str, index: int | None, child: ast.AST, other: ast.AST
) -> Callable[[], None]:
    def apply() -> None:
        if isinstance(child, (ast.stmt, ast.expr)):
            ast.copy_location(other, child)
        if index is None:
            setattr(parent, field, other)
        else:
            getattr(parent, field)[index] = other

    return apply


def _children(node: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """(node, field, index, child) of the children that run: no annotations, docstrings or checks for types."""
    taken = _version_condition(node)
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "type_params", "ctx"):
            continue
        if isinstance(node, ast.ClassDef) and field == "bases":
            continue  # arguments of generic classes have no effect
        if taken is not None and field == ("orelse" if taken else "body"):
            continue
        if isinstance(value, list):
            value = _reached(value)
        for index, child in enumerate(value) if isinstance(value, list) else ((None, value),):
            if isinstance(child, ast.AST) and not _is_left_out(child):
                yield node, field, index, child


def _version_condition(node: ast.AST) -> bool | None:
    """Whether a condition on the Python version holds on this one; None for any other node."""
    if isinstance(node, ast.If) and ast.unparse(node.test).startswith("sys.version_info "):
        return bool(eval(ast.unparse(node.test), {"sys": sys}))
    return None


def _reached(body: list[Any]) -> list[Any]:
    """Statements up to one that returns on this Python."""
    for index, node in enumerate(body):
        if _version_condition(node) and isinstance(node.body[-1], (ast.Return, ast.Raise)):
            return body[: index + 1]
    return body


def _is_left_out(node: ast.AST) -> bool:
    if isinstance(node, (ast.Import, ast.ImportFrom, ast.Assert, ast.Global, ast.Nonlocal, ast.TypeAlias)):
        return True
    if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
        return True
    if isinstance(node, ast.Compare) and ast.unparse(node.left) == "sys.version_info":
        return True  # one of its two values is never taken on this Python
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("__slots__", "__all__"):
        return True
    if isinstance(node, ast.ClassDef) and any(
        ast.unparse(base).startswith("Protocol") for base in node.bases
    ):
        return True
    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("cast", "TypeVar"):
        return True
    return isinstance(node, ast.stmt) and is_docstring(node)


def _is_plain_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) in PLAIN_CALLS


def is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
