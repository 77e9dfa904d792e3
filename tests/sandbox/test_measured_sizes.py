"""The numbers that the sandbox computes before each operation: sizes in characters or items, steps, counts, bits.

The numbers follow from the rules of `tmplmon.sandbox`. The size of a text is its length, or an upper bound of it:
a value that is not a text counts as `measure.text_length` says, a format as its own length, its widths, and its
longest operand for each conversion.
"""

from typing import Any, ClassVar

import pytest
from markupsafe import Markup

from tmplmon.sandbox import SandboxedEnvironment
from tmplmon.sandbox.limits import Sizes
from tmplmon.sandbox.operations import _depth, _hashed, _parts, json_length

MEASURED: list[tuple[str, list[tuple[str, int]]]] = [
    ("'ab' + 'cde'", [("size", 5)]),
    ("[1] + [2, 3]", [("size", 3)]),
    ("1 + 2", []),
    ("'ab' * 3", [("size", 6)]),
    ("3 * 'ab'", [("size", 6)]),
    ("[1, 2] * 3", [("size", 6)]),
    ("2 * 3", []),
    ("1.5 * 2", []),
    ("3 ** 5", [("bits", 10)]),
    ("(-3) ** 5", [("bits", 10)]),
    ("2 ** -5", [("bits", 6)]),
    ("1 ** 5", []),
    ("(2 ** 64) * (2 ** 64)", [("bits", 65), ("bits", 65), ("bits", 130)]),
    ("(2 ** 63) * 5", [("bits", 64)]),
    ("'a' ~ 'bcd'", [("size", 4)]),
    ("'a' ~ 12 ~ [1]", [("size", 12)]),
    ("'%5d|%s' % (1, 'abc')", [("size", 21)]),
    ("'%5d' % 1", [("size", 10)]),
    ("'%-05.3f' % 1.5", [("size", 35)]),
    ("'%*d' % (7, 1)", [("size", 14)]),
    ("'%%' % ()", [("size", 2)]),
    ("'%(a)9d' % {'a': 1}", [("size", 17)]),
    ("'%(a(b))9d' % {'a(b)': 1}", [("size", 20)]),
    ("'%(a(b)%5d)9d' % {'a(b)%5d': 1}", [("size", 23)]),
    ("'%s%s%s' % ('a', 'bb', 'ccc')", [("size", 21)]),
    ("b % (1,)", [("size", 10)]),
    ("'{:5}|{}'.format(1, 'abc')", []),
    ("'{!r:>7}'.format('a')", []),
    ("'{0}{0}'.format('abc')", []),
    ("'{a:{b}}'.format(a=1, b=6)", []),
    ("'x'|center(10)", [("size", 10)]),
    ("'x'|center", [("size", 80)]),
    ("lines|indent(4)", [("size", 21)]),
    ("lines|indent('--')", [("size", 13)]),
    ("lines|indent", [("size", 21)]),
    ("lines|wordwrap(1, wrapstring='--')", [("work", 1), ("size", 31)]),
    ("'a'|indent(-3)", [("size", 1)]),
    ("'ab'|indent(2, true)", [("size", 6)]),
    ("'%5d'|format(1)", [("size", 10)]),
    ("'%s'|format('abc')", [("size", 7)]),
    ("'aXa'|replace('a', 'bb')", [("size", 5)]),
    ("'aXa'|replace('a', 'bb', 1)", [("size", 4)]),
    ("'abc'|replace('', '-')", [("size", 7)]),
    ("'abc'|replace('x', 'yy')", [("size", 3)]),
    ("'  a '|trim", []),
    ("'xxaxx'|trim('x')", [("work", 0)]),
    ("'abc'|truncate(2, end='..')", [("size", 5)]),
    ("'aaa bbbbb'|wordwrap(2)", [("work", 12)]),
    ("'aaa bbbbb'|wordwrap(2, wrapstring='--')", [("work", 12), ("size", 29)]),
    ("'http://a.de x'|urlize", [("size", 13)]),
    ("'http://a.de x'|urlize(target='_blank', rel='abc')", [("size", 31)]),
    ("[1]|tojson", [("size", 6)]),
    ("[1]|tojson(2)", [("size", 18)]),
    ("[1]|tojson('---')", [("size", 24)]),
    ("1.5|round(3)", []),
    ("[1, 2, 3]|batch(2)|list", []),
    ("[1, 2, 3]|batch(2, 0)|list", [("count", 2)]),
    ("[1, 2, 3]|slice(2)|list", [("count", 2)]),
    ("['ab']|pprint", [("size", 8), ("work", 128)]),
    ("{'a': 'b'}|xmlattr", [("size", 12)]),
    ("['a', 'bc']|join", [("size", 3)]),
    ("['a', 'bc']|join('--')", [("size", 7)]),
    ("['a', 1]|join", [("size", 5), ("size", 4)]),
    ("['a', 1]|join('-')", [("size", 5), ("size", 6)]),
    ("[{'x': 'abc'}]|join(attribute='x')", [("size", 5), ("size", 2)]),
    ("[[1], [2, 3]]|sum(start=[])", [("size", 1), ("size", 3)]),
    ("[1, 2]|sum", []),
    ("['a', 'b']|map('upper')|list", []),
    ("'abc'|upper", []),
    ("[1]|string", [("size", 6)]),
    ("[[1], 2]|string", [("size", 14)]),
    ("['<']|e", [("size", 7)]),
    ("'x'.center(10)", [("size", 10)]),
    ("'x'.ljust(7)", [("size", 7)]),
    ("'x'.rjust(7, '-')", [("size", 7)]),
    ("'x'.zfill(7)", [("size", 7)]),
    ("'a\\tb\\t'.expandtabs(4)", [("size", 12)]),
    ("'a\\tb\\t'.expandtabs()", [("size", 20)]),
    ("'aXa'.replace('a', 'bb')", [("size", 5)]),
    ("'aXa'.replace('a', 'bb', 1)", [("size", 4)]),
    ("'abc'.replace('', 'xx')", [("size", 11)]),
    ("'abc'.translate({97: 'xyz'})", [("size", 9)]),
    ("'--'.join(['a', 'bc'])", [("size", 7)]),
    ("','.join([])", [("size", 0)]),
    ("(1).to_bytes(4, 'big')", [("size", 4)]),
    ("[1].extend([2, 3])", [("size", 3)]),
    ("'a-b'.split('-')", []),
    ("'abc'.encode()", []),
    ("'xxaxx'.strip('x')", [("work", 0)]),
    ("[3, 1].sort()", []),
    ("{'a': 1}.update(b=2)", []),
    ("'abc'.count('a')", []),
    ("'abc'.find('c')", []),
    ("[1, 2] == [1, 2]", [("size", 10), ("size", 10)]),
    ("'abc' == 'abc'", []),
    ("1 in [1, 2]", []),
    ("'a' in 'abc'", []),
    ("5 is divisibleby(2)", []),
    ("lipsum(1, false, 2, 3) is string", [("count", 3)]),
    ("range(5)", []),
    ("dict(a=1)", []),
    ("namespace(a=1)", []),
    ("cycler(1, 2)", []),
    ("'%d' is odd", [("size", 4)]),
    ("['a', 'b', 'c']|slice(3, 'x')|list", [("count", 3)]),
    ("(0, 0)|list + [1]", [("size", 3)]),
    ("b * 2", [("size", 6)]),
    ("b + b", [("size", 6)]),
    ("'abcdefgh'|trim('abc')", [("work", 1)]),
    ("('x' * 40).strip('abc')", [("size", 40), ("work", 7)]),
    ("['b', 'a']|sort|join", [("size", 2)]),
    ("'{:>4}'.format('abcdef')", []),
    ("'%s' % 'abc'", [("size", 7)]),
    ("'%.2f%%' % 1.5", [("size", 48)]),
    ("'%(a)s %(b)s' % {'a': 'xyz', 'b': 1}", [("size", 21)]),
    ("bytearray.extend([1])", [("size", 3)]),
    ("'a,b'.join('xyz')", [("size", 12)]),
    ("'a'.join(letters)", [("size", 6)]),
    ("safe.replace('a', '<')", [("size", 4)]),
    ("safe ~ '<'", [("size", 6)]),
    ("safe.join(['<', 'b'])", [("size", 4)]),
    ("[[0, 1]] * 2", [("size", 2)]),
    ("(1,) + (2, 3)", [("size", 3)]),
]


class Recording(Sizes):
    """Records the computed numbers."""

    recorded: ClassVar[list[tuple[str, int]]] = []

    def size(self, size: int, what: str) -> None:
        self.recorded.append(("size", size))
        super().size(size, what)

    def work(self, steps: int, what: str) -> None:
        self.recorded.append(("work", steps))
        super().work(steps, what)

    def count(self, count: int, what: str) -> None:
        self.recorded.append(("count", count))
        super().count(count, what)

    def bits(self, bits: int, what: str) -> None:
        self.recorded.append(("bits", bits))
        super().bits(bits, what)


@pytest.mark.parametrize(("expression", "measured"), MEASURED, ids=[row[0] for row in MEASURED])
def test_measured(expression: str, measured: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tmplmon.sandbox.environment.Sizes", Recording)
    monkeypatch.setattr(Recording, "recorded", recorded := [])
    environment = SandboxedEnvironment()
    values: dict[str, Any] = {
        "b": b"%5d",
        "lines": "a\nb\nc",
        "letters": iter("abc"),
        "bytearray": bytearray(b"ab"),
        "safe": Markup("a"),
    }
    environment.compile_expression(expression)(**values)
    assert recorded == measured


def test_the_length_of_json() -> None:
    """From 1,024 characters on, six for each escape are added; before that, a text has its own length."""
    assert (json_length("<" * 170, None), json_length("<" * 171, None)) == (170, 171 + 6 * 171)


def test_the_depth_of_containers() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert [_depth(value) for value in (1, [[1], [2, {"a": [3]}]], endless)] == [1, 4, 1]


def test_keys_of_equal_hash() -> None:
    """More than 100 keys that may have equal hashes are compared with each other."""
    large = 1 << 61
    assert [_hashed([large] * 100), _hashed([large] * 101)] == [101, 102 + 101 * 101]
    assert _hashed(list(range(200))) == _hashed(["a"] * 200) == 201


def test_the_parts_of_a_text() -> None:
    part = _parts("", "x")
    assert [_parts("a" * 10, "bb") // part, _parts("a" * 10) // part, _parts("a" * 10, "b", 2) // part] == [
        6,
        6,
        3,
    ]
