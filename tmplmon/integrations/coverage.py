"""An endpoint that tells which lines of templates have run: a WSGI or ASGI application to mount somewhere.

    Flask       app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/run": WSGICoverage(live, app.jinja_env)})
    Starlette   Mount("/run", app=ASGICoverage(live, templates.env))

The answer is JSON, `LiveCoverage.report`; for Prometheus, which says so in its header Accept, or with the query
`format=prometheus`, it is Prometheus' text format. It names files of the server and no content of theirs; whom it
answers is the application's business.
"""

import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from tmplmon import Environment
from tmplmon.tools.livecoverage import LiveCoverage

JSON = "application/json"
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
_SAID_BY_PROMETHEUS = ("version=0.0.4", "openmetrics")


class _Endpoint:
    """live: the recording. environment: whose templates are reported on."""

    def __init__(self, live: LiveCoverage, environment: Environment) -> None:
        self.live = live
        self.environment = environment

    def answer(self, query: str, accept: str) -> tuple[str, bytes]:
        """The type and the body of an answer."""
        asked = "format=prometheus" in query.split("&") or any(word in accept for word in _SAID_BY_PROMETHEUS)
        if asked and "format=json" not in query.split("&"):
            return PROMETHEUS, self.live.prometheus(self.environment).encode()
        return JSON, json.dumps(self.live.report(self.environment)).encode()


class WSGICoverage(_Endpoint):
    """The WSGI application."""

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        kind, body = self.answer(environ.get("QUERY_STRING", ""), environ.get("HTTP_ACCEPT", ""))
        start_response("200 OK", [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]


class ASGICoverage(_Endpoint):
    """The ASGI application."""

    async def __call__(self, scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        headers = dict(scope.get("headers", ()))
        kind, body = self.answer(
            scope.get("query_string", b"").decode("latin-1"), headers.get(b"accept", b"").decode("latin-1")
        )
        sent = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": sent})
        await send({"type": "http.response.body", "body": body})
