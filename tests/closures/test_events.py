"""Events of the closures back end other than lines and branches: scopes, calls, exceptions, pauses.

An event is written "NAME scope:line", followed by the name of the callable, the value or the exception.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from types import CodeType
from typing import Any

import pytest
from cases.engines import ROOT

from tmplmon import DictLoader, Environment
from tmplmon.loaders import FunctionLoader

TOOL = 4
monitoring = sys.monitoring
SCOPES = ("PY_START", "PY_RETURN", "PY_UNWIND")
CALLS = ("CALL", "C_RETURN", "C_RAISE")
EXCEPTIONS = ("RAISE", "RERAISE", "EXCEPTION_HANDLED", "PY_UNWIND")
PAUSES = ("PY_START", "PY_YIELD", "PY_RESUME", "PY_THROW", "PY_RETURN", "PY_UNWIND")


def environment(templates: dict[str, str], **options: Any) -> Environment:
    def load(name: str) -> tuple[str, str, Callable[[], bool]] | None:
        return (templates[name], ROOT + name, lambda: True) if name in templates else None

    return Environment(loader=FunctionLoader(load), backend="closures", **options)


def shown(what: Any) -> str:
    if isinstance(what, BaseException):
        return type(what).__name__
    return str(getattr(what, "__name__", what))


@contextmanager
def events(*names: str) -> Iterator[list[str]]:
    """Record the events of templates while the block runs."""
    raw_events: list[tuple[str, CodeType, int, str]] = []
    events_seen: list[str] = []

    def listener(name: str) -> Callable[..., None]:
        def listen(code: CodeType, offset: int, *rest: Any) -> None:
            if code.co_filename.startswith(ROOT):
                raw_events.append((name, code, offset, shown(rest[0]) if rest else ""))

        return listen

    # C_RETURN and C_RAISE come with CALL.
    mask = sum(getattr(monitoring.events, name) for name in names if not name.startswith("C_"))
    monitoring.use_tool_id(TOOL, "events")
    for name in names:
        monitoring.register_callback(TOOL, getattr(monitoring.events, name), listener(name))
    monitoring.set_events(TOOL, mask)
    try:
        yield events_seen
    finally:
        monitoring.set_events(TOOL, monitoring.events.NO_EVENTS)
        for name in names:
            monitoring.register_callback(TOOL, getattr(monitoring.events, name), None)
        monitoring.free_tool_id(TOOL)
        for name, code, offset, what in raw_events:
            line = {o: n for start, end, n in code.co_lines() for o in range(start, end, 2)}.get(offset)
            events_seen.append(f"{name} {code.co_name}:{line} {what}".rstrip())


def test_scopes_begin_and_end() -> None:
    """PY_START and PY_RETURN of a template, its block and its macro."""
    source = "{% macro m() %}\nx\n{% endmacro %}\n{% block b %}\ny\n{% endblock %}\n{{ m() }}"
    template = environment({"main": source}).get_template("main")
    with events(*SCOPES) as seen:
        template.render()
    assert [event.partition(":")[0] for event in seen] == [
        "PY_START <template>",
        "PY_START block b",
        "PY_RETURN block b",
        "PY_START macro m",
        "PY_RETURN macro m",
        "PY_RETURN <template>",
    ]


def test_a_parent_begins_in_the_child() -> None:
    templates = {
        "main": "{% extends 'base' %}{% block b %}child{% endblock %}",
        "base": "{% block b %}{% endblock %}",
    }
    template = environment(templates).get_template("main")
    with events("PY_START", "PY_RETURN") as seen:
        template.render()
    assert [event.partition(":")[0] for event in seen] == [
        "PY_START <template>",
        "PY_START <template>",
        "PY_START block b",
        "PY_RETURN block b",
        "PY_RETURN <template>",
        "PY_RETURN <template>",
    ]


def test_a_static_include_begins_and_ends_in_the_scope() -> None:
    template = environment({"main": "a\n{% include 'part' %}", "part": "b"}).get_template("main")
    with events("PY_START", "PY_RETURN", "PY_UNWIND") as seen:
        template.render()
    assert [event.partition(" ")[0] for event in seen] == ["PY_START", "PY_START", "PY_RETURN", "PY_RETURN"]


def test_unwinding() -> None:
    """An exception leaves a macro and the template that called it."""
    source = "{% macro m() %}\n{{ 1 / zero }}\n{% endmacro %}\n{{ m() }}"
    template = environment({"main": source}).get_template("main")
    with events(*SCOPES) as seen, pytest.raises(ZeroDivisionError):
        template.render(zero=0)
    assert seen[2:] == ["PY_UNWIND macro m:2 ZeroDivisionError", "PY_UNWIND <template>:4 ZeroDivisionError"]


def test_calls() -> None:
    """Calls of filters, tests, macros and functions. C_RETURN fires for callables that are not Python functions."""
    source = "{{ x|upper }}\n{{ x is lower }}\n{{ f(x) }}\n{{ g(x) }}\n{% macro m() %}{% endmacro %}{{ m() }}"
    template = environment({"main": source}).get_template("main")

    def f(x: str) -> str:
        return x

    with events(*CALLS) as seen:
        template.render(x="a", f=f, g=len)
    of_template = [event for event in seen if event.split()[1].startswith("<template>")]
    assert [event.split()[0] for event in of_template[:2]] == ["CALL", "CALL"]
    assert [event.split()[1] for event in of_template[:2]] == ["<template>:1", "<template>:2"]
    assert of_template[2:] == [
        "CALL <template>:3 f",
        "CALL <template>:4 len",
        "C_RETURN <template>:4 len",
        "CALL <template>:5 <Macro 'm'>",
        "C_RETURN <template>:5 <Macro 'm'>",
    ]


def test_a_call_that_raises() -> None:
    template = environment({"main": "a\n{{ g(1) }}"}).get_template("main")
    with events(*CALLS) as seen, pytest.raises(TypeError):
        template.render(g=len)
    assert seen == ["CALL <template>:2 len", "C_RAISE <template>:2 len"]


def test_an_exception_is_raised_once() -> None:
    template = environment({"main": "a\n{% if x %}\n{{ 1 / 0 }}\n{% endif %}"}).get_template("main")
    with events(*EXCEPTIONS) as seen, pytest.raises(ZeroDivisionError):
        template.render(x=1)
    assert seen == ["RAISE <template>:3 ZeroDivisionError", "PY_UNWIND <template>:3 ZeroDivisionError"]


def test_an_exception_that_is_handled() -> None:
    """``ignore missing`` handles TemplateNotFound."""
    template = environment({"main": "a\n{% include 'none' ignore missing %}\nb"}).get_template("main")
    with events(*EXCEPTIONS) as seen:
        template.render()
    assert seen == ["RAISE <template>:2 TemplateNotFound", "EXCEPTION_HANDLED <template>:2 TemplateNotFound"]


def test_an_exception_that_is_not_ignored_is_raised_again() -> None:
    """``ignore missing`` does not ignore a syntax error."""
    template = environment({"main": "a\n{% include 'bad' ignore missing %}", "bad": "{% if %}"}).get_template(
        "main"
    )
    with events(*EXCEPTIONS) as seen, pytest.raises(Exception, match="if"):
        template.render()
    assert seen == [
        "RAISE <template>:2 TemplateSyntaxError",
        "RERAISE <template>:2 TemplateSyntaxError",
        "PY_UNWIND <template>:2 TemplateSyntaxError",
    ]


def test_pauses() -> None:
    """``generate`` is suspended after each chunk."""
    template = environment({"main": "{% for x in xs %}\n{{ x }}\n{% endfor %}"}).get_template("main")
    with events(*PAUSES) as seen:
        pieces = list(template.generate(xs=[1, 2]))
    assert len(pieces) == 2
    assert [event.split()[0] for event in seen] == [
        "PY_START",
        "PY_YIELD",
        "PY_RESUME",
        "PY_YIELD",
        "PY_RESUME",
        "PY_RETURN",
    ]
    assert seen[1].startswith("PY_YIELD <template>:2")


def test_a_generator_that_is_closed_while_suspended() -> None:
    """Closing the generator throws an exception into it."""
    template = environment({"main": "a\n{{ x }}\n{% for y in [1] %}b{% endfor %}"}).get_template("main")
    with events(*PAUSES) as seen:
        pieces = template.generate(x=1)
        next(pieces)
        pieces.close()
    assert [event.split()[0] for event in seen] == ["PY_START", "PY_YIELD", "PY_THROW", "PY_UNWIND"]


def test_pauses_of_asynchronous_templates() -> None:
    template = environment({"main": "a{{ x }}"}, enable_async=True).get_template("main")

    async def pieces() -> list[str]:
        return [piece async for piece in template.generate_async(x=1)]

    with events(*PAUSES) as seen:
        assert "".join(asyncio.run(pieces())) == "a1"
    pause = ["PY_YIELD", "PY_RESUME"]
    assert [event.split()[0] for event in seen] == ["PY_START", *pause, *pause, "PY_RETURN"]


WAITING = {
    "value": "{{ wait() }}\n{{ wait() }}",
    "attribute": "{{ holder.x }}{{ holder['x'] }}",
    "filter": "{{ 1|waiting }}",
    "condition": "{% if wait() %}x{% else %}y{% endif %}",
    "assign": "{% set x = wait() %}\n{{ x }}",
    "include": "{% include 'part' %}",
    "import": "{% from 'macros' import m %}{{ m() }}",
    "block": "{% extends 'base' %}\n{% block b %}{{ super() }}{{ wait() }}{% endblock %}",
    "macro": "{% macro m() %}{{ wait() }}{% endmacro %}\n{{ m() }}",
    "call block": "{% macro m() %}{{ caller() }}{% endmacro %}\n{% call m() %}{{ wait() }}{% endcall %}",
    "loop": "{% for n in numbers() %}\n{{ n }}{{ wait() }}\n{% endfor %}",
    "last": "{% for n in numbers() %}{{ loop.index }}{{ loop.last }}{% endfor %}",
    "length": "{% for n in numbers() %}{{ loop.length }}{% endfor %}",
    "filtered": "{% for n in numbers() if wait() or n %}{{ n }}{% endfor %}",
    "object": "{% for n in numbers() %}{{ loop.nextitem }}{{ loop.cycle('a') }}{% endfor %}",
    "recursive": "{% for n in tree recursive %}{{ wait() }}{{ loop(n) }}{% endfor %}",
    "captured": "{% set x %}{{ wait() }}{% endset %}{{ x }}",
}
OTHERS = {
    "part": "a\n{{ wait() }}",
    "base": "{% block b %}{{ wait() }}{% endblock %}",
    "macros": "{% macro m() %}{{ wait() }}{% endmacro %}",
}


class _Holder:
    @property
    def x(self) -> Any:
        return asyncio.sleep(0, "x")


def waiting(source: str) -> tuple[Any, dict[str, Any]]:
    """A template of an asynchronous environment, and its data."""
    result = environment({"main": source, **OTHERS}, enable_async=True)

    async def wait(_: Any = None) -> str:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return ""

    async def numbers() -> AsyncIterator[int]:
        for number in range(2):
            await asyncio.sleep(0)
            yield number

    result.filters["waiting"] = wait
    result.globals["wait"] = wait
    return result.get_template("main"), {"numbers": numbers, "tree": [[[]], []], "holder": _Holder()}


async def _rendered(template: Any, data: dict[str, Any], how: str) -> None:
    if how == "whole":
        await template.render_async(**data)
    else:
        async for _ in template.generate_async(**data):
            pass


@pytest.mark.parametrize("how", ["whole", "pieces"])
@pytest.mark.parametrize("what", WAITING)
def test_scopes_that_wait_fire_yield_and_resume(what: str, how: str) -> None:
    """Whenever other code runs, all scopes have fired PY_YIELD, and they fire PY_RESUME before they continue."""
    template, data = waiting(WAITING[what])
    running: list[str] = []
    while_others_ran: list[list[str]] = []

    async def other() -> None:
        while not done:
            while_others_ran.append(running.copy())
            await asyncio.sleep(0)

    def listener(name: str) -> Callable[..., None]:
        def listen(code: CodeType, *_: Any) -> None:
            if code.co_filename.startswith(ROOT):
                if name in ("PY_START", "PY_RESUME", "PY_THROW"):
                    running.append(code.co_name)
                else:
                    assert running.pop() == code.co_name

        return listen

    done = False

    async def both() -> None:
        nonlocal done
        task = asyncio.ensure_future(other())
        await _rendered(template, data, how)
        done = True
        await task

    monitoring.use_tool_id(TOOL, "waiting")
    for name in PAUSES:
        monitoring.register_callback(TOOL, getattr(monitoring.events, name), listener(name))
    monitoring.set_events(TOOL, sum(getattr(monitoring.events, name) for name in PAUSES))
    try:
        asyncio.run(both())
    finally:
        monitoring.set_events(TOOL, 0)
        for name in PAUSES:
            monitoring.register_callback(TOOL, getattr(monitoring.events, name), None)
        monitoring.free_tool_id(TOOL)
    assert len(while_others_ran) > 1
    assert not any(while_others_ran)
    assert not running


@pytest.mark.parametrize("what", WAITING)
def test_tracers_and_profilers_see_waiting_frames_return(what: str) -> None:
    """For each frame, 'call' and 'return' alternate, also if the rendering is cancelled."""
    template, data = waiting(WAITING[what])
    for cancelled in (False, True):
        for install in (sys.settrace, sys.setprofile):
            seen: dict[Any, list[str]] = {}

            def tool(frame: Any, event: str, _: Any, seen: dict[Any, list[str]] = seen) -> Any:
                if frame.f_code.co_filename.startswith(ROOT) and event in ("call", "return"):
                    seen.setdefault(frame, []).append(event)
                return tool

            async def render(cancelled: bool = cancelled) -> None:
                task = asyncio.ensure_future(_rendered(template, data, "whole"))
                if cancelled:
                    await asyncio.sleep(0)
                    task.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await task
                else:
                    await task

            before = sys.gettrace(), sys.getprofile()
            install(tool)
            try:
                asyncio.run(render())
            finally:
                sys.settrace(before[0])
                sys.setprofile(before[1])
            assert max(map(len, seen.values())) > 2
            for events_of_frame in seen.values():
                assert events_of_frame == ["call", "return"] * (len(events_of_frame) // 2)


def test_awaited_functions_have_the_template_among_their_callers() -> None:
    templates = {
        "main": "\n{% include 'part' %}",
        "part": "{% macro m() %}\n{{ look() }}{% endmacro %}{{ m() }}",
    }
    template = environment(templates, enable_async=True).get_template("main")
    events_seen: list[str] = []

    async def look() -> str:
        await asyncio.sleep(0)
        frame = sys._getframe()
        while frame is not None:
            if frame.f_code.co_filename.startswith(ROOT):
                events_seen.append(f"{frame.f_code.co_name}:{frame.f_lineno}")
            frame = frame.f_back
        return ""

    with events("CALL", *PAUSES):
        asyncio.run(template.render_async(look=look))
    assert events_seen == ["macro m:2", "<template>:2", "<template>:2"]


# --- with and without listeners -----------------------------------------------------------------------------


def test_the_quiet_tree_has_no_signals() -> None:
    """The quiet tree has no closure of the modules that fire events."""
    template = environment(
        {"main": "{% for x in xs if x %}{{ x.y|upper }}{% else %}-{% endfor %}"}
    ).get_template("main")
    template.render(xs=[])
    scope = template._functions.root
    seen: set[int] = set()
    pending: list[Any] = [scope.tree("quiet").body]
    modules = set()
    while pending:
        function = pending.pop()
        if id(function) in seen:
            continue
        seen.add(id(function))
        if isinstance(function, (list, tuple)):
            pending += function
        elif hasattr(function, "__closure__"):
            modules.add(function.__module__)
            pending += [cell.cell_contents for cell in function.__closure__ or ()]
    assert len(seen) > 10
    assert not [name for name in modules if name.endswith((".signals", ".inclusions"))]


def test_a_tool_that_starts_during_a_rendering_sees_the_next_scope() -> None:
    """A function that the template calls starts a tool. The tool sees the macro that is called afterwards, but not
    the rest of the template."""
    source = "{% macro m() %}\nin m\n{% endmacro %}\n{{ on() }}\n{{ m() }}\nlast"
    template = environment({"main": source}).get_template("main")
    lines: list[tuple[str, int]] = []

    def on() -> str:
        monitoring.use_tool_id(TOOL, "late")
        monitoring.register_callback(
            TOOL,
            monitoring.events.LINE,
            lambda code, line: (
                lines.append((code.co_name, line)) if code.co_filename.startswith(ROOT) else None
            ),
        )
        monitoring.set_events(TOOL, monitoring.events.LINE)
        return ""

    try:
        template.render(on=on)
    finally:
        monitoring.set_events(TOOL, 0)
        monitoring.register_callback(TOOL, monitoring.events.LINE, None)
        monitoring.free_tool_id(TOOL)
    assert lines == [("macro m", 2)]


def test_lines_that_a_tool_has_disabled() -> None:
    """Each line fires once, and the head of a loop once more, as in compiled code. When all lines are disabled, the
    quiet tree runs. Setting events enables them again."""
    template = environment(
        {"main": "{% for x in xs %}\n{{ x }} {{ x }}\n{% endfor %}\n{{ xs }}"}
    ).get_template("main")
    lines: list[int] = []

    def on_line(code: CodeType, line: int) -> object:
        if code.co_filename.startswith(ROOT):
            lines.append(line)
            return monitoring.DISABLE
        return None

    monitoring.use_tool_id(TOOL, "disabling")
    try:
        monitoring.register_callback(TOOL, monitoring.events.LINE, on_line)
        monitoring.set_events(TOOL, monitoring.events.LINE)
        template.render(xs=[1, 2])
        assert lines == [1, 2, 1, 4]
        assert not template._functions.root.monitored.has_listeners()
        template.render(xs=[1, 2])
        assert lines == [1, 2, 1, 4]
        monitoring.restart_events()
        template.render(xs=[1, 2])
        assert lines == [1, 2, 1, 4] * 2
    finally:
        monitoring.set_events(TOOL, 0)
        monitoring.register_callback(TOOL, monitoring.events.LINE, None)
        monitoring.free_tool_id(TOOL)


def test_the_environment_names_its_back_end() -> None:
    loader = DictLoader({})
    assert Environment(loader=loader, backend="closures").backend == "closures"
    with pytest.raises(ValueError, match="backend"):
        Environment(loader=loader, backend="no such")
