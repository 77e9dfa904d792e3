"""Whether any of Python's tools listens to anything, and to what."""

import sys

QUIET, LINES, BRANCHES, ALL = "quiet", "lines", "branches", "all"
"""The kinds of trees: without signals; with signals of lines; of lines and branches; of all events."""

_get_tool = sys.monitoring.get_tool


def any_tool() -> bool:
    """Whether a monitoring tool exists, or this thread is traced or profiled: all a scope pays for being quiet."""
    return not (
        _get_tool(0) is None
        and _get_tool(1) is None
        and _get_tool(2) is None
        and _get_tool(3) is None
        and _get_tool(4) is None
        and _get_tool(5) is None
        and sys.gettrace() is None
        and sys.getprofile() is None
    )


def always() -> bool:
    """In place of `any_tool` where one may come at any time."""
    return True


def has_debugger() -> bool:
    """Whether there is a tool in the debuggers' place."""
    return _get_tool(sys.monitoring.DEBUGGER_ID) is not None
