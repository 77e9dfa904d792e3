"""Real frames for scopes, which have no bytecode to run: for tools that use frames.

A `ScopeFrame` is one run of a code-like. Its frame object is that of the code-like's driver, a suspended
generator (see `tmplmon.monitoring.codelike`): ``f_code`` is the code-like, ``f_locals`` is the mapping
in which the scope stores its variables. A function that is called through `ScopeFrame.call` has this
frame as its caller, with the engine's frames below it in ``f_back``. The frame object stays the same during a
run, which debuggers rely on. Resuming it fires no events of its own.

Its ``f_lineno`` is *set*: the field of that name in ``PyFrameObject``, which CPython's own line tracing and Cython
set as well, and which overrides the instruction pointer if it is not zero. No Python function can set it, so it is
written through its address. `LINE_OFFSET` is its offset, which is verified by the neighbouring fields that
Python *can* set (``f_trace`` before it, ``f_trace_lines`` after it). On a Python with another layout there are no
frames: legacy tools then get no events rather than wrong ones.

Source: ``struct _frame`` in CPython's ``Include/internal/pycore_frame.h``; ``PyFrame_GetLineNumber``.
"""

from __future__ import annotations

import builtins
import ctypes
import sys
from collections.abc import Callable, Mapping
from types import CodeType, FrameType, FunctionType, TracebackType
from typing import Any

from tmplmon.monitoring import _capi
from tmplmon.monitoring._capi import in_callback, object_, tracing
from tmplmon.monitoring.debuggers import stop_tracing_engines
from tmplmon.monitoring.fire import silently
from tmplmon.monitoring.hidden import allocate_data, hide
from tmplmon.monitoring.skeleton import suspending_like

__all__ = ["LINE_OFFSET", "PausedFrame", "ScopeFrame", "call_in", "call_outside", "is_scope_frame"]


def _find_line_offset() -> int | None:
    """Return the offset of ``f_lineno`` in a frame object, or None if the fields around it are not as expected."""
    pointer = ctypes.sizeof(ctypes.c_void_p)
    f_trace = object.__basicsize__ + 2 * pointer  # after the header, f_back and f_frame
    f_lineno = f_trace + pointer
    f_trace_lines = f_lineno + ctypes.sizeof(ctypes.c_int)
    if sys.implementation.name != "cpython" or FrameType.__basicsize__ <= f_trace_lines:
        return None

    def tracer(*_arguments: object) -> None:
        pass

    def generator() -> Any:
        yield

    suspended = generator()
    frame = suspended.gi_frame
    base = id(frame)
    frame.f_trace = tracer
    verified = ctypes.c_void_p.from_address(base + f_trace).value == id(tracer)
    for flag in (False, True):
        frame.f_trace_lines = flag
        verified = verified and ctypes.c_ubyte.from_address(base + f_trace_lines).value == flag
    frame.f_trace = None
    return f_lineno if verified else None


LINE_OFFSET = _find_line_offset()
"""The offset of ``f_lineno`` in a frame object, in bytes; None if it is unknown on this Python."""


# The offset of f_back in a frame object, the first field after the header.
_BACK_OFFSET = object.__basicsize__


def _close(generator: Any, frame: FrameType) -> None:
    """End the generator of a frame, without events, and remove the link from the frame to its last caller.

    CPython sets ``f_back`` of a frame that ends while something refers to it. The last caller is the engine's
    function that closes the generator; its variables lead to the frame again, and so do those of its own callers.
    This cycle would keep the variables of every run until the garbage collector finds it.
    """
    silently(generator.close)  # the driver's GeneratorExit must not be reported
    caller = frame.f_back
    if caller is not None and LINE_OFFSET is not None:
        link = ctypes.c_void_p.from_address(id(frame) + _BACK_OFFSET)
        if link.value == id(caller):
            link.value = None
            _capi.decref(object_(caller))
    del caller  # it leads to this function's own frame


class ScopeFrame:
    """The frame of one run of a scope in one of its files. Used by one thread at a time.

    variables: becomes ``f_locals``, without a copy, so changes by a debugger reach the scope. module_globals:
    copied into ``f_globals``; ``__name__`` and ``__loader__`` are useful.

    Raises RuntimeError if `LINE_OFFSET` is None.
    """

    __slots__ = (
        "_call",
        "_generator",
        "_line",
        "_pauses",
        "_running",
        "code",
        "frame",
        "offset",
    )

    frame: FrameType
    """The frame object."""
    offset: int
    """The offset of the current site: the ``tb_lasti`` of this frame in tracebacks."""

    def __init__(
        self,
        code: CodeType,
        variables: Mapping[str, Any] | None = None,
        module_globals: Mapping[str, Any] | None = None,
    ) -> None:
        if LINE_OFFSET is None:
            raise RuntimeError("the layout of frame objects is not known on this Python")
        self.code = code
        self._call = _Call()
        self._running = False
        self.offset = 0
        names = {"__builtins__": builtins, **(module_globals or {}), "_call": self._call}
        # eval() of a generator's code returns the generator, whose locals may be any mapping.
        allocate_data(code)
        self._generator: Any = eval(code, names, {} if variables is None else variables)
        self.frame = self._generator.gi_frame
        next(self._generator)
        self._line = ctypes.c_int.from_address(id(self.frame) + LINE_OFFSET)
        self._line.value = code.co_firstlineno
        self._pauses: list[PausedFrame] = []

    @property
    def paused(self) -> PausedFrame | None:
        """The frame between two events, of this run or of the last function that began in it; None before the first
        `begin_function`."""
        return self._pauses[-1] if self._pauses else None

    def begin_function(self, *, resumed: bool = False) -> None:
        """Mark the start of the scope (or, if ``resumed``, its resumption), or of a function of the language
        that is part of it. For tools that maintain a stack of calls."""
        paused = PausedFrame(self.code)
        if resumed:
            paused.begun = True
            paused.move(self.line)
        self._pauses.append(paused)

    def end_function(self) -> None:
        """Mark the end of the last `begin_function`."""
        self._pauses.pop().close()

    @property
    def line(self) -> int:
        """The value of ``frame.f_lineno``."""
        return self._line.value

    def move(self, line: int, offset: int) -> None:
        """Move to a site: ``line`` (from 1) of the file and ``offset`` of the code-like."""
        self._line.value = line
        self.offset = offset

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return ``function(*arguments)``, called from this frame. Raises what ``function`` raises.

        The traceback of an exception contains this frame, at its line and position. While such a call is running,
        further functions are called directly: the frame is already on the stack.
        """
        if self._running:
            return function(*arguments)
        call = self._call
        call.function, call.arguments = function, arguments
        self._running = True
        try:
            if next(self._generator, self) is self:  # an interrupt between two calls has ended the generator
                return function(*arguments)
            error = call.error
            if error is not None:
                raise error.with_traceback(self._place(error.__traceback__))
            return call.answer
        finally:
            self._running = False
            call.function = call.arguments = call.answer = call.error = error = None

    def close(self) -> None:
        """End the run. The frame object can still be inspected, like that of a finished function."""
        if not self._running:
            _close(self._generator, self.frame)
        while self._pauses:
            self.end_function()

    def _place(self, traceback: TracebackType | None) -> TracebackType | None:
        """Replace the position of the driver in a traceback by that of the site."""
        if traceback is None or traceback.tb_frame is not self.frame:
            return traceback
        return TracebackType(traceback.tb_next, self.frame, self.offset, self.line)


class _Call:
    """What the driver of a frame calls, and the result. It is among the globals of the frame, so it does not refer
    to the frame: the variables of a run would otherwise live until the garbage collector finds them."""

    __slots__ = ("answer", "arguments", "error", "function")

    def __init__(self) -> None:
        self.function: Callable[..., Any] | None = None
        self.arguments: tuple[Any, ...] | None = None
        self.answer: Any = None
        self.error: BaseException | None = None

    def failed(self) -> None:
        """Called by the driver while it handles an exception of the function."""
        self.error = sys.exception()


class PausedFrame:
    """The frame of a scope between two events, for tools that maintain a stack of calls
    (`tmplmon.monitoring.legacy`).

    These tools inspect the instructions around ``f_lasti`` to distinguish a function that starts or ends from a
    generator that resumes or is suspended: see `tmplmon.monitoring.skeleton.suspending_like`. (The
    scope's own frame is at a ``yield`` without RESUME, which looks like a start or an end.) This frame never
    runs. Its ``f_code`` has the name and file of the code-like, but is another object.
    """

    __slots__ = ("_generator", "_line", "begun", "frame")

    begun: bool
    """Whether a tool has seen the start of the scope."""

    def __init__(self, code: CodeType) -> None:
        """``code`` is the code-like. Raises RuntimeError where `LINE_OFFSET` is None."""
        if LINE_OFFSET is None:
            raise RuntimeError("the layout of frame objects is not known on this Python")
        self.begun = False
        self._generator: Any = FunctionType(suspending_like(code), {})()
        silently(next, self._generator)
        self.frame: FrameType = self._generator.gi_frame
        self._line = ctypes.c_int.from_address(id(self.frame) + LINE_OFFSET)
        self._line.value = code.co_firstlineno

    @property
    def line(self) -> int:
        """The value of ``frame.f_lineno``."""
        return self._line.value

    def move(self, line: int) -> None:
        """Move to a line of the file, from 1."""
        self._line.value = line

    def close(self) -> None:
        """End the generator, without events."""
        _close(self._generator, self.frame)


def is_scope_frame(frame: FrameType) -> bool:
    """Whether a frame is one that a `ScopeFrame` has made."""
    return isinstance(frame.f_globals.get("_call"), _Call)


def call_in(frames: list[ScopeFrame], function: Callable[..., Any], *arguments: Any) -> Any:
    """Call ``function`` from the last of ``frames``, each of which is called from the one before: nested
    includes."""
    call = frames[0].call
    if len(frames) == 1:
        return call(function, *arguments)
    inner = [frame.call for frame in frames[1:]]
    return call(*inner, function, *arguments)


def call_outside(frames: list[ScopeFrame], function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function that is not part of the signalling from the last of ``frames``. Raises what it raises.

    An exception that passes through the frames fires no events for them: the engine fires them, with the right
    offsets. ``sys.call_tracing`` enables events during the call, and disables them again afterwards.
    """
    if not frames or in_callback() or _capi.UNAVAILABLE:
        return function(*arguments)
    # `silently` written out, which is hidden: an exception here has to leave a function that tools see.
    state = tracing.state
    _capi.enter_tracing(state)
    try:
        return call_in(frames, sys.call_tracing, function, arguments)
    finally:
        here = sys._getframe()
        if here.f_trace is not None:
            stop_tracing_engines(here)
        del here  # a frame that refers to itself lives until the garbage collector comes
        _capi.leave_tracing(state)


hide(ScopeFrame.call)
hide(call_in)
