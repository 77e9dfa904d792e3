"""The variables of a run are freed when it ends, as those of a function, without the garbage collector."""

from __future__ import annotations

import asyncio
import gc
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from monitoring_tool import listening

from tmplmon import DictLoader, Environment
from tmplmon.monitoring import Activation, Scope, ScopeBuilder

TEMPLATES = {
    "main": "{% for x in xs %}{{ x }}{% endfor %}{{ f(1) }}{% include 'part' %}"
    "{% block b %}{{ f(2) }}{% endblock %}{% set q %}{{ 1 }}{% endset %}{{ q|title }}",
    "part": "{{ f(3) }}",
}


class Value:
    def __str__(self) -> str:
        return "value"


@contextmanager
def monitoring_all() -> Iterator[None]:
    with listening(lambda name: lambda *arguments: None):
        yield


@contextmanager
def monitoring_lines() -> Iterator[None]:
    sys.monitoring.use_tool_id(4, "lines")
    sys.monitoring.register_callback(4, sys.monitoring.events.LINE, lambda *arguments: None)
    sys.monitoring.set_events(4, sys.monitoring.events.LINE)
    try:
        yield
    finally:
        sys.monitoring.set_events(4, 0)
        sys.monitoring.register_callback(4, sys.monitoring.events.LINE, None)
        sys.monitoring.free_tool_id(4)


def trace(frame: Any, event: str, argument: Any) -> Any:
    return trace


class StackTool:
    """A tracer that counts as one with a stack of its own."""

    __module__ = "coverage"

    def trace(self, frame: Any, event: str, argument: Any) -> Any:
        return self.trace


@contextmanager
def settrace(tracer: Any = trace) -> Iterator[None]:
    sys.settrace(tracer)
    try:
        yield
    finally:
        sys.settrace(None)


@contextmanager
def setprofile() -> Iterator[None]:
    sys.setprofile(lambda *arguments: None)
    try:
        yield
    finally:
        sys.setprofile(None)


TOOLS: dict[str, Callable[[], Any]] = {
    "all events": monitoring_all,
    "lines": monitoring_lines,
    "tracer": settrace,
    "tracer with a stack": lambda: settrace(StackTool().trace),
    "profiler": setprofile,
}


def is_freed(run: Callable[[Value], object], tool: Callable[[], Any]) -> bool:
    """Whether the argument of a run is freed at once."""
    value = Value()
    reference = weakref.ref(value)
    gc.collect()
    gc.disable()
    try:
        with tool():
            run(value)
        del value
        return reference() is None
    finally:
        gc.enable()


def _entered(scope: Scope, value: Value) -> Activation:
    activation = scope.enter({"value": value}, {"module": value})
    assert activation is not None
    return activation


def fail(_: object) -> None:
    raise ValueError


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
@pytest.mark.parametrize("function", (lambda x: x, fail), ids=("returns", "raises"))
class TestLifetime:
    def test_of_a_scope(self, function: Callable[[Any], Any], tool: Callable[[], Any]) -> None:
        builder = ScopeBuilder("/srv/page", "page")
        line, call, pause = builder.line(1), builder.call(1), builder.pause(2)
        part = builder.include("/srv/part", 2)
        inner = builder.line(1, inclusion=part)
        scope: Scope = builder.build()

        def run(value: Value) -> None:
            with (
                suppress(ValueError),
                _entered(scope, value) as signal,
            ):
                signal.line(line)
                signal.py_start(part)
                signal.line(inner)
                signal.py_return()
                signal.py_yield(value, pause)
                signal.py_resume(pause)
                signal.begin_function()
                signal.invoke(call, function, value)

        assert is_freed(run, tool)

    @pytest.mark.parametrize("how", ("render", "generate", "abandoned", "async"))
    @pytest.mark.parametrize("backend", ("bytecode", "closures"))
    def test_of_a_template(
        self, backend: str, how: str, function: Callable[[Any], Any], tool: Callable[[], Any]
    ) -> None:
        environment = Environment(loader=DictLoader(TEMPLATES), backend=backend, enable_async=how == "async")
        template = environment.get_template("main")

        def run(value: Value) -> None:
            with suppress(ValueError):
                if how == "render":
                    template.render(xs=[value], f=function)
                elif how == "generate":
                    list(template.generate(xs=[value], f=function))
                elif how == "abandoned":
                    next(template.generate(xs=[value], f=function))
                else:
                    asyncio.run(template.render_async(xs=[value], f=function))

        if how == "async" and function is fail:
            pytest.skip("asyncio itself keeps the traceback of a task in a cycle")
        run(Value())
        assert is_freed(run, tool)
