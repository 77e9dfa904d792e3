"""The part of CPython's C API this package stands on, through ``ctypes``: no extension module has to be built.

Rule: every function here is called with the GIL held (``PyDLL``) and turns an error of the C function into the
Python exception it set. ``Include/cpython/monitoring.h`` has the prototypes. Its ``PyMonitoring_Fire…`` functions
are inline: they look at ``state->active`` and then call the exported ``_PyMonitoring_Fire…`` ones, which is done
here too.

On a Python that lacks one of the functions, or has no GIL, importing this works all the same: :data:`UNAVAILABLE`
says why nothing can be fired, state arrays then find nothing active, and say so once
(:func:`warn_that_nothing_fires`).

The C API's functions for exceptions (RAISE, PY_UNWIND …) are not here: they take the exception from the thread's
error indicator, which is always clear when ``ctypes`` makes a call. :mod:`tmplmon.monitoring.fire` does without
them.
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
    "enter_scope",
    "enter_tracing",
    "exit_scope",
    "in_callback",
    "leave_tracing",
    "object_",
    "tracing",
    "warn_that_nothing_fires",
]

# Function objects of our own: those of ctypes.pythonapi are everybody's.
_library = ctypes.PyDLL(None, handle=ctypes.pythonapi._handle)
_lacking: list[str] = []


def _function(name: str) -> Callable[..., Any]:
    """A function that takes what it is given without a look, and returns an int."""
    try:
        found: Callable[..., Any] = _library[name]
    except AttributeError:
        _lacking.append(name)

        def found(*arguments: object) -> int:
            raise RuntimeError(f"this Python does not export {name}, so no events can be fired")

    return found


# The functions that are called often have no argument types: converting by them takes longer than the calls
# do. What they are given has to be ctypes objects, made beforehand, but for C ints. Anything else would be a
# wild pointer.

# int PyMonitoring_EnterScope(PyMonitoringState *, uint64_t *version, const uint8_t *event_types, Py_ssize_t)
enter_scope: Callable[..., int] = _function("PyMonitoring_EnterScope")
exit_scope: Callable[[], int] = _function("PyMonitoring_ExitScope")

# Between these two a thread fires no events: what the VM does around every callback. (PyThreadState *) -> nothing.
enter_tracing: Callable[..., object] = _function("PyThreadState_EnterTracing")
leave_tracing: Callable[..., object] = _function("PyThreadState_LeaveTracing")
_thread_state = _function("PyThreadState_Get")
_thread_state.restype = ctypes.c_void_p  # type: ignore[attr-defined]


def _get_thread_state() -> ctypes.c_void_p:
    """This thread's ``PyThreadState *``; null where it cannot be had."""
    if "PyThreadState_Get" in _lacking:
        return ctypes.c_void_p()
    return ctypes.c_void_p(_thread_state())


def _find_tracing_offset() -> int | None:
    """Return the offset of ``tracing`` in a PyThreadState: the int that counts PyThreadState_EnterTracing calls.

    None if there is not exactly one int that does. It is near the head; 256 bytes are well inside the structure.
    """
    if _lacking:
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
    """This thread's ``PyThreadState *``, and the count in it that is above 0 while the thread is inside a tool's
    callback, a tracer or a profiler."""

    def __init__(self) -> None:
        self.state = _get_thread_state()
        self.count = (
            ctypes.c_int(0)
            if TRACING_OFFSET is None or self.state.value is None
            else ctypes.c_int.from_address(self.state.value + TRACING_OFFSET)
        )


tracing = _Tracing()


def in_callback() -> bool:
    """Whether this thread is inside a tool's callback, a tracer or a profiler, so that no events are to be fired.

    The VM looks at this for its own events; its C API does not for those it is told to fire. False where it
    cannot be told (:data:`TRACING_OFFSET` is None).
    """
    return tracing.count.value > 0


object_ = ctypes.py_object
byref = ctypes.byref

# Each: (pointer to the state, object_(code-like), offset, further arguments) -> 0. Further arguments are
# object_, but for FIRE_LINE, whose line is an int.
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
    if _lacking:
        return f"this Python does not export {', '.join(_lacking)}"
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        # States are changed by reading and writing a byte, callbacks are read by replacing them.
        return "this Python runs without the GIL, which tmplmon.monitoring relies on"
    return ""


UNAVAILABLE = _why_unavailable()
"""Why no events can be fired on this Python; empty where they can."""


@functools.cache
def warn_that_nothing_fires() -> None:
    """Say, once, that a tool gets nothing from scopes on this Python."""
    message = (
        f"{UNAVAILABLE}: code that has no bytecode runs without events, and tools that listen to sys.monitoring or "
        "sys.settrace do not see it"
    )
    warnings.warn(message, RuntimeWarning, stacklevel=2)
