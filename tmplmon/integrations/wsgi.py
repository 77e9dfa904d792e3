"""Pages of plain WSGI applications (PEP 3333).

    def application(environ, start_response):
        page = environment.get_template("index.html")
        return respond(start_response, page, {"title": "Home"})

Rule: the response begins when the first chunk of the page is there. So an error in the first 16 KB of a page is
still the application's to answer, with a status of its own; a later one ends the response in the middle, and the
server says so to the client by closing the connection.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from tmplmon import Template
from tmplmon.integrations.chunks import SIZE, chunks

HTML = "text/html; charset=utf-8"


def respond(
    start_response: Callable[..., Any],
    template: Template,
    context: Mapping[str, Any] | None = None,
    *,
    status: str = "200 OK",
    headers: Iterable[tuple[str, str]] = (),
    content_type: str = HTML,
    size: int = SIZE,
) -> Iterator[bytes]:
    """Answer with a page, which is made while it is sent. A page of one chunk has a Content-Length.

    size: characters of a chunk.

    Raises what the template raises before its first chunk is complete; nothing has been sent then.
    """
    body = chunks(template.generate(context or {}), size)
    first = next(body, b"")
    second = next(body, None)
    length = [("Content-Length", str(len(first)))] if second is None else []
    start_response(status, [("Content-Type", content_type), *length, *headers])
    return _body(first, second, body)


def _body(first: bytes, second: bytes | None, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    if second is not None:
        yield second
        yield from rest
