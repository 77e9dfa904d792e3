"""Callbacks for LINE that are called straight from the engine, for tools that want no frame.

A LINE event of a scope goes to its tools from the scope's frame and through the C API, which takes most of a
microsecond. A tool that does not look at frames may leave its callback here besides: it is called where the event
happens, as long as no other tool listens to that line. For the rest of it nothing differs: the tool registers a
callback and sets events with `sys.monitoring`, may return DISABLE, and has the same events in the same order.

What does differ: while the callback runs, events are not switched off in its thread.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType

__all__ = ["register_line"]

type LineCallback = Callable[[CodeType, int], object]

LINE_CALLBACKS: dict[int, LineCallback] = {}
"""The ``active`` byte of a state that one tool alone listens to → that tool's callback."""


def register_line(tool_id: int, callback: LineCallback | None) -> None:
    """Set the function that a tool is told of lines by, ``callback(code, line_number)``; None: none any more.

    It has to do what the callback does that the tool gave ``sys.monitoring.register_callback``: that one is called
    where this one cannot be. To be taken back before the tool's id is freed. Raises ValueError for a number that no
    tool has.
    """
    if callback is None:
        LINE_CALLBACKS.pop(1 << tool_id, None)
    elif sys.monitoring.get_tool(tool_id) is None:
        raise ValueError(f"tool {tool_id} is not in use")
    else:
        LINE_CALLBACKS[1 << tool_id] = callback
