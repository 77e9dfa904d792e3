"""CPython's bytecode as instructions, and back.

Rule: what differs between versions is taken from `opcode` and `dis`. Sizes and offsets are in code units (2 bytes).

Source: CPython's ``Lib/dis.py``, ``InternalDocs/exception_handling.md`` (the exception table).
"""

from __future__ import annotations

import dis
import re
from collections.abc import Iterable, Iterator
from opcode import opmap, opname
from types import CodeType

EXTENDED_ARG = opmap["EXTENDED_ARG"]


def caches_of(name: str) -> int:
    """The inline cache units after an instruction, from ``dis``: they differ between versions."""
    entries: dict[str, dict[str, int]] = dis._cache_format  # type: ignore[attr-defined]
    return sum(entries.get(name, {}).values())


_REAL = range(256)
CACHES = [caches_of(name) for name in opname[:256]]
"""Opcode → inline cache units after it."""
JUMPS = frozenset(op for op in dis.hasjrel if op in _REAL)
BACKWARD = frozenset(op for op in JUMPS if "BACKWARD" in opname[op])
VARIABLES = frozenset(op for op in (*dis.haslocal, *dis.hasfree) if op in _REAL)
"""Opcodes whose argument is the number of a variable: local, cell or free."""
PAIRS = {
    op: tuple(opmap[name] for name in parts)
    for op in VARIABLES
    if len(parts := re.findall("(?:LOAD|STORE)_FAST(?:_BORROW)?", opname[op])) == 2
}
"""Opcodes for two variables at once → those for one each. The argument has the two in four bits each."""
ENDS = BACKWARD | {
    opmap[name]
    for name in ("RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE", "JUMP_FORWARD")
    if name in opmap
}
"""Opcodes after which the next instruction is not reached."""

type Instruction = tuple[int, int, int, int]
"""Opcode, argument, unit at which its EXTENDED_ARGs begin, unit of the opcode."""
type Entry = tuple[int, int, int, int]
"""Of an exception table: first unit, the one after the last, unit of the handler; then the stack's depth there and
``lasti`` in one number, as they stand."""


def instructions_of(code: CodeType) -> list[Instruction]:
    """The instructions of a code object, without EXTENDED_ARGs of their own."""
    found: list[Instruction] = []
    data = code.co_code
    unit = first = argument = 0
    units = len(data) // 2
    while unit < units:
        op = data[2 * unit]
        argument = argument << 8 | data[2 * unit + 1]
        if op == EXTENDED_ARG:
            unit += 1
            continue
        found.append((op, argument, first, unit))
        unit += 1 + CACHES[op]
        first, argument = unit, 0
    return found


def extended_args(argument: int) -> int:
    """How many EXTENDED_ARGs an argument needs."""
    return (argument.bit_length() - 1) // 8 if argument > 255 else 0


def encoded(op: int, argument: int, extended: int = 0) -> bytes:
    """The bytes of an instruction with at least so many EXTENDED_ARGs, and its caches."""
    extended = max(extended, extended_args(argument))
    prefix = b"".join(bytes((EXTENDED_ARG, argument >> 8 * n & 255)) for n in range(extended, 0, -1))
    return prefix + bytes((op, argument & 255)) + bytes(2 * CACHES[op])


def exception_entries(table: bytes) -> Iterator[Entry]:
    """The entries of a ``co_exceptiontable``."""
    values: list[int] = []
    value = 0
    for byte in table:
        value = value << 6 | byte & 63
        if not byte & 64:
            values.append(value)
            value = 0
    for number in range(0, len(values), 4):
        first, size, handler, detail = values[number : number + 4]
        yield first, first + size, handler, detail


def exception_table(entries: Iterable[Entry]) -> bytes:
    """The ``co_exceptiontable`` with such entries, which are in order and do not overlap."""
    out = bytearray()
    for first, end, handler, detail in entries:
        begins = len(out)
        for value in (first, end - first, handler, detail):
            _put_varint(out, value)
        out[begins] |= 128  # marks where an entry begins
    return bytes(out)


def _put_varint(out: bytearray, value: int) -> None:
    """Append a number in chunks of 6 bits, the highest first; bit 6 is set on all but the last."""
    chunks = [value & 63]
    while value := value >> 6:
        chunks.append(64 | value & 63)
    out += bytes(reversed(chunks))
