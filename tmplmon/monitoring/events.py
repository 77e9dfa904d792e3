"""Every event of ``sys.monitoring``: its number on the running Python, its arguments, and what DISABLE means.

Rule: nothing in this package, and nothing that uses it, knows an event's number. They differ between
versions: 3.13 has one BRANCH event where 3.14 put BRANCH_LEFT and BRANCH_RIGHT, and everything after it
moved. The numbers are read from ``sys.monitoring.events`` once, when this module is imported.

Two numberings exist, and PEP 669 uses both: ``sys.monitoring`` speaks of *sets* of events, a bit each
(:attr:`Event.mask`), while the C API and its state arrays speak of the bit's position (:attr:`Event.id`).

Sources: PEP 669, the documentation of ``sys.monitoring``, and CPython's ``Include/cpython/monitoring.h`` and
``Python/instrumentation.c`` for what those leave open (the order of tools, DISABLE).
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
    """One event of ``sys.monitoring``. There is one instance per event; compare with ``is``."""

    name: str
    """Its name in ``sys.monitoring.events``."""
    id: int
    """Its number in the C API and in state arrays, from 0."""
    arguments: tuple[str, ...]
    """What a callback gets after the code object. LINE is the only one without an offset."""
    can_disable: bool
    """Whether a callback may return DISABLE. Where it may not, doing so is an error and removes the
    callback."""
    controlled_by: str
    """The event a tool has to ask for to get this one: C_RETURN and C_RAISE come with CALL, others with
    themselves."""
    is_exception: bool
    """Whether its last argument is the exception that is being raised, handled or thrown."""

    @property
    def mask(self) -> int:
        """Its bit in the sets that ``sys.monitoring.set_events`` and ``get_local_events`` use."""
        return 1 << self.id

    def __repr__(self) -> str:
        return f"<Event {self.name} {self.id}>"


# name: (arguments after the code object, DISABLE allowed, event that switches it on, carries an exception)
# INSTRUCTION is missing: it tells of bytecode instructions, and the C API has no way to fire it either.
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
    found = {}
    for name, row in _EVENTS.items():
        # From 3.14 BRANCH is only a name under which a tool can ask for both sides; nobody fires it.
        if hasattr(sys.monitoring.events, name) and not (name == "BRANCH" and _HAS_SIDES):
            mask: int = getattr(sys.monitoring.events, name)
            found[name] = Event(name, mask.bit_length() - 1, *row)
    return found


_BY_NAME = _read()


def event(name: str) -> Event:
    """Return the event called ``name``. Raises ValueError if this Python cannot fire an event of that
    name."""
    try:
        return _BY_NAME[name]
    except KeyError:
        raise ValueError(
            f"Python {sys.version_info[0]}.{sys.version_info[1]} fires no event {name!r}"
        ) from None


ALL_EVENTS: tuple[Event, ...] = tuple(sorted(_BY_NAME.values(), key=lambda event: event.id))
"""Every event that can be fired on the running Python, in the order of their numbers."""

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
"""The event of a branch that goes left (its condition holds, or a loop goes on): BRANCH on 3.13."""
BRANCH_RIGHT = event("BRANCH_RIGHT" if _HAS_SIDES else "BRANCH")
"""The event of a branch that goes right (its condition fails, or a loop is done): BRANCH on 3.13."""
BRANCH = None if _HAS_SIDES else event("BRANCH")
"""3.13's only branch event; None where there are two."""
