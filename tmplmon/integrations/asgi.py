"""Pages of plain ASGI applications (version 3).

    async def application(scope, receive, send):
        page = environment.get_template("index.html")
        await respond(send, page, {"title": "Home"})

Rule: as in `wsgi`, the response begins when the first chunk of the page is complete. The next chunk is
rendered when the server has accepted the previous one (`send` waits for that), so a slow client occupies the
memory of one chunk, not of a page.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any

from tmplmon import Template
from tmplmon.integrations.chunks import SIZE, async_chunks, chunks
from tmplmon.integrations.wsgi import HTML


def pages(template: Template, context: Mapping[str, Any], size: int = SIZE) -> AsyncIterator[bytes]:
    """Render a template as chunks of bytes. The template's environment may be synchronous or asynchronous.

    context: the variables of the template. size: the minimum length of a chunk in characters.
    """
    if template.environment.is_async:
        return async_chunks(template.generate_async(context), size)
    return _sync_pages(template, context, size)


async def _sync_pages(template: Template, context: Mapping[str, Any], size: int) -> AsyncIterator[bytes]:
    for chunk in chunks(template.generate(context), size):
        yield chunk


async def respond(
    send: Callable[[Any], Awaitable[Any]],
    template: Template,
    context: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
    headers: Iterable[tuple[str, str]] = (),
    content_type: str = HTML,
    size: int = SIZE,
) -> None:
    """Send a page as a response, while it is rendered. A page of one chunk gets a Content-Length.

    send: the ASGI callable. context: the variables of the template. status, headers, content_type: the head of the
    response. size: the minimum length of a chunk in characters.

    Raises what the template raises. If that happens before the first chunk is complete, nothing has been sent. If
    the client disconnects, `send` raises OSError with servers of ASGI 2.4, and rendering stops.
    """
    body = pages(template, context or {}, size)
    first = await anext(body, b"")
    second = await anext(body, None)
    length = [("Content-Length", str(len(first)))] if second is None else []
    named = [("Content-Type", content_type), *length, *headers]
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in named]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": first, "more_body": second is not None})
    if second is not None:
        await send({"type": "http.response.body", "body": second, "more_body": True})
        async for chunk in body:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
