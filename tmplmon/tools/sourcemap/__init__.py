"""Source maps of pages: `annotate` puts one into a page, with the overlay that shows it in the browser.
`rendered_pages` collects the pages that are rendered while something runs."""

from tmplmon.runtime.origins import rendered_pages
from tmplmon.tools.sourcemap.pagemap import ATTRIBUTE, PageMap, annotate

__all__ = ["ATTRIBUTE", "PageMap", "annotate", "rendered_pages"]
