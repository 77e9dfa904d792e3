"""CPython's own tests of the C API for monitoring, run against this package.

``Lib/test/test_monitoring.py`` has a class of tests, ``TestCApiEventGeneration``, that drives the C API
through the ``_testcapi`` module. Here that class, as it comes with the running Python, gets a stand-in for
``_testcapi`` whose functions are this package's.

The tests count events, and switch them on for *everything*. So they would count those of the package's own
Python code as well, where ``_testcapi`` is C: each CALL it makes, each PY_RETURN. While these tests run, the
package's functions are therefore all hidden, as many of them always are.
"""

from __future__ import annotations

import types
import unittest
from collections.abc import Callable, Iterator
from typing import Any

import cpython_tests
import pytest

from tmplmon.monitoring import _capi, events, fire, states
from tmplmon.monitoring.hidden import allocate_data, without_resume
from tmplmon.monitoring.states import StateArray

cpython: Any = cpython_tests.find()
if cpython is None:
    pytest.skip(cpython_tests.HOW_TO_GET_IT, allow_module_level=True)

BY_ID = {event.id: event for event in events.ALL_EVENTS}


class CodeLike:
    """What ``_testcapi.CodeLike`` is: a number of states. Which events they are of is said when it is
    entered."""

    def __init__(self, size: int) -> None:
        self.entered: tuple[int, ...] = ()
        self.states = StateArray([events.LINE] * size)
        self.code = (lambda: None).__code__


def enter_scope(codelike: CodeLike, *numbers: int) -> None:
    if numbers != codelike.entered:
        codelike.entered = numbers
        codelike.states = StateArray([BY_ID[number] for number in numbers])
    codelike.states.enter()


def stand_in_for(function: Callable[..., None]) -> Callable[..., int]:
    """Return what ``_testcapi`` has for ``function``: (code-like, offset, *arguments) → the state's active
    byte.

    As in CPython's ``Modules/_testcapi/monitoring.c``, the offset is the number of the state, too.
    """

    def fire_event(codelike: CodeLike, offset: int, *arguments: Any) -> int:
        function(codelike.states, offset, codelike.code, offset, *arguments)
        return codelike.states.active(offset)

    return fire_event


STAND_IN = types.SimpleNamespace(
    CodeLike=CodeLike,
    monitoring_enter_scope=enter_scope,
    monitoring_exit_scope=_capi.exit_scope,
    **{
        name.replace("fire_", "fire_event_"): stand_in_for(getattr(fire, name))
        for name in fire.__all__
        if name.startswith("fire_")
    },
)
if events.BRANCH is not None:
    STAND_IN.fire_event_branch = STAND_IN.fire_event_branch_right


def package_functions() -> Iterator[types.FunctionType]:
    """Every Python function that a stand-in runs."""
    owners = [vars(fire), vars(states), vars(_capi), vars(StateArray), vars(states._Probe), vars(STAND_IN)]
    for owner in [*owners, vars(CodeLike)]:
        for value in owner.values():
            value = value.fget if isinstance(value, property) else value
            if isinstance(value, types.FunctionType):
                yield value


@pytest.fixture
def uninstrumented() -> Iterator[None]:
    before = {function: function.__code__ for function in package_functions()}
    try:
        for function in before:
            function.__code__ = without_resume(function.__code__)
        allocate_data(*(function.__code__ for function in before))
        yield
    finally:
        for function, code in before.items():
            function.__code__ = code


TESTS = unittest.defaultTestLoader.getTestCaseNames(cpython.TestCApiEventGeneration)


@pytest.mark.parametrize("name", TESTS)
def test_served_by_this_package(name: str, monkeypatch: pytest.MonkeyPatch, uninstrumented: None) -> None:
    fired = []
    monkeypatch.setattr(cpython, "_testcapi", STAND_IN, raising=False)
    # From 3.14 each test imports the module by itself, through import_helper.
    helper = types.SimpleNamespace(import_module=lambda name: fired.append(name) or STAND_IN)
    monkeypatch.setattr(cpython, "import_helper", helper, raising=False)
    result = unittest.TestResult()
    cpython.TestCApiEventGeneration(name).run(result)
    assert result.testsRun == 1
    assert not result.skipped
    assert not result.errors + result.failures, "\n".join(text for _, text in result.errors + result.failures)


def test_the_stand_in_is_what_runs(monkeypatch: pytest.MonkeyPatch, uninstrumented: None) -> None:
    """With a stand-in that fires nothing, CPython's tests fail."""
    broken = types.SimpleNamespace(**vars(STAND_IN))
    broken.fire_event_jump = lambda *arguments: 0
    monkeypatch.setattr(cpython, "_testcapi", broken, raising=False)
    helper = types.SimpleNamespace(import_module=lambda name: broken)
    monkeypatch.setattr(cpython, "import_helper", helper, raising=False)
    result = unittest.TestResult()
    cpython.TestCApiEventGeneration("test_fire_event").run(result)
    assert result.failures
