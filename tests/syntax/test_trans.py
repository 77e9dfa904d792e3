"""The messages of `trans` are those that Jinja2 passes to gettext."""

import jinja2
import pytest
from jinja2 import nodes as theirs

from tmplmon.syntax import nodes
from tmplmon.syntax.lexer import Syntax
from tmplmon.syntax.parser import parse
from tmplmon.syntax.source import Source

SYNTAX = Syntax(tags=frozenset({"trans"}))
# The new style does not change the message, and passes the variables as keywords.
ENVIRONMENT = jinja2.Environment(extensions=["jinja2.ext.i18n"])
ENVIRONMENT.newstyle_gettext = True  # type: ignore[attr-defined]

TEMPLATES = [
    "{% trans %}a{% endtrans %}",
    "{% trans %}100% of {{ a }}, {{ a }} and {{ b }}{% endtrans %}",
    "{% trans %} a\n {{ b }} {% endtrans %}",
    "{% trans a=1, b %}{{ a }}{{ c }}{% endtrans %}",
    "{% trans 'ctx' %}a{% endtrans %}",
    "{% trans 'ctx' a %}{{ a }}{% pluralize %}{{ b }}{% endtrans %}",
    "{% trans a=f(), b=2 %}{{ a }}{% pluralize b %}{{ c }}{% endtrans %}",
    "{% trans %}{{ a }}{{ b }}{% pluralize %}c{% endtrans %}",
    "{% trans %}a{# b #}c{% raw %}%{{ d }}{% endraw %}{% endtrans %}",
    "{% trans %}a {{- b -}} c{% endtrans %}",
    "{% trans true, none=1 %}{{ if }}{% endtrans %}",
]


@pytest.mark.parametrize("template", TEMPLATES)
def test_messages(template: str) -> None:
    call = ENVIRONMENT.parse(template).find_all(theirs.Call)
    gettext = next(
        node for node in call if isinstance(node.node, theirs.Name) and "gettext" in node.node.name
    )
    constants = [argument.value for argument in gettext.args if isinstance(argument, theirs.Const)]
    strings = [value for value in constants if isinstance(value, str)]  # the rest is the number
    (trans,) = parse(Source(template), SYNTAX).body
    assert isinstance(trans, nodes.Trans)
    ours = [text for text in (trans.context, trans.singular, trans.plural) if text is not None]
    assert ours == strings
    names = {name for name, _ in trans.bindings} | set(trans.names)
    assert names == {keyword.key for keyword in gettext.kwargs}


def only(template: str) -> nodes.Trans:
    (trans,) = parse(Source(template), SYNTAX).body
    assert isinstance(trans, nodes.Trans)
    return trans


@pytest.mark.parametrize(
    ("options", "trimmed"),
    [
        ("", None),
        ("trimmed", True),
        ("notrimmed", False),
        ("'c' trimmed", True),
        ("a, notrimmed", False),
        ("trimmed a=1", True),
        ("trimmed=1", None),
    ],
)
def test_trimmed(options: str, trimmed: bool | None) -> None:
    trans = only("{% trans " + options + " %} a {% endtrans %}")
    assert (trans.trimmed, trans.singular) == (trimmed, " a ")


def test_variables_before_and_after_trimmed() -> None:
    trans = only("{% trans a, trimmed, b=1 %} {{ a }} {% endtrans %}")
    assert (trans.trimmed, [name for name, _ in trans.bindings]) == (True, ["a", "b"])


@pytest.mark.parametrize(
    ("template", "count"),
    [
        ("{% trans a=1, b=2 %}{{ c }}{% pluralize %}{{ d }}{% endtrans %}", "a"),
        ("{% trans a=1, b=2 %}{{ c }}{% pluralize b %}{{ d }}{% endtrans %}", "b"),
        ("{% trans %}{{ c }}{{ d }}{% pluralize %}{{ e }}{% endtrans %}", "c"),
        ("{% trans a=1 %}{{ a }}{% endtrans %}", None),
    ],
)
def test_count(template: str, count: str | None) -> None:
    assert only(template).count == count


def test_names_and_bindings() -> None:
    trans = only("{% trans a=b.c, d %}{{ e }}{{ a }}{{ e }}{% pluralize %}{{ f }}{{ a }}{% endtrans %}")
    assert trans.names == ["e", "a", "f"]
    assert [name for name, _ in trans.bindings] == ["a", "d"]
    assert isinstance(trans.bindings[0][1], nodes.Attribute)
    assert trans.bindings[1][1] == nodes.Name(16, 17, "d")
