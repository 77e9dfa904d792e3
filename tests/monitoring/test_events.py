"""The table of events agrees with the running Python."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

import pytest

from tmplmon.monitoring import events
from tmplmon.monitoring.events import ALL_EVENTS, event


def test_the_table_has_all_events_of_python() -> None:
    names = {name for name in vars(sys.monitoring.events) if name.isupper()}
    names -= {"NO_EVENTS", "INSTRUCTION"}
    if sys.version_info >= (3, 14):
        names -= {"BRANCH"}
    assert {event.name for event in ALL_EVENTS} == names


def test_numbers_and_masks() -> None:
    for each in ALL_EVENTS:
        assert each.mask == getattr(sys.monitoring.events, each.name) == 1 << each.id
        assert event(each.name) is each
    assert [each.id for each in ALL_EVENTS] == sorted({each.id for each in ALL_EVENTS})
    assert repr(events.LINE) == f"<Event LINE {events.LINE.id}>"


def test_branches() -> None:
    if sys.version_info >= (3, 14):
        assert (events.BRANCH_LEFT.name, events.BRANCH_RIGHT.name) == ("BRANCH_LEFT", "BRANCH_RIGHT")
        assert events.BRANCH is None
    else:
        assert events.BRANCH_LEFT is events.BRANCH_RIGHT is events.BRANCH


def test_an_event_that_this_python_does_not_have() -> None:
    with pytest.raises(ValueError, match="'INSTRUCTION'"):
        event("INSTRUCTION")


def test_the_documentation_has_the_same_table() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "monitoring" / "api.md").read_text(
        encoding="utf-8"
    )
    rows = {
        cells[0].split()[0]: cells[1:]
        for line in page.splitlines()
        if line.startswith("| ") and len(cells := line.strip("| ").split(" | ")) == 4
    }
    for each in ALL_EVENTS:
        disable = "yes" if each.can_disable else "no"
        assert rows[each.name] == [", ".join(each.arguments), disable, each.controlled_by]


def native(tool: Any) -> None:
    """Python code that fires all events except those of generators."""

    def body(values: list[int]) -> int:
        for value in values:
            if value:
                len(values)
        while values:
            values.pop()
        try:
            return int("x")
        finally:
            values.append(1)

    tool.watch(body.__code__).record_all()
    with contextlib.suppress(ValueError):
        body([1, 0])
    tool.stop()


def test_the_number_of_arguments_is_that_of_the_vm(tool: Any) -> None:
    """The table has the number of arguments that callbacks receive after the code object."""
    native(tool)
    seen = {name: len(arguments) for name, *arguments in tool.seen}
    assert {"LINE", "CALL", "C_RETURN", "C_RAISE", "RAISE", "PY_UNWIND", "JUMP"} <= seen.keys()
    assert seen == {name: len(event(name).arguments) for name in seen}
