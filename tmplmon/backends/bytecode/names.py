"""What the template's variables are called in the Python function: by their own names wherever that is possible.

Rule: slots of frames that are never alive together share the name, and a frame inside another that has a variable
of the same name puts the outer one's value aside while it runs (`function.Function.enter`). Only a variable that
a nested function reads cannot share: where its name is taken, it has a number (``x.1``).
"""

from tmplmon.ir import ops

# A name that Python does not let anyone assign.
_RESERVED = frozenset({"__debug__", "None", "True", "False"})


def python_names(scope: ops.Scope) -> dict[ops.Slot, str]:
    """Slot → local variable, for the slots of a scope that is not nested and of all scopes in it."""
    by_name: dict[str, list[ops.Slot]] = {}
    pending = [scope]
    while pending:
        inner = pending.pop()
        for slot in inner.slots:
            by_name.setdefault(slot.name, []).append(slot)
        pending += inner.nested
    names: dict[ops.Slot, str] = {}
    for name, slots in by_name.items():
        plain = f"{name}." if name in _RESERVED else name
        if len(slots) == 1:
            names[slots[0]] = plain
            continue
        for number, slot in enumerate(slots, 1):
            names[slot] = f"{name}.{number}" if slot.captured else plain
    return names
