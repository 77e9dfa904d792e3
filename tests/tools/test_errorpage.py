"""The positions of an exception in templates, and the page that shows them."""

import html.parser
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tmplmon import DictLoader, Environment, FileSystemLoader, TemplateSyntaxError
from tmplmon.tools.errorpage import error_page, shown
from tmplmon.tools.failures import ErrorFrame, error_frames, innermost_template_frame

TEMPLATES = {
    "base.html": "<main>\n{% block body %}{% endblock %}\n</main>",
    "page.html": (
        "{% extends 'base.html' %}\n{% block body %}\n{% for user in users %}\n"
        "{% include 'card.html' %}\n{% endfor %}\n{% endblock %}"
    ),
    "card.html": "<b>é {{ user.name.first }}</b>",
    "wrong.html": "one\n  {% if x %}\n{{ x\n",
    "includes.html": "{% include 'wrong.html' %}",
}


@pytest.fixture(params=["bytecode", "closures"])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> Environment:
    for name, source in TEMPLATES.items():
        (tmp_path / name).write_text(source)
    return Environment(loader=FileSystemLoader(tmp_path), backend=request.param)


def failure(environment: Environment, name: str, **names: Any) -> Exception:
    with pytest.raises(Exception) as caught:
        environment.get_template(name).render(**names)
    return caught.value


def of_templates(error: Exception) -> list[ErrorFrame]:
    return [place for place in error_frames(error) if place.is_template]


def test_the_chain_of_a_failure(environment: Environment) -> None:
    error = failure(environment, "page.html", users=[{"secret": 1}])
    found = [(place.name, place.line, place.label) for place in of_templates(error)]
    assert found == [
        ("page.html", 1, "<template>"),
        ("base.html", 2, "<template>"),
        ("page.html", 4, "block body"),
        ("card.html", 1, "<template>"),
    ]
    innermost = innermost_template_frame(error)
    assert innermost is not None and innermost.line_parts == ("<b>é {{ ", "user.name.first", " }}</b>")
    assert innermost.variables["user"] == {"secret": 1}
    block = of_templates(error)[2]
    assert block.variables["user"] == {"secret": 1} and not any(name[0] == "." for name in block.variables)
    assert not error_frames(error)[0].is_template  # this test


def test_an_edited_template_is_shown_with_its_current_source(
    environment: Environment, tmp_path: Path
) -> None:
    first = innermost_template_frame(failure(environment, "card.html"))
    assert first is not None and first.lines == ["<b>é {{ user.name.first }}</b>"]
    (tmp_path / "card.html").write_text("<p>\n{{ user.name.last }}</p>")
    second = innermost_template_frame(failure(environment, "card.html"))
    assert second is not None and second.lines == ["<p>", "{{ user.name.last }}</p>"]
    assert second.line_text == "{{ user.name.last }}</p>"


def test_a_syntax_error(environment: Environment) -> None:
    for name in ("wrong.html", "includes.html"):
        error = failure(environment, name)
        assert isinstance(error, TemplateSyntaxError)
        place = of_templates(error)[-1]
        assert place.name == "wrong.html" and place.line == error.lineno
        assert place.lines[1] == "  {% if x %}"
    assert [place.name for place in of_templates(error)] == ["includes.html", "wrong.html"]


def test_a_syntax_error_of_a_template_that_is_no_file() -> None:
    error = failure(Environment(loader=DictLoader({"x": "one\n{{ 1 + }}"})), "x")
    place = innermost_template_frame(error)
    assert place is not None and place.line == 2 and "".join(place.line_parts) == "{{ 1 + }}"


def test_an_exception_of_python_code_has_no_template_positions() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        1 // 0  # noqa: B018
    assert innermost_template_frame(caught.value) is None


class Reading(html.parser.HTMLParser):
    """Collects the text of a page, and checks that its elements are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.marked: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self.open and self.open[-1] == "b":
            self.marked.append(data)


def reading(page: str) -> Reading:
    read = Reading()
    read.feed(page)
    read.close()
    assert read.open == []
    return read


def test_the_page(environment: Environment) -> None:
    error = failure(environment, "page.html", users=[{"x": "<u>"}])
    page = error_page(error, "GET /users?<q>")
    read = reading(page)
    text = "".join(read.text)
    assert "UndefinedError: " in text and "GET /users?<q>" in text
    assert read.marked[0] == "user.name.first"
    names = ["card.html:1", "page.html:4", "base.html:2", "page.html:1"]
    assert sorted(names, key=text.index) == names
    assert "test_errorpage.py" in text and "in block body" in text
    assert "<u>" not in page and "&lt;u&gt;" in page


def test_what_is_shown_of_variables() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise ValueError

    assert shown("x", "a") == "'a'"
    assert shown("x", Broken()) == "(its repr raises ValueError)"
    assert shown("x", "a" * 1000) == f"'{'a' * 399}… (1002 characters)"


SECRET_NAMES = [
    *(
        "password",
        "password1",
        "old_passwd",
        "pwd",
        "password_hash",
        "pass",
        "db_pass",
        "passphrase",
        "passcode",
    ),
    *(
        "api_key",
        "apikey",
        "private_key",
        "PRIVATE-KEY",
        "access_key",
        "SECRET_KEY",
        "client_secret",
        "csrf_token",
    ),
    *(
        "Authorization",
        "auth",
        "http_auth",
        "cookies",
        "session_id",
        "sessionid",
        "jwt",
        "id_jwt",
        "bearer",
        "otp",
    ),
    *("credentials", "database_url", "DATABASE_URI", "redis_url", "dsn", "SENTRY_DSN", "connection_string"),
    *("environ", "salt", "cvv", "ssn", "card_number", "tokens"),
]


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_secrets_are_not_shown(name: str) -> None:
    @dataclass
    class Nested:
        a: int
        b: Any

    assert shown(name, "hunter2") == "(not shown)"
    nested = {"x": [1, {name: ["hunter2", {"more": ("hunter2", ")")}], "y": 2}], "z": 3}
    assert shown("x", nested) == f"{{'x': [1, {{{name!r}: (not shown), 'y': 2}}], 'z': 3}}"
    assert shown("x", {name: "hun'ter,2" + '"'}) == f"{{{name!r}: (not shown)}}"
    assert shown("x", SimpleNamespace(**{name.replace("-", "_"): "hunter2", "zz": 1})).endswith(
        "=(not shown), zz=1)"
    )
    assert "hunter2" not in shown("x", {"a": "b" * 390, name: "hunter2" * 200})
    assert "hunter2" not in shown("x", Nested(1, {name: b"hunter2"}))


@pytest.mark.parametrize(
    "name",
    ["passenger", "compass", "author", "authors", "spinner", "environment", "keyboard", "basalt"],
)
def test_values_of_other_names_are_shown(name: str) -> None:
    assert shown(name, "text") == "'text'"
    assert shown("x", {name: "text"}) == f"{{{name!r}: 'text'}}"


def test_secrets_are_recognized_by_their_form() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"
    assert shown("x", f"a {key} b") == "'a (not shown) b'"
    assert "MIIE" not in shown("x", key[:45])
    assert shown("x", "postgres://ann:hunter2@db/x") == "'postgres://(not shown)@db/x'"
    assert shown("x", "eyJhbGciOiJI.eyJzdWIiOiIx.c2ln") == "'(not shown)'"
    error = OSError("no connection to postgres://ann:hunter2@db/x")
    error.__cause__ = ValueError("postgres://ann:hunter2@db/x")
    assert "hunter2" not in error_page(error)


def test_an_exception_whose_text_cannot_be_made(environment: Environment) -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise LookupError

    def fail() -> None:
        raise Broken from Broken()

    try:
        environment.from_string("{{ f() }}").render(f=fail)
    except Broken as error:
        assert "(its str raises LookupError)" in error_page(error)


def test_the_page_of_a_syntax_error_and_of_a_cause(environment: Environment) -> None:
    text = "".join(reading(error_page(failure(environment, "wrong.html"))).text)
    assert "wrong.html" in text and "{{ x" in text

    def fail() -> None:
        try:
            raise KeyError("the first")
        except KeyError as error:
            raise ValueError("the second") from error

    error = failure(environment, "page.html", users=fail)
    template = environment.from_string("{{ fail() }}")
    with pytest.raises(ValueError, match="the second") as caught:
        template.render(fail=fail)
    text = "".join(reading(error_page(caught.value)).text)
    assert "It was raised because of" in text and "the first" in text
    reading(error_page(error))
