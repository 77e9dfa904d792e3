"""The frames of scopes, as tools and tracebacks see them. Running one fires no events."""

from __future__ import annotations

import builtins
import gc
import sys
import traceback
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from monitoring_tool import Tool

from tmplmon.monitoring import events
from tmplmon.monitoring._capi import TRACING_OFFSET, in_callback
from tmplmon.monitoring.codelike import CodeLike, CodeLikeBuilder
from tmplmon.monitoring.frames import LINE_OFFSET, ScopeFrame, call_in, call_outside


def make() -> CodeLike:
    builder = CodeLikeBuilder("/srv/page.html", "page")
    builder.place((2, 2, 7, 11))
    builder.place((3, 3, 2, 7))
    return builder.build()


CODELIKE = make()


def caller() -> Any:
    return sys._getframe(2)


def test_the_layout_of_frames_is_known() -> None:
    assert LINE_OFFSET is not None
    assert TRACING_OFFSET is not None


def test_a_real_frame() -> None:
    variables = {"x": 1}
    frame = ScopeFrame(CODELIKE.code, variables, {"__name__": "rules"})
    frame.move(3, CODELIKE.offsets[1])
    seen = frame.call(lambda: caller())
    assert seen is frame.frame
    assert seen.f_code is CODELIKE.code
    assert seen.f_lineno == frame.line == 3
    assert seen.f_locals is variables
    assert seen.f_globals["__name__"] == "rules"
    assert seen.f_builtins is vars(builtins)
    frame.close()


def test_its_caller_is_the_engine() -> None:
    frame = ScopeFrame(CODELIKE.code)
    below = frame.call(lambda: [f for f, _ in traceback.walk_stack(caller())])
    assert below[0] is frame.frame
    assert sys._getframe() in below
    frame.close()


def test_a_scope_has_the_same_frame_from_start_to_end() -> None:
    frame = ScopeFrame(CODELIKE.code)
    lines = []
    for line in (2, 3, 2):
        frame.move(line, CODELIKE.offsets[0])
        lines.append(frame.call(lambda: (id(caller()), caller().f_lineno)))
    assert lines == [(id(frame.frame), 2), (id(frame.frame), 3), (id(frame.frame), 2)]
    frame.close()


def test_nested_calls_return_their_results() -> None:
    frame = ScopeFrame(CODELIKE.code)

    def inner() -> tuple[int, list[bool]]:
        on_stack = [f is frame.frame for f, _ in traceback.walk_stack(sys._getframe())]
        return frame.call(len, "abc"), on_stack

    length, on_stack = frame.call(lambda: frame.call(inner))
    assert length == 3
    assert on_stack.count(True) == 1
    with pytest.raises(ZeroDivisionError):
        frame.call(lambda: frame.call(lambda: 1 // 0))
    assert frame.call(len, "ab") == 2
    frame.close()


def test_changes_of_locals_reach_the_scope() -> None:
    variables = {"x": 1}
    frame = ScopeFrame(CODELIKE.code, variables)
    frame.call(lambda: caller().f_locals.update(x=5, y=6))
    assert variables == {"x": 5, "y": 6}
    frame.close()


def test_a_traceback_has_the_position_in_the_scope() -> None:
    frame = ScopeFrame(CODELIKE.code)
    frame.move(3, CODELIKE.offsets[1])
    with pytest.raises(ZeroDivisionError) as caught:
        frame.call(lambda: 1 // 0)
    places = [(f.f_code, line) for f, line in traceback.walk_tb(caught.value.__traceback__)]
    assert (CODELIKE.code, 3) in places
    [summary] = [
        summary
        for summary in traceback.extract_tb(caught.value.__traceback__)
        if summary.filename == "/srv/page.html"
    ]
    assert (summary.lineno, summary.colno, summary.end_colno, summary.name) == (3, 2, 7, "page")
    assert frame.call(len, "ab") == 2, "the frame lives on"
    frame.close()


def test_all_exceptions_propagate() -> None:
    frame = ScopeFrame(CODELIKE.code)

    def fail(error: BaseException) -> None:
        raise error

    for error in (StopIteration(1), GeneratorExit(), KeyboardInterrupt(), SystemExit(2)):
        with pytest.raises(type(error)) as caught:
            frame.call(fail, error)
        assert caught.value is error
    assert frame.call(len, "ab") == 2
    frame.close()


def test_a_call_within_a_call() -> None:
    frame = ScopeFrame(CODELIKE.code)
    assert frame.call(lambda: frame.call(len, "abc") + 1) == 4
    frame.close()


def test_nested_frames_are_in_one_chain() -> None:
    outer, inner = ScopeFrame(CODELIKE.code), ScopeFrame(make().code)
    chain = call_in([outer, inner], lambda: [f for f, _ in traceback.walk_stack(caller())])
    assert chain[0] is inner.frame
    assert chain.index(outer.frame) > 0
    inner.close()
    outer.close()


def test_a_frame_can_be_read_after_its_end() -> None:
    frame = ScopeFrame(CODELIKE.code, {"x": 1})
    frame.move(3, CODELIKE.offsets[1])
    kept = frame.frame
    frame.close()
    assert (kept.f_lineno, kept.f_locals, kept.f_code) == (3, {"x": 1}, CODELIKE.code)
    frame.close()


def test_a_frame_that_has_ended_has_a_position() -> None:
    """rich reads the position that belongs to ``f_lasti``."""
    frame = ScopeFrame(CODELIKE.code)
    with pytest.raises(ZeroDivisionError) as caught:
        frame.call(lambda: 1 // 0)
    frame.close()
    gc.collect()
    frames = [each for each, _ in traceback.walk_tb(caught.value.__traceback__)]
    assert frame.frame in frames
    for each in frames:
        assert len([*each.f_code.co_positions()]) > each.f_lasti // 2


def test_it_is_freed() -> None:
    class Variables(dict[str, Any]):
        pass

    variables = Variables()
    alive = weakref.ref(variables)
    frame = ScopeFrame(CODELIKE.code, variables)
    frame.close()
    del variables, frame
    gc.collect()
    assert alive() is None


def test_running_it_fires_nothing(tool: Tool) -> None:
    tool.watch(CODELIKE.code, make().code).record_all()
    frame = ScopeFrame(CODELIKE.code)
    frame.call(len, "abc")
    call_outside([frame], len, "abc")
    with pytest.raises(ValueError, match="invalid literal"):
        call_outside([frame], int, "abc")
    frame.close()
    assert tool.stop() == []


def test_functions_that_a_scope_calls_fire_events(tool: Tool) -> None:
    """Tools see code that is not part of the signalling as usual."""

    def function() -> int:
        return 1

    tool.watch(function.__code__).record(events.PY_START, events.LINE)
    frame = ScopeFrame(CODELIKE.code)
    assert call_outside([frame], function) == 1
    assert [name for name, *_ in tool.stop()] == ["PY_START", "LINE"]
    frame.close()


def test_in_callback(tool: Tool) -> None:
    answers: list[bool] = []

    def function() -> None:
        pass

    tool.watch(function.__code__).answer = lambda name: answers.append(in_callback())
    tool.record(events.PY_START)
    function()
    tool.stop()
    sys.settrace(lambda *arguments: answers.append(in_callback()))
    function()
    sys.settrace(None)
    assert answers[0] is True
    assert set(answers) == {True}
    assert not in_callback()


def test_without_a_known_layout_there_are_no_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tmplmon.monitoring.frames.LINE_OFFSET", None)
    with pytest.raises(RuntimeError, match="layout"):
        ScopeFrame(CODELIKE.code)


@pytest.mark.parametrize("registered", [True, False], ids=["with a tool", "without"])
def test_a_callback_that_raises_while_exceptions_are_monitored(
    registered: bool, tools: Callable[[int], Tool]
) -> None:
    """3.15 crashed here if the code-like had no monitoring data yet."""
    codelike = make()
    if registered:
        tools(3)
    frame = ScopeFrame(codelike.code)
    tool = tools(4).record_all()
    with pytest.raises(ValueError, match="invalid literal"):
        frame.call(int, "x")
    tool.stop()
    frame.close()
