"""Entry points of the debugger: from code, from a template, and after an exception.

Rule: the debugger that the user has chosen is used. The breakpoint of a template goes to an editor that is
connected through debugpy, or to `sys.breakpointhook` if that or the variable PYTHONBREAKPOINT has been set,
and otherwise to the `Pdb` of this package.
"""

import os
import sys
from types import FrameType, TracebackType
from typing import Any

from tmplmon.tools.debugger.frames import nearest_template
from tmplmon.tools.debugger.pdb import Pdb
from tmplmon.tools.debugger.stepping import HAS_BACKENDS, has_stopped


def set_trace(*, header: str | None = None, **options: Any) -> None:
    """Stop in the caller. `header`: a message shown first. `options`: arguments of `Pdb`."""
    debugger = Pdb(**options)
    if header is not None:
        debugger.message(header)
    debugger.set_trace(sys._getframe().f_back)


def post_mortem(error: BaseException | TracebackType | None = None, **options: Any) -> None:
    """Inspect the place where an exception was raised.

    error: an exception or traceback; by default the exception that is being handled. options: arguments of `Pdb`.

    Raises ValueError if there is no exception, or it has not been raised.
    """
    if error is None:
        error = sys.exception()
    if error is None or (isinstance(error, BaseException) and error.__traceback__ is None):
        raise ValueError("there is no exception, or it has not been raised")
    debugger = Pdb(**options)
    debugger.reset()
    debugger.interaction(None, error)


def breakpoint_() -> str:
    """``{% breakpoint %}``: stop in the template that calls this. Returns "", the output of the tag."""
    frame = nearest_template(sys._getframe())
    chosen = sys.breakpointhook is not sys.__breakpointhook__ or os.environ.get("PYTHONBREAKPOINT")
    if frame is not None and _stops_in_editor(frame):
        pass
    elif frame is None or chosen:
        sys.breakpointhook()
    elif not has_stopped(frame):
        options: dict[str, Any] = {"mode": "inline"} if HAS_BACKENDS else {}
        Pdb(**options).set_trace(frame)
    return ""


def _stops_in_editor(frame: FrameType) -> bool:
    """Stop in a frame if the program runs under debugpy or PyCharm's debugger; returns whether it does. Their own
    hooks would stop in a frame of the engine. (Both are built on the module `pydevd`.)"""
    debugpy, pydevd = sys.modules.get("debugpy"), sys.modules.get("pydevd")
    if pydevd is None or not (pydevd.connected if debugpy is None else debugpy.is_client_connected()):
        return False
    pydevd.settrace(
        suspend=True, trace_only_current_thread=True, patch_multiprocessing=False, stop_at_frame=frame
    )
    monitoring = sys.monitoring
    if debugpy is None and monitoring.get_tool(monitoring.DEBUGGER_ID) is not None:
        # PyCharm's "low impact" debugger has not enabled LINE for functions that are already running.
        events = monitoring.get_local_events(monitoring.DEBUGGER_ID, frame.f_code) | monitoring.events.LINE
        monitoring.set_local_events(monitoring.DEBUGGER_ID, frame.f_code, events)
        monitoring.restart_events()
    return True
