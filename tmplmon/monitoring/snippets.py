"""The instructions of a Python function, to be put into other code.

Rule: what the function names is kept by name (its variables, attributes and constants), as numbers differ from code
to code; the rest is kept as it is.
"""

from __future__ import annotations

import dis
from collections.abc import Callable
from opcode import opmap, opname
from types import FunctionType
from typing import Any

from tmplmon.monitoring.instructions import ENDS, JUMPS, PAIRS, VARIABLES, instructions_of

__all__ = ["LOAD_ATTR", "Attribute", "Constant", "Probe"]

LOAD_ATTR = opmap["LOAD_ATTR"]
_ATTRIBUTES = (LOAD_ATTR, opmap["STORE_ATTR"])
_RESUME = opmap["RESUME"]
_PUSH_NULL = opmap["PUSH_NULL"]
_LOAD_CONST = opmap["LOAD_CONST"]
_LOAD_GLOBAL = opmap["LOAD_GLOBAL"]
_RETURN_VALUE = opmap["RETURN_VALUE"]

type Step = tuple[int, int | None, Any]
"""An instruction of a probe: opcode; argument, if that is a number; else a variable's name, `Constant` or
`Attribute` (whose number is to be added to the argument)."""


class Constant:
    """A constant of a probe: its value, or the name by which it is given when the probe is put in."""

    __slots__ = ("name", "value")

    def __init__(self, value: Any, name: str = "") -> None:
        self.value = value
        self.name = name


class Attribute:
    """The name of an attribute that a probe uses."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Probe:
    """A few instructions to put into code, written as a Python function without control flow.

    The function's parameters and other variables become variables of the code that it is put into, the same ones
    for all lines; there is one for each line in place of the parameter `own`. Tools do not show them, as their
    names begin with a dot. Global names of the function are constants: what :func:`with_probes` is told, else what
    they are worth when the probe is made.

    Raises ValueError for a function that does more than to use those, operators, attributes and calls.
    """

    __slots__ = ("_depth", "_names", "_own", "_parameters", "_steps")

    def __init__(self, function: Callable[..., None], own: str = "") -> None:
        assert isinstance(function, FunctionType)
        code = function.__code__
        variables = (*code.co_varnames, *code.co_cellvars, *code.co_freevars)
        self._depth = code.co_stacksize
        self._own = f".{own}"
        self._parameters = [f".{name}" for name in code.co_varnames[: code.co_argcount] if name != own]
        self._names = [f".{name}" for name in code.co_varnames if name != own]
        self._steps: list[Step] = []
        instructions = instructions_of(code)
        ends = [op for op, _, _, _ in instructions]
        for op, argument, _, _ in instructions[ends.index(_RESUME) + 1 : _without_return(function, ends)]:
            if op == _LOAD_GLOBAL:
                name = code.co_names[argument >> 1]
                constant = Constant(function.__globals__.get(name), name)
                self._steps.append((_LOAD_CONST, None, constant))
                if argument & 1:
                    self._steps.append((_PUSH_NULL, 0, None))
            elif op in PAIRS:
                for each, variable in zip(PAIRS[op], (argument >> 4, argument & 15), strict=True):
                    self._steps.append((each, None, f".{variables[variable]}"))
            elif op in VARIABLES and not code.co_cellvars and not code.co_freevars:
                self._steps.append((op, None, f".{variables[argument]}"))
            elif op in dis.hasconst:
                self._steps.append((op, None, Constant(code.co_consts[argument])))
            elif op in _ATTRIBUTES:
                # LOAD_ATTR has in bit 0 whether it is for a call.
                of_call = argument & 1 if op == LOAD_ATTR else 0
                name = code.co_names[argument >> 1 if op == LOAD_ATTR else argument]
                self._steps.append((op, of_call, Attribute(name)))
            elif op in JUMPS or op in VARIABLES or op in dis.hasname or op in ENDS:
                raise ValueError(f"{function.__qualname__}: a probe cannot have {opname[op]}")
            else:
                self._steps.append((op, argument, None))


def _without_return(function: FunctionType, ops: list[int]) -> int:
    """Where the instructions end without those of ``return None``."""
    count = 2 if ops[-1] == _RETURN_VALUE else 1
    if count == 2 and not opname[ops[-2]].endswith(("CONST", "CONSTANT")):
        raise ValueError(f"{function.__qualname__}: a probe cannot return a value")
    return len(ops) - count
