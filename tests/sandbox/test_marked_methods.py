"""`unsafe` on properties and special methods: no use in a template calls them."""

from functools import cached_property
from typing import Any

import pytest

from tmplmon.sandbox import SandboxedEnvironment, unsafe


class Marked:
    def __init__(self) -> None:
        self.called: list[str] = []

    @property
    @unsafe
    def plain(self) -> None:
        self.called.append("plain")

    @cached_property
    @unsafe
    def cached(self) -> None:
        self.called.append("cached")

    @unsafe
    def keys(self) -> list[str]:
        self.called.append("keys")
        return ["a"]

    @unsafe
    def __getitem__(self, key: Any) -> int:
        self.called.append("item")
        raise IndexError


SOURCES = (
    "{{ x.plain }}",
    "{{ x['plain'] }}",
    "{{ x|attr('cached') }}",
    "{{ [x]|map(attribute='plain')|list }}",
    "{{ '{0.plain}'.format(x) }}",
    "{{ dict(x) }}",
    "{{ dict(**x) }}",
    "{{ namespace(x) }}",
    "{{ x[1:] }}",
    "{{ x|list }}",
    "{% for i in x %}{% endfor %}",
    "{% for a, b in [x] %}{% endfor %}",
    "{% for a, (b, c) in [(1, x)] %}{% endfor %}",
    "{% set a, b = x %}",
    "{% with a, b = x %}{% endwith %}",
    "{{ 1 in x }}",
)


@pytest.mark.parametrize("enable_async", [False, True])
@pytest.mark.parametrize("source", SOURCES)
def test_is_not_called(source: str, enable_async: bool) -> None:
    marked = Marked()
    template = SandboxedEnvironment(enable_async=enable_async).from_string(source)
    try:
        template.render(x=marked)
    except Exception as error:
        assert "unsafe" in str(error)
    assert not marked.called


def test_other_values_are_unpacked_as_before() -> None:
    source = "{% for a, b in x %}{{ a }}{{ b }}{% endfor %}"
    source += "{% for a, b in d.items() %}{{ a }}{{ b }}{% endfor %}"
    template = SandboxedEnvironment().from_string(source)
    assert template.render(x=[(1, 2), [3, 4], "ab"], d={5: 6}) == "1234ab56"
