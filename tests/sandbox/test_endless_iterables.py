"""Iterables of the application that never end, or that hide how many items they have: their items take fuel."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tmplmon import FuelExhausted, Limits
from tmplmon.sandbox import SandboxedEnvironment


class Sequence:
    """Python takes the items by their numbers, until there is no next one."""

    def __getitem__(self, key: Any) -> str:
        return "ab"


class Iterable:
    def __iter__(self) -> Iterator[str]:
        while True:
            yield "ab"


class AsyncIterable:
    async def __aiter__(self) -> AsyncIterator[str]:  # type: ignore[override]
        while True:
            yield "ab"


USES = (
    "{{ x|list }}",
    "{{ x|join }}",
    "{{ ','.join(x) }}",
    "{{ x|max }}",
    "{{ x|unique|list }}",
    "{{ x|sort }}",
    "{{ x|batch(3)|list }}",
    "{{ x|slice(3)|list }}",
    "{{ x|select('none')|list }}",
    "{{ x|reverse|list }}",
    "{{ x|map('upper')|list }}",
    "{{ 1 in x }}",
    "{{ 1 is in x }}",
    "{{ dict(x) }}",
    "{{ namespace(x) }}",
    "{{ dict.fromkeys(x) }}",
    "{{ [].extend(x) }}",
    "{{ cycler(*x) }}",
)


@pytest.mark.parametrize("enable_async", [False, True])
@pytest.mark.parametrize("cls", [Sequence, Iterable])
@pytest.mark.parametrize("source", USES)
def test_takes_fuel(source: str, cls: type[Any], enable_async: bool) -> None:
    env = SandboxedEnvironment(enable_async=enable_async, limits=Limits(fuel=2000))
    with pytest.raises(FuelExhausted):
        env.from_string(source).render(x=cls())


@pytest.mark.parametrize(
    "name",
    [
        *(
            "list",
            "join",
            "sort",
            "max",
            "batch(2)|list",
            "last",
            "length",
            "tojson",
            "reverse|list",
            "unique|list",
        ),
        *("map('upper')|list", "select('none')|list", "slice(2)", "groupby('a')"),
    ],
)
def test_asynchronous_takes_fuel(name: str) -> None:
    env = SandboxedEnvironment(enable_async=True, limits=Limits(fuel=2000))
    with pytest.raises(FuelExhausted):
        asyncio.run(env.from_string(f"{{{{ x|{name} }}}}").render_async(x=AsyncIterable().__aiter__()))


def test_a_list_of_the_application_takes_fuel() -> None:
    class Rows(list[Any]):
        pass

    env = SandboxedEnvironment()
    with env.budget() as budget:
        assert env.from_string("{{ x|sum }}").render(x=Rows([1] * 5000)) == "5000"
    assert budget.spent.fuel >= 5000


def test_namespaces_of_namespaces_are_measured() -> None:
    """Also those in variables, which no container has measured."""
    source = "{% set x = namespace() %}" + "{% set x = namespace(a=x, b=x) %}" * 60
    with pytest.raises(Exception, match="with those of its items"):
        SandboxedEnvironment(max_size=10_000).from_string(source).render()
