"""OpenTelemetry spans of templates."""

import asyncio
from collections.abc import Iterator
from contextvars import copy_context
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tmplmon import DictLoader, Environment
from tmplmon.tools.tracing import TemplateTracing

TEMPLATES = {
    "base.html": "{% block body %}{% endblock %}{% include 'part.html' %}",
    "page.html": (
        "{% extends 'base.html' %}{% macro m() %}m{% endmacro %}"
        "{% block body %}{{ work() }}{{ m() }}{% endblock %}"
    ),
    "part.html": "part",
    "broken.html": "{% include 'inner.html' %}",
    "inner.html": "{{ 1 // zero }}",
}


class Spans:
    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))

    def tree(self) -> dict[str, str | None]:
        """Name of each span → name of its parent."""
        spans: Any = self.exporter.get_finished_spans()
        names = {span.context.span_id: span.name for span in spans}
        return {span.name: names.get(span.parent.span_id) if span.parent else None for span in spans}


@pytest.fixture
def spans() -> Iterator[Spans]:
    made = Spans()
    with TemplateTracing(made.provider):
        yield made


@pytest.fixture(params=["bytecode", "closures"])
def backend(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def environment(backend: Any) -> Environment:
    return Environment(loader=DictLoader(TEMPLATES), backend=backend)


TREE = {
    "query": "page.html: block body",
    "page.html: block body": "base.html",
    "part.html": "base.html",
    "base.html": "page.html",
    "page.html": None,
}


def worker(spans: Spans) -> Any:
    def work() -> str:
        with spans.provider.get_tracer("application").start_as_current_span("query"):
            return "done"

    return work


def test_templates_blocks_and_includes(environment: Environment, spans: Spans) -> None:
    for _ in range(2):
        spans.exporter.clear()
        assert environment.get_template("page.html").render(work=worker(spans)) == "donempart"
        assert spans.tree() == TREE
    found: Any = {span.name: span for span in spans.exporter.get_finished_spans()}
    attributes = dict(found["page.html: block body"].attributes)
    assert attributes.pop("code.file.path").startswith("<template page.html")
    assert attributes == {"tmplmon.template": "page.html", "code.function.name": "block body"}
    assert not trace.get_current_span().get_span_context().is_valid


def test_asynchronous_templates(backend: Any, spans: Spans) -> None:
    environment = Environment(loader=DictLoader(TEMPLATES), enable_async=True, backend=backend)

    async def work() -> str:
        await asyncio.sleep(0)
        return worker(spans)()  # type: ignore[no-any-return]

    async def both() -> None:
        template = environment.get_template("page.html")
        await asyncio.gather(template.render_async(work=work), template.render_async(work=work))

    asyncio.run(both())
    finished: Any = spans.exporter.get_finished_spans()
    assert len(finished) == 10 and spans.tree() == TREE
    assert len({span.context.trace_id for span in finished}) == 2


def test_an_exception(environment: Environment, spans: Spans) -> None:
    with pytest.raises(ZeroDivisionError):
        environment.get_template("broken.html").render(zero=0)
    assert spans.tree() == {"inner.html": "broken.html", "broken.html": None}
    for span in spans.exporter.get_finished_spans():
        assert span.status.status_code is trace.StatusCode.ERROR
        assert (span.status.description or "").startswith("ZeroDivisionError: ")
        assert [event.name for event in span.events] == ["exception"]


def test_a_stream(environment: Environment, spans: Spans) -> None:
    pieces = environment.get_template("page.html").generate(work=worker(spans))
    next(pieces)
    assert "page.html" not in spans.tree()
    assert not trace.get_current_span().get_span_context().is_valid
    list(pieces)
    assert spans.tree() == TREE
    spans.exporter.clear()
    left = environment.get_template("page.html").generate(work=worker(spans))
    next(left)
    left.close()  # type: ignore[attr-defined]
    found = spans.exporter.get_finished_spans()
    assert {span.name for span in found} >= {"page.html", "base.html"}
    assert all(span.status.status_code is trace.StatusCode.UNSET for span in found)


def test_a_stream_that_is_read_in_other_contexts(
    environment: Environment, spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    """Servers with a pool of threads do this."""
    pieces = environment.get_template("page.html").generate(work=worker(spans))
    while copy_context().run(next, pieces, None) is not None:
        pass
    assert spans.tree() == TREE and caplog.records == []


def test_off_before_and_after(environment: Environment) -> None:
    spans = Spans()
    template = environment.get_template("page.html")
    tracing = TemplateTracing(spans.provider)
    template.render(work=str)
    assert spans.tree() == {}
    for _ in range(2):
        with tracing:
            template.render(work=str)
        assert len(spans.exporter.get_finished_spans()) == 4
        spans.exporter.clear()
        template.render(work=str)
        assert spans.tree() == {}
