"""Static facts about ops, shared by both back ends and the plan of sites.

Nothing here generates code or builds closures.
"""

from typing import Any, NamedTuple

from tmplmon.ir import ops

DICT_ATTRIBUTES = frozenset(dir(dict))
"""Attributes of dict: a template asks for these where an item of the name may not hide them."""

LENGTH_ATTRIBUTES = frozenset({"length", "revindex", "revindex0"})
"""Attributes of a loop that depend on the number of its items."""

COUNTED_ATTRIBUTES = frozenset({"index", "index0", "first", "last"}) | LENGTH_ATTRIBUTES
"""Attributes of a loop that follow from the number of the round, which need no loop object."""

AWAITED_LOOP_ATTRIBUTES = frozenset({"last", "length", "revindex", "revindex0"})
"""Attributes of an asynchronous loop that may have to wait for the next item."""

INLINE_TESTS: dict[tuple[str, int], tuple[str, Any]] = {
    ("defined", 0): ("not instance", "Undefined"),
    ("undefined", 0): ("instance", "Undefined"),
    ("string", 0): ("instance", "str"),
    ("float", 0): ("instance", "float"),
    ("none", 0): ("is", None),
    ("true", 0): ("is", True),
    ("false", 0): ("is", False),
    ("odd", 0): ("remainder", (2, 1)),
    ("even", 0): ("remainder", (2, 0)),
    ("divisibleby", 1): ("remainder", (None, 0)),
    ("sameas", 1): ("compare", "is"),
    ("in", 1): ("compare", "in"),
    **{(name, 1): ("compare", "==") for name in ("eq", "equalto", "==")},
    **{(name, 1): ("compare", "!=") for name in ("ne", "!=")},
    **{(name, 1): ("compare", "<") for name in ("lt", "lessthan", "<")},
    **{(name, 1): ("compare", "<=") for name in ("le", "<=")},
    **{(name, 1): ("compare", ">") for name in ("gt", "greaterthan", ">")},
    **{(name, 1): ("compare", ">=") for name in ("ge", ">=")},
}
"""(stock test, number of arguments) → the operation that gives the same result for every value, as (kind, detail):

instance, not instance: whether the value is an instance of a class, by its name.
is: whether the value is a constant.
remainder: (divisor, remainder) of the value; the divisor None stands for the argument.
compare: the operator between the value and the argument.
"""

BOOLEAN_TESTS = frozenset(
    name
    for (name, _), (kind, detail) in INLINE_TESTS.items()
    if kind in ("instance", "not instance", "is") or detail in ("is", "in")
)
"""Stock tests whose value is certainly a bool. The result of other operators is up to the operands."""

TEXT_METHODS = frozenset({"upper", "lower", "capitalize"})
"""Stock filters that call the method of the same name on a value that is exactly a `str`."""

DEFAULT_FILTERS = frozenset({"default", "d"})
ESCAPE_FILTERS = frozenset({"escape", "e"})
LENGTH_FILTERS = frozenset({"length", "count"})
"""Stock filters whose value is certainly an int, which has no character to escape."""

BOOLEAN_LOOP_ATTRIBUTES = frozenset({"first", "last"})
"""Attributes of a loop whose value is a bool. The value of the others, read without a loop object, is an int."""

LONGEST_RUN = 24
"""The number of values that are written at once. All texts of a run are kept in memory until it is written."""


class InlineFilter(NamedTuple):
    """An operation that gives the same result as a stock filter for every value.

    kind: "method" calls the `str` method `detail` of the only operand if that is exactly a `str`, and the filter if
        it is not. "default" gives the second operand if the first one is undefined or, if `detail` is true, false.
    """

    kind: str
    detail: Any
    operands: list[ops.Op]


def inline_filter(op: ops.Filter) -> InlineFilter | None:
    """The operation that replaces the call of a stock filter, or None if it has to be called."""
    arguments = op.arguments
    if not arguments.simple or arguments.kwargs:
        return None
    if op.name in TEXT_METHODS and not arguments.args:
        return InlineFilter("method", op.name, [op.value])
    if op.name in DEFAULT_FILTERS and len(arguments.args) <= 2:
        default = arguments.args[0] if arguments.args else ops.Const("", op.site)
        boolean = arguments.args[1] if len(arguments.args) == 2 else ops.Const(False, op.site)
        if isinstance(boolean, ops.Const):
            return InlineFilter("default", bool(boolean.value), [op.value, default])
    return None


def inline_test(op: ops.Test) -> tuple[str, Any] | None:
    """The row of `INLINE_TESTS` that replaces the call of a stock test, or None if it has to be called."""
    arguments = op.arguments
    if not arguments.simple or arguments.kwargs:
        return None
    return INLINE_TESTS.get((op.name, len(arguments.args)))


def extends_always(scope: ops.Scope) -> bool:
    """Whether a template body certainly has a parent when it ends."""
    return any(type(op) is ops.Extends for op in scope.body)


def known_macro(slot: ops.Slot) -> ops.MakeMacro | None:
    """The macro that a variable certainly has as its value wherever it is read, or None."""
    if slot.kind is ops.SlotKind.UNSET and slot.assigned == 1 and not slot.initialised:
        return slot.macro
    return None


def direct_operands(macro: ops.MakeMacro, op: ops.Call) -> list[ops.Op | None] | None:
    """One operand for each slot that a macro is called with, None for a parameter that is not passed. Further
    arguments are a dict of keyword arguments, and a tuple, if the macro uses them.

    Returns None if the arguments can only be bound at run time, or if the operands do not come in the order of the
    parameters, in which they would be evaluated, and evaluating them can have effects.
    """
    scope = macro.scope
    arguments = op.arguments
    if not arguments.simple or op.caller is not None:
        return None
    if scope.caller is not None:
        return None
    names = [slot.name for slot, _ in scope.parameters]
    if "caller" in names:
        return None
    passed: dict[str, ops.Op] = dict(zip(names, arguments.args, strict=False))
    further: list[tuple[str, ops.Op]] = []
    for name, operand in arguments.kwargs:
        if name in passed or name == "caller":
            return None
        if name in names:
            passed[name] = operand
        else:
            further.append((name, operand))
    more = arguments.args[len(names) :]
    in_order = [passed[name] for name in names if name in passed]
    in_order += [operand for _, operand in further] + more
    values = arguments.values()
    if in_order != values and not all(
        type(value) is ops.Const or type(value) is ops.Load for value in values
    ):
        return None
    operands = [passed.get(name) for name in names]
    if scope.kwargs is not None:
        items = [item for name, operand in further for item in (ops.Const(name, op.site), operand)]
        operands.append(ops.Build("dict", items, op.site))
    elif further:
        return None
    if scope.varargs is not None:
        operands.append(ops.Build("tuple", more, op.site))
    elif more:
        return None
    return operands


def known_super(op: ops.Op) -> str | None:
    """The name of the block whose ``super()`` an op is, or None. Where the value is output, the next block up the
    inheritance chain can write its output directly."""
    if type(op) is not ops.Call or type(op.func) is not ops.Load or op.arguments.values():
        return None
    slot = op.func.slot
    return slot.scope.name if slot.kind is ops.SlotKind.SUPER else None


def missing_else(line: int, name: str | None) -> str:
    """Return the message of the undefined value of an inline ``if`` without ``else``.

    line: of the expression. name: the template's, because the value may be used in another template.
    """
    place = f"line {line}" if name is None else f"line {line} in {name!r}"
    return f"the inline if-expression on {place} evaluated to false and no else section was defined."
