"""Deep templates: passes that recurse as deep as a template's expressions are nested."""

import sys
from collections.abc import Callable
from threading import Lock

from tmplmon.errors import TemplateSyntaxError

# The passes recurse as deep as expressions are nested, which `syntax.limits` bounds; each level takes up to four
# of Python's frames.
_FRAMES = 6000
_lock = Lock()
_deep = 0
_limit = 0


def deeply[T](work: Callable[[], T], name: str | None, filename: str) -> T:
    """Do what may recurse deeper than Python's recursion limit lets it. The limit is raised only for work that
    needs it; all threads share it, so the last one that needs it puts it back."""
    global _deep, _limit
    try:
        return work()
    except RecursionError:
        pass
    with _lock:
        if not _deep:
            _limit = sys.getrecursionlimit()
            sys.setrecursionlimit(_limit + _FRAMES)
        _deep += 1
    try:
        return work()
    except RecursionError:
        raise TemplateSyntaxError(
            "the template is nested too deeply", 1, name, filename, hint="move inner parts into macros"
        ) from None
    finally:
        with _lock:
            _deep -= 1
            if not _deep:
                sys.setrecursionlimit(_limit)
