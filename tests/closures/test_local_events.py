"""Local events that a tool sets in a callback for PY_START or PY_RESUME are fired from then on, as for a function:
the tree that runs is chosen afterwards, or fires all events.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType
from typing import Any

import pytest
from cases.engines import ROOT

from tmplmon import Environment
from tmplmon.loaders import FunctionLoader

monitoring = sys.monitoring
TOOL = 4
SIDES = ("BRANCH_LEFT", "BRANCH_RIGHT") if sys.version_info >= (3, 14) else ("BRANCH",)
PART = "{% for x in xs %}\n{% if x %}\n{{ x|title }}\n{% endif %}\n{% endfor %}"


@contextmanager
def local_events(trigger: str, part: str, *names: str) -> Iterator[list[str]]:
    """A tool that listens to `trigger` everywhere, and in its callback to `names` in the code of one file."""
    seen: list[str] = []

    def begin(code: CodeType, offset: int) -> Any:
        if code.co_filename == ROOT + part:
            monitoring.set_local_events(TOOL, code, sum(getattr(monitoring.events, name) for name in names))

    def note(name: str) -> Any:
        return lambda code, *rest: seen.append(name) if code.co_filename == ROOT + part else None

    monitoring.use_tool_id(TOOL, "local events")
    monitoring.register_callback(TOOL, getattr(monitoring.events, trigger), begin)
    for name in names:
        monitoring.register_callback(TOOL, getattr(monitoring.events, name), note(name))
    monitoring.set_events(TOOL, getattr(monitoring.events, trigger))
    try:
        yield seen
    finally:
        monitoring.set_events(TOOL, 0)
        for name in (trigger, *names):
            monitoring.register_callback(TOOL, getattr(monitoring.events, name), None)
        monitoring.free_tool_id(TOOL)


def environment(**templates: str) -> Environment:
    def load(name: str) -> Any:
        return (templates[name], ROOT + name, lambda: True) if name in templates else None

    return Environment(loader=FunctionLoader(load), backend="closures")


@pytest.mark.parametrize("kept", ((), ("LINE",)), ids=("alone", "with lines"))
@pytest.mark.parametrize(
    ("names", "count"),
    # Three rounds, the last of which finds no item; two conditions.
    [(SIDES, 5), (("CALL",), 1), (("PY_RETURN",), 1)],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else None,
)
@pytest.mark.parametrize("outer", ("top\n{% include 'part' %}", "{% include 'middle' %}"))
def test_of_an_include_set_when_it_starts(
    outer: str, names: tuple[str, ...], count: int, kept: tuple[str, ...]
) -> None:
    templates = environment(main=outer, middle="{% include 'part' %}", part=PART)
    template = templates.get_template("main")
    with local_events("PY_START", "part", *names, *kept) as seen:
        template.render(xs=["a", ""])
    assert sum(name in names for name in seen) == count


@pytest.mark.parametrize("names", (SIDES, ("CALL",)), ids=("branches", "calls"))
def test_set_when_streaming_resumes(names: tuple[str, ...]) -> None:
    """The tool listened to lines only when the scope started."""
    template = environment(main="start\n{{ x }}\n" + PART).get_template("main")
    stream = template.generate(xs=["a", ""], x=1)
    monitoring.use_tool_id(5, "lines")
    monitoring.set_events(5, monitoring.events.LINE)
    try:
        next(stream)
        with local_events("PY_RESUME", "main", *names) as seen:
            list(stream)
    finally:
        monitoring.set_events(5, 0)
        monitoring.free_tool_id(5)
    assert len(seen) == (1 if "CALL" in names else 5)
