"""Tracers that keep a stack of calls receive the same events of a scope as of a generator that does the same."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from opcode import opmap
from types import CodeType, FrameType
from typing import Any

import pytest
from monitoring_tool import listening
from test_scope import Counter, Including, Program

from tmplmon.monitoring import ScopeBuilder, legacy
from tmplmon.monitoring.frames import ScopeFrame

RESUME = opmap["RESUME"]
# The instruction of a suspended frame: YIELD_VALUE, or on 3.13 the RESUME after it.
AFTER = 0 if sys.version_info < (3, 14) else 2


class StackTracer:
    """Reads frames as coverage.py does, and records the arcs in one file: (from line, to line), with "start" and
    "end" for calls and returns, except for those of a yield."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.stack: list[tuple[str, object]] = []
        self.here: tuple[str, object] = ("", None)
        self.arcs: list[tuple[object, object]] = []
        self.least = 0

    def __call__(self, frame: FrameType, what: str, argument: object) -> Any:
        code = frame.f_code.co_code
        if what == "call":
            self.stack.append(self.here)
            begins = code[frame.f_lasti + 1] == 0
            self.here = (frame.f_code.co_filename, "start" if begins else frame.f_lineno)
        elif what == "line" and self.here[0] == self.file:
            self.arcs.append((self.here[1], frame.f_lineno))
            self.here = (self.file, frame.f_lineno)
        elif what == "return":
            ends = code[frame.f_lasti + AFTER :][:1] != bytes((RESUME,))
            if self.here[0] == self.file and ends:
                if frame.f_lineno not in (None, self.here[1]):
                    self.arcs.append((self.here[1], frame.f_lineno))
                self.arcs.append((self.here[1], "end"))
            self.here = self.stack.pop() if self.stack else ("", None)
        return self


def arcs(
    file: str, run: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> list[tuple[object, object]]:
    monkeypatch.setattr(legacy, "STACK_TOOLS", {__name__})
    tracer = StackTracer(file)
    sys.settrace(tracer)
    try:
        run()
    finally:
        sys.settrace(None)
    # The remaining frame is that of this function, whose call the tracer has not seen.
    assert tracer.stack == []
    return tracer.arcs


def test_the_tracer_records_a_python_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    def generator() -> Iterator[int]:
        yield 1
        yield 2

    first = generator.__code__.co_firstlineno
    seen_arcs = arcs(__file__, lambda: list(generator()), monkeypatch)
    inside = [arc for arc in seen_arcs if {first + 1, first + 2} & {*arc}]
    assert inside == [("start", first + 1), (first + 1, first + 2), (first + 2, "end")]


def test_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    program = Program()
    file = program.scope.code.co_filename
    assert arcs(file, lambda: program.run("abc", lambda value: value), monkeypatch) == [
        ("start", 1),
        (1, 2),
        (2, 4),
        (4, "end"),
    ]


def test_an_exception_ends_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    program = Program()

    def run() -> None:
        with pytest.raises(TypeError):
            program.run(5)

    assert arcs(program.scope.code.co_filename, run, monkeypatch) == [("start", 1), (1, 2), (2, "end")]


def test_includes_are_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    program = Including()
    page, nav = (codelike.code.co_filename for codelike in program.scope.codelikes)
    assert arcs(page, program.run, monkeypatch) == [("start", 1), (1, 2), (2, 3), (3, 4), (4, "end")]
    assert arcs(nav, program.run, monkeypatch) == [("start", 1), (1, 2), (2, "end")] * 2


def test_a_yield_does_not_end_the_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    program = Counter()
    seen_arcs = arcs(program.scope.code.co_filename, lambda: [*program.run(2)], monkeypatch)
    assert [before for before, _ in seen_arcs].count("start") == 1
    assert [after for _, after in seen_arcs].count("end") == 1
    assert all(before == after for (_, before), (after, _) in pairwise(seen_arcs)), seen_arcs


def test_a_part_that_is_a_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the part, the arc starts at the line before the part, whichever lines the part has reached."""
    builder = ScopeBuilder("/srv/tree.rules", "tree")
    first, second, third = (builder.line(number) for number in (1, 2, 3))
    scope = builder.build()

    def level(activation: Any, more: int) -> None:
        assert activation.begin_function()
        try:
            activation.line(first)
            activation.line(second)
            if more:
                level(activation, more - 1)
            else:
                raise KeyError
        finally:
            activation.end_function()

    def run() -> None:
        with scope.enter() as activation:  # type: ignore[union-attr]
            activation.line(first)
            with pytest.raises(KeyError):
                level(activation, 1)
            activation.line(third)

    inside = [("start", 1), (1, 2)]
    assert arcs("/srv/tree.rules", run, monkeypatch) == [
        *[("start", 1), *inside, *inside],
        *[(2, "end"), (2, "end"), (1, 3), (3, "end")],
    ]


def test_a_tracer_that_starts_during_a_scope_receives_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a function that is already running."""
    program = Program()
    tracer = StackTracer(program.scope.code.co_filename)
    monkeypatch.setattr(legacy, "STACK_TOOLS", {__name__})

    def another(frame: FrameType, what: str, argument: object) -> None:
        pass

    another.__module__ = "another"
    sys.settrace(another)  # so that the scope fires events
    try:
        program.run("abc", lambda value: sys.settrace(tracer))
        assert tracer.arcs == []
        program.run("abc", lambda value: value)
    finally:
        sys.settrace(None)
    assert tracer.arcs == [("start", 1), (1, 2), (2, 4), (4, "end")]


def test_a_tracer_that_returns_none_receives_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """coverage.py's tracer returns None and removes the call from its stack if another thread has stopped it."""
    program = Program()
    seen: list[str] = []

    def tracer(frame: FrameType, what: str, argument: object) -> None:
        if frame.f_code.co_filename == program.scope.code.co_filename:
            seen.append(what)

    monkeypatch.setattr(legacy, "STACK_TOOLS", {__name__})
    sys.settrace(tracer)
    try:
        program.run("abc")
    finally:
        sys.settrace(None)
    assert set(seen) == {"call"}


def test_a_tracer_that_raises_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    program = Program()

    def tracer(frame: FrameType, what: str, argument: object) -> Any:
        if frame.f_code.co_filename == program.scope.code.co_filename and frame.f_lineno == 2:
            raise OSError("from the tracer")
        return tracer

    monkeypatch.setattr(legacy, "STACK_TOOLS", {__name__})
    sys.settrace(tracer)
    try:
        with pytest.raises(OSError, match="from the tracer"):
            program.run("abc")
        assert sys.gettrace() is None
    finally:
        sys.settrace(None)


def test_other_tools_do_not_see_suspended_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    program = Program()
    file = program.scope.code.co_filename
    codes: list[CodeType] = []
    with listening(lambda name: lambda code, *_: codes.append(code)):
        seen_arcs = arcs(file, lambda: program.run("abc"), monkeypatch)
    assert seen_arcs == [("start", 1), (1, 2), (2, 4), (4, "end")]
    assert {id(code) for code in codes if code.co_filename == file} == {id(program.scope.code)}


def test_a_suspended_frame_has_the_attributes_of_the_scopes_frame() -> None:
    code = Program().scope.code
    scope_frame = ScopeFrame(code, {"x": 1}, {"__name__": "rules"})
    scope_frame.begin_function()
    assert scope_frame.paused is not None
    paused = scope_frame.paused.frame
    names = ("co_filename", "co_name", "co_qualname", "co_firstlineno")
    assert [getattr(paused.f_code, name) for name in names] == [getattr(code, name) for name in names]
    scope_frame.close()
