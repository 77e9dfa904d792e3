"""The table of operations: every operation that a template can reach has a row, and its bounds hold before it runs.

The resource cases are refused, or paid for, before they take memory or time. If one were not, the test would hang
or use all memory, so they run in a process of their own with limits.
"""

import subprocess
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from pathlib import Path
from typing import Any

import pytest
from markupsafe import Markup

from tmplmon import FuelExhausted, Limits, SecurityError
from tmplmon.errors import FilterArgumentError, TooLargeError
from tmplmon.nativetypes import NativeEnvironment
from tmplmon.runtime.filters import FILTERS
from tmplmon.runtime.globals import GLOBALS
from tmplmon.runtime.tests import TESTS
from tmplmon.sandbox import SandboxedEnvironment, operations
from tmplmon.sandbox.operations import METHODS, Row, row_of

TYPES = [*METHODS, bool]


@pytest.mark.parametrize("cls", TYPES)
def test_every_method_has_a_row(cls: type) -> None:
    for name in dir(cls):
        if (
            not name.startswith("_")
            and callable(getattr(cls, name))
            and name not in ("as_integer_ratio", "mro")
        ):
            # Raises KeyError for a method without a row.
            assert isinstance(row_of(name, cls), Row) or cls is Markup, name


def test_every_filter_test_and_global_has_a_row() -> None:
    assert operations.FILTERS.keys() == FILTERS.keys()
    assert operations.TESTS.keys() == TESTS.keys()
    assert operations.GLOBALS.keys() == GLOBALS.keys()
    environment = SandboxedEnvironment()
    assert operations.OPERATORS.keys() >= environment.binop_table.keys()
    assert operations.OPERATORS.keys() >= {"==", "!=", "<", "<=", ">", ">=", "in", "not-in", "~", "[]", "[:]"}


def test_a_method_without_a_row_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(METHODS[str], "title")
    template = SandboxedEnvironment().from_string("{{ 'a'.title() }}")
    with pytest.raises(SecurityError, match="the method 'title' of 'str' objects is not known"):
        template.render()


def test_methods_of_classes_of_the_application_have_no_bounds_of_ours() -> None:
    class Rows(list[int]):
        def total(self) -> int:
            return sum(self)

    class Name(str):
        __slots__ = ()

        def title(self) -> str:
            return "mine"

    template = SandboxedEnvironment().from_string("{{ rows.total() }} {{ rows.count(1) }} {{ name.title() }}")
    assert template.render(rows=Rows([1, 2]), name=Name("a")) == "3 1 mine"


SIZED: list[tuple[str, Any, tuple[Any, ...]]] = [
    ("capitalize", "ŉ" * 2000, ()), ("upper", "ΐ" * 2000, ()), ("lower", "İ" * 2000, ()),
    ("title", "ŉ " * 2000, ()),
    ("swapcase", "ŉ" * 2000, ()), ("casefold", "ΐ" * 2000, ()),
    ("encode", "é" * 2000, ("utf-32",)), ("encode", "é" * 2000, ("ascii", "namereplace")),
    ("encode", "é" * 500, ("ascii", "xmlcharrefreplace")), ("encode", "é" * 2000, ("ascii", "backslashreplace")),
    ("decode", b"\xff" * 2000, ("ascii", "backslashreplace")), ("decode", b"a" * 2000, ()),
    ("split", "a" * 2000, ("a",)), ("split", "a " * 2000, ()), ("rsplit", "a" * 2000, ("a", 3)),
    ("splitlines", "\x85" * 2000, ()), ("splitlines", b"\r" * 2000, ()), ("hex", b"a" * 2000, (":",)),
    ("fromhex", bytes, ("ab" * 2000,)), ("maketrans", str, ("a" * 2000, "b" * 2000)),
    ("union", set(range(2000)), (range(1000, 4000), [-1])), ("fromkeys", dict, (range(2000),)),
    ("escape", Markup, ("<&\"'>" * 500,)), ("tobytes", memoryview(b"a" * 2000), ()),
]  # fmt: skip


@pytest.mark.parametrize(("name", "this", "args"), SIZED)
def test_the_size_is_an_upper_bound(name: str, this: Any, args: tuple[Any, ...]) -> None:
    row = row_of(name, this)
    assert (row is not None and row.size is not None) or name in ("center", "zfill")
    if row.size is not None:
        result = getattr(this, name)(*args)
        assert row.size(this, *args) >= len(result)


PAID = [
    "('a' * 200000)|upper", "('a' * 200000)|title", "('a' * 200000)|striptags", "('a' * 200000)|wordcount",
    "('a' * 200000).upper()", "('a' * 200000).count('b')", "('a' * 200000).isalpha()", "('a' * 200000).split('b')",
    "('a' * 200000).rfind('ab')", "([1] * 20000).count(2)", "([1] * 20000)|sort", "([1] * 20000)|unique|list",
    "('a' * 200000) is lower", "('a' * 200000)|tojson", "('a' * 200000)|urlencode", "([1] * 20000) == [1] * 20000",
    "([1] * 20000) is eq([1] * 20000)", "5 in [1] * 100000", "5 is in([1] * 100000)", "lipsum(50, false)",
    "([{'a': 1}] * 50)|sort(attribute='a' ~ ',a' * 100)", "('a' * 200000)|int(base=2)", "('a' * 200000)|reverse",
    "([1] * 100000)[1:]",
]  # fmt: skip


@pytest.mark.parametrize("expression", PAID)
def test_what_takes_long_is_paid_for(expression: str) -> None:
    environment = SandboxedEnvironment()
    with environment.budget() as budget:
        try:
            environment.from_string("{% set x = " + expression + " %}").render()
        except (TypeError, TooLargeError):
            pass
    assert budget.spent.fuel > 400


REFUSED = [
    "lipsum('a' * 1000, max=10000000)", "'aaaa'|round(9, 'floor')", "[1]|round(9, 'floor')", "1|round('a' * 9)",
    "[[[[[1]]]]]|tojson(100000000)", "('a' * 2000000).rfind('ab' ~ 'a' * 800000)", "('f' * 2000000)|int(base=16)",
    "('a' * 2000000).rsplit('ab' ~ 'a' * 800000)", "([{'a': 1}] * 1000)|sort(attribute='a.' * 20000)",
    "([{'a': 1}] * 1000)|map(attribute='a.' * 20000)|list", "([{'a': 1}] * 1000)|groupby('a.' * 20000)",
    "('x' * 100000).encode('punycode')", "('x' * 100000).encode('idna')", "'x'.encode('unknown')",
    "'x'.encode('ascii', 'unknown')", "('a' * 3000000).split('a')", "('a ' * 3000000).split()",
    "('\\n' * 3000000).splitlines()", "('\u0390' * 9000000)|upper", "('<' * 9000000)|e",
    "('<!---->' * 1000000)|striptags",
    "('<!---->' * 1000000)|safe|striptags", "('a ' * 4000000)|wordcount", "('\\'' * 9000000)|tojson",
    "dict.fromkeys(range(0, 2305843009213693951 * 100000, 2305843009213693951))",
    "dict.fromkeys(range(0, 2305843009213693951 * 100000, 2305843009213693951)|list)",
    "range(0, 2305843009213693951 * 100000, 2305843009213693951)|unique|list",
    "5 .from_bytes('a'.encode() * 9000000, 'big')", "2 ** 65536", "cycler('a')|list",
    "{'a': '<' * 9000000}|xmlattr", "('é' * 9000000).encode('ascii', 'namereplace')", "''.join(endless)",
    "endless|list", "f(*endless)", "[].extend(endless)", "('1' * 9000000)|int", "([1] * 5000000)|pprint",
]  # fmt: skip
ERRORS = (TooLargeError, FilterArgumentError, TypeError, LookupError, ValueError)


def test_what_is_too_large_is_refused_without_a_budget() -> None:
    """In a process with little memory and processor time."""
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30));"
        "resource.setrlimit(resource.RLIMIT_CPU, (100, 100));"
        f"sys.path.insert(0, {str(Path(__file__).parents[1])!r});"
        "from sandbox import test_operations; test_operations.refuse_all()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]


def refuse_all() -> None:
    def endless() -> Any:
        number = 0
        while True:
            number += 1
            yield str(number)

    environment = SandboxedEnvironment(max_size=10_000_000)
    for expression in REFUSED:
        names = {"endless": endless(), "f": lambda *args: args}
        with pytest.raises(ERRORS):
            environment.from_string("{% set x = " + expression + " %}").render(names)
            print(expression, file=sys.stderr)


@pytest.mark.parametrize("expression", ["1 in endless", "1 is in(endless)", "endless|list", "endless|sum"])
def test_an_endless_iterator_takes_fuel(expression: str) -> None:
    def endless() -> Any:
        while True:
            yield 0

    environment = SandboxedEnvironment(limits=Limits(fuel=10_000))
    with pytest.raises(FuelExhausted):
        environment.from_string("{{ " + expression + " }}").render(endless=endless())


def test_codecs() -> None:
    environment = SandboxedEnvironment()
    for encoding, expected in (
        ("utf-8", "é"), ("UTF8", "é"), ("latin-1", "é"), ("iso-8859-1", "é"), ("cp1252", "é"), ("punycode", "é"),
        ("idna", "é"), ("utf_16_le", "é"),
    ):  # fmt: skip
        template = environment.from_string("{{ 'é'.encode(e).decode(e) }}")
        assert template.render(e=encoding) == expected


def test_usual_methods() -> None:
    source = (
        "{{ 'a-b'.split('-') }} {{ 'abc'.find('c') }} {{ {'a': 1}.get('a') }} {{ [2, 1].index(1) }}"
        " {{ c.most_common(1) }}"
        " {{ s.union([2])|sort }} {{ o.move_to_end('a') }} {{ q.rotate(1) }} {{ 'a,b'.partition(',') }}"
        " {{ 'a%s'.replace('a', 'b', 1) }} {{ (5).bit_length() }} {{ (1.5).is_integer() }} {{ d.fromkeys('a') }}"
    )
    names = {"c": Counter("aab"), "s": {1}, "o": OrderedDict(a=1), "q": deque([1, 2]), "d": defaultdict(int)}
    assert SandboxedEnvironment().from_string(source).render(names) == (
        "['a', 'b'] 2 1 1 [('a', 2)] [1, 2] None None ('a', ',', 'b') b%s 3 False "
        "defaultdict(None, {'a': None})"
    )


def test_a_native_environment_evaluates_no_huge_literal() -> None:
    class Native(SandboxedEnvironment, NativeEnvironment):
        pass

    environment = Native()
    assert environment.from_string("[{{ 1 }}, 2]").render() == [1, 2]
    assert environment.from_string("{{ items }}").render(items=[1] * 200_000) == [1] * 200_000
    text = environment.from_string("[{{ '1,' * n }}]").render(n=49_999)
    assert text == [1] * 49_999
    text = environment.from_string("[{{ '1,' * n }}]").render(n=50_000)
    assert text == f"[{'1,' * 50_000}]"
