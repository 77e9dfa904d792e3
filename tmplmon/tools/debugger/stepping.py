"""Where the debugger stops: in templates and in what they call, not in between.

Rule: the engine's frames are left out and never stopped in. A template has no `def` line and returns nothing, so
steps do not stop at its beginning and its end, but go on to the line that is next; `return` and `until` do stop at
its end, before it is left.
"""

# What the base class gives is unknown to type checkers.
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
from tmplmon.tools.debugger.frames import (
    is_engine,
    is_pausing,
    is_scope_frame,
    last_line,
    nearest_template,
    stack_of,
    template_of,
)

PythonsPdb: Any = pdb.Pdb  # typeshed leaves out most of what is overridden here

HAS_BACKENDS = sys.version_info >= (3, 14)
_GENERATORS = 0x20 | 0x80 | 0x200  # CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR
_NEVER = sys.maxsize
"""A line that no frame comes to."""

_watching: "weakref.WeakSet[Stepping]" = weakref.WeakSet()


@atexit.register
def _stop_watching() -> None:
    """The program has ended. What Python does then is nothing to step through, and can do without a trace function
    whose modules are being taken apart."""
    for debugger in _watching:
        owner = getattr(sys.gettrace(), "__self__", None)
        if owner is debugger or getattr(debugger, "monitoring_tracer", None):
            debugger._stop_tracing()


def has_stopped(frame: FrameType) -> bool:
    """Whether a debugger has stopped in a template's frame when it reached the line that it is on. True for the
    first tag of the line."""
    return any(debugger._leave_line(frame) for debugger in list(_watching))


class Stepping(PythonsPdb):  # type: ignore[misc]
    """Frames and steps."""

    environment: Environment | None = None
    stopframe: FrameType | None
    shows_engine = False
    leaves_out_engines = True
    """Nothing else has to: `tmplmon.monitoring.debuggers`."""
    _reached: FrameType | None = (
        None  # the frame that it has stopped in as a line was reached, while on that line
    )
    _continues = False  # whether it goes on without looking when that line is left
    _at_tag = False  # whether it stops for a tag

    def hides(self, frame: FrameType) -> bool:
        """Whether a frame is left out and not stopped in."""
        return not self.shows_engine and is_engine(frame)

    def get_stack(self, f: FrameType | None, t: Any) -> tuple[list[tuple[FrameType, int]], int]:
        stack, index = super().get_stack(f, t)
        if f is None:
            # After the fact: the innermost that is not the engine's.
            while index and self.hides(stack[index][0]):
                index -= 1
        kept = [n for n, (frame, _) in enumerate(stack) if n == index or not self.hides(frame)]
        return [(stack[n][0], stack[n][1] or last_line(stack[n][0])) for n in kept], kept.index(index)

    def _set_caller_tracefunc(self, current_frame: FrameType) -> None:
        """The next frame that can be stopped in is traced, across those of the engine."""
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
        """Those to ask first for a template: of the templates that are running, then the one given."""
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
            return bool(self.stoplineno == 0)  # it goes on after blank text, which is on no line
        return super().stop_here(frame)

    def interaction(self, *args: Any, **kwargs: Any) -> None:
        self._continues = False
        super().interaction(*args, **kwargs)

    def user_line(self, frame: FrameType) -> None:
        template = template_of(frame)
        if template is not None and template.environment.stepping and not self._at_tag:
            _watching.add(self)
            self._reached = frame
        super().user_line(frame)

    def dispatch_line(self, frame: FrameType) -> Any:
        self._leave_line(frame)
        return super().dispatch_line(frame)

    def set_continue(self) -> None:
        if self._reached is None:
            super().set_continue()
        else:
            # It goes on looking, else one tag of the line that runs later would be taken for another that runs now.
            self._set_stopinfo(self.botframe, None, -1)
            self._continues = True

    def _leave_line(self, frame: FrameType) -> bool:
        """A frame comes to another line or its end, or to a tag. Whether it has been stopped in on this line."""
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
            self._settle_breaks(template)
        return super().dispatch_call(frame, arg)

    def user_call(self, frame: FrameType, argument_list: Any) -> None:
        if template_of(frame) is None:
            super().user_call(frame, argument_list)

    def dispatch_return(self, frame: FrameType, arg: Any) -> Any:
        if template_of(frame) is None:
            return super().dispatch_return(frame, arg)
        if is_pausing(frame):
            # Only `step` follows to whoever goes on meanwhile; the others wait for the frame.
            if self.stopframe is None and self.stop_here(frame):
                self._set_caller_tracefunc(frame)
            return self.trace_dispatch
        self._leave_line(frame)
        if frame is self.returnframe:
            self.stopframe = None  # else it counts as a frame that goes on, if it can
            return super().dispatch_return(frame, arg)
        if self.stop_here(frame):
            self._set_stopinfo(None, None)
            self._set_caller_tracefunc(frame)
        return self.trace_dispatch

    def dispatch_exception(self, frame: FrameType, arg: Any) -> Any:
        if template_of(frame) is not None and self.stop_here(frame) and is_handled(frame, arg[1]):
            return self.trace_dispatch
        waited_for = self.stopframe
        if waited_for is not None and waited_for is not frame and template_of(waited_for) is not None:
            return (
                self.trace_dispatch
            )  # `pdb` takes a StopIteration anywhere for the end of a frame that pauses
        return super().dispatch_exception(frame, arg)

    def set_return(self, frame: FrameType) -> None:
        if template_of(frame) is None:
            super().set_return(frame)
        elif frame.f_code.co_flags & _GENERATORS:
            # One that pauses has another caller each time. (A scope's frame may be of either kind.)
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
        """Stop here; in a template's frame at once, at the line that is running."""
        if frame is None:
            frame = sys._getframe().f_back
        assert frame is not None
        _watching.add(self)
        if template_of(frame) is None:
            super().set_trace(frame, **kwargs)
            return
        if self.enterframe is not None and HAS_BACKENDS:
            return  # called from the prompt
        self.rcLines += kwargs.get("commands") or ()
        # `pdb` would wait for the frame's next instruction, which a scope of closures does not have: here the event
        # is made. Tracing begins when it has been dealt with.
        self._stop_tracing()
        self.reset()
        for each in stack_of(frame):
            each.f_trace = self.trace_dispatch
            self.botframe = each
            self.frame_trace_lines_opcodes[each] = each.f_trace_lines, each.f_trace_opcodes
            each.f_trace_lines = True
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
    """Whether an exception that a template's frame sees is one that it handles itself.

    A template has no ``try``: an attribute that turns out to be an item, and the end of a loop's iterator, are the
    engine's business. They are told from others by the code: a handler covers the instruction. (Closures tell of
    none but those that leave.)
    """
    if isinstance(error, (StopIteration, StopAsyncIteration)):
        return True
    if is_scope_frame(frame) or not isinstance(error, (AttributeError, KeyError)):
        return False
    return any(frame.f_lasti in handled for handled in _handled(frame.f_code))


@cache
def _handled(code: CodeType) -> list[range]:
    """The instructions of a code object that an ``except`` covers."""
    bytecode: Any = dis.Bytecode(code)
    starts = {each.offset for each in bytecode if each.opname == "PUSH_EXC_INFO"}
    return [range(each.start, each.end) for each in bytecode.exception_entries if each.target in starts]
