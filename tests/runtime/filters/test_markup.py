"""Filters for HTML, URLs and JSON: policies, and values that must be refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from tmplmon.errors import FilterArgumentError

from ..sides import describe, jinjas, ours, outcome

SIDES = [jinjas(), ours()]
SAFE = [jinjas(autoescape=True), ours(autoescape=True)]
NAMES = st.text(alphabet="ab-:@.é_ \t\n\r\x0b\x0c\x1c\u00a0/>='\"<&", min_size=0, max_size=4)


def same(name: str, make: Any, *args: Any, sides: Any = SIDES, **kwargs: Any) -> None:
    theirs, mine = (outcome(lambda s=side: s.call("filter", name, make, *args, **kwargs)) for side in sides)
    assert mine == theirs


@given(
    st.dictionaries(NAMES | NAMES.map(Markup), NAMES | st.integers() | st.none(), max_size=3), st.booleans()
)
def test_xmlattr(value: dict[str, Any], autospace: bool) -> None:
    same("xmlattr", value, autospace)
    same("xmlattr", value, autospace, sides=SAFE)


@pytest.mark.parametrize("name", ["a b", "a\tb", "a\nb", "a\fb", "a/b", "a>b", "a=b", " ", "/"])
@pytest.mark.parametrize("kind", [str, Markup])
def test_xmlattr_refuses_invalid_names(name: str, kind: type[str]) -> None:
    with pytest.raises(ValueError, match="attribute name"):
        ours().call("filter", "xmlattr", {kind(name): "x"})
    # An attribute that is omitted is not checked.
    assert ours().call("filter", "xmlattr", {kind(name): None}) == ""


@given(st.lists(st.tuples(NAMES, NAMES | st.integers()), max_size=3))
def test_urlencode(value: list[Any]) -> None:
    same("urlencode", value)
    same("urlencode", dict(value))


POLICIES: list[dict[str, Any]] = [
    {"urlize.rel": None},
    {"urlize.rel": "x noopener"},
    {"urlize.target": "_top"},
    {"urlize.extra_schemes": ["tel:"]},
]


@pytest.mark.parametrize("policies", POLICIES, ids=str)
def test_urlize_policies(policies: dict[str, Any]) -> None:
    text = "www.example.com tel:12"
    results = []
    for side in (jinjas(), ours()):
        side.environment.policies.update(policies)
        results.append(
            [
                describe(side.call("filter", "urlize", text, **more))
                for more in ({}, {"rel": "b a"}, {"nofollow": True})
            ]
        )
    assert results[0] == results[1]


@pytest.mark.parametrize("scheme", ["javascript", "", "a:", "tel: ", "a:///", "<b>:", "tel:\n"])
def test_urlize_refuses_invalid_schemes(scheme: str) -> None:
    with pytest.raises(FilterArgumentError, match="URL"):
        ours().call("filter", "urlize", "", extra_schemes=[scheme])


def test_tojson_policies() -> None:
    results = []
    for side in (jinjas(), ours()):
        side.environment.policies["json.dumps_kwargs"] = {"sort_keys": False, "ensure_ascii": False}
        plain = side.call("filter", "tojson", {"b": 1, "a": "é<"})
        indented = side.call("filter", "tojson", {"b": 1}, indent=1)
        side.environment.policies["json.dumps_function"] = lambda value, **options: f"{value} {options}"
        own = side.call("filter", "tojson", {"b": "&"}, 3)
        results.append([describe(text) for text in (plain, indented, own)])
        assert side.environment.policies["json.dumps_kwargs"] == {"sort_keys": False, "ensure_ascii": False}
    assert results[0] == results[1]
