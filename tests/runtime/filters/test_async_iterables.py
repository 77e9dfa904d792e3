"""In an asynchronous environment, all filters that take iterables take asynchronous iterables, too."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tmplmon import Environment
from tmplmon.sandbox import SandboxedEnvironment

FILTERS = {
    "sort|join": "112233",
    "sort(reverse=true)|join": "332211",
    "max": "3",
    "min": "1",
    "length": "6",
    "count": "6",
    "last": "3",
    "first": "1",
    "reverse|join": "321321",
    "batch(4)|list": "[[1, 2, 3, 1], [2, 3]]",
    "slice(2)|list": "[[1, 2, 3], [1, 2, 3]]",
    "tojson": "[1, 2, 3, 1, 2, 3]",
    "random in [1, 2, 3]": "True",
    "unique|sort|join": "123",
    "sum": "12",
    "map('string')|sort|join": "112233",
    "select('odd')|map('string')|max": "3",
    "reject('odd')|length + 1": "3",
    "map('float')|batch(3)|map('last')|join(';')": "3.0;3.0",
}


@pytest.mark.parametrize(
    "make", [Environment, SandboxedEnvironment, lambda **o: Environment(backend="closures", **o)]
)
@pytest.mark.parametrize("source", ["items()", "items()|map('int')", "plain"])
def test_filters_take_asynchronous_iterables(make: Any, source: str) -> None:
    async def items() -> AsyncIterator[int]:
        for number in (1, 2, 3) * 2:
            await asyncio.sleep(0)
            yield number

    environment = make(enable_async=True)

    async def render(expression: str) -> str:
        template = environment.from_string(f"{{{{ {expression} }}}}")
        return await template.render_async(items=items, plain=[1, 2, 3] * 2)

    for filters, output in FILTERS.items():
        assert asyncio.run(render(f"{source}|{filters}")) == output, filters


def test_a_filter_of_the_application_receives_the_iterable_itself() -> None:
    environment = Environment(enable_async=True)
    environment.filters["sort"] = lambda value: type(value).__name__
    template = environment.from_string("{{ [1]|map('string')|sort }}")
    assert asyncio.run(template.render_async()) == "async_generator"


class Logged:
    """Two items, and a list of the methods that were called."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __len__(self) -> int:
        self.calls.append("len")
        return 2

    def __iter__(self) -> Any:
        self.calls.append("iter")
        return iter([1, 2])


@pytest.mark.parametrize("backend", ["bytecode", "closures"])
@pytest.mark.parametrize(
    "source",
    ["{{ items|list }}", "{{ items|sum }}", "{{ items|unique|first }}", "{% for x in items %}{% endfor %}"],
)
def test_the_length_is_not_asked_for(backend: str, source: str) -> None:
    items = Logged()
    Environment(backend=backend, enable_async=True).from_string(source).render(items=items)
    assert items.calls == ["iter"]
