"""The state that the functions of one template share while they are compiled."""

import ast
from collections.abc import Callable, Mapping
from typing import Any

from tmplmon.backends.bytecode.counts import Counts
from tmplmon.backends.bytecode.link import CallConventions
from tmplmon.backends.bytecode.links import Links
from tmplmon.ir import ops
from tmplmon.records import record


@record
class Target:
    """The properties of an environment that the generated code depends on.

    filters, tests: name → (the first argument that the function takes, or None; whether it is the stock function).
    is_async: whether the functions are coroutine functions.
    finalize: None, or a tuple of the first argument that the environment's `finalize` takes, or None.
    native: whether values are written as they are instead of as text.
    traced: whether each chunk of output is written by itself, with its origin; see `runtime.origins`.
    stepping: whether a run of output ends where its op does; see `Environment.stepping`.
    stock_getattr, stock_getitem: whether attributes and items are looked up by the engine's own rules.
    """

    filters: CallConventions
    tests: CallConventions
    is_async: bool = False
    finalize: tuple[str | None] | None = None
    native: bool = False
    traced: bool = False
    stepping: bool = False
    stock_getattr: bool = True
    stock_getitem: bool = True


class CompilationUnit:
    """One template while it is compiled.

    value_table: op class → function (f, op) that returns an expression for the op's value.
    statement_table: op class → function (f, op) that appends the op's statements to ``f.body``.
    """

    def __init__(
        self,
        program: ops.Program,
        target: Target,
        value_table: Mapping[Any, Callable[[Any, Any], ast.expr]],
        statement_table: Mapping[Any, Callable[[Any, Any], None]],
    ) -> None:
        self.program = program
        self.target = target
        self.value_table = value_table
        self.statement_table = statement_table
        self.links = Links()
        # Name of a function in the generated code → its name in frames and tracebacks, and its first line.
        self.labels: dict[str, tuple[str, int]] = {}
        self.names: dict[ops.Slot, str] = {}
        # Functions that contain the definition of a detached function; see `Function.define`.
        self.detached: list[ast.stmt] = []
        self.loops: dict[ops.LoopUse, Counts] = {}
        self.macro_codes: dict[ops.MakeMacro, str] = {}
        # Slot → the variable that says whether the slot's value is anything but a dict.
        self.type_notes: dict[ops.Slot, str] = {}
        # Whether the function being compiled uses its context for nothing but its prologue.
        self.pure = True
        self._number = 0

    def next_number(self) -> int:
        """A number that no other call returned."""
        self._number += 1
        return self._number
