"""Fixtures that remove their monitoring tools after the test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from monitoring_tool import Tool


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    """Switch off a tool that measures the tests themselves (coverage.py), as tests count events."""
    others = {
        number: sys.monitoring.get_events(number) for number in range(6) if sys.monitoring.get_tool(number)
    }
    tracer, profiler = sys.gettrace(), sys.getprofile()
    for number in others:
        sys.monitoring.set_events(number, 0)
    sys.settrace(None)
    sys.setprofile(None)
    yield
    for number, events in others.items():
        sys.monitoring.set_events(number, events)
    sys.settrace(tracer)
    sys.setprofile(profiler)


@pytest.fixture
def tools() -> Iterator[Callable[[int], Tool]]:
    """A function from the number of a tool to a `Tool`."""
    created: list[Tool] = []

    def make(number: int) -> Tool:
        created.append(Tool(number))
        return created[-1]

    try:
        yield make
    finally:
        for tool in created:
            tool.close()


@pytest.fixture
def tool(tools: Callable[[int], Tool]) -> Tool:
    return tools(4)
