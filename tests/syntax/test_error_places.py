"""The order in which nodes are visited, and the positions of syntax errors."""

import pytest

from tmplmon.syntax import nodes
from tmplmon.syntax.parser import parse
from tmplmon.syntax.report import syntax_error
from tmplmon.syntax.source import Source
from tmplmon.syntax.walk import children, fields, statements, walk

NAMES = {
    # The text → its names, in the order of a walk.
    "{{ a + b * c }}": "abc",
    "{{ f(a, *b, c=d, **e) }}": "fadbe",
    "{{ a if b else c }}": "bac",
    "{{ a|x(b) }}{{ c is y(d) }}": "abcd",
    "{{ {a: b, c: d}[e] }}": "abcde",
    "{{ a[b:c:d] }}": "abcd",
    "{% for a in b if c %}{{ d }}{% else %}{{ e }}{% endfor %}": "abdec",
    "{% if a %}{{ b }}{% elif c %}{{ d }}{% else %}{{ e }}{% endif %}": "abcde",
    "{% set a = b %}{% set c %}{{ d }}{% endset %}": "abcd",
    "{% with a = b, c = d %}{{ e }}{% endwith %}": "abcde",
    "{% filter x(a) %}{{ b }}{% endfilter %}": "ba",
    "{% call(a=b) f(c) %}{{ d }}{% endcall %}": "fcbd",
    "{% macro m(a, b=c) %}{{ d }}{% endmacro %}": "cd",
    "{% include a %}{% import b as c %}{% from d import e %}{% extends f %}": "abdf",
    "{% block a %}{{ b }}{% endblock %}": "b",
    "{% autoescape a %}{{ b }}{% endautoescape %}": "ab",
}


@pytest.mark.parametrize(("text", "names"), NAMES.items(), ids=NAMES)
def test_walk(text: str, names: str) -> None:
    visited = [node.name for node in walk(parse(Source(text))) if isinstance(node, nodes.Name)]
    assert "".join(visited) == names


def test_children() -> None:
    tree = parse(Source("{% if a %}b{% else %}{{ c }}{% endif %}"))
    (statement,) = tree.body
    kinds = [type(node).__name__ for node in children(statement)]
    assert kinds == ["Name", "Text", "Output"]
    assert fields(nodes.Output) == ("expr",)
    assert "start" not in fields(nodes.If)
    assert sorted(type(node).__name__ for node in statements(tree.body)) == ["If", "Output", "Text"]
    only = list(walk(tree, {nodes.If: lambda node: [node.branches[0][2]]}))
    assert [type(node).__name__ for node in only] == ["Template", "If", "Name"]


PLACES = [
    # start, end → line, column, end column; the text is "ab\n  cdef\n\n".
    (0, 1, (1, 0, 1)),
    (0, 0, (1, 0, 1)),
    (5, 7, (2, 2, 4)),
    (5, 9, (2, 2, 6)),
    (5, 11, (2, 2, 6)),  # at most to the end of its line
    (7, 3, (2, 4, 5)),
    (2, 2, (1, 2, 3)),  # at the end of a line, the position after it
    (10, 12, (3, 0, 1)),
]


@pytest.mark.parametrize(("start", "end", "place"), PLACES)
def test_the_position_of_an_error(start: int, end: int, place: tuple[int, int, int]) -> None:
    source = Source("ab\n  cdef\n\n", "name", "/file")
    error = syntax_error(source, "message", start, end, hint="hint")
    assert (error.lineno, error.column, error.end_column) == place
    assert (error.name, error.filename, error.message, error.hint) == ("name", "/file", "message", "hint")
    assert error.source_line == source.line_text(place[0])
