"""map, select and reject: their arguments, the functions they call, and overridden methods of the environment."""

import asyncio
from typing import Any

import pytest

from tmplmon.errors import FilterArgumentError, TemplateRuntimeError
from tmplmon.runtime.markers import pass_context, pass_environment, pass_eval_context

from ..sides import AsyncOnce, Environment, ours


class Recording(Environment):
    """Records the calls of overridden methods, as a sandbox has them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.asked: list[Any] = []

    def getitem(self, obj: Any, argument: Any) -> Any:
        self.asked.append(argument)
        return super().getitem(obj, argument)

    def call_filter(self, name: Any, *args: Any, **kwargs: Any) -> Any:
        self.asked.append(name)
        return super().call_filter(name, *args, **kwargs)

    def call_test(self, name: Any, *args: Any, **kwargs: Any) -> Any:
        self.asked.append(name)
        return super().call_test(name, *args, **kwargs)


ASKED: dict[str, tuple[tuple[Any, ...], dict[str, Any], list[Any]]] = {
    "map": (("upper",), {}, ["map", "upper", "upper"]),
    "select": (("defined",), {}, ["select", "defined", "defined"]),
    "selectattr": (
        ("real.imag", "number"),
        {},
        ["selectattr", "real", "imag", "number", "real", "imag", "number"],
    ),
    "rejectattr": (("imag",), {}, ["rejectattr", "imag", "imag"]),
    "sum": ((), {"attribute": "real"}, ["sum", "real", "real"]),
    "sort": ((), {"attribute": "real"}, ["sort", "real", "real"]),
    "groupby": (("real",), {"default": 1}, ["groupby", "real", "real"]),
}


@pytest.mark.parametrize("name", ASKED)
def test_overridden_methods_are_called(name: str) -> None:
    args, kwargs, asked = ASKED[name]
    side = ours(Recording)
    result = side.call("filter", name, [1, 2], *args, **kwargs)
    assert list(result) if name != "sum" else result
    assert side.environment.asked == asked


@pytest.mark.parametrize("mark", [pass_context, pass_eval_context, pass_environment])
def test_marked_functions_receive_their_argument(mark: Any) -> None:
    side = ours()

    @mark  # type: ignore[untyped-decorator]
    def own(first: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
        return type(first).__name__, value, args, kwargs

    side.environment.filters["own"] = side.environment.tests["own"] = own
    (result,) = side.call("filter", "map", [1], "own", 2, a=3)
    type_name = {pass_context: "Context", pass_eval_context: "EvalContext", pass_environment: "Environment"}[
        mark
    ]
    assert result == (type_name, 1, (2,), {"a": 3})
    assert list(side.call("filter", "select", [1], "own", 2, a=3)) == [1]


def test_errors_are_raised_at_the_first_item() -> None:
    side = ours()
    for name, args, error in [
        ("map", (), FilterArgumentError),
        ("map", ("nothing",), TemplateRuntimeError),
        ("selectattr", (), FilterArgumentError),
        ("select", ("nothing",), TemplateRuntimeError),
    ]:
        assert list(side.call("filter", name, [], *args)) == []
        result = side.call("filter", name, [1], *args)
        with pytest.raises(error):
            next(result)


def test_map_names_an_unknown_argument() -> None:
    with pytest.raises(FilterArgumentError, match="'colour'"):
        next(ours().call("filter", "map", [1], attribute="a", colour=1))


def test_asynchronous_filter_in_map() -> None:
    async def slow(value: int) -> int:
        await asyncio.sleep(0)
        return -value

    side = ours(enable_async=True)
    side.environment.filters["slow"] = slow

    async def main() -> list[int]:
        return [item async for item in side.call("filter", "map", AsyncOnce(1, 2), "slow")]

    assert asyncio.run(main()) == [-1, -2]


def test_stop_iteration_in_a_filter_is_an_error() -> None:
    """It must not end the iteration."""

    def stopping(value: int) -> int:
        raise StopIteration

    side = ours()
    side.environment.filters["stopping"] = stopping
    with pytest.raises(RuntimeError):
        list(side.call("filter", "map", [1], "stopping"))
