"""The state array of a scope: which tools currently listen to which of its events.

A state has two bytes, as CPython's ``PyMonitoringState``: ``active``, with a bit per tool, and ``opaque``. To check
whether a tool listens is to read one byte, ``array.data[2 * index]``; an event without listeners costs no more than
that. The bytes are refreshed when a scope is entered, and only if a tool's events have changed. A callback that
returns DISABLE clears the bit of its tool in that one state.

Three rules; the first is the C API's own, the others add what it lacks:

1. If no tool exists and this thread is not traced, nothing is active. Otherwise ``PyMonitoring_EnterScope``
   compares the version of the interpreter's events with that of the array, and does nothing if they are
   equal. Every ``set_events`` and ``restart_events`` creates a new version, and undoes all DISABLEs here.
2. The C API only knows *global* events. ``set_local_events`` for a code-like does not create a new version, so the
   local events of existing tools are read (``get_local_events``) at every enter. DISABLEs outlive such a change.
3. The bits 6 and 7 are ``sys.setprofile`` and ``sys.settrace``. They are stored, so that a check of the byte
   includes them, but never passed to the C API, which would pass the caller's frame to these tools.

Sources: PEP 669, and ``PyMonitoring_EnterScope`` in CPython's ``Python/instrumentation.c``.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from threading import RLock
from types import CodeType
from typing import Any

from tmplmon.monitoring import _capi
from tmplmon.monitoring._capi import enter_scope
from tmplmon.monitoring.events import C_RAISE, C_RETURN, CALL, Event
from tmplmon.monitoring.freed import remove_freed

__all__ = ["DEBUGGER", "LEGACY_TOOLS", "TOOLS", "StateArray", "any_tool"]

TOOLS = 0x3F
"""The bits of the tools 0 to 5, the ids of ``sys.monitoring.use_tool_id``."""
LEGACY_TOOLS = 0xC0
"""The bits of ``sys.setprofile`` (6) and ``sys.settrace`` (7)."""
DEBUGGER = 1 << sys.monitoring.DEBUGGER_ID
"""The bit of the debugger. Its callbacks set the events for the next step of its user."""

_TOOL_IDS = range(6)
get_tool = sys.monitoring.get_tool
get_local_events = sys.monitoring.get_local_events
gettrace, getprofile = sys.gettrace, sys.getprofile


def any_tool() -> bool:
    """Whether a monitoring tool exists, or this thread is traced or profiled: the only cost of a quiet scope."""
    # Written out, because it runs whenever a scope is entered.
    return not (
        get_tool(0) is None
        and get_tool(1) is None
        and get_tool(2) is None
        and get_tool(3) is None
        and get_tool(4) is None
        and get_tool(5) is None
        and sys.gettrace() is None
        and sys.getprofile() is None
    )


class StateArray:
    """States for a list of events.

    events: the event of each state. owners: for each state, the code-like whose local events apply to it, or None;
    by default only global events apply, as in C.

    Raises ValueError for lists of different lengths, or if the states of one code-like are not adjacent.
    """

    __slots__ = (
        "_buffer",
        "_codes",
        "_groups",
        "_ids",
        "_local",
        "_lock",
        "_pointers",
        "_probe",
        "_version",
        "_zeros",
        "data",
        "events",
    )

    data: bytearray
    """``data[2 * index]`` is the ``active`` byte of a state; ``data[2 * index + 1]`` is ``opaque``, which is not
    used."""
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
        # Reentrant: a tool that watches this module may enter a scope from its callback.
        self._lock = RLock()
        self._pointers: list[Any] = [None] * len(self.events)
        # This export prevents the bytearray from being resized, so its address stays valid.
        self._buffer = (ctypes.c_char * len(self.data)).from_buffer(self.data)

    def enter(self) -> bool:
        """Refresh the states. Returns whether any is active. To be called again after a yield.

        Entering several times, recursively or in several threads, is harmless: a state describes the tools, not the
        runs of the scope. ``sys.settrace`` in another thread counts as active as well; see rule 3 of the module. On
        a Python version that cannot fire events, warns once.
        """
        # `any_tool` written out: the call would take a quarter of the time that entering takes without tools.
        if (
            get_tool(0) is None
            and get_tool(1) is None
            and get_tool(2) is None
            and get_tool(3) is None
            and get_tool(4) is None
            and get_tool(5) is None
            and gettrace() is None
            and getprofile() is None
        ):
            # Cheaper than asking the C API for the version. The states are not cleared, because another thread that
            # is traced may use them. The version makes the next tool refresh them.
            self._version = 0
            return False
        return self.enter_with_tools()

    def enter_with_tools(self) -> bool:
        """Like `enter`, for a caller that has just checked that there is a tool."""
        if _capi.UNAVAILABLE:
            _capi.warn_that_nothing_fires()
            return False
        probe = self._probe
        # Most often nothing has changed, and nothing is written, so that the lock is not needed.
        enter_scope(*probe.arguments)
        if probe.version.value == self._version:
            if self._local:
                if self._read_local() == self._local:
                    return self.data != self._zeros
                return self._refresh()
            for code in self._codes:
                # Whether a tool has local events. Written out, because it runs whenever a scope is entered while
                # there is a tool.
                if (
                    (get_tool(0) is not None and get_local_events(0, code))
                    or (get_tool(1) is not None and get_local_events(1, code))
                    or (get_tool(2) is not None and get_local_events(2, code))
                    or (get_tool(3) is not None and get_local_events(3, code))
                    or (get_tool(4) is not None and get_local_events(4, code))
                    or (get_tool(5) is not None and get_local_events(5, code))
                ):
                    break
            else:
                return self.data != self._zeros
        return self._refresh()

    def _refresh(self) -> bool:
        # Without the lock, a thread could write states that are older than a change that another thread has seen.
        probe = self._probe
        with self._lock:
            enter_scope(*probe.arguments)
            version = probe.version.value
            if version != self._version:
                self._remove_freed()
                # The first call in a process registers a tool for a moment, which is a new version.
                enter_scope(*probe.arguments)
                self._version = probe.version.value
                self._local = self._read_local()
                self._reset()
            else:
                self.refresh_local()
            return self.data != self._zeros

    def exit(self) -> None:
        """The counterpart of `enter`, for a scope that was active. The C function currently does nothing."""
        _capi.exit_scope()

    def refresh_local(self) -> None:
        """Read the local events again: a callback that was just called may have set some."""
        if self._read_local() == self._local:
            return
        with self._lock:
            local = self._read_local()
            if local != self._local:
                self._change_local(local)

    def active(self, index: int) -> int:
        """Return the bits of the tools that listen to a state (0x40: setprofile, 0x80: settrace)."""
        return self.data[2 * index]

    def set_active(self, index: int, tools: int) -> None:
        """Set the tools that listen to a state: for tests, and for engines with states of their own."""
        self.data[2 * index] = tools

    def first_of(self, owner: int) -> int:
        """Return the index of the first state of a code-like, given by its position among the owners, from 0."""
        return self._groups[owner][1]

    @property
    def version(self) -> int:
        """The version of the interpreter's events in these states; 0 if no tool existed."""
        return self._version

    @property
    def any_active(self) -> bool:
        """Whether any state is currently active."""
        return self.data != self._zeros

    def pointer(self, index: int) -> Any:
        """Return a pointer to a state, ``PyMonitoringState *``, as an argument for ``ctypes``. Raises
        IndexError."""
        pointer = self._pointers[index]
        if pointer is None:
            # ctypes converts a byref() fastest; it also keeps the buffer alive.
            pointer = self._pointers[index] = _capi.byref(self._buffer, 2 * index)
        return pointer

    def __len__(self) -> int:
        return len(self.events)

    def __repr__(self) -> str:
        listening = [
            f"{event.name}={tools:#04x}"
            for event, tools in zip(self.events, self.data[::2], strict=True)
            if tools
        ]
        return f"<StateArray of {len(self)}: {' '.join(listening) or 'nothing active'}>"

    # -- implementation --------------------------------------------------------------------------------------

    def _remove_freed(self) -> None:
        """Remove the local events of tools that were freed. Freeing a tool creates a new version."""
        for tool in _TOOL_IDS:
            if get_tool(tool) is not None:
                for code in self._codes:
                    if get_local_events(tool, code):
                        remove_freed(tool, code)

    def _read_local(self) -> dict[int, int]:
        """Return {tool + 8 * group: the tool's local events}, without empty sets."""
        local: dict[int, int] = {}
        for tool in _TOOL_IDS:
            if get_tool(tool) is not None:
                for number, (code, _start, _stop) in enumerate(self._groups):
                    if code is not None and (events := get_local_events(tool, code)):
                        local[tool + 8 * number] = events
        return local

    def _reset(self) -> None:
        """Compute the active bytes from the global events that the probe has read and the local events."""
        for number, (_code, start, stop) in enumerate(self._groups):
            tools = bytearray(self._probe.tools())
            for tool in _TOOL_IDS:
                for event in _ids_in(self._local.get(tool + 8 * number, 0)):
                    tools[event] |= 1 << tool
            tools[C_RETURN.id] = tools[C_RAISE.id] = tools[CALL.id]
            self.data[2 * start : 2 * stop : 2] = self._ids[start:stop].translate(tools)

    def _change_local(self, local: dict[int, int]) -> None:
        """Set or clear only the bits that have changed, so that other DISABLEs are kept."""
        global_tools = self._probe.tools()
        for key in self._local.keys() | local.keys():
            before, now = self._local.get(key, 0), local.get(key, 0)
            tool, bit = key & 7, 1 << (key & 7)
            on = _ids_in(now & ~before)
            off = {event for event in _ids_in(before & ~now) if not global_tools[event] >> tool & 1}
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
    """Reads the global events through the C API, with a state for each event that occurs in an array.

    The C API does not get the array itself: it would set the bits of the tools 6 and 7 and clear the local events,
    and it reads past the end of its table for C_RETURN and C_RAISE, which are never in it.
    """

    __slots__ = ("_data", "_ids", "arguments", "version")

    arguments: tuple[Any, ...]
    """The arguments of ``enter_scope``. After the call ``version`` is the version of the interpreter's events, and
    the states have been refreshed if it is new."""

    def __init__(self, events: Sequence[Event]) -> None:
        fireable = {event.id for event in events} - {C_RETURN.id, C_RAISE.id} | {CALL.id}
        self._ids = bytes(sorted(fireable))
        self._data = bytearray(2 * len(self._ids))
        self.version = ctypes.c_uint64(0)
        states = (ctypes.c_char * len(self._data)).from_buffer(self._data)
        ids = ctypes.create_string_buffer(self._ids, len(self._ids))
        # Created once, in the form that the C function needs. The references keep the targets alive.
        self.arguments = (
            ctypes.byref(states),
            ctypes.byref(self.version),
            ctypes.byref(ids),
            ctypes.c_ssize_t(len(self._ids)),
        )

    def tools(self) -> bytes:
        """Return 256 bytes: for each event id, the tools that have enabled it globally."""
        table = bytearray(256)
        for event, tools in zip(self._ids, self._data[::2], strict=True):
            table[event] = tools
        return bytes(table)


def _ids_in(mask: int) -> set[int]:
    return {event for event in range(mask.bit_length()) if mask >> event & 1}


def _group(owners: Sequence[CodeType | None]) -> list[tuple[CodeType | None, int, int]]:
    """Return (code-like, first state, end of its states) for each run of states with one owner."""
    groups: list[tuple[CodeType | None, int, int]] = []
    known: set[int] = set()
    for index, code in enumerate(owners):
        if groups and groups[-1][0] is code:
            groups[-1] = (code, groups[-1][1], index + 1)
            continue
        if code is not None and id(code) in known:
            raise ValueError(f"the states of {code!r} are not neighbours")
        known.add(id(code))
        groups.append((code, index, index + 1))
    return groups
