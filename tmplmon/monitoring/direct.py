"""Direct calls from an engine to a tool: callbacks without an event, and clocks that can be paused.

An event of a scope is fired from the scope's frame and through the C API. Firing it takes most of a microsecond,
and creating the frame several. A tool that does not use frames can register direct callbacks for LINE, PY_START and
PY_RETURN, which the engine calls itself. Events are not disabled in the thread while a direct callback runs.

The tool still registers its callbacks and sets its events with `sys.monitoring`. These callbacks are called where
another tool listens to the same line, start or end.

Signalling takes time that a run without tools does not take: entering a scope costs tens of microseconds. A tool
that measures time can register a clock, which is paused meanwhile.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType

from tmplmon.monitoring.hidden import hide

__all__ = ["pause_clocks", "register_clock", "register_ends", "register_line", "resume_clocks"]

type LineCallback = Callable[[CodeType, int], object]
type StartCallback = Callable[[CodeType, int], object]
type ReturnCallback = Callable[[CodeType, int, object], object]
type Clock = tuple[Callable[[], object], Callable[[], object]]

LINE_CALLBACKS: dict[int, LineCallback] = {}
"""The ``active`` byte of a state with a single tool → that tool's direct callback."""

END_CALLBACKS: dict[int, tuple[StartCallback, ReturnCallback]] = {}
"""The ``active`` byte of a state with a single tool → that tool's direct callbacks for PY_START and PY_RETURN."""

CLOCKS: dict[int, Clock] = {}
"""The bit of a tool → its clock."""

_pauses: tuple[Callable[[], object], ...] = ()
_resumes: tuple[Callable[[], object], ...] = ()


def register_line(tool_id: int, callback: LineCallback | None) -> None:
    """Set a tool's direct callback for LINE, ``callback(code, line_number)``; None removes it.

    It must do what the tool's callback from ``sys.monitoring.register_callback`` does, and may also return DISABLE.
    The tool has to remove it before its id is freed. Raises ValueError if no tool has the id.
    """
    _register(LINE_CALLBACKS, tool_id, callback)


def register_ends(tool_id: int, callbacks: tuple[StartCallback, ReturnCallback] | None) -> None:
    """Set a tool's direct callbacks for both ends of a scope, ``start(code, offset)`` and ``leave(code, offset,
    value)``; None removes them.

    They must do what the tool's callbacks for PY_START and PY_RETURN do. Their results are ignored, and they must
    not change any tool's events. The tool has to remove them before its id is freed. Raises ValueError if no tool
    has the id.
    """
    _register(END_CALLBACKS, tool_id, callbacks)


def register_clock(tool_id: int, clock: Clock | None) -> None:
    """Set a tool's clock, a pair of functions without arguments, (pause, resume); None removes it.

    ``pause`` is called before an engine fires an event for the start, suspension, resumption or end of a scope, and
    before the tool's own callback; ``resume`` is called when the engine continues with its program. Both are called
    in the thread of the scope, possibly twice in a row. The tool has to remove the clock before its id is freed.
    Raises ValueError if no tool has the id.
    """
    global _pauses, _resumes
    _register(CLOCKS, tool_id, clock)
    _pauses = tuple(pause for pause, _ in CLOCKS.values())
    _resumes = tuple(resume for _, resume in CLOCKS.values())


def pause_clocks() -> None:
    """Pause all clocks: the engine starts work that it only does for tools."""
    for pause in _pauses:
        pause()


def resume_clocks() -> None:
    """Resume all clocks: the engine continues with its program."""
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
