"""What ``pdb``, and every debugger that is a ``bdb.Bdb``, steps through: scopes, and not what runs them.

A scope's engine is code like any other to them. Between two lines of a scope there are many of its functions, and a
debugger that steps would stop at each line of each of them. And a scope's frame is a generator's, where they do not
stop at the end. So one that is found to look at a scope is told better, in its own terms:

- The modules to pass over are put into its ``skip``, as patterns; :data:`ENGINES` says which they are.
- The engine's frames that are running already when the debugger comes (it traces all that are on the stack) are not
  traced any more. Many are generators, and it takes each StopIteration in a frame that it traces for the end of a
  generator that its user waits for.
- Where a scope ends whose next line, or whose end, its user waits for, it gets the command ``step``: it would take
  the return of a generator for a pause.
- What the engine does for the first time, with the help of other libraries, it steps over: :func:`unstepped`.
- What a scope returns to is the next frame that is not the engine's, which is therefore traced.

Breakpoints in modules that are skipped count all the same. A debugger with an attribute ``leaves_out_engines`` sees
to all this itself. With ``TMPLMON_MONITORING_VISIBLE`` in the environment nothing is passed over; see
:mod:`tmplmon.monitoring.hidden`.

Source: CPython's ``Lib/bdb.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from tmplmon.monitoring.fire import silently
from tmplmon.monitoring.hidden import VISIBLE, hide_all

__all__ = ["ENGINES", "leave", "pass_over", "pass_over_running", "unstepped"]

ENGINES = {"tmplmon.monitoring."}
"""How the names of the modules begin that debuggers pass over. An engine adds its own."""


def pass_over(tracer: Any) -> Any:
    """Let the debugger that a local tracer (``f_trace``) belongs to pass over the engines, and return it. None if
    it is no ``Bdb``, or needs none of this."""
    bdb = sys.modules.get("bdb")
    debugger = getattr(tracer, "__self__", None)
    if bdb is None or VISIBLE or not isinstance(debugger, bdb.Bdb) or hasattr(debugger, "leaves_out_engines"):
        return None
    if debugger.skip is None:
        debugger.skip = set()
    debugger.skip.update([f"{name}*" for name in ENGINES])
    return debugger


def pass_over_running(frame: FrameType) -> None:
    """``frame``, an engine's, is traced: a debugger has come. It passes over all such frames that are running."""
    if pass_over(frame.f_trace) is None:
        return
    each: FrameType | None = frame
    while each is not None:
        if _is_engines(each):
            each.f_trace = None
        each = each.f_back


def leave(scope: FrameType, caller: FrameType | None, *, ends: bool) -> None:
    """A scope is about to tell that it ends, or that it pauses. ``caller`` is the frame that it returns to, or one
    of the engine's above that."""
    tracer = scope.f_trace
    debugger = pass_over(tracer)
    if debugger is None:
        return
    if ends and debugger.stopframe is scope:
        silently(debugger.set_step)
    while caller is not None and _is_engines(caller):
        caller = caller.f_back
    if caller is not None and caller.f_trace is None:
        caller.f_trace = tracer


def unstepped(function: Callable[..., Any], /, *arguments: Any) -> Any:
    """Return ``function(*arguments)``, an engine's: a debugger does not step into what that calls."""
    debugger = _debugger()
    if debugger is None or debugger.stopframe is not None or debugger.stoplineno == -1:
        return function(*arguments)
    here = sys._getframe()
    silently(debugger.set_next, here)
    try:
        return function(*arguments)
    finally:
        if debugger.stopframe is here:
            silently(debugger.set_step)


def _debugger() -> Any:
    """The debugger that steps here, as of :func:`pass_over`."""
    tracer: Any = sys.gettrace()
    if tracer is None and sys.monitoring.get_tool(sys.monitoring.DEBUGGER_ID) is not None:
        frame: FrameType | None = sys._getframe()
        while frame is not None and tracer is None:
            tracer, frame = frame.f_trace, frame.f_back
    return pass_over(tracer)


def _is_engines(frame: FrameType) -> bool:
    name = frame.f_globals.get("__name__")
    return isinstance(name, str) and name.startswith(tuple(ENGINES))


hide_all(globals(), besides=("unstepped",))  # it calls what may raise
