"""The parts of CPython's C API that this package needs, through ``ctypes``: no extension module has to be built.

Rule: every function here is called with the GIL held (``PyDLL``), and an error in the C function is raised as the
Python exception that it set. ``Include/cpython/monitoring.h`` has the prototypes. Its ``PyMonitoring_Fire…``
functions are inline: they check ``state->active`` and then call the exported ``_PyMonitoring_Fire…``
functions; this package does the same.

On a Python that lacks one of the functions, or has no GIL, this module can still be imported. `UNAVAILABLE`
then contains the reason. State arrays find nothing active, and warn once (`warn_that_nothing_fires`).

The C API's functions for exceptions (RAISE, PY_UNWIND …) are not used: they read the exception from the thread's
error indicator, which is always clear when ``ctypes`` makes a call. See `tmplmon.monitoring.fire`.
"""

from __future__ import annotations

import ctypes
import functools
import sys
import threading
import warnings
from array import array
from collections.abc import Callable
from typing import Any

__all__ = [
    "FIRE_BRANCH_LEFT",
    "FIRE_BRANCH_RIGHT",
    "FIRE_CALL",
    "FIRE_JUMP",
    "FIRE_LINE",
    "FIRE_PY_RESUME",
    "FIRE_PY_RETURN",
    "FIRE_PY_START",
    "FIRE_PY_YIELD",
    "FIRE_STOP_ITERATION",
    "UNAVAILABLE",
    "byref",
    "decref",
    "enter_scope",
    "enter_tracing",
    "exit_scope",
    "in_callback",
    "leave_tracing",
    "object_",
    "tracing",
    "warn_that_nothing_fires",
]

# A library object of this package: the function objects of ctypes.pythonapi are shared by all of its users.
_library = ctypes.PyDLL(None, handle=ctypes.pythonapi._handle)
_missing: list[str] = []


def _function(name: str) -> Callable[..., Any]:
    """Return a C function that does not check its arguments and returns an int."""
    try:
        return _library[name]
    except AttributeError:
        _missing.append(name)

    def missing(*arguments: object) -> int:
        raise RuntimeError(f"this Python does not export {name}, so no events can be fired")

    return missing


# Functions that are called often have no argument types, because converting arguments takes longer than the call.
# Their arguments must be ctypes objects, except for C ints. Any other argument would be used as a pointer.

# int PyMonitoring_EnterScope(PyMonitoringState *, uint64_t *version, const uint8_t *event_types, Py_ssize_t)
enter_scope: Callable[..., int] = _function("PyMonitoring_EnterScope")
exit_scope: Callable[[], int] = _function("PyMonitoring_ExitScope")

# A thread fires no events between these two calls. The VM does this around every callback. (PyThreadState *)
# -> void.
enter_tracing: Callable[..., object] = _function("PyThreadState_EnterTracing")
leave_tracing: Callable[..., object] = _function("PyThreadState_LeaveTracing")
# Releases a reference. (PyObject *) -> void.
decref: Callable[..., object] = _function("Py_DecRef")

_thread_state = _function("PyThreadState_Get")
_thread_state.restype = ctypes.c_void_p  # type: ignore[attr-defined]


def _get_thread_state() -> ctypes.c_void_p:
    """Return this thread's ``PyThreadState *``; a null pointer if it is not available."""
    if "PyThreadState_Get" in _missing:
        return ctypes.c_void_p()
    return ctypes.c_void_p(_thread_state())


def _find_tracing_offset() -> int | None:
    """Return the offset of ``tracing`` in a PyThreadState: the int that counts PyThreadState_EnterTracing calls.

    None if not exactly one int does. It is near the start of the structure, which is much larger than 256 bytes.
    """
    if _missing:
        return None
    state = _get_thread_state()
    size, rounds = 256, 4
    snapshots = []
    for _ in range(rounds):
        snapshots.append(array("i", ctypes.string_at(state, size)))
        enter_tracing(state)
    for _ in range(rounds):
        leave_tracing(state)
    counting = [
        index
        for index, values in enumerate(zip(*snapshots, strict=True))
        if all(value == values[0] + round for round, value in enumerate(values))
    ]
    return counting[0] * snapshots[0].itemsize if len(counting) == 1 else None


TRACING_OFFSET = _find_tracing_offset()


class _Tracing(threading.local):
    """This thread's ``PyThreadState *``, and its counter that is positive inside callbacks, tracers and
    profilers."""

    def __init__(self) -> None:
        self.state = _get_thread_state()
        self.count = (
            ctypes.c_int(0)
            if TRACING_OFFSET is None or self.state.value is None
            else ctypes.c_int.from_address(self.state.value + TRACING_OFFSET)
        )


tracing = _Tracing()


def in_callback() -> bool:
    """Whether this thread is inside a tool's callback, a tracer or a profiler, where no events must be fired.

    The VM checks this for its own events; the C API does not check it for events that are fired through it. False
    if it is unknown (`TRACING_OFFSET` is None).
    """
    return tracing.count.value > 0


object_ = ctypes.py_object
byref = ctypes.byref

# Signature: (pointer to the state, object_(code-like), offset, further arguments) -> 0. The further arguments are
# object_, except for FIRE_LINE, whose line is an int.
FIRE_PY_START: Callable[..., int] = _function("_PyMonitoring_FirePyStartEvent")
FIRE_PY_RESUME: Callable[..., int] = _function("_PyMonitoring_FirePyResumeEvent")
FIRE_PY_RETURN: Callable[..., int] = _function("_PyMonitoring_FirePyReturnEvent")
FIRE_PY_YIELD: Callable[..., int] = _function("_PyMonitoring_FirePyYieldEvent")
FIRE_CALL: Callable[..., int] = _function("_PyMonitoring_FireCallEvent")
FIRE_LINE: Callable[..., int] = _function("_PyMonitoring_FireLineEvent")
FIRE_JUMP: Callable[..., int] = _function("_PyMonitoring_FireJumpEvent")
FIRE_STOP_ITERATION: Callable[..., int] = _function("_PyMonitoring_FireStopIterationEvent")
FIRE_BRANCH_LEFT: Callable[..., int]
FIRE_BRANCH_RIGHT: Callable[..., int]
if hasattr(sys.monitoring.events, "BRANCH_LEFT"):
    FIRE_BRANCH_LEFT = _function("_PyMonitoring_FireBranchLeftEvent")
    FIRE_BRANCH_RIGHT = _function("_PyMonitoring_FireBranchRightEvent")
else:  # 3.13: one event for both
    FIRE_BRANCH_LEFT = FIRE_BRANCH_RIGHT = _function("_PyMonitoring_FireBranchEvent")


def _why_unavailable() -> str:
    if _missing:
        return f"this Python does not export {', '.join(_missing)}"
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        # States are changed by reading and writing a byte, and callbacks are read by replacing them.
        return "this Python runs without the GIL, which tmplmon.monitoring relies on"
    return ""


UNAVAILABLE = _why_unavailable()
"""Why no events can be fired on this Python; empty if they can."""


@functools.cache
def warn_that_nothing_fires() -> None:
    """Warn, once, that tools get no events from scopes on this Python."""
    message = (
        f"{UNAVAILABLE}: code that has no bytecode runs without events, and tools that listen to sys.monitoring or "
        "sys.settrace do not see it"
    )
    warnings.warn(message, RuntimeWarning, stacklevel=2)
