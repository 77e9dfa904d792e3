"""Makes ``pdb``, and every other debugger derived from ``bdb.Bdb``, step through scopes and not through engines.

To these debuggers the engine that runs a scope is ordinary code: they would stop at each line of each of its
functions. The frame of a scope is a generator's, and they do not stop at the end of a generator. A debugger that
traces a scope is therefore adjusted:

- The engine's modules are added to its ``skip``, as patterns; `ENGINES` names them.
- It no longer traces frames of the engine that were running when it started (it traces all frames on the stack).
  Many of these are generators, and a StopIteration in a traced frame would look like the end of the generator that
  its user waits for.
- At the end of a scope whose next line or end its user waits for, it gets the command ``step``, because it would
  treat the return of a generator as a suspension.
- Library functions that the engine calls for one-time work are stepped over: `unstepped`.
- The frame that a scope returns to is the next one that is not the engine's; it is traced.

Breakpoints in skipped modules are still hit. A debugger with an attribute ``leaves_out_engines`` is not
adjusted. With ``TMPLMON_MONITORING_VISIBLE`` in the environment nothing is skipped; see
`tmplmon.monitoring.hidden`.

Source: CPython's ``Lib/bdb.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from tmplmon.monitoring.fire import silently
from tmplmon.monitoring.hidden import VISIBLE, hide_all

__all__ = ["ENGINES", "prepare_exit", "skip_engines", "stop_tracing_engines", "unstepped"]

ENGINES = {"tmplmon.monitoring."}
"""Prefixes of the names of modules that debuggers skip. An engine adds its own."""


def skip_engines(tracer: Any) -> Any:
    """Make the debugger of a local tracer (``f_trace``) skip the engines' modules.

    Returns the debugger; None if the tracer is not a ``Bdb``'s, or its debugger needs no adjustment.
    """
    bdb = sys.modules.get("bdb")
    debugger: Any = getattr(tracer, "__self__", None)
    if bdb is None or VISIBLE or not isinstance(debugger, bdb.Bdb) or hasattr(debugger, "leaves_out_engines"):
        return None
    if debugger.skip is None:
        debugger.skip = set()
    debugger.skip.update([f"{name}*" for name in ENGINES])
    return debugger


def stop_tracing_engines(frame: FrameType) -> None:
    """Stop tracing the engine's frames on the stack, from ``frame`` on, after a debugger has started to trace
    it."""
    if skip_engines(frame.f_trace) is None:
        return
    caller: FrameType | None = frame
    while caller is not None:
        if _is_engine_frame(caller):
            caller.f_trace = None
        caller = caller.f_back


def prepare_exit(scope: FrameType, caller: FrameType | None, *, ends: bool) -> None:
    """Adjust the debugger before a scope reports its end (``ends``) or a suspension.

    ``caller`` is the frame that the scope returns to, or a frame of the engine above that.
    """
    tracer = scope.f_trace
    debugger = skip_engines(tracer)
    if debugger is None:
        return
    if ends and debugger.stopframe is scope:
        silently(debugger.set_step)
    while caller is not None and _is_engine_frame(caller):
        caller = caller.f_back
    if caller is not None and caller.f_trace is None:
        caller.f_trace = tracer


def unstepped(function: Callable[..., Any], /, *arguments: Any) -> Any:
    """Return ``function(*arguments)``, for a function of the engine. A debugger does not step into what it calls.

    Raises what ``function`` raises.
    """
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
        del here  # a frame that refers to itself lives until the garbage collector comes


def _debugger() -> Any:
    """The debugger that is stepping in this thread (see `skip_engines`)."""
    tracer: Any = sys.gettrace()
    if tracer is None and sys.monitoring.get_tool(sys.monitoring.DEBUGGER_ID) is not None:
        frame: FrameType | None = sys._getframe()
        while frame is not None and tracer is None:
            tracer, frame = frame.f_trace, frame.f_back
    return skip_engines(tracer)


def _is_engine_frame(frame: FrameType) -> bool:
    name = frame.f_globals.get("__name__")
    return isinstance(name, str) and name.startswith(tuple(ENGINES))


hide_all(globals(), besides=("unstepped",))  # its callee may raise
