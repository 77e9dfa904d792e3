"""A higher recursion limit, for passes that recurse as deeply as expressions are nested."""

import sys
from collections.abc import Callable
from threading import Lock

from tmplmon.errors import TemplateSyntaxError

# `syntax.limits` bounds how deeply expressions are nested; a pass takes up to four Python frames for each level.
_EXTRA_FRAMES = 6000
_lock = Lock()
_users = 0
_original_limit = 0


def with_raised_recursion_limit[T](work: Callable[[], T], name: str | None, filename: str) -> T:
    """Call `work`, and if it exceeds Python's recursion limit, call it again with a higher limit.

    The limit belongs to all threads of the process. So it is raised only if `work` needs it, and the last of
    several simultaneous calls restores it.

    name, filename: the template's, for the error.

    Raises TemplateSyntaxError if `work` exceeds the higher limit too.
    """
    global _users, _original_limit
    try:
        return work()
    except RecursionError:
        pass
    counted = False
    try:
        with _lock:
            if not _users:
                _original_limit = sys.getrecursionlimit()
            # Counted before the limit is raised: a signal handler may raise an exception after any call.
            _users += 1
            counted = True
            if _users == 1:
                sys.setrecursionlimit(_original_limit + _EXTRA_FRAMES)
        return work()
    except RecursionError:
        raise TemplateSyntaxError(
            "the template is nested too deeply", 1, name, filename, hint="move inner parts into macros"
        ) from None
    finally:
        if counted:
            with _lock:
                _users -= 1
                if not _users:
                    sys.setrecursionlimit(_original_limit)
