"""`generate_async`: a stream that ends early leaves no asynchronous generator of the engine open.

The hooks are those of an event loop such as trio's, which reports each generator that is collected unfinished. The
generators of the application are its own: an ``async for`` in Python does not close its iterable either.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tmplmon import DictLoader, Environment
from tmplmon.sandbox import Limits, SandboxedEnvironment

TEMPLATES = {
    "loop": "{% for i in [1, 2] %}{{ i }}{% endfor %}",
    "last": "{% for i in numbers() %}{{ i }}{{ loop.last }}{% endfor %}",
    "loop object": "{% for i in numbers() %}{{ i }}{{ loop.cycle(1) }}{% endfor %}",
    "condition": "{% for i in numbers() if i %}{{ i }}{% endfor %}",
    "looking ahead": "{% for i in numbers() if i %}{{ i }}{{ loop.last }}{% endfor %}",
    "break": "{% for i in numbers() if i %}{{ i }}{{ loop.last }}{% break %}{% endfor %}a",
    "error": "{% for i in numbers() if i %}{{ i }}{{ loop.last }}{{ 1 / 0 }}{% endfor %}",
    "block": "a{% block b %}{% for i in [1, 2] %}{{ i }}{% endfor %}{% endblock %}c",
    "child": "{% extends 'block' %}{% block b %}a{{ super() }}{{ slow() }}{% endblock %}",
    "include": "a{% include 'child' %}b",
    "macro": "{% macro m() %}{% for i in numbers() %}{{ loop.last }}{% endfor %}{% endmacro %}a{{ m() }}b",
    "recursive": "{% for i in [[1], 2] recursive %}{% if i is iterable %}{{ loop(i) }}{% endif %}b{% endfor %}",
    "await": "{{ slow() }}{% for i in numbers() %}{{ slow() }}{% endfor %}",
}
ENVIRONMENTS: dict[str, tuple[type[Environment], dict[str, Any]]] = {
    "bytecode": (Environment, {}),
    "closures": (Environment, {"backend": "closures"}),
    "source map": (Environment, {"source_map": True}),
    "limits": (SandboxedEnvironment, {"limits": Limits(fuel=10_000)}),
}


async def numbers() -> AsyncIterator[int]:
    for number in (1, 2):
        await asyncio.sleep(0)
        yield number


async def slow() -> str:
    await asyncio.sleep(0)
    return "s"


def environment(name: str) -> Environment:
    cls, options = ENVIRONMENTS[name]
    loader = DictLoader(TEMPLATES)
    extensions = ["tmplmon.ext.loopcontrols"]
    result = cls(loader=loader, enable_async=True, extensions=extensions, **options)
    result.globals.update(numbers=numbers, slow=slow)
    return result


async def open_after(template: Any, chunks: int) -> list[str]:
    """The generators that are open after a stream was closed that has yielded so many chunks, or has ended."""
    started: list[Any] = []
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(firstiter=started.append, finalizer=lambda generator: None)
    try:
        stream = template.generate_async()
        try:
            for _ in range(chunks):
                await anext(stream)
        except (StopAsyncIteration, ZeroDivisionError):
            pass
        await stream.aclose()
    finally:
        sys.set_asyncgen_hooks(*hooks)
    assert started or not chunks
    return [generator.__name__ for generator in started if generator.ag_frame is not None]


@pytest.mark.parametrize("name", ENVIRONMENTS)
@pytest.mark.parametrize("template", TEMPLATES)
def test_a_stream_that_is_closed_leaves_no_generator_open(template: str, name: str) -> None:
    loaded = environment(name).get_template(template)
    for chunks in range(6):
        assert set(asyncio.run(open_after(loaded, chunks))) <= {"numbers"}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_stream_that_is_cancelled_leaves_no_generator_open(name: str) -> None:
    async def run() -> list[str]:
        started: list[Any] = []
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=started.append, finalizer=lambda generator: None)

        async def consume() -> None:
            async for _ in template.generate_async():
                pass

        try:
            task = asyncio.create_task(consume())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        finally:
            sys.set_asyncgen_hooks(*hooks)
        return [generator.__name__ for generator in started if generator.ag_frame is not None]

    async def forever() -> None:
        await asyncio.Event().wait()

    own = environment(name)
    own.globals["forever"] = forever
    source = "{% include 'block' %}{% for i in [1, 2] if i %}{{ loop.last }}{{ forever() }}{% endfor %}"
    template = own.from_string(source)
    assert asyncio.run(run()) == []
