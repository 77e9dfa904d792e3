"""Text, links, JSON and URLs, compared with Jinja2's and the standard library's."""

import json
import time
import urllib.parse
from typing import Any

import jinja2.utils
import markupsafe
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from tmplmon.runtime import html
from tmplmon.runtime.html import escape, escape_to_str, htmlsafe_json_dumps, url_quote, urlize

from .sides import VALUES, describe, ours

SIDE = ours()
# The characters that are special to these functions, so that generated texts contain them often.
PIECES = st.sampled_from(
    [
        *"()<>[].,:;@/?#&'\"%- \n\t!_aéK",
        *("&lt;", "&gt;", "&amp;", "http://", "https://", "HTTP://", "www.", "mailto:", "ftp:", "tel:"),
        *("com", "org", "example", "xn--b", "192.168.0.1", "[::1]", "[fe80::1:2]", ":80"),
    ]
)
TEXTS = st.lists(PIECES, max_size=14).map("".join)


@pytest.mark.parametrize("label", VALUES)
def test_escape(label: str) -> None:
    def result(function: Any) -> Any:
        try:
            return describe(function(VALUES[label](SIDE)))
        except Exception as error:
            return type(error)

    assert result(escape) == result(markupsafe.escape)
    assert result(lambda value: str(escape_to_str(value))) == result(
        lambda value: str(markupsafe.escape(value))
    )


def test_escape_without_the_private_function() -> None:
    assert html._escape_through_markup("<b>") == "&lt;b&gt;"
    assert type(html._escape_through_markup("<b>")) is str


@given(TEXTS, st.sampled_from([None, 0, 3, 20]), st.sampled_from([None, (), ["tel:", "ftp:"]]))
def test_urlize_as_jinja(text: str, limit: int | None, schemes: Any) -> None:
    for value in (text, Markup(text)):
        options = {"trim_url_limit": limit, "rel": "a & b", "target": "<t>", "extra_schemes": schemes}
        assert urlize(value, **options) == jinja2.utils.urlize(value, **options)
        assert urlize(value) == jinja2.utils.urlize(value)


LINKS = {
    "http://example.com": '<a href="http://example.com">http://example.com</a>',
    "www.example.com.": '<a href="https://www.example.com">www.example.com</a>.',
    "example.org/a?b=c#d": '<a href="https://example.org/a?b=c#d">example.org/a?b=c#d</a>',
    "(http://a.bc/d_(e))": '(<a href="http://a.bc/d_(e)">http://a.bc/d_(e)</a>)',
    "<http://a.bc>": '&lt;<a href="http://a.bc">http://a.bc</a>&gt;',
    "http://127.0.0.1:8000/": '<a href="http://127.0.0.1:8000/">http://127.0.0.1:8000/</a>',
    "http://[::1]/": '<a href="http://[::1]/">http://[::1]/</a>',
    "http://localhost": '<a href="http://localhost">http://localhost</a>',
    "me@example.org,": '<a href="mailto:me@example.org">me@example.org</a>,',
    "mailto:me@example.org": '<a href="mailto:me@example.org">me@example.org</a>',
    "@me@example.org": "@me@example.org",
    "www.me@example.org": "www.me@example.org",
    "to:me@example.org": "to:me@example.org",
    "to:me@example": "to:me@example",
    "mailto:me": "mailto:me",
    "file.txt": "file.txt",
    "javascript:alert(1)": "javascript:alert(1)",
    'http://a.bc/"onclick="x': '<a href="http://a.bc/&#34;onclick=&#34;x">http://a.bc/&#34;onclick=&#34;x</a>',
}


@pytest.mark.parametrize("text", LINKS)
def test_urlize(text: str) -> None:
    assert urlize(text) == LINKS[text]


def test_urlize_keeps_white_space() -> None:
    assert urlize(" a\n\n\tb\u00a0c ") == " a\n\n\tb\u00a0c "


# Repetitions for which a regular expression that backtracks would take quadratic time.
LONG = {
    "opening brackets": "(" * 200_000,
    "closing brackets": "x" + ")" * 200_000,
    "balanced brackets": "x" + "(" * 100_000 + ")" * 100_000,
    "escaped brackets": "x" + "<" * 40_000 + ">" * 40_000,
    "full stops": "." * 200_000 + "a)",
    "full stops before a letter": "a" + "." * 200_000 + "b.",
    "labels": "www." + "a." * 100_000 + "!",
    "labels without a scheme": "aa." * 60_000 + "!",
    "at signs": "a@" * 100_000 + "!.",
    "labels after an at sign": "a@" + "b." * 100_000 + "!",
    "white space": " \n" * 100_000,
    "colons": "http://[" + ":" * 200_000,
}


@pytest.mark.parametrize("kind", LONG)
def test_urlize_is_linear(kind: str) -> None:
    """A text of 200,000 characters takes a fraction of a second. With quadratic time, it would take minutes."""
    begin = time.process_time()
    urlize(LONG[kind])
    assert time.process_time() - begin < 2


@given(st.one_of(st.text(), st.binary(), st.integers(), st.none()))
def test_url_quote(value: Any) -> None:
    text = value if isinstance(value, str | bytes) else str(value)
    try:
        expected = urllib.parse.quote(text), urllib.parse.quote_plus(text)
    except UnicodeEncodeError:
        with pytest.raises(UnicodeEncodeError):
            url_quote(value)
        return
    assert (url_quote(value), url_quote(value, for_qs=True)) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(alphabet="<>&'\"\\/a\u2028é"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet="ba<", max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JSON, st.sampled_from([{}, {"sort_keys": True}, {"indent": 1}, {"sort_keys": True, "indent": 0}]))
def test_json_as_jinja(value: Any, options: dict[str, Any]) -> None:
    text = htmlsafe_json_dumps(value, **options)
    assert describe(text) == describe(jinja2.utils.htmlsafe_json_dumps(value, **options))
    assert not set("<>&'") & set(text)


@pytest.mark.parametrize("value", [object(), {1: 1, "a": 2}, {3}, b"x"])
def test_json_of_values_that_cannot_be_encoded(value: Any) -> None:
    with pytest.raises(TypeError):
        htmlsafe_json_dumps(value, sort_keys=True)


def test_json_that_contains_itself() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ValueError):
        htmlsafe_json_dumps(value, sort_keys=True)
    # The encoder, which is kept, still works.
    assert htmlsafe_json_dumps([[], []], sort_keys=True) == "[[], []]"


def test_json_by_a_function_of_the_application() -> None:
    def dumps(value: Any, **options: Any) -> str:
        return f"<{json.dumps(value)} {options}>"

    assert htmlsafe_json_dumps(1, dumps, a=2) == r"\u003c1 {\u0027a\u0027: 2}\u003e"
