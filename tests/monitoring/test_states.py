"""State arrays: the active tools by global and local events, and when they are read again."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import CodeType

import pytest
from monitoring_tool import Tool

from tmplmon.monitoring import events
from tmplmon.monitoring.codelike import CodeLikeBuilder
from tmplmon.monitoring.states import LEGACY_TOOLS, TOOLS, StateArray

DISABLE = sys.monitoring.DISABLE
EVENTS = (events.PY_START, events.LINE, events.LINE, events.C_RETURN, events.RAISE)


def codelike(name: str) -> CodeType:
    builder = CodeLikeBuilder(f"/{name}", name)
    builder.place((1, 1, 0, 1))
    return builder.build().code


def active(states: StateArray) -> list[int]:
    return [states.active(index) for index in range(len(states))]


def test_nothing_is_active_without_tools() -> None:
    states = StateArray(EVENTS)
    assert states.enter() is False
    assert active(states) == [0] * 5
    states.exit()


def test_the_version_is_only_read_if_there_is_a_tool() -> None:
    if any(sys.monitoring.get_tool(number) for number in range(6)):
        pytest.skip("a tool, coverage.py probably, is watching the tests")
    states = StateArray(EVENTS)
    assert (states.enter(), states.version) == (False, 0)
    sys.monitoring.use_tool_id(4, "idle")
    sys.monitoring.restart_events()  # the first version is also 0
    try:
        assert states.enter() is False
        assert states.version > 0
    finally:
        sys.monitoring.free_tool_id(4)
    assert (states.enter(), states.version) == (False, 0)


def test_global_events(tools: Callable[[int], Tool]) -> None:
    states = StateArray(EVENTS)
    tools(4).record(events.LINE)
    tools(2).record(events.CALL, events.PY_START)
    assert states.enter() is True
    # C_RETURN comes with CALL.
    assert active(states) == [1 << 2, 1 << 4, 1 << 4, 1 << 2, 0]
    sys.monitoring.set_events(4, 0)
    sys.monitoring.set_events(2, 0)
    assert active(states) == [1 << 2, 1 << 4, 1 << 4, 1 << 2, 0], "states are only refreshed by enter"
    assert states.enter() is False
    assert active(states) == [0] * 5


@pytest.mark.parametrize("number", range(6))
def test_the_events_of_all_tools_are_read(number: int, tools: Callable[[int], Tool]) -> None:
    """For global and for local events, with one tool at a time."""
    code = codelike("one")
    states = StateArray(EVENTS, [code] * 5)
    tools(number)
    sys.monitoring.restart_events()  # the first version is also 0
    assert states.enter() is False
    assert states.version > 0
    sys.monitoring.set_local_events(number, code, events.LINE.mask)
    assert states.enter() is True
    assert active(states) == [0, 1 << number, 1 << number, 0, 0]
    sys.monitoring.set_local_events(number, code, 0)
    assert states.enter() is False
    sys.monitoring.set_events(number, events.RAISE.mask | events.PY_START.mask)
    assert states.enter() is True
    assert active(states) == [1 << number, 0, 0, 0, 1 << number]


def test_states_of_several_code_likes() -> None:
    one, other = codelike("one"), codelike("other")
    states = StateArray(EVENTS, [one, one, other, other, other])
    assert (states.first_of(0), states.first_of(1)) == (0, 2)
    assert (len(states), len(states.data), states.version, states.any_active) == (5, 10, 0, False)
    states.set_active(4, 1 << 5)
    assert (states.any_active, bytes(states.data)) == (True, bytes([0, 0, 0, 0, 0, 0, 0, 0, 32, 0]))
    assert states.pointer(4) is states.pointer(4)
    assert states.pointer(4)._obj[8] == b"\x20"
    assert StateArray(EVENTS[:2], [None, one]).first_of(1) == 1


def test_a_disabled_state_stays_so_until_there_is_a_new_version(tool: Tool) -> None:
    states = StateArray(EVENTS)
    tool.record(events.LINE)
    states.enter()
    states.set_active(1, 0)
    version = states.version
    states.enter()
    assert (active(states), states.version) == ([0, 0, 1 << 4, 0, 0], version)
    sys.monitoring.restart_events()
    states.enter()
    assert active(states) == [0, 1 << 4, 1 << 4, 0, 0]
    assert states.version != version


def test_local_events_count_for_their_code_like_only(tool: Tool) -> None:
    one, other = codelike("one"), codelike("other")
    states = StateArray((*EVENTS, *EVENTS), [one] * 5 + [other] * 5)
    tool.record(events.LINE, events.CALL, local=other)
    assert states.enter() is True
    assert active(states) == [0] * 5 + [0, 16, 16, 16, 0]
    sys.monitoring.set_local_events(4, other, 0)
    assert states.enter() is False


def test_a_change_of_local_events_keeps_disabled_states(tools: Callable[[int], Tool]) -> None:
    code = codelike("one")
    states = StateArray(EVENTS, [code] * 5)
    tools(4).record(events.LINE, local=code)
    tools(3)
    states.enter()
    states.set_active(2, 0)
    sys.monitoring.set_local_events(3, code, events.PY_START.mask)
    states.enter()
    assert active(states) == [8, 16, 0, 0, 0]
    sys.monitoring.set_local_events(4, code, 0)
    states.refresh_local()
    assert active(states) == [8, 0, 0, 0, 0]


def test_removing_local_events_keeps_the_global_ones(tool: Tool) -> None:
    code = codelike("one")
    states = StateArray(EVENTS, [code] * 5)
    tool.record(events.LINE)
    tool.record(events.LINE, events.PY_START, local=code)
    states.enter()
    assert active(states) == [16, 16, 16, 0, 0]
    sys.monitoring.set_local_events(4, code, 0)
    states.enter()
    assert active(states) == [0, 16, 16, 0, 0]


def test_a_freed_tool_is_not_active(tools: Callable[[int], Tool]) -> None:
    code = codelike("one")
    states = StateArray(EVENTS, [code] * 5)
    sys.monitoring.use_tool_id(3, "gone")
    sys.monitoring.set_local_events(3, code, events.LINE.mask)
    assert states.enter()
    sys.monitoring.free_tool_id(3)
    assert not states.enter()


def test_legacy_tools_are_in_the_byte() -> None:
    states = StateArray(EVENTS)
    sys.settrace(lambda *arguments: None)
    try:
        states.enter()
        traced = active(states)
    finally:
        sys.settrace(None)
    assert [tools & LEGACY_TOOLS for tools in traced] == [0x80, 0x80, 0x80, 0, 0x80]
    assert states.enter() is False


def test_entering_in_several_threads(tool: Tool) -> None:
    states = StateArray(EVENTS)
    tool.record(events.LINE)
    answers: list[bool] = []
    threads = [threading.Thread(target=lambda: answers.append(states.enter())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 8
    assert [tools & TOOLS for tools in active(states)] == [0, 16, 16, 0, 0]


def test_invalid_arguments() -> None:
    one, other = codelike("one"), codelike("other")
    with pytest.raises(ValueError, match="not neighbours"):
        StateArray(EVENTS[:3], [one, other, one])
    with pytest.raises(ValueError, match="3 events, but owners for 2"):
        StateArray(EVENTS[:3], [one, other])
    states = StateArray(EVENTS)
    with pytest.raises(BufferError):  # the C API holds its address
        states.data.append(0)


def test_repr_and_size(tool: Tool) -> None:
    states = StateArray(EVENTS)
    assert (len(states), len(states.data)) == (5, 10)
    assert repr(states) == "<StateArray of 5: nothing active>"
    states.set_active(1, 16)
    assert repr(states) == "<StateArray of 5: LINE=0x10>"
    assert states.any_active
