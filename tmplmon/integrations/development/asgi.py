"""The ASGI middleware (version 3).

Rule: the start of a page waits for the first of its body, before which a template need not have begun.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from tmplmon.integrations.development.answers import FAILED, Development, Header, is_page, resized
from tmplmon.tools.sourcemap import PageStream, rendered_pages


class ASGIDevelopment(Development):
    """The ASGI middleware. The arguments are those of `Development`."""

    async def __call__(self, scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        changeable = scope["method"] != "HEAD"
        start: Any = None  # It waits for the first of the body, before which a template need not have begun.
        held: list[bytes] = []
        stream: PageStream | None = None
        sent = False

        async def hold(message: Any) -> None:
            nonlocal start, stream, sent
            kind = message["type"]
            body, more = message.get("body", b""), message.get("more_body", False)
            if kind == "http.response.start" and changeable and is_page(_decoded(message)):
                start = message
                return
            if kind == "http.response.body" and start is not None and pages:
                held.append(body)
                if not more:
                    begin, start, sent = start, None, True
                    plain = b"".join(held)
                    whole = self.annotated(plain, pages)
                    await _send(send, begin, plain if whole is None else whole)
                return
            sent = sent or kind in ("http.response.start", "http.response.body")
            if start is not None:
                stream = self.stream(body, pages.streams)
                begin, start = start, None
                await send(begin if stream is None else _resized(begin, None))
            if stream is not None and kind == "http.response.body":
                message = {**message, "body": stream.annotated(body) + (b"" if more else stream.rest())}
            await send(message)

        with rendered_pages() as pages:
            try:
                await self.app(scope, receive, hold)
                if start is not None and not held:
                    await send(start)
            except Exception as error:
                page = None if sent else self.answer(error, f"{scope['method']} {scope['path']}")
                if page is None:
                    raise
                begin = {"type": "http.response.start", "status": 500, "headers": [_encoded(FAILED)]}
                await _send(send, begin, page)


def _decoded(start: Any) -> list[Header]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start.get("headers", ())]


def _encoded(header: Header) -> tuple[bytes, bytes]:
    return header[0].lower().encode("latin-1"), header[1].encode("latin-1")


async def _send(send: Callable[[Any], Awaitable[None]], start: Any, body: bytes) -> None:
    await send(_resized(start, len(body)))
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _resized(start: Any, length: int | None) -> Any:
    return {**start, "headers": [_encoded(header) for header in resized(_decoded(start), length)]}
