"""Each filter has the same result, type of the result or error as Jinja2's, for all kinds of values.

The table has the arguments of each filter. The values are in `sides.VALUES`.
"""

from collections import deque
from typing import Any

import jinja2.filters
import pytest
from effort import every
from markupsafe import Markup

from tmplmon.runtime.filters import FILTERS

from ..against_jinja import MODES, Arguments, args, check
from ..sides import VALUES, Html, MoreMarkup, Text, ours


def undefined(**named: Any) -> Arguments:
    """One undefined argument."""
    return lambda side: ((side.undefined.Undefined(name="arg"),), named)


MARKUP = Markup("<hr>")
NONE = args()

CALLS: dict[str, list[Arguments]] = {
    "abs": [NONE],
    "attr": [
        args("name"), args("upper"), args("broken"), args("failing"), args("missing"), args(3),
        args("__class__"),
    ],
    "batch": [args(2), args(2, "-"), args(3, fill_with=0), args(0), args(-1), args("x"), args(100)],
    "capitalize": [NONE],
    "center": [NONE, args(11), args(width=30), args("x"), args(-1)],
    "count": [NONE],
    "d": [NONE, args("x"), args("x", True), args(default_value=MARKUP, boolean=True)],
    "default": [NONE, args("x"), args("x", True), args(default_value=None), args(boolean=True)],
    "dictsort": [NONE, args(True), args(by="value"), args(False, "key", True), args(by="x"), args(by=[])],
    "e": [NONE],
    "escape": [NONE],
    "filesizeformat": [NONE, args(True), args(binary=False)],
    "first": [NONE],
    "float": [NONE, args(1.5), args(default=None), args("x")],
    "forceescape": [NONE],
    "format": [NONE, args("a"), args("a", 1), args(Markup("<i>"), 2), args(a=1), args("a", b=1), undefined()],
    "groupby": [
        args("age"), args("name"), args("name", case_sensitive=True), args("city", default="None"),
        args("city"), args("home.city", "x"), args(0), args(None), args("tags.0", default="-"),
        args("missing"), args("failing"),
    ],
    "indent": [
        NONE, args(2), args("> "), args(2, True), args(2, True, True), args(blank=True),
        args(Markup("&nbsp;")), args("<", first=True), args(width=0), args(None), args(Text("x")),
        args(MoreMarkup("> "), True),
    ],
    "int": [NONE, args(7), args(base=16), args(0, 2), args(default=None, base=0), args("x"), args(1, "x")],
    "items": [NONE],
    "join": [
        NONE, args(", "), args(d="<br>"), args(MARKUP), args(MoreMarkup("<hr>")), args(Html()), args(3),
        args(Text("x")), args(", ", "name"), args(attribute="home.city"), args("-", 0), args(attribute=""),
        undefined(), args(None), args("", "missing"),
    ],
    "last": [NONE],
    "length": [NONE],
    "list": [NONE],
    "lower": [NONE],
    "map": [
        NONE, args(attribute="²"), args("upper"), args("nothing"), args(attribute="name"),
        args(attribute="home.city"), args(attribute=0), args(attribute="city", default="x"),
        args(attribute="home.city.x", default="x"), args(attribute=None), args("default", "x", boolean=True),
        args("join", "-"), args("attr", "name"),
        args("sort"), args("first"), args(attribute="name", other=1), args("round", 1, method="floor"),
        args(default=1), args("list"), args("map", "upper"), args("e"), args(attribute="tags.0"),
        args(attribute="failing"), undefined(), args(attribute="items"), args(attribute="__class__"),
        args(None),
    ],
    "max": [
        NONE, args(True), args(attribute="age"), args(False, "name"), args(attribute="x"), args(attribute=""),
    ],
    "min": [
        NONE, args(True), args(attribute="age"), args(False, "name"), args(attribute="x"), args(attribute=""),
    ],
    "pprint": [NONE],
    "reject": [
        NONE, args("odd"), args("divisibleby", 3), args("nothing"), args("string"), args("in", [1, "a"]),
        args("eq", other=1), args("filter"), undefined(), args("sameas", None), args("none"),
    ],
    "rejectattr": [
        NONE, args("age"), args("name", "eq", "adam"), args("x", "defined"), args("age", "nothing"), args(0),
    ],
    "replace": [
        args("o", "0"), args("o", "0", 1), args("<", MARKUP), args(MARKUP, "x"), args(Html(), Html()),
        args(Markup("<b>"), "<"), args("b", "<&>"), args(1, 2), args("", "-"), args(Text("s"), "t"),
        args("o", "0", count=None), args("o", "0", "x"), undefined(new="x"), args("a", None),
    ],
    "reverse": [NONE],
    "round": [
        NONE, args(2), args(-2), args(2, "ceil"), args(1, "floor"), args(method="x"), args(0, []), args(None),
        args(-1, "ceil"),
    ],
    "safe": [NONE],
    "select": [
        NONE, args("odd"), args("divisibleby", 3), args("nothing"), args("string"), args("in", [1, "a"]),
        args("eq", other=1), args("test"), undefined(), args("gt", 1), args("callable"), args("sequence"),
    ],
    "selectattr": [
        NONE, args("age"), args("name", "eq", "adam"), args("x", "defined"), args("age", "nothing"), args(0),
        args("home.city"), args("age", "gt", 20), args("name", "in", ("Bea", "dora")), args("failing"),
        args("age", "divisibleby", num=3), args(None), args(None, "string"), undefined(),
    ],
    "slice": [args(3), args(3, "-"), args(2, fill_with=0), args(0), args(-2), args("x"), args(100, 1)],
    "sort": [
        NONE, args(True), args(case_sensitive=True), args(attribute="age"), args(attribute="name"),
        args(attribute="age,name"), args(True, True, "name"), args(attribute=0), args(attribute="missing"),
        args(attribute="tags.0"), args(attribute=""), args(reverse=True, case_sensitive=True),
        args(attribute="failing"), args(reverse="x"), args(attribute=","),
    ],
    "string": [NONE],
    "striptags": [NONE],
    "sum": [
        NONE, args("age"), args(attribute="rank", start=1), args(start=0.5), args(None, []),
        args(attribute="x"), args(start=""),
    ],
    "title": [NONE],
    "tojson": [NONE, args(2), args(indent=0), args("--")],
    "trim": [NONE, args("e"), args(chars=" <>b"), args(None), args(Markup("<")), args(3)],
    "truncate": [
        NONE, args(10), args(10, True), args(20, end="…"), args(11, False, "", 0), args(5, True, MARKUP),
        args(2), args(3, leeway=-1), args("x"), args(8, True, "<&>", 1), args(10, end=Markup("&hellip;")),
        args(10.5),
    ],
    "unique": [
        NONE, args(True), args(attribute="age"), args(False, "name"), args(attribute="missing"),
        args(attribute="tags"),
    ],
    "upper": [NONE],
    "urlencode": [NONE],
    "urlize": [
        NONE, args(10), args(5, True), args(target="_blank"), args(rel="x y"), args(extra_schemes=["see"]),
        args(extra_schemes=["tel:", "a://"]), args(nofollow=True, rel="nofollow <"), args(0),
        args(target=MARKUP), args(extra_schemes=[]), args(-1),
    ],
    "wordcount": [NONE],
    "wordwrap": [
        NONE, args(10), args(10, False), args(20, wrapstring="<br>"), args(7, True, MARKUP, False), args(0),
        args(12, break_on_hyphens=False), args(wrapstring=3), args("x"), args(5, True, Markup("<br>")),
        args(1),
    ],
    "xmlattr": [NONE, args(False), args(autospace=True)],
}  # fmt: skip

# The intended differences: filter → the values with another outcome.
KNOWN = {
    # Jinja2 adds a newline to the list itself, and then fails because a list has no lines. tmplmon
    # raises an error, too (TypeError instead of AttributeError), but changes nothing.
    "indent": [label for label, make in VALUES.items() if type(make(ours())) in (list, deque)],
}

ALL = [(name, number) for name, calls in CALLS.items() for number in range(len(calls))]


# Only some filters have other functions in an asynchronous environment.
IN_MODES = [(*call, mode) for mode in MODES for call in (every(3, ALL) if mode == "async" else ALL)]


@pytest.mark.parametrize(
    ("name", "number", "mode"), IN_MODES, ids=["-".join(map(str, row)) for row in IN_MODES]
)
def test_as_jinja(name: str, number: int, mode: str) -> None:
    check("filter", name, CALLS[name][number], mode, KNOWN.get(name, ()))


def test_the_table_has_all_filters() -> None:
    assert FILTERS.keys() == jinja2.filters.FILTERS.keys() == CALLS.keys() | {"random"}
