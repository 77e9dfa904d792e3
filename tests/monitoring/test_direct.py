"""Direct callbacks for LINE, which are called without the scope's frame if no other tool listens to the line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import CodeType

import pytest

from tmplmon.monitoring import Scope, ScopeBuilder
from tmplmon.monitoring.direct import register_clock, register_ends, register_line

MONITORING = sys.monitoring
LINE = MONITORING.events.LINE
TOOL, OTHER = 3, 4


class Page:
    """A scope of three lines."""

    def __init__(self) -> None:
        builder = ScopeBuilder("/srv/page", "page")
        self.sites = [builder.line(number, number, 0, 1) for number in (1, 2, 3)]
        self.scope: Scope = builder.build()
        self.code = self.scope.codelikes[0].code

    def run(self) -> None:
        activation = self.scope.enter()
        if activation is not None:
            with activation:
                for site in self.sites:
                    activation.line(site)


@pytest.fixture
def page() -> Page:
    return Page()


@pytest.fixture(autouse=True)
def tools() -> Iterator[None]:
    for tool in (TOOL, OTHER):
        MONITORING.use_tool_id(tool, f"test {tool}")
    yield
    for tool in (TOOL, OTHER):
        register_line(tool, None)
        register_ends(tool, None)
        register_clock(tool, None)
        for event in (LINE, MONITORING.events.PY_START, MONITORING.events.PY_RETURN):
            MONITORING.register_callback(tool, event, None)
        MONITORING.free_tool_id(tool)


def callers() -> list[str]:
    """The names of the callers, from the callback's caller outwards."""
    frame, found = sys._getframe(2), []
    while frame is not None:
        found.append(frame.f_code.co_name)
        frame = frame.f_back  # type: ignore[assignment]
    return found


def test_the_engine_calls_it(page: Page) -> None:
    seen: list[tuple[str, int, bool]] = []
    frames: list[bool] = []

    def through_frame(code: CodeType, line: int) -> None:
        seen.append(("callback", line, code is page.code))
        frames.append("page" in callers())

    def direct(code: CodeType, line: int) -> None:
        seen.append(("direct", line, code is page.code))
        frames.append("page" in callers())

    MONITORING.register_callback(TOOL, LINE, through_frame)
    MONITORING.set_local_events(TOOL, page.code, LINE)
    page.run()
    register_line(TOOL, direct)
    page.run()
    register_line(TOOL, None)
    page.run()
    MONITORING.set_local_events(TOOL, page.code, 0)
    lines = (1, 2, 3)
    assert seen == [(kind, n, True) for kind in ("callback", "direct", "callback") for n in lines]
    assert frames == [True] * 3 + [False] * 3 + [True] * 3


def test_another_tool_that_listens(page: Page) -> None:
    """If two tools listen to a line, both get a usual callback, the tool with the higher number first."""
    seen: list[tuple[str, int]] = []

    def disabling(code: CodeType, line: int) -> object:
        seen.append(("other", line))
        return MONITORING.DISABLE if line == 2 else None

    MONITORING.register_callback(TOOL, LINE, lambda code, line: seen.append(("callback", line)))
    MONITORING.register_callback(OTHER, LINE, disabling)
    register_line(TOOL, lambda code, line: seen.append(("direct", line)))
    for tool in (TOOL, OTHER):
        MONITORING.set_local_events(tool, page.code, LINE)
    page.run()
    page.run()
    for tool in (TOOL, OTHER):
        MONITORING.set_local_events(tool, page.code, 0)
    assert [line for line in seen if line[1] == 1] == [("other", 1), ("callback", 1)] * 2
    assert [line for line in seen if line[1] == 2] == [("other", 2), ("callback", 2), ("direct", 2)]


def test_disable(page: Page) -> None:
    seen: list[int] = []

    def direct(code: CodeType, line: int) -> object:
        seen.append(line)
        return MONITORING.DISABLE if line == 2 else None

    register_line(TOOL, direct)
    MONITORING.register_callback(TOOL, LINE, direct)
    MONITORING.set_local_events(TOOL, page.code, LINE)
    page.run()
    page.run()
    MONITORING.restart_events()
    page.run()
    MONITORING.set_local_events(TOOL, page.code, 0)
    assert seen == [1, 2, 3, 1, 3, 1, 2, 3]


def test_its_exceptions_propagate(page: Page) -> None:
    def direct(code: CodeType, line: int) -> None:
        raise ZeroDivisionError(line)

    register_line(TOOL, direct)
    MONITORING.register_callback(TOOL, LINE, direct)
    MONITORING.set_local_events(TOOL, page.code, LINE)
    with pytest.raises(ZeroDivisionError, match="1"):
        page.run()
    MONITORING.set_local_events(TOOL, page.code, 0)


def test_a_tool_that_is_not_in_use() -> None:
    with pytest.raises(ValueError, match="tool 5 is not in use"):
        register_line(5, print)
    register_line(5, None)


def test_a_clock_is_paused_while_an_engine_signals(page: Page) -> None:
    """It is paused during PY_START and during PY_RETURN, and runs between them."""
    seen: list[object] = []
    events = MONITORING.events
    register_clock(TOOL, (lambda: seen.append("pause"), lambda: seen.append("resume")))
    MONITORING.register_callback(TOOL, events.PY_START, lambda code, offset: seen.append("start"))
    MONITORING.register_callback(TOOL, LINE, lambda code, line: seen.append(line))
    MONITORING.register_callback(TOOL, events.PY_RETURN, lambda code, offset, value: seen.append("return"))
    MONITORING.set_local_events(TOOL, page.code, LINE | events.PY_START | events.PY_RETURN)
    page.run()
    MONITORING.set_local_events(TOOL, page.code, 0)
    for event in (events.PY_START, events.PY_RETURN):
        MONITORING.register_callback(TOOL, event, None)
    assert seen == ["pause", "pause", "start", "resume", 1, 2, 3, "pause", "return", "resume"]
    register_clock(TOOL, None)
    page.run()
    assert len(seen) == 10


def test_both_ends_without_the_scopes_frame(page: Page) -> None:
    """They are called as the usual callbacks are, but not from the scope's frame."""
    seen: list[tuple[str, int, object, bool]] = []

    def callback(name: str) -> Callable[..., None]:
        def note(code: CodeType, offset: int, value: object = "no value") -> None:
            assert code is page.code
            seen.append((name, offset, value, "page" in callers()))

        return note

    events = MONITORING.events
    MONITORING.register_callback(TOOL, events.PY_START, callback("start"))
    MONITORING.register_callback(TOOL, events.PY_RETURN, callback("return"))
    MONITORING.set_local_events(TOOL, page.code, events.PY_START | events.PY_RETURN)
    page.run()
    register_ends(TOOL, (callback("start"), callback("return")))
    page.run()
    codelike = page.scope.codelikes[0]
    ends = [("start", codelike.start, "no value"), ("return", codelike.end, None)]
    assert seen == [(*end, True) for end in ends] + [(*end, False) for end in ends]


def test_ends_to_which_another_tool_listens(page: Page) -> None:
    """Both tools get a usual callback; the start, to which the other tool does not listen, is still direct."""
    seen: list[str] = []
    events = MONITORING.events
    for tool in (TOOL, OTHER):
        MONITORING.register_callback(tool, events.PY_START, lambda *_: seen.append("event start"))
        MONITORING.register_callback(tool, events.PY_RETURN, lambda *_: seen.append("event return"))
    register_ends(TOOL, (lambda *_: seen.append("direct start"), lambda *_: seen.append("direct return")))
    MONITORING.set_local_events(TOOL, page.code, events.PY_START | events.PY_RETURN)
    MONITORING.set_local_events(OTHER, page.code, events.PY_RETURN)
    page.run()
    assert seen == ["direct start", "event return", "event return"]


def test_local_events_that_change_between_runs(page: Page) -> None:
    """A scope finds events that were set, changed or removed since its last run, of either tool."""
    seen: list[str] = []
    MONITORING.register_callback(TOOL, LINE, lambda code, line: seen.append(f"a{line}"))
    MONITORING.register_callback(OTHER, LINE, lambda code, line: seen.append(f"b{line}"))
    for tool, mask in ((TOOL, LINE), (OTHER, LINE), (TOOL, 0), (OTHER, 0), (TOOL, LINE)):
        MONITORING.set_local_events(tool, page.code, mask)
        page.run()
        seen.append("end")
    MONITORING.set_local_events(TOOL, page.code, 0)
    a, b = ["a1", "a2", "a3"], ["b1", "b2", "b3"]
    both = ["b1", "a1", "b2", "a2", "b3", "a3"]
    assert seen == [*a, "end", *both, "end", *b, "end", "end", *a, "end"]
