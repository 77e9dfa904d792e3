"""The codec of line tables agrees with CPython's reader, for each form of entry and for the standard library."""

from __future__ import annotations

import ast
import os
import random
import sys
import sysconfig
import types
import warnings
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from opcode import opmap
from pathlib import Path
from typing import Any

import pytest
from effort import runs_everything

from tmplmon.monitoring.linetable import (
    Position,
    decode_linetable,
    encode_linetable,
    iter_lines,
    iter_runs,
    without_line,
    without_resume_line,
)

NOWHERE: Position = (None, None, None, None)


def code_of_units(units: int, linetable: bytes, firstlineno: int) -> types.CodeType:
    """A code object of ``units`` code units with this line table."""
    body = bytes((opmap["NOP"], 0)) * (units - 1)
    last = bytes((opmap["RETURN_VALUE"], 0))
    return (lambda: None).__code__.replace(
        co_code=body + last, co_linetable=linetable, co_firstlineno=firstlineno
    )


def nested(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from nested(const)


def hash_of(name: str) -> int:
    return sum(name.encode())


def library_code() -> Iterator[types.CodeType]:
    """All code objects of the installed standard library, including its tests."""
    root = Path(sysconfig.get_path("stdlib"))
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in ("site-packages", "dist-packages")]
        for name in sorted(files):
            if name.endswith(".py"):
                if hash_of(name) % 20 and not runs_everything():
                    continue
                # Reads the compiled file if there is one, which takes a seventh of the time.
                loader = SourceFileLoader("module", str(Path(folder, name)))
                try:
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        module = loader.get_code("module")
                except (SyntaxError, ValueError):  # files with syntax errors, for tests of the parser
                    continue
                assert module is not None
                yield from nested(module)


# The expected form of an entry: its kind, and the length of the table.
FORMS: list[tuple[str, Position, int, int]] = [
    ("short", (7, 7, 0, 0), 0, 2),
    ("short, last column and width", (7, 7, 79, 94), 9, 2),
    ("too wide for short", (7, 7, 0, 16), 10, 3),
    ("too far right for short", (7, 7, 80, 81), 10, 3),
    ("ends before it begins", (7, 7, 9, 4), 10, 3),
    ("next line", (8, 8, 4, 127), 11, 3),
    ("line after next", (9, 9, 127, 127), 12, 3),
    ("three lines on", (10, 10, 0, 1), 14, 5),
    ("a line back", (6, 6, 0, 1), 14, 5),
    ("column 128", (7, 7, 0, 128), 14, 6),
    ("no columns", (7, 7, None, None), 13, 2),
    ("no columns, far back", (1, 1, None, None), 13, 2),
    ("no columns, far on", (5000, 5000, None, None), 13, 4),
    ("no end column", (7, 7, 3, None), 14, 5),
    ("no column", (7, 7, None, 3), 14, 5),
    ("several lines", (7, 9, 3, 1), 14, 5),
    ("several lines without columns", (7, 70, None, None), 14, 5),
    ("big numbers", (100_000, 300_000, 5_000, 6_000), 14, 13),
    ("line 0", (0, 0, 0, 0), 14, 5),
    ("nowhere", NOWHERE, 15, 1),
]  # fmt: skip


@pytest.mark.parametrize(
    ("position", "kind", "length"), [row[1:] for row in FORMS], ids=[row[0] for row in FORMS]
)
def test_the_form_of_each_entry(position: Position, kind: int, length: int) -> None:
    table = encode_linetable([position, position], 7)
    assert table[0] >> 3 & 15 == kind
    assert len(table) == length
    assert decode_linetable(table, 7) == [position, position]
    assert list(code_of_units(2, table, 7).co_positions()) == [position, position]


@pytest.mark.parametrize("units", [1, 7, 8, 9, 16, 17, 100])
def test_a_long_run_takes_an_entry_per_eight_units(units: int) -> None:
    table = encode_linetable([(9, 9, 0, 1)] * units, 7)
    assert [count for count, _ in iter_runs(table, 7)] == [8] * (units // 8) + [units % 8] * bool(units % 8)
    assert list(code_of_units(units, table, 7).co_positions()) == [(9, 9, 0, 1)] * units


def test_an_end_line_of_none_is_the_line() -> None:
    assert encode_linetable([(8, None, 1, 2)], 7) == encode_linetable([(8, 8, 1, 2)], 7)


def test_an_entry_without_a_line_does_not_change_the_line() -> None:
    positions: list[Position] = [(9, 9, 0, 1), NOWHERE, (9, 9, 2, 3), NOWHERE, (4, 4, None, None)]
    table = encode_linetable(positions, 7)
    assert list(code_of_units(5, table, 7).co_positions()) == positions == decode_linetable(table, 7)


def test_random_positions_survive_both_readers() -> None:
    rng = random.Random(669)
    for _ in range(300):
        positions: list[Position] = []
        for _ in range(rng.randrange(1, 60)):
            line = rng.choice([None, rng.randrange(1, 30), rng.randrange(1, 100_000)])
            if line is None:
                positions.append(NOWHERE)
                continue
            columns = [rng.choice([None, rng.randrange(20), rng.randrange(3000)]) for _ in range(2)]
            positions.append((line, line + rng.choice([0, 0, 1, 5000]), columns[0], columns[1]))
            positions += positions[-1:] * rng.randrange(12)
        firstlineno = rng.randrange(1, 1000)
        table = encode_linetable(iter(positions), firstlineno)
        assert decode_linetable(table, firstlineno) == positions
        assert list(code_of_units(len(positions), table, firstlineno).co_positions()) == positions


@pytest.mark.parametrize(
    "position",
    [
        (-1, -1, 0, 0),
        (5, 4, 0, 0),
        (5, 5, -1, 0),
        (5, 5, 0, -1),
        (None, 5, None, None),
        (None, None, 0, None),
    ],
)
def test_a_position_the_format_cannot_hold(position: Position) -> None:
    with pytest.raises(ValueError, match="position"):
        encode_linetable([position], 1)


@pytest.mark.parametrize(
    "table",
    [
        b"\x00",
        b"\x80",
        b"\xd0\x01",
        b"\xe8",
        b"\xe8\x41",
        b"\xf0\x00\x00\x01",
        b"\xe8\x41\x80\x01",
        b"\xf8\x05",
    ],
)
def test_malformed_line_tables(table: bytes) -> None:
    with pytest.raises(ValueError, match="line table"):
        decode_linetable(table, 1)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        # Long form, one unit; a varint is cut off by the byte that begins an entry.
        (b"\xf0\x80\x00\x01\x01", "begins inside another, at byte 1"),
        (b"\xf0\x00\x80\x01\x01", "begins inside another, at byte 2"),
        (b"\xf0\x00\x00\x01\x81", "begins inside another, at byte 4"),
        (b"\xe8\x40", "ends inside an entry, after 2 bytes"),
    ],
)
def test_the_offset_of_the_error_in_a_line_table(table: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode_linetable(table, 1)


@pytest.mark.parametrize(
    ("number", "encoded"),
    [(0, b"\x00"), (63, b"\x3f"), (64, b"\x40\x01"), (4095, b"\x7f\x3f"), (4096, b"\x40\x40\x01")],
)
def test_varints(number: int, encoded: bytes) -> None:
    """An end line this many lines below the line: 6 bits in each byte, the lowest first; 0x40 if more follow."""
    position = (1, 1 + number, 0, 0)
    table = b"\xf0\x00" + encoded + b"\x01\x01"
    if number == 0:  # a position on one line has a shorter form
        assert decode_linetable(table, 1) == [position]
        return
    assert decode_linetable(table, 1) == [position]
    assert encode_linetable([position], 1) == table


def test_every_code_object_of_the_standard_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoding gives ``co_positions()``. Encoding these gives the bytes of the compiler again."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    count = 0
    for code in library_code():
        count += 1
        positions = list(code.co_positions())
        assert decode_linetable(code.co_linetable, code.co_firstlineno) == positions, code
        table = encode_linetable(positions, code.co_firstlineno)
        assert table == code.co_linetable, code
        assert list(code.replace(co_linetable=table).co_positions()) == positions, code
        resume = code.co_code[::2].find(opmap["RESUME"])
        if resume >= 0:
            positions[resume] = NOWHERE
        assert list(without_resume_line(code).co_positions()) == positions, code
    assert count > (10_000 if runs_everything() else 500)


# -- without_resume_line --------------------------------------------------------------------------------


def function_code(source: str, name: str = "f") -> types.CodeType:
    namespace: dict[str, types.FunctionType] = {}
    exec(compile(source, "<test>", "exec"), namespace)
    return namespace[name].__code__


SHAPES = {
    "on the first line": "def f(): a = 1; return a",
    "below": "def f():\n    return 1",
    "decorated": "@(lambda f: f)\n\n@(\n  lambda f: f)\ndef f():\n    return 1",
    "generator": "def f(): yield 1; yield 2",
    "cell": "def f(a): return lambda: a",
    "free variable": "def g(b):\n    def f(): return b\n    return f\nf = g(1)",
    "coroutine": "async def f(): return 1",
}


@pytest.mark.parametrize("source", SHAPES.values(), ids=SHAPES)
def test_only_the_resume_loses_its_line(source: str) -> None:
    code = function_code(source)
    bare = without_resume_line(code)
    changed = [
        i
        for i, (old, new) in enumerate(zip(code.co_positions(), bare.co_positions(), strict=True))
        if old != new
    ]
    assert [code.co_code[2 * i] for i in changed] == [opmap["RESUME"]]
    assert list(bare.co_positions())[changed[0]] == NOWHERE
    assert bare.co_firstlineno == code.co_firstlineno
    assert bare.co_code == code.co_code
    assert without_resume_line(bare) is bare


def test_a_resume_on_another_line_than_the_first() -> None:
    """The lines of the next entries are relative to that of RESUME, and have to be adjusted."""
    code = function_code("def f():\n    a = 1\n    return a")
    positions = list(code.co_positions())
    moved = [(code.co_firstlineno + 40, code.co_firstlineno + 40, 0, 0), *positions[1:]]
    bare = without_resume_line(code.replace(co_linetable=encode_linetable(moved, code.co_firstlineno)))
    assert list(bare.co_positions()) == [NOWHERE, *positions[1:]]


def test_a_resume_that_shares_its_entry() -> None:
    code = function_code("def f(): return 1")
    units = len(code.co_code) // 2
    place: Position = (3, 3, None, None)
    bare = without_resume_line(code.replace(co_linetable=encode_linetable([place] * units, 1)))
    assert list(bare.co_positions()) == [NOWHERE] + [place] * (units - 1)


def test_code_without_a_resume_is_left_alone() -> None:
    code = code_of_units(3, encode_linetable([(1, 1, 0, 0)] * 3, 1), 1)
    assert without_resume_line(code) is code


def monitored(code: types.CodeType, *args: object) -> list[int]:
    """The lines for which ``sys.monitoring`` fires events when a function runs."""
    seen: list[int] = []
    monitoring = sys.monitoring
    monitoring.use_tool_id(4, "test")
    try:
        monitoring.register_callback(4, monitoring.events.LINE, lambda code, line: seen.append(line))
        monitoring.set_local_events(4, code, monitoring.events.LINE)
        types.FunctionType(code, {})(*args)
        monitoring.set_local_events(4, code, 0)
    finally:
        monitoring.free_tool_id(4)
    return seen


def test_monitoring_then_reports_the_first_line() -> None:
    code = function_code("def f(): a = 1; return a")
    assert monitored(code) == []
    assert monitored(without_resume_line(code)) == [1]


# -- without_line -----------------------------------------------------------------------------------------

NO_LINE = 1000


def without(source: str, *nowhere: int, first: int = 1) -> types.CodeType:
    """The code of a function without its ``def`` line and some other lines, and with `first` as its first line."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if getattr(node, "lineno", None) in (1, *nowhere):
            node.lineno = node.end_lineno = NO_LINE  # type: ignore[attr-defined]
    (code,) = (each for each in compile(tree, "<test>", "exec").co_consts if isinstance(each, types.CodeType))
    return without_line(code, NO_LINE, first)


def traced(code: types.CodeType, *args: object) -> list[tuple[str, int | None]]:
    """The events of ``sys.settrace`` and their lines, for a function or for a whole generator."""
    events: list[tuple[str, int | None]] = []

    def trace(frame: types.FrameType, event: str, arg: object) -> Any:
        if frame.f_code is code:
            events.append((event, frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        result = types.FunctionType(code, {})(*args)
        if isinstance(result, types.GeneratorType):
            list(result)
    finally:
        sys.settrace(before)
    return events


def test_the_resume_of_a_function_without_a_def_line() -> None:
    code = without("def f(a):\n  b = a\n  c = b\n  return c", 2)
    assert {line for *_, line in code.co_lines()} == {0, None, 3, 4}
    assert {line for *_, line in iter_lines(code)} == {3, 4}
    assert traced(code, 5) == [("call", 0), ("line", 3), ("line", 4), ("return", 4)]


def test_the_first_line_of_a_function_without_a_def_line() -> None:
    code = without("def f(a):\n  b = a\n  return b", first=2)
    assert code.co_firstlineno == 2
    assert [line for *_, line in iter_lines(code)] == [2, 3]
    assert monitored(code, 5) == [2, 3]
    assert traced(code, 5) == [("call", 1), ("line", 2), ("line", 3), ("return", 3)]


def test_a_generator_that_pauses_before_its_first_line() -> None:
    code = without("def f(a):\n  b = a\n  yield b\n  yield 4\n  c = 5", 2, 3)
    pause = [("return", 4), ("call", 4)]
    assert traced(code, 1) == [("call", 0), ("line", 4), *pause, *pause, ("line", 5), ("return", 5)]


def test_a_function_without_any_line() -> None:
    code = without("def f(a):\n  b = a\n  return b", 3)
    assert traced(code, 1) == [("call", None), ("line", 2), ("return", None)]
    assert next(line for *_, line in code.co_lines()) is None


def test_a_function_with_nothing_on_a_line() -> None:
    code = without("def f(a):\n  pass", 2)
    assert {line for *_, line in code.co_lines()} == {None}
    assert traced(code, 1) == [("call", None), ("return", None)]
