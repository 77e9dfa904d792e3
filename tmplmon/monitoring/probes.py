"""Code with probes: a copy of a code object that runs a little more wherever CPython would fire LINE.

For a tool that has to be cheaper than a callback. A callback for LINE costs the call of a Python function, each
time; a probe is a few instructions of the code itself, which CPython specialises with the rest. A function is given
the copy (``function.__code__ = copy``) while the tool is on, and its own code again when it is off.

Rule: a probe runs exactly where LINE is fired. That is on a way from an instruction to one that is on another line,
and both ends of a way are known from the code: where ways of both kinds meet, one leads to the probe and the other
past it. So nothing is asked when it runs. An exception handler is entered by a way from each instruction it covers,
so an entry of the exception table becomes several.

The copy has the places of the code, and those of a probe are those of the instruction it is for: tracebacks, tools
and further LINE events are as before. Code that can be suspended is not for this (`can_have_probes`).

Source: CPython's ``Python/instrumentation.c`` (where LINE is fired), ``Lib/dis.py`` (what instructions consist of),
``InternalDocs/exception_handling.md`` (the exception table).
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from itertools import groupby
from opcode import opmap
from types import CodeType, FunctionType
from typing import Any

from tmplmon.monitoring.instructions import (
    BACKWARD,
    CACHES,
    ENDS,
    JUMPS,
    PAIRS,
    VARIABLES,
    encoded,
    exception_entries,
    exception_table,
    extended_args,
    instructions_of,
)
from tmplmon.monitoring.linetable import NOWHERE, Position, encode_linetable
from tmplmon.monitoring.snippets import LOAD_ATTR, Attribute, Constant, Probe

__all__ = ["Probe", "can_have_probes", "with_probes"]

KNOWN = (
    sys.implementation.name == "cpython"
    and sys.version_info < (3, 16)
    and "t" not in getattr(sys, "abiflags", "")
)
"""Whether this Python's bytecode has been looked at: a mistake would end the process. (Not that of free threading,
where code that runs is another thread's, too.)"""

_RESUME = opmap["RESUME"]
_FORWARD = opmap["JUMP_FORWARD"]
_PUSH_NULL = opmap["PUSH_NULL"]
_LOAD_CONST = opmap["LOAD_CONST"]
_MAKE_FUNCTION = opmap["MAKE_FUNCTION"]
_SET_FUNCTION_ATTRIBUTE = opmap["SET_FUNCTION_ATTRIBUTE"]
_COPY = opmap["COPY"]
_STORE_FAST = opmap["STORE_FAST"]
_END_FOR = opmap["END_FOR"]
_CALL = opmap["CALL"]
_POP_TOP = opmap["POP_TOP"]
_UNPACK_SEQUENCE = opmap["UNPACK_SEQUENCE"]
# CPython fires no LINE at these: FOR_ITER leaves its loop by jumping over them, or to them.
_NEVER = frozenset(opmap[name] for name in ("RESUME", "END_FOR", "POP_ITER") if name in opmap)
_SUSPENDED = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR

type Handler = tuple[int, int, tuple[int, bool], int]
"""First instruction, the one after the last, (handler, whether to its probe), depth and lasti."""


def can_have_probes(code: CodeType) -> bool:
    """Whether code may have probes: that of a function which is not a generator or coroutine, on a Python whose
    bytecode is known here."""
    return KNOWN and not code.co_flags & _SUSPENDED and code.co_code.find(_RESUME) >= 0


def with_probes(
    code: CodeType,
    line: Probe,
    *,
    begin: Callable[[tuple[int, ...]], tuple[Any, ...]] | None = None,
    made: Callable[[FunctionType], object] | None = None,
    constants: Mapping[str, Any] | None = None,
    nested: Mapping[int, CodeType] | None = None,
) -> CodeType:
    """Return ``code`` with ``line`` run wherever CPython would fire LINE.

    ``begin`` is called before the first line, with the numbers of the lines that have a probe. What it returns
    becomes the variables of the probes: their shared parameters, in order, then the own one of each line.
    ``constants``: global name of the probe → its value; ``LINE`` is the number of the line.

    ``nested``: id of a code object among the constants of ``code`` → what stands in its place; ``made`` is called
    with each function that is made of one of those.

    Raises ValueError for code that cannot have probes (`can_have_probes`), and without ``begin`` for a probe with
    parameters.
    """
    if not can_have_probes(code):
        raise ValueError(f"{code.co_qualname} can be suspended, or is no function")
    return _Copy(code, line, begin, made, constants or {}, nested or {}).copied()


class _Piece:
    """Some bytes of the copy that have one place.

    A jump knows where it leads to, as (number of an instruction, whether to its probe), and gets its bytes when it
    is known how far that is.
    """

    __slots__ = ("data", "extended", "op", "place", "target")

    def __init__(self, data: bytes, place: Position) -> None:
        self.data = data
        self.place = place
        self.op = 0
        self.target: tuple[int, bool] | None = None
        self.extended = 0

    @classmethod
    def jump(cls, op: int, target: tuple[int, bool], place: Position) -> _Piece:
        piece = cls(encoded(op, 0), place)
        piece.op, piece.target = op, target
        return piece

    def lead(self, distance: int) -> bool:
        """Make a jump one over so many units; say whether it takes more room for that."""
        before = len(self.data)
        self.extended = max(self.extended, extended_args(distance))
        self.data = encoded(self.op, distance, self.extended)
        return len(self.data) != before


class _Copy:
    """A copy of a code object under construction."""

    def __init__(
        self,
        code: CodeType,
        line: Probe,
        begin: Callable[[tuple[int, ...]], tuple[Any, ...]] | None,
        made: Callable[[FunctionType], object] | None,
        constants: Mapping[str, Any],
        nested: Mapping[int, CodeType],
    ) -> None:
        if line._parameters and begin is None:
            raise ValueError(f"nothing gives {', '.join(line._parameters)} a value; see `begin`")
        self.code = code
        self.line, self.begin, self.on_made = line, begin, made
        self.given = constants
        self.nested = nested
        self.consts: list[Any] = [nested.get(id(const), const) for const in code.co_consts]
        self.added: dict[tuple[str, Any], int] = {}  # (name, or type and value of a constant) → its number
        self.names = list(code.co_names)
        self.variables: dict[str, int] = {}
        # The least argument of an instruction for variables that may name a cell; those for two have two in it.
        self.least = min(code.co_nlocals, 16)
        self.instructions = instructions_of(code)
        places = list(code.co_positions())
        self.places: list[Position] = [places[last] for _, _, _, last in self.instructions]
        self.numbers = {first: number for number, (_, _, first, _) in enumerate(self.instructions)}
        self.pieces: list[_Piece] = []
        self.lines: list[int] = []
        # (number of an instruction, whether its probe) → the piece that it begins with
        self.begins: dict[tuple[int, bool], int] = {}

    def copied(self) -> CodeType:
        handlers = self._handlers()
        targets = self._targets()
        probed = {number for number, probes in targets.values() if probes}
        probed.update(number for _, _, (number, probes), _ in handlers if probes)
        led_to = {number for number, _ in targets.values()} | {number for _, _, (number, _), _ in handlers}
        # Whether each instruction follows one from which LINE is fired on the way.
        passes = [self._passes(number, number in led_to) for number in range(len(self.instructions))]
        self.lines = sorted(
            {self.places[number][0] or 0 for number in probed}
            | {self.places[number][0] or 0 for number, fires in enumerate(passes) if fires}
        )
        owned = [f"{self.line._own}.{number}" for number in self.lines] if self.line._own != "." else []
        for name in (*self.line._names, *owned):
            self.variables[name] = self.code.co_nlocals + len(self.variables)
        for number, fires in enumerate(passes):
            self._add(number, targets.get(number), fires, number in probed)
        self.begins[len(self.instructions), False] = len(self.pieces)
        offsets = self._lay_out()
        code = self.code
        return code.replace(
            co_code=b"".join(piece.data for piece in self.pieces),
            co_consts=tuple(self.consts),
            co_names=tuple(self.names),
            co_exceptiontable=self._exception_table(handlers, offsets),
            co_linetable=encode_linetable(
                (piece.place for piece in self.pieces for _ in range(0, len(piece.data), 2)),
                code.co_firstlineno,
            ),
            co_nlocals=code.co_nlocals + len(self.variables),
            co_stacksize=code.co_stacksize + max(self.line._depth, len(self.variables), 3),
            co_varnames=(*code.co_varnames, *self.variables),
        )

    # Ways.

    def _fires(self, number: int, following: int) -> bool:
        """Whether LINE is fired on the way from an instruction to another."""
        line = self.places[following][0]
        return line is not None and line != self.places[number][0]

    def _targets(self) -> dict[int, tuple[int, bool]]:
        """Jump → (where it leads to, whether to the probe)."""
        found: dict[int, tuple[int, bool]] = {}
        for number, (op, argument, _, last) in enumerate(self.instructions):
            if op in JUMPS:
                after = last + 1 + CACHES[op]
                target = self.numbers[after - argument if op in BACKWARD else after + argument]
                found[number] = target, self._may_have(target) and self._fires(number, target)
        return found

    def _passes(self, number: int, is_led_to: bool) -> bool:
        """Whether LINE is fired on the way from the instruction before. CPython goes by what comes before it in the
        code, and overlooks some of that; so a line may be missed after a loop."""
        before = number - 1
        if not self._comes_after(before) or not self._may_have(number) or not self._fires(before, number):
            return False
        while before >= 0 and self.instructions[before][0] in _NEVER:
            before -= 1
        return is_led_to or before < 0 or self.places[before][0] != self.places[number][0]

    def _comes_after(self, number: int) -> bool:
        """Whether the next instruction may be reached from an instruction."""
        return number >= 0 and self.instructions[number][0] not in ENDS

    def _may_have(self, number: int) -> bool:
        """Whether there may be a probe before an instruction: not where a function begins, nor where FOR_ITER
        leaves, as it skips some."""
        op = self.instructions[number][0]
        return op not in _NEVER and not (number and self.instructions[number - 1][0] == _END_FOR)

    def _handlers(self) -> list[Handler]:
        found: list[Handler] = []
        count = len(self.instructions)
        for first, end, handler, detail in exception_entries(self.code.co_exceptiontable):
            target = self.numbers[handler]
            covered = range(self.numbers[first], self.numbers.get(end, count))
            for fires, group in groupby(covered, key=lambda number: self._fires(number, target)):
                numbers = list(group)
                found.append((numbers[0], numbers[-1] + 1, (target, fires), detail))
        return found

    # Pieces.

    def _add(self, number: int, target: tuple[int, bool] | None, passes: bool, probed: bool) -> None:
        """Append an instruction of the code, with what comes before and after it."""
        op, argument, first, last = self.instructions[number]
        place = self.places[number]
        before = number - 1
        if probed or passes:
            if self._comes_after(before) and not passes:
                self.pieces.append(_Piece.jump(_FORWARD, (number, False), self.places[before]))
            self.begins[number, True] = len(self.pieces)
            self.pieces.append(_Piece(self._probe(place), place))
        self.begins[number, False] = len(self.pieces)
        if target is not None:
            self.pieces.append(_Piece.jump(op, target, place))
        elif op in VARIABLES and argument >= self.least:
            self.pieces += [_Piece(encoded(*each), place) for each in self._shifted(op, argument)]
        else:
            self.pieces.append(_Piece(self.code.co_code[2 * first : 2 * (last + 1 + CACHES[op])], place))
        if op == _RESUME and self.begin is not None:
            self.pieces.append(_Piece(self._beginning(self.begin), NOWHERE))
        elif self.on_made is not None and self._makes(number):
            copied = encoded(_LOAD_CONST, self._constant(("<made>", None), self.on_made)) + encoded(
                _PUSH_NULL, 0
            )
            call = encoded(_COPY, 3) + encoded(_CALL, 1) + encoded(_POP_TOP, 0)
            self.pieces.append(_Piece(copied + call, place))

    def _makes(self, number: int) -> bool:
        """Whether a function of one of the nested codes has been made, with all that belongs to it."""
        instructions = self.instructions
        if number + 1 < len(instructions) and instructions[number + 1][0] == _SET_FUNCTION_ATTRIBUTE:
            return False
        while instructions[number][0] == _SET_FUNCTION_ATTRIBUTE:
            number -= 1
        if instructions[number][0] != _MAKE_FUNCTION:
            return False
        return id(self.code.co_consts[instructions[number - 1][1]]) in self.nested

    def _shifted(self, op: int, argument: int) -> list[tuple[int, int]]:
        """An instruction with the numbers of variables as they are in the copy: those of cells come after all
        others."""
        count, more = self.code.co_nlocals, len(self.variables)
        if op not in PAIRS:
            return [(op, argument + more if argument >= count else argument)]
        both = argument >> 4, argument & 15
        if max(both) < count:
            return [(op, argument)]
        return [
            (each, variable + more if variable >= count else variable)
            for each, variable in zip(PAIRS[op], both, strict=True)
        ]

    def _beginning(self, begin: Callable[..., object]) -> bytes:
        """The call of `begin`, whose answer becomes variables."""
        lines = tuple(self.lines)
        names = [*self.line._parameters]
        if self.line._own != ".":
            names += [f"{self.line._own}.{number}" for number in lines]
        data = encoded(_LOAD_CONST, self._constant(("<begin>", None), begin)) + encoded(_PUSH_NULL, 0)
        data += encoded(_LOAD_CONST, self._constant(("<lines>", None), lines)) + encoded(_CALL, 1)
        data += encoded(_UNPACK_SEQUENCE, len(names))
        return data + b"".join(encoded(_STORE_FAST, self.variables[name]) for name in names)

    def _probe(self, place: Position) -> bytes:
        data = b""
        line = place[0]
        for op, argument, detail in self.line._steps:
            number = argument or 0
            match detail:
                case Constant(name="LINE"):
                    number = self._constant(("LINE", line), line)
                case Constant(name="", value=value):
                    number = self._constant((type(value).__name__, value), value)
                case Constant(name=name, value=value):
                    number = self._constant((name, None), self.given.get(name, value))
                case Attribute(name=name):
                    if name not in self.names:
                        self.names.append(name)
                    index = self.names.index(name)
                    number = index << 1 | number if op == LOAD_ATTR else index
                case str(name):
                    number = self.variables[f"{name}.{line}" if name == self.line._own else name]
            data += encoded(op, number)
        return data

    def _constant(self, key: tuple[str, Any], value: Any) -> int:
        """The number of a constant that is added."""
        number = self.added.get(key)
        if number is None:
            number = self.added[key] = len(self.consts)
            self.consts.append(value)
        return number

    # Bytes.

    def _lay_out(self) -> list[int]:
        """The offset of each piece and of the end, in units. Jumps only ever grow, so this comes to rest."""
        jumps = [(number, piece) for number, piece in enumerate(self.pieces) if piece.target is not None]
        while True:
            offsets = [0]
            for piece in self.pieces:
                offsets.append(offsets[-1] + len(piece.data) // 2)
            grown = [
                piece.lead(abs(offsets[self.begins[piece.target]] - offsets[number + 1]))  # type: ignore[index]
                for number, piece in jumps
            ]
            if True not in grown:
                return offsets

    def _exception_table(self, handlers: list[Handler], offsets: list[int]) -> bytes:
        # What an instruction's probe raises is as if the instruction did.
        begins = {number: offsets[piece] for (number, probed), piece in self.begins.items() if not probed}
        begins |= {number: offsets[piece] for (number, probed), piece in self.begins.items() if probed}
        return exception_table(
            (begins[first], begins[end], offsets[self.begins[handler]], detail)
            for first, end, handler, detail in handlers
        )
