"""The shares of time in a profile, if reading the clock takes as long as a cheap line.

Each call of ``spend(n, label)`` takes n units, and each time the profiler reads the clock takes some units as well.
The shares of the lines with the labels must be within 5 points of the time that was spent.
"""

import asyncio
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tmplmon import DictLoader, Environment
from tmplmon.tools.profiler import Profiler

from .conftest import BACKENDS

LOOK = 5
POINTS = 0.05
# Each chunk that a generator yields suspends and resumes all running files. The cost of recording this is not
# subtracted, so it must be a small part of the time.
SUSPENDED = 25
LOOP = "{% for n in range(10) %}\n"
END = "\n{% endfor %}"

PAGES: dict[str, dict[str, str]] = {
    "lines of a loop": {
        "page": LOOP + "{{ spend(30, 'a') }}\n{{ spend(60, 'b') }}\n{{ spend(300, 'c') }}" + END,
    },
    "many cheap lines and an expensive one": {
        "page": LOOP + "{{ spend(5, 'cheap') }}\n" * 30 + "{{ spend(150, 'expensive') }}" + END,
    },
    "a macro": {
        "page": "{% macro called() %}\n{{ spend(10, 'macro') }}\n{% endmacro %}\n"
        + LOOP
        + "{{ called() }}\n{{ spend(60, 'line') }}"
        + END,
    },
    "a macro that calls itself": {
        "page": "{% macro down(n) %}\n{{ spend(10, 'macro') }}\n{% if n %}\n{{ down(n - 1) }}\n{% endif %}\n"
        "{% endmacro %}\n{{ down(20) }}\n{{ spend(200, 'line') }}",
    },
    "a call block": {
        "page": "{% macro box() %}\n{{ spend(10, 'macro') }}\n{{ caller() }}\n{% endmacro %}\n"
        + LOOP
        + "{% call box() %}\n{{ spend(20, 'body') }}\n{% endcall %}"
        + END,
    },
    "an include": {
        "page": LOOP + "{% include 'row' %}\n{{ spend(60, 'line') }}" + END,
        "row": "{{ spend(10, 'row') }}\n{{ spend(30, 'row') }}",
    },
    "a chain of includes": {
        "page": LOOP + "{% include 'row' %}" + END,
        "row": "{{ spend(40, 'row') }}\n{% include 'cell' %}",
        "cell": "{{ spend(40, 'cell') }}",
    },
    "blocks": {
        "page": "{% extends 'base' %}\n{% block body %}\n{{ spend(40, 'child') }}\n{{ super() }}\n{% endblock %}",
        "base": "{{ spend(40, 'base') }}\n{% block body %}\n{{ spend(40, 'parent') }}\n{% endblock %}",
    },
    "a recursive loop": {
        "page": "{% for node in tree recursive %}\n{{ spend(150, 'node') }}\n{{ loop(node) }}\n{% endfor %}\n"
        "{{ spend(600, 'line') }}",
    },
}


class Clock:
    """A clock that takes time to read."""

    def __init__(self) -> None:
        self.now = 0
        self.scale = 1
        self.spent: Counter[str] = Counter()

    def __call__(self, _: int) -> int:
        self.now += LOOK
        return self.now

    def spend(self, time: int, label: str) -> str:
        self.now += time * self.scale
        self.spent[label] += time * self.scale
        return ""


class Pages:
    """Templates and their clock."""

    def __init__(self, templates: dict[str, str], backend: Any, **options: Any) -> None:
        self.clock = Clock()
        self.environment = Environment(loader=DictLoader(templates), backend=backend, **options)
        self.environment.globals["spend"] = self.clock.spend
        self.page = self.environment.get_template("page")
        self.context = {"tree": [[[[]], [[]]], [[]]]}

    def errors(self, run: Callable[[], object]) -> dict[str, float]:
        """Label → its share in the profile minus its share of the time that was spent."""
        run()  # loads the included templates
        profiler = Profiler(clock=self.clock)
        with profiler:
            run()  # builds the monitored trees
        self.clock.spent.clear()
        profiler = Profiler(clock=self.clock)
        with profiler:
            run()
        recorded: defaultdict[str, float] = defaultdict(float)
        for file in profiler.profile.files.values():
            for number, line in file.lines.items():
                text = file.text(number)
                recorded[text.split("'")[-2] if "spend" in text else ""] += line.own
        recorded.pop("outside", None)
        spent, total = sum(self.clock.spent.values()), sum(recorded.values())
        labels = recorded.keys() | self.clock.spent.keys()
        return {label: recorded[label] / total - self.clock.spent[label] / spent for label in labels}


def assert_within(errors: dict[str, float]) -> None:
    assert all(abs(error) <= POINTS for error in errors.values()), errors


pages = pytest.mark.parametrize("name", PAGES)
backends = pytest.mark.parametrize("backend", BACKENDS)


@backends
@pages
def test_rendered(backend: str, name: str) -> None:
    pages = Pages(PAGES[name], backend)
    assert_within(pages.errors(lambda: pages.page.render(pages.context)))


@backends
@pages
def test_generated(backend: str, name: str) -> None:
    pages = Pages(PAGES[name], backend)
    pages.clock.scale = SUSPENDED
    assert_within(pages.errors(lambda: list(pages.page.generate(pages.context))))


@backends
@pages
def test_asynchronous(backend: str, name: str) -> None:
    pages = Pages(PAGES[name], backend, enable_async=True)
    pages.clock.scale = SUSPENDED
    assert_within(pages.errors(lambda: asyncio.run(pages.page.render_async(pages.context))))


@backends
@pages
def test_in_threads(backend: str, name: str) -> None:
    """A thread waits inside a template while another thread renders."""
    pages = Pages(PAGES[name], backend)
    outside = pages.environment.from_string("{{ render_in_thread('no spend', 'outside') }}")

    def render_in_thread(*_: str) -> str:
        thread = threading.Thread(target=pages.page.render, args=(pages.context,))
        thread.start()
        thread.join()
        return ""

    assert_within(pages.errors(lambda: outside.render(render_in_thread=render_in_thread)))


@backends
def test_a_cost_that_was_overestimated(backend: str) -> None:
    """If the machine was slower when the cost of recording was measured, lines keep some of their time."""
    pages = Pages(PAGES["many cheap lines and an expensive one"], backend)
    profiler = Profiler(clock=pages.clock)
    with profiler:
        calibration = profiler._recorder._calibration
        for name, costs in calibration.costs.items():
            calibration.costs[name] = replace(costs, line=10 * costs.line)
        pages.page.render(pages.context)
    (file,) = profiler.profile.files.values()
    assert all(file.lines[number].own > 0 for number in range(2, 32))
    assert file.lines[32].own > 10 * file.lines[2].own
