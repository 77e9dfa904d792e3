"""Lines that are recorded by probes: when functions have them. And that probes, and the accounts that closures
keep, find what callbacks find."""

import gc
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from cases import casefile
from cases.casefile import Case
from cases.engines import HOW, TMPLMON, Engine, Outcome, describe, evaluate
from cases.test_cases import cases

from tmplmon.monitoring import probes
from tmplmon.tools.profiler import Profile, Profiler, inline

from .conftest import Clock, Site, lines

CLOSURES = Engine("tmplmon", (("backend", "closures"),))


@pytest.fixture
def site() -> Site:
    return Site("probes")


def function_of(site: Site, name: str = "page") -> FunctionType:
    function = site.environment.get_template(name).code
    assert isinstance(function, FunctionType)
    return function


def has_probes(function: FunctionType) -> bool:
    return inline.original_of(function.__code__) is not None


def test_from_the_second_run_on_while_a_profiler_is_on(site: Site) -> None:
    site.add(page="{{ spend(1) }}")
    function = function_of(site)
    own, found = function.__code__, []
    for _ in range(2):
        with site.profiler:
            for _ in range(4):
                site.render()
                found.append(has_probes(function))
        assert function.__code__ is own
    assert found == [False, True, True, True, True, True, True, True]
    assert lines(site.profiler.profile) == {1: (8, 8, 8)}


def test_a_macro_that_is_kept_has_its_own_code_again(site: Site) -> None:
    site.add(page="{% macro field() %}{{ spend(1) }}{% endmacro %}{{ keep(field) }}{{ field() }}")
    kept: list[Any] = []
    found: list[bool] = []

    def keep(macro: Any) -> str:
        kept.append(macro)
        found.append(has_probes(macro._code))
        return ""

    with site.profiler:
        for _ in range(4):
            site.render(keep=keep)
    assert found == [False, False, True, True]
    assert [has_probes(macro._code) for macro in kept] == [False] * 4
    # They have probes again when what was kept runs under a profiler again.
    with site.profiler:
        kept[-1]()
    assert site.profiler.profile.scopes[next(iter(site.profiler.profile.scopes))].hits == 5


def test_a_function_made_by_code_that_still_runs_when_it_ends(site: Site) -> None:
    site.add(page="{{ stop() }}{% macro late() %}{{ spend(1) }}{% endmacro %}{{ keep(late) }}{{ late() }}")
    kept: list[Any] = []

    def keep(macro: Any) -> str:
        kept.append(macro)
        return ""

    with site.profiler:
        for _ in range(3):
            site.render(stop=str, keep=keep)
        site.render(stop=site.profiler.stop, keep=keep)
    assert [has_probes(macro._code) for macro in kept] == [False] * 4


def test_on_a_python_whose_bytecode_is_not_known(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "KNOWN", False)
    site.add(page="{{ spend(1) }}\n{{ spend(2) }}")
    function = function_of(site)
    own = function.__code__
    with site.profiler:
        for _ in range(3):
            site.render()
            assert function.__code__ is own
    assert lines(site.profiler.profile) == {1: (3, 3, 3), 2: (3, 6, 6)}


def test_copies_go_with_their_code(site: Site) -> None:
    gc.collect()
    before = len(inline._copies), len(inline._originals)
    template = site.environment.from_string("{% macro m() %}{% endmacro %}{{ m() }}")
    with Profiler():
        for _ in range(3):
            template.render()
    assert len(inline._copies) == before[0] + 2
    del template
    gc.collect()
    assert (len(inline._copies), len(inline._originals)) <= before


def test_a_thread_that_is_late(site: Site) -> None:
    """A template goes on with its probes when its profiler has ended, and a new one does not see that."""
    site.add(page="{{ spend(1) }}\n{{ wait() }}\n{{ spend(2) }}\n{% include 'row' %}", row="{{ spend(10) }}")
    waits, goes_on = threading.Event(), threading.Event()

    def wait() -> str:
        waits.set()
        assert goes_on.wait(30)
        return ""

    with site.profiler:
        for _ in range(3):
            site.render(wait=str)
        thread = threading.Thread(target=site.render, kwargs={"wait": wait})
        thread.start()
        assert waits.wait(30)
    assert lines(site.profiler.profile) == {1: (4, 4, 4), 2: (4, 0, 0), 3: (3, 6, 6), 4: (3, 0, 30)}
    other = Profiler(clock=site.clock)
    with other:
        goes_on.set()
        thread.join()
    assert lines(other.profile, "row") == {1: (1, 10, 10)}
    assert len(other.profile.files) == 1


# --- the corpus --------------------------------------------------------------------------------------------


def profiled(
    case: Case,
    before: Callable[..., AbstractContextManager[object]],
    beside: Callable[..., AbstractContextManager[object]] = nullcontext,
    engine: Engine = TMPLMON,
) -> tuple[str | Outcome, Profile | None]:
    """What came of a case that has run `before`, and its profile, made `beside` another tool."""
    way = case.sections.get("run", "render")
    clock = Clock()  # stands still
    try:
        options = evaluate(case.sections.get("options", ""), engine)
        template = engine.environment(case.templates, **options).get_template("main")
        with before(clock):
            for _ in range(2):
                run(template, way, case)
        with beside(clock), Profiler(clock=clock) as profiler:
            outcome = run(template, way, case)
        return outcome, profiler.profile
    except Exception as error:
        return describe(error), None


def run(template: Any, way: str, case: Case) -> str | Outcome:
    try:
        return HOW[way](template, evaluate(case.sections.get("context", ""), TMPLMON))
    except Exception as error:
        return describe(error)


def hits(profile: Profile | None) -> object:
    """Who called whom from where, how often, and how often each line was reached."""
    if profile is None:
        return None
    return [
        (
            node.scope.name,
            node.scope.line,
            node.line,
            node.calls,
            sorted((n, c.hits) for n, c in node.cells.items()),
        )
        for node in profile.root.walk()
    ]


def another(clock: Clock) -> Profiler:
    return Profiler(clock=clock)


@cases
def test_probes_find_what_callbacks_find(path: Path) -> None:
    case = casefile.read(path)
    by_callbacks, by_probes = profiled(case, nullcontext), profiled(case, another)
    assert by_probes[0] == by_callbacks[0]
    assert hits(by_probes[1]) == hits(by_callbacks[1])


@cases
def test_accounts_find_what_callbacks_find(path: Path) -> None:
    """Closures keep an account for one profiler; two have callbacks."""
    case = casefile.read(path)
    account = profiled(case, nullcontext, engine=CLOSURES)
    callbacks = profiled(case, nullcontext, another, CLOSURES)
    assert account[0] == callbacks[0]
    assert hits(account[1]) == hits(callbacks[1])
