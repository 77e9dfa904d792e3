"""Each test has the same result as Jinja2's, for all kinds of values."""

import jinja2.tests
import pytest
from markupsafe import Markup

from tmplmon.runtime.tests import TESTS

from .against_jinja import MODES, Arguments, args, check
from .sides import Html, User

NONE = args()
OTHERS = [args(1), args("text"), args(2.675), args([3, 1, 2, 1]), args(Markup("a")), args(None), args()]

CALLS: dict[str, list[Arguments]] = {
    "divisibleby": [args(3), args(num=0), args("x"), args(2.5), NONE],
    "filter": [NONE],
    "in": [
        args([1, "a"]),
        args("Hello big 42"),
        args({"one": 1, None: 2}),
        args(seq=range(10)),
        args(3),
        NONE,
    ],
    "sameas": [args(None), args(other=True), args(User), args(len), args(0)],
    **dict.fromkeys(
        [
            "!=",
            "<",
            "<=",
            "==",
            ">",
            ">=",
            "eq",
            "equalto",
            "ge",
            "greaterthan",
            "gt",
            "le",
            "lessthan",
            "lt",
            "ne",
        ],
        OTHERS,
    ),
}
ALL = [(name, number) for name in TESTS for number in range(len(CALLS.get(name, [NONE])))]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("name", "number"), ALL, ids=[f"{name}-{number}" for name, number in ALL])
def test_as_jinja(name: str, number: int, mode: str) -> None:
    check("test", name, CALLS.get(name, [NONE])[number], mode)


def test_names() -> None:
    assert TESTS.keys() == jinja2.tests.TESTS.keys()


def test_markup_is_escaped() -> None:
    assert TESTS["escaped"](Html()) and TESTS["escaped"](Markup()) and not TESTS["escaped"]("")
