"""The state array of a scope: which tools listen to which of its events, right now.

Two bytes a state, as in CPython's ``PyMonitoringState``: ``active``, a bit per tool, and ``opaque``. To ask
whether anybody listens is to look at one byte, ``array.data[2 * index]``, and that is all an event costs that
nobody wants. The bytes are refreshed when a scope is entered, and then only if a tool's events changed since;
a callback that returns DISABLE clears its tool's bit in that one state.

Three rules, the first the C API's own, the others what it lacks:

1. If no tool exists and this thread is not traced, nothing is active. Otherwise ``PyMonitoring_EnterScope``
   compares the interpreter's version of the events with the array's, and does nothing if they are equal. Every
   ``set_events`` and ``restart_events`` makes a new version, and undoes all DISABLEs here.
2. It knows *global* events only. What tools set for a code-like with ``set_local_events`` makes no new version,
   so it is looked up (``get_local_events``) at every enter, for the tools that exist; DISABLEs outlive such a
   change.
3. The bits 6 and 7 are ``sys.setprofile`` and ``sys.settrace``. They are kept, so that the check of the byte sees
   them, but never passed to the C API, which would give those tools the frame of whoever called it.

Sources: PEP 669, and ``PyMonitoring_EnterScope`` in CPython's ``Python/instrumentation.c``.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from types import CodeType
from typing import Any

from tmplmon.monitoring import _capi
from tmplmon.monitoring._capi import enter_scope
from tmplmon.monitoring.events import C_RAISE, C_RETURN, CALL, Event

__all__ = ["DEBUGGER", "LEGACY_TOOLS", "TOOLS", "StateArray"]

TOOLS = 0x3F
"""The bits of the tools 0 to 5, those of ``sys.monitoring.use_tool_id``."""
LEGACY_TOOLS = 0xC0
"""The bits of ``sys.setprofile`` (6) and ``sys.settrace`` (7)."""
DEBUGGER = 1 << sys.monitoring.DEBUGGER_ID
"""The bit of a debugger, whose callbacks, where it stops, set the events that its user's next step needs."""

_TOOL_IDS = range(6)
get_tool = sys.monitoring.get_tool
get_local_events = sys.monitoring.get_local_events


class StateArray:
    """States for a list of events, each of which belongs to a code-like.

    ``events`` has one event per state. ``owners`` has, per state, the code-like whose local events count for
    it, or None; the states of one code-like must be neighbours. Without ``owners`` only global events count,
    as in C. Raises ValueError for lists of different lengths or scattered owners.
    """

    __slots__ = (
        "_buffer",
        "_codes",
        "_groups",
        "_ids",
        "_local",
        "_pointers",
        "_probe",
        "_version",
        "_zeros",
        "data",
        "events",
    )

    data: bytearray
    """``data[2 * index]`` is the ``active`` byte of a state, ``data[2 * index + 1]`` the ``opaque`` one,
    unused."""
    events: tuple[Event, ...]
    """The event of each state."""

    def __init__(self, events: Sequence[Event], owners: Sequence[CodeType | None] | None = None) -> None:
        self.events = tuple(events)
        self.data = bytearray(2 * len(self.events))
        self._zeros = bytes(len(self.data))
        self._ids = bytes(event.id for event in self.events)
        self._groups = _group([None] * len(self.events) if owners is None else owners)
        if self._groups and self._groups[-1][2] != len(self.events):
            raise ValueError(f"{len(self.events)} events, but owners for {self._groups[-1][2]}")
        self._codes = tuple(code for code, _start, _stop in self._groups if code is not None)
        self._local: dict[int, int] = {}
        self._probe = _Probe(self.events)
        self._version = 0
        self._pointers: list[Any] = [None] * len(self.events)
        # Holding this export keeps the bytearray from being resized, so the address stays good.
        self._buffer = (ctypes.c_char * len(self.data)).from_buffer(self.data)

    def enter(self) -> bool:
        """Bring the states up to date; return whether any is active. To be called again after a yield.

        Entering more than once, recursively or in several threads, does no harm: a state tells of tools, not
        of the scope's runs. ``sys.settrace`` of another thread counts as active too; see the module's rule 3.
        """
        if (
            get_tool(0) is None
            and get_tool(1) is None
            and get_tool(2) is None
            and get_tool(3) is None
            and get_tool(4) is None
            and get_tool(5) is None
            and sys.gettrace() is None
            and sys.getprofile() is None
        ):
            # Nobody there at all. This is cheaper than asking the C API for the version, and says more. The
            # states stay as they are: another thread, which is traced, may be using them. The next tool finds
            # them anew.
            self._version = 0
            return False
        return self.enter_with_tools()

    def enter_with_tools(self) -> bool:
        """:meth:`enter`, where it has just been found out that there is a tool."""
        if _capi.UNAVAILABLE:
            _capi.warn_that_nothing_fires()
            return False
        probe = self._probe
        enter_scope(*probe.arguments)
        version = probe.version.value
        if version != self._version:
            self._version = version
            self._local = self._look_up_local()
            self._reset()
        elif self._local or self._is_local():
            self.refresh_local()
        return self.data != self._zeros

    def exit(self) -> None:
        """The counterpart of :meth:`enter`, for a scope that was active. The C API does nothing in it
        today."""
        _capi.exit_scope()

    def refresh_local(self) -> None:
        """Look at the local events again: a tool may have set some from inside a callback just fired."""
        local = self._look_up_local()
        if local != self._local:
            self._change_local(local)

    def active(self, index: int) -> int:
        """Return the tools that listen to a state, a bit each (0x40 and 0x80: setprofile and settrace)."""
        return self.data[2 * index]

    def set_active(self, index: int, tools: int) -> None:
        """Say which tools listen to a state: for tests, and for engines that keep states of their own."""
        self.data[2 * index] = tools

    def first_of(self, owner: int) -> int:
        """Return the index of the first state of the code-like that came as the ``owner``-th, from 0."""
        return self._groups[owner][1]

    @property
    def version(self) -> int:
        """The version of the interpreter's events these states were made from; 0 if no tool existed."""
        return self._version

    @property
    def any_active(self) -> bool:
        """Whether any state is active, as of now."""
        return self.data != self._zeros

    def pointer(self, index: int) -> Any:
        """Return a pointer to a state, ``PyMonitoringState *``, as an argument for ``ctypes``."""
        found = self._pointers[index]
        if found is None:
            # byref() is what ctypes converts fastest; it keeps the buffer alive.
            found = self._pointers[index] = _capi.byref(self._buffer, 2 * index)
        return found

    def __len__(self) -> int:
        return len(self.events)

    def __repr__(self) -> str:
        listening = [
            f"{event.name}={tools:#04x}"
            for event, tools in zip(self.events, self.data[::2], strict=True)
            if tools
        ]
        return f"<StateArray of {len(self)}: {' '.join(listening) or 'nothing active'}>"

    # -- inside ----------------------------------------------------------------------------------------------

    def _is_local(self) -> bool:
        """Whether a tool has local events in any of the code-likes: most have none, and this is the quick look."""
        for code in self._codes:
            # Written out, as it is asked at each entrance of a scope while there is a tool.
            if (
                (get_tool(0) is not None and get_local_events(0, code))
                or (get_tool(1) is not None and get_local_events(1, code))
                or (get_tool(2) is not None and get_local_events(2, code))
                or (get_tool(3) is not None and get_local_events(3, code))
                or (get_tool(4) is not None and get_local_events(4, code))
                or (get_tool(5) is not None and get_local_events(5, code))
            ):
                return True
        return False

    def _look_up_local(self) -> dict[int, int]:
        """Return {tool + 8 * group: set of its local events}, without those that are empty."""
        found: dict[int, int] = {}
        for tool in _TOOL_IDS:
            if get_tool(tool) is not None:
                for number, (code, _start, _stop) in enumerate(self._groups):
                    if code is not None and (events := get_local_events(tool, code)):
                        found[tool + 8 * number] = events
        return found

    def _reset(self) -> None:
        """Make the active bytes anew, from the global events the probe has read and the local ones."""
        for number, (_code, start, stop) in enumerate(self._groups):
            tools = bytearray(self._probe.tools())
            for tool in _TOOL_IDS:
                for event in _ids_in(self._local.get(tool + 8 * number, 0)):
                    tools[event] |= 1 << tool
            tools[C_RETURN.id] = tools[C_RAISE.id] = tools[CALL.id]
            self.data[2 * start : 2 * stop : 2] = self._ids[start:stop].translate(tools)

    def _change_local(self, local: dict[int, int]) -> None:
        """Switch only what changed on or off: what a tool disabled elsewhere stays disabled."""
        everywhere = self._probe.tools()
        for key in self._local.keys() | local.keys():
            before, now = self._local.get(key, 0), local.get(key, 0)
            tool, bit = key & 7, 1 << (key & 7)
            on = _ids_in(now & ~before)
            off = {event for event in _ids_in(before & ~now) if not everywhere[event] >> tool & 1}
            on |= {C_RETURN.id, C_RAISE.id} if CALL.id in on else set()
            off |= {C_RETURN.id, C_RAISE.id} if CALL.id in off else set()
            _code, start, stop = self._groups[key >> 3]
            for index in range(start, stop):
                if self._ids[index] in on:
                    self.data[2 * index] |= bit
                elif self._ids[index] in off:
                    self.data[2 * index] &= ~bit
        self._local = local


class _Probe:
    """Reads the global events with the C API: one state for each event that occurs in an array.

    The C API is not given the array itself. It would fill in the tools 6 and 7 as well, lose what is local,
    and it reads past the end of its table for C_RETURN and C_RAISE, which are never in it.
    """

    __slots__ = ("_data", "_ids", "arguments", "version")

    arguments: tuple[Any, ...]
    """What ``enter_scope`` is called with; then ``version`` is that of the interpreter's events, and the states
    have been refreshed if it is a new one."""

    def __init__(self, events: Sequence[Event]) -> None:
        fireable = {event.id for event in events} - {C_RETURN.id, C_RAISE.id} | {CALL.id}
        self._ids = bytes(sorted(fireable))
        self._data = bytearray(2 * len(self._ids))
        self.version = ctypes.c_uint64(0)
        states = (ctypes.c_char * len(self._data)).from_buffer(self._data)
        ids = ctypes.create_string_buffer(self._ids, len(self._ids))
        # Made once, as the C function wants them; the references keep what they point to.
        self.arguments = (
            ctypes.byref(states),
            ctypes.byref(self.version),
            ctypes.byref(ids),
            ctypes.c_ssize_t(len(self._ids)),
        )

    def tools(self) -> bytes:
        """Return 256 bytes: for each event number, the tools that have it on globally."""
        table = bytearray(256)
        for event, tools in zip(self._ids, self._data[::2], strict=True):
            table[event] = tools
        return bytes(table)


def _ids_in(mask: int) -> set[int]:
    return {event for event in range(mask.bit_length()) if mask >> event & 1}


def _group(owners: Sequence[CodeType | None]) -> list[tuple[CodeType | None, int, int]]:
    """Return (code-like, first state, state after the last) for each run of states with one owner."""
    groups: list[tuple[CodeType | None, int, int]] = []
    for index, code in enumerate(owners):
        if groups and groups[-1][0] is code:
            groups[-1] = (code, groups[-1][1], index + 1)
        elif any(code is not None and owner is code for owner, _start, _stop in groups):
            raise ValueError(f"the states of {code!r} are not neighbours")
        else:
            groups.append((code, index, index + 1))
    return groups
