"""Local events of a tool that was freed: they do not belong to the next tool with its id."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from types import CodeType

import pytest
from monitoring_tool import Tool

from tmplmon.monitoring import ScopeBuilder, events

monitoring = sys.monitoring
# Before 3.14, freeing an id removes nothing.
REMOVES = sys.version_info >= (3, 14)


@pytest.mark.parametrize("runs_before", (True, False), ids=("after a run", "before any run"))
@pytest.mark.parametrize("others", ((), (5,), (5, 2)), ids=("alone", "one more tool", "two more tools"))
def test_the_next_tool_gets_what_it_gets_from_a_function(
    tools: Callable[[int], Tool], others: tuple[int, ...], runs_before: bool
) -> None:
    builder = ScopeBuilder("/srv/page", "page")
    line = builder.line(1)
    scope = builder.build()

    def function() -> None:
        pass

    def run() -> None:
        function()
        with scope.enter() or nullcontext() as activation:
            if activation is not None:
                activation.line(line)

    for number in others:
        tools(number).record(events.PY_START)
    seen: list[str] = []

    def note(code: CodeType, _line: int) -> None:
        seen.append(code.co_name)

    monitoring.use_tool_id(3, "first")
    monitoring.register_callback(3, events.LINE.mask, note)
    for code in (scope.code, function.__code__):
        monitoring.set_local_events(3, code, events.LINE.mask)
    if runs_before:
        run()
        assert seen == ["function", "page"]
        seen.clear()
    monitoring.free_tool_id(3)
    monitoring.use_tool_id(3, "second")
    try:
        monitoring.register_callback(3, events.LINE.mask, note)
        run()
        assert seen == ([] if REMOVES else ["function", "page"])
        seen.clear()
        # What it asks for itself counts, also if it is the same.
        for code in (scope.code, function.__code__):
            monitoring.set_local_events(3, code, events.LINE.mask)
        run()
        assert seen == ["function", "page"]
    finally:
        for code in (scope.code, function.__code__):
            monitoring.set_local_events(3, code, 0)
        monitoring.register_callback(3, events.LINE.mask, None)
        monitoring.free_tool_id(3)
