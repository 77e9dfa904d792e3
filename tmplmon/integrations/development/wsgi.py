"""The WSGI middleware (PEP 3333).

Rule: `start_response` is delayed until the first chunk of the body, because an application may call it that late.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from tmplmon.integrations.development.answers import (
    ERROR_CONTENT_TYPE,
    FORWARDED_HEADERS,
    Development,
    Header,
    is_page,
    mapped,
    resized,
)
from tmplmon.tools.sourcemap import PageStream, rendered_pages


class WSGIDevelopment(Development):
    """The WSGI middleware. Its arguments are those of `Development`."""

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        is_forwarded = any(f"HTTP_{name.replace('-', '_').upper()}" in environ for name in FORWARDED_HEADERS)
        if not self.may_see(environ.get("REMOTE_ADDR"), is_forwarded):
            return self.app(environ, start_response)  # type: ignore[no-any-return]
        # (status, headers) once the application has called `start_response`; [None] once they have been sent.
        started: list[Any] = []

        def delayed(status: str, headers: list[Header], exc_info: Any = None) -> Callable[[bytes], Any]:
            if exc_info is not None and started and started[-1] is None:
                return start_response(status, headers, exc_info)  # type: ignore[no-any-return]
            started[:] = [(status, headers)]
            return _write

        request = f"{environ.get('REQUEST_METHOD')} {environ.get('PATH_INFO')}"
        with rendered_pages() as pages:
            try:
                body = self.app(environ, delayed)
                chunks = iter(body)
                first = next(chunks, b"")
                status, headers = started[-1]
            except Exception as error:
                page = self.answer(error, request)
                if page is None:
                    raise
                headers = [ERROR_CONTENT_TYPE, ("Content-Length", str(len(page)))]
                start_response("500 Internal Server Error", headers)
                return [page]
        changeable = is_page(headers) and environ.get("REQUEST_METHOD") != "HEAD"
        if not pages or not changeable:
            stream = self.stream(first, pages.streams) if changeable else None
            started[:] = [None]
            start_response(status, headers if stream is None else resized(headers, None))
            return _Body(first, chunks, stream, getattr(body, "close", None))
        try:
            original = first + b"".join(chunks)
            annotated = self.annotated(original, pages)
        finally:
            if hasattr(body, "close"):
                body.close()
        start_response(status, headers if annotated is None else resized(headers, len(annotated)))
        return [original if annotated is None else annotated]


def _write(data: bytes) -> None:
    raise RuntimeError("the write() of WSGI cannot be used with this middleware")


class _Body:
    """The chunks of a response that is not buffered: unchanged, or with the map of the page inserted."""

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
