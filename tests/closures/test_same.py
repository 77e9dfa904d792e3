"""Both back ends have the same output or error for each case of the corpus, and the same executable lines and
branches in the same order. For generated templates, they have the same output.

Each case is rendered in its own way and by ``generate``, with and without ``enable_async``.
"""

import re
import sys
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest
from cases import casefile
from cases.casefile import Case
from cases.engines import RENDERERS, TMPLMON, Engine, Outcome, describe, evaluate, run
from cases.test_cases import PATHS, each
from differential.compare import tidy
from differential.generate import site
from effort import every, examples
from hypothesis import given
from template_coverage.generate import MAIN, Record, write

from tmplmon import CodeMap, Environment, FileSystemLoader, code_map

from .recording import Event, as_reported, recorded

CLOSURES = Engine("tmplmon", (("backend", "closures"),))

# The intended differences between the back ends: name → (pattern of templates, reason). Keep it short.
DIFFERENCES = {
    "branches of async for": (
        re.compile(r"\bfor\b"),
        "In an asynchronous environment a loop is an `async for` in bytecode, for which CPython fires no BRANCH"
        " events (3.13) or some at the exception that ends it. The closures back end fires them as for any loop.",
    ),
}
# Features whose code differs between functions that both await and yield, and those that do only one of them.
AWAITING_AND_YIELDING = {
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
    """(output or error, events) of a case. how: a key of RENDERERS."""
    options = evaluate(case.sections.get("options", ""), engine)
    options |= {"enable_async": True} if is_async else {}
    variables = evaluate(case.sections.get("context", ""), engine)
    events: list[Event] = []
    try:
        template = engine.environment(case.templates, **options).get_template("main")
        with recorded() as events:
            return RENDERERS[how](template, variables), events
    except Exception as error:
        return describe(error), events


def maps(case: Case, events: list[Event]) -> dict[str, CodeMap]:
    """The code map of each template that has events."""
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


def renderer_of(case: Case) -> str:
    return case.sections.get("run", "render")


def is_native(case: Case) -> bool:
    return "native" in renderer_of(case) or "native" in case.sections.get("options", "")


# A plain run streams the cases of these features, and each third case of the others.
STREAMED = {*every(3, PATHS), *(path for path in PATHS if path.parent.name in AWAITING_AND_YIELDING)}


@each(PATHS)
def test_same(path: Path) -> None:
    case = casefile.read(path)
    check(case, renderer_of(case))
    if renderer_of(case) == "render" and not is_native(case) and path in STREAMED:
        check(case, "generate")


@each(every(3, PATHS))
def test_same_in_an_async_environment(path: Path) -> None:
    case = casefile.read(path)
    if case.refusal("async"):
        pytest.skip(f"not with enable_async: {case.refusal('async')}")
    check(case, "native_async" if renderer_of(case) == "native" else renderer_of(case), is_async=True)
    if path.parent.name in AWAITING_AND_YIELDING and not is_native(case):
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
        event_lists = []
        for backend in ("bytecode", "closures"):
            environment = Environment(
                loader=FileSystemLoader(folder), extensions=["tmplmon.ext.loopcontrols"], backend=backend
            )
            template, functions = environment.get_template(MAIN), Record().functions(seed)
            with recorded(f"{folder}/") as events:
                template.render(v0={}, **functions)
            event_lists.append(events)
        by_name = {path.name: code_map(environment, path.read_text(), path.name) for path in folder.iterdir()}
        first, second = (as_reported(events, by_name) for events in event_lists)
        if sys.version_info < (3, 14):
            # 3.13 fires LINE again at an exception handler more than 2,048 code units after the start of the
            # function.
            first, second = ([event for event, _ in groupby(events)] for events in (first, second))
        assert second == first, seed
        count += len(first)
    assert count > 2000


def tidied(outcome: Outcome) -> Outcome:
    return outcome if outcome.output is None else replace(outcome, output=tidy(outcome.output))


@examples(150)
@given(case=site(depth=2))
def test_generated_templates(case: Case) -> None:
    assert tidied(run(CLOSURES, case)) == tidied(run(TMPLMON, case))


@examples(80)
@given(case=site(depth=2))
def test_generated_templates_in_an_async_environment(case: Case) -> None:
    closures, bytecode = (run(engine, case, enable_async=True) for engine in (CLOSURES, TMPLMON))
    assert tidied(closures) == tidied(bytecode)
