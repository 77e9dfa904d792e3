"""The order in which the nodes of a tree are visited."""

from tmplmon.syntax import nodes
from tmplmon.syntax.lexer import Syntax
from tmplmon.syntax.parser import parse
from tmplmon.syntax.source import Source
from tmplmon.syntax.walk import children, statements, walk

SYNTAX = Syntax(tags=frozenset({"trans"}))


def names(found: object) -> str:
    return " ".join(node.name for node in found if isinstance(node, nodes.Name))  # type: ignore[attr-defined]


def tree(source: str) -> nodes.Template:
    return parse(Source(source), SYNTAX)


def test_children_are_in_the_order_of_the_fields() -> None:
    (loop,) = tree("{% for a in b if c %}{{ d }}{% else %}{{ e }}{% endfor %}").body
    assert [getattr(child, "name", "output") for child in children(loop)] == [
        "a",
        "b",
        "c",
        "output",
        "output",
    ]
    (output,) = tree("{{ f(a, b, *c, k=d, **e) }}").body
    assert isinstance(output, nodes.Output)
    assert names(children(output.expr)) == "f a b d c e"
    assert names(children(output.expr.arguments)) == "a b d c e"  # type: ignore[attr-defined]
    (if_,) = tree("{% if a %}{% elif b %}{{ c }}{% else %}{{ d }}{% endif %}").body
    assert [type(child).__name__ for child in children(if_)] == ["Name", "Name", "Output", "Output"]


def test_a_walk_has_the_order_of_jinja() -> None:
    assert names(walk(tree("{% for a in b if c %}{{ d }}{% else %}{{ e }}{% endfor %}"))) == "a b d e c"
    assert names(walk(tree("{{ a if b else c }}{% call(x=p) f(q) %}{{ r }}{% endcall %}"))) == "b a c f q p r"
    assert names(walk(tree("{% filter f(a) %}{{ b }}{% endfilter %}"))) == "b a"
    assert (
        names(walk(tree("{{ {a: b} }}{{ [c, (d,)] }}{{ e[f:g] }}{{ h < i > j }}"))) == "a b c d e f g h i j"
    )
    assert (
        names(walk(tree("{% trans n=a, m=b %}{{ n }}{% endtrans %}{% with x=c %}{{ d }}{% endwith %}")))
        == "a b x c d"
    )


def test_children_may_be_replaced() -> None:
    source = tree("{{ a }}{% block b %}{{ c }}{% endblock %}{{ d }}")
    assert names(walk(source, {nodes.Block: lambda block: [nodes.Name(0, 0, "x")]})) == "a x d"


def test_statements() -> None:
    source = tree("{% if a %}{% for b in c %}{% set d = e %}{% endfor %}{% else %}{{ f }}{% endif %}")
    kinds = sorted(type(node).__name__ for node in statements(source.body))
    assert kinds == ["For", "If", "Output", "Set"]
