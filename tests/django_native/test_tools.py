"""Debuggers, profilers and tracebacks see Django's templates."""

from __future__ import annotations

import cProfile
import io
import pdb
import pstats
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.django_native.conftest import MakeEngine, render
from tmplmon.tools.profiler import Profiler

NEXT = pytest.mark.xfail(
    reason='`next` does not stop in a template with pdb\'s backend "monitoring"', strict=True
)
ANY_BACKENDS = ["settrace", *(["monitoring"] if sys.version_info >= (3, 14) else [])]
BACKENDS = ["settrace", *(pytest.param(each, marks=NEXT) for each in ANY_BACKENDS[1:])]
PAGE = {
    "page.html": """\
{% extends "base.html" %}
{% block body %}
{% for x in xs %}
  {{ x.double }}
{% endfor %}
{% endblock %}
""",
    "base.html": '<body>\n{% block body %}{% endblock %}\n{% include "foot.html" with year=2024 %}\n</body>\n',
    "foot.html": "{% if year %}\n  {{ year }}\n{% endif %}\n",
}


class Item:
    def __init__(self, value: int) -> None:
        self.value = value

    def double(self) -> int:
        return 2 * self.value


class Broken:
    def double(self) -> int:
        raise ZeroDivisionError("by the item")


def debug(backend: str, commands: str, run: Callable[[], object], breakpoints: list[tuple[str, int]]) -> str:
    out = io.StringIO()
    arguments: dict[str, Any] = {"backend": backend} if sys.version_info >= (3, 14) else {}
    debugger = pdb.Pdb(stdin=io.StringIO(commands), stdout=out, nosigint=True, readrc=False, **arguments)
    debugger.prompt = "(Pdb)\n"
    for file, line in breakpoints:
        assert debugger.set_break(file, line, temporary=True) is None
    try:
        debugger.runcall(run)
    finally:
        sys.settrace(None)
    return out.getvalue()


def stops(output: str, folder: Path) -> list[str]:
    """The places at which the debugger stopped in templates: name(line)part."""
    prefix = f"> {folder}/"
    return [line.removeprefix(prefix) for line in output.splitlines() if line.startswith(prefix)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_pdb_stops_and_shows_the_context(engine: MakeEngine, folder: Path, backend: str) -> None:
    made = engine(PAGE)
    commands = "continue\np x.value, len(xs), title\nwhere\ncontinue\n"
    output = debug(
        backend,
        commands,
        lambda: render(made, "page.html", xs=[Item(3), Item(4)], title="t"),
        [(str(folder / "page.html"), 4)],
    )
    assert stops(output, folder)[0] == "page.html(4)block body()"
    assert "(3, 2, 't')" in output
    # The template's callers are on the stack, outermost first.
    stack = output[output.index("(3, 2, 't')") :]
    lines = ["page.html(1)<template>()", "base.html(2)<template>()", "page.html(4)block body()"]
    assert [stack.index(f"{folder}/{line}") for line in lines] == sorted(
        stack.index(f"{folder}/{line}") for line in lines
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_pdb_steps_from_line_to_line(engine: MakeEngine, folder: Path, backend: str) -> None:
    made = engine(PAGE)
    render(made, "page.html", xs=[])
    output = debug(
        backend,
        "continue\n" + "next\n" * 5 + "continue\n",
        lambda: render(made, "page.html", xs=[Item(1), Item(2)]),
        [(str(folder / "page.html"), 3)],
    )
    assert stops(output, folder)[:5] == [
        "page.html(3)block body()",
        "page.html(4)block body()",
        "page.html(3)block body()",
        "page.html(4)block body()",
        "page.html(3)block body()",
    ]


@pytest.mark.parametrize("backend", ANY_BACKENDS)
def test_pdb_steps_into_methods_and_includes(engine: MakeEngine, folder: Path, backend: str) -> None:
    made = engine(PAGE)
    output = debug(
        backend,
        "continue\n" + "step\n" * 3 + "continue\n",
        lambda: render(made, "page.html", xs=[Item(1)]),
        [(str(folder / "page.html"), 4)],
    )
    places = [line for line in output.splitlines() if line.startswith("> ")]
    assert "double()" in places[2]  # the first stop is in the caller
    output = debug(
        backend,
        "continue\n" + "step\n" * 3 + "continue\n",
        lambda: render(made, "page.html", xs=[]),
        [(str(folder / "base.html"), 3)],
    )
    steps = [step.replace("--Call--", "") for step in stops(output, folder)]
    assert steps[0] == "base.html(3)<template>()"
    assert "foot.html(1)<template>()" in steps[1:3]


def test_assignments_in_a_debugger_change_the_context(engine: MakeEngine, folder: Path) -> None:
    made = engine({"page.html": "{{ a }}\n{{ a }}\n"})
    results: list[str] = []
    debug(
        "settrace",
        "continue\na = 5\ncontinue\n".replace("a = 5", "!a = 5"),
        lambda: results.append(render(made, "page.html", a=1)),
        [(str(folder / "page.html"), 2)],
    )
    assert results == ["1\n5\n"]


def test_a_profile_by_line(engine: MakeEngine, folder: Path) -> None:
    made = engine(PAGE)
    with Profiler() as profiler:
        render(made, "page.html", xs=[Item(1), Item(2)])
    files = {Path(path).name: file for path, file in profiler.profile.files.items()}
    assert files.keys() == {"page.html", "base.html", "foot.html"}
    hits = {number: line.hits for number, line in files["page.html"].lines.items()}
    assert hits == {1: 1, 3: 3, 4: 2}
    assert profiler.profile.spent > 0


def test_cprofile_lists_parts(engine: MakeEngine, folder: Path) -> None:
    made = engine(PAGE)
    profile = cProfile.Profile()
    profile.runcall(render, made, "page.html", xs=[Item(1)])
    stats: Any = pstats.Stats(profile)
    called = {name for file, _line, name in stats.stats if file.startswith(str(folder))}
    assert called == {"<template>", "block body"}


def template_lines(error: BaseException, folder: Path) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)
    return [
        f"{Path(frame.filename).name}:{frame.lineno} {frame.name} | {frame.line}"
        for frame in frames
        if frame.filename.startswith(str(folder))
    ]


LINES = [
    'page.html:1 <template> | {% extends "base.html" %}',
    "base.html:2 <template> | {% block body %}{% endblock %}",
    "page.html:4 block body | {{ x.double }}",
]


def test_a_traceback_without_a_tool(engine: MakeEngine, folder: Path) -> None:
    made = engine(PAGE)
    with pytest.raises(ZeroDivisionError, match="by the item") as caught:
        render(made, "page.html", xs=[Broken()])
    assert template_lines(caught.value, folder) == LINES
    frame = next(entry for entry in traceback.walk_tb(caught.value.__traceback__) if "page" in str(entry[0]))[
        0
    ]
    assert frame.f_locals["xs"]


def test_a_traceback_with_a_tool_that_has_frames(engine: MakeEngine, folder: Path) -> None:
    made = engine(PAGE)
    sys.settrace(lambda *arguments: None)
    try:
        with pytest.raises(ZeroDivisionError) as caught:
            render(made, "page.html", xs=[Broken()])
    finally:
        sys.settrace(None)
    assert template_lines(caught.value, folder) == LINES


def test_a_traceback_of_a_template_that_is_no_file(engine: MakeEngine) -> None:
    from django.template import Context

    template = engine({}).from_string("{% if x %}\n{{ x.double }}{% endif %}")
    with pytest.raises(ZeroDivisionError) as caught:
        template.render(Context({"x": Broken()}))
    names = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert "<template unknown source>" in names
