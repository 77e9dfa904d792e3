"""The names of template variables in the Python functions: their own names wherever that is possible.

Rule: several slots of one name share a Python variable. A frame inside another frame that has a variable of the
same name saves the outer value while it runs (`function.Function.enter`). A variable that a nested function reads
cannot be shared; if its name is taken, it gets a number (``x.1``).
"""

from tmplmon.ir import ops

# Names that cannot be assigned in Python.
_RESERVED = frozenset({"__debug__", "None", "True", "False"})


def python_names(scope: ops.Scope) -> dict[ops.Slot, str]:
    """Slot → Python variable, for a template body or block and all scopes nested in it."""
    by_name: dict[str, list[ops.Slot]] = {}
    worklist = [scope]
    while worklist:
        inner = worklist.pop()
        for slot in inner.slots:
            by_name.setdefault(slot.name, []).append(slot)
        worklist += inner.nested
    names: dict[ops.Slot, str] = {}
    for name, slots in by_name.items():
        plain = f"{name}." if name in _RESERVED else name
        if len(slots) == 1:
            names[slots[0]] = plain
            continue
        for number, slot in enumerate(slots, 1):
            names[slot] = f"{name}.{number}" if slot.captured else plain
    return names
