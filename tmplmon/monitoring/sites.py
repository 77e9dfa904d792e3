"""The sites of a scope: the places that events come from, and which events come from which.

A site of a kind has a state for each event of that kind in :data:`SITE_EVENTS`. What happens once a run, or cannot
be disabled anyhow, has one state for each code-like instead: :data:`FILE_EVENTS`.
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
"""The events that each code-like has one state for: those that happen once a run, or cannot be disabled."""


class FileState:
    """The places of :data:`FILE_EVENTS` among the states of a code-like."""

    START, RETURN, UNWIND, RAISE, RERAISE, HANDLED, THROW, C_RETURN, C_RAISE = range(len(FILE_EVENTS))


SITE_EVENTS: dict[str, tuple[Event, ...]] = {
    "line": (ev.LINE,),
    "call": (ev.CALL,),
    # 3.13 has one event, and disabling it disables both ways.
    "branch": (ev.BRANCH_LEFT,) if ev.BRANCH_LEFT is ev.BRANCH_RIGHT else (ev.BRANCH_LEFT, ev.BRANCH_RIGHT),
    "jump": (ev.JUMP,),
    "return": (ev.PY_RETURN,),
    "yield": (ev.PY_YIELD, ev.PY_RESUME),
    "iterate": (ev.STOP_ITERATION,),
}
"""The events that each site of a kind has a state for, in the order of the states."""


@dataclass(frozen=True, slots=True)
class Site:
    """A place that events come from. Offsets are bytes in the site's code-like."""

    kind: str
    """A key of :data:`SITE_EVENTS`."""
    file: int
    """The number of its code-like in the scope."""
    code: CodeType
    offset: int
    line: int
    state: int
    """Its first state in the scope's array."""
    file_state: int
    """The first state of its code-like, those of :data:`FILE_EVENTS`."""
    left: int | None
    """The offset it leads to: a branch on its left, a jump. None after a return."""
    right: int | None
    """The offset that a branch leads to on its right."""
