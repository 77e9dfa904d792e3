"""The ASGI middleware (version 3).

Rule: the start message of a page is delayed until the first body message: the template may begin only then.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from tmplmon.integrations.development.answers import (
    ERROR_CONTENT_TYPE,
    FORWARDED_HEADERS,
    Development,
    Header,
    is_page,
    resized,
)
from tmplmon.tools.sourcemap import PageStream, rendered_pages


class ASGIDevelopment(Development):
    """The ASGI middleware. Its arguments are those of `Development`."""

    def _may_see(self, scope: Any) -> bool:
        names = {name.decode("latin-1").lower() for name, _ in scope.get("headers", ())}
        client = scope.get("client")
        return self.may_see(None if client is None else client[0], not names.isdisjoint(FORWARDED_HEADERS))

    async def __call__(self, scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        if scope["type"] != "http" or not self._may_see(scope):
            await self.app(scope, receive, send)
            return
        changeable = scope["method"] != "HEAD"
        delayed_start: Any = None
        bodies: list[bytes] = []
        stream: PageStream | None = None
        has_sent = False

        async def intercept(message: Any) -> None:
            nonlocal delayed_start, stream, has_sent
            kind = message["type"]
            body, more = message.get("body", b""), message.get("more_body", False)
            if kind == "http.response.start" and changeable and is_page(_decoded(message)):
                delayed_start = message
                return
            if kind == "http.response.body" and delayed_start is not None and pages:
                bodies.append(body)
                if not more:
                    start, delayed_start, has_sent = delayed_start, None, True
                    original = b"".join(bodies)
                    annotated = self.annotated(original, pages)
                    await _send(send, start, original if annotated is None else annotated)
                return
            has_sent = has_sent or kind in ("http.response.start", "http.response.body")
            if delayed_start is not None:
                stream = self.stream(body, pages.streams)
                start, delayed_start = delayed_start, None
                await send(start if stream is None else _resized(start, None))
            if stream is not None and kind == "http.response.body":
                message = {**message, "body": stream.annotated(body) + (b"" if more else stream.rest())}
            await send(message)

        with rendered_pages() as pages:
            try:
                await self.app(scope, receive, intercept)
                if delayed_start is not None and not bodies:
                    await send(delayed_start)
            except Exception as error:
                page = None if has_sent else self.answer(error, f"{scope['method']} {scope['path']}")
                if page is None:
                    raise
                start = {
                    "type": "http.response.start",
                    "status": 500,
                    "headers": [_encoded(ERROR_CONTENT_TYPE)],
                }
                await _send(send, start, page)


def _decoded(start: Any) -> list[Header]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start.get("headers", ())]


def _encoded(header: Header) -> tuple[bytes, bytes]:
    return header[0].lower().encode("latin-1"), header[1].encode("latin-1")


async def _send(send: Callable[[Any], Awaitable[None]], start: Any, body: bytes) -> None:
    await send(_resized(start, len(body)))
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _resized(start: Any, length: int | None) -> Any:
    return {**start, "headers": [_encoded(header) for header in resized(_decoded(start), length)]}
