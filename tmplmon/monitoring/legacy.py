"""Events for ``sys.settrace`` and ``sys.setprofile``, with a real frame.

The VM serves these two as the tools 7 and 6 of ``sys.monitoring``, through callbacks in C that take the frame
they find running. For a scope that is the engine's frame, so the VM is not asked: the functions here call the
thread's tracer or profiler themselves, from a :class:`~tmplmon.monitoring.frames.ScopeFrame`, and keep the
protocol of ``sys.settrace``:

- 'call' goes to the function given to ``sys.settrace``; what it returns becomes ``frame.f_trace``, the local
  tracer, and everything else goes to that one, or nowhere if there is none. A local tracer that returns something
  replaces itself; 'line' is left out if ``frame.f_trace_lines`` is false.
- a tracer that raises is removed, from the thread and the frame, and the exception comes out of the event.
- no events come of what a tracer or profiler does.

Some tools keep a stack of their own, on which they push at 'call' and pop at 'return', whichever frame it is.
The engine's functions are called and return in between, so to those tools a scope is what its frame is, a
generator: for each event it goes on and pauses, 'call' and 'return' with the event between them, in one go.
What tells them that it goes on is the instruction that the frame is at, and the line it goes on from is the one it
paused on: they are given a :class:`~tmplmon.monitoring.frames.PausedFrame`. :data:`STACK_TOOLS` names them; all
others see a function, one 'call' at its beginning and one 'return' at its end.

``frame.f_lineno`` cannot be assigned from there (a debugger's ``jump``): Python says ValueError, as the
scope, not the frame, decides where it goes on. Tracers installed from C that cannot be called from Python get
nothing.

What an event is to the two says :data:`LEGACY`.

Source: CPython's ``Python/legacy_tracing.c`` and ``trace_trampoline`` in ``Python/sysmodule.c``.
"""

from __future__ import annotations

import sys
from types import BuiltinFunctionType, MethodDescriptorType
from typing import Any

from tmplmon.monitoring import events as ev
from tmplmon.monitoring._capi import in_callback
from tmplmon.monitoring.debuggers import leave, pass_over
from tmplmon.monitoring.events import Event
from tmplmon.monitoring.fire import MISSING, silently
from tmplmon.monitoring.frames import ScopeFrame, call_in
from tmplmon.monitoring.hidden import hide_all

__all__ = ["LEGACY", "STACK_TOOLS", "c_function", "end_function", "keeps_stack", "profile", "tell", "trace"]

STACK_TOOLS = {"coverage", "profile"}
"""The top-level modules of tracers and profilers that keep a stack of calls. Add to it for others."""

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
"""What an event is called by ``sys.settrace`` and by ``sys.setprofile``; others they do not know."""


def tell(frames: list[ScopeFrame], event: Event, value: Any = None, arg0: object = MISSING) -> None:
    """Tell both of an event, in their terms. ``value`` is the event's first argument after the offset, ``arg0`` its
    second."""
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
    """Tell the thread's tracer of an event: ``what`` is 'call', 'line', 'return' or 'exception'; the last frame is
    the scope's."""
    tracer: Any = sys.gettrace()
    if tracer is None or in_callback():
        return
    frame = frames[-1].frame
    try:
        if keeps_stack(tracer):
            silently(_go_on, frames[-1], tracer, event, what, argument)
            return
        if what != "call":
            tracer = frame.f_trace
        if not callable(tracer) or (what == "line" and not frame.f_trace_lines):
            return
        if what == "return":
            leave(frame, sys._getframe(), ends=event is not ev.PY_YIELD)
        local = silently(call_in, frames, tracer, frame, what, argument)
    except BaseException:
        sys.settrace(None)
        frame.f_trace = None
        raise
    if local is not None:
        frame.f_trace = local
        pass_over(local)


def profile(frames: list[ScopeFrame], what: str, argument: object = None) -> None:
    """Tell the thread's profiler: 'call', 'return', 'c_call', 'c_return' or 'c_exception'."""
    profiler: Any = sys.getprofile()
    if not callable(profiler) or keeps_stack(profiler) or in_callback():
        return
    try:
        silently(call_in, frames, profiler, frames[-1].frame, what, argument)
    except BaseException:
        sys.setprofile(None)
        raise


def keeps_stack(tool: Any) -> bool:
    """Whether a tracer or profiler is one of :data:`STACK_TOOLS`."""
    owner = getattr(tool, "__self__", tool)
    module = getattr(owner, "__module__", None) or type(owner).__module__
    return module.partition(".")[0] in STACK_TOOLS


def _go_on(scope: ScopeFrame, tool: Any, event: Event, what: str, argument: object) -> None:
    """Tell a tool that keeps a stack of one event. It need not find the frame on the stack.

    That the scope begins is told with what comes first, and that it pauses is nothing new. A tool that comes while
    the scope runs is told nothing, as of any function that is running, until the scope is resumed.
    """
    if what == "call" and scope.paused is None:
        scope.begin_function(resumed=event is not ev.PY_START)
    paused, ends = scope.paused, event in (ev.PY_RETURN, ev.PY_UNWIND)
    if paused is None or (what not in ("line", "exception") and not ends):
        return
    begins, paused.begun = not paused.begun, True
    line = scope.line
    if ends:
        # It leaves from the line that was reached last; none that was not told of counts.
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
    """Tell such a tool that what :meth:`ScopeFrame.begin_function` began ends."""
    tracer: Any = sys.gettrace()
    if scope.paused is not None and scope.paused.begun and keeps_stack(tracer) and not in_callback():
        silently(_go_on, scope, tracer, ev.PY_RETURN, "return", None)
    scope.end_function()


def c_function(function: Any, arg0: object) -> object:
    """What a profiler gets as the function of a 'c_call', or None if calling ``function`` is none to it."""
    if isinstance(function, BuiltinFunctionType):
        return function
    # For a method that was looked up on the type, it gets the method of the object.
    if isinstance(function, MethodDescriptorType) and arg0 is not MISSING:
        return function.__get__(arg0, type(arg0))
    return None


hide_all(globals())
