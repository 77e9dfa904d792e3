"""A scope fires the same events in the same order as Python code that does the same, whatever a callback does.

Each pair runs under a tool that records all events: first to the end, then once for each event, whose callback
raises. The comparison covers the event, its function and the exception.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Generator
from functools import lru_cache, partial
from types import CodeType, FrameType, MethodType
from typing import Any

import pytest
from monitoring_tool import listening

from tmplmon.monitoring import Scope, ScopeBuilder
from tmplmon.monitoring.events import ALL_EVENTS

type Row = tuple[str, str, str]


class FromTheTool(Exception):
    """The exception that callbacks raise."""


# Python's generators have a handler around their body (PEP 479); scopes of other languages do not.
HANDLER = {"EXCEPTION_HANDLED", "RERAISE"}


def record(codes: dict[CodeType, str], run: Callable[[], object], fails_at: int | None = None) -> list[Row]:
    """All events of ``codes`` except those of a generator's handler. The callback of event ``fails_at`` raises."""
    seen: list[Row] = []

    def callback(name: str) -> Callable[..., None]:
        def called(code: CodeType, *arguments: Any) -> None:
            if code in codes and not (codes[code] == "generator" and name in HANDLER):
                error = arguments[-1] if isinstance(arguments[-1], BaseException) else None
                seen.append((name, codes[code], type(error).__name__ if error else ""))
                if fails_at == len(seen) - 1:
                    raise FromTheTool

        return called

    with listening(callback), contextlib.suppress(Exception):
        run()
    return seen


# -- a function that calls another ---------------------------------------------------------------------------


def outer(fails: bool) -> None:
    inner(fails)


def inner(fails: bool) -> int:
    if fails:
        int("x")
    return 5


class Calling:
    """The same as :func:`outer` and :func:`inner`."""

    def __init__(self) -> None:
        builder = ScopeBuilder("/srv/outer", "outer")
        self.outer = [builder.line(1), builder.call(1)]
        self.outer_scope = builder.build()
        builder = ScopeBuilder("/srv/inner", "inner")
        self.inner = [builder.line(1), builder.branch(1), builder.line(2), builder.call(2), builder.line(3)]
        builder.connect(self.inner[1], right=self.inner[4])
        self.inner_scope = builder.build()

    def run(self, fails: bool) -> None:
        line, call = self.outer
        with self.outer_scope.enter() as signal:  # type: ignore[union-attr]
            signal.line(line)
            signal.invoke(call, self.run_inner, fails)

    def run_inner(self, fails: bool) -> int:
        line, test, second, call, last = self.inner
        with self.inner_scope.enter() as signal:  # type: ignore[union-attr]
            signal.line(line)
            signal.branch(test, fails)
            if fails:
                signal.line(second)
                signal.invoke(call, int, "x")
            signal.line(last)
            signal.py_return(5)
        return 5


# -- a generator ---------------------------------------------------------------------------------------------


def generator() -> Generator[int]:
    yield 1
    yield 2


class Generating:
    def __init__(self) -> None:
        builder = ScopeBuilder("/srv/generator", "generator")
        self.sites = [builder.line(1), builder.pause(1), builder.line(2), builder.pause(2)]
        self.scope = builder.build()

    def run(self) -> Generator[int]:
        with self.scope.enter() as signal:  # type: ignore[union-attr]
            for value, line, pause in ((1, *self.sites[:2]), (2, *self.sites[2:])):
                signal.line(line)
                signal.py_yield(value, pause)
                try:
                    yield value
                except BaseException as error:
                    signal.py_throw(error, pause)
                    raise
                signal.py_resume(pause)


def use_up(values: Generator[int]) -> None:
    for _ in values:
        pass


def throw(values: Generator[int]) -> None:
    next(values)
    values.throw(ValueError("thrown"))


CALLING, GENERATING = Calling(), Generating()
CODES: dict[Scope, str] = {
    CALLING.outer_scope: "outer",
    CALLING.inner_scope: "inner",
    GENERATING.scope: "generator",
}
PAIRS: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
    "a call": (lambda: outer(False), lambda: CALLING.run(False)),
    "a call that raises": (lambda: outer(True), lambda: CALLING.run(True)),
    "a generator": (lambda: use_up(generator()), lambda: use_up(GENERATING.run())),
    "a generator thrown into": (lambda: throw(generator()), lambda: throw(GENERATING.run())),
}


@pytest.mark.parametrize(("native", "signalled"), PAIRS.values(), ids=PAIRS)
def test_the_same_events(native: Callable[[], object], signalled: Callable[[], object]) -> None:
    native_codes = {f.__code__: f.__name__ for f in (outer, inner, generator)}
    codes = {scope.code: name for scope, name in CODES.items()}
    rows = record(native_codes, native)
    assert record(codes, signalled) == rows
    assert len(rows) > 5
    for number, row in enumerate(rows):
        assert record(codes, signalled, number) == record(native_codes, native, number), row


# -- what is called ------------------------------------------------------------------------------------------


class Host:
    """A class with all kinds of callables."""

    def __init__(self, value: object) -> None:
        pass

    def method(self, value: object) -> object:
        return value

    def __call__(self, value: object) -> object:
        return value

    @staticmethod
    def static(value: object) -> object:
        return value

    @classmethod
    def of_class(cls, value: object) -> object:
        return value


CALLS: dict[str, tuple[Callable[[Any], object], Any]] = {
    "builtin": (len, "abc"),
    "builtin that raises": (len, 5),
    "builtin method": ("abc".join, "xy"),
    "method of a builtin type": (str.upper, "abc"),
    "method wrapper": ((1).__add__, 2),
    "slot": (int.__neg__, 3),
    "type": (int, "5"),
    "type that raises": (int, "x"),
    "class": (Host, 1),
    "instance": (Host(1), 1),
    "function": (lambda value: value, 1),
    "method": (Host(1).method, 1),
    "static method": (Host.static, 1),
    "class method": (Host.of_class, 1),
    "method that is a builtin": (MethodType(max, 1), 2),
    "partial": (partial(len), "abc"),
    "cached function": (lru_cache(lambda value: value), 1),
}


def call(function: Callable[[Any], object], argument: object) -> object:
    return function(argument)


class OneCall:
    """The same as :func:`call`."""

    def __init__(self) -> None:
        builder = ScopeBuilder("/srv/call", "call")
        self.site = builder.call(1)
        self.scope = builder.build()

    def run(self, function: Callable[[Any], object], argument: object) -> object:
        with self.scope.enter() as signal:  # type: ignore[union-attr]
            result = signal.invoke(self.site, function, argument)
            signal.py_return(result)
        return result


ONE_CALL = OneCall()


def monitored(code: CodeType, run: Callable[[], object]) -> list[tuple[Any, ...]]:
    seen: list[tuple[Any, ...]] = []
    monitoring = sys.monitoring
    monitoring.use_tool_id(4, "calls")
    try:
        for event in ALL_EVENTS:
            if event.controlled_by == "CALL":

                def called(of: CodeType, _: int, *arguments: object, name: str = event.name) -> None:
                    if of is code:
                        seen.append((name, *arguments))

                monitoring.register_callback(4, event.mask, called)
        monitoring.set_events(4, monitoring.events.CALL)
        with contextlib.suppress(Exception):
            run()
        monitoring.set_events(4, 0)
    finally:
        monitoring.free_tool_id(4)
    return seen


def profiled(code: CodeType, run: Callable[[], object]) -> list[tuple[str, object, object]]:
    seen: list[tuple[str, object, object]] = []

    def profiler(frame: FrameType, what: str, argument: Any) -> None:
        if frame.f_code is code:
            seen.append((what, type(argument), getattr(argument, "__qualname__", None)))

    sys.setprofile(profiler)
    try:
        with contextlib.suppress(Exception):
            run()
    finally:
        sys.setprofile(None)
    return seen


@pytest.mark.parametrize(("function", "argument"), CALLS.values(), ids=CALLS)
def test_the_same_events_of_calls(function: Callable[[Any], object], argument: object) -> None:
    native = monitored(call.__code__, lambda: call(function, argument))
    signalled = monitored(ONE_CALL.scope.code, lambda: ONE_CALL.run(function, argument))
    if sys.version_info < (3, 14) and isinstance(function, MethodType):
        # The VM unpacks the method in `x.f()`, but not a method in a variable.
        assert [row[0] for row in signalled] == [row[0] for row in native]
        assert signalled[0] == ("CALL", function.__func__, function.__self__)
    else:
        assert signalled == native
    profile = profiled(call.__code__, lambda: call(function, argument))
    assert profiled(ONE_CALL.scope.code, lambda: ONE_CALL.run(function, argument)) == profile
