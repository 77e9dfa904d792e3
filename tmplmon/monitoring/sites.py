"""The sites of a scope: the positions at which events can happen, and the events of each kind of site.

A site has a state for each event of its kind (`SITE_EVENTS`). Events that happen once per run, or that cannot
be disabled, have one state per code-like instead (`FILE_EVENTS`).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import CodeType

from tmplmon.monitoring import events as ev
from tmplmon.monitoring.events import Event

__all__ = ["FILE_EVENTS", "SITE_EVENTS", "FileState", "Site"]

FILE_EVENTS: tuple[Event, ...] = (
    ev.PY_START,
    ev.PY_RETURN,
    ev.PY_UNWIND,
    ev.RAISE,
    ev.RERAISE,
    ev.EXCEPTION_HANDLED,
    ev.PY_THROW,
    ev.C_RETURN,
    ev.C_RAISE,
)
"""The events that have one state per code-like: those that happen once per run, or that cannot be disabled."""


class FileState:
    """The indexes of `FILE_EVENTS` among the states of a code-like."""

    START, RETURN, UNWIND, RAISE, RERAISE, HANDLED, THROW, C_RETURN, C_RAISE = range(len(FILE_EVENTS))


SITE_EVENTS: dict[str, tuple[Event, ...]] = {
    "line": (ev.LINE,),
    "call": (ev.CALL,),
    # 3.13 has one event, and disabling it disables both sides.
    "branch": (ev.BRANCH_LEFT,) if ev.BRANCH_LEFT is ev.BRANCH_RIGHT else (ev.BRANCH_LEFT, ev.BRANCH_RIGHT),
    "jump": (ev.JUMP,),
    "return": (ev.PY_RETURN,),
    "yield": (ev.PY_YIELD, ev.PY_RESUME),
    "iterate": (ev.STOP_ITERATION,),
}
"""Kind of site → its events, in the order of their states."""


@dataclass(frozen=True, slots=True)
class Site:
    """A position at which events can happen. Offsets are bytes in the site's code-like."""

    kind: str
    """A key of `SITE_EVENTS`."""
    file: int
    """The index of its code-like in the scope."""
    code: CodeType
    offset: int
    line: int
    state: int
    """The index of its first state in the scope's array."""
    file_state: int
    """The index of the first state of its code-like, the first of `FILE_EVENTS`."""
    left: int | None
    """The destination of a jump, or of a branch on its left. None after a return."""
    right: int | None
    """The destination of a branch on its right; None for other sites."""
