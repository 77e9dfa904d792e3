"""Tags of extensions: any name, arguments as in a call, with a body or without."""

import pytest

from tmplmon.errors import TemplateSyntaxError
from tmplmon.syntax import nodes
from tmplmon.syntax.lexer import Syntax
from tmplmon.syntax.parser import parse
from tmplmon.syntax.source import Source

SYNTAX = Syntax(custom_tags=(("cache", True), ("url", False), ("do", False), ("if", False)))


def only(template: str) -> nodes.CustomTag:
    (tag,) = parse(Source(template), SYNTAX).body
    assert isinstance(tag, nodes.CustomTag)
    return tag


def test_without_a_body() -> None:
    tag = only("{% url 'page', id=1, *rest, **more %}")
    assert (tag.name, tag.body, tag.start, tag.end) == ("url", None, 0, 37)
    assert [(arg.start, arg.end, arg.value) for arg in tag.arguments.args] == [(7, 13, "page")]
    assert [name for name, _ in tag.arguments.kwargs] == ["id"]
    assert tag.arguments.star == nodes.Name(22, 26, "rest")
    assert tag.arguments.star_star == nodes.Name(30, 34, "more")


def test_without_arguments() -> None:
    assert only("{% url %}").arguments == nodes.Arguments()
    assert only("{% cache %}{% endcache %}").arguments == nodes.Arguments()


def test_with_a_body() -> None:
    tag = only("{% cache key %}a{% cache %}b{% endcache %}{% endcache %}")
    assert tag.body is not None
    assert [type(node) for node in tag.body] == [nodes.Text, nodes.CustomTag]


def test_names_of_the_language() -> None:
    """A custom tag can have the name of an optional tag that is off, but not the name "if"."""
    assert only("{% do x %}").name == "do"
    with pytest.raises(TemplateSyntaxError):
        parse(Source("{% if x %}"), SYNTAX)


@pytest.mark.parametrize(
    "template",
    [
        "{% cache %}{% endurl %}",
        "{% url %}{% endurl %}",
        "{% cache a b %}",
        "{% url a=1, b %}",
        "{% url a, %}",
    ],
)
def test_errors(template: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        parse(Source(template), SYNTAX)


def test_a_body_that_is_closed_by_another_tag() -> None:
    syntax = Syntax(custom_tags=(("a", True), ("b", True)))
    with pytest.raises(TemplateSyntaxError, match="'endb' cannot close 'a', opened on line 1"):
        parse(Source("{% a %}{% endb %}"), syntax)
