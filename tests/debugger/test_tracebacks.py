"""Libraries that display tracebacks show templates with their files and source lines, without frames of the
engine."""

import io
from pathlib import Path
from typing import Any

import pytest

from tmplmon import DictLoader, Environment, FileSystemLoader

BACKENDS = ("bytecode", "closures")
LINE = "{% set gross = item.net * 1.2 %}"
SOURCE = Path(__file__).parent / "site/templates/broken.html"
DATA: dict[str, Any] = {"title": "T", "items": [{"net": 1}, {"net": None}]}


@pytest.fixture(params=[(backend, kind) for backend in BACKENDS for kind in ("file", "memory")], ids="-".join)
def error(request: pytest.FixtureRequest) -> TypeError:
    """An exception of a macro, in a template that is a file or that is not."""
    backend, kind = request.param
    loader = (
        FileSystemLoader(SOURCE.parent) if kind == "file" else DictLoader({"broken.html": SOURCE.read_text()})
    )
    # Keeps the template alive, whose lines are read.
    request.node.template = Environment(loader=loader, backend=backend).get_template("broken.html")
    with pytest.raises(TypeError) as caught:
        request.node.template.render(DATA)
    return caught.value


def test_python(error: TypeError) -> None:
    import traceback

    shown = "".join(traceback.format_exception(error))
    assert "line 3, in macro price\n    " + LINE in shown
    assert "line 7, in <template>\n    {{ price(item) }}" in shown
    assert "~~~~^~~~" in shown.partition("in macro price")[2]
    names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    assert names[-2:] == ["<template>", "macro price"]


def test_rich(error: TypeError, request: pytest.FixtureRequest) -> None:
    """rich reads the instruction from the frame instead of the traceback, also for frames that have ended."""
    console = pytest.importorskip("rich.console", reason="needs rich (pip install --group test)")
    from rich.traceback import Traceback

    output = io.StringIO()
    shown = Traceback.from_exception(type(error), error, error.__traceback__, extra_lines=1)
    console.Console(file=output, width=120).print(shown)
    lines = output.getvalue()
    if "memory" in request.node.name:
        # rich shows no source for names in angle brackets, even if `linecache` has it.
        assert "in macro price:3" in lines
        return
    assert f"❱ 3   {LINE}" in lines
    assert "  4   <b>{{ gross }}</b>" in lines
    assert "❱ 7   {{ price(item) }}" in lines
    assert "in macro price" in lines


def test_werkzeug(error: TypeError) -> None:
    tbtools = pytest.importorskip(
        "werkzeug.debug.tbtools", reason="needs Werkzeug (pip install --group test)"
    )
    page = tbtools.DebugTraceback(error).render_debugger_html(evalex=False, secret="", evalex_trusted=False)
    assert '<code class="function">macro price</code>' in page
    assert "gross = item.net * 1.2 %}" in page
    assert "&lt;b&gt;{{ gross }}&lt;/b&gt;" in page  # the surrounding lines


def test_django(error: TypeError) -> None:
    pytest.importorskip("django", reason="needs Django (pip install --group test)")
    from tests.integrations.conftest import configure_django

    configure_django()
    from django.views.debug import ExceptionReporter

    frames = ExceptionReporter(None, type(error), error, error.__traceback__).get_traceback_frames()
    last = frames[-1]
    assert (last["function"], last["lineno"], last["context_line"].strip()) == ("macro price", 3, LINE)
    assert [line.strip() for line in last["post_context"]][:2] == ["<b>{{ gross }}</b>", "{% endmacro %}"]
    assert dict(last["vars"])["item"]
    assert (frames[-2]["function"], frames[-2]["context_line"].strip()) == ("<template>", "{{ price(item) }}")


def test_sentry(error: TypeError) -> None:
    utils = pytest.importorskip("sentry_sdk.utils", reason="needs sentry-sdk (pip install --group test)")
    from sentry_sdk.consts import DEFAULT_OPTIONS

    event, _ = utils.event_from_exception(error, client_options=DEFAULT_OPTIONS)
    frames = event["exception"]["values"][-1]["stacktrace"]["frames"]
    last = frames[-1]
    assert (last["function"], last["lineno"], last["context_line"].strip()) == ("macro price", 3, LINE)
    assert last["post_context"][0].strip() == "<b>{{ gross }}</b>"
    assert last["vars"]["item"] == {"net": "None"}
    assert (frames[-2]["function"], frames[-2]["context_line"].strip()) == ("<template>", "{{ price(item) }}")
