"""The checked mode: each mistake of an engine is an error that names the site. `Activation.at`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from monitoring_tool import Tool

from tmplmon.monitoring import EXIT, ScopeBuilder, events


class Page:
    """A scope with a site of each kind, and an inclusion with a line."""

    def __init__(self, **options: Any) -> None:
        builder = ScopeBuilder("/srv/page", "page", **options)
        self.line, self.call = builder.line(1), builder.call(1)
        self.branch = builder.branch(2)
        self.jump = builder.jump()
        self.pause, self.iterate = builder.pause(3), builder.iterate(4)
        self.leave = builder.leave(5)
        builder.connect(self.branch, right=EXIT)
        builder.connect(self.jump, left=EXIT)
        self.part = builder.include("/srv/part", 3)
        self.inner = builder.line(7, inclusion=self.part)
        self.scope = builder.build()

    def enter(self) -> Any:
        activation = self.scope.enter(always=True)
        assert activation is not None
        return activation


ERROR = ValueError("x")
MISTAKES: dict[str, Callable[[Page, Any], object]] = {
    r"line: site 2 \(branch, line 2 of /srv/page\) is not of the kind 'line'": lambda p, a: a.line(p.branch),
    r"at: site 1 \(call, line 1 of /srv/page\) is not": lambda p, a: a.at(p.call),
    r"branch: site 0 \(line, .*'branch'": lambda p, a: a.branch(p.line, True),
    r"jump: site 0 \(line, .*'jump'": lambda p, a: a.jump(p.line),
    r"call: site 0 \(line, .*'call'": lambda p, a: a.call(p.line, len),
    r"c_return: site 0 \(line, .*'call'": lambda p, a: a.c_return(p.line, len),
    r"c_raise: site 0 \(line, .*'call'": lambda p, a: a.c_raise(p.line, len),
    r"invoke: site 0 \(line, .*'call'": lambda p, a: a.invoke(p.line, len, ""),
    r"stop_iteration: site 0 \(line, .*'iterate'": lambda p, a: a.stop_iteration(p.line),
    r"py_yield: site 0 \(line, .*'yield'": lambda p, a: a.py_yield(1, p.line),
    r"py_resume: site 0 \(line, .*'yield'": lambda p, a: a.py_resume(p.line),
    r"py_throw: site 0 \(line, .*'yield'": lambda p, a: a.py_throw(ERROR, p.line),
    r"py_return: site 0 \(line, .*'return'": lambda p, a: a.py_return(1, site=p.line),
    r"line: <Scope page of '/srv/page': 8 sites> has no site 8": lambda p, a: a.line(8),
    r"raise_: .* has no site -1": lambda p, a: a.raise_(ERROR, -1),
    r"line: site 7 \(line, line 7 of /srv/part\) is in inclusion 1, but 0 is running": lambda p, a: a.line(
        p.inner
    ),
    r"has no inclusion 2": lambda p, a: a.py_start(2),
}


@pytest.mark.parametrize(("message", "mistake"), MISTAKES.items(), ids=MISTAKES)
def test_mistakes_while_a_scope_runs(
    message: str, mistake: Callable[[Page, Any], object], tool: Tool
) -> None:
    tool.record_all()
    page = Page(checked=True)
    activation = page.enter()
    with activation, pytest.raises(ValueError, match=message):
        mistake(page, activation)


def test_an_event_of_the_outer_file_during_an_include(tool: Tool) -> None:
    tool.record_all()
    page = Page(checked=True)
    with page.enter() as activation:
        activation.py_start(page.part)
        with pytest.raises(ValueError, match=r"site 0 .* is in inclusion 0, but 1 is running"):
            activation.line(page.line)
        activation.line(page.inner)
        activation.py_return()
        activation.line(page.line)


@pytest.mark.parametrize("method", ("line", "jump", "reach", "stop_iteration", "py_return", "raise_"))
def test_events_of_a_scope_that_is_not_running(method: str) -> None:
    page = Page(checked=True)
    activation = page.enter()
    arguments = {"py_return": (), "raise_": (ERROR,)}.get(method, (page.line,))
    for _ in range(2):
        with pytest.raises(RuntimeError, match=f"{method}: <Scope page .* is not running"):
            getattr(activation, method)(*arguments)
        with activation:
            pass


def test_starting_twice() -> None:
    page = Page(checked=True)
    with (
        page.enter() as activation,
        pytest.raises(RuntimeError, match=r"inclusion 0 .* inclusion 0 is running"),
    ):
        activation.py_start()
    with pytest.raises(RuntimeError, match=r"inclusion 1 .* nothing is running"):
        page.enter().py_start(page.part)


def test_correct_events_are_the_same(tool: Tool) -> None:
    seen = []
    for checked in (False, True):
        page = Page(checked=checked)
        tool.watch(page.scope.code).record_all()
        with page.enter() as activation:
            activation.line(page.line)
            activation.invoke(page.call, len, "abc")
            activation.branch(page.branch, True)
            activation.jump(page.jump)
            activation.py_yield(1, page.pause)
            activation.py_resume(page.pause)
            activation.stop_iteration(page.iterate)
            activation.py_return(2, page.leave)
        seen.append([row[:2] for row in tool.seen])
        tool.seen.clear()
    assert seen[0] == seen[1]
    assert [name for name, _ in seen[0]] == [
        *("PY_START", "LINE", "CALL", "C_RETURN", events.BRANCH_LEFT.name, "JUMP"),
        *("PY_YIELD", "PY_RESUME", "STOP_ITERATION", "PY_RETURN"),
    ]


def test_the_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tmplmon.monitoring.scope.CHECKED", True)
    page = Page()
    with page.enter() as activation, pytest.raises(ValueError, match="site 2"):
        activation.line(page.branch)
    with Page(checked=False).enter() as activation:
        activation.line(page.branch)


def test_a_jump_on_another_line() -> None:
    builder = ScopeBuilder("/srv/page", "page", checked=True)
    builder.line(1)
    builder.connect(builder.jump(3), left=EXIT)
    with pytest.raises(
        ValueError, match=r"site 1 \(jump, line 3 of /srv/page\) is on another line .* line 1"
    ):
        builder.build()


def test_a_jump_without_a_line_has_that_of_the_site_before_it() -> None:
    builder = ScopeBuilder("/srv/page", "page", checked=True)
    with pytest.raises(ValueError, match="needs a site before it"):
        builder.jump()
    builder.line(4, 5, 6, 7)
    jump = builder.jump()
    builder.connect(jump, left=EXIT)
    scope = builder.build()
    assert scope.location(scope.code, scope.sites[jump].offset)[1:5] == (4, 5, 6, 7)


def test_building_twice() -> None:
    builder = ScopeBuilder("/srv/page", "page")
    builder.line(1)
    builder.build()
    with pytest.raises(RuntimeError, match="page: this builder has already built its scope"):
        builder.build()


def test_file_names_are_text() -> None:
    with pytest.raises(TypeError, match=r"has to be a str, not \w*Path: .*page"):
        ScopeBuilder(Path("page"), "page")  # type: ignore[arg-type]
    builder = ScopeBuilder("page", "page")
    with pytest.raises(TypeError, match=r"has to be a str, not \w*Path"):
        builder.include(Path("part"), 1)  # type: ignore[arg-type]


def test_a_label_of_another_builder() -> None:
    other = ScopeBuilder("/srv/other", "other")
    label = other.label()
    other.bind(label)
    builder = ScopeBuilder("/srv/page", "page")
    builder.connect(builder.jump(1), left=label)
    with pytest.raises(ValueError, match="/srv/page: a label that a site leads to was bound in /srv/other"):
        builder.build()


def test_at_fires_once_for_a_line(tool: Tool) -> None:
    builder = ScopeBuilder("/srv/page", "page")
    sites = [builder.line(line, line, column, column + 1) for line in (1, 2) for column in (0, 2, 4)]
    scope = builder.build()
    tool.watch(scope.code).record(events.LINE)
    columns = []
    activation = scope.enter()
    assert activation is not None
    with activation:
        for site in [*sites, sites[1]]:
            activation.at(site)
            columns.append(activation.frame.offset if activation.frame else None)
    assert tool.stop() == [("LINE", 1), ("LINE", 2), ("LINE", 1)]
    assert columns == [scope.sites[site].offset for site in [*sites, sites[1]]]
