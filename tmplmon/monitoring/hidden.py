"""Functions that are hidden from tools: those on the stack while an event of a scope is fired.

Rule: between PY_START and PY_RETURN of a scope a tool sees the calls of the scope, and not the signalling itself.
Otherwise a profiler with a stack, such as cProfile, would take the return of the function that fired PY_START for
the return of the scope, and a debugger would step into that function.

The VM instruments a code object from its first RESUME on. A function is hidden by replacing its code by the same
code with NOP in place of RESUME, and one RESUME after the end, where 3.14 and later expect it. An exception that
passes through such a function is still reported (RAISE, PY_UNWIND), so functions that call the host are not hidden.

With ``TMPLMON_MONITORING_VISIBLE`` in the environment nothing is hidden, for debugging or measuring this package.

Source: ``_co_firsttraceable`` in CPython's ``Objects/codeobject.c`` and ``Python/instrumentation.c``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from functools import partial
from opcode import opmap
from types import CodeType, FunctionType
from weakref import ref

from tmplmon.monitoring.linetable import NOWHERE, encode_linetable
from tmplmon.monitoring.skeleton import RESUME

__all__ = ["VISIBLE", "allocate_data", "hide", "hide_all", "without_resume"]

VISIBLE = "TMPLMON_MONITORING_VISIBLE" in os.environ
"""Whether the environment variable is set."""
_NOP = bytes((opmap["NOP"], 0))
_RESUME = bytes(byte for unit in RESUME for byte in unit)
# Line table entries for RESUME. They do not depend on the entries before them.
_NO_PLACE = encode_linetable([NOWHERE] * len(RESUME), 1)


def hide(*functions: Callable[..., object]) -> None:
    """Hide functions from tools."""
    if not VISIBLE:
        for function in functions:
            assert isinstance(function, FunctionType)
            function.__code__ = without_resume(function.__code__)
        allocate_data(*(function.__code__ for function in functions if isinstance(function, FunctionType)))


def hide_all(owner: type | dict[str, object], besides: Iterable[str] = ()) -> None:
    """Hide the functions of a class, or those defined in a module's namespace, except the names in ``besides``."""
    names = owner if isinstance(owner, dict) else vars(owner)
    module = names["__name__"] if isinstance(owner, dict) else owner.__module__
    hide(
        *(
            value
            for name, value in names.items()
            if isinstance(value, FunctionType) and value.__module__ == module and name not in besides
        )
    )


def allocate_data(*codes: CodeType) -> None:
    """Make the VM allocate its monitoring data for code objects, as it does for code that it instruments.

    From 3.15 on, exception events are looked up in that data, and the VM follows a null pointer if an
    exception passes through a frame whose code has none: for example the driver's, when a callback raises.
    Setting a tool's local events to their current value allocates the data and changes nothing else. If no
    tool exists, one is registered temporarily. This is done once per code object, because freeing a tool
    creates a new version of all events.
    """
    if sys.version_info < (3, 15):
        return
    codes = tuple(
        code for code in codes if (known := _allocated.get(id(code))) is None or known() is not code
    )
    if not codes:
        return
    monitoring = sys.monitoring
    while True:
        tool = next((tool for tool in range(6) if monitoring.get_tool(tool) is not None), None)
        try:
            if tool is None:
                monitoring.use_tool_id(5, __name__)
            for code in codes:
                if tool is None:
                    monitoring.set_local_events(5, code, 0)
                else:
                    monitoring.set_local_events(tool, code, monitoring.get_local_events(tool, code))
            if tool is None:
                monitoring.free_tool_id(5)
            break
        except ValueError:
            continue  # another thread has freed that tool, or has taken the id, in the meantime
    for code in codes:
        _allocated[id(code)] = ref(code, partial(_forget, id(code)))


def _forget(key: int, _: object) -> None:
    _allocated.pop(key, None)


# By id, because code objects compare and hash by value. Not a WeakValueDictionary: its methods are Python
# code, which a debugger would step into.
_allocated: dict[int, ref[CodeType]] = {}


def without_resume(code: CodeType) -> CodeType:
    """Return the same code, which is never instrumented. For functions, not for generators."""
    units = bytearray(code.co_code)
    size = 2 * len(RESUME)
    for offset in range(0, len(units), 2):
        if units[offset] == opmap["RESUME"]:
            units[offset : offset + size] = _NOP * len(RESUME)
    return code.replace(co_code=bytes(units) + _RESUME, co_linetable=code.co_linetable + _NO_PLACE)
