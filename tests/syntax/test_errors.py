"""What a template's author is shown.

``errors.txt`` has the cases: a template, a line of dashes, the whole error. ``pytest --update`` writes the
errors anew; the diff is then to be read."""

from pathlib import Path

import pytest

from tmplmon.errors import TemplateSyntaxError
from tmplmon.syntax.lexer import Syntax, tokenize
from tmplmon.syntax.parser import parse
from tmplmon.syntax.source import Source

CASES = Path(__file__).with_name("errors.txt")
SYNTAX = Syntax(
    line_statement_prefix="#:",
    tags=frozenset({"trans", "do"}),
    custom_tags=(("cache", True), ("csrf_token", False)),
)


def read_cases() -> list[tuple[str, str]]:
    """(template, expected) of every case; a case begins with a line ``=== subject``."""
    cases = []
    for case in CASES.read_text("utf-8").split("\n===")[1:]:
        template, _, expected = case.partition("\n")[2].partition("\n---\n")
        cases.append((template, expected.strip("\n")))
    return cases


def shown(template: str) -> str:
    with pytest.raises(TemplateSyntaxError) as failure:
        parse(Source(template, "page", "page.html"), SYNTAX)
    return str(failure.value)


@pytest.mark.parametrize(("template", "expected"), read_cases())
def test_shown(template: str, expected: str, update: bool) -> None:
    if not update:
        assert shown(template) == expected


def test_update(update: bool) -> None:
    """Not a check: rewrites the file when asked to."""
    if update:
        head, *cases = CASES.read_text("utf-8").split("\n===")
        parts = [head]
        for case in cases:
            subject, _, rest = case.partition("\n")
            template = rest.partition("\n---\n")[0]
            parts.append(f"{subject}\n{template}\n---\n{shown(template)}\n")
        CASES.write_text("\n===".join(parts), "utf-8")


def test_place() -> None:
    with pytest.raises(TemplateSyntaxError) as failure:
        parse(Source("a\n\t{{ é b c }}", "page", "/site/page.html"))
    error = failure.value
    assert (error.lineno, error.column, error.end_column) == (2, 6, 7)
    assert error.source_line == "\t{{ é b c }}"
    assert (error.name, error.filename) == ("page", "/site/page.html")


@pytest.mark.parametrize(
    ("template", "place"),
    [
        ("{{ a bc }}", (1, 5, 7)),
        ("{{ a 'b\nc' }}", (1, 5, 7)),
        ("{% if a %}\n{% endfor %}", (2, 3, 9)),
        ("{% if a %}\nb", (1, 10, 11)),
        ("a {{", (1, 2, 4)),
        ("{# a\nb", (1, 0, 2)),
        ("{{ 'a\n }}", (1, 3, 4)),
        ("{{ a $ }}", (1, 5, 6)),
    ],
)
def test_columns(template: str, place: tuple[int, int, int]) -> None:
    with pytest.raises(TemplateSyntaxError) as failure:
        parse(Source(template))
    error = failure.value
    assert (error.lineno, error.column, error.end_column) == place


def test_tokenize_raises() -> None:
    with pytest.raises(TemplateSyntaxError, match="never closed"):
        tokenize(Source("{{ 'a }}"), SYNTAX)


def test_first_error_wins() -> None:
    """An error of the parser comes before one the lexer finds later in the text."""
    with pytest.raises(TemplateSyntaxError) as failure:
        parse(Source("{{ a b }}\n{{ $ }}"))
    assert failure.value.lineno == 1
