"""Fixtures: monitoring tools that are gone after the test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from monitoring_tool import Tool


@pytest.fixture
def tools() -> Iterator[Callable[[int], Tool]]:
    """A function that makes a tool of a number."""
    made: list[Tool] = []

    def make(number: int) -> Tool:
        made.append(Tool(number))
        return made[-1]

    try:
        yield make
    finally:
        for tool in made:
            tool.close()


@pytest.fixture
def tool(tools: Callable[[int], Tool]) -> Tool:
    return tools(4)
