"""Python without the C API, with other interpreters in the process, and with several threads."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
from monitoring_tool import Tool
from test_fire import CODE
from test_scope import Program

from tmplmon.monitoring import events, fire
from tmplmon.monitoring.states import StateArray

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "monitoring"


def run(program: str) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(EXAMPLE)])}
    command = [sys.executable, "-X", "faulthandler", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


# -- without the C API ---------------------------------------------------------------------------------------

WITHOUT_THE_GIL = """
import sys
sys._is_gil_enabled = lambda: False
"""
LACKING = """
import ctypes, sys

class Lacking(ctypes.PyDLL):
    def __getitem__(self, name):
        if "Monitoring" in name:
            raise AttributeError(name)
        return super().__getitem__(name)

ctypes.PyDLL = Lacking
"""
REASONS = {
    LACKING: "this Python does not export PyMonitoring_EnterScope, PyMonitoring_ExitScope, _PyMonitoring_Fire",
    WITHOUT_THE_GIL: "this Python runs without the GIL",
}


@pytest.mark.parametrize("python", REASONS, ids=["not exported", "no GIL"])
def test_without_the_c_api(python: str, tmp_path: Path) -> None:
    """Scopes run without events. A warning says so once, when there is a tool."""
    source = tmp_path / "main.rules"
    source.write_text("total = price * 2\n")
    program = f"""{python}
import rules, warnings
seen = []
program = rules.load({str(source)!r})
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    assert rules.run(program, dict(price=4))["total"] == 8
    assert not said
    sys.monitoring.use_tool_id(3, "lines")
    sys.monitoring.register_callback(3, sys.monitoring.events.LINE, lambda code, line: seen.append(code))
    sys.monitoring.set_local_events(3, program[0].code, sys.monitoring.events.LINE)
    for _ in range(2):
        assert rules.run(program, dict(price=4))["total"] == 8
    sys.settrace(lambda *arguments: None)
    assert rules.run(program, dict(price=4))["total"] == 8
    sys.settrace(None)
assert seen == []
[warning] = said
assert warning.category is RuntimeWarning
print(warning.message)
"""
    assert run(program).startswith(REASONS[python])


def test_firing_a_function_that_is_not_exported() -> None:
    program = f"""{LACKING}
from tmplmon.monitoring import fire, StateArray, event
states = StateArray([event("LINE")])
states.set_active(0, 8)
try:
    fire.fire_line(states, 0, (lambda: None).__code__, 6, 1)
except RuntimeError as error:
    print(error)
"""
    assert run(program).startswith("this Python does not export _PyMonitoring_FireLineEvent")


def test_frames_without_the_c_api() -> None:
    """Tracebacks have the frames of scopes even so."""
    program = f"""{LACKING}
from tmplmon.monitoring import CodeLikeBuilder, ScopeFrame
builder = CodeLikeBuilder("/srv/page", "page")
builder.place((2, 2, 0, 1))
frame = ScopeFrame(builder.build().code)
frame.move(2, 0)
assert frame.call(lambda: sys._getframe(1).f_lineno) == 2
frame.close()
"""
    run(program)


# -- interpreters --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["isolated", "legacy"])
def test_subinterpreters(kind: str, tmp_path: Path) -> None:
    """Each interpreter has its own tools, states and scopes. Tools of the main interpreter see no other."""
    source = tmp_path / "main.rules"
    source.write_text("one = 1\ntwo = 2\n")
    inner = f"""
import sys, rules
seen = []
program = rules.load({str(source)!r})
monitoring = sys.monitoring
monitoring.use_tool_id(3, "lines")
line = lambda code, line: seen.append(line) if code.co_filename == {str(source)!r} else None
monitoring.register_callback(3, monitoring.events.LINE, line)
monitoring.set_events(3, monitoring.events.LINE)
rules.run(program, {{}})
monitoring.set_events(3, 0)
monitoring.free_tool_id(3)
assert seen == [1, 2], seen
traced = []
def trace(frame, what, argument):
    if frame.f_code.co_filename == {str(source)!r}:
        traced.append((what, frame.f_lineno))
        return trace
sys.settrace(trace)
rules.run(program, {{}})
sys.settrace(None)
assert traced == [("call", 1), ("line", 1), ("line", 2), ("return", 2)], traced
assert rules.run(program, {{}}) == dict(one=1, two=2)
"""
    program = f"""
import sys, _interpreters
inner = {inner!r}
exec(inner, {{}})
for _ in range(2):
    interpreter = _interpreters.create({kind!r})
    assert _interpreters.exec(interpreter, inner) is None
    _interpreters.destroy(interpreter)
exec(inner, {{}})
print("done")
"""
    pytest.importorskip("_interpreters", reason="this Python has no module for interpreters")
    assert run(program) == "done\n"


# -- threads -------------------------------------------------------------------------------------------------


def together(*work: Callable[[], object]) -> None:
    threads = [threading.Thread(target=each) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_traced_thread_misses_nothing_while_a_callback_runs_in_another(tool: Tool) -> None:
    """All threads share a state. It keeps the bits of settrace while the C API calls the tools."""
    program = Program()
    in_callback, done = threading.Event(), threading.Event()
    traced: list[int] = []
    other: list[int] = []

    def line(code: CodeType, number: int) -> None:
        if code is program.scope.code and threading.get_ident() == other[0]:
            in_callback.set()
            assert done.wait(30)

    def elsewhere() -> None:
        other.append(threading.get_ident())
        program.run("")

    def trace(frame: FrameType, what: str, argument: object) -> Any:
        if frame.f_code is program.scope.code and what == "line":
            traced.append(frame.f_lineno)
        return trace

    sys.monitoring.register_callback(4, events.LINE.mask, line)
    sys.monitoring.set_events(4, events.LINE.mask)
    thread = threading.Thread(target=elsewhere)
    sys.settrace(trace)
    try:
        thread.start()
        assert in_callback.wait(30)
        program.run("abc")
    finally:
        sys.settrace(None)
        done.set()
        thread.join()
        sys.monitoring.set_events(4, 0)
    assert traced == [1, 2, 4]


def test_events_of_other_threads_find_their_callback(tool: Tool) -> None:
    """To fire an exception event, the package replaces the callback for a moment."""
    states, rounds = StateArray([events.RAISE]), 100_000
    counts = {"native": 0, "fired": 0}

    def native() -> None:
        for _ in range(rounds):
            try:
                raise KeyError
            except KeyError:
                pass

    def fired() -> None:
        error = ValueError()
        for _ in range(rounds):
            fire.fire_raise(states, 0, CODE, 6, error)

    def raised(code: CodeType, offset: int, exception: BaseException) -> None:
        if code is native.__code__:
            counts["native"] += 1
        elif code is CODE:
            counts["fired"] += 1

    interval = sys.getswitchinterval()
    sys.monitoring.register_callback(4, events.RAISE.mask, raised)
    sys.monitoring.set_events(4, events.RAISE.mask)
    states.enter()
    sys.setswitchinterval(1e-6)
    try:
        together(native, fired)
    finally:
        sys.setswitchinterval(interval)
        sys.monitoring.set_events(4, 0)
    assert counts == {"native": rounds, "fired": rounds}


def test_scopes_entered_while_tools_come_and_go(tools: Callable[[int], Tool]) -> None:
    """Whenever a tool is switched on and off, it receives only lines of the scope, and no error occurs."""
    program = Program()
    tool = tools(4).watch(program.scope.code)
    stop = threading.Event()
    problems: list[BaseException] = []

    def work() -> None:
        try:
            while not stop.is_set():
                program.run("abc")
        except BaseException as error:
            problems.append(error)

    def switch() -> None:
        try:
            for _ in range(100):
                tool.record(events.LINE, events.PY_START)
                sys.monitoring.set_local_events(4, program.scope.code, events.PY_RETURN.mask)
                sys.monitoring.restart_events()
                tool.stop()
                sys.monitoring.set_local_events(4, program.scope.code, 0)
        finally:
            stop.set()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        together(work, work, switch)
    finally:
        sys.setswitchinterval(interval)
    assert problems == []
    assert {row[0] for row in tool.seen} <= {"LINE", "PY_START"}
    assert {row[1] for row in tool.seen if row[0] == "LINE"} <= {1, 2, 4}
    assert program.run("abc") == "quiet"
