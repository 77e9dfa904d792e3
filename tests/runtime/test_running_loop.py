"""Methods that start an event loop raise an error if one is already running, and leave no coroutine behind."""

import asyncio
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from tmplmon import Environment, Template


@pytest.mark.parametrize("backend", ["bytecode", "closures"])
@pytest.mark.parametrize(
    ("use", "alternative"),
    [
        (lambda template: template.render(), "render_async"),
        (lambda template: list(template.generate()), "generate_async"),
        (lambda template: list(template.stream()), "generate_async"),
        (lambda template: template.make_module(), "make_module_async"),
    ],
    ids=["render", "generate", "stream", "make_module"],
)
def test_the_error_names_the_asynchronous_method(
    backend: str, use: Callable[[Template], Any], alternative: str
) -> None:
    template = Environment(enable_async=True, backend=backend).from_string("{{ 1 }}")

    async def in_a_loop() -> None:
        with pytest.raises(RuntimeError, match=f"an event loop is running: use `{alternative}`"):
            use(template)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(in_a_loop())
    assert template.render() == "1"
