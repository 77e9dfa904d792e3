"""Debuggers that are based on `bdb.Bdb` stop in scopes, and not in the functions of the engine."""

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
    """A debugger that runs ``step`` up to the first stop in a scope, then one command at each stop in a scope, and
    ``continue`` at each stop in a function. `stops` has the line of the scope or the name of the function."""

    def __init__(self, command: str, backend: str) -> None:
        # On 3.13, bdb has only one backend.
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
    """The modules of the traced frames below a frame."""
    visited: set[str] = set()
    while frame := frame and frame.f_back:  # type: ignore[assignment]
        if frame.f_trace is not None:
            visited.add(frame.f_globals.get("__name__", ""))
    return visited


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The functions that run the programs of these tests are those of an engine."""
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
    """The scope yields on line 2, where ``step`` continues, and ends on line 1."""
    counter = Counter()
    debugger = Debugger(command, backend)

    def main() -> None:
        for _ in counter.run(1):
            pass
        helper(1)

    debugger.runcall(main)
    assert debugger.stops == [("line", 1), ("return", line), ("line", "main")]


def test_a_debugger_that_starts_while_a_scope_runs(backend: str) -> None:
    """The engine's frames that are on the stack are no longer traced."""
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


def test_debuggers_do_not_step_into_engines(backend: str) -> None:
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


def test_debuggers_that_are_notified(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
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
