"""Text filters on generated texts, for cases that the table of values does not have."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from tmplmon.runtime.filters import FILTERS

from ..sides import describe, jinjas, ours, outcome

SIDES = [jinjas(), ours()]
SAFE = [jinjas(autoescape=True), ours(autoescape=True)]

# The characters that matter to filters: white space, line ends, brackets, and letters with special case mappings.
LETTERS = " \t\n\r\x0b\x0c\x1c\x85\u00a0\u2028-_'([{<>&a1bZßǆΣςῼİŉB"
TEXTS = st.text(alphabet=LETTERS, max_size=24)
MAYBE_MARKUP = st.builds(lambda text, kind: kind(text), TEXTS, st.sampled_from([str, Markup]))


def same(name: str, value: Any, *args: Any, sides: Any = SIDES, **kwargs: Any) -> None:
    theirs, mine = (outcome(lambda s=side: s.call("filter", name, value, *args, **kwargs)) for side in sides)
    assert mine == theirs


@pytest.mark.parametrize("name", ["upper", "lower", "title", "capitalize", "trim", "wordcount", "striptags"])
@given(value=MAYBE_MARKUP)
def test_one_text(name: str, value: str) -> None:
    same(name, value)


@given(MAYBE_MARKUP, st.integers(0, 5) | TEXTS | TEXTS.map(Markup), st.booleans(), st.booleans())
def test_indent(value: str, width: int | str, first: bool, blank: bool) -> None:
    same("indent", value, width, first, blank)


@given(MAYBE_MARKUP, st.integers(0, 30), st.booleans(), st.sampled_from(["", "…", Markup("&hellip;")]))
def test_truncate(value: str, length: int, killwords: bool, end: str) -> None:
    same("truncate", value, length, killwords, end)
    same("truncate", value, length, killwords, end, 2)


@given(
    MAYBE_MARKUP, st.integers(-1, 12), st.booleans(), st.booleans(), st.sampled_from([None, "|", Markup("|")])
)
def test_wordwrap(value: str, width: int, words: bool, hyphens: bool, wrapstring: str | None) -> None:
    same("wordwrap", value, width, words, wrapstring, hyphens)


@given(MAYBE_MARKUP, MAYBE_MARKUP, MAYBE_MARKUP, st.none() | st.integers(-1, 3))
def test_replace(value: str, old: str, new: str, count: int | None) -> None:
    same("replace", value, old, new, count)
    same("replace", value, old, new, count, sides=SAFE)


def test_wordwrap_takes_the_environments_newline() -> None:
    side = ours()
    side.environment.newline_sequence = "\r\n"
    assert side.call("filter", "wordwrap", "one two\nthree", 5) == "one\r\ntwo\r\nthree"


def test_truncate_takes_the_policys_leeway() -> None:
    side = ours()
    side.environment.policies["truncate.leeway"] = 0
    assert side.call("filter", "truncate", "123456", 5) == "12..."
    assert side.call("filter", "truncate", "123456", 5, leeway=1) == "123456"


def test_truncate_refuses_without_assertions_too() -> None:
    with pytest.raises(AssertionError):
        ours().call("filter", "truncate", "", 2)


def test_indent_changes_no_list() -> None:
    value = ["a"]
    with pytest.raises(TypeError):
        FILTERS["indent"](value)
    assert value == ["a"]


def test_titles_are_plain() -> None:
    assert describe(FILTERS["title"](Markup("<b>x"))) == ("str", "<B>x")
