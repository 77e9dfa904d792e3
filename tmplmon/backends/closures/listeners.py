"""Whether any of Python's tools listens to anything, and to what."""

import sys

from tmplmon.monitoring.states import any_tool

QUIET, LINES, BRANCHES, ALL = "quiet", "lines", "branches", "all"
"""The kinds of trees: without signals; with signals of lines; of lines and branches; of all events."""

__all__ = ["ALL", "BRANCHES", "LINES", "QUIET", "always", "any_tool", "has_debugger"]


def always() -> bool:
    """In place of `any_tool` where one may come at any time."""
    return True


def has_debugger() -> bool:
    """Whether there is a tool in the debuggers' place."""
    return sys.monitoring.get_tool(sys.monitoring.DEBUGGER_ID) is not None
