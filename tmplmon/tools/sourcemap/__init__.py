"""Source maps of pages: `annotate` puts one into a page, with the overlay that shows it in the browser, and
`PageStream` into one that is sent while it is made. `rendered_pages` collects the pages that are rendered while
something runs; `join` joins pieces of output, which then still know where they come from."""

from tmplmon.runtime.origins import join, rendered_pages
from tmplmon.tools.sourcemap.pagemap import ATTRIBUTE, PageMap, annotate
from tmplmon.tools.sourcemap.stream import PageStream

__all__ = ["ATTRIBUTE", "PageMap", "PageStream", "annotate", "join", "rendered_pages"]
