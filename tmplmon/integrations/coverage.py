"""An endpoint that reports which lines of templates have run: a WSGI or ASGI application to mount.

    Flask       app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/run": WSGICoverage(live, app.jinja_env)})
    Starlette   Mount("/run", app=ASGICoverage(live, templates.env))

The response is JSON: `processes`, whose lines it joins (`LiveCoverage.processes`), and `templates`
(`LiveCoverage.report`). It is Prometheus' text format if the Accept header is that of Prometheus or the query is
`format=prometheus`. It contains file names of the server, but no file contents. The application has to restrict who
may request it.
"""

import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from tmplmon import Environment
from tmplmon.tools.livecoverage import LiveCoverage

JSON = "application/json"
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
_PROMETHEUS_ACCEPTS = ("version=0.0.4", "openmetrics")


class _Endpoint:
    """The part of the endpoint that does not depend on the protocol."""

    def __init__(self, live: LiveCoverage, environment: Environment) -> None:
        self.live = live
        self.environment = environment

    def answer(self, query: str, accept: str) -> tuple[str, bytes]:
        """Return the content type and the body of a response."""
        parameters = query.split("&")
        accepted = any(media_type in accept for media_type in _PROMETHEUS_ACCEPTS)
        if ("format=prometheus" in parameters or accepted) and "format=json" not in parameters:
            return PROMETHEUS, self.live.prometheus(self.environment).encode()
        content = {"processes": self.live.processes(), "templates": self.live.report(self.environment)}
        return JSON, json.dumps(content).encode()


class WSGICoverage(_Endpoint):
    """The endpoint as a WSGI application.

    live: the recording. environment: the environment whose templates are reported.
    """

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        kind, body = self.answer(environ.get("QUERY_STRING", ""), environ.get("HTTP_ACCEPT", ""))
        start_response("200 OK", [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]


class ASGICoverage(_Endpoint):
    """The endpoint as an ASGI application.

    live: the recording. environment: the environment whose templates are reported.
    """

    async def __call__(self, scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        headers = dict(scope.get("headers", ()))
        kind, body = self.answer(
            scope.get("query_string", b"").decode("latin-1"), headers.get(b"accept", b"").decode("latin-1")
        )
        response_headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": response_headers})
        await send({"type": "http.response.body", "body": body})
