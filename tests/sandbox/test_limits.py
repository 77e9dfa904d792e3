"""The limits on the size of values that sandboxed templates create.

Most tests have a small limit, so that an operation that is not limited does no harm.
"""

import itertools
from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest
from markupsafe import Markup

from tmplmon import SecurityError
from tmplmon.errors import TooLargeError
from tmplmon.runtime.filters import FILTERS
from tmplmon.runtime.globals import Namespace
from tmplmon.sandbox import MAX_RANGE, SandboxedEnvironment, safe_range
from tmplmon.sandbox.limits import MAX_BITS, MAX_SIZE, Sizes
from tmplmon.sandbox.measure import expansion, text_length

LIMIT = 1000
TOO_LARGE = [
    "{{ 'a' * 10**9 }}",
    "{{ 10**9 * 'a' }}",
    "{{ ('a'|safe) * 10**9 }}",
    "{{ [0] * 10**9 }}{{ (0,) * 10**9 }}",
    "{% set x = ('a' * 600) ~ ('a' * 600) %}",
    "{{ 'a' * 600 + 'a' * 600 }}",
    "{{ [0] * 600 + [0] * 600 }}",
    "{{ 10 ** (10 ** 10) }}",
    "{{ 9 ** (9 ** (9 ** 9)) }}",
    "{{ (-2) ** 10**9 }}{{ 2 ** -(10**9) }}",
    "{{ (2**40000 * 2**40000) // 1 }}",
    "{{ '%999999999d' % 1 }}",
    "{{ '%.999999999f' % 1 }}",
    "{{ '%*d' % (10**9, 1) }}",
    "{{ '%.*f' % (10**9, 1.5) }}",
    "{{ '%(a())999999999d' % {'a()': 1} }}",
    "{{ '%%%999999999d' % 1 }}",
    "{{ '%-0+ #999999999d' % 1 }}",
    "{{ ('%999999999d'|safe) % 1 }}",
    "{{ '%s%s' % ('a' * 900, 'a' * 900) }}",
    "{{ '%999999999d'|format(1) }}",
    "{{ '%s%s'|format('a' * 900, 'a' * 900) }}",
    "{{ '%(x)999999999d'|format(x=1) }}",
    "{{ '{:999999999}'.format(1) }}",
    "{{ '{:>{}}'.format(1, 10**9) }}",
    "{{ '{:.999999999f}'.format(1.5) }}",
    "{{ '{:99999999999999999999999999}'.format(1) }}",
    "{{ '{0}{0}'.format('a' * 900) }}",
    "{{ '{x:999999999}'.format_map({'x': 1}) }}",
    "{{ ('{:999999999}'|safe).format(1) }}",
    "{% set f = '{:999999999}'.format %}{{ f(1) }}",
    "{{ 'x'.center(10**9) }}{{ 'x'.zfill(10**9) }}",
    "{{ 'x'.ljust(10**9) }}",
    "{{ 'x'.rjust(10**9, '-') }}",
    "{{ ('x'|safe).center(10**9) }}",
    "{% set c = 'x'.center %}{{ c(10**9) }}",
    "{{ ('x'|attr('center'))(10**9) }}",
    "{{ (['x']|map(attribute='ljust')|first)(10**9) }}",
    "{{ [10**9].sort(key='x'.center) }}",
    "{{ map('x'.center, [10**9])|list }}",
    "{{ str.center('x', 10**9) }}",
    "{{ '\t'.expandtabs(10**9) }}{{ ('a' * 900).replace('a', 'bb') }}",
    "{{ ('a' * 900).replace('', 'bb') }}",
    "{{ ('a' * 900).translate({97: 'bbb'}) }}",
    "{{ ('a' * 900).join(['', '', '']) }}",
    "{{ ''.join(['a' * 900, 'a' * 900]) }}",
    "{{ ''.join(['a' * 900, 'a' * 900]|batch(1)) }}",
    "{{ (1).to_bytes(10**9, 'big') }}",
    "{% set l = [0] * 900 %}{{ l.extend(l) }}",
    "{{ 'x'|center(10**9) }}",
    "{{ ['x']|map('center', 10**9)|list }}",
    "{{ 'x\ny'|indent(10**9) }}",
    "{{ 'x\ny'|indent('a' * 900, true) }}",
    "{{ ('a' * 900)|replace('a', 'bb') }}",
    "{{ ['a' * 900, 'a' * 900]|join }}",
    "{{ ['a' * 900, 'a' * 900]|map('string')|join }}",
    "{{ ['', '', '']|join('a' * 900) }}",
    "{{ [{'x': 'a' * 900}, {'x': 'a' * 900}]|join(attribute='x') }}",
    "{{ [[0] * 900, [0] * 900]|sum(start=[]) }}",
    "{{ [1]|batch(10**9, 0)|list }}",
    "{{ [1]|slice(10**9)|list }}",
    "{{ [1]|tojson(10**9) }}",
    "{{ {'a': 'b' * 900, 'b': 'b' * 900}|xmlattr }}",
    "{{ 1.5|round(10**9) }}{{ 1|round(-(10**9)) }}",
    "{{ 1.5|round(10**9, 'floor') }}",
    "{{ ('a ' * 450)|wordwrap(1, wrapstring='b' * 900) }}",
    "{{ 'http://a.com http://b.com'|urlize(rel='a' * 900) }}",
    "{{ lipsum(10**9) }}",
    "{{ lipsum(1, min=10**9, max=10**9 + 1) }}",
    "{{ range(10**9) }}",
    "{{ range(10**30) }}",
    "{{ range(0, 10**9, 2)|list }}",
    "{% set x %}{{ 'a' * 900 }}{{ 'a' * 900 }}{% endset %}",
    "{% macro m() %}{{ 'a' * 900 }}{{ 'a' * 900 }}{% endmacro %}{% set x = m() %}",
    "{% filter upper %}{{ 'a' * 900 }}{{ 'a' * 900 }}{% endfilter %}",
    "{% block b %}{{ 'a' * 900 }}{% endblock %}{% set x = self.b() ~ self.b() %}",
    "{% for i in range(3) %}{{ 'a' * 900 }}{% endfor %}",
    "{% trans x='a' * 900 %}{{ x }}{{ x }}{% endtrans %}",
    "{{ gettext('%(x)999999999d', x=1) }}",
]


@pytest.mark.parametrize("options", [{}, {"autoescape": True}, {"enable_async": True}], ids=str)
@pytest.mark.parametrize("source", TOO_LARGE)
def test_too_large_values_are_refused(source: str, options: dict[str, Any]) -> None:
    environment = SandboxedEnvironment(max_size=LIMIT, extensions=["tmplmon.ext.i18n"], **options)
    environment.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
    with pytest.raises(TooLargeError):
        environment.from_string(source).render(str=str, map=map)


def test_the_error_is_jinjas_and_a_security_error() -> None:
    with pytest.raises(OverflowError, match=f"at most {MAX_RANGE} numbers"):
        safe_range(MAX_RANGE + 1)
    assert len(safe_range(MAX_RANGE)) == MAX_RANGE
    assert issubclass(TooLargeError, SecurityError)
    with pytest.raises(TooLargeError) as info:
        SandboxedEnvironment().from_string("\n\n{{ 'a' * 10**9 }}").render()
    assert info.traceback[-1].lineno == 2  # counted from 0


def test_large_values_below_the_limit() -> None:
    environment = SandboxedEnvironment()
    for source, length in (
        ("{{ 'a' * 1000000 }}", 1_000_000),
        ("{{ 'x'|center(100000) }}", 100_000),
        ("{{ (['ab'] * 100000)|join(',') }}", 299_999),
        ("{{ ['ab'] * 1000 }}", 6000),
        ("{{ '%1000d' % 1 }}", 1000),
        ("{{ '{:1000}'.format(1) }}", 1000),
        ("{{ 2 ** 10000 }}", 3011),
        ("{{ range(1000)|list|tojson }}", 4890),
        ("{{ '%s' % ([1] * 1000) }}", 3000),
    ):
        assert len(environment.from_string(source).render()) == length
    assert environment._sizes.max_size == MAX_SIZE


LEVELS = 14

LAUGHS = "{% set x = ['lol'] %}" + "{% set x = [x, x] %}" * LEVELS
"""A list whose text is 2**LEVELS times as long as it is."""

TUPLES = "{% set x = ('lol',) %}" + "{% set x = (x, x) %}" * LEVELS
DICTS = "{% set x = {'a': 1} %}" + "{% set x = {'a': x, 'b': x} %}" * LEVELS
NAMESPACES = "{% set x = 1 %}" + "{% set x = namespace(a=x, b=x) %}" * LEVELS
USES = [
    "{{ x }}",
    "{{ x|e }}",
    "{{ x|safe }}",
    "{{ x|string }}",
    "{{ x ~ 'a' }}",
    "{{ '%s' % (x,) }}",
    "{{ '%r'|format(x) }}",
    "{{ '{}'.format(x) }}",
    "{{ '{!r}'.format(x) }}",
    "{{ '{a}'.format_map({'a': x}) }}",
    "{{ x|upper }}",
    "{{ x|pprint }}",
    "{{ [x]|join }}",
    "{{ ''.join([x]|map('string')) }}",
    "{{ x|replace('a', 'b') }}",
    "{{ 'a'|replace('a', x) }}",
    "{{ x|trim }}",
    "{{ x|striptags }}",
    "{{ x|forceescape }}",
    "{{ x|wordcount }}",
    "{{ {'a': x}|xmlattr }}",
    "{{ x|center }}",
    "{{ x|title }}",
    "{{ x|capitalize }}",
    "{{ x|lower }}",
    "{{ x|urlencode }}",
    "{{ [x]|map('string')|list }}",
    "{% if x == y %}{% endif %}",
    "{{ x in [y] }}",
    "{{ [x] != [y] }}",
    "{{ dict(a=x) }}",
    "{{ [x].__class__ }}{{ (x,)|list }}",
    "{% autoescape true %}{{ x }}{% endautoescape %}",
    "{{ {'a': x}.items() }}",
    "{{ {'a': x}.values() }}",
]


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    "made", [LAUGHS, TUPLES, DICTS, NAMESPACES], ids=["lists", "tuples", "dicts", "namespaces"]
)
@pytest.mark.parametrize("autoescape", [False, True])
def test_a_billion_laughs(made: str, use: str, autoescape: bool) -> None:
    """The time for converting a value to text, or for comparing it, may double with each level of the value."""
    if made is NAMESPACES and ("==" in use or "in [" in use or "!=" in use or "urlencode" in use):
        pytest.skip("namespaces are compared by identity, and are no pairs")
    twin = made.replace("x", "y").replace("mayespace", "namespace")
    source = made + (twin if "y" in use else "") + use
    with pytest.raises((TooLargeError, TypeError)):
        SandboxedEnvironment(autoescape=autoescape, max_size=LIMIT).from_string(source).render()


def test_json_of_a_billion_laughs() -> None:
    with pytest.raises(TooLargeError):
        SandboxedEnvironment(max_size=LIMIT).from_string(LAUGHS + "{{ x|tojson }}").render()


def test_endless_helpers_end() -> None:
    """Endless helpers return one value at a time, and are not iterable."""
    for source in (
        "{{ cycler(1, 2)|list }}",
        "{% for x in joiner() %}{% endfor %}",
        "{% for x in cycler(1) %}{% endfor %}",
    ):
        with pytest.raises(TypeError):
            SandboxedEnvironment().from_string(source).render()
    for source in (
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}",
        "{% block b %}{{ self.b() }}{% endblock %}",
        "{% macro m(f) %}{{ f(f) }}{% endmacro %}{{ m(m) }}",
    ):
        with pytest.raises(RecursionError):
            SandboxedEnvironment().from_string(source).render()


ROUNDS = 600
NESTED = {
    "literals": "{% set ns.x = (ns.x,) %}",
    "pairs": "{% set ns.x = {1: ns.x}.items()|first %}",
    "pairs of dict": "{% set ns.x = dict(a=ns.x).items()|first %}",
    "cycler": "{% set ns.x = cycler(ns.x).items %}",
    "list": "{% do l.append((l.pop(),)) %}",
    "list of pairs": "{% do l.append({1: l.pop()}.items()|first) %}",
    "dict": "{% do d.update(a=(d.a, 1)) %}",
    "namespace": "{% set ns.x = namespace(y=(ns.x.y or ns.x,)) %}",
    "more than one": "{% set ns.x = (1, (ns.x,), ns.x) %}",
    "map": "{% set ns.x = ns.x|map('string') %}",
    "select": "{% set ns.x = ns.x|select %}",
    "reject and unique": "{% set ns.x = ns.x|reject('none')|unique %}",
    "batch": "{% set ns.x = ns.x|batch(2) %}",
}


@pytest.mark.parametrize("enable_async", [False, True])
@pytest.mark.parametrize("step", NESTED.values(), ids=NESTED)
def test_nesting(step: str, enable_async: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing or freeing a deeply nested value may crash the process."""
    monkeypatch.setattr("tmplmon.sandbox.measure.MAX_NESTED", 100)
    loop = f"{{% for i in range({ROUNDS}) %}}{step}{{% endfor %}}"
    source = f"{{% set ns = namespace(x=()) %}}{{% set l = [()] %}}{{% set d = {{'a': ()}} %}}{loop}"
    environment = SandboxedEnvironment(extensions=["tmplmon.ext.do"], enable_async=enable_async)
    with pytest.raises(TooLargeError, match=r"nested|over each other|would contain"):
        environment.from_string(source).render()


def test_classes_have_no_items() -> None:
    environment = SandboxedEnvironment()
    assert (
        environment.from_string(
            "{{ dict['x'] }}{{ dict[1] }}{{ cls[k] }}{{ dict.x }}{{ [dict]|map(attribute='x')|join }}"
        ).render(cls=list, k=3)
        == ""
    )
    with pytest.raises(SecurityError):
        environment.from_string("{{ dict['x'].mro() }}").render()


# --- measuring ---------------------------------------------------------------------------------------------

TEXTS: list[Any] = [
    "text", "", 1, 10**50, 1.5, None, True, [1, 2, 3], ["a", ["b", ["c"]]], {"a": {"b": [1]}}, (1,), {1, 2},
    deque([1]), b"\x00\xff", Markup("<b>"), {"a": 1}.items(), [[]] * 10, {}, [None] * 50, [True, "x" * 100],
]  # fmt: skip


@pytest.mark.parametrize("value", TEXTS, ids=str)
def test_measure(value: Any) -> None:
    """The measure is close to the length of the text."""
    length = len(str(value))
    assert length / 5 <= text_length(value, 10**9) <= 3 * length + 40


def test_measure_of_recursive_values() -> None:
    items: list[Any] = [1]
    items.append(items)
    assert text_length(items, 10**9) < 50
    assert SandboxedEnvironment().from_string("{{ x }}").render(x=items) == "[1, [...]]"


MEASURES = [
    # Text: its length + 2. Integer: 1 for each 3 bits, + 2. Container: 2, and for each item its length + 2.
    ("", 2),
    ("text", 6),
    (0, 2),
    (7, 3),
    (8, 3),
    (511, 5),
    (2**300, 102),
    (True, 2),
    (1.5, 20),
    (None, 4),
    (object(), 40),
    (b"ab", 8),
    (bytearray(b"abc"), 12),
    ([], 2),
    ((), 2),
    ([0], 6),
    ([0, 0], 10),
    (["a", None], 2 + 5 + 6),
    ({"a": 0}, 2 + 5 + 4),
    ({"a": 0}.items(), 2 + (2 + 5 + 4) + 2),
    ({"a": 0}.keys(), 7),
    ({"a": 0}.values(), 6),
    ([[]], 2 + 2 + 2),
    ([[], [[]]], 2 + 4 + 8),
    (deque([0]), 6),
    ({0}, 6),
    (Namespace(a=0), 2 + 5 + 4),
]


@pytest.mark.parametrize(("value", "length"), MEASURES, ids=lambda value: repr(value).partition(" at 0x")[0])
def test_measures(value: Any, length: int) -> None:
    assert text_length(value, 10**9) == length
    assert text_length(value, length) == length


def test_a_shared_object_is_measured_once_and_counted_twice() -> None:
    inner = [0]
    assert text_length([inner, inner], 10**9) == 2 + 8 + 8
    inner.append(inner)
    # [0, [...]]
    assert text_length(inner, 10**9) == 2 + 4 + 7


@pytest.mark.parametrize("kind", [tuple, list])
def test_containers_may_be_nested_five_hundred_times(kind: Any) -> None:
    value: Any = kind()
    for _ in range(499):
        value = kind((1, value))
    assert expansion([value, "a", kind(), 1], 10**9)[0] == 1002
    with pytest.raises(TooLargeError, match="nested more than 500 times"):
        expansion([0, kind((value,))], 10**9)


@pytest.mark.parametrize(
    ("values", "size"),
    [
        ([], 0), ([1, None, 2.0, True], 4), (["a" * 63], 1), (["a" * 64], 2), ([b"a" * 320], 21),
        ([[1, 2]], 3), ([["a", "b"]], 3), ([["a" * 64, "b"]], 4), ([{"a": 1}], 3), ([{1}, [[]]], 4), ([object], 1),
    ],
)  # fmt: skip
def test_expansion(values: list[Any], size: int) -> None:
    assert expansion(values, 10**9)[0] == size
    assert expansion([values, values], 10**9)[0] == 2 * (size + 1)
    assert expansion(values, max(size, 0))[0] == size


def test_the_expansion_of_a_shared_value() -> None:
    value: Any = ["lol"]
    for _ in range(60):
        value = [value, value]
    assert expansion([value], 10**30) == (3 * 2**60 - 1, 121)
    assert expansion([value], 1000)[0] > 1000
    value.append(value)
    assert expansion([value], 10**30)[0] == 3 * 2**60


def test_measure_stops() -> None:
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    assert 10_000 <= text_length(deep, 10**9) <= 10**6
    assert text_length([[0] * 1000] * 1000, 100) < 10_000


# --- every method and every filter --------------------------------------------------------------------------

OBJECTS: tuple[Any, ...] = (
    "\tab" * 300, Markup("<b>\t" * 200), b"\tab" * 300, 12345, 1.5, [0] * 900, ["ab" * 300] * 3, (1,) * 900,
    {"a": "b" * 900}, {1, 2}, deque([0] * 900), bytearray(b"a" * 900), range(900),
)  # fmt: skip
BIG: tuple[Any, ...] = (
    5000, "a", "", "b" * 900, "\t", ["c" * 900] * 3, {97: "d" * 900, "a": "e" * 900}, b"a", b"f" * 900, ["x"] * 900,
    8, -5000,
)  # fmt: skip


def size(value: Any, depth: int = 3) -> int:
    if isinstance(value, (str, bytes, bytearray)):
        return len(value)
    if isinstance(value, int):
        return value.bit_length() // 64
    if isinstance(value, (list, tuple, set, dict, deque)):
        return len(value) + max((size(item, depth - 1) for item in value), default=0) if depth else len(value)
    return 0


def arguments() -> Iterator[tuple[Any, ...]]:
    yield ()
    for count in (1, 2):
        yield from itertools.product(BIG, repeat=count)
    yield from (
        (5000, "a", "b"),
        ("a", "b" * 900, 5000),
        ("", "b" * 900, 899),
        (5000, "big"),
        (5000, True, True),
    )


@pytest.mark.parametrize("obj", OBJECTS, ids=lambda obj: type(obj).__name__)
def test_every_method(obj: Any) -> None:
    """With operands below the limit, no method creates more than a few times the limit, also not in place."""
    environment = SandboxedEnvironment(max_size=LIMIT)
    context = environment.from_string("").new_context()
    for name in dir(obj):
        if name.startswith("_"):
            continue
        for args in arguments():
            own = obj.copy() if isinstance(obj, (list, dict, set, deque, bytearray)) else obj
            method = environment.getattr(own, name)
            try:
                made = environment.call(context, method, *args)
            except Exception:
                made = None
            assert size(made) <= 6 * LIMIT, (name, args)
            assert size(own) <= 3 * LIMIT, (name, args)


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_every_filter(name: str) -> None:
    environment = SandboxedEnvironment(max_size=LIMIT)
    context = environment.from_string("").new_context()
    subjects = (
        *(OBJECTS[i] for i in (0, 1, 3, 5, 6, 8)),
        "%s %d" * 50,
        "%900d",
        [["a" * 400], ["b" * 400]],
        {"a": {"b": "c" * 900}},
        "<b>" * 300,
    )
    for subject in subjects:
        for args in itertools.islice(
            arguments(), 0, None, 5 if name in ("slice", "batch", "groupby", "unique") else 1
        ):
            try:
                made = environment.call_filter(name, subject, args, None, context)
                if hasattr(made, "__next__"):
                    made = list(itertools.islice(made, 1500))
            except Exception:
                continue
            assert size(made) <= 8 * LIMIT, (subject, args)


def test_operators_of_numbers() -> None:
    limits = Sizes(LIMIT)
    assert limits.power(None, 2, MAX_BITS - 100) == 2 ** (MAX_BITS - 100)
    assert limits.power(None, 1, 10**30) == limits.power(None, -1, 10**30) == 1
    assert limits.power(None, 0, 10**30) == 0
    assert limits.power(None, 2.0, 3) == 8.0
    assert limits.times(None, 2**30000, 2**30000) == 2**60000
    assert limits.times(None, True, "a") == "a"
    assert limits.times(None, "a", -5) == ""
    assert limits.plus(None, 1, 2) == 3
    assert limits.modulo(None, 7, 3) == 1
    with pytest.raises(TypeError):
        limits.times(None, "a", "b")


def test_percent_gives_pythons_errors() -> None:
    for source, error in (
        ("{{ '%d' % 'x' }}", TypeError), ("{{ '%s %s' % 'x' }}", TypeError), ("{{ '%q' % 1 }}", ValueError),
        ("{{ '%(a' % {'a': 1} }}", ValueError), ("{{ '%(a)s' % {} }}", KeyError), ("{{ '%' % 1 }}", ValueError),
        ("{{ '%*d' % 'x' }}", TypeError),
    ):  # fmt: skip
        with pytest.raises(error):
            SandboxedEnvironment().from_string(source).render()
    assert (
        SandboxedEnvironment().from_string("{{ '%s: 99999999999 100%%' % 'x' }}").render()
        == "x: 99999999999 100%"
    )
