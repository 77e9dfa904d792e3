"""OpenTelemetry spans for templates: one for each rendering of a template, each include and each block.

    tracing = TemplateTracing()          # or TemplateTracing(tracer_provider)
    tracing.start()

Tracing is off, and costs nothing, until an application starts it. It needs the package opentelemetry-api (the extra
`otel`).

Rule: a span lasts as long as the function of a template body or block, as reported by `sys.monitoring`: PY_START,
PY_RETURN, and PY_UNWIND for an exception. Other functions fire PY_START once, and are then disabled. The span is
current while its function runs, so spans that an application starts inside a template (for a query or a
request) are its children. The function of a streamed page is suspended at each chunk (PY_YIELD, PY_RESUME);
its span is not current meanwhile. Macros have no spans, because a page may call thousands of them.

Templates of the closures back end fire the same events, from frames of their own, while any tool is listening; this
makes them slower.
"""

import inspect
import os
import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

from opentelemetry import context, trace

from tmplmon.tools.livecoverage import is_template
from tmplmon.tools.monitoringtool import MonitoringTool

# Code that may be suspended. Code-like objects of the closures back end always have a generator's flags.
_MAY_SUSPEND = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR


class _OpenSpan:
    """A span that has not ended, and the token of the context in which it is current, if it is."""

    __slots__ = ("_token", "span")

    def __init__(self, span: trace.Span) -> None:
        self.span = span
        self._token: Any = None
        self.make_current()

    def make_current(self) -> None:
        self._token = context.attach(trace.set_span_in_context(self.span))

    def suspend(self) -> None:
        token, self._token = self._token, None
        if token is not None:
            context.detach(token)


class TemplateTracing(MonitoringTool):
    """Makes spans of the templates that run between `start` and `stop`, in all threads. Also a context manager.

    tracer_provider: the receiver of the spans; by default OpenTelemetry's global provider.

    A span is named `page.html`, or `page.html: block body`. Its attributes are `tmplmon.template`, and
    `code.file.path` and `code.function.name` from OpenTelemetry's semantic conventions for source code.
    """

    NAME = "tmplmon tracing"

    def __init__(self, tracer_provider: trace.TracerProvider | None = None) -> None:
        events = sys.monitoring.events
        callbacks: dict[int, Callable[..., Any]] = {
            events.PY_START: self._on_py_start,
            events.PY_YIELD: self._on_py_yield,
            events.PY_RESUME: self._on_py_resume,
            events.PY_RETURN: self._on_py_return,
            events.PY_UNWIND: self._on_py_unwind,
        }
        super().__init__(callbacks, events.PY_START | events.PY_UNWIND)
        self._tracer = trace.get_tracer("tmplmon", tracer_provider=tracer_provider)
        self._open: dict[FrameType, _OpenSpan] = {}

    def _release(self, tool_id: int) -> None:
        # Open spans end now, because the end of their templates will not be reported.
        for open_span in self._open.values():
            open_span.span.end()
        self._open.clear()

    def _on_py_start(self, code: CodeType, offset: int) -> Any:
        frame = sys._getframe(1)
        # The qualified name, because code that Jinja2 runs has the names that Jinja2 shows in tracebacks.
        name = code.co_qualname
        is_spanned = name == "<template>" or (name.startswith("block ") and "." not in name)
        if not is_spanned or frame.f_code is not code:
            return sys.monitoring.DISABLE
        if self._tool_id is None:
            return None
        events = sys.monitoring.events
        suspensions = events.PY_YIELD | events.PY_RESUME if code.co_flags & _MAY_SUSPEND else 0
        sys.monitoring.set_local_events(self._tool_id, code, events.PY_RETURN | suspensions)
        template = _name_of(frame) or os.path.basename(code.co_filename)
        span_name = template if name == "<template>" else f"{template}: {name}"
        attributes = {
            "tmplmon.template": template,
            "code.file.path": code.co_filename,
            "code.function.name": code.co_qualname,
        }
        self._open[frame] = _OpenSpan(self._tracer.start_span(span_name, attributes=attributes))
        return None

    def _on_py_yield(self, code: CodeType, offset: int, value: object) -> Any:
        open_span = self._open.get(sys._getframe(1))
        if open_span is not None:
            open_span.suspend()

    def _on_py_resume(self, code: CodeType, offset: int) -> Any:
        open_span = self._open.get(sys._getframe(1))
        if open_span is not None:
            open_span.make_current()

    def _on_py_return(self, code: CodeType, offset: int, value: object) -> Any:
        self._end(sys._getframe(1), None)

    def _on_py_unwind(self, code: CodeType, offset: int, error: BaseException) -> Any:
        if self._open and is_template(code):
            self._end(sys._getframe(1), error)

    def _end(self, frame: FrameType, error: BaseException | None) -> None:
        open_span = self._open.pop(frame, None)
        if open_span is None:
            return
        open_span.suspend()
        span = open_span.span
        if isinstance(error, Exception):
            span.record_exception(error)
            span.set_status(trace.StatusCode.ERROR, f"{type(error).__name__}: {error}")
        span.end()


def _name_of(frame: FrameType) -> str | None:
    """The name of the template that a frame runs. The module of a template of Jinja2's has it as a variable."""
    name = frame.f_globals.get("__name__") or frame.f_globals.get("name")
    return name if isinstance(name, str) else None
