"""Raw tokens are those of Jinja2, for the templates of the cases and random ones, with all options."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
from cases import casefile
from effort import every, examples
from hypothesis import given
from hypothesis import strategies as st

from tmplmon.errors import TemplateSyntaxError
from tmplmon.syntax.lexer import Syntax
from tmplmon.syntax.raw import raw_tokens

CASES = sorted((Path(__file__).parent.parent / "cases").glob("*/*.txt"))
LINES = {"line_statement_prefix": "#", "line_comment_prefix": "##"}
OPTIONS: list[dict[str, Any]] = [
    {},
    {"trim_blocks": True, "lstrip_blocks": True},
    LINES,
    {**LINES, "trim_blocks": True, "lstrip_blocks": True, "keep_trailing_newline": True},
    {"line_statement_prefix": "%", "line_comment_prefix": "%%"},
    {"variable_start_string": "${", "variable_end_string": "}", "line_statement_prefix": "//"},
    {
        "block_start_string": "<%",
        "block_end_string": "%>",
        "variable_start_string": "<%=",
        "variable_end_string": "%>",
        "comment_start_string": "<!--",
        "comment_end_string": "-->",
    },
]
WORDS = """{% %} {{ }} {# #} {%- -%} {%+ +%} {{- -}} {#- -#} +#} a b1 if raw endraw {%raw%} {%-raw-%} {%endraw-%} é
1 1.5 0x1f 1_0 1e5 'x' "y ( ) [ ] { } + - ** // == | . , : # ## % %% $ <% <%= %> <!-- --> ${ ² aि \\ ? ! ~ '"""
PARTS = [*WORDS.split(), "text", " ", "  ", "\n", "\r\n", "\t"]


def tokens(lex: Callable[[], Iterator[Any]], error: type[Exception]) -> list[Any]:
    """The tokens of `lex`, followed by the line of its error."""
    tokens_read: list[Any] = []
    try:
        for token in lex():
            tokens_read.append(token)
    except error as exception:
        tokens_read.append(exception.lineno)  # type: ignore[attr-defined]
    return tokens_read


def check(text: str, options: dict[str, Any]) -> None:
    expected = tokens(lambda: jinja2.Environment(**options).lex(text), jinja2.TemplateSyntaxError)
    assert tokens(lambda: raw_tokens(text, Syntax(**options), None, None), TemplateSyntaxError) == expected


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_templates_of_the_cases(options: dict[str, Any]) -> None:
    for path in every(3, CASES):
        for text in casefile.read(path).templates.values():
            check(text, options)


@examples(1500)
@given(parts=st.lists(st.sampled_from(PARTS), max_size=16), options=st.sampled_from(OPTIONS))
def test_random_templates(parts: list[str], options: dict[str, Any]) -> None:
    check("".join(parts), options)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a {{ b }} c\n",
        "{% for a in b %}{# c #}{{ a }}\n{% endfor %}",
        "{% raw %} {{ }} {% endraw %}",
        "{% raw -%} a {% endraw -%} b",
        "{{ {'a': [1, (2)]} }}{{ 'b\nc' }}",
        "{{ a",
        "{#",
    ],
)
def test_without_whitespace_control_the_tokens_add_up_to_the_source(text: str) -> None:
    syntax = Syntax(keep_trailing_newline=True)
    assert "".join(piece for _, _, piece in raw_tokens(text, syntax, None, None)) == text


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("a\n{# b", "the comment opened here is never closed; expected '#}'", 2),
        ("{% raw %}\na", "the 'raw' block opened here is never closed; expected 'endraw'", 1),
        ("{{\n a ) }}", "')' closes nothing", 2),
        ("{{ (\na ] }}", "'(' is never closed: expected ')' before ']'", 2),
        ("{{ a ? }}", "unexpected character '?'", 1),
        ("{{ 'a }}", "this string is never closed", 1),
    ],
)
def test_errors_are_those_of_the_parser(text: str, message: str, line: int) -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        list(raw_tokens(text, Syntax(), "name", "/file"))
    error = caught.value
    assert (error.message, error.lineno, error.name, error.filename) == (message, line, "name", "/file")


def test_the_tokens_before_an_error_are_yielded() -> None:
    tokens_read = raw_tokens("a{{ ? }}", Syntax(), None, None)
    assert [next(tokens_read), next(tokens_read), next(tokens_read)] == [
        (1, "data", "a"),
        (1, "variable_begin", "{{"),
        (1, "whitespace", " "),
    ]
    with pytest.raises(TemplateSyntaxError):
        next(tokens_read)


def test_names_and_literals_are_not_checked() -> None:
    tokens_read = [piece for _, _, piece in raw_tokens("{{ '\\x4' ² }}", Syntax(), None, None)]
    assert tokens_read == ["{{", " ", "'\\x4'", " ", "²", " ", "}}"]


def test_deeply_nested_brackets() -> None:
    text = "{{ " + "(" * 5000 + ")" * 5000 + " }}"
    assert len(list(raw_tokens(text, Syntax(), None, None))) == 10004
