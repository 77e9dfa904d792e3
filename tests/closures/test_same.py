"""The two back ends are one engine: for every case of the corpus the same output or error, the same executable
lines and the same branches in the same order; and the same output for generated templates.

Each case runs as it says, and by ``generate``; then both once more with ``enable_async``.
"""

import re
import sys
from itertools import groupby
from pathlib import Path

import pytest
from cases import casefile
from cases.casefile import Case
from cases.engines import HOW, TMPLMON, Engine, Outcome, describe, evaluate, run
from cases.test_cases import PATHS, each
from differential.generate import site
from differential.test_generated import examples
from effort import every
from hypothesis import given
from template_coverage.generate import MAIN, Record, write

from tmplmon import CodeMap, Environment, FileSystemLoader, code_map

from .recording import Event, as_reported, recorded

CLOSURES = Engine("tmplmon", (("backend", "closures"),))

# What the back ends may differ in: name → (where, why). It is to stay as short as it is.
DIFFERENCES = {
    "branches of async for": (
        re.compile(r"\bfor\b"),
        "In an asynchronous environment a loop is an `async for` in bytecode, for which CPython fires no BRANCH"
        " events (3.13) or some at the exception that ends it. The closures back end fires them as for any loop.",
    ),
}
# Areas in which code that both awaits and yields differs from code that does one of them.
BOTH = {
    "asynchronous",
    "call",
    "errors",
    "events",
    "for",
    "include",
    "inheritance",
    "macros",
    "scoping",
    "streaming",
}

pytestmark = pytest.mark.filterwarnings(
    "ignore:coroutine .* was never awaited:RuntimeWarning",
    "ignore:coroutine method .* was never awaited:RuntimeWarning",
)


def outcome(engine: Engine, case: Case, how: str, is_async: bool) -> tuple[str | Outcome, list[Event]]:
    """The output or the error, and the events."""
    options = evaluate(case.sections.get("options", ""), engine)
    options |= {"enable_async": True} if is_async else {}
    variables = evaluate(case.sections.get("context", ""), engine)
    events: list[Event] = []
    try:
        template = engine.environment(case.templates, **options).get_template("main")
        with recorded() as events:
            return HOW[how](template, variables), events
    except Exception as error:
        return describe(error), events


def maps(case: Case, events: list[Event]) -> dict[str, CodeMap]:
    """The code map of each template that events came from."""
    options = evaluate(case.sections.get("options", ""), CLOSURES)
    environment = CLOSURES.environment(case.templates, **options)
    names = dict.fromkeys(name for name, *_ in events)
    return {name: code_map(environment, case.templates[name], name) for name in names}


def check(case: Case, how: str, is_async: bool = False) -> None:
    first, second = (outcome(engine, case, how, is_async) for engine in (TMPLMON, CLOSURES))
    assert second[0] == first[0]
    where, _ = DIFFERENCES["branches of async for"]
    if (is_async or "async" in how) and any(map(where.search, case.templates.values())):
        first, second = ((output, [e for e in events if len(e) == 2]) for output, events in (first, second))
    if second[1] != first[1]:
        by_name = maps(case, [*first[1], *second[1]])
        assert as_reported(second[1], by_name) == as_reported(first[1], by_name)


def way(case: Case) -> str:
    return case.sections.get("run", "render")


def is_native(case: Case) -> bool:
    return "native" in way(case) or "native" in case.sections.get("options", "")


# A plain run streams the cases of some areas, and of the others each third one.
STREAMED = {*every(3, PATHS), *(path for path in PATHS if path.parent.name in BOTH)}


@each(PATHS)
def test_same(path: Path) -> None:
    case = casefile.read(path)
    check(case, way(case))
    if way(case) == "render" and not is_native(case) and path in STREAMED:
        check(case, "generate")


@each(every(3, PATHS))
def test_same_in_an_async_environment(path: Path) -> None:
    case = casefile.read(path)
    if case.refusal("async"):
        pytest.skip(f"not with enable_async: {case.refusal('async')}")
    check(case, "native_async" if way(case) == "native" else way(case), is_async=True)
    if path.parent.name in BOTH and not is_native(case):
        check(case, "generate_async", is_async=True)


def test_the_corpus_has_lines_and_branches() -> None:
    """The comparison covers lines and branches."""
    case = casefile.read(next(path for path in PATHS if path.stem == "for_rounds"))
    for engine in (TMPLMON, CLOSURES):
        _, events = outcome(engine, case, "render", False)
        assert [e for e in events if len(e) == 2] and [e for e in events if len(e) == 3]


def test_events_of_generated_templates(tmp_path: Path) -> None:
    count = 0
    for seed in range(32):
        folder = tmp_path.resolve() / str(seed)
        folder.mkdir()
        write(seed, folder)
        happened = []
        for backend in ("bytecode", "closures"):
            environment = Environment(
                loader=FileSystemLoader(folder), extensions=["tmplmon.ext.loopcontrols"], backend=backend
            )
            template, functions = environment.get_template(MAIN), Record().functions(seed)
            with recorded(f"{folder}/") as events:
                template.render(v0={}, **functions)
            happened.append(events)
        by_name = {path.name: code_map(environment, path.read_text(), path.name) for path in folder.iterdir()}
        first, second = (as_reported(events, by_name) for events in happened)
        if sys.version_info < (3, 14):
            # There, a line counts as reached once more where an exception is handled that far from the beginning
            # of a function (2,048 code units) that the VM has to look its line up.
            first, second = ([event for event, _ in groupby(events)] for events in (first, second))
        assert second == first, seed
        count += len(first)
    assert count > 2000


@examples(150)
@given(case=site(depth=2))
def test_generated_templates(case: Case) -> None:
    assert run(CLOSURES, case) == run(TMPLMON, case)


@examples(80)
@given(case=site(depth=2))
def test_generated_templates_in_an_async_environment(case: Case) -> None:
    assert run(CLOSURES, case, enable_async=True) == run(TMPLMON, case, enable_async=True)
