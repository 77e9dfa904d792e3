"""Probes run exactly where LINE is fired, and change nothing else.

The standard library is the corpus: some of its pure Python modules work on something while their functions have
probes, and what the probes saw is held against the LINE events of the functions as they were.
"""

from __future__ import annotations

import argparse
import ast
import calendar
import configparser
import copy
import difflib
import dis
import fractions
import html.parser
import json.decoder
import json.encoder
import pickle
import pprint
import random
import re
import shlex
import statistics
import string
import sys
import textwrap
import traceback
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

from tmplmon.monitoring.instructions import exception_entries, exception_table
from tmplmon.monitoring.probes import Probe, can_have_probes, with_probes

MONITORING = sys.monitoring
LINE_EVENT = MONITORING.events.LINE
TOOL = 4
MODULES: list[ModuleType] = [
    argparse,
    ast,
    calendar,
    configparser,
    copy,
    difflib,
    fractions,
    html.parser,
    json.decoder,
    json.encoder,
    pickle,
    pprint,
    random,
    re._compiler,  # type: ignore[attr-defined]
    re._parser,  # type: ignore[attr-defined]
    shlex,
    statistics,
    string,
    textwrap,
    urllib.parse,
    __import__("_pydecimal"),
    __import__("_pydatetime"),
]

log: list[Any] = []
LINE = 0


def note(number: int) -> None:
    log.append(number)


def line() -> None:
    note(LINE)


NOTED = Probe(line)


def probed(code: CodeType, **constants: Any) -> CodeType:
    return with_probes(code, NOTED, constants=constants)


def functions(module: ModuleType) -> Iterator[FunctionType]:
    """Those of a module and of its classes."""
    for value in vars(module).values():
        if getattr(value, "__module__", None) != module.__name__:
            continue
        for each in vars(value).values() if isinstance(value, type) else [value]:
            each = each.fget if isinstance(each, property) else getattr(each, "__func__", each)
            if isinstance(each, FunctionType) and can_have_probes(each.__code__):
                yield each


def work() -> None:
    """Something for the modules to do."""
    random.seed(1)
    source = "\n".join(SOURCE)
    ast.unparse(ast.parse(source))
    list(difflib.unified_diff(SOURCE, SOURCE[5:] + SOURCE[:3]))
    textwrap.fill(source, 40)
    parser = argparse.ArgumentParser(prog="work")
    parser.add_argument("--x", type=int, default=2, help="a number")
    parser.add_argument("y", nargs="*")
    parser.format_help()
    parser.parse_args(["--x", "3", "a", "b"])
    statistics.stdev([1, 2, 3, 9.0])
    fractions.Fraction("3/7") * fractions.Fraction(2.5)
    configuration = configparser.ConfigParser()
    configuration.read_string("[a]\nx=1\ny=%(x)s\n[b]\nz:2\n ; comment\n")
    configuration["a"]["y"]
    pprint.pformat({"a": list(range(50)), "b": {"c": (1,) * 40}})
    copy.deepcopy({"a": [1, {2: 3}]})
    calendar.TextCalendar().formatyear(2024)
    shlex.split("a \"b c\" d\\ e 'f'")
    html.parser.HTMLParser().feed('<p a="1">x&amp;<br/></p><!-- c -->')
    urllib.parse.urlsplit("http://a:b@c/d?e#f")
    decimal: Any = sys.modules["_pydecimal"]
    decimal.Decimal("1.5") / decimal.Decimal("7")
    decimal.Decimal(2).sqrt()
    with suppress(decimal.InvalidOperation):
        decimal.Decimal("x y")
    json.decoder.JSONDecoder().decode('{"a": [1, 2, {"b": null}]}')
    json.encoder.JSONEncoder(indent=2).encode({"a": [1, 2]})
    with suppress(ValueError):
        json.decoder.JSONDecoder().decode('{"a":')
    re._compiler.compile(r"(a|b)*c{2,3}[^x-z]\d(?P<n>q)(?=r)")  # type: ignore[attr-defined]
    time: Any = sys.modules["_pydatetime"]
    time.datetime.fromisoformat("2024-01-02T03:04:05").isoformat()
    string.Template("$a ${b} $$").safe_substitute(a=1)


SOURCE = (
    "import a, b",
    "@decorated",
    "class C(B, metaclass=M):",
    "    x: int = 1",
    "    async def f(self, *a, k=2, **b):",
    "        async with c as d, e: yield [g async for g in h if i]",
    "        try: j(f'{k!r:>{l}}')",
    "        except (m, n) as o: raise p from o",
    "        finally: return lambda q: {r: s for r in t} if u else -v ** w",
    "match x:",
    "    case {'y': [1, *z]} | A(b=None): del a[1:2, ::3]",
    "    case _: pass",
    "while (a := b) and not c < d <= e: break",
    "else: global f",
    "g += h[i].j",
)


@contextmanager
def line_events(codes: list[CodeType], seen: Callable[[str, int], object]) -> Iterator[None]:
    MONITORING.use_tool_id(TOOL, "test")
    MONITORING.register_callback(TOOL, LINE_EVENT, lambda code, number: seen(code.co_qualname, number))
    for code in codes:
        MONITORING.set_local_events(TOOL, code, LINE_EVENT)
    try:
        yield
    finally:
        for code in codes:
            MONITORING.set_local_events(TOOL, code, 0)
        MONITORING.register_callback(TOOL, LINE_EVENT, None)
        MONITORING.free_tool_id(TOOL)


def test_the_standard_library_runs_probes_where_line_is_fired() -> None:
    found = list({id(each): each for module in MODULES for each in functions(module)}.values())
    codes = [function.__code__ for function in found]
    events: list[tuple[str, int]] = []
    seen: list[tuple[str, int]] = []
    work()  # fills caches
    with line_events(codes, lambda name, number: events.append((name, number))):
        work()
    copies = [
        probed(code, note=lambda number, name=code.co_qualname: seen.append((name, number))) for code in codes
    ]
    try:
        for function, code in zip(found, copies, strict=True):
            function.__code__ = code
        work()
        pairs, seen = seen, []
        # The probe of a line belongs to the line: LINE is fired before it, and not again after it.
        with line_events(copies, lambda name, number: seen.append((name, -number))):
            work()
    finally:
        for function, code in zip(found, codes, strict=True):
            function.__code__ = code
    assert len(events) > 10_000
    assert pairs == events
    assert seen == [(name, sign * number) for name, number in events for sign in (-1, 1)]


def lines_of_call(function: Callable[..., Any], *arguments: Any) -> list[int]:
    """The lines that the probes of a function see, counted from that of the ``def``."""
    assert isinstance(function, FunctionType)
    log.clear()
    copied = FunctionType(probed(function.__code__), function.__globals__, closure=function.__closure__)
    copied.__kwdefaults__ = function.__kwdefaults__
    with suppress(ZeroDivisionError):
        copied(*arguments)
    return [number - function.__code__.co_firstlineno for number in log]


def events_of_call(function: Callable[..., Any], *arguments: Any) -> list[int]:
    assert isinstance(function, FunctionType)
    events: list[int] = []
    with (
        line_events([function.__code__], lambda _, number: events.append(number)),
        suppress(ZeroDivisionError),
    ):
        function(*arguments)
    return [number - function.__code__.co_firstlineno for number in events]


# fmt: off
# ruff: noqa: E701
def loops(count: int) -> int:
    total = 0
    for number in range(count):
        if number % 2: continue
        total += number
        if total > 8: break
    else:
        total = -1
    while total > 5: total -= 1
    return total


def handlers(value: int) -> float:
    try:
        try:
            result = 10 / value
        except ZeroDivisionError as error:
            raise ValueError from error
        finally:
            result = 3
    except ValueError: result = 4
    try: result = 1 / (value - 1)
    except ZeroDivisionError: result = 5
    with suppress(KeyError):
        {}[value]
    return (1
        / (value - 2)
        + result)


def comprehensions(values: list[int]) -> object:
    return [value
            for value in values
            if value], {
        key: key
        for key in values}


def matching(value: object) -> str:
    match value:
        case [1, *rest]: return f"{rest}"
        case {"a": b} if b:
            return "b"
        case _:
            return "none"
# fmt: on


@pytest.mark.parametrize(
    ("function", "argument"),
    [
        *((loops, count) for count in (0, 1, 3, 4, 9)),
        *((handlers, value) for value in (0, 1, 2, 3)),
        *((comprehensions, values) for values in ([], [0], [1, 0, 2])),
        *((matching, value) for value in ([1, 2], {"a": 1}, {"a": 0}, 5)),
    ],
)
def test_control_flow(function: Callable[..., Any], argument: Any) -> None:
    expected = events_of_call(function, argument)
    assert expected
    assert lines_of_call(function, argument) == expected


def test_results_and_variables_stay() -> None:
    assert FunctionType(probed(loops.__code__), globals())(9) == loops(9)

    outer = 7

    def with_cells(first: int, second: int = 2) -> tuple[Any, ...]:
        inner = first
        inner += 1

        def nested() -> int:
            return inner + outer

        return nested(), first, second, sorted(name for name in locals() if not name.startswith("."))

    copied = FunctionType(probed(with_cells.__code__), globals(), None, (2,), with_cells.__closure__)
    assert copied(1) == with_cells(1) == (9, 1, 2, ["first", "inner", "nested", "outer", "second"])


def test_cells_and_variables_of_pairs() -> None:
    """Instructions for two variables at once have four bits for each, too few once there are more variables."""
    names = [f"v{number}" for number in range(14)]
    text = f"""
def many({", ".join(names)}, a, b):
    def inner(): return a
    a, b = b, a
    return a, b, inner()
"""
    namespace: dict[str, Any] = {}
    exec(text, namespace)
    many = namespace["many"]
    copied = FunctionType(probed(many.__code__), namespace)
    assert copied(*range(14), "a", "b") == many(*range(14), "a", "b") == ("b", "a", "b")


@pytest.mark.parametrize("size", [10, 100, 1000, 20_000])
def test_jumps_over_any_distance(size: int) -> None:
    body = "\n".join(f"        x += {number}" for number in range(size))
    text = f"def far(n):\n    x = 0\n    for _ in range(n):\n        if x < 0: continue\n{body}\n    return x"
    namespace: dict[str, Any] = {}
    exec(text, namespace)
    far = namespace["far"]
    log.clear()
    copied = FunctionType(probed(far.__code__), namespace)
    assert copied(2) == far(2)
    assert log == [2, *[3, *range(4, size + 5)] * 2, 3, size + 5]


def test_a_traceback_is_as_it_was() -> None:
    def shown(code: CodeType) -> str:
        try:
            FunctionType(code, globals())(2)
        except ZeroDivisionError as error:
            return "".join(traceback.format_exception(error.with_traceback(error.__traceback__.tb_next)))  # type: ignore[union-attr]
        raise AssertionError

    assert shown(probed(handlers.__code__)) == shown(handlers.__code__)


class Count:
    def __init__(self) -> None:
        self.total = 0


def test_variables_that_all_lines_have_and_one_of_its_own() -> None:
    def each(every: Count, here: Count) -> None:
        every.total += 1
        here.total += LINE
        before = here  # noqa: F841

    every, own = Count(), {}
    asked: list[tuple[int, ...]] = []

    def begin(lines: tuple[int, ...]) -> tuple[Count, ...]:
        asked.append(lines)
        own.update({number: Count() for number in lines})
        return every, *own.values()

    copied = FunctionType(with_probes(loops.__code__, Probe(each, own="here"), begin=begin), globals())
    assert copied(9) == loops(9)
    first = loops.__code__.co_firstlineno
    events = [first + number for number in events_of_call(loops, 9)]
    possible = {number for _, _, number in loops.__code__.co_lines() if number} - {first}
    assert asked == [tuple(sorted(possible))]
    assert every.total == len(events)
    assert {number: count.total for number, count in own.items()} == {
        number: number * events.count(number) for number in possible
    }
    with pytest.raises(ValueError, match=r"\.every.*begin"):
        with_probes(loops.__code__, Probe(each, own="here"))


def test_functions_that_are_made() -> None:
    def outer(number: int) -> Callable[[], int]:
        def inner(more: int = 1) -> int:
            return number + more

        return inner

    inner = next(c for c in outer.__code__.co_consts if isinstance(c, CodeType) and c.co_name == "inner")
    inner_copy = probed(inner)
    made: list[FunctionType] = []
    code = with_probes(outer.__code__, NOTED, made=made.append, nested={id(inner): inner_copy})
    log.clear()
    result = FunctionType(code, globals())(4)
    assert made == [result]
    assert (result.__code__, result()) == (inner_copy, 5)
    assert log[-1] == inner.co_firstlineno + 1


def test_code_that_cannot_have_probes() -> None:
    def generator() -> Iterator[int]:
        yield 1

    async def coroutine() -> None:
        pass

    for function in (generator, coroutine):
        assert not can_have_probes(function.__code__)
        with pytest.raises(ValueError, match=function.__name__):
            probed(function.__code__)


def test_what_a_probe_cannot_do() -> None:
    def branches(value: int) -> None:
        if value:
            note(value)

    def deletes(value: Count) -> None:
        del value.total

    def returns(value: int) -> object:
        return abs(value)

    for function in (branches, deletes, returns):
        with pytest.raises(ValueError, match=f"{function.__name__}: a probe cannot"):
            Probe(function)  # type: ignore[arg-type]


def test_exception_tables() -> None:
    table = handlers.__code__.co_exceptiontable
    entries = list(exception_entries(table))
    shown = [
        (2 * first, 2 * end, 2 * handler, detail >> 1, bool(detail & 1))
        for first, end, handler, detail in entries
    ]
    parsed = dis._parse_exception_table(handlers.__code__)  # type: ignore[attr-defined]
    assert shown == [tuple(entry)[:5] for entry in parsed]
    assert exception_table(entries) == table
    large = [(1, 70, 5000, 3), (70, 300_000, 1, 128)]
    assert list(exception_entries(exception_table(large))) == large
