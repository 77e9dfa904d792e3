"""Runs each case file on each engine, and compares the output or the error; on tmplmon, also the executed lines.

pytest tests/cases                  runs all cases
pytest tests/cases -k scoping       runs the cases of one feature
pytest tests/cases --update         rewrites the expected sections, with the results of Jinja2, or of tmplmon if
                                    the case says that Jinja2 differs; events and messages are those of tmplmon
"""

from dataclasses import replace
from pathlib import Path

import pytest
from effort import exhaustive_but

from . import casefile
from .casefile import Case
from .differences import DIFFERENCES
from .engines import ENGINES, JINJA2, ORACLE, TMPLMON, Engine, Outcome, run

HERE = Path(__file__).parent
PATHS = sorted(HERE.glob("*/*.txt"))


def each(paths: list[Path]) -> pytest.MarkDecorator:
    names = [str(path.relative_to(HERE).with_suffix("")) for path in paths]
    return pytest.mark.parametrize("path", paths, ids=names)


cases = each(PATHS)
engines = pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)


def read(path: Path, engine: Engine) -> Case:
    case = casefile.read(path)
    if engine is JINJA2 and case.refusal("jinja"):
        pytest.skip(f"Jinja2 differs: {DIFFERENCES[case.refusal('jinja')].reason}")
    return case


def check(case: Case, outcome: Outcome) -> None:
    expected = case.sections
    error = outcome.error
    if error is not None and "\n" not in expected.get("error", "\n"):
        # The message is Python's own, and differs between versions of Python.
        error = error.partition("\n")[0]
    assert (outcome.output, error) == (expected.get("output"), expected.get("error"))


@engines
@cases
def test_case(path: Path, engine: Engine, update: bool) -> None:
    case = read(path, engine)
    outcome = run(engine, case)
    if update and engine is (TMPLMON if case.refusal("jinja") else ORACLE):
        for name in ("output", "error"):
            without_message = "\n" not in case.sections.pop(name, "\n") and name == "error"
            if (text := getattr(outcome, name)) is not None:
                case.sections[name] = text.partition("\n")[0] if without_message else text
        casefile.write(path, case)
    check(case, outcome)


@pytest.mark.parametrize("engine", exhaustive_but(ENGINES, [TMPLMON]), ids=lambda engine: engine.name)
@cases
def test_case_in_an_async_environment(path: Path, engine: Engine) -> None:
    """A case has the same result with ``enable_async``, which compiles templates differently."""
    case = read(path, engine)
    if case.refusal("async"):
        pytest.skip(f"not with enable_async: {case.refusal('async')}")
    check(case, run(engine, case, enable_async=True))


def with_section(name: str) -> pytest.MarkDecorator:
    return each([path for path in PATHS if name in casefile.read(path).sections])


@with_section("message")
def test_message(path: Path, update: bool) -> None:
    """The message of a syntax error is the expected one."""
    case = casefile.read(path)
    outcome = run(TMPLMON, case)
    if update:
        case.sections["message"] = outcome.message or ""
        casefile.write(path, case)
    assert outcome.message == case.sections["message"]


@with_section("events")
def test_events(path: Path, update: bool) -> None:
    """The LINE events of a rendering are the expected lines, in order."""
    case = casefile.read(path)
    outcome = run(TMPLMON, case, events=True)
    if update:
        case.sections["events"] = outcome.events or ""
        casefile.write(path, case)
    assert outcome.events == case.sections["events"]
    check(case, replace(outcome, events=None))


def test_every_file_is_written_as_update_writes_it() -> None:
    """Otherwise ``--update`` would change more than the expected sections."""
    for path in PATHS:
        assert path.read_text("utf-8") == casefile.render(casefile.read(path)), path
