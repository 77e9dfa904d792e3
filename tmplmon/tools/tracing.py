"""OpenTelemetry spans of templates: one for each rendering of a template, each include, and each block.

    tracing = TemplateTracing()          # or TemplateTracing(tracer_provider)
    tracing.start()

Nothing is traced, and nothing of it costs anything, unless an application asks for it so. Needs the package
opentelemetry-api (the extra `otel`).

Rule: a span begins and ends with the function that a template body or a block is, which `sys.monitoring` tells:
PY_START, PY_RETURN, and PY_UNWIND where an exception leaves it. Functions that are no templates are told once and
disabled. A span is the current one while its function runs, so what an application does in a template (a query, a
request) is its child; but for a page that is streamed, whose function pauses in the middle. Macros have no spans,
as there may be thousands in a page. The closures back end has no functions, and no spans.
"""

import inspect
import os
import sys
from types import CodeType, FrameType
from typing import Any, Self

from opentelemetry import context, trace

from tmplmon.tools.livecoverage import free_tool_id, is_template

_STREAMS = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR


class TemplateTracing:
    """Spans of the templates that run between `start` and `stop`, in all threads. Works as a context manager too.

    tracer_provider: where spans go; by default OpenTelemetry's global one.

    A span is named `page.html`, or `page.html: block body`. Its attributes are `tmplmon.template` and, as
    OpenTelemetry's conventions for source code have it, `code.file.path` and `code.function.name`.
    """

    def __init__(self, tracer_provider: trace.TracerProvider | None = None) -> None:
        self._tracer = trace.get_tracer("tmplmon", tracer_provider=tracer_provider)
        self._id: int | None = None
        self._open: dict[FrameType, tuple[trace.Span, Any]] = {}

    def start(self) -> None:
        """Begin. Raises RuntimeError if all numbers for monitoring tools are in use."""
        if self._id is not None:
            return
        monitoring = sys.monitoring
        events = monitoring.events
        number = self._id = free_tool_id("tmplmon tracing")
        monitoring.register_callback(number, events.PY_START, self._started)
        monitoring.register_callback(number, events.PY_RETURN, self._returned)
        monitoring.register_callback(number, events.PY_UNWIND, self._unwound)
        monitoring.set_events(number, events.PY_START | events.PY_UNWIND)
        monitoring.restart_events()

    def stop(self) -> None:
        """End. Spans that are open end when their templates do not tell any more: now."""
        number, self._id = self._id, None
        if number is None:
            return
        monitoring = sys.monitoring
        monitoring.set_events(number, 0)
        for event in (monitoring.events.PY_START, monitoring.events.PY_RETURN, monitoring.events.PY_UNWIND):
            monitoring.register_callback(number, event, None)
        monitoring.free_tool_id(number)
        for span, _ in self._open.values():
            span.end()
        self._open.clear()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _started(self, code: CodeType, offset: int) -> Any:
        frame = sys._getframe(1)
        name = code.co_name
        if not is_template(code) or frame.f_code is not code or not name.startswith(("<template>", "block ")):
            return sys.monitoring.DISABLE
        if self._id is None:
            return None
        sys.monitoring.set_local_events(self._id, code, sys.monitoring.events.PY_RETURN)
        template = frame.f_globals.get("__name__") or os.path.basename(code.co_filename)
        shown = template if name == "<template>" else f"{template}: {name}"
        attributes = {
            "tmplmon.template": template,
            "code.file.path": code.co_filename,
            "code.function.name": code.co_qualname,
        }
        span = self._tracer.start_span(shown, attributes=attributes)
        token = None if code.co_flags & _STREAMS else context.attach(trace.set_span_in_context(span))
        self._open[frame] = span, token
        return None

    def _returned(self, code: CodeType, offset: int, value: object) -> Any:
        self._end(sys._getframe(1), None)

    def _unwound(self, code: CodeType, offset: int, error: BaseException) -> Any:
        if self._open and is_template(code):
            self._end(sys._getframe(1), error)

    def _end(self, frame: FrameType, error: BaseException | None) -> None:
        span, token = self._open.pop(frame, (None, None))
        if span is None:
            return
        if token is not None:
            context.detach(token)
        if isinstance(error, Exception):
            span.record_exception(error)
            span.set_status(trace.StatusCode.ERROR, f"{type(error).__name__}: {error}")
        span.end()
