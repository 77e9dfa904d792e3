"""Whitespace, delimiters and line statements: the tokens are those of Jinja2, on the same lines."""

import re
import warnings
from typing import Any

import jinja2
import pytest
from effort import examples
from hypothesis import given
from hypothesis import strategies as st

from tmplmon.syntax.lexer import KEYWORDS, Syntax, scan
from tmplmon.syntax.source import Source

DELIMITERS: list[dict[str, Any]] = [
    {},
    {"line_statement_prefix": "#", "line_comment_prefix": "##"},
    {"line_statement_prefix": "%", "line_comment_prefix": "//"},
    {
        **{"block_start_string": "<%", "block_end_string": "%>", "variable_start_string": "<%="},
        **{"variable_end_string": "%>", "comment_start_string": "<%#", "comment_end_string": "%>"},
    },
    {
        **{"block_start_string": "<!--", "block_end_string": "-->", "variable_start_string": "${"},
        **{"variable_end_string": "}", "comment_start_string": "<!--#", "comment_end_string": "-->"},
    },
    {
        **{"block_start_string": "{", "block_end_string": "}", "variable_start_string": "{{"},
        **{"variable_end_string": "}}", "comment_start_string": "{#", "comment_end_string": "#}"},
    },
    {
        **{"block_start_string": "(*", "block_end_string": "*)", "line_statement_prefix": "<%"},
        **{"line_comment_prefix": "#"},
    },
    {
        **{"block_start_string": "«", "block_end_string": "»", "variable_start_string": "¿"},
        **{"variable_end_string": "¡"},
    },
]

# Capitals stand for the delimiters of the syntax.
PIECES = [
    *(
        "\n",
        "\n\n",
        " ",
        "  ",
        "\t",
        "\u00a0",
        "\x0b",
        "text",
        "é",
        "BS",
        "BE",
        "VS",
        "VE",
        "CS",
        "CE",
        "BS-",
    ),
    *(
        "-BE",
        "BS+",
        "+BE",
        "VS-",
        "-VE",
        "VS+",
        "CS-",
        "-CE",
        "+CE",
        "LS",
        "LC",
        "LS-",
        "LS+",
        "raw",
        "endraw",
    ),
    *("if", "x", "(", ")", "[", "]", "{", "}", '"s"', "'a\nb'", "1", "1.5", ".", "+", "-", "²", "नी"),
    *(" BS raw BE ", " BS endraw BE ", " BS- raw -BE ", " BS- endraw -BE\n", "BS if x BE\n", "  BS endif BE"),
    *("VS x VE", "CS c CE\n", "\nLS if x\n", "\nLS for y in (1,\n2):\n\n", " LC c\n", "\n  LC c\n"),
]


def write(pieces: list[str], syntax: Syntax) -> str:
    strings = {
        "BS": syntax.block_start_string,
        "BE": syntax.block_end_string,
        "VS": syntax.variable_start_string,
        "VE": syntax.variable_end_string,
        "CS": syntax.comment_start_string,
        "CE": syntax.comment_end_string,
        "LS": syntax.line_statement_prefix or "LS",
        "LC": syntax.line_comment_prefix or "LC",
    }
    return re.sub("|".join(strings), lambda found: strings[found[0]], "".join(pieces))


def jinja_tokens(template: str, options: dict[str, Any]) -> list[tuple[str, Any, int]]:
    tokens: list[tuple[str, Any, int]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for token in jinja2.Environment(**options)._tokenize(template, None):
                plain = token.type in ("data", "name", "string", "integer", "float")
                kind = token.type if plain or "_" in token.type else "operator"
                tokens.append((kind, token.value if plain else None, token.lineno))
        except jinja2.TemplateSyntaxError as error:
            tokens.append(("error", None, error.lineno))
    return tokens


def our_tokens(template: str, syntax: Syntax) -> list[tuple[str, Any, int]]:
    """tmplmon's tokens in the same form: the name of a tag is separate from its delimiter, and all words are
    names."""
    source = Source(template)
    tokens: list[tuple[str, Any, int]] = []
    kinds = {"TEXT": "data", "STRING": "string", "INTEGER": "integer", "FLOAT": "float", "ERROR": "error"}
    for kind, value, start, end in scan(source, syntax)[0]:
        line = source.line(start)
        if kind.startswith("TAG"):
            tokens.append(("block_begin", None, line))
            tokens.append(("name", value, source.line(end - len(value))))
        elif kind in ("BLOCK_BEGIN", "BLOCK_END", "VARIABLE_BEGIN", "VARIABLE_END"):
            tokens.append((kind.lower(), None, line))
        elif kind == "NAME" or kind in KEYWORDS.values():
            tokens.append(("name", value, line))
        else:
            kind = kinds.get(kind, "operator")
            tokens.append((kind, None if kind in ("operator", "error") else value, line))
    if tokens and tokens[-1][0] == "error":
        del tokens[-2:-1]  # Jinja2's stream reads one token ahead, and loses it
    return tokens


@given(
    st.sampled_from(DELIMITERS),
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=10),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
@examples(1500)
def test_tokens(delimiters: dict[str, Any], pieces: list[str], trim: bool, lstrip: bool, keep: bool) -> None:
    options = {**delimiters, "trim_blocks": trim, "lstrip_blocks": lstrip, "keep_trailing_newline": keep}
    syntax = Syntax(**options)
    template = write(pieces, syntax)
    ours = our_tokens(template, syntax)
    theirs = jinja_tokens(template, options)
    if ours and ours[-1][0] == "error" and theirs[-1:] != [ours[-1]]:
        # A comment or raw block at the end that is never closed is an error in tmplmon only.
        message = scan(Source(template), syntax)[0][-1][1].message
        assert "is never closed" in message and "opened here" in message
        return
    assert ours == theirs


@pytest.mark.parametrize(
    ("template", "options", "expected"),
    [
        ("a \n {%- if x -%} \n b {%- endif %} c", {}, ["a", "b", " c"]),
        ("a {{- x -}} b", {}, ["a", "b"]),
        ("a {#- x -#} b", {}, ["a", "b"]),
        ("{% if x %}\na\n{% endif %}\nb", {"trim_blocks": True}, ["a\n", "b"]),
        ("{% if x +%}\na\n{% endif %}b", {"trim_blocks": True}, ["\na\n", "b"]),
        ("  {% if x %}a\n  {% endif %}b", {"lstrip_blocks": True}, ["a\n", "b"]),
        ("  {%+ if x %}a {% endif %}", {"lstrip_blocks": True}, ["  ", "a "]),
        ("  {{ x }}", {"lstrip_blocks": True}, ["  "]),
        ("{# c #}\n  {# d #}  e", {"lstrip_blocks": True, "trim_blocks": True}, ["  e"]),
        ("a\n", {}, ["a"]),
        ("a\n\n", {}, ["a\n"]),
        ("a\n", {"keep_trailing_newline": True}, ["a\n"]),
        ("\n", {}, []),
        ("{% raw %}\n {{ a }} \n{% endraw %}\nb", {"trim_blocks": True}, ["\n {{ a }} \n", "b"]),
        ("a\r\nb\rc\n", {}, ["a\nb\nc"]),
    ],
)
def test_text(template: str, options: dict[str, Any], expected: list[str]) -> None:
    tokens, _ = scan(Source(template), Syntax(**options))
    assert [value for kind, value, _, _ in tokens if kind == "TEXT"] == expected


def test_custom_tags() -> None:
    syntax = Syntax(custom_tags=(("cache", True), ("url", False), ("for", False)))
    tokens, _ = scan(Source("{% cache %}{% url %}{% endcache %}{% endurl %}{% for %}"), syntax)
    kinds = [kind for kind, *_ in tokens if kind.startswith("TAG")]
    assert kinds == ["TAG_CUSTOM_BODY", "TAG_CUSTOM", "TAG_CUSTOM_END", "TAG", "TAG_FOR"]
