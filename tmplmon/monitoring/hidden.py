"""Functions that tools do not see: those on the stack while an event of a scope is fired.

Rule: between PY_START of a scope and its PY_RETURN a tool sees what the scope runs, and nothing of the
signalling. Profilers that keep a stack, cProfile for one, would otherwise take the return of the function that
fired PY_START for the scope's; and a debugger that steps would step into it.

The VM instruments a code object from its first RESUME on. So a function is hidden by giving it the same code
with NOPs for RESUME; one RESUME is put behind the end, where 3.14 and later look for it. An exception that passes
through such a function is reported as always (RAISE, PY_UNWIND), so what calls functions of the host is not
hidden.

With ``TMPLMON_MONITORING_VISIBLE`` in the environment nothing is hidden: for who wants to step through this
package, or measure it.

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

__all__ = ["VISIBLE", "allocate_data", "hide", "hide_all", "unseen"]

VISIBLE = "TMPLMON_MONITORING_VISIBLE" in os.environ
"""Whether that is so."""
_NOP = bytes((opmap["NOP"], 0))
_RESUME = bytes(byte for unit in RESUME for byte in unit)
_NO_PLACE = encode_linetable([NOWHERE] * len(RESUME), 1)  # which does not depend on the lines before it


def hide(*functions: Callable[..., object]) -> None:
    """Let no tool see functions any more."""
    if not VISIBLE:
        for function in functions:
            assert isinstance(function, FunctionType)
            function.__code__ = unseen(function.__code__)
        allocate_data(*(function.__code__ for function in functions if isinstance(function, FunctionType)))


def hide_all(owner: type | dict[str, object], besides: Iterable[str] = ()) -> None:
    """Hide the functions of a class, or of a module's namespace that are defined there, but for those named."""
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
    """Make the VM allocate its monitoring data of code objects, as it does for code that it instruments.

    From 3.15 the events of exceptions are looked up in that data, and the VM follows a null pointer when one
    passes through a frame whose code has none: the driver's, when a callback raises. Setting a tool's local events
    to what they are allocates it and changes nothing else; a tool that exists is used for it, or one is made for
    the moment. Done once for each code object, as freeing a tool makes a new version of all events.
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
            continue  # another thread has freed that tool, or has made this one, in the meantime
    for code in codes:
        _allocated[id(code)] = ref(code, partial(_forget, id(code)))


def _forget(key: int, _: object) -> None:
    _allocated.pop(key, None)


# By identity: code objects are equal, and hashed, by what is in them. Not a WeakValueDictionary, whose methods are
# Python code that a debugger would step into.
_allocated: dict[int, ref[CodeType]] = {}


def unseen(code: CodeType) -> CodeType:
    """The same code, never instrumented. For functions, not for generators."""
    units = bytearray(code.co_code)
    size = 2 * len(RESUME)
    for at in range(0, len(units), 2):
        if units[at] == opmap["RESUME"]:
            units[at : at + size] = _NOP * len(RESUME)
    return code.replace(co_code=bytes(units) + _RESUME, co_linetable=code.co_linetable + _NO_PLACE)
