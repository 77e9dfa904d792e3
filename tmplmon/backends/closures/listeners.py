"""Tools: whether there are any, and the kinds of trees that serve them."""

from tmplmon.monitoring.states import any_tool

QUIET, LINES, BRANCHES, ALL = "quiet", "lines", "branches", "all"
"""The kinds of trees: without events; with events for lines; for lines and branches; with all events."""

__all__ = ["ALL", "BRANCHES", "LINES", "QUIET", "always", "any_tool"]


def always() -> bool:
    """Used in place of `any_tool` where a tool may start during a scope (`Environment.stepping`)."""
    return True
