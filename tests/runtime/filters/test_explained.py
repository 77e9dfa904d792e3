"""Errors of filters for several items name the attribute, the items at fault and what to do."""

from typing import Any

import pytest

from tmplmon import Environment, UndefinedError

NAMES = {
    "users": [{"n": "b", "g": 1}, {"n": None, "g": 1}],
    "mixed": [3, 1, "a"],
    "nothing": [None, 3],
    "lists": [[1], [2]],
    "gaps": [{"n": 1}, {}],
    "long": [{"n": "x" * 1000, "rest": list(range(1000))}, {"n": 1}],
}
PAIR = ", and ".join(
    f"the attribute 'n' of {user}, which is {value}"
    for user, value in (("{'g': 1, 'n': 'b'}", "'b'"), ("{'g': 1, 'n': None}", "None"))
)
CONVERT = "convert the values to one type first"
LEAVE_OUT = "leave such items out with rejectattr('n', 'none')"


def refused(operator: str, left: str, right: str) -> str:
    return f"{operator!r} not supported between instances of {left!r} and {right!r}"


MESSAGES = {
    "users|sort(attribute='n')": f"sort cannot compare {PAIR}: {refused('<', 'NoneType', 'str')}; {LEAVE_OUT}",
    "users|sort(attribute='g,n')": f"sort cannot compare {PAIR}: {refused('<', 'NoneType', 'str')}; {LEAVE_OUT}",
    "users|groupby('n')": f"groupby cannot compare {PAIR}: {refused('<', 'NoneType', 'str')}; {LEAVE_OUT}",
    "users|max(attribute='n')": f"max cannot compare {PAIR}: {refused('>', 'NoneType', 'str')}; {LEAVE_OUT}",
    "mixed|sort": f"sort cannot compare 3 and 'a': {refused('<', 'str', 'int')}; {CONVERT}",
    "nothing|min": f"min cannot compare None and 3: {refused('<', 'int', 'NoneType')}; leave such items out with"
    " reject('none')",
    "{'a': 1, 2: 3}|dictsort": f"dictsort cannot compare 'a' and 2: {refused('<', 'int', 'str')}; {CONVERT}",
    "{'a': 1, 'b': none}|dictsort(by='value')": "dictsort cannot compare 1 and None:"
    f" {refused('<', 'NoneType', 'int')}; leave such items out",
    "[{'p': 1}, {'p': none}]|sum(attribute='p')": "sum cannot add the attribute 'p' of {'p': None}, which is None:"
    " unsupported operand type(s) for +: 'int' and 'NoneType'; leave such items out with rejectattr('p', 'none')",
    "lists|unique|list": "unique cannot compare [1]: unhashable type: 'list'; compare a text or a number",
}


@pytest.fixture(params=["bytecode", "closures"])
def environment(request: pytest.FixtureRequest) -> Environment:
    return Environment(backend=request.param)


@pytest.mark.parametrize("expression", MESSAGES)
def test_message(environment: Environment, expression: str) -> None:
    with pytest.raises(TypeError) as raised:
        environment.from_string(f"{{{{ {expression} }}}}").render(NAMES)
    assert str(raised.value) == MESSAGES[expression]
    assert type(raised.value.__cause__) is TypeError


def test_an_iterator_is_taken_once(environment: Environment) -> None:
    items = iter([1, "a"])
    with pytest.raises(TypeError, match="min cannot compare 1 and 'a'"):
        environment.from_string("{{ items|min }}").render(items=items)


def test_long_items_are_shown_shortened(environment: Environment) -> None:
    with pytest.raises(TypeError, match=r"^sort cannot compare the attribute 'n' of ") as raised:
        environment.from_string("{{ long|sort(attribute='n') }}").render(NAMES)
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize(
    ("expression", "note"),
    {
        "gaps|groupby('n')": "groupby: the attribute 'n' of {} is undefined; give such items a value with default=",
        "gaps|sort(attribute='n')": "sort: the attribute 'n' of {} is undefined; leave such items out with"
        " rejectattr('n', 'undefined')",
        "[1, gone]|sort": "sort: an item is undefined; leave such items out with reject('undefined')",
    }.items(),
)
def test_note_for_an_undefined_value(environment: Environment, expression: str, note: str) -> None:
    with pytest.raises(UndefinedError) as raised:
        environment.from_string(f"{{{{ {expression} }}}}").render(NAMES)
    assert raised.value.__notes__ == [note]


def test_an_error_of_a_comparison_itself_is_not_hidden(environment: Environment) -> None:
    class Broken:
        def __lt__(self, other: Any) -> bool:
            raise TypeError("broken")

    with pytest.raises(TypeError, match=r"^sort cannot compare .*: broken; ") as raised:
        environment.from_string("{{ items|sort }}").render(items=[Broken(), Broken()])
    assert str(raised.value.__cause__) == "broken"


def test_equal_items_without_an_order(environment: Environment) -> None:
    template = (
        "{% for key, group in [{}, {'n': none}]|groupby('n', default=none) %}{{ key }}{{ group }}{% endfor %}"
    )
    assert environment.from_string(template).render() == "None[{}, {'n': None}]"
    assert environment.from_string("{{ [none, none]|sort }}").render() == "[None, None]"
