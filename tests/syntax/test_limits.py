"""Too deep templates are refused with an error, and never crash. The cost is proportional to the size."""

import re
import sys
from collections.abc import Callable
from typing import Any

import pytest
from effort import runs_everything

from tmplmon.errors import TemplateSyntaxError
from tmplmon.syntax import nodes
from tmplmon.syntax.build_statements import MAX_BLOCKS
from tmplmon.syntax.build_trans import TransBuilder
from tmplmon.syntax.lexer import MAX_BRACKETS, Syntax, scan
from tmplmon.syntax.limits import MAX_HEIGHT, MAX_NESTING
from tmplmon.syntax.parser import parse, parse_expression
from tmplmon.syntax.source import Source
from tmplmon.syntax.tables import make_tables

MANY = 100_000 if runs_everything() else 2_000


def repeat(before: str, middle: str, after: str, count: int) -> str:
    return before * count + middle + after * count


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (repeat("(", "a", ")", MANY), "brackets"),
        (repeat("[", "a", "]", MANY), "brackets"),
        (repeat("{1:", "a", "}", MANY), "brackets"),
        (repeat("f(", "a", ")", MANY), "brackets"),
        ("(" * MANY, "brackets"),
        (repeat("-", "a", "", MANY), "nested"),
        (repeat("not ", "a", "", MANY), "nested"),
        (repeat("a if b else ", "c", "", MANY), "nested"),
        (repeat("", "a", " + b", MANY), "chain"),
        (repeat("", "a", " and b", MANY), "chain"),
        (repeat("", "a", "**b", MANY), "chain"),
        (repeat("", "a", ".b", MANY), "chain"),
        (repeat("", "a", "[0]", MANY), "chain"),
        (repeat("", "a", "()", MANY), "chain"),
        (repeat("", "a", "|b", MANY), "chain"),
        (repeat("", "a", " is b(1)", MANY), "chain"),
        (repeat("", "a", " if b", MANY), "chain"),
    ],
    ids=lambda value: value[:20],
)
def test_too_deep_expressions_are_refused(expression: str, message: str) -> None:
    for parse_it in (
        lambda: parse(Source("{{ " + expression + " }}")),
        lambda: parse(Source("{% set a = " + expression + " %}")),
        lambda: parse_expression(Source(expression)),
    ):
        with pytest.raises(TemplateSyntaxError, match=message):
            parse_it()


@pytest.mark.parametrize(
    "expression",
    [
        repeat("(", "a", ")", MAX_BRACKETS),
        repeat("-", "a", "", MAX_NESTING),
        repeat("not ", "a", "", MAX_NESTING),
        repeat("", "a", " + b", MAX_HEIGHT - 1),
        repeat("", "a", "|b", MAX_HEIGHT),
        repeat("", "a", " ~ b", MANY),
        repeat("", "a", " < b", MANY),
        "[" + "a," * MANY + "]",
        "f(" + "a, " * MANY + ")",
        "f(" + ", ".join(f"a{n}=1" for n in range(MANY // 10)) + ")",
        "'a' " * MANY,
    ],
    ids=lambda value: value[:20],
)
def test_deep_expressions_are_accepted(expression: str) -> None:
    parse(Source("{{ " + expression + " }}"))
    parse_expression(Source(expression))


@pytest.mark.parametrize(
    ("before", "middle", "after", "most", "message"),
    [
        ("(", "a", ")", 200, "brackets"),
        ("[", "a", "]", 200, "brackets"),
        ("f(", "a", ")", 200, "brackets"),
        ("-", "a", "", 200, "nested more than 200 levels"),
        ("not ", "a", "", 200, "nested more than 200 levels"),
        ("a if b else ", "c", "", 200, "nested more than 200 levels"),
        ("", "a", " + b", 1000, "chain of more than 1000 operations"),
        ("", "a", " and b", 1000, "chain of more than 1000 operations"),
        ("", "a", ".b", 1000, "chain of more than 1000 operations"),
        ("", "a", "[0]", 1000, "chain of more than 1000 operations"),
        ("", "a", "|b", 1000, "chain of more than 1000 operations"),
        ("", "a", "()", 1000, "chain of more than 1000 operations"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 12 else "",
)
def test_the_deepest_expression(before: str, middle: str, after: str, most: int, message: str) -> None:
    """The deepest expression is accepted, and the next deeper one is refused."""
    parse(Source("{{ " + repeat(before, middle, after, most) + " }}"))
    with pytest.raises(TemplateSyntaxError, match=message):
        parse(Source("{{ " + repeat(before, middle, after, most + 1) + " }}"))


@pytest.mark.parametrize("tag", ["if a", "for a in b", "with", "block a"])
def test_the_deepest_blocks(tag: str) -> None:
    name = tag.split()[0]
    assert MAX_BLOCKS == 100
    parse(Source(repeat("{% " + tag + " %}", "x", "{% end" + name + " %}", 100)))
    with pytest.raises(TemplateSyntaxError, match="more than 100 blocks"):
        parse(Source(repeat("{% " + tag + " %}", "x", "{% end" + name + " %}", 101)))


@pytest.mark.parametrize(
    "tag", ["if a", "for a in b", "with", "set a", "filter a", "block a", "macro a()", "call a()"]
)
def test_too_many_blocks(tag: str) -> None:
    name = re.split(r"\W", tag)[0]
    template = repeat("{% " + tag + " %}", "x", "{% end" + name + " %}", MANY // 10)
    with pytest.raises(TemplateSyntaxError, match="blocks"):
        parse(Source(template))
    with pytest.raises(TemplateSyntaxError, match="blocks"):
        parse(Source(template[: len(template) // 2]))
    parse(Source(repeat("{% " + tag + " %}", "x", "{% end" + name + " %}", MAX_BLOCKS)))
    parse(Source(("{% " + tag + " %}{% end" + name + " %}") * 1000))


def test_a_long_chain_of_elif_is_accepted() -> None:
    (statement,) = parse(Source("{% if a %}b" + "{% elif c %}d" * 1_000 + "{% endif %}")).body
    assert isinstance(statement, nodes.If)
    assert len(statement.branches) == 1_001


def test_no_recursion_in_the_parser() -> None:
    limit = sys.getrecursionlimit()
    depth = 0
    frame: Any = sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    sys.setrecursionlimit(depth + 60)
    try:
        parse(Source("{{ " + repeat("(", "a", ")", MAX_BRACKETS) + " }}"))
        with pytest.raises(TemplateSyntaxError):
            parse(Source("{{ " + "-" * MANY + "a }}"))
    finally:
        sys.setrecursionlimit(limit)


def test_a_number_with_too_many_digits() -> None:
    with pytest.raises(TemplateSyntaxError, match="digits"):
        parse(Source("{{ " + "1" * 10_000 + " }}"))


PARTS = {
    "text": "lorem { ipsum } % # dolor\n",
    "output": "{{ a.b }} ",
    "blocks": "{% if a %}x{% else %}y{% endif %}\n",
    "comments": "{# a #}",
    "raw": "{% raw %}{{ {% endraw %}",
    "whitespace": "   \n\n  {%- if a -%}  \n {%- endif -%}",
    "line statements": "# if a\n\n\n b ## c\n # endif\n",
    "strings": "{{ 'a\\n' 'b' }}",
}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_the_cost_is_proportional_to_the_size(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A template of twice the size has twice the tokens and twice the reductions."""
    syntax = Syntax(line_statement_prefix="#", line_comment_prefix="##", lstrip_blocks=True, trim_blocks=True)
    reductions = 0

    def counting(name: str) -> Callable[..., Any]:
        function = getattr(TransBuilder, name)

        def counted(*arguments: Any) -> Any:
            nonlocal reductions
            reductions += 1
            return function(*arguments)

        return counted

    monkeypatch.setattr("tmplmon.syntax.parser._tables", make_tables(counting))
    costs = []
    for count in (25, 50, 100):
        reductions = 0
        parse(Source(part * count), syntax)
        tokens, longest = scan(Source(part * count), syntax)
        costs.append((reductions, len(tokens)))
        assert longest < 10
    for once, twice, four_times in zip(*costs, strict=True):
        assert abs((four_times - twice) - 2 * (twice - once)) <= 2


def test_regular_expressions_of_the_lexer_do_not_backtrack() -> None:
    """Long whitespace and unclosed strings, for which a regular expression that backtracks would take hours, so
    that no clock is needed."""
    for template in (
        "{{ " + " " * 1_000_000,
        "{%" + " " * 1_000_000 + "x",
        "{{ '" + "a\\" * 500_000,
        ("{%" + " " * 1000) * 1000,
        "{% raw %}" + ("{%" + " " * 1000) * 1000,
        "{#" + "-" * 1_000_000,
        "{{ " + "1_" * 500_000 + " }}",
    ):
        with pytest.raises(TemplateSyntaxError):
            parse(Source(template))
    parse(Source(" " * 1_000_000 + "{{-a}}"))
