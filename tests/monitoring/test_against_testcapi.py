"""Compares this package with CPython's C API, which is called through ``_testcapi``: the arguments of callbacks,
their effects, and the results."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from test_fire import CODE, FIRES

from tmplmon.monitoring import events
from tmplmon.monitoring.events import Event
from tmplmon.monitoring.fire import dispatch
from tmplmon.monitoring.states import StateArray

testcapi = pytest.importorskip("_testcapi", reason="this Python comes without _testcapi")
TOOLS = (3, 4)  # 4 is called first

# For these two, the C functions pass one argument less than the VM. This package passes those of the VM.
COMPARED = [row for row in FIRES if row[1] not in (events.C_RETURN, events.C_RAISE)]


def nothing(name: str) -> object:
    return None


def disable(name: str) -> object:
    return sys.monitoring.DISABLE


def fail(name: str) -> object:
    raise OSError(name)


def something_else(name: str) -> object:
    return 5


type Outcome = tuple[list[tuple[Any, ...]], list[int | str], int]


def outcome(
    event: Event, answer: Callable[[str], object], code: object, enter: Callable[[], Any], fire: Any
) -> Outcome:
    """Fire an event three times. Returns the arguments that both tools received, the result of each call (the
    active byte, or the error), and the active byte of another state of the event afterwards."""
    got: list[tuple[Any, ...]] = []
    for tool in TOOLS:
        sys.monitoring.use_tool_id(tool, "compared")
    try:
        for tool in TOOLS:
            answers = answer if tool == 4 else nothing

            def callback(of: object, *arguments: Any, tool: int = tool, answers: Any = answers) -> object:
                if of is not code:
                    return None
                got.append((tool, *arguments))
                return answers(event.name)

            sys.monitoring.register_callback(tool, event.mask, callback)
            sys.monitoring.set_events(tool, event.mask)
        enter()
        for tool in TOOLS:
            sys.monitoring.set_events(tool, 0)  # the states are not touched by that
        results: list[int | str] = []
        for _ in range(3):
            try:
                results.append(fire(0))
            except Exception as error:
                results.append(f"{type(error).__name__}: {error}")
        other = fire(1) if answer is nothing else 0
        return got, results, other
    finally:
        for tool in TOOLS:
            sys.monitoring.register_callback(tool, event.mask, None)
            sys.monitoring.free_tool_id(tool)


@pytest.mark.parametrize("answer", [nothing, disable, fail, something_else])
@pytest.mark.parametrize("row", COMPARED, ids=[f"{row[0].__name__}{len(row[2])}" for row in COMPARED])
def test_the_same_outcome(row: Any, answer: Callable[[str], object]) -> None:
    function, event, arguments, _expected = row
    name = function.__name__.replace("fire_", "fire_event_")
    if event is events.BRANCH:
        name = "fire_event_branch"
    if not hasattr(testcapi, name):
        pytest.skip(f"this Python's _testcapi has no {name}")
    codelike = testcapi.CodeLike(2)
    states = StateArray([event, event])
    # Only this package can fire CALL without arg0.
    if event is events.CALL and len(arguments) == 1:
        arguments = (*arguments, sys.monitoring.MISSING)

    def here(state: int) -> int:
        function(states, state, CODE, state, *arguments)
        return states.active(state)

    def by_hand(state: int) -> int:
        dispatch(event, states, state, CODE, state, *arguments)
        return states.active(state)

    in_c = outcome(
        event,
        answer,
        codelike,
        lambda: testcapi.monitoring_enter_scope(codelike, event.id, event.id),
        lambda state: getattr(testcapi, name)(codelike, state, *arguments),
    )
    assert outcome(event, answer, CODE, states.enter, here) == in_c
    if event is not events.LINE:  # whose callback gets no offset
        assert outcome(event, answer, CODE, states.enter, by_hand) == in_c
