"""Each node has the exact position of its source text."""

from collections.abc import Iterator
from typing import Any

import pytest
from effort import examples
from hypothesis import given

from tmplmon.errors import TemplateSyntaxError
from tmplmon.syntax import nodes
from tmplmon.syntax.lexer import Syntax, tokenize
from tmplmon.syntax.parser import parse, parse_expression
from tmplmon.syntax.source import Source

from .generate import templates
from .jinja_tree import our_tree

SYNTAX = Syntax(tags=frozenset({"trans", "do", "break", "continue", "debug"}))


def walk(node: Any) -> Iterator[nodes.Node]:
    if isinstance(node, (list, tuple)):
        for item in node:
            yield from walk(item)
    elif isinstance(node, (nodes.Node, nodes.Arguments)):
        if isinstance(node, nodes.Node):
            yield node
        for name in type(node).__match_args__:
            yield from walk(getattr(node, name))


def texts(template: str, syntax: Syntax = SYNTAX) -> list[tuple[str, str]]:
    """(class, text) of all nodes below the template."""
    source = Source(template)
    return [
        (type(node).__name__, source.text[node.start : node.end])
        for node in walk(parse(source, syntax))
        if not isinstance(node, nodes.Template)
    ]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a.b", [("Attribute", "a.b"), ("Name", "a")]),
        ("a.0", [("Item", "a.0"), ("Name", "a"), ("Const", "0")]),
        ("a [ 'b' ]", [("Item", "a [ 'b' ]"), ("Name", "a"), ("Const", "'b'")]),
        ("'a'  \"b\"", [("Const", "'a'  \"b\"")]),
        (
            "( a + b ) * c",
            [
                ("Binary", "( a + b ) * c"),
                ("Binary", "( a + b )"),
                ("Name", "a"),
                ("Name", "b"),
                ("Name", "c"),
            ],
        ),
        ("f( a, b=1 )", [("Call", "f( a, b=1 )"), ("Name", "f"), ("Name", "a"), ("Const", "1")]),
        ("a | b | c(1)", [("Filter", "a | b | c(1)"), ("Filter", "a | b"), ("Name", "a"), ("Const", "1")]),
        ("a is not b.c d", [("Test", "a is not b.c d"), ("Name", "a"), ("Name", "d")]),
        ("- a|b", [("Filter", "- a|b"), ("Unary", "- a"), ("Name", "a")]),
        ("not  a", [("Unary", "not  a"), ("Name", "a")]),
        ("a<b not in c", [("Compare", "a<b not in c"), ("Name", "a"), ("Name", "b"), ("Name", "c")]),
        ("a ~ b ~ c", [("Concat", "a ~ b ~ c"), ("Name", "a"), ("Name", "b"), ("Name", "c")]),
        ("a if b else c", [("Conditional", "a if b else c"), ("Name", "b"), ("Name", "a"), ("Name", "c")]),
        ("a, b", [("TupleExpr", "a, b"), ("Name", "a"), ("Name", "b")]),
        ("a ,", [("TupleExpr", "a ,"), ("Name", "a")]),
        ("( a, )", [("TupleExpr", "( a, )"), ("Name", "a")]),
        ("[ a, ]", [("ListExpr", "[ a, ]"), ("Name", "a")]),
        ("{ a: b }", [("DictExpr", "{ a: b }"), ("Name", "a"), ("Name", "b")]),
        ("a[b : c]", [("Item", "a[b : c]"), ("Name", "a"), ("Slice", "b : c"), ("Name", "b"), ("Name", "c")]),
        ("a[ : ]", [("Item", "a[ : ]"), ("Name", "a"), ("Slice", ":")]),
        ("a[::b]", [("Item", "a[::b]"), ("Name", "a"), ("Slice", "::b"), ("Name", "b")]),
    ],
)
def test_expression(expression: str, expected: list[tuple[str, str]]) -> None:
    assert texts("x {{  " + expression + "  }} y") == [
        ("Text", "x "),
        ("Output", expected[0][1]),
        *expected,
        ("Text", " y"),
    ]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (
            "a {%- if b -%} c {% endif %}",
            [("Text", "a"), ("If", "{%- if b -%}"), ("Name", "b"), ("Text", "c ")],
        ),
        (
            "{% for a, b in c if d %}{% endfor %}",
            [
                ("For", "{% for a, b in c if d %}"),
                ("TupleExpr", "a, b"),
                ("Name", "a"),
                ("Name", "b"),
                ("Name", "c"),
                ("Name", "d"),
            ],
        ),
        ("{% set a.b = c %}", [("Set", "{% set a.b = c %}"), ("NamespaceRef", "a.b"), ("Name", "c")]),
        (
            "{% set a | b | c(1): %}{% endset %}",
            [
                ("SetBlock", "{% set a | b | c(1): %}"),
                ("Name", "a"),
                ("Filter", "b | c(1)"),
                ("Filter", "b"),
                ("Const", "1"),
            ],
        ),
        ("{% print a, b %}", [("Output", "a"), ("Name", "a"), ("Output", "b"), ("Name", "b")]),
        (
            "{% macro a(b, c = 1) %}{% endmacro %}",
            [
                ("Macro", "{% macro a(b, c = 1) %}"),
                ("Parameter", "b"),
                ("Parameter", "c = 1"),
                ("Const", "1"),
            ],
        ),
        ("a{# b #}c", [("Text", "a"), ("Text", "c")]),
        ("a{% raw %} {{ {% endraw %}b", [("Text", "a"), ("Text", " {{ "), ("Text", "b")]),
    ],
)
def test_statement(template: str, expected: list[tuple[str, str]]) -> None:
    assert texts(template) == expected


def test_line_statement_ends_with_its_line() -> None:
    syntax = Syntax(line_statement_prefix="#")
    assert texts("  # set a = 1  \n\n{{ a }}", syntax)[0] == ("Set", "# set a = 1")


def test_branches_have_their_tags() -> None:
    source = Source("{% if a %}b{% elif c %}d{% else %}e{% endif %}")
    (statement,) = parse(source).body
    assert isinstance(statement, nodes.If)
    assert [source.text[start:end] for start, end, _, _ in statement.branches] == [
        "{% if a %}",
        "{% elif c %}",
    ]


@given(templates())
@examples(300)
def test_the_text_of_an_expression_parses_to_the_expression(template: str) -> None:
    source = Source(template)
    try:
        tree = parse(source, SYNTAX)
    except TemplateSyntaxError:
        return
    for node in walk(tree):
        text = source.text[node.start : node.end]
        if isinstance(node, nodes.Text):
            assert node.value == text != ""
        elif isinstance(node, nodes.Expr) and not isinstance(
            node, (nodes.Slice, nodes.NamespaceRef, nodes.TupleExpr)
        ):
            if isinstance(node, nodes.Filter) and "None" in repr(our_tree(node)[1]):
                continue  # in a filter block, the text is not an expression
            if text == "not":
                continue  # after a test, any word is a name
            again = parse_expression(Source(text))
            assert our_tree(again) == our_tree(node)


@given(templates())
@examples(300)
def test_tokens_have_their_text(template: str) -> None:
    source = Source(template)
    try:
        tokens = tokenize(source, SYNTAX)
    except TemplateSyntaxError:
        return
    end = 0
    for kind, value, start, stop in tokens:
        assert end <= start <= stop
        end = stop
        if kind not in ("STRING", "INTEGER", "FLOAT"):
            assert source.text[start:stop].endswith(value)
