"""Debuggers made from `bdb.Bdb` at work in scopes: where they stop, and that they pass over what runs them."""

from __future__ import annotations

import bdb
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from test_scope import Counter, Including, Program

from tmplmon.monitoring import debuggers
from tmplmon.monitoring.debuggers import skip_engines, unstepped

BACKENDS = ("settrace", "monitoring") if sys.version_info >= (3, 14) else ("settrace",)

pytestmark = pytest.mark.parametrize("backend", BACKENDS)

type Stop = tuple[str, int | str]


class Debugger(bdb.Bdb):
    """A debugger in which ``step`` is typed until it comes to a scope, then one command where it stops in a scope,
    and ``continue`` in a function. It notes the stops, with the line of the scope or the name of the function."""

    def __init__(self, command: str, backend: str) -> None:
        # 3.13 knows one way of watching only.
        super().__init__(**({} if backend == "settrace" else {"backend": backend}))  # type: ignore[arg-type]
        self.command = command
        self.stops: list[Stop] = []
        self.traced: set[str] = set()

    def stopped(self, what: str, frame: FrameType) -> None:
        if is_scope(frame):
            self.stops.append((what, frame.f_lineno))
            self.traced |= traced_below(frame)
            command = getattr(self, f"set_{self.command}")
            command() if self.command == "step" else command(frame)
        elif self.stops:
            self.stops.append((what, frame.f_code.co_name))
            self.set_continue()
        else:
            self.set_step()

    def user_call(self, frame: FrameType, argument_list: Any) -> None:
        if not is_scope(frame):  # the first line follows
            self.stopped("call", frame)

    def user_line(self, frame: FrameType) -> None:
        self.stopped("line", frame)

    def user_return(self, frame: FrameType, return_value: Any) -> None:
        self.stopped("return", frame)

    def user_exception(self, frame: FrameType, exc_info: Any) -> None:
        self.stopped("exception", frame)


def is_scope(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith("/srv/")


def traced_below(frame: FrameType | None) -> set[str]:
    """The modules of the frames below one that are traced."""
    visited: set[str] = set()
    while frame := frame and frame.f_back:  # type: ignore[assignment]
        if frame.f_trace is not None:
            visited.add(frame.f_globals.get("__name__", ""))
    return visited


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs the programs of these tests is an engine."""
    monkeypatch.setattr(debuggers, "ENGINES", {"tmplmon.monitoring.", "test_scope"})


def helper(value: object) -> object:
    return value


def test_return(backend: str) -> None:
    program, debugger = Program(), Debugger("return", backend)
    debugger.runcall(lambda: program.run("abc"))
    assert debugger.stops == [("line", 1), ("return", 4)]


def test_next(backend: str) -> None:
    program, debugger = Program(), Debugger("next", backend)

    def main() -> None:
        program.run("abc", helper)

    debugger.runcall(main)
    assert debugger.stops == [
        ("line", 1),
        ("line", 2),
        ("line", 4),
        ("return", 4),
        ("return", "main"),
    ]


def test_until(backend: str) -> None:
    program, debugger = Program(), Debugger("until", backend)

    def main() -> None:
        program.run("abc", helper)
        program.run("abc", helper)

    debugger.runcall(main)
    assert debugger.stops == [("line", 1), ("line", 2), ("line", 4), ("return", 4), ("line", "main")]


def test_step(backend: str) -> None:
    program, debugger = Program(), Debugger("step", backend)
    debugger.runcall(lambda: program.run("abc", helper))
    assert debugger.stops == [("line", 1), ("line", 2), ("call", "helper")]


def test_step_into_an_include(backend: str) -> None:
    program, debugger = Including(), Debugger("step", backend)
    debugger.runcall(lambda: program.run())
    nav: list[Stop] = [("line", 1), ("line", 2), ("return", 2)]
    page: list[Stop] = [
        ("line", 1),
        ("line", 2),
        *nav,
        ("line", 3),
        *nav,
        ("line", 4),
        ("return", 4),
    ]
    assert debugger.stops == [*page, ("return", "<lambda>")]


@pytest.mark.parametrize(("command", "line"), [("next", 1), ("step", 2)])
def test_a_scope_that_pauses(command: str, line: int, backend: str) -> None:
    """It pauses on line 2, where ``step`` follows, and ends on line 1."""
    counter = Counter()
    debugger = Debugger(command, backend)

    def main() -> None:
        for _ in counter.run(1):
            pass
        helper(1)

    debugger.runcall(main)
    assert debugger.stops == [("line", 1), ("return", line), ("line", "main")]


def test_a_debugger_that_comes_while_a_scope_runs(backend: str) -> None:
    """The frames of the engine that it finds on the stack are not traced any more."""
    program, debugger = Program(), Debugger("next", backend)

    def stop(value: object) -> object:
        debugger.set_trace(sys._getframe())
        return value

    def main() -> None:
        activation = program.scope.enter({}, always=True)
        assert activation is not None
        with activation:
            activation.line(program.second)
            activation.invoke(program.helper, stop, "abc")
            activation.line(program.last)

    main()
    assert debugger.stops == [("line", 4), ("return", 4), ("return", "main")]
    assert __name__ in debugger.traced
    assert not debugger.traced & {"tmplmon.monitoring.activation", "tmplmon.monitoring.frames"}


def library() -> str:
    return "done"


def test_what_is_not_stepped_into(backend: str) -> None:
    stops: list[str] = []

    class Plain(bdb.Bdb):
        def user_line(self, frame: FrameType) -> None:
            if frame.f_code.co_filename == __file__:
                stops.append(frame.f_code.co_name)

    debugger = Plain(**({} if backend == "settrace" else {"backend": backend}))  # type: ignore[arg-type]
    skip_engines(debugger.trace_dispatch)

    def main() -> None:
        unstepped(library)
        helper(1)

    debugger.runcall(main)
    assert stops == ["main", "main", "helper"]
    stops.clear()
    debugger.set_break(__file__, library.__code__.co_firstlineno + 1)
    debugger.runcall(main)
    assert stops == ["main", "library", "main", "helper"]
    debugger.clear_all_breaks()


def skipped(debugger: bdb.Bdb, run: Callable[[], object]) -> set[str] | None:
    debugger.runcall(run)
    return debugger.skip


def test_who_is_told(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Knowing(Debugger):
        leaves_out_engines = True

    def run() -> object:
        return Program().run("abc")

    patterns = {"tmplmon.monitoring.*", "test_scope*"}
    assert skipped(Debugger("next", backend), run) == patterns
    debugger = Debugger("next", backend)
    debugger.skip = {"mine"}
    assert skipped(debugger, run) == patterns | {"mine"}
    assert skipped(Knowing("return", backend), run) is None
    monkeypatch.setattr(debuggers, "VISIBLE", True)
    assert skipped(Debugger("return", backend), run) is None
