"""The largest number that each operation accepts. The next larger number is refused.

`max_size` is 1,000. The size of a result is computed before the operation. It is an upper bound if the exact size
would be expensive to compute; then the number is below 1,000.
"""

from collections.abc import Iterator

import pytest

from tmplmon.errors import TooLargeError
from tmplmon.sandbox import SandboxedEnvironment
from tmplmon.sandbox.filters import MAX_ITERATORS
from tmplmon.sandbox.limits import MAX_BITS, MAX_RANGE, MAX_SIZE, MAX_WORK, Sizes
from tmplmon.sandbox.measure import MAX_NESTED

SIZES = [
    # Operators: exact.
    ("'a' * n", 1000),
    ("n * 'a'", 1000),
    ("[0] * n", 1000),
    ("(0,) * n", 1000),
    ("'a'.encode() * n", 1000),
    ("'a' * 500 + 'a' * (n - 500)", 1000),
    ("[0] * 500 + [0] * (n - 500)", 1000),
    ("('a' * 500) ~ ('a' * (n - 500))", 1000),
    ("('a' * 500) ~ ('a' * 300) ~ ('a' * (n - 800))", 1000),
    # Widths of methods: exact.
    ("'x'.center(n)", 1000),
    ("'x'.ljust(n)", 1000),
    ("'x'.rjust(n, '-')", 1000),
    ("'x'.zfill(n)", 1000),
    ("'\\t'.expandtabs(n)", 999),
    ("(1).to_bytes(n, 'big')", 1000),
    # Formats: the widths and the texts, and the format itself.
    ("('%' ~ n ~ 'd') % 1", 993),
    ("('%.' ~ n ~ 'f') % 1", 992),
    ("'%*d' % (n, 1)", 991),
    ("('{:' ~ n ~ '}').format(1)", 500),
    ("'{:>{}}'.format(1, n)", 498),
    # Concatenated texts.
    ("('a' * (n // 2)).replace('a', 'bb')", 1001),
    ("('a' * n).replace('a', 'b')", 1000),
    ("''.join(['a' * 500, 'a' * (n - 500)])", 1000),
    ("'--'.join(['a' * 500, 'a' * (n - 500)])", 996),
    ("['a' * 500, 'a' * (n - 500)]|join", 1000),
    ("['a' * 500, 'a' * (n - 500)]|join('--')", 996),
    # Filters.
    ("'x'|center(n)", 1000),
    ("'x\\ny'|indent(n)", 332),
    ("('a' * (n // 2))|replace('a', 'bb')", 1001),
    ("('a' * n)|upper", 1000),
    ("('a' * n)|title", 1000),
    ("('a' * n)|string", 1000),
    ("('<' * n)|e", 250),
    ("('a' * n)|list", 1000),
    ("[[0] * 500, [0] * (n - 500)]|sum(start=[])", 998),
    ("1.5|round(n)", 1000),
    ("[n]|tojson(n)", 124),
    # Numbers of items.
    ("range(n)", 100_000),
    ("range(2, n + 2)", 100_000),
    ("range(0, 3 * n, 3)", 100_000),
    ("[1]|batch(n, 0)", 100_000),
    ("[1]|slice(n)", 100_000),
    # Bits: those of the operands' product, at most.
    ("3 ** n", 32768),
    ("2 ** n", 65_535),
    ("(-4) ** n", 32767),
    ("(2 ** 32768) * (2 ** n)", 32766),
]


@pytest.mark.parametrize(("expression", "greatest"), SIZES, ids=[row[0] for row in SIZES])
def test_the_largest_accepted_number(expression: str, greatest: int) -> None:
    evaluate = SandboxedEnvironment(max_size=1000).compile_expression(f"({expression}) is defined")
    assert evaluate(n=greatest) is True
    with pytest.raises(TooLargeError):
        evaluate(n=greatest + 1)


def test_the_numbers_of_the_documentation() -> None:
    assert (MAX_RANGE, MAX_SIZE, MAX_BITS, MAX_WORK) == (100_000, 10_000_000, 65_536, 1_000_000_000)
    assert (MAX_NESTED, MAX_ITERATORS) == (500, 200)


def test_iterators_over_each_other() -> None:
    """An iterator of a filter may be over an iterator of a filter, up to a depth of 200."""
    environment = SandboxedEnvironment()
    source = (
        "{% set ns = namespace(x=[1]) %}{% for i in range(n) %}{% set ns.x = ns.x|map('abs') %}{% endfor %}"
    )
    template = environment.from_string(source + "{{ ns.x|first }}")
    assert template.render(n=201) == "1"
    with pytest.raises(TooLargeError, match="more than 200 iterators over each other"):
        template.render(n=202)


def test_remainders() -> None:
    """The sandbox checks these separately, as ``%`` formats a text."""
    source = "{% for n in range(-3, 5) %}{{ n }}{{ 'o' if n is odd }}{{ 'e' if n is even }}"
    source += "{{ '3' if n is divisibleby(3) }} {% endfor %}"
    assert SandboxedEnvironment().from_string(source).render() == "-3o3 -2e -1o 0e3 1o 2e 3o3 4e "


def test_steps() -> None:
    sizes = Sizes(1000)
    sizes.work(1_000_000_000, "it")
    with pytest.raises(TooLargeError, match="it would take too long"):
        sizes.work(1_000_000_001, "it")


def test_endless_iterators_are_read_up_to_the_limit() -> None:
    taken: list[int] = []

    def endless() -> Iterator[str]:
        while True:
            taken.append(1)
            yield "a"

    environment = SandboxedEnvironment(max_size=1000)
    with pytest.raises(TooLargeError):
        environment.from_string("{{ letters|join }}").render(letters=endless())
    # Each counts as its length and two quotes.
    assert len(taken) == 334
    taken.clear()
    with pytest.raises(TooLargeError):
        environment.from_string("{{ ''.join(letters) }}").render(letters=endless())
    assert len(taken) == 1001


@pytest.mark.parametrize("max_size", [1, 10, 1000, 4096])
def test_the_limit_is_that_of_the_environment(max_size: int) -> None:
    environment = SandboxedEnvironment(max_size=max_size)
    for expression in ("'a' * n", "[0] * n", "'a' * (n - 1) + 'a'", "'' ~ ('a' * n)", "''.ljust(n)"):
        evaluate = environment.compile_expression(expression)
        assert len(evaluate(n=max_size)) == max_size
        with pytest.raises(TooLargeError, match=rf"more than {max_size} characters or items"):
            evaluate(n=max_size + 1)
