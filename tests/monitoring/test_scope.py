"""Scopes as an engine uses them: sequences of events, positions, includes, generators, threads, and tools that are
switched on and off."""

from __future__ import annotations

import contextlib
import sys
import threading
import traceback
from collections.abc import Callable
from types import CodeType
from typing import Any

import pytest
from monitoring_tool import Tool

from tmplmon.monitoring import EXIT, Scope, ScopeBuilder, events
from tmplmon.monitoring.events import BRANCH_LEFT, BRANCH_RIGHT
from tmplmon.monitoring.locations import IncludeSite
from tmplmon.monitoring.scope import _SiteEntry

DISABLE = sys.monitoring.DISABLE


class Program:
    """A scope that is written by hand:

    1 if test
    2   helper(test)
      end
    4 last
    """

    def __init__(self) -> None:
        builder = ScopeBuilder("/srv/page", "page", qualname="site.page")
        self.first = builder.line(1, 1, 0, 7)
        self.test = builder.branch(1, 1, 3, 7)
        self.second = builder.line(2, 2, 2, 14)
        self.helper = builder.call(2, 2, 2, 14)
        self.last = builder.line(4, 4, 0, 4)
        builder.connect(self.test, right=self.last)
        self.scope = builder.build()
        self.offsets = [site.offset for site in self.scope.sites]

    def run(
        self, test: object, helper: Callable[[Any], Any] = len, variables: dict[str, Any] | None = None
    ) -> str:
        activation = self.scope.enter({"test": test} if variables is None else variables)
        if activation is None:
            return "quiet"
        with activation:
            activation.line(self.first)
            activation.branch(self.test, test)
            if test:
                activation.line(self.second)
                try:
                    activation.invoke(self.helper, helper, test)
                except Exception as error:
                    activation.raise_(error)
                    raise
            activation.line(self.last)
            activation.py_return("done")
        return "signalled"


@pytest.fixture
def program() -> Program:
    return Program()


def names(seen: list[tuple[Any, ...]]) -> list[str]:
    return [name for name, *_ in seen]


# -- which events --------------------------------------------------------------------------------------------


def test_without_tools_a_scope_is_quiet(program: Program) -> None:
    assert program.run("abc") == "quiet"


def test_all_events_of_a_run(program: Program, tool: Tool) -> None:
    scope, offsets = program.scope, program.offsets
    codelike = scope.codelikes[0]
    tool.watch(scope.code).record_all()
    assert program.run("abc") == "signalled"
    assert tool.stop() == [
        ("PY_START", codelike.start),
        ("LINE", 1),
        (BRANCH_LEFT.name, offsets[1], codelike.left[1]),
        ("LINE", 2),
        ("CALL", offsets[3], len, "abc"),
        ("C_RETURN", offsets[3], len, "abc"),
        ("LINE", 4),
        ("PY_RETURN", codelike.end, "done"),
    ]


def test_the_other_branch(program: Program, tool: Tool) -> None:
    offsets = program.offsets
    tool.watch(program.scope.code).record(events.LINE, BRANCH_LEFT, BRANCH_RIGHT)
    program.run("")
    assert tool.stop() == [("LINE", 1), (BRANCH_RIGHT.name, offsets[1], offsets[4]), ("LINE", 4)]


def test_an_exception_from_the_host(program: Program, tool: Tool) -> None:
    offset = program.offsets[3]
    tool.watch(program.scope.code).record_all()
    with pytest.raises(TypeError) as caught:
        program.run(5)
    error = caught.value
    assert tool.stop()[4:] == [
        ("CALL", offset, len, 5),
        ("C_RAISE", offset, len, 5),
        ("RAISE", offset, error),
        ("PY_UNWIND", offset, error),
    ]
    [frame] = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == "/srv/page"]
    assert (frame.lineno, frame.colno, frame.end_colno, frame.name) == (2, 2, 14, "page")


def test_an_exception_that_the_engine_did_not_report(program: Program, tool: Tool) -> None:
    """The end of the ``with`` block reports it."""
    tool.watch(program.scope.code).record(events.RAISE, events.PY_UNWIND)
    activation = program.scope.enter()
    assert activation is not None
    error = ValueError("here")
    with pytest.raises(ValueError), activation:
        activation.line(program.last)
        raise error
    assert tool.stop() == [("RAISE", program.offsets[4], error), ("PY_UNWIND", program.offsets[4], error)]


def test_python_functions_have_no_c_events(program: Program, tool: Tool) -> None:
    tool.watch(program.scope.code).record(events.CALL, events.C_RETURN, events.C_RAISE)
    program.run("abc", lambda value: value)
    assert names(tool.stop()) == ["CALL"]


@pytest.mark.parametrize("way", ("invoke", "call"))
@pytest.mark.parametrize("fails", (False, True), ids=("C_RETURN", "C_RAISE"))
@pytest.mark.parametrize("others", (0, 1), ids=("alone", "with another tool"))
def test_disabled_calls_are_reported_as_in_the_vm(
    others: int, way: str, fails: bool, program: Program, tools: Callable[[int], Tool]
) -> None:
    """The tool that disables CALL gets no more calls from there; another one gets everything."""
    ends = "C_RAISE" if fails else "C_RETURN"
    argument: Any = None if fails else "abc"

    def function() -> None:
        try:
            len(argument)
        except TypeError:
            pass

    # A copy: what was disabled in a code object stays so for the next test.
    function.__code__ = function.__code__.replace()

    def scope() -> None:
        activation = program.scope.enter()
        if activation is None:
            return
        with activation:
            if way == "invoke":
                with contextlib.suppress(TypeError):
                    activation.invoke(program.helper, len, argument)
            else:
                activation.call(program.helper, len, argument)
                (activation.c_raise if fails else activation.c_return)(program.helper, len, argument)

    listening = [tools(number) for number in range(4, 3 - others, -1)]
    for tool in listening:
        tool.watch(program.scope.code, function.__code__)
        tool.record(events.CALL, events.C_RETURN, events.C_RAISE)
    listening[0].answer = lambda name: DISABLE if name == "CALL" else None
    seen = []
    for run in (function, scope):
        for _ in range(4):
            run()
        seen.append([names(tool.seen) for tool in listening])
        for tool in listening:
            tool.seen.clear()
    expected = [["CALL"], ["CALL", ends] * 4] if others else [["CALL", ends]]
    assert seen == [expected, expected]


def test_keyword_arguments(program: Program, tool: Tool) -> None:
    tool.watch(program.scope.code).record(events.CALL, events.C_RETURN)
    activation = program.scope.enter()
    assert activation is not None
    with activation:
        assert activation.invoke(program.helper, sorted, [2, 1], reverse=False) == [1, 2]
        assert activation.invoke(program.helper, dict, a=1) == {"a": 1}
        assert activation.invoke(program.helper, list) == []
    assert [(row[2], row[3]) for row in tool.stop() if row[0] == "CALL"] == [
        (sorted, [2, 1]),
        (dict, 1),
        (list, sys.monitoring.MISSING),
    ]


def test_exception_events(program: Program, tool: Tool) -> None:
    error = ValueError("x")
    event_types = (events.RAISE, events.RERAISE, events.EXCEPTION_HANDLED)
    tool.watch(program.scope.code).record(*event_types)
    activation = program.scope.enter()
    assert activation is not None
    with activation:
        activation.raise_(error, program.second)
        activation.exception_handled(error, program.last)
        activation.reraise(error, program.first)
    assert tool.stop() == [
        ("RAISE", program.offsets[2], error),
        ("EXCEPTION_HANDLED", program.offsets[4], error),
        ("RERAISE", program.offsets[0], error),
    ]


def test_events_of_a_scope_that_does_not_run(program: Program, tool: Tool) -> None:
    tool.record(events.PY_START)
    activation = program.scope.enter()
    assert activation is not None
    wrong: list[Callable[[], object]] = [
        lambda: activation.line(program.first),
        lambda: activation.branch(program.test, True),
        lambda: activation.call(program.helper, len),
        lambda: activation.reach(program.last),
        lambda: activation.raise_(ValueError()),
        lambda: activation.py_unwind(ValueError()),
        lambda: activation.py_return(),
    ]
    for moment in ("before", "after"):
        for mistake in wrong:
            with pytest.raises(RuntimeError, match="has not started, or has ended"):
                mistake()
        if moment == "before":
            with activation:
                pass


def test_jumps_returns_and_iterators(tool: Tool) -> None:
    builder = ScopeBuilder("/srv/loop", "loop")
    head = builder.line(1)
    body = builder.iterate(1)
    back = builder.jump(2)
    builder.connect(back, left=head)
    out = builder.leave(3)
    scope = builder.build()
    tool.watch(scope.code).record_all()
    activation = scope.enter()
    assert activation is not None
    with activation:
        activation.jump(back)
        activation.stop_iteration(body, 5)
        activation.py_return(6, out)
    start, jump, stop, end = tool.stop()
    at = [site.offset for site in scope.sites]
    assert (start[0], jump, stop[:2]) == (
        "PY_START",
        ("JUMP", at[back], at[head]),
        ("STOP_ITERATION", at[body]),
    )
    assert stop[2].value == 5
    assert end == ("PY_RETURN", at[out], 6)


def test_moving_to_a_site_without_an_event(program: Program, tool: Tool) -> None:
    """The frame has the position of the site, also for functions that are called there. No event is fired."""
    tool.watch(program.scope.code).record(events.LINE, events.CALL, events.C_RETURN, events.RAISE)
    activation = program.scope.enter()
    assert activation is not None
    with activation:
        activation.line(program.first)
        activation.reach(program.second)
        assert activation.frame is not None and activation.frame.line == 2
        frame_seen = activation.within(program.last, lambda: sys._getframe(1))
        assert (frame_seen.f_code, frame_seen.f_lineno) == (program.scope.code, 4)
        with pytest.raises(ZeroDivisionError) as caught:
            activation.within(program.second, lambda: 1 // 0)
    assert tool.stop() == [("LINE", 1)]
    assert 2 in [
        line for f, line in traceback.walk_tb(caught.value.__traceback__) if f.f_code is program.scope.code
    ]


def test_entering_a_scope_without_listeners(program: Program, tools: Callable[[int], Tool]) -> None:
    """A tool that starts during a call receives events after the call has returned."""
    new_tools: list[Tool] = []

    def come(value: object = None) -> None:
        new_tools.append(tools(4 - len(new_tools)).watch(program.scope.code).record(events.LINE))

    for site, way in ((program.helper, "invoke"), (program.last, "within")):
        activation = program.scope.enter(always=True)
        assert activation is not None
        with activation:
            activation.line(program.first)
            getattr(activation, way)(site, come)
            activation.line(program.last)
        assert new_tools[-1].stop() == [("LINE", 4)]


# -- callbacks -----------------------------------------------------------------------------------------------


def test_callbacks_find_the_scopes_frame(program: Program, tool: Tool) -> None:
    tool.frames = True
    tool.watch(program.scope.code).record_all()
    variables = {"test": "abc"}
    program.run("abc", variables=variables)
    frames = [row[-1] for row in tool.stop()]
    assert len(set(map(id, frames))) == 1
    assert frames[0].f_code is program.scope.code
    assert frames[0].f_locals is variables


def test_the_frame_has_the_line_of_the_event(program: Program, tool: Tool) -> None:
    lines: list[tuple[str, int]] = []
    tool.watch(program.scope.code).answer = lambda name: lines.append((name, sys._getframe(2).f_lineno))
    tool.record(events.LINE, events.CALL, BRANCH_LEFT, events.PY_START, events.PY_RETURN)
    program.run("abc")
    tool.stop()
    assert lines == [
        ("PY_START", 1),
        ("LINE", 1),
        (BRANCH_LEFT.name, 1),
        ("LINE", 2),
        ("CALL", 2),
        ("LINE", 4),
        ("PY_RETURN", 4),
    ]


def test_disable_is_per_site_and_a_scope_gets_quiet(program: Program, tool: Tool) -> None:
    tool.watch(program.scope.code).answer = lambda name: DISABLE
    tool.record(events.LINE)
    assert program.run("") == "signalled"
    assert program.run("abc") == "signalled"
    assert program.run("abc") == "quiet", "all of its lines are disabled"
    assert tool.seen == [("LINE", 1), ("LINE", 4), ("LINE", 2)]
    sys.monitoring.restart_events()
    assert program.run("") == "signalled"
    assert tool.stop()[3:] == [("LINE", 1), ("LINE", 4)]


def test_disabling_a_branch(program: Program, tool: Tool) -> None:
    tool.watch(program.scope.code).answer = lambda name: DISABLE
    tool.record(BRANCH_LEFT, BRANCH_RIGHT)
    for test in ("abc", "", "abc", ""):
        program.run(test)
    ways = [destination for _, _, destination in tool.stop()]
    site = program.scope.sites[program.test]
    # 3.13 has one event for both sides, so both are disabled.
    assert ways == ([site.left, site.right] if BRANCH_LEFT is not BRANCH_RIGHT else [site.left])


def test_a_callback_that_raises_ends_the_scope(program: Program, tool: Tool) -> None:
    error = OSError("from the tool")

    def fail(name: str) -> None:
        if name == "LINE" and len(tool.seen) > 3:
            raise error

    tool.watch(program.scope.code).answer = fail
    tool.record(events.LINE, events.PY_START, events.RAISE, events.PY_UNWIND)
    with pytest.raises(OSError, match="from the tool"):
        program.run("abc")
    assert tool.stop() == [
        ("PY_START", program.scope.codelikes[0].start),
        ("LINE", 1),
        ("LINE", 2),
        ("LINE", 4),
        ("RAISE", program.offsets[4], error),
        ("PY_UNWIND", program.offsets[4], error),
    ]


def test_a_scope_inside_a_callback_is_quiet(program: Program, tool: Tool) -> None:
    other = Program()
    answers: list[str] = []
    tool.watch(program.scope.code, other.scope.code).answer = lambda name: answers.append(other.run("abc"))
    tool.record(events.LINE, events.RAISE)
    program.run("")
    assert names(tool.stop()) == ["LINE", "LINE"]
    assert answers == ["quiet", "quiet"]


# -- tools come and go ---------------------------------------------------------------------------------------


def test_local_events(program: Program, tool: Tool) -> None:
    other = Program()
    tool.watch(program.scope.code, other.scope.code).record(events.LINE, local=program.scope.code)
    assert (program.run(""), other.run("")) == ("signalled", "quiet")
    assert tool.seen == [("LINE", 1), ("LINE", 4)]
    sys.monitoring.set_local_events(4, program.scope.code, 0)
    assert program.run("") == "quiet"


def test_local_events_set_in_py_start_count_at_once(program: Program, tool: Tool) -> None:
    """coverage.py's sysmon core does this."""
    code = program.scope.code

    def start(name: str) -> object:
        if name == "PY_START":
            sys.monitoring.set_local_events(4, code, events.LINE.mask | events.PY_RETURN.mask)
        return DISABLE

    tool.watch(code).answer = start
    tool.record(events.LINE, events.PY_RETURN, events.PY_START)
    sys.monitoring.set_events(4, events.PY_START.mask)
    assert program.run("") == "signalled"
    assert tool.stop() == [
        ("PY_START", program.scope.codelikes[0].start),
        ("LINE", 1),
        ("LINE", 4),
        ("PY_RETURN", program.scope.codelikes[0].end, "done"),
    ]
    sys.monitoring.set_local_events(4, code, 0)


@pytest.mark.parametrize("trigger", ("PY_RESUME", "PY_THROW"))
def test_local_events_set_when_a_scope_resumes_count_at_once(trigger: str, tool: Tool) -> None:
    builder = ScopeBuilder("/srv/stream", "stream")
    pause, call = builder.pause(1), builder.call(1)
    test, jump = builder.branch(1), builder.jump(1)
    builder.connect(test, right=EXIT)
    builder.connect(jump, left=EXIT)
    scope = builder.build()
    wanted = ("CALL", "BRANCH_RIGHT" if events.BRANCH is None else "BRANCH", "JUMP")

    def begin(name: str) -> None:
        if name == trigger:
            sys.monitoring.set_local_events(4, scope.code, sum(events.event(name).mask for name in wanted))

    tool.watch(scope.code).answer = begin
    tool.record(*map(events.event, (*wanted, trigger)))
    sys.monitoring.set_events(4, events.event(trigger).mask)
    with scope.enter() or pytest.fail("no tool") as activation:
        activation.py_yield(1, pause)
        if trigger == "PY_RESUME":
            activation.py_resume(pause)
        else:
            activation.py_throw(ValueError(), pause)
        activation.call(call, len)
        activation.branch(test, False)
        activation.jump(jump)
    assert names(tool.stop()) == [trigger, *wanted]
    sys.monitoring.set_local_events(4, scope.code, 0)


def test_restart_events_with_local_events(program: Program, tool: Tool) -> None:
    """Disabled events are enabled again by ``restart_events``, and by nothing that other tools do before."""
    tool.watch(program.scope.code).answer = lambda name: DISABLE
    tool.record(events.LINE, local=program.scope.code)
    for _ in range(2):
        program.run("")
    sys.monitoring.set_local_events(4, Program().scope.code, events.PY_START.mask)
    program.run("")
    assert tool.seen == [("LINE", 1), ("LINE", 4)]
    sys.monitoring.restart_events()
    program.run("")
    assert tool.seen == [("LINE", 1), ("LINE", 4)] * 2
    sys.monitoring.set_local_events(4, program.scope.code, 0)


# The function that fires each event, for a scope with a site of each kind.
SIGNALS: dict[str, Callable[[Any, dict[str, int], BaseException], None]] = {
    "PY_START": lambda signal, at, error: (signal.py_start(), signal.py_return()),
    "PY_RETURN": lambda signal, at, error: (signal.py_start(), signal.py_return(1)),
    "PY_YIELD": lambda signal, at, error: signal.py_yield(1, at["pause"]),
    "PY_RESUME": lambda signal, at, error: signal.py_resume(at["pause"]),
    "PY_THROW": lambda signal, at, error: signal.py_throw(error, at["pause"]),
    "PY_UNWIND": lambda signal, at, error: (signal.py_start(), signal.py_unwind(error)),
    "CALL": lambda signal, at, error: signal.call(at["call"], len, "x"),
    "C_RETURN": lambda signal, at, error: signal.c_return(at["call"], len, "x"),
    "C_RAISE": lambda signal, at, error: signal.c_raise(at["call"], len, "x"),
    "LINE": lambda signal, at, error: signal.line(at["line"]),
    "JUMP": lambda signal, at, error: signal.jump(at["jump"]),
    "BRANCH": lambda signal, at, error: signal.branch(at["branch"], True),
    "BRANCH_LEFT": lambda signal, at, error: signal.branch(at["branch"], True),
    "BRANCH_RIGHT": lambda signal, at, error: signal.branch(at["branch"], False),
    "STOP_ITERATION": lambda signal, at, error: signal.stop_iteration(at["iterate"], 1),
    "RAISE": lambda signal, at, error: signal.raise_(error),
    "RERAISE": lambda signal, at, error: signal.reraise(error),
    "EXCEPTION_HANDLED": lambda signal, at, error: signal.exception_handled(error),
}


@pytest.mark.parametrize("event", events.ALL_EVENTS, ids=lambda event: event.name)
def test_disable_for_each_event(event: events.Event, tools: Callable[[int], Tool]) -> None:
    """If one of two tools disables an event, it receives the event once, and the other tool each time. For events
    that cannot be disabled, ValueError is raised and the callback removed."""
    builder = ScopeBuilder("/srv/all", "all")
    at = {kind: getattr(builder, kind)(1) for kind in ("line", "call", "branch", "jump", "pause", "iterate")}
    builder.connect(at["branch"], right=EXIT)
    builder.connect(at["jump"], left=EXIT)
    scope = builder.build()
    one, other = tools(4).watch(scope.code), tools(2).watch(scope.code)
    one.answer = lambda name: DISABLE if name == event.name else None
    for tool in (one, other):
        tool.record(event, events.CALL)
    activation = scope.enter()
    assert activation is not None
    activation.py_start()
    error = ValueError("signalled")
    refused = 0
    for _ in range(3):
        try:
            SIGNALS[event.name](activation, at, error)
        except ValueError as caught:
            assert str(caught) == f"Cannot disable {event.name} events. Callback removed."
            refused += 1
    one.stop(), other.stop()
    counts = [sum(row[0] == event.name for row in tool.seen) for tool in (one, other)]
    started = event is events.PY_START  # once more, above
    assert refused == (0 if event.can_disable else 1)
    assert counts == ([1, 3 + started] if event.can_disable else [1, 2])


def test_tools_between_two_runs(program: Program, tools: Callable[[int], Tool]) -> None:
    one, other = tools(4).watch(program.scope.code), tools(3).watch(program.scope.code)
    one.record(events.LINE)
    program.run("")
    other.record(events.PY_START)
    program.run("")
    one.stop()
    program.run("")
    other.stop()
    assert program.run("") == "quiet"
    assert names(one.seen) == ["LINE"] * 4
    assert names(other.seen) == ["PY_START"] * 2


# -- includes ------------------------------------------------------------------------------------------------


class Including:
    """page: 1 before / 2 include nav / 3 include nav / 4 after; nav: 1 first / 2 second."""

    def __init__(self) -> None:
        builder = ScopeBuilder("/srv/page", "page")
        self.before = builder.line(1, 1, 0, 6)
        self.navs = []
        for line in (2, 3):
            self.includes = builder.line(line, line, 0, 11)
            inclusion = builder.include("/srv/nav", line, 0)
            first, second = (builder.line(n, n, 0, 5, inclusion=inclusion) for n in (1, 2))
            self.navs.append((self.includes, inclusion, first, second))
        self.after = builder.line(4, 4, 0, 5)
        self.scope = builder.build()

    def run(self, look: Callable[[Any], None] = lambda activation: None) -> None:
        activation = self.scope.enter({})
        if activation is None:
            return
        with activation:
            activation.line(self.before)
            for include, inclusion, first, second in self.navs:
                activation.line(include)
                activation.py_start(inclusion)
                activation.line(first)
                look(activation)
                activation.line(second)
                activation.py_return()
            activation.line(self.after)


def test_a_file_included_twice() -> None:
    scope = Including().scope
    page, nav = (codelike.code for codelike in scope.codelikes)
    assert (page.co_filename, nav.co_filename) == ("/srv/page", "/srv/nav")
    assert scope.sites_at("/srv/nav", 1) == (2, 5)
    chains = [scope.location(nav, scope.sites[number].offset).chain for number in (2, 5)]
    assert chains == [(IncludeSite("/srv/page", 2, 0),), (IncludeSite("/srv/page", 3, 0),)]
    assert scope.location(page, scope.sites[7].offset)[:5] == ("/srv/page", 4, 4, 0, 5)
    assert scope.location(page, scope.codelikes[0].start).line == 1
    with pytest.raises(LookupError):
        scope.location(page, 0)
    with pytest.raises(LookupError):
        scope.location((lambda: None).__code__, 2)


def test_events_of_an_include(tool: Tool) -> None:
    program = Including()
    page, nav = (codelike.code for codelike in program.scope.codelikes)
    seen: list[tuple[str, Any]] = []
    event_types = (events.PY_START, events.LINE, events.PY_RETURN)
    for event in event_types:
        sys.monitoring.register_callback(
            4,
            event.mask,
            lambda code, value, *_: (
                seen.append((code.co_filename[5:], value)) if code in (page, nav) else None
            ),
        )
    sys.monitoring.set_events(4, events.LINE.mask)
    program.run()
    sys.monitoring.set_events(4, 0)
    include = [("nav", 1), ("nav", 2)]
    assert seen == [("page", 1), ("page", 2), *include, ("page", 3), *include, ("page", 4)]


def test_local_events_of_one_file(tool: Tool) -> None:
    program = Including()
    nav = program.scope.codelikes[1].code
    tool.watch(nav).record(events.PY_START, events.LINE, events.PY_RETURN, local=nav)
    program.run()
    codelike = program.scope.codelikes[1]
    once = [("PY_START", codelike.start), ("LINE", 1), ("LINE", 2), ("PY_RETURN", codelike.end, None)]
    assert tool.seen == once * 2


def test_the_frames_of_an_include(tool: Tool) -> None:
    program = Including()
    page, nav = (codelike.code for codelike in program.scope.codelikes)
    tool.frames = True
    tool.watch(nav, page).record(events.LINE)
    stacks: list[list[tuple[CodeType, int]]] = []
    tool.answer = lambda name: stacks.append(
        [(f.f_code, line) for f, line in traceback.walk_stack(sys._getframe(2)) if f.f_code in (page, nav)]
    )
    program.run()
    tool.stop()
    assert stacks[:4] == [[(page, 1)], [(page, 2)], [(nav, 1), (page, 2)], [(nav, 2), (page, 2)]]
    assert stacks[-1] == [(page, 4)]


def test_an_exception_in_an_include_unwinds_both(tool: Tool) -> None:
    program = Including()
    codes = [codelike.code for codelike in program.scope.codelikes]
    unwound: list[CodeType] = []
    sys.monitoring.register_callback(
        4, events.PY_UNWIND.mask, lambda code, *_: unwound.append(code) if code in codes else None
    )
    sys.monitoring.set_events(4, events.PY_UNWIND.mask)

    def fail(activation: object) -> None:
        raise ValueError

    with pytest.raises(ValueError):
        program.run(fail)
    sys.monitoring.set_events(4, 0)
    assert unwound == codes[::-1]


def test_destinations_are_in_one_file() -> None:
    builder = ScopeBuilder("/srv/page", "page")
    test = builder.branch(1)
    inclusion = builder.include("/srv/nav", 1)
    inside = builder.line(1, inclusion=inclusion)
    with pytest.raises(ValueError, match=f"site {inside} is in another file"):
        builder.connect(test, right=inside)
    with pytest.raises(ValueError, match="inclusion 5"):
        builder.line(1, inclusion=5)


# -- generators, recursion, threads --------------------------------------------------------------------------


class Counter:
    """A scope that yields: 1 count / 2 yield."""

    def __init__(self) -> None:
        builder = ScopeBuilder("/srv/count", "count")
        self.line = builder.line(1)
        self.pause = builder.pause(2)
        self.scope = builder.build()

    def run(self, values: int) -> Any:
        activation = self.scope.enter()
        assert activation is not None
        with activation:
            for value in range(values):
                activation.line(self.line)
                activation.py_yield(value, self.pause)
                try:
                    yield value
                except ValueError as error:
                    activation.py_throw(error, self.pause)
                    raise
                activation.py_resume(self.pause)


def test_a_generator(tool: Tool) -> None:
    counter = Counter()
    codelike, at = counter.scope.codelikes[0], counter.scope.sites[counter.pause].offset
    tool.watch(counter.scope.code).record_all()
    assert list(counter.run(2)) == [0, 1]
    assert tool.stop() == [
        ("PY_START", codelike.start),
        ("LINE", 1),
        ("PY_YIELD", at, 0),
        ("PY_RESUME", at),
        ("LINE", 1),
        ("PY_YIELD", at, 1),
        ("PY_RESUME", at),
        ("PY_RETURN", codelike.end, None),
    ]


def test_throwing_into_a_generator(tool: Tool) -> None:
    counter = Counter()
    at = counter.scope.sites[counter.pause].offset
    tool.watch(counter.scope.code).record(events.PY_THROW, events.RAISE, events.PY_UNWIND)
    run = counter.run(2)
    next(run)
    error = ValueError("thrown")
    with pytest.raises(ValueError, match="thrown"):
        run.throw(error)
    assert [(name, exception) for name, _, exception in tool.stop()] == [
        ("PY_THROW", error),
        ("RAISE", error),
        ("PY_UNWIND", error),
    ]
    assert tool.seen[0][1] == at


def test_tools_that_change_while_a_generator_is_suspended(tool: Tool) -> None:
    counter = Counter()
    tool.watch(counter.scope.code).record(events.LINE)
    run = counter.run(3)
    next(run)
    tool.stop()
    next(run)
    tool.record(events.LINE, events.PY_RESUME)
    next(run)
    assert names(tool.stop()) == ["LINE", "PY_RESUME", "LINE"]


def test_recursion(program: Program, tool: Tool) -> None:
    tool.watch(program.scope.code).record(events.LINE)
    program.run("abc", lambda value: program.run(""))
    assert tool.stop() == [("LINE", line) for line in (1, 2, 1, 4, 4)]


def test_threads(program: Program, tool: Tool) -> None:
    barrier = threading.Barrier(4)
    lines: dict[int, list[int]] = {}

    def line(code: CodeType, number: int) -> None:
        if code is program.scope.code:
            assert sys._getframe(1).f_lineno == number
            lines.setdefault(threading.get_ident(), []).append(number)

    def work() -> None:
        barrier.wait()
        for _ in range(50):
            program.run("abc")

    sys.monitoring.register_callback(4, events.LINE.mask, line)
    sys.monitoring.set_events(4, events.LINE.mask)
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.monitoring.set_events(4, 0)
    assert [*lines.values()] == [[1, 2, 4] * 50] * 4


# -- the scope itself ----------------------------------------------------------------------------------------


def test_the_check_of_one_byte(program: Program, tool: Tool) -> None:
    scope = program.scope
    check = scope.check(program.first)
    scope.enter()
    assert scope.data[check] == 0
    tool.record(events.LINE)
    scope.enter()
    assert scope.data[check] == 1 << 4
    tool.stop()


def test_attributes_of_a_scope(program: Program) -> None:
    scope = program.scope
    assert (scope.code.co_name, scope.code.co_qualname) == ("page", "site.page")
    assert repr(scope) == "<Scope site.page of '/srv/page': 5 sites>"
    for site in scope.sites:
        assert scope.location(site.code, site.offset).line == site.line
    assert scope.sites_at("/srv/page", 2) == (2, 3)
    assert scope.sites_at("/srv/page", 3) == ()


def test_a_scope_without_sites(tool: Tool) -> None:
    scope: Scope = ScopeBuilder("/srv/empty", "empty").build()
    tool.watch(scope.code).record(events.PY_START, events.PY_RETURN)
    activation = scope.enter()
    assert activation is not None
    with activation:
        pass
    assert names(tool.stop()) == ["PY_START", "PY_RETURN"]


def test_locations_of_destinations() -> None:
    """A loop that is left at its end: its branch goes back, which takes a jump without a line."""
    builder = ScopeBuilder("/srv/loop", "loop")
    top = builder.line(1, 1, 0, 6)
    builder.line(2, 2, 0, 9)
    test = builder.branch(2, 2, 6, 9)
    builder.connect(test, right=top)
    builder.line(3, 3, 0, 4)
    scope = builder.build()
    site, end = scope.sites[test], scope.codelikes[0].end
    assert scope.location(scope.code, site.right)[:5] == ("/srv/loop", 1, 1, 0, 6)
    assert scope.location(scope.code, site.left).line == 3
    assert scope.location(scope.code, end) == ("/srv/loop", None, None, None, None, ())


def test_locations_of_destinations_that_are_far_away() -> None:
    """Each destination is the site that it was connected with, as for the code object's own branches."""
    builder = ScopeBuilder("/srv/far", "far")
    first = builder.branch(1)
    jumps = [builder.jump(line) for line in range(2, 302)]
    last = builder.branch(400)
    builder.connect(first, left=last, right=jumps[150])
    for jump in jumps:
        builder.connect(jump, left=EXIT)
    builder.connect(last, left=jumps[-1], right=first)
    scope = builder.build()

    def line_of(destination: int | None) -> int | None:
        assert destination is not None
        return scope.location(scope.code, destination).line

    assert [(line_of(scope.sites[n].left), line_of(scope.sites[n].right)) for n in (first, last)] == [
        (400, 152),
        (301, 1),
    ]
    assert {line_of(scope.sites[jump].left) for jump in jumps} == {None}


def test_a_label_is_for_one_file() -> None:
    builder = ScopeBuilder("/srv/page", "page")
    part = builder.include("/srv/part", 1)
    test, end = builder.branch(1), builder.label()
    builder.line(5, inclusion=part)
    builder.bind(end, inclusion=part)
    builder.line(6, inclusion=part)
    builder.connect(test, right=end)
    with pytest.raises(ValueError, match=r"/srv/page: a label .* was bound in /srv/part"):
        builder.build()


def test_a_label_of_another_inclusion_of_the_file() -> None:
    """It has one code-like, so a branch can lead from one inclusion to the other."""
    builder = ScopeBuilder("/srv/page", "page")
    parts = [builder.include("/srv/part", line) for line in (1, 2)]
    test, end = builder.branch(5, inclusion=parts[0]), builder.label()
    builder.bind(end, inclusion=parts[1])
    builder.line(6, inclusion=parts[1])
    builder.connect(test, right=end)
    scope = builder.build()
    site = scope.sites[test]
    assert site.right is not None
    assert scope.location(site.code, site.right).chain == (IncludeSite("/srv/page", 2),)


def test_many_included_files_take_time_in_proportion(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in looks at entries, not in time."""
    looks = 0
    read = _SiteEntry.file.__get__

    class Counted:
        def __get__(self, entry: Any, owner: Any = None) -> Any:
            nonlocal looks
            looks += 1
            return read(entry, owner)

        __set__ = _SiteEntry.file.__set__

    monkeypatch.setattr(_SiteEntry, "file", Counted())
    counts = []
    for files in (50, 100):
        builder = ScopeBuilder("/srv/page", "page")
        for number in range(files):
            builder.line(1, inclusion=builder.include(f"/srv/{number}", number + 1))
        looks = 0
        builder.build()
        counts.append(looks)
    assert counts[1] == 2 * counts[0]


def test_labels_across_the_builder(tool: Tool) -> None:
    builder = ScopeBuilder("/srv/page", "page")
    test, end = builder.branch(1), builder.label()
    builder.connect(test, left=EXIT, right=end)
    builder.line(2)
    builder.bind(end)
    scope = builder.build()
    assert scope.sites[test].right == scope.codelikes[0].end
