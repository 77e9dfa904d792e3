"""Templates that are compiled for stepping have the same output, errors and lines as others."""

import sys
from pathlib import Path

import pytest
from cases import casefile
from cases.casefile import Case
from cases.engines import Engine, evaluate, run
from cases.test_cases import PATHS, check, each
from closures.recording import Event, as_reported
from effort import every

import tmplmon
from tmplmon import code_map

BACKENDS = ("bytecode", "closures")
EVENTS = [path for path in PATHS if "events" in casefile.read(path).sections]


@pytest.fixture(params=BACKENDS)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setattr(tmplmon.Environment, "stepping", True)
    return Engine("tmplmon", (("backend", request.param),))


@each(every(4, PATHS))
def test_output(path: Path, engine: Engine) -> None:
    case = casefile.read(path)
    check(case, run(engine, case))


@each(EVENTS)
def test_lines(path: Path, engine: Engine) -> None:
    case = casefile.read(path)
    result = run(engine, case, events=True)
    assert result.output == case.sections["output"]
    if engine.defaults == (("backend", "closures"),):
        # It fires LINE for the first line of a statement only, not for further lines with its expressions.
        assert reported(case, result.events) == reported(case, case.sections["events"])
    else:
        assert result.events == case.sections["events"]


def reported(case: Case, text: str | None) -> list[Event]:
    """The executable lines in the events of a case."""
    assert text is not None
    events = [
        (name, int(line))
        for row in text.splitlines()
        for name, lines in [row.split(":")]
        for line in lines.split()
    ]
    engine = Engine("tmplmon")
    options = evaluate(case.sections.get("options", ""), engine)
    environment = engine.environment(case.templates, **options)
    return as_reported(events, {name: code_map(environment, case.templates[name]) for name, _ in events})


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_line_is_output_when_it_has_run(backend: str) -> None:
    """A function that reads the output sees that of all lines before the call."""
    environment = tmplmon.Environment(backend=backend, extensions=["tmplmon.ext.breakpoint"])
    seen: list[str] = []
    environment.globals["breakpoint"] = lambda: None
    template = environment.from_string("a {{ 1 }}\nb {{ look() }}\n{% if 1 %}c{% endif %} {{ look() }}\n")

    def look() -> str:
        from tmplmon.tools.debugger import frames

        seen.append(frames.outputs(frames.nearest_template(sys._getframe()))[0][1])
        return "-"

    assert template.render(look=look) == "a 1\nb -\nc -"
    assert seen == ["a 1", "a 1\nb -\nc"]
