"""Events for ``sys.settrace`` and ``sys.setprofile``, with a real frame.

The VM treats these two as the tools 7 and 6 of ``sys.monitoring``, with callbacks in C that use the running frame.
For a scope that is a frame of the engine, so the VM is not used: the functions here call the thread's tracer or
profiler themselves, from a `tmplmon.monitoring.frames.ScopeFrame`, and follow the protocol of
``sys.settrace``:

- 'call' goes to the function set by ``sys.settrace``. Its return value becomes ``frame.f_trace``, the local tracer,
  which gets all other events; if it is None, they are not reported. A return value of the local tracer other than
  None replaces it. 'line' is not reported if ``frame.f_trace_lines`` is false.
- A tracer that raises is removed from the thread and the frame, and the event raises the exception.
- Code of a tracer or profiler causes no events.

Some tools maintain a stack of their own, to which they push at 'call' and from which they pop at 'return', for any
frame. Functions of the engine are called and return in between. To these tools a scope is a generator, as its frame
is: for each event it resumes and is suspended, 'call' and 'return' with the event between them. They recognize a
resumption by the instruction that the frame is at, and the line by that of the suspension: they get a
`tmplmon.monitoring.frames.PausedFrame`. `STACK_TOOLS` names these tools. All other tools see a
function, with one 'call' at its beginning and one 'return' at its end.

``frame.f_lineno`` cannot be assigned (as by a debugger's ``jump``): Python raises ValueError, because the
scope, not the frame, decides where to continue. Tracers installed from C that cannot be called from Python
get no events.

`LEGACY` lists the names of the events in both protocols.

Source: CPython's ``Python/legacy_tracing.c`` and ``trace_trampoline`` in ``Python/sysmodule.c``.
"""

from __future__ import annotations

import sys
from types import BuiltinFunctionType, MethodDescriptorType
from typing import Any

from tmplmon.monitoring import events as ev
from tmplmon.monitoring._capi import in_callback
from tmplmon.monitoring.debuggers import prepare_exit, skip_engines
from tmplmon.monitoring.events import Event
from tmplmon.monitoring.fire import MISSING, silently
from tmplmon.monitoring.frames import ScopeFrame, call_in
from tmplmon.monitoring.hidden import hide_all

__all__ = [
    "LEGACY",
    "STACK_TOOLS",
    "c_function",
    "end_function",
    "keeps_stack",
    "notify",
    "profile",
    "trace",
    "uses_frames",
]

get_tool = sys.monitoring.get_tool

STACK_TOOLS = {"coverage", "profile"}
"""The top-level modules of tracers and profilers that maintain a stack of calls. Others can be added."""

LEGACY: dict[Event, tuple[str | None, str | None]] = {
    ev.PY_START: ("call", "call"),
    ev.PY_RESUME: ("call", "call"),
    ev.PY_THROW: ("call", "call"),
    ev.LINE: ("line", None),
    ev.PY_RETURN: ("return", "return"),
    ev.PY_YIELD: ("return", "return"),
    ev.PY_UNWIND: ("return", "return"),
    ev.RAISE: ("exception", None),
    ev.STOP_ITERATION: ("exception", None),
    ev.CALL: (None, "c_call"),
    ev.C_RETURN: (None, "c_return"),
    ev.C_RAISE: (None, "c_exception"),
}
"""Event → its names for ``sys.settrace`` and ``sys.setprofile``; None if it is not reported."""


def notify(frames: list[ScopeFrame], event: Event, value: Any = None, arg0: object = MISSING) -> None:
    """Report an event to the tracer and the profiler. ``value`` and ``arg0`` are the event's arguments after the
    offset."""
    names = LEGACY.get(event)
    if names is None or not frames:
        return
    if event is ev.STOP_ITERATION and not isinstance(value, StopIteration):
        value = StopIteration(value)
    traced, profiled = names
    returned = value if event is not ev.PY_UNWIND else None
    if traced == "exception":
        trace(frames, event, traced, (type(value), value, value.__traceback__))
    elif traced is not None:
        trace(frames, event, traced, returned if traced == "return" else None)
    if profiled is None or sys.getprofile() is None:
        return
    if not profiled.startswith("c_"):
        profile(frames, profiled, returned if profiled == "return" else None)
    elif (function := c_function(value, arg0)) is not None:
        profile(frames, profiled, function)


def trace(frames: list[ScopeFrame], event: Event, what: str, argument: object = None) -> None:
    """Call the thread's tracer. ``what`` is 'call', 'line', 'return' or 'exception'. The last of ``frames`` is the
    scope's."""
    tracer: Any = sys.gettrace()
    if tracer is None or in_callback():
        return
    frame = frames[-1].frame
    try:
        if keeps_stack(tracer):
            silently(_report_to_stack_tool, frames[-1], tracer, event, what, argument)
            return
        if what != "call":
            tracer = frame.f_trace
        if not callable(tracer) or (what == "line" and not frame.f_trace_lines):
            return
        if what == "return":
            prepare_exit(frame, sys._getframe(), ends=event is not ev.PY_YIELD)
        local = silently(call_in, frames, tracer, frame, what, argument)
    except BaseException:
        sys.settrace(None)
        frame.f_trace = None
        raise
    if local is not None:
        frame.f_trace = local
        skip_engines(local)


def profile(frames: list[ScopeFrame], what: str, argument: object = None) -> None:
    """Call the thread's profiler. ``what`` is 'call', 'return', 'c_call', 'c_return' or 'c_exception'."""
    profiler: Any = sys.getprofile()
    if not callable(profiler) or keeps_stack(profiler) or in_callback():
        return
    try:
        silently(call_in, frames, profiler, frames[-1].frame, what, argument)
    except BaseException:
        sys.setprofile(None)
        raise


def keeps_stack(tool: Any) -> bool:
    """Whether a tracer or profiler is one of `STACK_TOOLS`."""
    owner = getattr(tool, "__self__", tool)
    module = getattr(owner, "__module__", None) or type(owner).__module__
    return module.partition(".")[0] in STACK_TOOLS


def uses_frames() -> bool:
    """Whether a tool may look at the frames on the stack: a debugger, or a tracer or profiler of this thread.

    `STACK_TOOLS` do not: they only use the frames that they are passed.
    """
    if get_tool(sys.monitoring.DEBUGGER_ID) is not None:
        return True
    tracer, profiler = sys.gettrace(), sys.getprofile()
    return not ((tracer is None or keeps_stack(tracer)) and (profiler is None or keeps_stack(profiler)))


def _report_to_stack_tool(scope: ScopeFrame, tool: Any, event: Event, what: str, argument: object) -> None:
    """Report an event to a tool that maintains a stack. Such a tool does not need the frame on the stack.

    The start of the scope is reported together with the first event in it; a suspension needs no report. A
    tool that starts while the scope runs gets no events until the scope is resumed, as for any running
    function.
    """
    if what == "call" and scope.paused is None:
        scope.begin_function(resumed=event is not ev.PY_START)
    paused, ends = scope.paused, event in (ev.PY_RETURN, ev.PY_UNWIND)
    if paused is None or (what not in ("line", "exception") and not ends):
        return
    begins, paused.begun = not paused.begun, True
    line = scope.line
    if ends:
        # It returns from the last line that was reported; 0 if none was.
        scope.move(0 if begins else paused.line, scope.offset)
    local = tool(scope.frame if begins else paused.frame, "call", None)
    if not callable(local):
        return
    if what == "line":
        paused.move(line)
    if not ends:
        local(paused.frame, what, argument)
    local(scope.frame if ends else paused.frame, "return", argument if ends else None)
    scope.move(line, scope.offset)


def end_function(scope: ScopeFrame) -> None:
    """Report the end of a `ScopeFrame.begin_function` to a tool that maintains a stack."""
    tracer: Any = sys.gettrace()
    if scope.paused is not None and scope.paused.begun and keeps_stack(tracer) and not in_callback():
        silently(_report_to_stack_tool, scope, tracer, ev.PY_RETURN, "return", None)
    scope.end_function()


def c_function(function: Any, arg0: object) -> object:
    """Return the function that a profiler gets with 'c_call'; None if it does not report calls of ``function``."""
    if isinstance(function, BuiltinFunctionType):
        return function
    # For a method that was looked up on the type, a profiler gets the bound method.
    if isinstance(function, MethodDescriptorType) and arg0 is not MISSING:
        return function.__get__(arg0, type(arg0))
    return None


hide_all(globals())
