"""Direct calls from an engine to a tool: callbacks for LINE without an event, and clocks that pause.

A LINE event of a scope goes to its tools from the scope's frame and through the C API, which takes most of a
microsecond. A tool that does not look at frames can register a direct callback, which the engine calls itself.
While a direct callback runs, events are not switched off in its thread.

Everything else stays the same: the tool registers its callbacks and sets its events with `sys.monitoring`. Those
callbacks are called where another tool listens to the same line, too.

Signalling takes time that a run without tools does not take: entering a scope costs tens of microseconds. A tool
that measures time can register a clock, which stands still meanwhile.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType

from tmplmon.monitoring.hidden import hide

__all__ = ["pause_clocks", "register_clock", "register_line", "resume_clocks"]

type LineCallback = Callable[[CodeType, int], object]
type Clock = tuple[Callable[[], object], Callable[[], object]]

LINE_CALLBACKS: dict[int, LineCallback] = {}
"""The ``active`` byte of a state that one tool alone listens to → that tool's direct callback."""

_clocks: dict[int, Clock] = {}
_pauses: tuple[Callable[[], object], ...] = ()
_resumes: tuple[Callable[[], object], ...] = ()


def register_line(tool_id: int, callback: LineCallback | None) -> None:
    """Set a tool's direct callback for LINE, ``callback(code, line_number)``; None removes it.

    It must do what the tool's callback from ``sys.monitoring.register_callback`` does, and may return DISABLE as
    that one may. The tool has to remove it before its id is freed. Raises ValueError if no tool has the id.
    """
    _register(LINE_CALLBACKS, tool_id, callback)


def register_clock(tool_id: int, clock: Clock | None) -> None:
    """Set a tool's clock, two functions without arguments; None removes it.

    The first is called when an engine begins to signal (a scope begins, suspends, resumes or ends), before the
    tool's own callback; the second when the engine goes on with its program. Each is called in the thread of the
    scope, and may be called twice in a row. The tool has to remove it before its id is freed. Raises ValueError if
    no tool has the id.
    """
    global _pauses, _resumes
    _register(_clocks, tool_id, clock)
    _pauses = tuple(pause for pause, _ in _clocks.values())
    _resumes = tuple(resume for _, resume in _clocks.values())


def pause_clocks() -> None:
    """For an engine: it does work that there would not be without tools, until :func:`resume_clocks`."""
    for pause in _pauses:
        pause()


def resume_clocks() -> None:
    """For an engine: it goes on with its program."""
    for resume in _resumes:
        resume()


def _register[V](registered: dict[int, V], tool_id: int, value: V | None) -> None:
    if value is None:
        registered.pop(1 << tool_id, None)
    elif sys.monitoring.get_tool(tool_id) is None:
        raise ValueError(f"tool {tool_id} is not in use")
    else:
        registered[1 << tool_id] = value


hide(pause_clocks, resume_clocks)
