"""The template frames of a traceback have the same lines and columns on both back ends.

A scope of the closures back end takes the position of an error from the traceback: from the innermost closure that
was called with the scope's frame. So in these cases a traceback has several such closures, or closures of other
frames between them.
"""

import asyncio
import re
import sys
import traceback
from collections.abc import Callable
from types import CodeType
from typing import Any

import pytest

from tmplmon import DictLoader, Environment

from .recording import TOOL

# Cases in which a function of the application calls a macro.
CALLED_BACK = {
    "caught, then raised again elsewhere",
    "the same exception in two rounds",
    "caught and raised on",
    "raise from",
    "an argument after a caught one",
}

type Place = tuple[str, str, int | None, int | None]

SHARED = ZeroDivisionError("raised again and again")
INTERRUPT = KeyboardInterrupt()


class Failing:
    """Can be evaluated, but not converted to text."""

    def __str__(self) -> str:
        raise ValueError("no text")

    @property
    def name(self) -> str:
        raise LookupError("no name")


def boom(error: BaseException = SHARED) -> None:
    raise error


def safe(function: Callable[..., Any], *args: Any) -> str:
    try:
        return str(function(*args))
    except ZeroDivisionError:
        return "caught"


def reraised(function: Callable[..., Any]) -> None:
    """Call a function, catch its exception and raise it again."""
    try:
        function()
    except ZeroDivisionError as error:
        raise error


def from_another(function: Callable[..., Any]) -> None:
    try:
        function()
    except ZeroDivisionError as error:
        raise KeyError("another") from error


TREE = [{"value": 1, "children": [{"value": 0, "children": []}]}]
VARIABLES: dict[str, Any] = {
    "boom": boom,
    "safe": safe,
    "reraised": reraised,
    "from_another": from_another,
    "failing": Failing(),
    "tree": TREE,
    "interrupt": INTERRUPT,
}
# Name of a case → its templates. The template `main` is rendered.
CASES: dict[str, dict[str, str]] = {
    "operand": {"main": "a\n{{ 1 + (2 * (3 // 0)) }}"},
    "attribute": {"main": "{{ 1 ~ failing.name }}"},
    "text of an attribute's object": {"main": "{{ 1 }}{{ failing }}"},
    "joined text": {"main": "{{ 'x' ~ failing ~ 'y' }}"},
    "condition": {"main": "{% if 1 %}\n{% if 1 // 0 %}x{% endif %}\n{% endif %}"},
    "unpacking": {"main": "\n{% set a, b = (1, 2, 3) %}"},
    "loop over a value that is not iterable": {"main": "{% for x in 7 %}{% endfor %}"},
    "condition of a loop": {"main": "{% for x in [1, 0] if 1 // x %}\n{{ x }}{% endfor %}"},
    "condition of a loop that looks ahead": {
        "main": "{% for x in [1, 0] if 1 // x %}{{ loop.last }}{% endfor %}"
    },
    "loop in loop": {
        "main": "{% for x in [1, 0] %}\n{% for y in [1] %}\n{{ y // x }}{% endfor %}{% endfor %}"
    },
    "recursive loop": {
        "main": "{% for n in tree recursive %}\n{{ 1 // n.value }}\n{{ loop(n.children) }}{% endfor %}"
    },
    "macro in macro": {
        "main": "{% macro a(x) %}\n{{ 1 // x }}{% endmacro %}"
        "{% macro b(x) %}\n\n{{ a(x) }}{% endmacro %}\n{{ b(0) }}"
    },
    "macro as a value": {"main": "{% macro a(x) %}\n{{ 1 // x }}{% endmacro %}\n{{ 'x' ~ a(0) }}"},
    "default of a parameter": {"main": "{% macro a(x=1 // 0) %}{% endmacro %}\n{{ a() }}"},
    "call block": {
        "main": "{% macro a() %}\n{{ caller() }}{% endmacro %}\n{% call a() %}\n{{ 1 // 0 }}{% endcall %}"
    },
    "include": {"main": "\n{% include 'part' %}", "part": "x\n\n{{ 1 // 0 }}"},
    "missing include": {"main": "\n{% include 'nowhere' %}"},
    "super": {
        "main": "{% extends 'base' %}\n{% block b %}\n{{ super() }}{% endblock %}",
        "base": "{% block b %}{{ 1 // 0 }}{% endblock %}",
    },
    "import": {"main": "\n{% import 'part' as p %}", "part": "\n{{ 1 // 0 }}"},
    "caught, then raised again elsewhere": {
        "main": "{% macro a() %}\n{{ boom() }}{% endmacro %}\n{{ safe(a) }}\n{{ boom() }}"
    },
    "the same exception in two rounds": {
        "main": "{% macro a() %}{{ boom() }}{% endmacro %}"
        "{% for x in [1, 0] %}\n{{ safe(a) }}\n{{ 1 // x }}{% endfor %}"
    },
    "caught and raised on": {"main": "{% macro a() %}\n{{ boom() }}{% endmacro %}\n{{ reraised(a) }}"},
    "raise from": {"main": "{% macro a() %}\n{{ boom() }}{% endmacro %}\n\n{{ from_another(a) }}"},
    "an argument after a caught one": {
        "main": "{% macro a() %}\n{{ boom() }}{% endmacro %}\n{{ [safe(a),\n boom()] }}"
    },
    "KeyboardInterrupt": {"main": "\n{{ [1, boom(interrupt)] }}"},
    "filter that renders": {"main": "\n{{ 'part'|rendered }}", "part": "\n\n{{ 1 // 0 }}"},
}


def environment(backend: str, templates: dict[str, str], **options: Any) -> Environment:
    result = Environment(loader=DictLoader(templates), backend=backend, **options)
    result.filters["rendered"] = lambda name: result.get_template(name).render()
    return result


def render(environment: Environment) -> None:
    environment.get_template("main").render(VARIABLES)


def generate(environment: Environment) -> None:
    for _ in environment.get_template("main").generate(VARIABLES):
        pass


def render_async(environment: Environment) -> None:
    asyncio.run(environment.get_template("main").render_async(VARIABLES))


def generate_async(environment: Environment) -> None:
    async def run() -> None:
        async for _ in environment.get_template("main").generate_async(VARIABLES):
            pass

    asyncio.run(run())


def places(error: BaseException) -> list[Place]:
    """(template, function, line, column) of each template frame in a traceback, the outermost first."""
    frames = traceback.extract_tb(error.__traceback__)
    return [
        (re.sub(r" \d+>$", ">", frame.filename), frame.name, frame.lineno, frame.colno)
        for frame in frames
        if frame.filename.startswith("<template")
    ]


def in_scopes(expected: list[Place]) -> list[Place]:
    """The places as they are with closures. Compiled code makes a function of some loops, which has a frame below
    that of the scope. Closures run such a loop in a copy of the scope's frame, which takes its place."""
    places: list[Place] = []
    for filename, name, line, column in expected:
        if name in ("loop", "loop condition"):
            name = places.pop()[1]
        places.append((filename, name, line, column))
    return places


def forget() -> None:
    """Remove the tracebacks of the shared exceptions, which are from the other back end."""
    for error in (SHARED, INTERRUPT):
        error.__traceback__ = error.__context__ = None


def raised(run: Callable[[Environment], None], environment: Environment) -> BaseException:
    with pytest.raises(BaseException) as caught:
        run(environment)
    error: BaseException = caught.value
    return error


@pytest.mark.parametrize(
    "run", [render, generate, render_async, generate_async], ids=lambda run: run.__name__
)
@pytest.mark.parametrize("name", CASES)
def test_error_sites_are_those_of_compiled_code(name: str, run: Callable[[Environment], None]) -> None:
    options = {"enable_async": True} if "async" in run.__name__ else {}
    if options and name in CALLED_BACK:
        pytest.skip("the application's functions do not await the macro that they are passed")
    templates = CASES[name]
    forget()
    first = raised(run, environment("bytecode", templates, **options))
    expected = in_scopes(places(first))
    forget()
    second = raised(run, environment("closures", templates, **options))
    assert type(second) is type(first)
    assert places(second) == expected
    assert expected


def test_a_stream_can_be_closed_before_its_end() -> None:
    stream = environment("closures", {"main": "{% for x in [1, 2] %}{{ x }}{% endfor %}"}).get_template(
        "main"
    )
    pieces = stream.generate()
    assert next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert not list(pieces)


def test_raise_fires_once_for_each_scope() -> None:
    """RAISE fires in the innermost scope first; in each scope at the position of the error there."""
    templates = {
        "main": "{% macro a(x) %}\n{{ 1 + (1 // x) }}{% endmacro %}{% for x in [0] %}\n\n{{ a(x) }}{% endfor %}"
    }
    template = environment("closures", templates).get_template("main")
    fired: list[tuple[str, int]] = []

    def on_raise(code: CodeType, offset: int, error: BaseException) -> None:
        if code.co_filename.startswith("<template main"):
            line = next(line for start, end, line in code.co_lines() if start <= offset < end)
            fired.append((code.co_name, line))

    monitoring = sys.monitoring
    monitoring.use_tool_id(TOOL, "raises")
    try:
        monitoring.register_callback(TOOL, monitoring.events.RAISE, on_raise)
        monitoring.set_events(TOOL, monitoring.events.RAISE)
        with pytest.raises(ZeroDivisionError):
            template.render()
    finally:
        monitoring.set_events(TOOL, 0)
        monitoring.register_callback(TOOL, monitoring.events.RAISE, None)
        monitoring.free_tool_id(TOOL)
    assert fired == [("macro a", 2), ("<template>", 4)]
