"""The functions that fire events, without a scope: arguments, order, DISABLE, errors."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from monitoring_tool import Tool

from tmplmon.monitoring import events, fire
from tmplmon.monitoring.codelike import CodeLikeBuilder
from tmplmon.monitoring.events import Event, event
from tmplmon.monitoring.states import StateArray

DISABLE = sys.monitoring.DISABLE
MISSING = sys.monitoring.MISSING
ERROR = ValueError("for the tools")

# (function, event, its arguments, the arguments of the callback after the code object)
FIRES: list[tuple[Callable[..., None], Event, tuple[Any, ...], tuple[Any, ...]]] = [
    (fire.fire_py_start, events.PY_START, (), (6,)),
    (fire.fire_py_resume, events.PY_RESUME, (), (6,)),
    (fire.fire_py_return, events.PY_RETURN, ("value",), (6, "value")),
    (fire.fire_py_yield, events.PY_YIELD, ("value",), (6, "value")),
    (fire.fire_call, events.CALL, (len, "x"), (6, len, "x")),
    (fire.fire_call, events.CALL, (len,), (6, len, MISSING)),
    (fire.fire_c_return, events.C_RETURN, (len, "x"), (6, len, "x")),
    (fire.fire_c_raise, events.C_RAISE, (len,), (6, len, MISSING)),
    (fire.fire_line, events.LINE, (12,), (12,)),
    (fire.fire_jump, events.JUMP, (2,), (6, 2)),
    (fire.fire_branch_left, events.BRANCH_LEFT, (8,), (6, 8)),
    (fire.fire_branch_right, events.BRANCH_RIGHT, (10,), (6, 10)),
    (fire.fire_py_throw, events.PY_THROW, (ERROR,), (6, ERROR)),
    (fire.fire_raise, events.RAISE, (ERROR,), (6, ERROR)),
    (fire.fire_reraise, events.RERAISE, (ERROR,), (6, ERROR)),
    (fire.fire_exception_handled, events.EXCEPTION_HANDLED, (ERROR,), (6, ERROR)),
    (fire.fire_py_unwind, events.PY_UNWIND, (ERROR,), (6, ERROR)),
]
EACH = pytest.mark.parametrize(
    ("function", "event", "arguments", "expected"),
    FIRES,
    ids=[f"{row[0].__name__}{len(row[2])}" for row in FIRES],
)


def make_code() -> Any:
    builder = CodeLikeBuilder("/page", "page")
    builder.place((1, 1, 0, 1))
    return builder.build().code


CODE = make_code()


def states_for(*listed: Event) -> StateArray:
    states = StateArray(listed)
    states.enter()
    return states


@EACH
def test_the_arguments_of_callbacks(
    function: Callable[..., None],
    event: Event,
    arguments: tuple[Any, ...],
    expected: tuple[Any, ...],
    tool: Tool,
) -> None:
    tool.watch(CODE).record(event, events.CALL)
    function(states_for(event), 0, CODE, 6, *arguments)
    assert tool.stop() == [(event.name, *expected)]


@EACH
def test_without_a_callback_nothing_happens(
    function: Callable[..., None],
    event: Event,
    arguments: tuple[Any, ...],
    expected: tuple[Any, ...],
    tool: Tool,
) -> None:
    tool.watch(CODE).record(event, events.CALL)
    tool.stop()
    function(states_for(event), 0, CODE, -1, *arguments)
    assert tool.seen == []


@EACH
def test_disable(
    function: Callable[..., None],
    event: Event,
    arguments: tuple[Any, ...],
    expected: tuple[Any, ...],
    tools: Callable[[int], Tool],
) -> None:
    one, other = tools(4).watch(CODE), tools(2).watch(CODE)
    one.answer = lambda name: DISABLE if name == event.name else None
    one.record(event, events.CALL)
    other.record(event, events.CALL)
    states = states_for(event, event)
    if event.can_disable:
        for index in (0, 0, 1):
            function(states, index, CODE, 6, *arguments)
    else:
        with pytest.raises(ValueError, match=f"^Cannot disable {event.name} events. Callback removed.$"):
            function(states, 0, CODE, 6, *arguments)
        function(states, 0, CODE, 6, *arguments)
    left = [states.active(0), states.active(1)]
    counts = [len(one.stop()), len(other.stop())]
    if event.can_disable:
        assert left == [1 << 2, 0 | 1 << 2], "only that tool, and each state by itself"
        assert counts == [2, 3]
    else:
        assert left == [1 << 4 | 1 << 2] * 2
        # Tool 4 is called first. After its error, tool 2 is not called, and the callback of tool 4 is removed.
        assert counts == [1, 1]


@EACH
def test_a_negative_offset(
    function: Callable[..., None],
    event: Event,
    arguments: tuple[Any, ...],
    expected: tuple[Any, ...],
    tool: Tool,
) -> None:
    tool.watch(CODE).record(event, events.CALL)
    with pytest.raises(ValueError, match="offset must be non-negative"):
        function(states_for(event), 0, CODE, -2, *arguments)
    assert tool.stop() == []


@EACH
def test_a_callback_that_raises(
    function: Callable[..., None],
    event: Event,
    arguments: tuple[Any, ...],
    expected: tuple[Any, ...],
    tools: Callable[[int], Tool],
) -> None:
    one, other = tools(4).watch(CODE), tools(2).watch(CODE)

    def fail(name: str) -> None:
        raise OSError(name)

    one.answer = fail
    one.record(event, events.CALL)
    other.record(event, events.CALL)
    states = states_for(event)
    with pytest.raises(OSError, match=event.name):
        function(states, 0, CODE, 6, *arguments)
    assert other.stop() == [], "the tools after it are not called"
    one.stop()


@pytest.mark.parametrize("value", [7, StopIteration(7)], ids=["value", "exception"])
def test_stop_iteration(value: object, tool: Tool) -> None:
    tool.watch(CODE).record(events.STOP_ITERATION)
    fire.fire_stop_iteration(states_for(events.STOP_ITERATION), 0, CODE, 6, value)
    [(name, offset, exception)] = tool.stop()
    assert (name, offset) == ("STOP_ITERATION", 6)
    assert isinstance(exception, StopIteration) and exception.value == 7


@pytest.mark.parametrize("name", ["py_throw", "raise", "reraise", "exception_handled", "py_unwind"])
def test_an_exception_event_without_exception(name: str, tool: Tool) -> None:
    wanted = event(name.upper())
    tool.watch(CODE).record(wanted)
    with pytest.raises(ValueError, match=f"^Firing event {wanted.id} with no exception set$"):
        getattr(fire, f"fire_{name}")(states_for(wanted), 0, CODE, 6, None)
    assert tool.stop() == []


@pytest.mark.parametrize("wanted", [events.LINE, events.RAISE], ids=["through C", "dispatched"])
def test_tools_are_called_from_the_highest_down(wanted: Event, tools: Callable[[int], Tool]) -> None:
    order: list[int] = []
    for number in (2, 5, 0, 4):
        new_tool = tools(number).watch(CODE)
        new_tool.answer = lambda name, number=number: order.append(number)
        new_tool.record(wanted)
    states = states_for(wanted)
    function = fire.fire_line if wanted is events.LINE else fire.fire_raise
    function(states, 0, CODE, 6, 12 if wanted is events.LINE else ERROR)
    for number in (2, 5, 0, 4):
        sys.monitoring.set_events(number, 0)
    assert order == [5, 4, 2, 0]


@pytest.mark.parametrize("wanted", [events.LINE, events.RAISE], ids=["through C", "dispatched"])
def test_no_events_are_fired_during_a_callback(wanted: Event, tool: Tool) -> None:
    """Neither for the Python code of the callback nor through this package."""
    states = states_for()
    function = fire.fire_line if wanted is events.LINE else fire.fire_raise
    argument = 12 if wanted is events.LINE else ERROR

    def again(name: str) -> None:
        try:
            int("no number")
        except ValueError:
            function(states, 0, CODE, 6, argument)

    tool.watch(CODE, again.__code__)
    tool.answer = again
    tool.record(wanted)
    states = states_for(wanted)
    function(states, 0, CODE, 6, argument)
    assert tool.stop() == [(wanted.name, 12) if wanted is events.LINE else (wanted.name, 6, ERROR)]


def test_a_callback_that_was_removed_is_not_called(tool: Tool) -> None:
    tool.watch(CODE).record(events.RAISE, events.LINE)
    for wanted in (events.RAISE, events.LINE):
        sys.monitoring.register_callback(4, wanted.mask, None)
    states = states_for(events.RAISE, events.LINE)
    fire.fire_raise(states, 0, CODE, 6, ERROR)
    fire.fire_line(states, 1, CODE, 6, 12)
    assert tool.stop() == []


def test_legacy_tools_receive_nothing_without_a_scope(tool: Tool) -> None:
    """They would receive the frame of this test, with a line 12 that is not its own."""
    tool.watch(CODE).record(events.LINE)
    states = states_for(events.LINE)
    traced: list[int] = []
    states.set_active(0, 0xC0 | 1 << 4)
    tool.answer = lambda name: DISABLE
    sys.settrace(lambda frame, what, argument: traced.append(frame.f_lineno))
    try:
        fire.fire_line(states, 0, CODE, 6, 12)
    finally:
        sys.settrace(None)
    assert tool.stop() == [("LINE", 12)]
    assert 12 not in traced
    assert states.active(0) == 0xC0, "DISABLE took out the tool, the legacy bits are still there"


def test_silently_suppresses_events_of_python_code(tool: Tool) -> None:
    def function() -> int:
        return 5

    tool.watch(function.__code__).record(events.PY_START, events.LINE)
    quiet = fire.silently(function)
    loud = function()
    assert (quiet, loud) == (5, 5)
    assert [name for name, *_ in tool.stop()] == ["PY_START", "LINE"]


def test_silently_lets_exceptions_through(tool: Tool) -> None:
    tool.watch(CODE).record(events.LINE)
    with pytest.raises(ZeroDivisionError):
        fire.silently(lambda: 1 / 0)
    fire.fire_line(states_for(events.LINE), 0, CODE, 6, 3)
    assert tool.stop() == [("LINE", 3)], "events are on again"
