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
    "thread_state",
]

_state = ctypes.c_void_p  # PyMonitoringState *: two bytes, active and opaque
_object = ctypes.py_object
_offset = ctypes.c_int32


def _function(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    # A function object of our own: those of ctypes.pythonapi are shared with everybody who sets their
    # argtypes.
    prototype = ctypes.PYFUNCTYPE(result, *arguments)
    return prototype((name, ctypes.pythonapi))


def _fire(name: str, *arguments: Any) -> Callable[..., int]:
    return _function(f"_PyMonitoring_Fire{name}Event", ctypes.c_int, _state, _object, _offset, *arguments)


# int PyMonitoring_EnterScope(PyMonitoringState *, uint64_t *version, const uint8_t *event_types, Py_ssize_t)
enter_scope: Callable[[int, int, int, int], int] = _function(
    "PyMonitoring_EnterScope", ctypes.c_int, _state, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_ssize_t
)
exit_scope: Callable[[], int] = _function("PyMonitoring_ExitScope", ctypes.c_int)

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


_tracing = _Tracing()


def in_callback() -> bool:
    """Whether this thread is inside a tool's callback, a tracer or a profiler, so that no events are to be
    fired.

    The VM looks at this for its own events; its C API does not for those it is told to fire. False where it
    cannot be told (:data:`TRACING_OFFSET` is None).
    """
    return _tracing.count.value > 0


# Each: (address of the state, code-like, offset, further arguments) -> 0.
FIRE_PY_START = _fire("PyStart")
FIRE_PY_RESUME = _fire("PyResume")
FIRE_PY_RETURN = _fire("PyReturn", _object)
FIRE_PY_YIELD = _fire("PyYield", _object)
FIRE_CALL = _fire("Call", _object, _object)
FIRE_LINE = _fire("Line", ctypes.c_int)
FIRE_JUMP = _fire("Jump", _object)
FIRE_STOP_ITERATION = _fire("StopIteration", _object)
try:
    FIRE_BRANCH_LEFT = _fire("BranchLeft", _object)
    FIRE_BRANCH_RIGHT = _fire("BranchRight", _object)
except AttributeError:  # 3.13: one event for both
    FIRE_BRANCH_LEFT = FIRE_BRANCH_RIGHT = _fire("Branch", _object)
