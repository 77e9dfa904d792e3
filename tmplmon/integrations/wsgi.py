"""Pages of plain WSGI applications (PEP 3333).

    def application(environ, start_response):
        page = environment.get_template("index.html")
        return respond(start_response, page, {"title": "Home"})

Rule: the response begins when the first chunk of the page is complete. After an error in the first 16 KB of a page
the application can still respond with another status. A later error ends the response early, and the server closes
the connection.
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
    """Respond with a page that is sent while it is rendered. A page of one chunk gets a Content-Length.

    start_response: the WSGI callable. context: the variables of the template. status, headers, content_type: the
    head of the response. size: the minimum length of a chunk in characters.

    Raises what the template raises before its first chunk is complete; `start_response` has not been called then.
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
