"""The part of the middleware that does not depend on the protocol.

Rule: a response is changed only if it is a page that the environment rendered during the request: a text/html body
that contains a text rendered with `source_map` unchanged, or that begins with the first chunks of one. A streamed
body is not delayed, except for the end of the page. An exception is answered only if a template raised it and
nothing has been sent yet; other exceptions reach the application's own debugger.

Rule: only clients on this machine see error pages and source maps, unless the option `remote` is set. A request
that a proxy has forwarded does not count as one of this machine.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv6Address, ip_address
from typing import Any

from tmplmon import Environment
from tmplmon.tools.errorpage import error_page
from tmplmon.tools.failures import innermost_template_frame
from tmplmon.tools.livecoverage import LiveCoverage
from tmplmon.tools.sourcemap import PageStream, annotate

_log = logging.getLogger("tmplmon")

type Header = tuple[str, str]


class Development:
    """The base class of the middleware.

    app: the wrapped application. environment: the environment of its templates. errors: whether to answer
    exceptions. editor: see `PageMap`. coverage: the recording of executed lines; by default, a new one is
    started if the environment has source maps. remote: whether to answer clients on other machines too.
    """

    def __init__(
        self,
        app: Callable[..., Any],
        environment: Environment,
        *,
        errors: bool = True,
        editor: str | None = None,
        coverage: LiveCoverage | None = None,
        remote: bool = False,
    ) -> None:
        self.app = app
        self.remote = remote
        self._has_warned = False
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

    def may_see(self, client: str | None, is_forwarded: bool) -> bool:
        """Whether a client may see error pages and source maps.

        client: its address; None or empty if it has none, as with a Unix socket.
        is_forwarded: whether the request has headers that a proxy adds.
        """
        if self.remote or (is_local(client) and not is_forwarded):
            return True
        if not self._has_warned:
            self._has_warned = True
            _log.warning("no error pages and source maps for %s: pass remote=True to allow it", client)
        return False

    def annotated(self, body: bytes, pages: Iterable[str]) -> bytes | None:
        """Return a body with the map of its page inserted; None if the body contains none of `pages`."""
        text = body.decode("utf-8", "surrogateescape")
        for page in sorted(pages, key=len, reverse=True):
            if page in text:
                options = {"coverage": self.coverage, "editor": self.editor}
                text = text.replace(page, annotate(page, self.environment, **options), 1)
                return text.encode("utf-8", "surrogateescape")
        return None

    def stream(self, first: bytes, streams: Iterable[list[str]]) -> PageStream | None:
        """Return the stream that inserts the map into a chunked body.

        first: the first chunk of the body. streams: for each streamed rendering, its chunks so far. None if
        the body is not the output of any of them.
        """
        text = first.decode("utf-8", "ignore")
        for chunks in streams:
            begin = next(filter(None, chunks), "")
            if begin and (text.startswith(begin) or begin.startswith(text)):
                return PageStream(chunks, self.environment, coverage=self.coverage, editor=self.editor)
        return None

    def answer(self, error: Exception, request: str) -> bytes | None:
        """Return the error page for an exception; None if no template raised it."""
        if not self.errors or innermost_template_frame(error) is None:
            return None
        _log.error("Exception in a template (%s)", request, exc_info=error)
        return error_page(error, request).encode("utf-8", "replace")


FORWARDED_HEADERS = ("forwarded", "x-forwarded-for", "x-real-ip")
"""Headers of a request that a proxy adds, in lower case."""


def is_local(client: str | None) -> bool:
    """Whether the address of a client is one of this machine. Texts that are not IP addresses count as such: names
    of Unix sockets, or of a framework's test client."""
    try:
        address = ip_address((client or "").partition("%")[0])
    except ValueError:
        return True
    mapped_address = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped_address or address).is_loopback


def is_page(headers: Iterable[Header]) -> bool:
    """Whether the headers are those of an HTML body that can be decoded and changed."""
    values = {name.lower(): value.lower() for name, value in headers}
    kind, _, options = values.get("content-type", "").partition(";")
    charset = options.partition("charset=")[2].strip(' "')
    return kind.strip() == "text/html" and charset in ("", "utf-8") and "content-encoding" not in values


def resized(headers: Iterable[Header], length: int | None) -> list[Header]:
    """Return the headers for a changed body: with the new length (None: unknown), and without digests of the old
    body."""
    dropped = ("content-length", "etag", "content-md5", "digest")
    unchanged = [header for header in headers if header[0].lower() not in dropped]
    return unchanged if length is None else [*unchanged, ("Content-Length", str(length))]


def mapped(chunks: Iterable[bytes], stream: PageStream) -> Iterator[bytes]:
    """Yield the chunks of a page with its map inserted."""
    for chunk in chunks:
        yield stream.annotated(chunk)
    yield stream.rest()


ERROR_CONTENT_TYPE = ("Content-Type", "text/html; charset=utf-8")
"""The Content-Type header of an error page."""
