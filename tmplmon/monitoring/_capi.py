"""The part of CPython's C API this package stands on, through ``ctypes``: no extension module has to be
built.

Rule: every function here is called with the GIL held (``PyDLL``) and turns an error of the C function into
the Python exception it set. ``Include/cpython/monitoring.h`` has the prototypes. Its ``PyMonitoring_Fire…``
functions are inline: they look at ``state->active`` and then call the exported ``_PyMonitoring_Fire…`` ones,
which is done here too.

The C API's functions for exceptions (RAISE, PY_UNWIND …) are not here: they take the exception from the
thread's error indicator, which is always clear when ``ctypes`` makes a call. :mod:`tmplmon.monitoring.fire`
does without them.
"""

from __future__ import annotations

import ctypes
import threading
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
    "enter_scope",
    "enter_tracing",
    "exit_scope",
    "in_callback",
    "leave_tracing",
    "object_",
    "pointer",
    "thread_state",
    "tracing",
]

_library = ctypes.PyDLL(None)  # function objects of our own: those of ctypes.pythonapi are everybody's


def _function(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    prototype = ctypes.PYFUNCTYPE(result, *arguments)
    return prototype((name, _library))


# The functions that are called often have no argument types: converting by them takes longer than the calls
# do. What they are given has to be ctypes objects, made beforehand, but for C ints. Anything else would be a
# wild pointer.

# int PyMonitoring_EnterScope(PyMonitoringState *, uint64_t *version, const uint8_t *event_types, Py_ssize_t)
enter_scope: Callable[..., int] = _library["PyMonitoring_EnterScope"]
exit_scope: Callable[[], int] = _library["PyMonitoring_ExitScope"]

# Between these two a thread fires no events: what the VM does around every callback.
thread_state: Callable[[], int] = _function("PyThreadState_Get", ctypes.c_void_p)
enter_tracing: Callable[[int], None] = _function("PyThreadState_EnterTracing", None, ctypes.c_void_p)
leave_tracing: Callable[[int], None] = _function("PyThreadState_LeaveTracing", None, ctypes.c_void_p)


def _find_tracing_offset() -> int | None:
    """Return the offset of ``tracing`` in a PyThreadState: the int that counts PyThreadState_EnterTracing
    calls.

    None if there is not exactly one int that does. It is near the head; 256 bytes are well inside the
    structure.
    """
    state = thread_state()
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
    """This thread's ``tracing``: above 0 while it is inside a tool's callback, a tracer or a profiler."""

    def __init__(self) -> None:
        self.count = (
            ctypes.c_int(0)
            if TRACING_OFFSET is None
            else ctypes.c_int.from_address(thread_state() + TRACING_OFFSET)
        )


tracing = _Tracing()


def in_callback() -> bool:
    """Whether this thread is inside a tool's callback, a tracer or a profiler, so that no events are to be
    fired.

    The VM looks at this for its own events; its C API does not for those it is told to fire. False where it
    cannot be told (:data:`TRACING_OFFSET` is None).
    """
    return tracing.count.value > 0


pointer = ctypes.c_void_p
object_ = ctypes.py_object

# Each: (pointer to the state, object_(code-like), offset, further arguments) -> 0. Further arguments are
# object_, but for FIRE_LINE, whose line is an int.
FIRE_PY_START: Callable[..., int] = _library["_PyMonitoring_FirePyStartEvent"]
FIRE_PY_RESUME: Callable[..., int] = _library["_PyMonitoring_FirePyResumeEvent"]
FIRE_PY_RETURN: Callable[..., int] = _library["_PyMonitoring_FirePyReturnEvent"]
FIRE_PY_YIELD: Callable[..., int] = _library["_PyMonitoring_FirePyYieldEvent"]
FIRE_CALL: Callable[..., int] = _library["_PyMonitoring_FireCallEvent"]
FIRE_LINE: Callable[..., int] = _library["_PyMonitoring_FireLineEvent"]
FIRE_JUMP: Callable[..., int] = _library["_PyMonitoring_FireJumpEvent"]
FIRE_STOP_ITERATION: Callable[..., int] = _library["_PyMonitoring_FireStopIterationEvent"]
FIRE_BRANCH_LEFT: Callable[..., int]
FIRE_BRANCH_RIGHT: Callable[..., int]
if hasattr(_library, "_PyMonitoring_FireBranchLeftEvent"):
    FIRE_BRANCH_LEFT = _library["_PyMonitoring_FireBranchLeftEvent"]
    FIRE_BRANCH_RIGHT = _library["_PyMonitoring_FireBranchRightEvent"]
else:  # 3.13: one event for both
    FIRE_BRANCH_LEFT = FIRE_BRANCH_RIGHT = _library["_PyMonitoring_FireBranchEvent"]
