"""Direct callbacks for LINE: cheaper than an event where one tool alone listens.

A LINE event of a scope goes to its tools from the scope's frame and through the C API, which takes most of a
microsecond. A tool that does not look at frames can register a direct callback, which the engine calls itself.
While a direct callback runs, events are not switched off in its thread.

Everything else stays the same: the tool registers its callbacks and sets its events with `sys.monitoring`. Those
callbacks are called where another tool listens to the same line, too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType

__all__ = ["register_line"]

type LineCallback = Callable[[CodeType, int], object]

LINE_CALLBACKS: dict[int, LineCallback] = {}
"""The ``active`` byte of a state that one tool alone listens to → that tool's direct callback."""


def register_line(tool_id: int, callback: LineCallback | None) -> None:
    """Set a tool's direct callback for LINE, ``callback(code, line_number)``; None removes it.

    It must do what the tool's callback from ``sys.monitoring.register_callback`` does, and may return DISABLE as
    that one may. The tool has to remove it before its id is freed. Raises ValueError if no tool has the id.
    """
    if callback is None:
        LINE_CALLBACKS.pop(1 << tool_id, None)
    elif sys.monitoring.get_tool(tool_id) is None:
        raise ValueError(f"tool {tool_id} is not in use")
    else:
        LINE_CALLBACKS[1 << tool_id] = callback
