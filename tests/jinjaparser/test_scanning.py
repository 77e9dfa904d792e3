"""The tokens that are made from those of tmplmon's lexer are those of Jinja2's lexer, with the same places."""

from pathlib import Path
from typing import Any

import pytest
from effort import every
from jinja2 import TemplateSyntaxError
from jinja2.lexer import Lexer, get_lexer

from tmplmon import Environment
from tmplmon.jinjaparser import scanning
from tmplmon.jinjaparser.places import placed
from tmplmon.monitoring.lines import unify_newlines

CASES = sorted(Path(__file__).parents[1].joinpath("cases").glob("*/*.txt"))
SYNTAXES: dict[str, dict[str, Any]] = {
    "default": {},
    "trimmed": {"trim_blocks": True, "lstrip_blocks": True},
    "keeping": {"keep_trailing_newline": True, "lstrip_blocks": True},
    "other": {
        "block_start_string": "<%",
        "block_end_string": "%>",
        "variable_start_string": "${",
        "variable_end_string": "}",
        "comment_start_string": "<#",
        "comment_end_string": "#>",
    },
}


def described(tokens: Any) -> list[Any]:
    return [(int(line), line.start, line.end, kind, value, type(value)) for line, kind, value in tokens]


def jinja2_tokens(lexer: Lexer, text: str) -> list[Any] | None:
    try:
        return list(lexer.wrap(placed(lexer.tokeniter(text, None), text)))
    except TemplateSyntaxError:
        return None


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_the_tokens_of_the_corpus_are_the_same(syntax: str) -> None:
    environment: Any = Environment(**SYNTAXES[syntax])
    lexer = get_lexer(environment)
    compared = 0
    for path in every(3, CASES):
        for part in path.read_text("utf-8").split("\n---"):
            text = unify_newlines(part)
            scanner = scanning._scanned(environment, lexer, text)
            expected = jinja2_tokens(lexer, text)
            if scanner is None:
                # Jinja2 ignores a comment or a raw block that begins at the very end.
                assert expected is None or text.endswith((environment.comment_start_string, "{% raw %}")), (
                    part
                )
                continue
            assert expected is not None, part
            if not expected:
                continue
            tokens = list(scanning._converted(scanner, text))
            assert described(tokens) == described(expected), part
            own, other = tokens[0].lineno.tokens, expected[0].lineno.tokens  # type: ignore[attr-defined]
            assert (own.tags, own.brackets) == (other.tags, other.brackets)
            compared += 1
    assert compared > 100


@pytest.mark.parametrize(
    "options",
    [{"line_statement_prefix": "#"}, {"line_comment_prefix": "##"}, {"newline_sequence": "\r\n"}],
)
def test_jinja2s_lexer_reads_what_could_differ(options: dict[str, Any]) -> None:
    environment: Any = Environment(**options)
    assert scanning._scanned(environment, get_lexer(environment), "{{ a }}") is None


def test_a_replaced_step_of_jinja2s_lexer_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    environment: Any = Environment()
    original = Lexer.tokeniter
    monkeypatch.setattr(
        Lexer, "tokeniter", lambda self, source, *args: original(self, source.replace("a", "b"), *args)
    )
    tokens = scanning.tokenize(environment, get_lexer(environment), "{{ a }}", None, None, None)
    assert "b" in [token.value for token in tokens]
