"""The events of ``sys.monitoring``: their ids on the running Python, their arguments, and whether DISABLE is
allowed.

Rule: no other module contains the id of an event. Ids differ between versions: 3.13 has one BRANCH event,
which 3.14 replaced by BRANCH_LEFT and BRANCH_RIGHT, and all later ids moved. They are read from
``sys.monitoring.events`` once, when this module is imported.

PEP 669 uses two numberings: ``sys.monitoring`` has *sets* of events with a bit for each (`Event.mask`), the C
API and its state arrays use the position of the bit (`Event.id`).

Sources: PEP 669, the documentation of ``sys.monitoring``, and for details such as the order of tools and DISABLE
CPython's ``Include/cpython/monitoring.h`` and ``Python/instrumentation.c``.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

if not hasattr(sys, "monitoring"):
    raise ImportError(
        f"{__name__} needs sys.monitoring (PEP 669), which {sys.implementation.name} does not have"
    )

__all__ = [
    "ALL_EVENTS",
    "BRANCH",
    "BRANCH_LEFT",
    "BRANCH_RIGHT",
    "CALL",
    "C_RAISE",
    "C_RETURN",
    "EXCEPTION_HANDLED",
    "JUMP",
    "LINE",
    "PY_RESUME",
    "PY_RETURN",
    "PY_START",
    "PY_THROW",
    "PY_UNWIND",
    "PY_YIELD",
    "RAISE",
    "RERAISE",
    "STOP_ITERATION",
    "Event",
    "event",
]


@dataclass(frozen=True, slots=True)
class Event:
    """An event of ``sys.monitoring``. There is one instance per event; compare with ``is``."""

    name: str
    """Its name in ``sys.monitoring.events``."""
    id: int
    """Its number in the C API and in state arrays, counted from 0."""
    arguments: tuple[str, ...]
    """The names of the callback's arguments after the code object. Only LINE has no offset."""
    can_disable: bool
    """Whether a callback may return DISABLE. For other events that is an error, and removes the callback."""
    controlled_by: str
    """The event that a tool has to enable to get this one: CALL for C_RETURN and C_RAISE, otherwise the event
    itself."""
    is_exception: bool
    """Whether the last argument is the exception that is raised, handled or thrown."""

    @property
    def mask(self) -> int:
        """Its bit in the sets of ``sys.monitoring.set_events`` and ``get_local_events``."""
        return 1 << self.id

    def __repr__(self) -> str:
        return f"<Event {self.name} {self.id}>"


# name: (arguments after the code object, DISABLE allowed, event that enables it, carries an exception)
# INSTRUCTION is missing: it is about bytecode instructions, and the C API cannot fire it.
_EVENTS: dict[str, tuple[tuple[str, ...], bool, str, bool]] = {
    "PY_START": (("offset",), True, "PY_START", False),
    "PY_RESUME": (("offset",), True, "PY_RESUME", False),
    "PY_RETURN": (("offset", "value"), True, "PY_RETURN", False),
    "PY_YIELD": (("offset", "value"), True, "PY_YIELD", False),
    "CALL": (("offset", "callable", "arg0"), True, "CALL", False),
    "LINE": (("line",), True, "LINE", False),
    "JUMP": (("offset", "destination"), True, "JUMP", False),
    "BRANCH": (("offset", "destination"), True, "BRANCH", False),
    "BRANCH_LEFT": (("offset", "destination"), True, "BRANCH_LEFT", False),
    "BRANCH_RIGHT": (("offset", "destination"), True, "BRANCH_RIGHT", False),
    "STOP_ITERATION": (("offset", "exception"), True, "STOP_ITERATION", True),
    "RAISE": (("offset", "exception"), False, "RAISE", True),
    "EXCEPTION_HANDLED": (("offset", "exception"), False, "EXCEPTION_HANDLED", True),
    "PY_UNWIND": (("offset", "exception"), False, "PY_UNWIND", True),
    "PY_THROW": (("offset", "exception"), False, "PY_THROW", True),
    "RERAISE": (("offset", "exception"), False, "RERAISE", True),
    "C_RETURN": (("offset", "callable", "arg0"), False, "CALL", False),
    "C_RAISE": (("offset", "callable", "arg0"), False, "CALL", False),
}

_HAS_SIDES = hasattr(sys.monitoring.events, "BRANCH_LEFT")


def _read() -> dict[str, Event]:
    events = {}
    for name, row in _EVENTS.items():
        # From 3.14 on, BRANCH is only a name with which a tool enables both sides; it is never fired.
        if hasattr(sys.monitoring.events, name) and not (name == "BRANCH" and _HAS_SIDES):
            mask: int = getattr(sys.monitoring.events, name)
            events[name] = Event(name, mask.bit_length() - 1, *row)
    return events


_BY_NAME = _read()


def event(name: str) -> Event:
    """Return the event ``name``. Raises ValueError if the running Python does not fire such an event."""
    try:
        return _BY_NAME[name]
    except KeyError:
        raise ValueError(
            f"Python {sys.version_info[0]}.{sys.version_info[1]} fires no event {name!r}"
        ) from None


ALL_EVENTS: tuple[Event, ...] = tuple(sorted(_BY_NAME.values(), key=lambda event: event.id))
"""All events that can be fired on the running Python, in the order of their ids."""

PY_START = event("PY_START")
PY_RESUME = event("PY_RESUME")
PY_RETURN = event("PY_RETURN")
PY_YIELD = event("PY_YIELD")
PY_THROW = event("PY_THROW")
PY_UNWIND = event("PY_UNWIND")
CALL = event("CALL")
C_RETURN = event("C_RETURN")
C_RAISE = event("C_RAISE")
LINE = event("LINE")
JUMP = event("JUMP")
RAISE = event("RAISE")
RERAISE = event("RERAISE")
EXCEPTION_HANDLED = event("EXCEPTION_HANDLED")
STOP_ITERATION = event("STOP_ITERATION")

BRANCH_LEFT = event("BRANCH_LEFT" if _HAS_SIDES else "BRANCH")
"""The event of a branch to the left (the condition is true, or the loop continues): BRANCH on 3.13."""
BRANCH_RIGHT = event("BRANCH_RIGHT" if _HAS_SIDES else "BRANCH")
"""The event of a branch to the right (the condition is false, or the loop ends): BRANCH on 3.13."""
BRANCH = None if _HAS_SIDES else event("BRANCH")
"""The only branch event of 3.13; None on later versions, which have two."""
