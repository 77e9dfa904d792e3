"""Fire an event to the tools that listen to a state: each function does what the C API's of that name does.

    fire_line(states, index, codelike, offset, line)

fires LINE to the tools in the ``active`` byte of state ``index``, highest tool first, as the VM does. Rules:

- Nobody listening: nothing happens, and nothing is looked at. Engines check the byte themselves before they call.
- A callback that returns DISABLE takes its tool out of that state, if the event allows it; if not, the callback is
  removed and ValueError is raised. What a callback raises comes out of the function, and no further tool is called.
- Callbacks see no events of their own: not of the code they run, and not of what they make this package fire.
- ``offset`` is the byte offset in the code-like; a negative one is a ValueError, if anybody listens.
- The tools 6 and 7 (``sys.setprofile``, ``sys.settrace``) are passed over: they want a frame, and there is none
  here. :mod:`tmplmon.monitoring.scope` has one, and serves them.

Most events go through the C API. Those that carry an exception being raised cannot (see ``_capi``), and the C
API's C_RETURN leaves out an argument; these are dispatched here, between ``PyThreadState_EnterTracing`` and
``…LeaveTracing``, as ``capi_call_instrumentation`` in CPython's ``Python/instrumentation.c`` does it. A callback
can only be read by replacing it (``register_callback``), so it is replaced, and put back at once.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from itertools import chain
from types import CodeType
from typing import Any

from tmplmon.monitoring import _capi, events
from tmplmon.monitoring._capi import byref, object_, tracing
from tmplmon.monitoring.events import Event
from tmplmon.monitoring.hidden import hide_all
from tmplmon.monitoring.states import LEGACY_TOOLS, TOOLS, StateArray

__all__ = [
    "fire_branch_left",
    "fire_branch_right",
    "fire_c_raise",
    "fire_c_return",
    "fire_call",
    "fire_exception_handled",
    "fire_jump",
    "fire_line",
    "fire_py_resume",
    "fire_py_return",
    "fire_py_start",
    "fire_py_throw",
    "fire_py_unwind",
    "fire_py_yield",
    "fire_raise",
    "fire_reraise",
    "fire_stop_iteration",
    "silently",
]

type Caller = Callable[..., Any]
"""Calls a function with arguments: ``caller(function, *arguments)``; a scope's frame is one."""

MISSING = sys.monitoring.MISSING
DISABLE = sys.monitoring.DISABLE
register_callback = sys.monitoring.register_callback


def fire_py_start(states: StateArray, index: int, codelike: CodeType, offset: int) -> None:
    """The scope starts."""
    through_c(_capi.FIRE_PY_START, states, index, codelike, offset)


def fire_py_resume(states: StateArray, index: int, codelike: CodeType, offset: int) -> None:
    """The scope goes on after a yield (but not because something was thrown into it: PY_THROW)."""
    through_c(_capi.FIRE_PY_RESUME, states, index, codelike, offset)


def fire_py_return(states: StateArray, index: int, codelike: CodeType, offset: int, value: object) -> None:
    """The scope is about to return ``value``."""
    through_c(_capi.FIRE_PY_RETURN, states, index, codelike, offset, object_(value))


def fire_py_yield(states: StateArray, index: int, codelike: CodeType, offset: int, value: object) -> None:
    """The scope is about to yield ``value``."""
    through_c(_capi.FIRE_PY_YIELD, states, index, codelike, offset, object_(value))


def fire_call(
    states: StateArray, index: int, codelike: CodeType, offset: int, callable: object, arg0: object = MISSING
) -> None:
    """``callable`` is about to be called, with ``arg0`` first (``sys.monitoring.MISSING``: no arguments)."""
    through_c(_capi.FIRE_CALL, states, index, codelike, offset, object_(callable), object_(arg0))


def fire_line(states: StateArray, index: int, codelike: CodeType, offset: int, line: int) -> None:
    """Execution reaches ``line``. Callbacks get the line, not the offset."""
    through_c(_capi.FIRE_LINE, states, index, codelike, offset, line)


def fire_jump(states: StateArray, index: int, codelike: CodeType, offset: int, destination: int) -> None:
    """An unconditional jump to the offset ``destination``."""
    through_c(_capi.FIRE_JUMP, states, index, codelike, offset, object_(destination))


def fire_branch_left(
    states: StateArray, index: int, codelike: CodeType, offset: int, destination: int
) -> None:
    """A branch goes left, to the offset ``destination``: its condition holds, or its loop goes on."""
    through_c(_capi.FIRE_BRANCH_LEFT, states, index, codelike, offset, object_(destination))


def fire_branch_right(
    states: StateArray, index: int, codelike: CodeType, offset: int, destination: int
) -> None:
    """A branch goes right, to the offset ``destination``: its condition fails, or its loop is done."""
    through_c(_capi.FIRE_BRANCH_RIGHT, states, index, codelike, offset, object_(destination))


def fire_stop_iteration(
    states: StateArray, index: int, codelike: CodeType, offset: int, value: object
) -> None:
    """An iterator ended with ``value``, or with the StopIteration given, without an exception being
    raised."""
    through_c(_capi.FIRE_STOP_ITERATION, states, index, codelike, offset, object_(value))


def fire_c_return(
    states: StateArray, index: int, codelike: CodeType, offset: int, callable: object, arg0: object = MISSING
) -> None:
    """A callable that is no Python function returned. Its arguments are those of the CALL before it."""
    dispatch(events.C_RETURN, states, index, codelike, offset, callable, arg0)


def fire_c_raise(
    states: StateArray, index: int, codelike: CodeType, offset: int, callable: object, arg0: object = MISSING
) -> None:
    """A callable that is no Python function raised. Its arguments are those of the CALL before it."""
    dispatch(events.C_RAISE, states, index, codelike, offset, callable, arg0)


def fire_raise(
    states: StateArray, index: int, codelike: CodeType, offset: int, exception: BaseException | None
) -> None:
    """``exception`` is raised, or comes out of something the scope called."""
    fire_exception(events.RAISE, states, index, codelike, offset, exception)


def fire_reraise(
    states: StateArray, index: int, codelike: CodeType, offset: int, exception: BaseException | None
) -> None:
    """``exception`` is raised once more, at the end of a handler that did not want it or of a ``finally``."""
    fire_exception(events.RERAISE, states, index, codelike, offset, exception)


def fire_exception_handled(
    states: StateArray, index: int, codelike: CodeType, offset: int, exception: BaseException | None
) -> None:
    """``exception`` was caught."""
    fire_exception(events.EXCEPTION_HANDLED, states, index, codelike, offset, exception)


def fire_py_unwind(
    states: StateArray, index: int, codelike: CodeType, offset: int, exception: BaseException | None
) -> None:
    """The scope ends because of ``exception``."""
    fire_exception(events.PY_UNWIND, states, index, codelike, offset, exception)


def fire_py_throw(
    states: StateArray, index: int, codelike: CodeType, offset: int, exception: BaseException | None
) -> None:
    """The scope goes on after a yield, with ``exception`` thrown into it."""
    fire_exception(events.PY_THROW, states, index, codelike, offset, exception)


# -- how it is done ------------------------------------------------------------------------------------------


def call_directly(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


def through_c(
    function: Callable[..., int],
    states: StateArray,
    index: int,
    codelike: CodeType,
    offset: int,
    *arguments: Any,
) -> None:
    """Fire with a function of the C API. ``arguments`` are as it wants them: ``object_`` or, for a line, an
    int."""
    active = states.data[2 * index]
    if not active or tracing.count.value:
        return
    if active & LEGACY_TOOLS:
        without_legacy(states.data, 2 * index, call_directly, function, object_(codelike), offset, *arguments)
    else:
        function(states.pointer(index), object_(codelike), offset, *arguments)


def without_legacy(
    data: bytearray, check: int, caller: Caller, function: Callable[..., int], *arguments: Any
) -> None:
    """Have ``caller`` call a function of the C API for the tools 0 to 5 of the state at ``data[check]`` only.

    It gets a copy of the state. With the two bits taken out of the state itself, a traced thread that comes by
    while a callback runs in this one would not find them.
    """
    tools = data[check] & TOOLS
    if tools:
        copy = bytearray((tools, 0))
        try:
            caller(function, byref(ctypes.c_char.from_buffer(copy)), *arguments)
        finally:
            data[check] &= ~(tools & ~copy[0])  # whom DISABLE took out


def fire_exception(
    event: Event,
    states: StateArray,
    index: int,
    codelike: CodeType,
    offset: int,
    exception: BaseException | None,
    caller: Caller = call_directly,
) -> None:
    """Fire one of the events that carry an exception. Raises ValueError, as the C API does, if there is
    none."""
    if states.data[2 * index] & TOOLS:
        if exception is None:
            raise ValueError(f"Firing event {event.id} with no exception set")
        dispatch(event, states, index, codelike, offset, exception, caller=caller)


def dispatch(
    event: Event,
    states: StateArray,
    index: int,
    codelike: CodeType,
    offset: int,
    *arguments: object,
    caller: Caller = call_directly,
) -> None:
    """Fire an event without the C API. Not used where the C API can do it: this needs 1 to 2 µs a tool."""
    tools = states.data[2 * index] & TOOLS
    if not tools or tracing.count.value:
        return
    if offset < 0:
        raise ValueError("offset must be non-negative")
    silently(_call_tools, tools, event, states, index, caller, (codelike, offset, *arguments))


def _call_tools(
    tools: int, event: Event, states: StateArray, index: int, caller: Caller, arguments: tuple[object, ...]
) -> None:
    for tool in (5, 4, 3, 2, 1, 0):
        if not tools >> tool & 1:
            continue
        callback = _callback(tool, event.mask)
        if callback is not None and caller(callback, *arguments) is DISABLE:
            if not event.can_disable:
                register_callback(tool, event.mask, None)
                raise ValueError(f"Cannot disable {event.name} events. Callback removed.")
            states.data[2 * index] &= ~(1 << tool)


def _callback(tool: int, mask: int) -> Any:
    """Return a tool's callback for an event, or None: register None, which gives it, then register it again.

    Both in one call of a C function, since Python could change threads between two calls of its own, and the other
    thread's event would find no callback.
    """
    found: list[Any] = []
    found.extend(map(register_callback, (tool, tool), (mask, mask), chain((None,), found)))
    return found[0]


def silently(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return ``function(*arguments)``; this thread fires no events meanwhile, as if it were in a callback.

    Not a context manager: the VM of 3.15 crashes where a Python function begins while events are off and ends
    while they are on, as the ``__exit__`` of one would.
    """
    if _capi.UNAVAILABLE:
        return function(*arguments)
    state = tracing.state
    _capi.enter_tracing(state)
    try:
        return function(*arguments)
    finally:
        _capi.leave_tracing(state)


hide_all(globals())
