"""Fixtures for templates with a known cost: time passes only while a template calls ``spend(n)``."""

from collections.abc import Callable
from typing import Any

import pytest

from tmplmon import DictLoader, Environment
from tmplmon.tools.profiler import Profile, Profiler
from tmplmon.tools.profiler.profile import File

BACKENDS = ("bytecode", "closures")


class Clock:
    """A clock that advances only when time is spent."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self, _: int) -> int:
        return self.now

    def spend(self, time: int) -> str:
        self.now += time
        return ""


class Site:
    """Templates, their clock, and the profiles of their renderings."""

    def __init__(self, backend: str, **options: Any) -> None:
        self.clock = Clock()
        self.templates: dict[str, str] = {}
        self.environment = Environment(loader=DictLoader(self.templates), backend=backend, **options)
        self.environment.globals["spend"] = self.clock.spend
        self.profiler = Profiler(clock=self.clock)

    def add(self, **templates: str) -> None:
        """Add templates by name. Their first line is the one after the opening quotes."""
        self.templates.update({name: text.removeprefix("\n") for name, text in templates.items()})

    def render(self, name: str = "page", **context: Any) -> str:
        return self.environment.get_template(name).render(**context)

    def profile(self, call: Callable[[], object] | None = None, **context: Any) -> Profile:
        """The profile of a call, or of a rendering of the template ``page``."""
        call = call or (lambda: self.render(**context))
        with self.profiler:
            call()
        return checked(self.profiler.profile, self.profiler)


def checked(profile: Profile, profiler: Profiler) -> Profile:
    """Check that the sums of a profile are equal. Returns the profile."""
    own = [line.own for file in profile.files.values() for line in file.lines.values()]
    assert sum(own) == profile.spent
    assert sum(file.own for file in profile.files.values()) == profile.spent
    assert sum(figures.own for figures in profile.scopes.values()) == profile.spent
    for figures in (*profile.files.values(), *profile.scopes.values()):
        assert figures.own <= figures.total <= profile.spent
    return profile


def file_of(profile: Profile, name: str) -> File:
    """The file of a template. The name has a number if a template of another test is still alive."""
    starts = f"<template {name}>", f"<template {name} "
    (file,) = [file for file in profile.files.values() if file.path.startswith(starts)]
    return file


def lines(profile: Profile, name: str = "page") -> dict[int, tuple[int, float, float]]:
    """Line → (hits, self, total) of the template with this name."""
    file = file_of(profile, name)
    return {number: (line.hits, line.own, line.total) for number, line in sorted(file.lines.items())}


@pytest.fixture(params=BACKENDS)
def site(request: pytest.FixtureRequest) -> Site:
    return Site(request.param)


@pytest.fixture(params=BACKENDS)
def async_site(request: pytest.FixtureRequest) -> Site:
    return Site(request.param, enable_async=True)
