"""Codec for CPython's ``co_linetable``: positions of code units to bytes, and back.

A line table gives every code unit (2 bytes of bytecode) of a code object its place in the source. It is a run
of entries; an entry covers 1 to 8 code units and has one of five forms:

    byte 0                 1 kkkk nnn      k: kind, n: units covered - 1; only this byte has its high bit set
    kind 0..9   short      line +0, one line; column = 8*k + bits 4..6 of byte 1, width = bits 0..3 of byte 1
    kind 10..12 one line   line +(k-10), one line; byte 1 = column, byte 2 = end column (both < 128)
    kind 13     no column  line +svarint, one line, columns None
    kind 14     long       line +svarint, end line +varint, then column + 1 and end column + 1 as varints (0: None)
    kind 15     none       no place at all; the line the next entry counts from stays as it was

Lines are differences to the line of the entry before, the first to ``co_firstlineno``. A varint is little
endian in 6-bit chunks, bit 6 set on all but the last; an svarint has its sign in bit 0.

Rule: the encoder picks the first form of that list that can hold the position, as CPython's assembler does. For
the whole standard library its tables are the compiler's, byte for byte.

Source: CPython ``InternalDocs/code_objects.md`` (which leaves out the ``+ 1`` of the long form),
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
"""``(line, end_line, column, end_column)``, as ``code.co_positions()`` gives it: lines from 1, columns in
UTF-8 bytes from 0, the end column exclusive, ``None`` where nothing is known."""

NOWHERE: Position = (None, None, None, None)

_ONE_LINE = 10
_NO_COLUMN = 13
_LONG = 14
_NONE = 15
_MAX_UNITS = 8  # units an entry can cover: 3 bits hold the count less one
_ENTRY = re.compile(rb"[\x80-\xff][\x00-\x7f]*")


def encode_linetable(positions: Iterable[Position], firstlineno: int) -> bytes:
    """Return the ``co_linetable`` for ``positions``, one per code unit (inline cache units count too).

    ``firstlineno`` is the ``co_firstlineno`` the code object will have. Equal neighbours share an entry. A
    position whose line is None has no place; its other three must be None then. An end line of None means the
    line itself.

    Raises ValueError for a position the format cannot hold: a negative number, an end line before the line,
    or an end line or column without a line.
    """
    return _encode_runs(_merge(positions), firstlineno)


def decode_linetable(data: bytes, firstlineno: int) -> list[Position]:
    """Return the position of every code unit of a line table: what ``code.co_positions()`` gives for the
    table.

    ``data`` is a ``co_linetable``, ``firstlineno`` the ``co_firstlineno`` beside it. Raises ValueError if
    ``data`` is not a line table.
    """
    positions: list[Position] = []
    for units, position in iter_runs(data, firstlineno):
        positions.extend(repeat(position, units))
    return positions


def iter_runs(data: bytes, firstlineno: int) -> Iterator[tuple[int, Position]]:
    """Yield ``(units, position)`` for each entry of a line table, in order; ``units`` is 1 to 8.

    Raises ValueError, when it gets there, at bytes that are not an entry.
    """
    for units, position, _line, _index in _entries(data, firstlineno):
        yield units, position


def iter_lines(code: types.CodeType) -> Iterator[tuple[int, int, int]]:
    """Yield what ``code.co_lines()`` does, ``(start, end, line)`` with offsets in bytes, but only of code that is
    on a line of the function: not where `without_line` put RESUME."""
    first = code.co_firstlineno
    for start, end, line in code.co_lines():
        if line is not None and line >= first:
            yield start, end, line


def without_resume_line(code: types.CodeType) -> types.CodeType:
    """Return ``code`` with no place given to the RESUME it starts with; everything else stays as it is.

    The compiler puts RESUME on ``co_firstlineno``, and ``sys.monitoring`` fires no LINE event for code that
    follows on that same line (``initialize_lines`` in CPython's ``Python/instrumentation.c`` takes the line
    as begun and skips RESUME itself). For a function whose body begins on its first line, which Python source
    hardly ever has but other languages always have, that line would never be reported.

    Only the first entries of the table are read and written again. Code without a RESUME, or whose RESUME has
    no place already, is returned unchanged. Note that ``frame.f_lineno`` is None while a frame stands on that
    RESUME, which is where a ``sys.settrace`` function sees it in its 'call' event.
    """
    resume = _resume_unit(code.co_code)
    if resume is None:
        return code
    head: list[tuple[int, Position]] = []
    unit = 0  # units covered by head
    kept_line = code.co_firstlineno  # the line the new entries leave the table on
    rest = len(code.co_linetable)  # where the part begins that is kept as it is
    for units, position, line, end in _entries(code.co_linetable, code.co_firstlineno):
        pieces = [(units, position)]
        if unit <= resume < unit + units:
            if position == NOWHERE:
                return code
            before, after = resume - unit, unit + units - resume - 1
            pieces = [(n, p) for n, p in ((before, position), (1, NOWHERE), (after, position)) if n]
        head += pieces
        unit += units
        for _units, placed in pieces:
            if placed[0] is not None:
                kept_line = placed[0]
        # The untouched rest counts its first line from ours, so stop where the two agree again.
        if unit > resume and kept_line == line:
            rest = end
            break
    return code.replace(co_linetable=_encode_runs(head, code.co_firstlineno) + code.co_linetable[rest:])


def without_line(code: types.CodeType, line: int, firstlineno: int) -> types.CodeType:
    """Return ``code`` with no place given to what is on ``line`` or after it, and with another
    ``co_firstlineno``.

    For a compiler that generates code which belongs to no line of the source. The AST has no way to say that:
    code given no place takes its predecessor's, and CPython 3.13.0 runs such code twice where several paths
    meet at it (``duplicate_exits_without_lineno`` in ``Python/flowgraph.c``). So it is given a line that the
    source does not have, ``line``, and loses it here. A function whose ``def`` is on that line has its RESUME
    there too, and is spared the trouble that `without_resume_line` tells of.

    LINE is fired where the line changes, so code without a place on the way from a line to that line would make
    it count as reached twice. Two things are done about it. Code on ``line`` between two stretches of code on one
    line is given that line; what is on a later line than ``line`` is not. And the instruction that begins an
    exception handler, to which the compiler gives no place, is given that of the one after it.

    Debuggers that work by ``sys.settrace`` count on ``frame.f_lineno`` being a number in every event; PyCharm's
    fails with a TypeError. So RESUME gets the line before ``firstlineno`` (0 where that is 1, as the compiler does
    in a module): it fires no LINE event, and none of the function's lines is that one. A line further off is not
    possible, as from Python 3.14 on instrumented code has its lines as distances from ``firstlineno`` - 1. A
    generator that pauses before its first line does so on that line. Where code that leaves the function has no
    place all the same, RESUME has none either: such a debugger fails at the call then, and lets the function go by,
    where it would make the program fail later.

    Takes about 0.2 us an entry: places that are kept are copied as they are.
    """
    table, leaves_nowhere = _without_line(code, line, firstlineno, resumes_nowhere=False)
    if leaves_nowhere:
        table, _ = _without_line(code, line, firstlineno, resumes_nowhere=True)
    return code.replace(co_linetable=table, co_firstlineno=firstlineno)


def _without_line(
    code: types.CodeType, line: int, firstlineno: int, *, resumes_nowhere: bool
) -> tuple[bytes, bool]:
    """The table of `without_line`, with or without a place for RESUME, and whether code that leaves has none."""
    co_code = code.co_code
    out = bytearray()
    current = code.co_firstlineno  # the line the table is on
    kept = firstlineno  # the line the new table is on
    placed: int | None = None  # the line of the last entry that has one
    without = 0  # the units after it, which have none
    joins = True  # whether those may be given a line
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
            without += units
            if placed is None and resume is not None and unit - units <= resume < unit:
                _put_nowhere(out, resume)
                _put_on_line(out, 1, firstlineno - 1, kept)
                kept = firstlineno - 1
                without = unit - resume - 1
            continue
        if without:
            opcodes = co_code[2 * (unit - units - without) : 2 * (unit - units) : 2]
            if joins and placed == current:
                _put_on_line(out, without, current, kept)
            elif joins and placed is None and (pause := opcodes.find(_opcode("YIELD_VALUE"))) >= 0:
                _put_nowhere(out, pause)
                _put_on_line(out, without - pause, current, kept)
                kept = current
            else:
                leaves_nowhere = leaves_nowhere or not _leaving().isdisjoint(opcodes)
                begins_handler = opcodes[-1] == _opcode("PUSH_EXC_INFO")
                _put_nowhere(out, without - begins_handler)
                if begins_handler:
                    _put_on_line(out, 1, current, kept)
                    kept = current
            without = 0
            joins = True
        placed = current
        if before == kept:
            out += entry
        else:
            ((_, position),) = iter_runs(entry, before)
            _encode_entry(out, units, position, kept)
        kept = current
    leaves_nowhere = leaves_nowhere or not _leaving().isdisjoint(co_code[2 * (unit - without) :: 2])
    _put_nowhere(out, without)
    return bytes(out), leaves_nowhere


def _put_nowhere(out: bytearray, units: int) -> None:
    """Entries for units of code that have no place."""
    while units > 0:
        out.append(0x80 | _NONE << 3 | min(units, _MAX_UNITS) - 1)
        units -= _MAX_UNITS


def _put_on_line(out: bytearray, units: int, line: int, previous: int) -> None:
    """Entries for units of code that are on a line, and on no column of it."""
    while units > 0:
        _encode_entry(out, min(units, _MAX_UNITS), (line, line, None, None), previous)
        previous = line
        units -= _MAX_UNITS


@functools.cache
def _opcode(name: str) -> int:
    from opcode import opmap  # here, because importing it costs more than the rest of this module

    return opmap[name]


@functools.cache
def _leaving() -> frozenset[int]:
    """The opcodes at which a function is left: what ``sys.settrace`` calls a 'return'."""
    from opcode import opmap

    return frozenset(opmap[name] for name in ("RETURN_VALUE", "RETURN_CONST", "YIELD_VALUE") if name in opmap)


def _resume_unit(co_code: bytes) -> int | None:
    """The unit of the RESUME that begins a function: the first one (a generator's later ones follow its
    yields)."""
    resume = _opcode("RESUME")
    at = co_code.find(resume)
    while at >= 0 and at % 2:  # an odd byte is an argument
        at = co_code.find(resume, at + 1)
    return None if at < 0 else at // 2


def _merge(positions: Iterable[Position]) -> Iterator[tuple[int, Position]]:
    """Turn positions of single units into ``(units, position)`` runs of equal neighbours."""
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
    """Yield ``(units, position, line, index)``: also the line the next entry counts from, and where it
    begins."""
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
    """Return the varint that begins at ``index``, and the index after it."""
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
