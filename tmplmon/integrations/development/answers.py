"""What both middlewares do with an answer, whatever the protocol.

Rule: an answer is changed only if it is a page that the environment has rendered while it was made: a text/html
body that has in it, as it is, a text rendered with `source_map`, or that begins with the pieces of one. What is
sent while it is made is not held back, but for the end of the page. An exception is answered only if it came out
of a template and nothing has been sent yet; any other goes on to the application's own debugger.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tmplmon import Environment
from tmplmon.tools.errorpage import error_page
from tmplmon.tools.failures import template_place
from tmplmon.tools.livecoverage import LiveCoverage
from tmplmon.tools.sourcemap import PageStream, annotate

_log = logging.getLogger("tmplmon")

type Header = tuple[str, str]


class Development:
    """A middleware.

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


FAILED = ("Content-Type", "text/html; charset=utf-8")
"""A header of the page that shows an error."""
