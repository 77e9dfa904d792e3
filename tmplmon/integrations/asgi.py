"""Pages of plain ASGI applications (version 3).

    async def application(scope, receive, send):
        page = environment.get_template("index.html")
        await respond(send, page, {"title": "Home"})

Rule: as in `wsgi`, the response begins when the first chunk of the page is there. The next chunk is made when the
server has taken the one before (`send` waits then), so a slow client holds one chunk in memory, not a page.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any

from tmplmon import Template
from tmplmon.integrations.chunks import SIZE, achunks, chunks
from tmplmon.integrations.wsgi import HTML


def pages(template: Template, context: Mapping[str, Any], size: int = SIZE) -> AsyncIterator[bytes]:
    """The chunks of a page, of a template of either kind of environment."""
    if template.environment.is_async:
        return achunks(template.generate_async(context), size)
    return _pages(template, context, size)


async def _pages(template: Template, context: Mapping[str, Any], size: int) -> AsyncIterator[bytes]:
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
    """Answer with a page, which is made while it is sent. A page of one chunk has a Content-Length.

    size: characters of a chunk.

    Raises what the template raises before its first chunk is complete; nothing has been sent then. A client that
    goes away makes `send` raise OSError in servers of ASGI 2.4; the template is left where it is.
    """
    body = pages(template, context or {}, size)
    first = await anext(body, b"")
    second = await anext(body, None)
    length = [("Content-Length", str(len(first)))] if second is None else []
    sent = [("Content-Type", content_type), *length, *headers]
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in sent]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": first, "more_body": second is not None})
    if second is not None:
        await send({"type": "http.response.body", "body": second, "more_body": True})
        async for chunk in body:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
