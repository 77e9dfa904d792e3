"""OpenTelemetry spans of templates: one for each rendering of a template, each include, and each block.

    tracing = TemplateTracing()          # or TemplateTracing(tracer_provider)
    tracing.start()

Nothing is traced, and nothing of it costs anything, unless an application asks for it so. Needs the package
opentelemetry-api (the extra `otel`).

Rule: a span begins and ends with the function that a template body or a block is, which `sys.monitoring` tells:
PY_START, PY_RETURN, and PY_UNWIND where an exception leaves it. Functions that are no templates are told once and
disabled. A span is the current one while its function runs, so what an application does in a template (a query, a
request) is its child. The function of a page that is streamed pauses where it gives a piece (PY_YIELD, PY_RESUME),
and its span is not the current one meanwhile. Macros have no spans, as there may be thousands in a page.

The templates of the closures back end signal the same events, from frames of their own, if a tool listens to any:
they take longer then.
"""

import atexit
import inspect
import os
import sys
from types import CodeType, FrameType
from typing import Any, Self

from opentelemetry import context, trace

from tmplmon.tools.livecoverage import free_tool_id, is_template

# What may pause; and the templates of the closures back end, of which that cannot be told.
_MAY_PAUSE = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR


class _Open:
    """A span that has begun, and what takes it back from being the current one, while it is."""

    __slots__ = ("_token", "span")

    def __init__(self, span: trace.Span) -> None:
        self.span = span
        self._token: Any = None
        self.enter()

    def enter(self) -> None:
        self._token = context.attach(trace.set_span_in_context(self.span))

    def leave(self) -> None:
        token, self._token = self._token, None
        if token is not None:
            context.detach(token)


class TemplateTracing:
    """Spans of the templates that run between `start` and `stop`, in all threads. Works as a context manager too.

    tracer_provider: where spans go; by default OpenTelemetry's global one.

    A span is named `page.html`, or `page.html: block body`. Its attributes are `tmplmon.template` and, as
    OpenTelemetry's conventions for source code have it, `code.file.path` and `code.function.name`.
    """

    def __init__(self, tracer_provider: trace.TracerProvider | None = None) -> None:
        self._tracer = trace.get_tracer("tmplmon", tracer_provider=tracer_provider)
        self._id: int | None = None
        self._open: dict[FrameType, _Open] = {}
        events = sys.monitoring.events
        self._callbacks: dict[int, Any] = {
            events.PY_START: self._started,
            events.PY_YIELD: self._paused,
            events.PY_RESUME: self._resumed,
            events.PY_RETURN: self._returned,
            events.PY_UNWIND: self._unwound,
        }

    def start(self) -> None:
        """Begin. Raises RuntimeError if all numbers for monitoring tools are in use."""
        if self._id is not None:
            return
        monitoring = sys.monitoring
        events = monitoring.events
        number = self._id = free_tool_id("tmplmon tracing")
        for event, callback in self._callbacks.items():
            monitoring.register_callback(number, event, callback)
        monitoring.set_events(number, events.PY_START | events.PY_UNWIND)
        monitoring.restart_events()
        atexit.register(self.stop)  # When Python takes its modules apart there is nothing left to trace with.

    def stop(self) -> None:
        """End. Spans that are open end when their templates do not tell any more: now."""
        number, self._id = self._id, None
        if number is None:
            return
        atexit.unregister(self.stop)
        monitoring = sys.monitoring
        monitoring.set_events(number, 0)
        for event in self._callbacks:
            monitoring.register_callback(number, event, None)
        monitoring.free_tool_id(number)
        for opened in self._open.values():
            opened.span.end()
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
        events = sys.monitoring.events
        pauses = events.PY_YIELD | events.PY_RESUME if code.co_flags & _MAY_PAUSE else 0
        sys.monitoring.set_local_events(self._id, code, events.PY_RETURN | pauses)
        template = frame.f_globals.get("__name__") or os.path.basename(code.co_filename)
        shown = template if name == "<template>" else f"{template}: {name}"
        attributes = {
            "tmplmon.template": template,
            "code.file.path": code.co_filename,
            "code.function.name": code.co_qualname,
        }
        self._open[frame] = _Open(self._tracer.start_span(shown, attributes=attributes))
        return None

    def _paused(self, code: CodeType, offset: int, value: object) -> Any:
        opened = self._open.get(sys._getframe(1))
        if opened is not None:
            opened.leave()

    def _resumed(self, code: CodeType, offset: int) -> Any:
        opened = self._open.get(sys._getframe(1))
        if opened is not None:
            opened.enter()

    def _returned(self, code: CodeType, offset: int, value: object) -> Any:
        self._end(sys._getframe(1), None)

    def _unwound(self, code: CodeType, offset: int, error: BaseException) -> Any:
        if self._open and is_template(code):
            self._end(sys._getframe(1), error)

    def _end(self, frame: FrameType, error: BaseException | None) -> None:
        opened = self._open.pop(frame, None)
        if opened is None:
            return
        opened.leave()
        span = opened.span
        if isinstance(error, Exception):
            span.record_exception(error)
            span.set_status(trace.StatusCode.ERROR, f"{type(error).__name__}: {error}")
        span.end()
