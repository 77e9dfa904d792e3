"""Static facts about ops, shared by both back ends and the plan of sites.

Nothing here generates code or builds closures.
"""

from tmplmon.ir import ops

DICT_ATTRIBUTES = frozenset(dir(dict))
"""Attributes of dict: a template asks for these where an item of the name may not hide them."""

AWAITED_LOOP_ATTRIBUTES = frozenset({"last", "length", "revindex", "revindex0"})
"""Attributes of an asynchronous loop that may have to wait for the next item."""

BOOLEAN_TESTS = frozenset(
    {"defined", "undefined", "none", "true", "false", "string", "float", "sameas", "in"}
)
"""Stock tests whose value is a bool for certain."""

LONGEST_RUN = 24
"""Values in one piece of output. All of a piece are held until it is complete."""


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
