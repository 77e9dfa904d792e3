"""Codec for CPython's ``co_linetable``: from the positions of code units to bytes, and back.

A line table gives every code unit (2 bytes of bytecode) of a code object its position in the source. It is a
sequence of entries. An entry covers 1 to 8 code units and has one of five forms:

    byte 0                 1 kkkk nnn      k: kind, n: units covered - 1; only this byte has its high bit set
    kind 0..9   short      line +0, one line; column = 8*k + bits 4..6 of byte 1, width = bits 0..3 of byte 1
    kind 10..12 one line   line +(k-10), one line; byte 1 = column, byte 2 = end column (both < 128)
    kind 13     no column  line +svarint, one line, columns None
    kind 14     long       line +svarint, end line +varint, then column + 1 and end column + 1 as varints (0: None)
    kind 15     none       no position; the line to which the next entry is relative does not change

Lines are relative to the line of the previous entry, the first to ``co_firstlineno``. A varint is little endian in
6-bit chunks, with bit 6 set on all but the last; an svarint has its sign in bit 0.

Rule: the encoder uses the first form in this list that can represent the position, as CPython's assembler does. For
the whole standard library its tables are identical to those of the compiler.

Source: CPython ``InternalDocs/code_objects.md`` (which omits the ``+ 1`` of the long form),
``Python/assemble.c`` and ``Objects/codeobject.c``.
"""

from __future__ import annotations

import functools
import re
import types
from collections.abc import Iterable, Iterator
from itertools import repeat

__all__ = [
    "Position",
    "decode_linetable",
    "encode_linetable",
    "iter_lines",
    "iter_runs",
    "without_line",
    "without_resume_line",
]

type Position = tuple[int | None, int | None, int | None, int | None]
"""``(line, end_line, column, end_column)`` as in ``code.co_positions()``: lines from 1, columns in UTF-8 bytes from
0, the end column exclusive, ``None`` if unknown."""

NOWHERE: Position = (None, None, None, None)

_ONE_LINE = 10
_NO_COLUMN = 13
_LONG = 14
_NONE = 15
_MAX_UNITS = 8  # units of an entry: 3 bits contain the number minus one
_ENTRY = re.compile(rb"[\x80-\xff][\x00-\x7f]*")


def encode_linetable(positions: Iterable[Position], firstlineno: int) -> bytes:
    """Return the ``co_linetable`` for ``positions``, one per code unit (including inline cache units).

    ``firstlineno`` is the ``co_firstlineno`` of the code object. Equal adjacent positions share an entry. A
    position whose line is None must be None throughout. An end line of None means ``line``.

    Raises ValueError for a position that the format cannot represent: a negative number, an end line before the
    line, or an end line or column without a line.
    """
    return _encode_runs(_merge(positions), firstlineno)


def decode_linetable(data: bytes, firstlineno: int) -> list[Position]:
    """Return the position of every code unit of a line table, as ``code.co_positions()`` does.

    ``data`` is a ``co_linetable``, ``firstlineno`` the ``co_firstlineno`` of its code object. Raises ValueError if
    ``data`` is not a line table.
    """
    positions: list[Position] = []
    for units, position in iter_runs(data, firstlineno):
        positions.extend(repeat(position, units))
    return positions


def iter_runs(data: bytes, firstlineno: int) -> Iterator[tuple[int, Position]]:
    """Yield ``(units, position)`` for each entry of a line table, in order; ``units`` is 1 to 8.

    Raises ValueError when it reaches bytes that are not an entry.
    """
    for units, position, _line, _index in _entries(data, firstlineno):
        yield units, position


def iter_lines(code: types.CodeType) -> Iterator[tuple[int, int, int]]:
    """Yield ``(start, end, line)`` as ``code.co_lines()`` does, with offsets in bytes, for code on the function's
    lines: without code that has no line, and without the RESUME that `without_line` puts before the first line."""
    first = code.co_firstlineno
    for start, end, line in code.co_lines():
        if line is not None and line >= first:
            yield start, end, line


def without_resume_line(code: types.CodeType) -> types.CodeType:
    """Return ``code`` without a position for its first RESUME.

    The compiler puts RESUME on ``co_firstlineno``, and ``sys.monitoring`` fires no LINE event for code that
    follows on the same line (``initialize_lines`` in CPython's ``Python/instrumentation.c`` treats the line
    as started, and skips RESUME itself). If the body of a function begins on its first line, that line would
    never be reported. This is rare in Python source, but the rule in other languages.

    Only the first entries of the table are rewritten. Code without a RESUME, or whose RESUME has no position, is
    returned unchanged. ``frame.f_lineno`` is None while a frame is at that RESUME; ``sys.settrace`` functions see
    that in the 'call' event.
    """
    resume = _resume_unit(code.co_code)
    if resume is None:
        return code
    head: list[tuple[int, Position]] = []
    unit = 0  # units covered by head
    new_line = code.co_firstlineno  # the line of the last new entry
    tail = len(code.co_linetable)  # the start of the unchanged rest of the table
    for units, position, line, end in _entries(code.co_linetable, code.co_firstlineno):
        runs = [(units, position)]
        if unit <= resume < unit + units:
            if position == NOWHERE:
                return code
            before, after = resume - unit, unit + units - resume - 1
            runs = [(n, p) for n, p in ((before, position), (1, NOWHERE), (after, position)) if n]
        head += runs
        unit += units
        for _units, run_position in runs:
            if run_position[0] is not None:
                new_line = run_position[0]
        # The rest is relative to the line of the last entry, so stop once both tables are on the same line again.
        if unit > resume and new_line == line:
            tail = end
            break
    return code.replace(co_linetable=_encode_runs(head, code.co_firstlineno) + code.co_linetable[tail:])


def without_line(code: types.CodeType, line: int, firstlineno: int) -> types.CodeType:
    """Return ``code`` without positions for code on ``line`` or after it, and with another ``co_firstlineno``.

    For a compiler that generates code which belongs to no line of the source. The AST cannot express that: code
    without a position gets that of its predecessor, and CPython 3.13.0 duplicates such code where several
    paths meet (``duplicate_exits_without_lineno`` in ``Python/flowgraph.c``). The compiler therefore uses a
    line that the source does not have, ``line``, and this function removes it. A function whose ``def`` is on
    that line has its RESUME there too, which avoids the problem described for `without_resume_line`.

    LINE is fired when the line changes. Code without a position in the middle of a line would make that line fire
    twice. Two rules prevent this. Code on ``line`` between two parts on the same line gets that line; code on
    a later line than ``line`` does not. The first instruction of an exception handler, which has no position
    from the compiler, gets that of the next instruction.

    Debuggers based on ``sys.settrace`` expect ``frame.f_lineno`` to be a number in every event; PyCharm's
    fails with a TypeError. RESUME therefore gets the line before ``firstlineno`` (0 if that is 1, as the
    compiler does in a module): it fires no LINE event, and the function has no code on that line. No other
    line is possible, because from Python 3.14 on the lines of instrumented code are stored relative to
    ``firstlineno`` - 1. A generator that is suspended before its first line is on that line as well. If code
    that leaves the function has no position anyway, RESUME has none either: such a debugger then fails at the
    call and ignores the function, where it would otherwise make the program fail later.

    Takes about 0.2 us per entry: entries that do not change are copied.
    """
    table, leaves_nowhere = _without_line(code, line, firstlineno, resumes_nowhere=False)
    if leaves_nowhere:
        table, _ = _without_line(code, line, firstlineno, resumes_nowhere=True)
    return code.replace(co_linetable=table, co_firstlineno=firstlineno)


def _without_line(
    code: types.CodeType, line: int, firstlineno: int, *, resumes_nowhere: bool
) -> tuple[bytes, bool]:
    """Return the table of `without_line`, with or without a position for RESUME, and whether code that leaves the
    function has none."""
    co_code = code.co_code
    out = bytearray()
    current = code.co_firstlineno  # the line of the original table
    new_line = firstlineno  # the line of the new table
    last_line: int | None = None  # the line of the last entry with a position
    skipped = 0  # the units after it, which have none
    joins = True  # whether these may get a line
    leaves_nowhere = False
    resume = None if resumes_nowhere else _resume_unit(co_code)
    unit = 0
    for entry in _ENTRY.findall(code.co_linetable):
        kind = entry[0] >> 3 & 15
        units = (entry[0] & 7) + 1
        before = current
        if _ONE_LINE <= kind < _NO_COLUMN:
            current += kind - _ONE_LINE
        elif _NO_COLUMN <= kind < _NONE:
            delta, _ = _varint(entry, 1)
            current += -(delta >> 1) if delta & 1 else delta >> 1
        unit += units
        if current >= line or kind == _NONE:
            joins = joins and current <= line
            skipped += units
            if last_line is None and resume is not None and unit - units <= resume < unit:
                _put_nowhere(out, resume)
                _put_on_line(out, 1, firstlineno - 1, new_line)
                new_line = firstlineno - 1
                skipped = unit - resume - 1
            continue
        if skipped:
            opcodes = co_code[2 * (unit - units - skipped) : 2 * (unit - units) : 2]
            if joins and last_line == current:
                _put_on_line(out, skipped, current, new_line)
            elif joins and last_line is None and (pause := opcodes.find(_opcode("YIELD_VALUE"))) >= 0:
                _put_nowhere(out, pause)
                _put_on_line(out, skipped - pause, current, new_line)
                new_line = current
            else:
                leaves_nowhere = leaves_nowhere or not _leaving().isdisjoint(opcodes)
                begins_handler = opcodes[-1] == _opcode("PUSH_EXC_INFO")
                _put_nowhere(out, skipped - begins_handler)
                if begins_handler:
                    _put_on_line(out, 1, current, new_line)
                    new_line = current
            skipped = 0
            joins = True
        last_line = current
        if before == new_line:
            out += entry
        else:
            ((_, position),) = iter_runs(entry, before)
            _encode_entry(out, units, position, new_line)
        new_line = current
    leaves_nowhere = leaves_nowhere or not _leaving().isdisjoint(co_code[2 * (unit - skipped) :: 2])
    _put_nowhere(out, skipped)
    return bytes(out), leaves_nowhere


def _put_nowhere(out: bytearray, units: int) -> None:
    """Append entries for units without a position."""
    while units > 0:
        out.append(0x80 | _NONE << 3 | min(units, _MAX_UNITS) - 1)
        units -= _MAX_UNITS


def _put_on_line(out: bytearray, units: int, line: int, previous: int) -> None:
    """Append entries for units on a line, without columns."""
    while units > 0:
        _encode_entry(out, min(units, _MAX_UNITS), (line, line, None, None), previous)
        previous = line
        units -= _MAX_UNITS


@functools.cache
def _opcode(name: str) -> int:
    from opcode import opmap  # not at the top: it takes longer to import than the rest of this module

    return opmap[name]


@functools.cache
def _leaving() -> frozenset[int]:
    """The opcodes that leave a function, which ``sys.settrace`` reports as 'return'."""
    from opcode import opmap

    return frozenset(opmap[name] for name in ("RETURN_VALUE", "RETURN_CONST", "YIELD_VALUE") if name in opmap)


def _resume_unit(co_code: bytes) -> int | None:
    """Return the unit of the first RESUME, at the start of a function (those of a generator follow its yields)."""
    resume = _opcode("RESUME")
    offset = co_code.find(resume)
    while offset >= 0 and offset % 2:  # an odd byte is an argument
        offset = co_code.find(resume, offset + 1)
    return None if offset < 0 else offset // 2


def _merge(positions: Iterable[Position]) -> Iterator[tuple[int, Position]]:
    """Group the positions of single units into ``(units, position)`` runs of equal neighbours."""
    current: Position | None = None
    units = 0
    for position in positions:
        if position == current:
            units += 1
            continue
        if current is not None:
            yield units, current
        current, units = position, 1
    if current is not None:
        yield units, current


def _encode_runs(runs: Iterable[tuple[int, Position]], firstlineno: int) -> bytes:
    out = bytearray()
    line = firstlineno
    for units, position in runs:
        while units > 0:
            covered = min(units, _MAX_UNITS)
            _encode_entry(out, covered, position, line)
            if position[0] is not None:
                line = position[0]
            units -= covered
    return bytes(out)


def _encode_entry(out: bytearray, units: int, position: Position, previous: int) -> None:
    line, end_line, column, end_column = position
    low = 0x80 | (units - 1)
    if line is None:
        if position != NOWHERE:
            raise ValueError(f"a position without a line cannot have {position[1:]!r}")
        out.append(low | _NONE << 3)
        return
    if end_line is None:
        end_line = line
    if end_line < line or line < 0 or (column or 0) < 0 or (end_column or 0) < 0:
        raise ValueError(f"a line table cannot hold the position {position!r}")
    delta = line - previous
    if end_line == line:
        if column is None and end_column is None:
            out.append(low | _NO_COLUMN << 3)
            _put_svarint(out, delta)
            return
        if column is not None and end_column is not None:
            width = end_column - column
            if delta == 0 and column < 80 and 0 <= width < 16:
                out += bytes((low | (column >> 3) << 3, (column & 7) << 4 | width))
                return
            if 0 <= delta < 3 and column < 128 and end_column < 128:
                out += bytes((low | (_ONE_LINE + delta) << 3, column, end_column))
                return
    out.append(low | _LONG << 3)
    _put_svarint(out, delta)
    _put_varint(out, end_line - line)
    _put_varint(out, 0 if column is None else column + 1)
    _put_varint(out, 0 if end_column is None else end_column + 1)


def _put_varint(out: bytearray, value: int) -> None:
    while value >= 64:
        out.append(0x40 | value & 0x3F)
        value >>= 6
    out.append(value)


def _put_svarint(out: bytearray, value: int) -> None:
    _put_varint(out, -value << 1 | 1 if value < 0 else value << 1)


def _entries(data: bytes, firstlineno: int) -> Iterator[tuple[int, Position, int, int]]:
    """Yield ``(units, position, line, index)``; the line is that to which the next entry is relative, and the index
    is where it begins."""
    line = firstlineno
    index = 0
    try:
        while index < len(data):
            first = data[index]
            if not first & 0x80:
                raise ValueError(f"no line table entry begins at byte {index}: {first:#04x}")
            units = (first & 7) + 1
            kind = first >> 3 & 15
            index += 1
            position: Position
            if kind < _ONE_LINE:
                second = data[index]
                index += 1
                column = kind << 3 | second >> 4
                position = (line, line, column, column + (second & 15))
            elif kind < _NO_COLUMN:
                line += kind - _ONE_LINE
                position = (line, line, data[index], data[index + 1])
                index += 2
            elif kind == _NONE:
                position = NOWHERE
            else:
                delta, index = _varint(data, index)
                line += -(delta >> 1) if delta & 1 else delta >> 1
                if kind == _NO_COLUMN:
                    position = (line, line, None, None)
                else:
                    span, index = _varint(data, index)
                    start, index = _varint(data, index)
                    end, index = _varint(data, index)
                    position = (line, line + span, start - 1 if start else None, end - 1 if end else None)
            yield units, position, line, index
    except IndexError:
        raise ValueError(f"the line table ends inside an entry, after {len(data)} bytes") from None


def _varint(data: bytes, index: int) -> tuple[int, int]:
    """Return the varint at ``index``, and the index after it."""
    value = shift = 0
    while True:
        chunk = data[index]
        if chunk & 0x80:
            raise ValueError(f"a line table entry begins inside another, at byte {index}")
        index += 1
        value |= (chunk & 0x3F) << shift
        if not chunk & 0x40:
            return value, index
        shift += 6
