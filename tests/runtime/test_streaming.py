"""Streamed output: the text before an expression is yielded before the expression is evaluated."""

import asyncio
from typing import Any

import pytest

from tmplmon import DictLoader, Environment

backends = pytest.mark.parametrize("backend", ["bytecode", "closures"])
modes = pytest.mark.parametrize("enable_async", [False, True])

TEMPLATES = {
    "page": "{% extends 'base' %}{% block body %}\n{{ slow(2) }}{{ slow(3) }} - {{ slow(4) ~ slow(5) }}"
    "{% include 'part' %}{% endblock %}",
    "base": "<head>\n  <b>{{ slow(1) }}</b>{% block body %}{% endblock %}{{ 'foot' }}",
    "part": "[{% if slow(6) %}y{% else %}n{% endif %}{% for x in slow([7]) %}{{ x }}.{% endfor %}]",
}


def logged(template: Any, log: list[Any]) -> list[Any]:
    """The chunks of a template, each of which is added to the log when it is yielded."""

    async def collect() -> None:
        async for piece in template.generate_async():
            log.append(piece)

    if template.environment.is_async:
        asyncio.run(collect())
    else:
        for piece in template.generate():
            log.append(piece)
    return log


def environment(log: list[Any], **options: Any) -> Environment:
    def slow(value: Any) -> Any:
        log.append(("slow", value))
        return value

    made = Environment(loader=DictLoader(TEMPLATES), **options)
    made.globals["slow"] = slow
    return made


@backends
@modes
def test_the_text_before_a_value_is_yielded_before_the_value_is_evaluated(
    backend: str, enable_async: bool
) -> None:
    log: list[Any] = []
    template = environment(log, backend=backend, enable_async=enable_async).get_template("page")
    assert logged(template, log) == [
        *("<head>\n  <b>", ("slow", 1), "1", "</b>"),
        *(("slow", 2), "\n2", ("slow", 3), "3", " - ", ("slow", 4), ("slow", 5), "45"),
        *("[", ("slow", 6), "y", ("slow", [7]), "7", ".", "]", "foot"),
    ]


@backends
@modes
def test_the_text_before_an_error_is_yielded(backend: str, enable_async: bool) -> None:
    log: list[Any] = []
    source = "<head>{{ slow(1) }}\n\n{{ nothing.at.all }}</head>"
    template = environment(log, backend=backend, enable_async=enable_async).from_string(source)
    with pytest.raises(Exception, match="'nothing' is undefined"):
        logged(template, log)
    assert "".join(piece for piece in log if isinstance(piece, str)).rstrip() == "<head>1"
