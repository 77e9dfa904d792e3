"""Real frames for scopes that have no bytecode to run: what tools that look at frames get to see.

A :class:`ScopeFrame` is one run of a code-like. Its frame object is the code-like's driver, a suspended
generator (see :mod:`tmplmon.monitoring.codelike`): ``f_code`` is the code-like, ``f_locals`` the very mapping
the scope keeps its variables in, and whatever is called through :meth:`ScopeFrame.call` finds the frame as
its caller, with the engine's frames below it in ``f_back``. It is one and the same object as long as the
scope runs, which is what debuggers rely on, and resuming it fires no event of its own.

Its ``f_lineno`` is *set*: the field of that name in ``PyFrameObject``, which CPython's own line tracing and
Cython set in the same way, and which counts before the instruction pointer if it is not zero. There is no
Python function for it, so it is written through its address. :data:`LINE_OFFSET` is where it is; it was found
by looking at its neighbours, which Python *can* set (``f_trace`` before it, ``f_trace_lines`` after it), so a
Python with another layout is noticed, and then there are no frames: legacy tools get nothing rather than
something wrong.

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
from tmplmon.monitoring._capi import in_callback, tracing
from tmplmon.monitoring.debuggers import pass_over_running
from tmplmon.monitoring.fire import silently
from tmplmon.monitoring.hidden import allocate_data, hide
from tmplmon.monitoring.skeleton import pausing_like

__all__ = ["LINE_OFFSET", "PausedFrame", "ScopeFrame", "call_in", "call_outside"]


def _find_line_offset() -> int | None:
    """Return the offset of ``f_lineno`` in a frame object, or None if the neighbours are not where they
    should be."""
    pointer = ctypes.sizeof(ctypes.c_void_p)
    f_trace = object.__basicsize__ + 2 * pointer  # after the head, f_back and f_frame
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
    found = ctypes.c_void_p.from_address(base + f_trace).value == id(tracer)
    for flag in (False, True):
        frame.f_trace_lines = flag
        found = found and ctypes.c_ubyte.from_address(base + f_trace_lines).value == flag
    frame.f_trace = None
    return f_lineno if found else None


LINE_OFFSET = _find_line_offset()
"""Where ``f_lineno`` is in a frame object, in bytes; None if that is not known on this Python."""


class ScopeFrame:
    """The frame of one run of a scope in one of its files.

    ``variables`` becomes ``f_locals``: the mapping itself, so a debugger's changes reach the scope.
    ``module_globals`` are copied into ``f_globals``; useful are ``__name__`` and ``__loader__``. Raises
    RuntimeError where :data:`LINE_OFFSET` is None. One thread uses it at a time.
    """

    __slots__ = (
        "_answer",
        "_arguments",
        "_error",
        "_function",
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
    """The offset of the site the scope is at: what a traceback through this frame gets as ``tb_lasti``."""

    def __init__(
        self,
        code: CodeType,
        variables: Mapping[str, Any] | None = None,
        module_globals: Mapping[str, Any] | None = None,
    ) -> None:
        if LINE_OFFSET is None:
            raise RuntimeError("the layout of frame objects is not known on this Python")
        self.code = code
        self._function: Callable[..., Any] | None = None
        self._arguments: tuple[Any, ...] = ()
        self._answer: Any = None
        self._error: BaseException | None = None
        self._running = False
        self.offset = 0
        names = {"__builtins__": builtins, **(module_globals or {}), "_frame": self}
        # eval() of a generator's code gives the generator, with a mapping of our choice for its locals.
        allocate_data(code)
        self._generator: Any = eval(code, names, {} if variables is None else variables)
        self.frame = self._generator.gi_frame
        next(self._generator)
        self._line = ctypes.c_int.from_address(id(self.frame) + LINE_OFFSET)
        self._line.value = code.co_firstlineno
        self._pauses: list[PausedFrame] = []

    @property
    def paused(self) -> PausedFrame | None:
        """The same run between two of its events, or of the last function that began in it; None before the first
        :meth:`begin_function`."""
        return self._pauses[-1] if self._pauses else None

    def begin_function(self, *, resumed: bool = False) -> None:
        """For a tool that keeps a stack of calls the scope begins or is ``resumed``; or a function of the language
        begins that is a part of it."""
        paused = PausedFrame(self.code)
        if resumed:
            paused.begun = True
            paused.move(self.line)
        self._pauses.append(paused)

    def end_function(self) -> None:
        """What began last with :meth:`begin_function` ends."""
        self._pauses.pop().close()

    @property
    def line(self) -> int:
        """What ``frame.f_lineno`` says."""
        return self._line.value

    def move(self, line: int, offset: int) -> None:
        """Be at a site: at ``line`` (from 1) of the file, at ``offset`` of the code-like."""
        self._line.value = line
        self.offset = offset

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return ``function(*arguments)``, called by this frame.

        An exception comes out with this frame in its traceback, at the line and with the position the frame
        is at. While such a call is running, further ones are made without the frame: it is on the stack
        already.
        """
        if self._running:
            return function(*arguments)
        self._function, self._arguments = function, arguments
        self._running = True
        try:
            if next(self._generator, self) is self:  # an interrupt between two calls has ended the driver
                return function(*arguments)
        finally:
            self._running = False
            self._arguments = ()
        if self._error is not None:
            error, self._error = self._error, None
            raise error.with_traceback(self._place(error.__traceback__))
        answer, self._answer = self._answer, None
        return answer

    def _failed(self) -> None:
        """Called by the driver, while it handles the exception that the function raised."""
        self._error = sys.exception()

    def close(self) -> None:
        """End the run. The frame object stays usable for looking at, as a finished function's does."""
        if not self._running:
            silently(self._generator.close)  # the GeneratorExit that ends the driver is nobody's business
        while self._pauses:
            self.end_function()

    def _place(self, traceback: TracebackType | None) -> TracebackType | None:
        """The driver's entry in a traceback has the driver's place: put the site's there."""
        if traceback is None or traceback.tb_frame is not self.frame:
            return traceback
        return TracebackType(traceback.tb_next, self.frame, self.offset, self.line)


class PausedFrame:
    """The frame of a scope as it is between two events, for tools that keep a stack of calls
    (:mod:`tmplmon.monitoring.legacy`).

    They look at the instructions around ``f_lasti`` to tell a function that begins or ends from a generator that
    goes on or pauses: see :func:`tmplmon.monitoring.skeleton.pausing_like`. (The frame of the scope itself waits at
    a ``yield`` without RESUME, which is how it looks in the beginning and in the end.) It is never run; its
    ``f_code`` has the name and the file of the code-like, but is another.
    """

    __slots__ = ("_generator", "_line", "begun", "frame")

    begun: bool
    """Whether a tool has been told that the scope begins."""

    def __init__(self, code: CodeType) -> None:
        """``code`` is the code-like. Raises RuntimeError where :data:`LINE_OFFSET` is None."""
        if LINE_OFFSET is None:
            raise RuntimeError("the layout of frame objects is not known on this Python")
        self.begun = False
        self._generator: Any = FunctionType(pausing_like(code), {})()
        silently(next, self._generator)
        self.frame: FrameType = self._generator.gi_frame
        self._line = ctypes.c_int.from_address(id(self.frame) + LINE_OFFSET)
        self._line.value = code.co_firstlineno

    @property
    def line(self) -> int:
        """What ``frame.f_lineno`` says."""
        return self._line.value

    def move(self, line: int) -> None:
        """Be on a line of the file, from 1."""
        self._line.value = line

    def close(self) -> None:
        """End it, which is nobody's business either."""
        silently(self._generator.close)


def call_in(frames: list[ScopeFrame], function: Callable[..., Any], *arguments: Any) -> Any:
    """Call ``function`` from the last of ``frames``, which is itself run by the one before, and so on: nested
    includes."""
    call = frames[0].call
    if len(frames) == 1:
        return call(function, *arguments)
    inner = [frame.call for frame in frames[1:]]
    return call(*inner, function, *arguments)


def call_outside(frames: list[ScopeFrame], function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function that is not part of the signalling from the last of ``frames``.

    An exception that passes through the frames fires no events for them: the engine does that, with the right
    offset. ``sys.call_tracing`` turns events on for the call, and off again for what follows it.
    """
    if not frames or in_callback() or _capi.UNAVAILABLE:
        return function(*arguments)
    # As `silently` does it, which is hidden: what passes through here has to leave a function that tools see.
    state = tracing.state
    _capi.enter_tracing(state)
    try:
        return call_in(frames, sys.call_tracing, function, arguments)
    finally:
        here = sys._getframe()
        if here.f_trace is not None:
            pass_over_running(here)
        _capi.leave_tracing(state)


hide(ScopeFrame.call)
hide(call_in)
