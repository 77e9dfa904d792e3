"""The messages that the author of a template sees.

``errors.txt`` has the cases: a template, a line of dashes, the whole message. ``pytest --update`` rewrites the
messages; read the diff.
"""

import copy
import pickle
import traceback
from pathlib import Path

import pytest

from tmplmon import DictLoader, Environment, errors
from tmplmon.errors import TemplateSyntaxError
from tmplmon.syntax.lexer import Syntax, tokenize
from tmplmon.syntax.parser import parse, parse_expression
from tmplmon.syntax.source import Source

CASES = Path(__file__).with_name("errors.txt")
SYNTAX = Syntax(
    line_statement_prefix="#:",
    tags=frozenset({"trans", "do"}),
    custom_tags=(("cache", True), ("csrf_token", False)),
)


def read_cases() -> list[tuple[str, str]]:
    """(template, expected message) of each case. A case begins with a line ``=== subject``."""
    cases = []
    for case in CASES.read_text("utf-8").split("\n===")[1:]:
        template, _, expected = case.partition("\n")[2].partition("\n---\n")
        cases.append((template, expected.strip("\n")))
    return cases


def shown(template: str) -> str:
    with pytest.raises(TemplateSyntaxError) as failure:
        parse(Source(template, "page", "page.html"), SYNTAX)
    return "\n".join([str(failure.value), *failure.value.__notes__])


@pytest.mark.parametrize(("template", "expected"), read_cases())
def test_messages(template: str, expected: str, update: bool) -> None:
    if not update:
        assert shown(template) == expected


def test_update(update: bool) -> None:
    """Does not test anything: rewrites the file with ``--update``."""
    if update:
        head, *cases = CASES.read_text("utf-8").split("\n===")
        parts = [head]
        for case in cases:
            subject, _, rest = case.partition("\n")
            template = rest.partition("\n---\n")[0]
            parts.append(f"{subject}\n{template}\n---\n{shown(template)}\n")
        CASES.write_text("\n===".join(parts), "utf-8")


def test_position() -> None:
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


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("(a) +", "the expression ends too early"),
        ("f(a)[b", "'[' opened on line 1 is never closed; expected ']'"),
        ("{a: (b)", "'{' opened on line 1 is never closed; expected '}'"),
        ("[\n(a, [b], c", "'(' opened on line 2 is never closed; expected ')'"),
    ],
)
def test_unfinished_expressions(expression: str, message: str) -> None:
    """The innermost open bracket is named, not one that has been closed."""
    with pytest.raises(TemplateSyntaxError) as failure:
        parse_expression(Source(expression))
    assert failure.value.message.partition("; expected a")[0] == message


def test_first_error_wins() -> None:
    """An error of the parser is raised before an error of the lexer that is later in the text."""
    with pytest.raises(TemplateSyntaxError) as failure:
        parse(Source("{{ a b }}\n{{ $ }}"))
    assert failure.value.lineno == 1


def test_message_and_note() -> None:
    with pytest.raises(TemplateSyntaxError) as failure:
        Environment(loader=DictLoader({"page": "a\n{% if a %}{% endfor %}"})).get_template("page")
    error = failure.value
    message = "'endfor' found where 'endif' is expected: 'if' opened on line 2 is still open"
    assert str(error) == error.message == message
    assert error.source == "a\n{% if a %}{% endfor %}"
    note = "  --> page:2:14\n   2 | {% if a %}{% endfor %}\n     |              ^^^^^^"
    assert error.__notes__ == [note]
    assert "".join(traceback.format_exception_only(error)).endswith(
        f"TemplateSyntaxError: {message}\n{note}\n"
    )
    error.add_note("of the application")
    for again in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert type(again) is TemplateSyntaxError
        assert (str(again), again.__notes__) == (message, [note, "of the application"])
        assert again.__dict__ == error.__dict__


ARGUMENTS: dict[str, tuple[object, ...]] = {
    "TemplateSyntaxError": ("m", 3, "page", "/page.html"),
    "TemplateAssertionError": ("m", 3),
    "TemplatesNotFound": (["a", "b"],),
    "BudgetError": ("m", {"fuel": 3}),
    "WorkerLimitExceeded": ("m", "memory"),
    "WorkerDied": ("m", -9),
    "RemoteError": ("m", "ValueError"),
}


@pytest.mark.parametrize("name", sorted(errors.__all__))
def test_errors_can_be_pickled(name: str) -> None:
    error = getattr(errors, name)(*ARGUMENTS.get(name, ("m",)))
    error.add_note("note")
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is type(error)
        assert (str(again), again.message, again.__dict__) == (str(error), error.message, error.__dict__)


@pytest.mark.parametrize("place", ["start", "middle", "end"])
def test_a_part_of_a_long_line_is_shown(place: str) -> None:
    parts = {"start": ("", "é" * 100_000), "middle": ("é" * 100_000,) * 2, "end": ("é" * 100_000, "")}
    before, after = parts[place]
    text = shown(f"{before}{{{{ x y }}}}{after}")
    assert len(text) < 500
    _, _, line, carets = text.split("\n")
    assert line[carets.index("^")] == "y"
    assert (line[7] == "…") == bool(before)
    assert (line[-1] == "…") == bool(after)


@pytest.mark.parametrize(
    "template", ["{%% %s %%}", "{{ %s x }}", "{%% end%s %%}", "{{ x|%s }}", "{{ '%s }}", "{%% block %s %%}"]
)
def test_a_part_of_a_long_name_is_shown(template: str) -> None:
    with pytest.raises(TemplateSyntaxError) as failure:
        Environment().from_string(template % ("n" * 100_000))
    assert len("\n".join([str(failure.value), *failure.value.__notes__])) < 800
