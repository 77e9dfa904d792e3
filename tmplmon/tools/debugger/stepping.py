"""Where the debugger stops: in templates and in the functions that they call, not in between.

Rule: the engine's frames are hidden, and the debugger never stops in them. A template has no `def` line and
no return value, so steps do not stop at its beginning and end, but at the next line. `return` and `until`
stop at its end, before it is left.
"""

# The base class has no type annotations.
# mypy: disable-error-code="no-any-return"

import atexit
import dis
import pdb
import sys
import weakref
from functools import cache
from types import CodeType, FrameType
from typing import Any

from tmplmon import Environment, Template
from tmplmon.monitoring.frames import is_scope_frame
from tmplmon.tools.debugger.frames import (
    is_engine,
    is_pausing,
    last_line,
    nearest_template,
    stack_of,
    template_of,
)

PythonsPdb: Any = pdb.Pdb  # typeshed lacks most of the methods that are overridden here

HAS_BACKENDS = sys.version_info >= (3, 14)
_GENERATORS = 0x20 | 0x80 | 0x200  # CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR
_NEVER = sys.maxsize
"""A line that no frame reaches."""

_active: "weakref.WeakSet[Stepping]" = weakref.WeakSet()


@atexit.register
def _stop_tracing_at_exit() -> None:
    """Stop tracing at the end of the program: there are no templates to step through during the shutdown, and the
    modules that a trace function needs are being cleared."""
    for debugger in _active:
        owner = getattr(sys.gettrace(), "__self__", None)
        if owner is debugger or getattr(debugger, "monitoring_tracer", None):
            debugger._stop_tracing()


def has_stopped(frame: FrameType) -> bool:
    """Whether a debugger has already stopped in a template's frame when its current line was reached. True for the
    first tag of the line only."""
    return any(debugger._leave_line(frame) for debugger in list(_active))


class Stepping(PythonsPdb):  # type: ignore[misc]
    """The part of the debugger that decides where to stop."""

    environment: Environment | None = None
    stopframe: FrameType | None
    shows_engine = False
    leaves_out_engines = True
    """Read by `tmplmon.monitoring.debuggers`: this debugger hides the engine's frames itself."""
    _reached: FrameType | None = None
    """The frame that it has stopped in because a line was reached, while the frame is on that line."""
    _continues = False  # whether to stop tracing when that line is left
    _at_tag = False  # whether it is stopping for a breakpoint tag

    def hides(self, frame: FrameType) -> bool:
        """Whether a frame is hidden and never stopped in."""
        return not self.shows_engine and is_engine(frame)

    def get_stack(self, f: FrameType | None, t: Any) -> tuple[list[tuple[FrameType, int]], int]:
        stack, index = super().get_stack(f, t)
        if f is None:
            # Post-mortem: select the innermost frame that is not the engine's.
            while index and self.hides(stack[index][0]):
                index -= 1
        visible = [n for n, (frame, _) in enumerate(stack) if n == index or not self.hides(frame)]
        return [(stack[n][0], stack[n][1] or last_line(stack[n][0])) for n in visible], visible.index(index)

    def _set_caller_tracefunc(self, current_frame: FrameType) -> None:
        """Trace the next caller that the debugger may stop in, across frames of the engine."""
        frame = current_frame.f_back
        while frame is not None and self.hides(frame) and frame is not self.botframe:
            frame = frame.f_back
        if frame is not None and not frame.f_trace:
            frame.f_trace = self.trace_dispatch

    @property
    def template(self) -> Template | None:
        """The template of the current frame."""
        return None if self.curframe is None else template_of(self.curframe)

    def _environments(self) -> list[Environment]:
        """The environments to search first: those of the running templates, then the debugger's own."""
        template = self.template
        if template is None:
            frame = nearest_template(self.curframe)
            template = None if frame is None else template_of(frame)
        own = [] if template is None else [template.environment]
        return own if self.environment is None else [*own, self.environment]

    # --- stopping ------------------------------------------------------------------------------------------

    def stop_here(self, frame: FrameType) -> bool:
        if self.hides(frame):
            return False
        if frame is self.stopframe and frame.f_lineno is None:
            return bool(self.stoplineno == 0)  # resuming after blank text, which has no line
        return super().stop_here(frame)

    def interaction(self, *args: Any, **kwargs: Any) -> None:
        self._continues = False
        super().interaction(*args, **kwargs)

    def user_line(self, frame: FrameType) -> None:
        template = template_of(frame)
        if template is not None and template.environment.stepping and not self._at_tag:
            _active.add(self)
            self._reached = frame
        super().user_line(frame)

    def dispatch_line(self, frame: FrameType) -> Any:
        self._leave_line(frame)
        return super().dispatch_line(frame)

    def set_continue(self) -> None:
        if self._reached is None:
            super().set_continue()
        else:
            # Keep tracing: otherwise another tag on this line that runs later could not be told from one that
            # runs now.
            self._set_stopinfo(self.botframe, None, -1)
            self._continues = True

    def _leave_line(self, frame: FrameType) -> bool:
        """A frame reaches another line, its end or a tag. Returns whether the debugger had stopped on this line."""
        if frame is not self._reached:
            return False
        self._reached = None
        if self._continues:
            self._continues = False
            self.set_continue()
        return True

    def dispatch_call(self, frame: FrameType, arg: Any) -> Any:
        template = template_of(frame) if self.breaks else None
        if template is not None:
            self._adjust_breaks(template)
        return super().dispatch_call(frame, arg)

    def user_call(self, frame: FrameType, argument_list: Any) -> None:
        if template_of(frame) is None:
            super().user_call(frame, argument_list)

    def dispatch_return(self, frame: FrameType, arg: Any) -> Any:
        if template_of(frame) is None:
            return super().dispatch_return(frame, arg)
        if is_pausing(frame):
            # Only `step` follows into other frames while this one is suspended; other commands wait for it.
            if self.stopframe is None and self.stop_here(frame):
                self._set_caller_tracefunc(frame)
            return self.trace_dispatch
        self._leave_line(frame)
        if frame is self.returnframe:
            self.stopframe = None  # otherwise a frame that may resume would count as suspended
            return super().dispatch_return(frame, arg)
        if self.stop_here(frame):
            self._set_stopinfo(None, None)
            self._set_caller_tracefunc(frame)
        return self.trace_dispatch

    def dispatch_exception(self, frame: FrameType, arg: Any) -> Any:
        if template_of(frame) is not None and self.stop_here(frame) and is_handled(frame, arg[1]):
            return self.trace_dispatch
        stopframe = self.stopframe
        if stopframe is not None and stopframe is not frame and template_of(stopframe) is not None:
            # `pdb` would take a StopIteration in any frame for the end of a suspended one.
            return self.trace_dispatch
        return super().dispatch_exception(frame, arg)

    def set_return(self, frame: FrameType) -> None:
        if template_of(frame) is None:
            super().set_return(frame)
        elif frame.f_code.co_flags & _GENERATORS:
            # A generator has another caller each time. (The frame of a scope may be a generator's or not.)
            self._set_stopinfo(frame, frame, _NEVER)
        else:
            self._set_stopinfo(frame.f_back, frame)

    def user_return(self, frame: FrameType, return_value: Any) -> None:
        if template_of(frame) is None:
            super().user_return(frame, return_value)
        else:
            self.message("--Return--")
            self.interaction(frame, None)

    def set_trace(self, frame: FrameType | None = None, **kwargs: Any) -> None:
        """Stop here. In a template's frame, stop at once, at the current line."""
        if frame is None:
            frame = sys._getframe().f_back
        assert frame is not None
        _active.add(self)
        if template_of(frame) is None:
            super().set_trace(frame, **kwargs)
            return
        if self.enterframe is not None and HAS_BACKENDS:
            return  # called from the prompt
        self.rcLines += kwargs.get("commands") or ()
        # `pdb` would wait for the frame's next instruction, which a scope of closures does not have. The line event
        # is therefore dispatched here, and tracing begins afterwards.
        self._stop_tracing()
        self.reset()
        for caller in stack_of(frame):
            caller.f_trace = self.trace_dispatch
            self.botframe = caller
            self.frame_trace_lines_opcodes[caller] = caller.f_trace_lines, caller.f_trace_opcodes
            caller.f_trace_lines = True
        self._at_tag = True
        try:
            self.trace_dispatch(frame, "line", None)
        finally:
            self._at_tag = False
        if not self.quitting and (self.breaks or self.stoplineno != -1):
            self._start_tracing()

    def _start_tracing(self) -> None:
        if HAS_BACKENDS:
            self.start_trace()
        else:
            sys.settrace(self.trace_dispatch)

    def _stop_tracing(self) -> None:
        if HAS_BACKENDS:
            self.stop_trace()
        else:
            sys.settrace(None)


def is_handled(frame: FrameType, error: BaseException) -> bool:
    """Whether an exception in a template's frame is handled by that frame.

    A template has no ``try``: only the engine handles exceptions there, for an attribute that is an item, and
    for the end of a loop's iterator. The code shows which ones: an exception handler covers the instruction.
    (Closures report only exceptions that leave the scope.)
    """
    if isinstance(error, (StopIteration, StopAsyncIteration)):
        return True
    if is_scope_frame(frame) or not isinstance(error, (AttributeError, KeyError)):
        return False
    return any(frame.f_lasti in offsets for offsets in _handled_offsets(frame.f_code))


@cache
def _handled_offsets(code: CodeType) -> list[range]:
    """The offsets of the instructions of a code object that an ``except`` covers."""
    bytecode: Any = dis.Bytecode(code)
    handlers = {instruction.offset for instruction in bytecode if instruction.opname == "PUSH_EXC_INFO"}
    return [range(entry.start, entry.end) for entry in bytecode.exception_entries if entry.target in handlers]
