"""The functions that fire events are hidden: tools get no events of them between those of scopes."""

from __future__ import annotations

import cProfile
import pstats
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from monitoring_tool import listening
from test_pythons import EXAMPLE, ROOT
from test_scope import Counter, Including, Program

from tmplmon.monitoring.hidden import hide, without_resume


def everything(run: Callable[[], object], keep: Callable[[CodeType], bool]) -> list[tuple[str, str]]:
    """(event, function) of all events of the code objects that `keep` selects, in order."""
    seen: list[tuple[str, str]] = []

    def callback_of(name: str) -> Callable[..., None]:
        def callback(code: CodeType, *arguments: Any) -> None:
            if keep(code):
                seen.append((name, code.co_qualname))

        return callback

    with listening(callback_of):
        run()
    return seen


def of_package(code: CodeType) -> bool:
    return "/monitoring/" in code.co_filename and "/tests/" not in code.co_filename


PROGRAMS: dict[str, tuple[Any, Callable[[], object]]] = {
    "calls": (program := Program(), lambda: program.run("abc")),
    "includes": (including := Including(), lambda: including.run()),
    "a generator": (counter := Counter(), lambda: [*counter.run(2)]),
}


@pytest.mark.parametrize(("made", "run"), PROGRAMS.values(), ids=PROGRAMS)
def test_starts_and_returns_are_nested(made: Any, run: Callable[[], object]) -> None:
    """Starts and returns of scopes, of the engine's functions and of the package's visible functions are nested."""
    codes = {codelike.code for codelike in made.scope.codelikes}
    stack: list[str] = []
    seen = everything(run, lambda code: code in codes or of_package(code) or code.co_filename == __file__)
    for name, function in seen:
        if name in ("PY_START", "PY_RESUME", "PY_THROW"):
            stack.append(function)
        elif name in ("PY_RETURN", "PY_YIELD", "PY_UNWIND"):
            # The first function that returns may have started before the tool.
            assert not stack or stack.pop() == function, seen
    assert stack == []
    signalling = ("Activation.", "fire_", "silently", "dispatch", "ScopeFrame.call", "call_in")
    assert {each for _, each in seen if each.startswith(signalling)} <= {
        "Activation.invoke",
        "Activation.__init__",
    }


def test_cprofile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The profile has the number of calls of each scope, and the time of the functions it calls."""
    monkeypatch.syspath_prepend(str(EXAMPLE))
    import rules

    (tmp_path / "main.rules").write_text("a = work(1)\ninclude other.rules\n")
    (tmp_path / "other.rules").write_text("b = work(2)\n")
    program = rules.load(tmp_path / "main.rules")

    def work(value: int) -> int:
        return sum(range(2000)) and value

    profiler = cProfile.Profile()
    for _ in range(3):
        profiler.runcall(rules.run, program, {"work": work})
    rows = {
        Path(file).name + ":" + function: row
        for (file, _, function), row in pstats.Stats(profiler).stats.items()  # type: ignore[attr-defined]
    }
    main, other = rows["main.rules:main"], rows["other.rules:main"]
    calls, cumulative = 1, 3
    called = rows[f"{Path(__file__).name}:work"]
    assert (main[calls], other[calls], called[calls]) == (3, 3, 6)
    assert rows["rules.py:run"][cumulative] >= main[cumulative] >= called[cumulative]
    assert main[cumulative] > other[cumulative] > 0


def test_hidden_code_does_the_same() -> None:
    def function(a: int, *rest: int, key: int = 5) -> tuple[int, ...]:
        try:
            return (a // key, *rest)
        except ZeroDivisionError:
            return (-1, key)

    for hidden in (False, True):
        if hidden:
            hide(function)
        assert [function(10), function(7, 8, key=2), function(1, key=0)] == [(2,), (3, 8), (-1, 0)]
    assert everything(lambda: function(3), lambda code: code is function.__code__) == []


def test_hidden_code_keeps_its_positions() -> None:
    code = test_hidden_code_does_the_same.__code__
    positions = list(code.co_positions())
    assert list(without_resume(code).co_positions())[: len(positions)] == positions


def test_an_exception_passes_through_a_hidden_function() -> None:
    """With exception events, for which 3.15 crashed if a code object had no monitoring data."""

    def function() -> float:
        return 1 / 0

    hide(function)

    def run() -> None:
        with pytest.raises(ZeroDivisionError):
            function()

    names = [name for name, _ in everything(run, lambda code: code is function.__code__)]
    # From 3.15 on, these events are per code object. Code that is not instrumented fires none.
    assert names == (["RAISE", "PY_UNWIND"] if sys.version_info < (3, 15) else [])


def test_hiding_can_be_switched_off() -> None:
    program = (
        "import opcode; from tmplmon.monitoring.fire import fire_line as function\n"
        "print(function.__code__.co_code[0] == opcode.opmap['RESUME'])"
    )
    for environment, answer in (({"TMPLMON_MONITORING_VISIBLE": "1"}, "True"), ({}, "False")):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert done.stdout.strip() == answer
