"""Static facts about ops, shared by both back ends and the plan of sites.

Nothing here generates code or builds closures.
"""

from typing import Any, NamedTuple

from tmplmon.ir import ops

DICT_ATTRIBUTES = frozenset(dir(dict))
"""Attributes of dict: a template asks for these where an item of the name may not hide them."""

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
"""Values in one piece of output. All of a piece are held until it is complete."""


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
    """Whether a template body is certain to have a parent when it ends."""
    return any(type(op) is ops.Extends for op in scope.body)


def known_macro(slot: ops.Slot) -> ops.MakeMacro | None:
    """The macro that a variable is certain to hold wherever it is read."""
    if slot.kind is ops.SlotKind.UNSET and slot.assigned == 1 and not slot.initialised:
        return slot.macro
    return None


def macro_slots(macro: ops.MakeMacro, op: ops.Call) -> list[ops.Op | None] | None:
    """The operand for each parameter of a macro, None for one not given; None if the call has to be settled at run
    time. Only calls whose operands come in the order of the parameters: that is the order of evaluation."""
    scope = macro.scope
    arguments = op.arguments
    if not arguments.simple or op.caller is not None:
        return None
    if scope.varargs is not None or scope.kwargs is not None or scope.caller is not None:
        return None
    names = [slot.name for slot, _ in scope.parameters]
    if "caller" in names or len(arguments.args) > len(names):
        return None
    given: dict[str, ops.Op] = dict(zip(names, arguments.args, strict=False))
    for name, operand in arguments.kwargs:
        if name in given or name not in names:
            return None
        given[name] = operand
    in_order = [given[name] for name in names if name in given]
    if in_order != arguments.values():
        return None
    return [given.get(name) for name in names]


def known_super(op: ops.Op) -> str | None:
    """The block in which a value is ``super()``, which where it is put out runs in its place; None for others."""
    if type(op) is not ops.Call or type(op.func) is not ops.Load or op.arguments.values():
        return None
    slot = op.func.slot
    return slot.scope.name if slot.kind is ops.SlotKind.SUPER else None
