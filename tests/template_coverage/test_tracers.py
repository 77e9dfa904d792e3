"""With the closures back end, coverage.py's tracing cores record the same lines and arcs as with the bytecode back
end, whatever runs between two lines of a template."""

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import coverage
import pytest
from effort import exhaustive_but

from tmplmon import Environment, FileSystemLoader, Template

from .conftest import counting

BACKENDS = ("bytecode", "closures")
TEMPLATES = {
    "a macro in the middle": (
        "{% macro m(a) %}\n{% if a %}\nyes\n{% endif %}\n{{ caller() }}\n{% endmacro %}\n"
        "{% if f(1) %}\n{% call m(0) %}\nbody\n{% endcall %}\n{% endif %}\nend"
    ),
    "an include in the middle": (
        "{% for x in [1, 2] %}\n{% include 'part.html' %}\n{% if x > 1 %}\n{% include ['no', 'part.html'] %}\n"
        "{% endif %}\n{% endfor %}"
    ),
    "a parent and blocks": (
        "{% extends 'base.html' %}\n{% block b %}\n{{ super() }}\n{% if f(0) %}\nno\n{% endif %}\n{% endblock %}"
    ),
    "a parent that may be": (
        "{% if f(0) %}\n{% extends 'base.html' %}\n{% endif %}\n{% if f(1) %}\n{% set a = 1 %}\n{% endif %}\nend"
    ),
    "a parent that is, after all": (
        "{% if f(1) %}\n{% extends 'base.html' %}\n{% endif %}\n{% if f(1) %}\nno\n{% endif %}\n"
        "{% block b %}\n{{ f(1) }}\n{% endblock %}\n"
    ),
    # Line 2 leads to line 3 only, although a level that starts there reaches line 1, and one that ends, line 5.
    "a recursive loop": (
        "{% for x in [[[]], []] recursive %}\n{% if loop(x) is string %}\n{{ f(x) }}\n{% endif %}\n{% endfor %}\n"
        "end"
    ),
    "a recursive loop that is left": (
        "{% for x in [[], []] recursive %}\n{% if x %}\nx\n{% elif loop(x) %}\ny\n{% endif %}\n{% break %}\n"
        "{% endfor %}{% if f(1) %}\nend\n{% endif %}"
    ),
    "an exception": "{% for x in [1, 0] %}\n{% if 1 // x %}\nx\n{% endif %}\n{% endfor %}\nend",
    "an exception in what is called": "{% if f(1) %}\n{{ fail() }}\n{% else %}\nno\n{% endif %}\nend",
    "autoescape": (
        "{% for x in [0, 1, 0] %}\n{% autoescape x %}\n{% if x %}\nx\n{% else %}\n\n{% endif %}\n"
        "{% endautoescape %}\n{% endfor %}{% for x in [0, 1] %}\n{% autoescape x %}\n{% if x %}\n{% break %}\n"
        "{% endif %}\n{% endautoescape %}\n{% endfor %}"
    ),
    "functions that call templates": "{% if again('part.html') %}\nyes\n{% endif %}\n{{ again('part.html') }}\nend",
}
OTHERS = {
    "part.html": "{% for y in [1] %}\n{% if y > 1 %}\nno\n{% endif %}\n{% endfor %}",
    "base.html": "{% block b %}\n{% if f(1) %}\nbase\n{% endif %}\n{% endblock %}\n",
}


CORES = ("ctrace", "pytrace")


def environment_of(folder: Path, backend: str, **options: Any) -> Environment:
    extensions = ["tmplmon.ext.loopcontrols"]
    loader = FileSystemLoader(str(folder))
    return Environment(loader=loader, extensions=extensions, backend=backend, **options)


def values(environment: Environment) -> dict[str, Any]:
    def fail() -> None:
        raise ZeroDivisionError

    return {"f": bool, "fail": fail, "again": lambda name: environment.get_template(name).render(f=bool)}


def render(environment: Environment, template: Template) -> None:
    template.render(values(environment))


def generate(environment: Environment, template: Template) -> None:
    for _ in template.generate(values(environment)):
        pass


def generate_async(environment: Environment, template: Template) -> None:
    async def pieces() -> None:
        async for _ in template.generate_async(values(environment.overlay(enable_async=False))):
            pass

    asyncio.run(pieces())


def ways(counter: coverage.Coverage, path: str) -> tuple[list[int], list[tuple[int, int]]]:
    """The lines and the arcs of a template that ran."""
    data = counter.get_data()
    report = counter._get_file_reporter(path)  # type: ignore[attr-defined]
    taken = report.translate_arcs(data.arcs(path) or ()) & report.arcs()
    return sorted(data.lines(path) or ()), sorted(arc for arc in taken if arc[0] > 0)


@pytest.mark.parametrize("text", TEMPLATES.values(), ids=TEMPLATES)
@pytest.mark.parametrize(
    ("core", "run"),
    exhaustive_but(
        itertools.product(CORES, (render, generate, generate_async)),
        [("ctrace", render), ("pytrace", generate_async)],
    ),
    ids=lambda value: getattr(value, "__name__", value),
)
def test_arcs_are_those_of_the_other_back_end(
    folder: Path, core: str, text: str, run: Callable[[Environment, Template], None]
) -> None:
    for name, source in {**OTHERS, "page.html": text}.items():
        (folder / name).write_text(source)
    recorded = []
    for backend in BACKENDS:
        environment = environment_of(folder, backend, enable_async=run is generate_async)
        counter = counting(folder, run__core=core)
        template = environment.get_template("page.html")
        with counter.collect(), contextlib.suppress(ZeroDivisionError):
            run(environment, template)
        recorded.append({path: ways(counter, path) for path in counter.get_data().measured_files()})
    assert recorded[0] == recorded[1]
    assert len(recorded[0][str(folder / "page.html")][1]) > 0


class Case:
    """A test, as coverage.py recognizes it."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment

    def test_pages(self) -> None:
        for name in ("page.html", "after.html"):
            self.environment.get_template(name).render()


@pytest.mark.parametrize("core", CORES)
def test_contexts(folder: Path, core: str) -> None:
    """A template counts for the test that renders it, up to the end of the test."""
    (folder / "page.html").write_text(TEMPLATES["an include in the middle"])
    (folder / "part.html").write_text(OTHERS["part.html"])
    (folder / "after.html").write_text("{{ 1 }}")
    recorded = []
    for backend in BACKENDS:
        environment = environment_of(folder, backend)
        counter = counting(folder, run__core=core, run__dynamic_context="test_function")
        with counter.collect():
            environment.get_template("part.html").render()
            Case(environment).test_pages()
        data = counter.get_data()
        recorded.append({path: data.contexts_by_lineno(path) for path in data.measured_files()})
    assert recorded[0] == recorded[1]
    [[test], *_] = recorded[0][str(folder / "after.html")].values()
    assert test.endswith("Case.test_pages")
    assert set(recorded[0][str(folder / "part.html")][2]) == {"", test}
