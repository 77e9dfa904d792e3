"""Runs CPython's own tests of the C API for monitoring against this package.

The class ``TestCApiEventGeneration`` of ``Lib/test/test_monitoring.py`` calls the C API through the module
``_testcapi``. Here, the class of the running Python gets a replacement for ``_testcapi`` that calls this package.

The tests switch events on for all code and count them. ``_testcapi`` is written in C, but this package would add
the events of its own Python functions, such as CALL and PY_RETURN. So all of its functions are hidden during these
tests, as many of them always are.
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
    """The replacement for ``_testcapi.CodeLike``: a number of states, whose events are set when it is entered."""

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
    """Return the replacement for a function of ``_testcapi``: (code-like, offset, *arguments) → the active byte.

    As in CPython's ``Modules/_testcapi/monitoring.c``, the offset is also the number of the state.
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
    """All Python functions that a replacement runs."""
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
def test_cpythons_tests_pass(name: str, monkeypatch: pytest.MonkeyPatch, uninstrumented: None) -> None:
    fired = []
    monkeypatch.setattr(cpython, "_testcapi", STAND_IN, raising=False)
    # From 3.14 on, each test imports the module through import_helper.
    helper = types.SimpleNamespace(import_module=lambda name: fired.append(name) or STAND_IN)
    monkeypatch.setattr(cpython, "import_helper", helper, raising=False)
    result = unittest.TestResult()
    cpython.TestCApiEventGeneration(name).run(result)
    assert result.testsRun == 1
    assert not result.skipped
    assert not result.errors + result.failures, "\n".join(text for _, text in result.errors + result.failures)


def test_cpythons_tests_fail_if_nothing_is_fired(
    monkeypatch: pytest.MonkeyPatch, uninstrumented: None
) -> None:
    """Shows that the tests call the replacement."""
    broken = types.SimpleNamespace(**vars(STAND_IN))
    broken.fire_event_jump = lambda *arguments: 0
    monkeypatch.setattr(cpython, "_testcapi", broken, raising=False)
    helper = types.SimpleNamespace(import_module=lambda name: broken)
    monkeypatch.setattr(cpython, "import_helper", helper, raising=False)
    result = unittest.TestResult()
    cpython.TestCApiEventGeneration("test_fire_event").run(result)
    assert result.failures
