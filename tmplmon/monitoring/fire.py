"""Fires an event to the tools that listen to a state. Each function does what the C API's function of that
name does.

    fire_line(states, index, codelike, offset, line)

fires LINE to the tools in the ``active`` byte of state ``index``, the highest tool first, as the VM does.

Arguments of all functions: ``states`` and ``index``, the array and the index of the state; ``codelike`` and
``offset``, the code object and the byte offset of the event in it. Further arguments are described by each
function. They raise what a callback raises, and ValueError for a negative offset or a DISABLE that the event
does not allow.

Rules:

- If no tool listens, nothing happens and no argument is checked. Engines check the byte before they call.
- A callback that returns DISABLE removes its tool from that state, if the event allows that; otherwise the callback
  itself is removed. After an exception no further tool is called.
- Callbacks get no events for code that they run, nor for events that this package fires for it.
- The tools 6 and 7 (``sys.setprofile``, ``sys.settrace``) are skipped: they need a frame, and there is none here.
  `tmplmon.monitoring.scope` has frames, and calls these tools.

Most events are fired through the C API. It cannot fire events with an exception (see ``_capi``), and its C_RETURN
lacks an argument. These are dispatched here, between ``PyThreadState_EnterTracing`` and ``…LeaveTracing``, as in
``capi_call_instrumentation`` in CPython's ``Python/instrumentation.c``. A callback can only be read by replacing it
(``register_callback``), so it is replaced and restored at once.
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
"""Calls a function with arguments: ``caller(function, *arguments)``, for example from a scope's frame."""

MISSING = sys.monitoring.MISSING
DISABLE = sys.monitoring.DISABLE
register_callback = sys.monitoring.register_callback


def fire_py_start(states: StateArray, index: int, codelike: CodeType, offset: int) -> None:
    """Fire PY_START: the scope starts."""
    through_c(_capi.FIRE_PY_START, states, index, codelike, offset)


def fire_py_resume(states: StateArray, index: int, codelike: CodeType, offset: int) -> None:
    """Fire PY_RESUME: the scope resumes after a yield, without an exception thrown into it (PY_THROW)."""
    through_c(_capi.FIRE_PY_RESUME, states, index, codelike, offset)


def fire_py_return(states: StateArray, index: int, codelike: CodeType, offset: int, value: object) -> None:
    """Fire PY_RETURN: the scope is about to return ``value``."""
    through_c(_capi.FIRE_PY_RETURN, states, index, codelike, offset, object_(value))


def fire_py_yield(states: StateArray, index: int, codelike: CodeType, offset: int, value: object) -> None:
    """Fire PY_YIELD: the scope is about to yield ``value``."""
    through_c(_capi.FIRE_PY_YIELD, states, index, codelike, offset, object_(value))


def fire_call(
    states: StateArray, index: int, codelike: CodeType, offset: int, callable: object, arg0: object = MISSING
) -> None:
    """Fire CALL: ``callable`` is about to be called. ``arg0``: its first argument;
    ``sys.monitoring.MISSING``: none."""
    through_c(_capi.FIRE_CALL, states, index, codelike, offset, object_(callable), object_(arg0))


def fire_line(states: StateArray, index: int, codelike: CodeType, offset: int, line: int) -> None:
    """Fire LINE: execution reaches ``line``. Callbacks get the line, not the offset."""
    through_c(_capi.FIRE_LINE, states, index, codelike, offset, line)


def fire_jump(states: StateArray, index: int, codelike: CodeType, offset: int, destination: int) -> None:
    """Fire JUMP: an unconditional jump to the offset ``destination``."""
    through_c(_capi.FIRE_JUMP, states, index, codelike, offset, object_(destination))


def fire_branch_left(
    states: StateArray, index: int, codelike: CodeType, offset: int, destination: int
) -> None:
    """Fire BRANCH_LEFT: a branch to the offset ``destination``; the condition is true, or the loop continues."""
    through_c(_capi.FIRE_BRANCH_LEFT, states, index, codelike, offset, object_(destination))


def fire_branch_right(
    states: StateArray, index: int, codelike: CodeType, offset: int, destination: int
) -> None:
    """Fire BRANCH_RIGHT: a branch to the offset ``destination``; the condition is false, or the loop ends."""
    through_c(_capi.FIRE_BRANCH_RIGHT, states, index, codelike, offset, object_(destination))


def fire_stop_iteration(
    states: StateArray, index: int, codelike: CodeType, offset: int, value: object
) -> None:
    """Fire STOP_ITERATION: an iterator has ended without raising. ``value``: its value, or a StopIteration."""
    through_c(_capi.FIRE_STOP_ITERATION, states, index, codelike, offset, object_(value))


def fire_c_return(
    states: StateArray, index: int, codelike: CodeType, offset: int, callable: object, arg0: object = MISSING
) -> None:
    """Fire C_RETURN: a callable that is not a Python function has returned. Arguments as for the CALL before it."""
    dispatch(events.C_RETURN, states, index, codelike, offset, callable, arg0)


def fire_c_raise(
    states: StateArray, index: int, codelike: CodeType, offset: int, callable: object, arg0: object = MISSING
) -> None:
    """Fire C_RAISE: a callable that is not a Python function has raised. Arguments as for the CALL before it."""
    dispatch(events.C_RAISE, states, index, codelike, offset, callable, arg0)


def fire_raise(
    states: StateArray, index: int, codelike: CodeType, offset: int, exception: BaseException | None
) -> None:
    """Fire RAISE: ``exception`` is raised, or propagates from a call of the scope. Raises ValueError for None."""
    fire_exception(events.RAISE, states, index, codelike, offset, exception)


def fire_reraise(
    states: StateArray, index: int, codelike: CodeType, offset: int, exception: BaseException | None
) -> None:
    """Fire RERAISE: ``exception`` is raised again by a handler or at the end of a ``finally``. Raises
    ValueError for None."""
    fire_exception(events.RERAISE, states, index, codelike, offset, exception)


def fire_exception_handled(
    states: StateArray, index: int, codelike: CodeType, offset: int, exception: BaseException | None
) -> None:
    """Fire EXCEPTION_HANDLED: ``exception`` has been caught. Raises ValueError for None."""
    fire_exception(events.EXCEPTION_HANDLED, states, index, codelike, offset, exception)


def fire_py_unwind(
    states: StateArray, index: int, codelike: CodeType, offset: int, exception: BaseException | None
) -> None:
    """Fire PY_UNWIND: the scope ends because of ``exception``. Raises ValueError for None."""
    fire_exception(events.PY_UNWIND, states, index, codelike, offset, exception)


def fire_py_throw(
    states: StateArray, index: int, codelike: CodeType, offset: int, exception: BaseException | None
) -> None:
    """Fire PY_THROW: ``exception`` is thrown into the scope after a yield. Raises ValueError for None."""
    fire_exception(events.PY_THROW, states, index, codelike, offset, exception)


# -- implementation ------------------------------------------------------------------------------------------


def call_directly(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function without a frame of a scope: the default `Caller`."""
    return function(*arguments)


def through_c(
    function: Callable[..., int],
    states: StateArray,
    index: int,
    codelike: CodeType,
    offset: int,
    *arguments: Any,
) -> None:
    """Fire through a function of the C API. ``arguments`` are in its form: ``object_``, or an int for a line."""
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
    """Call a function of the C API, through ``caller``, for the tools 0 to 5 of the state at ``data[check]`` only.

    The function gets a copy of the state. If the two bits were removed from the state itself, another thread
    that is traced would not see them while a callback runs in this thread.
    """
    tools = data[check] & TOOLS
    if tools:
        copy = bytearray((tools, 0))
        try:
            caller(function, byref(ctypes.c_char.from_buffer(copy)), *arguments)
        finally:
            data[check] &= ~(tools & ~copy[0])  # remove the tools that returned DISABLE


def fire_exception(
    event: Event,
    states: StateArray,
    index: int,
    codelike: CodeType,
    offset: int,
    exception: BaseException | None,
    caller: Caller = call_directly,
) -> None:
    """Fire an event that carries an exception. Raises ValueError for None, as the C API does without an
    exception."""
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
    tools: int = TOOLS,
) -> None:
    """Fire an event without the C API, which takes 1 to 2 µs per tool. Used for events that the C API cannot
    fire. ``tools``: the only ones that get it."""
    tools &= states.data[2 * index] & TOOLS
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
    """Return a tool's callback for an event, or None. Registering None returns it; then it is registered again.

    Both happen in one call of a C function. Between two calls from Python another thread could run, whose
    event would find no callback.
    """
    callbacks: list[Any] = []
    callbacks.extend(map(register_callback, (tool, tool), (mask, mask), chain((None,), callbacks)))
    return callbacks[0]


def silently(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return ``function(*arguments)``, without any events in this thread, as if inside a callback.

    Not a context manager: the VM of 3.15 crashes if a Python function starts while events are off and ends
    while they are on, as its ``__exit__`` would. Raises what ``function`` raises.
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
