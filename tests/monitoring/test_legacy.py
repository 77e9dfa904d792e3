"""sys.settrace and sys.setprofile: real frames, correct lines, and the protocol of local tracers."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
from monitoring_tool import Tool
from test_scope import Counter, Including, Program

from tmplmon.monitoring import ScopeBuilder, events

ROOT = Path(__file__).resolve().parents[2]


def traced(code: Any, run: Callable[[], Any], tracer: Any = None) -> list[tuple[Any, ...]]:
    """Run a function under sys.settrace. Returns (event, line, argument) of the frames of ``code``."""
    seen: list[tuple[Any, ...]] = []

    def trace(frame: FrameType, what: str, argument: object) -> Any:
        if frame.f_code is not code:
            return None
        seen.append((what, frame.f_lineno, argument))
        return trace if tracer is None else tracer(frame, what, argument)

    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(None)
    return seen


def test_a_run_under_settrace() -> None:
    program = Program()
    assert traced(program.scope.code, lambda: program.run("abc")) == [
        ("call", 1, None),
        ("line", 1, None),
        ("line", 2, None),
        ("line", 4, None),
        ("return", 4, "done"),
    ]


def test_an_exception_under_settrace() -> None:
    program = Program()

    def run() -> None:
        with pytest.raises(TypeError):
            program.run(5)

    *_, exception, returned = traced(program.scope.code, run)
    what, line, (kind, value, tb) = exception
    assert (what, line, kind, type(value)) == ("exception", 2, TypeError, TypeError)
    assert (program.scope.code, 2) in [(f.f_code, number) for f, number in traceback.walk_tb(tb)]
    assert returned == ("return", 2, None)


def test_a_run_under_setprofile() -> None:
    program = Program()
    seen: list[tuple[Any, ...]] = []

    def profiler(frame: FrameType, what: str, argument: object) -> None:
        if frame.f_code is program.scope.code:
            seen.append((what, frame.f_lineno, argument))

    sys.setprofile(profiler)
    try:
        program.run("abc")
        with pytest.raises(TypeError):
            program.run(5)
        program.run("abc", lambda value: value)
    finally:
        sys.setprofile(None)
    start = ("call", 1, None)
    assert seen == [
        *[start, ("c_call", 2, len), ("c_return", 2, len), ("return", 4, "done")],
        *[start, ("c_call", 2, len), ("c_exception", 2, len), ("return", 2, None)],
        *[start, ("return", 4, "done")],
    ]


def test_engine_frames_have_lines_of_their_own_files() -> None:
    """No other frame than the scope's has one of its lines."""
    program = Program()
    seen: set[tuple[str, int]] = set()

    def trace(frame: FrameType, what: str, argument: object) -> Any:
        if frame.f_code is not program.scope.code and "monitoring" in frame.f_code.co_filename:
            lines = {row[2] for row in frame.f_code.co_lines()}
            assert frame.f_lineno in lines or what == "call"
            seen.add((frame.f_code.co_name, frame.f_lineno))
        return trace

    sys.settrace(trace)
    try:
        program.run("abc")
    finally:
        sys.settrace(None)
    assert {name for name, _ in seen} >= {"run", "enter", "call_outside"}


def test_all_events_have_one_frame_with_the_variables() -> None:
    program = Program()
    frames: list[FrameType] = []
    variables = {"test": "abc"}
    traced(
        program.scope.code,
        lambda: program.run("abc", variables=variables),
        lambda frame, what, argument: frames.append(frame),
    )
    assert frames[0].f_locals is variables


def test_the_local_tracer() -> None:
    program = Program()
    seen: list[str] = []

    def local(frame: FrameType, what: str, argument: object) -> Any:
        seen.append(f"{what} {frame.f_lineno}")
        return None  # which keeps it

    traced(program.scope.code, lambda: program.run("abc"), lambda *arguments: local)
    assert seen == ["line 1", "line 2", "line 4", "return 4"]


def test_without_a_local_tracer_only_the_call_is_traced() -> None:
    program = Program()
    seen = traced(program.scope.code, lambda: program.run("abc"), lambda *arguments: None)
    assert seen == [("call", 1, None)]


def test_f_trace_lines() -> None:
    program = Program()

    def tracer(frame: FrameType, what: str, argument: object) -> Any:
        frame.f_trace_lines = False
        return seen_by.append(what) or tracer

    seen_by: list[str] = []
    traced(program.scope.code, lambda: program.run("abc"), tracer)
    assert seen_by == ["call", "return"]


def test_a_tracer_that_raises_is_removed() -> None:
    program = Program()

    def tracer(frame: FrameType, what: str, argument: object) -> Any:
        if what == "line" and frame.f_lineno == 2:
            raise OSError("from the tracer")
        return tracer

    def run() -> None:
        with pytest.raises(OSError, match="from the tracer"):
            program.run("abc")
        assert sys.gettrace() is None

    traced(program.scope.code, run, tracer)


def test_a_profiler_that_raises_is_removed() -> None:
    program = Program()

    def profiler(frame: FrameType, what: str, argument: object) -> None:
        if frame.f_code is program.scope.code:
            raise OSError("from the profiler")

    sys.setprofile(profiler)
    try:
        with pytest.raises(OSError, match="from the profiler"):
            program.run("abc")
        assert sys.getprofile() is None
    finally:
        sys.setprofile(None)


def test_a_jump_is_refused() -> None:
    program = Program()
    refused: list[str] = []

    def tracer(frame: FrameType, what: str, argument: object) -> Any:
        if what == "line":
            lines.append(frame.f_lineno)
            try:
                frame.f_lineno = 4
            except ValueError as error:
                refused.append(str(error))
        return tracer

    lines: list[int] = []
    traced(program.scope.code, lambda: program.run(""), tracer)
    assert lines == [1, 4]
    assert len(refused) == 2


def test_includes() -> None:
    program = Including()
    page, nav = (codelike.code for codelike in program.scope.codelikes)
    inside = traced(nav, program.run)
    assert inside == [("call", 1, None), ("line", 1, None), ("line", 2, None), ("return", 2, None)] * 2
    assert [line for what, line, _ in traced(page, program.run) if what == "line"] == [1, 2, 3, 4]


def test_only_the_thread_that_is_traced() -> None:
    program = Program()
    ran: list[str] = []

    def run() -> None:
        thread = threading.Thread(target=lambda: ran.append(program.run("")))
        thread.start()
        thread.join()

    assert traced(program.scope.code, run) == []
    assert len(ran) == 1


def test_a_run_in_another_thread_does_not_end_tracing_here() -> None:
    program = Program()

    def elsewhere(value: object) -> None:
        thread = threading.Thread(target=lambda: program.run(""))
        thread.start()
        thread.join()

    lines = [
        line
        for what, line, _ in traced(program.scope.code, lambda: program.run("abc", elsewhere))
        if what == "line"
    ]
    assert lines == [1, 2, 4]


def test_tracing_and_monitoring_together(tool: Tool) -> None:
    """The settrace function is called first, as in the VM. DISABLE has no effect on it."""
    program = Program()
    order: list[tuple[str, int]] = []
    tool.watch(program.scope.code)
    tool.answer = lambda name: order.append(("tool", sys._getframe(2).f_lineno)) or sys.monitoring.DISABLE
    tool.record(events.LINE)

    def tracer(frame: FrameType, what: str, argument: object) -> Any:
        if what == "line":
            order.append(("trace", frame.f_lineno))
        return tracer

    traced(program.scope.code, lambda: (program.run(""), program.run("")), tracer)
    tool.stop()
    assert order == [("trace", 1), ("tool", 1), ("trace", 4), ("tool", 4), ("trace", 1), ("trace", 4)]


def test_a_tracer_that_is_not_callable_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some profilers that are written in C install an object that is not callable."""
    program = Program()
    sys.setprofile(lambda *arguments: None)
    try:
        monkeypatch.setattr(sys, "getprofile", lambda: object())
        assert program.run("abc") == "signalled"
    finally:
        sys.setprofile(None)


def test_without_frames_there_are_no_legacy_events(monkeypatch: pytest.MonkeyPatch, tool: Tool) -> None:
    monkeypatch.setattr("tmplmon.monitoring.activation.LINE_OFFSET", None)
    program = Program()
    tool.watch(program.scope.code).record(events.LINE, events.PY_START)
    assert traced(program.scope.code, lambda: program.run("")) == []
    assert [name for name, *_ in tool.stop()] == ["PY_START", "LINE", "LINE"]


@pytest.mark.parametrize("core", ["ctrace", "pytrace"])
def test_coverages_tracers_record_all_lines(core: str, tmp_path: Path) -> None:
    """They keep a stack of calls: lines of the scope and of Python code before and after it belong to the right
    file."""
    coverage = pytest.importorskip("coverage")
    page = tmp_path / "page.rules"
    page.write_text("one\ntwo\nthree\n")
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        f"sys.path[:0] = [{str(ROOT)!r}]\n"
        "from tmplmon.monitoring import ScopeBuilder\n"
        f"builder = ScopeBuilder({str(page)!r}, 'page')\n"
        "lines = [builder.line(1), builder.line(2), builder.line(3)]\n"
        "call = builder.call(2)\n"
        "scope = builder.build()\n"
        "def host():\n"
        "    return 1\n"
        "def run():\n"
        "    with scope.enter() as activation:\n"
        "        activation.line(lines[0])\n"
        "        activation.invoke(call, host)\n"
        "        activation.line(lines[2])\n"
        "    return 2\n"
        "run()\n"
        "done = True\n"
    )
    environment = {**os.environ, "COVERAGE_CORE": core, "COVERAGE_FILE": str(tmp_path / ".coverage")}
    command = [
        "-m",
        "coverage",
        "run",
        "--branch",
        "--rcfile=/dev/null",
        f"--include={tmp_path}/*",
        str(script),
    ]
    subprocess.run([sys.executable, *command], check=True, env=environment, timeout=120)
    data = coverage.CoverageData(str(tmp_path / ".coverage"))
    data.read()
    assert sorted(data.lines(str(page))) == [1, 3]
    assert sorted(data.lines(str(script))) == [*range(1, 18)]
    assert sorted(data.arcs(str(page))) == [(-1, 1), (1, 3), (3, -1)]
    assert {(12, 13), (13, 14), (-8, 9), (9, -8)} <= set(data.arcs(str(script)))


@pytest.mark.parametrize("core", ["ctrace", "pytrace"])
def test_coverages_tracers_record_the_arcs_of_a_scope(core: str, tmp_path: Path) -> None:
    """Also if other scopes, functions that are a part of the scope, or yields come between its lines."""
    coverage = pytest.importorskip("coverage")
    if coverage.Coverage.current() is not None:
        pytest.skip("these tests are being measured themselves")
    page, part = (str(tmp_path / name) for name in ("page.rules", "part.rules"))
    builder = ScopeBuilder(page, "page")
    lines = [builder.line(number) for number in range(1, 6)]
    pause = builder.pause(3)
    scope = builder.build()
    builder = ScopeBuilder(part, "part")
    inner = [builder.line(number) for number in (1, 2)]
    other = builder.build()

    def run() -> None:
        activation = scope.enter()
        assert activation is not None
        with activation:
            activation.line(lines[0])
            second = other.enter()
            assert second is not None
            with second:
                second.line(inner[0])
                second.line(inner[1])
            activation.line(lines[1])
            assert activation.begin_function()
            activation.line(lines[3])
            activation.line(lines[4])
            activation.end_function()
            activation.line(lines[2])
            activation.py_yield("piece", pause)
            activation.py_resume(pause)
            activation.line(lines[3])

    counter = coverage.Coverage(data_file=None, config_file=False, branch=True, include=[f"{tmp_path}/*"])
    counter.set_option("run:core", core)
    with counter.collect():
        run()
        with pytest.raises(ZeroDivisionError), scope.enter() as activation:  # type: ignore[union-attr]
            activation.line(lines[0])
            _ = 1 / 0
    data = counter.get_data()
    function = {(-1, 4), (4, 5), (5, -1)}
    assert set(data.arcs(page)) == {(-1, 1), (1, 2), (2, 3), (3, 4), (4, -1), (1, -1)} | function
    assert set(data.arcs(part)) == {(-1, 1), (1, 2), (2, -1)}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_profile_module_works() -> None:
    """It raises AssertionError for a 'return' that does not belong to the last 'call'."""
    profile = importlib.import_module("profile")
    program = Program()
    profiler = profile.Profile()
    profiler.runcall(lambda: [program.run("abc"), program.run("")])
    profiler.create_stats()
    counts = {name: row[0] for (_, _, name), row in profiler.stats.items()}
    assert (counts["run"], counts["invoke"]) == (2, 1)


def test_a_tracer_that_is_removed_during_a_scope() -> None:
    """By itself or by the local tracer."""
    program = Program()
    seen: list[tuple[str, int]] = []

    def tracer(frame: FrameType, what: str, argument: object) -> Any:
        if frame.f_code is not program.scope.code:
            return None
        seen.append((what, frame.f_lineno))
        if frame.f_lineno == 2:
            sys.settrace(None)
        return tracer

    sys.settrace(tracer)
    try:
        assert program.run("abc") == "signalled"
    finally:
        sys.settrace(None)
    assert seen == [("call", 1), ("line", 1), ("line", 2)]


def test_the_local_tracer_can_be_replaced() -> None:
    """By its return value, and through ``frame.f_trace``, as debuggers do."""
    program = Program()
    seen: list[tuple[str, str]] = []

    def first(frame: FrameType, what: str, argument: object) -> Any:
        seen.append(("first", what))
        return second

    def second(frame: FrameType, what: str, argument: object) -> Any:
        seen.append(("second", what))
        frame.f_trace = third
        return None

    def third(frame: FrameType, what: str, argument: object) -> Any:
        seen.append(("third", what))
        return third

    traced(program.scope.code, lambda: program.run("abc"), lambda *arguments: first)
    assert seen == [("first", "line"), ("second", "line"), ("third", "line"), ("third", "return")]


def test_the_frames_below_are_the_callers() -> None:
    """``f_back`` leads from an include through the scope to the function that ran it, and from a host's function to
    the scope."""
    program, including = Program(), Including()
    page, nav = (codelike.code for codelike in including.scope.codelikes)
    stacks: list[list[CodeType]] = []

    def tracer(frame: FrameType, what: str, argument: object) -> Any:
        if frame.f_code is nav and what == "line":
            stacks.append([below.f_code for below, _ in traceback.walk_stack(frame)])
        return tracer

    def run() -> None:
        including.run()

    sys.settrace(tracer)
    try:
        run()
    finally:
        sys.settrace(None)
    for stack in stacks:
        assert [code for code in stack if code in (page, nav, run.__code__)] == [nav, page, run.__code__]
    assert len(stacks) == 4

    hosts: list[CodeType] = []
    traced(
        program.scope.code, lambda: program.run("abc", lambda value: hosts.append(sys._getframe(1).f_code))
    )
    assert hosts == [program.scope.code]


def test_a_generator_under_settrace_and_setprofile() -> None:
    """As for Python's generators, 'call' and 'return' enclose each part between two yields, with the same frame."""
    counter = Counter()
    code = counter.scope.code
    frames: set[FrameType] = set()
    saw: list[tuple[str, object]] = []
    stretches = [
        ("call", None),
        ("return", 0),
        ("call", None),
        ("return", 1),
        ("call", None),
        ("return", None),
    ]

    def tracer(frame: FrameType, what: str, argument: object) -> Any:
        frames.add(frame)
        if what != "line":
            saw.append((what, argument))
        return tracer

    traced(code, lambda: [*counter.run(2)], tracer)
    assert saw == stretches
    assert len(frames) == 1

    profiled: list[tuple[str, object]] = []

    def profiler(frame: FrameType, what: str, argument: object) -> None:
        if frame.f_code is code:
            profiled.append((what, argument))

    sys.setprofile(profiler)
    try:
        assert [*counter.run(2)] == [0, 1]
    finally:
        sys.setprofile(None)
    assert profiled == stretches


def test_no_opcode_events() -> None:
    program = Program()
    seen: list[str] = []

    def tracer(frame: FrameType, what: str, argument: object) -> Any:
        frame.f_trace_opcodes = True
        seen.append(what)
        return tracer

    traced(program.scope.code, lambda: program.run("abc"), tracer)
    assert seen == ["call", "line", "line", "line", "return"]
