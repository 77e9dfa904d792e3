"""Development of web applications: pages with their source map, and a page that shows where a template failed.

    application = WSGIDevelopment(application, environment)        # environment = Environment(…, source_map=True)
    application = ASGIDevelopment(application, environment)

Rule: an answer is changed only if it is a page that the environment has rendered while it was made: a text/html
body that has in it, as it is, a text rendered with `source_map`, or that begins with the pieces of one. What is
sent while it is made is not held back, but for the end of the page. An exception is answered only if it came out
of a template and nothing has been sent yet; any other goes on to the application's own debugger. Both show source
code: for development only.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from tmplmon import Environment
from tmplmon.tools.errorpage import error_page
from tmplmon.tools.failures import template_place
from tmplmon.tools.livecoverage import LiveCoverage
from tmplmon.tools.sourcemap import PageStream, annotate, rendered_pages

_log = logging.getLogger("tmplmon")

type Header = tuple[str, str]


class Development:
    """What both middlewares do, whatever the protocol.

    errors: whether to answer exceptions. editor: see `PageMap`.
    coverage: the recording of lines that have run; by default one that starts here, if there are source maps.
    """

    def __init__(
        self,
        app: Callable[..., Any],
        environment: Environment,
        *,
        errors: bool = True,
        editor: str | None = None,
        coverage: LiveCoverage | None = None,
    ) -> None:
        self.app = app
        self.environment = environment
        self.errors = errors
        self.editor = editor
        if coverage is None and environment.source_map:
            coverage = LiveCoverage()
            try:
                coverage.start()
            except RuntimeError as error:
                _log.warning("no marks of lines that have run: %s", error)
                coverage = None
        self.coverage = coverage

    def annotated(self, body: bytes, pages: Iterable[str]) -> bytes | None:
        """A body with the map of the page in it; None if none of the pages is."""
        text = body.decode("utf-8", "surrogateescape")
        for page in sorted(pages, key=len, reverse=True):
            if page in text:
                options = {"coverage": self.coverage, "editor": self.editor}
                text = text.replace(page, annotate(page, self.environment, **options), 1)
                return text.encode("utf-8", "surrogateescape")
        return None

    def stream(self, first: bytes, streams: Iterable[list[str]]) -> PageStream | None:
        """What puts the map into a body that is sent in chunks, of which this is the first; None if it is not that
        of a template."""
        text = first.decode("utf-8", "ignore")
        for pieces in streams:
            begin = next(filter(None, pieces), "")
            if begin and (text.startswith(begin) or begin.startswith(text)):
                return PageStream(pieces, self.environment, coverage=self.coverage, editor=self.editor)
        return None

    def answer(self, error: Exception, request: str) -> bytes | None:
        """The page for an exception, None if it is not a template's."""
        if not self.errors or template_place(error) is None:
            return None
        _log.error("Exception in a template (%s)", request, exc_info=error)
        return error_page(error, request).encode("utf-8", "replace")


def is_page(headers: Iterable[Header]) -> bool:
    """Whether a body is HTML that can be read and changed."""
    found = {name.lower(): value.lower() for name, value in headers}
    kind, _, options = found.get("content-type", "").partition(";")
    charset = options.partition("charset=")[2].strip(' "')
    return kind.strip() == "text/html" and charset in ("", "utf-8") and "content-encoding" not in found


def resized(headers: Iterable[Header], length: int | None) -> list[Header]:
    """Headers of a body that has been changed: another length, or one that is not known, and no digest of what it
    was."""
    gone = ("content-length", "etag", "content-md5", "digest")
    kept = [header for header in headers if header[0].lower() not in gone]
    return kept if length is None else [*kept, ("Content-Length", str(length))]


def mapped(chunks: Iterable[bytes], stream: PageStream) -> Iterator[bytes]:
    """The chunks of a page with its map."""
    for chunk in chunks:
        yield stream.annotated(chunk)
    yield stream.rest()


_FAILED = ("Content-Type", "text/html; charset=utf-8")


class WSGIDevelopment(Development):
    """The WSGI middleware. The arguments are those of `Development`."""

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        started: list[Any] = []

        def hold(status: str, headers: list[Header], exc_info: Any = None) -> Callable[[bytes], Any]:
            if exc_info is not None and started and started[-1] is None:
                return start_response(status, headers, exc_info)  # type: ignore[no-any-return]
            started[:] = [(status, headers)]
            return _write

        request = f"{environ.get('REQUEST_METHOD')} {environ.get('PATH_INFO')}"
        with rendered_pages() as pages:
            try:
                body = self.app(environ, hold)
                chunks = iter(body)
                first = next(chunks, b"")
                # An application may wait with its status until its body is asked for.
                status, headers = started[-1]
            except Exception as error:
                page = self.answer(error, request)
                if page is None:
                    raise
                start_response("500 Internal Server Error", [_FAILED, ("Content-Length", str(len(page)))])
                return [page]
        changeable = is_page(headers) and environ.get("REQUEST_METHOD") != "HEAD"
        if not pages or not changeable:
            stream = self.stream(first, pages.streams) if changeable else None
            started[:] = [None]
            start_response(status, headers if stream is None else resized(headers, None))
            return _Body(first, chunks, stream, getattr(body, "close", None))
        try:
            plain = first + b"".join(chunks)
            whole = self.annotated(plain, pages)
        finally:
            if hasattr(body, "close"):
                body.close()
        start_response(status, headers if whole is None else resized(headers, len(whole)))
        return [plain if whole is None else whole]


def _write(data: bytes) -> None:
    raise RuntimeError("the write() of WSGI cannot be used with this middleware")


class _Body:
    """The chunks of an answer that goes on as they come: as they are, or with a map in them."""

    def __init__(
        self,
        first: bytes,
        rest: Iterator[bytes],
        stream: PageStream | None,
        close: Callable[[], None] | None,
    ) -> None:
        self._chunks = chain((first,), rest)
        self._stream = stream
        self._close = close

    def __iter__(self) -> Iterator[bytes]:
        yield from filter(None, self._chunks if self._stream is None else mapped(self._chunks, self._stream))

    def close(self) -> None:
        if self._close is not None:
            self._close()


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
                begin = {"type": "http.response.start", "status": 500, "headers": [_encoded(_FAILED)]}
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
