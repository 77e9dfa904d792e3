"""Source maps of pages. `annotate` inserts a map into a page, with the overlay that displays it in the browser;
`PageStream` does so for a page that is sent while it is rendered. `rendered_pages` collects the pages that are
rendered in a ``with`` block; `join` joins chunks of output and keeps their origins."""

from tmplmon.runtime.origins import join, rendered_pages
from tmplmon.tools.sourcemap.pagemap import ATTRIBUTE, PageMap, annotate
from tmplmon.tools.sourcemap.stream import PageStream

__all__ = ["ATTRIBUTE", "PageMap", "PageStream", "annotate", "join", "rendered_pages"]
