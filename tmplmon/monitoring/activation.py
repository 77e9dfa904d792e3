"""One run of a scope that some tool monitors: a method for each event.

A method is called where its event happens; it does nothing if no tool listens there. Otherwise the scope's frame is
moved to the site, and the event is reported to ``sys.settrace``, then to ``sys.setprofile``, then to the tools 5 to
0: the order of the VM. An exception in a callback is raised by the method.

Exceptions propagate as in the VM: each file that an exception leaves fires RAISE, at the last site there, and
PY_UNWIND. An exception raised by a callback replaces the exception that was reported.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import CodeType, FunctionType, MethodType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from tmplmon.monitoring import _capi
from tmplmon.monitoring import events as ev
from tmplmon.monitoring._capi import object_, tracing
from tmplmon.monitoring.debuggers import prepare_exit, skip_engines
from tmplmon.monitoring.direct import END_CALLBACKS, LINE_CALLBACKS, pause_clocks, resume_clocks
from tmplmon.monitoring.events import Event
from tmplmon.monitoring.fire import DISABLE, MISSING, call_directly, dispatch, silently, without_legacy
from tmplmon.monitoring.frames import LINE_OFFSET, ScopeFrame, call_in, call_outside
from tmplmon.monitoring.hidden import hide_all
from tmplmon.monitoring.legacy import end_function, keeps_stack, notify
from tmplmon.monitoring.sites import FILE_EVENTS, SITE_EVENTS, FileState, Site
from tmplmon.monitoring.states import DEBUGGER, LEGACY_TOOLS

if TYPE_CHECKING:
    from tmplmon.monitoring.scope import Scope

__all__ = ["FILE_EVENTS", "SITE_EVENTS", "Activation", "Site"]

_TO_HANDLED = 2 * (FileState.HANDLED - FileState.RAISE)
_LEAVING = (ev.PY_RETURN, ev.PY_YIELD)
_NOT_RUNNING = "the scope has not started, or has ended"


class Activation:
    """Fires the events of one run of a scope. Created by `Scope.enter`; used by one thread.

    As a context manager it fires PY_START at the beginning, and PY_RETURN, or RAISE and PY_UNWIND, at the
    end, unless the engine has fired them. A ``site`` is a number from `ScopeBuilder`. Where it is
    optional, it defaults to the site of the last call of `line`, `branch` or `call`,
    whether or not a tool listened.

    All methods raise what a callback raises, and RuntimeError if the scope is not running.
    """

    __slots__ = (
        "_codelikes",
        "_data",
        "_disabling",
        "_files",
        "_frames",
        "_handles",
        "_inclusions",
        "_last_sites",
        "_line_calls",
        "_namespaces",
        "_raise_checks",
        "_reported",
        "_sites",
        "_states",
        "is_paused",
    )

    is_paused: bool
    """Whether the scope is suspended (see `py_yield`). Set before the event is fired."""

    def __init__(
        self,
        scope: Scope,
        variables: Mapping[str, Any] | None = None,
        module_globals: Mapping[str, Any] | None = None,
    ) -> None:
        """Internal: use `Scope.enter`."""
        self._sites = scope.sites
        self._codelikes = scope.codelikes
        self._handles = scope._handles
        self._raise_checks = scope._raise_checks
        self._line_calls = scope._line_calls
        self._inclusions = scope.inclusions
        self._states = scope.states
        self._data = scope.data
        # (variables, module globals) of each file in _files.
        self._namespaces: list[tuple[Mapping[str, Any], Mapping[str, Any] | None]] = [
            ({} if variables is None else variables, module_globals)
        ]
        self._files: list[int] = []  # the running code-likes: the scope's own, and nested inclusions
        self._last_sites: list[int | None] = []  # for each of them, the last site that was passed to a method
        self._frames: list[ScopeFrame] = []  # their frames, as far as they have been needed
        self._disabling: dict[
            int, int
        ] = {}  # the site of a CALL → the tools that disabled it in their callbacks
        self._reported: BaseException | None = None  # the exception for which RAISE has been fired
        self.is_paused = False

    @property
    def frame(self) -> ScopeFrame | None:
        """The frame of the innermost running file, created if necessary; None if frames are not supported."""
        return self._innermost_frame() if self._files and LINE_OFFSET is not None else None

    @property
    def hears_calls(self) -> bool:
        """Whether a tool listens to CALL in the innermost running file, perhaps not at all of its sites."""
        return bool(self._data[2 * (self._states.first_of(self._files[-1]) + FileState.C_RETURN)])

    # -- start and end ---------------------------------------------------------------------------------------

    def py_start(
        self,
        inclusion: int = 0,
        variables: Mapping[str, Any] | None = None,
        module_globals: Mapping[str, Any] | None = None,
    ) -> None:
        """Fire PY_START, for the scope or for an inclusion in it.

        inclusion: the number of the inclusion; 0 is the scope itself. variables, module_globals: those of the
        inclusion; by default those of the including file.

        If a callback raises, the started file is unwound before the exception is raised.
        """
        pause_clocks()
        file = self._inclusions[inclusion]
        if self._files or not self._namespaces:
            outer = self._namespaces[-1] if self._namespaces else ({}, None)
            self._namespaces.append(
                (outer[0] if variables is None else variables, module_globals or outer[1])
            )
        self._files.append(file)
        self._last_sites.append(None)
        self._reported = None
        codelike = self._codelikes[file]
        state = self._states.first_of(file) + FileState.START
        try:
            active = self._data[2 * state]
            if active in END_CALLBACKS:
                END_CALLBACKS[active][0](codelike.code, codelike.start)
                resume_clocks()
                return
            firstlineno = codelike.code.co_firstlineno
            if self._fire(ev.PY_START, _capi.FIRE_PY_START, state, file, codelike.start, firstlineno):
                # The sysmon core of coverage.py sets its local events in this callback.
                self._states.refresh_local()
        except BaseException as error:
            raise self._unwind(error)  # noqa: B904 - the same exception, unless a callback has raised another
        resume_clocks()

    def py_return(self, value: object = None, site: int | None = None) -> None:
        """Fire PY_RETURN for the last `py_start`. Without a site its offset is the end of the code-like."""
        pause_clocks()
        code, offset, line = self._position_of(site)
        if site is None:
            file = self._files[-1]
            state, offset = self._states.first_of(file) + FileState.RETURN, self._codelikes[file].end
        else:
            file, state = self._sites[site].file, self._sites[site].state
        active = self._data[2 * state]
        if active in END_CALLBACKS:
            END_CALLBACKS[active][1](code, offset, value)
        else:
            self._fire(ev.PY_RETURN, _capi.FIRE_PY_RETURN, state, file, offset, line, value)
        self._end_file()
        if self._files:
            resume_clocks()

    def py_unwind(self, exception: BaseException, site: int | None = None) -> None:
        """Fire PY_UNWIND for the last `py_start`, which ``exception`` leaves from ``site``."""
        pause_clocks()
        try:
            self._fire_exception(ev.PY_UNWIND, FileState.UNWIND, exception, site)
        finally:
            self._end_file()
            if self._files:
                resume_clocks()

    def py_yield(self, value: object, site: int) -> None:
        """Fire PY_YIELD: the scope is suspended at the site of a yield, with ``value``."""
        pause_clocks()
        place = self._sites[site]
        self.is_paused = True
        try:
            self._fire(
                ev.PY_YIELD, _capi.FIRE_PY_YIELD, place.state, place.file, place.offset, place.line, value
            )
        except BaseException:
            self.is_paused = False
            raise
        finally:
            resume_clocks()

    def py_resume(self, site: int) -> None:
        """Refresh the states and fire PY_RESUME: the scope resumes at the site of a yield."""
        pause_clocks()
        self.is_paused = False
        self._states.enter()
        place = self._sites[site]
        state = place.state + 1
        if self._fire(ev.PY_RESUME, _capi.FIRE_PY_RESUME, state, place.file, place.offset, place.line):
            self._states.refresh_local()
        resume_clocks()

    def py_throw(self, exception: BaseException, site: int) -> None:
        """Refresh the states and fire PY_THROW: ``exception`` is thrown into the scope at the site of a yield."""
        pause_clocks()
        self.is_paused = False
        self._states.enter()
        if self._fire_exception(ev.PY_THROW, FileState.THROW, exception, site):
            self._states.refresh_local()
        resume_clocks()

    def begin_function(self) -> bool:
        """Mark the start of a function of the language that is part of this scope (such as a recursive loop).

        There is no event. Tracers that maintain a stack of calls see a call once an event happens in the function,
        so that they do not connect its lines with those of the caller. Most tools see no difference. Returns
        whether `end_function` has to be called at the end.
        """
        frame = self.frame if keeps_stack(sys.gettrace()) else None
        if frame is None or frame.paused is None:
            return False
        frame.begin_function()
        return True

    def end_function(self) -> None:
        """Mark the end of the last `begin_function`, by return or by exception."""
        end_function(self._frames[-1])

    # -- events at sites -------------------------------------------------------------------------------------

    def line(self, site: int) -> None:
        """Fire LINE: execution reaches the line of ``site``."""
        try:
            self._last_sites[-1] = site
        except IndexError:
            raise RuntimeError(_NOT_RUNNING) from None
        place = self._sites[site]
        active = self._data[2 * place.state]
        if active in LINE_CALLBACKS:
            if LINE_CALLBACKS[active](place.code, place.line) is DISABLE:
                self._data[2 * place.state] = 0
            return
        if active and not tracing.count.value:
            state, file, offset, line = place.state, place.file, place.offset, place.line
            raised = self._raise_checks[file]
            if active & LEGACY_TOOLS or self._data[raised] or self._data[raised + _TO_HANDLED]:
                self._notify(ev.LINE, _capi.FIRE_LINE, active, state, file, offset, line, (), (line,))
                return
            # The most frequent case, an event for tools only: `_notify` written out.
            call = self._line_calls[site]
            if call is None:
                pointer, handle = self._states.pointer(state), self._handles[file]
                call = self._line_calls[site] = (_capi.FIRE_LINE, pointer, handle, offset, line)
            self._move_frame(line, offset)(*call)
            if active & DEBUGGER:
                self._refresh_after_debugger()

    def at(self, site: int) -> None:
        """Fire LINE if the line of ``site`` is another one than that of the last site; else move the frame to it.

        For languages with several sites on a line, such as expressions: a tool stops once on each line.
        """
        try:
            last = self._last_sites[-1]
        except IndexError:
            raise RuntimeError(_NOT_RUNNING) from None
        if last is None or self._sites[last].line != self._sites[site].line:
            self.line(site)
        else:
            self.reach(site)

    def branch(self, site: int, left: object) -> None:
        """Fire BRANCH_LEFT if ``left`` is true, else BRANCH_RIGHT; BRANCH on 3.13.

        The left side is taken if the condition is true or the loop continues.
        """
        try:
            self._last_sites[-1] = site
        except IndexError:
            raise RuntimeError(_NOT_RUNNING) from None
        place = self._sites[site]
        if left:
            event, fire, state, destination = ev.BRANCH_LEFT, _capi.FIRE_BRANCH_LEFT, place.state, place.left
        else:
            event, fire, destination = ev.BRANCH_RIGHT, _capi.FIRE_BRANCH_RIGHT, place.right
            state = place.state + len(SITE_EVENTS["branch"]) - 1
        self._fire(event, fire, state, place.file, place.offset, place.line, destination)

    def jump(self, site: int) -> None:
        """Fire JUMP: the unconditional jump at ``site``."""
        place = self._sites[site]
        self._fire(ev.JUMP, _capi.FIRE_JUMP, place.state, place.file, place.offset, place.line, place.left)

    def call(self, site: int, callable: object, arg0: object = MISSING) -> None:
        """Fire CALL: ``callable`` is about to be called. ``arg0``: its first argument; MISSING if it has none."""
        try:
            self._last_sites[-1] = site
        except IndexError:
            raise RuntimeError(_NOT_RUNNING) from None
        self._call(site, callable, arg0)

    def c_return(self, site: int, callable: object, arg0: object = MISSING) -> None:
        """Fire C_RETURN: ``callable``, not a Python function, has returned. Arguments as for `call`.

        Tools that have disabled CALL at the site get no event, but see `_call`.
        """
        self._fire_after_call(ev.C_RETURN, FileState.C_RETURN, site, self._callers_of(site), callable, arg0)

    def c_raise(self, site: int, callable: object, arg0: object = MISSING) -> None:
        """Fire C_RAISE: ``callable``, not a Python function, has raised. Arguments as for `call`, tools as for
        `c_return`."""
        self._fire_after_call(ev.C_RAISE, FileState.C_RAISE, site, self._callers_of(site), callable, arg0)

    def invoke(self, site: int, function: Callable[..., Any], /, *arguments: Any, **keywords: Any) -> Any:
        """Call a function of the host at ``site``, fire CALL, C_RETURN and C_RAISE, and return its result.

        The function is called from the scope's frame: debuggers find the scope among its callers, and tracebacks
        contain the scope's line. Raises what ``function`` raises.
        """
        called = partial(function, **keywords) if keywords else function
        # A method is called as its function, with the object as the first argument; the VM's events say so, too.
        if isinstance(function, MethodType):
            arg0: object = function.__self__
            function = function.__func__
        else:
            arg0 = arguments[0] if arguments else next(iter(keywords.values()), MISSING)
        try:
            self._last_sites[-1] = site
        except IndexError:
            raise RuntimeError(_NOT_RUNNING) from None
        callers = self._call(site, function, arg0)
        place = self._sites[site]
        self._move_frame(place.line, place.offset)
        try:
            result = call_outside(self._frames, called, *arguments)
        except BaseException:
            self._states.enter()
            if not isinstance(function, FunctionType):
                self._fire_after_call(ev.C_RAISE, FileState.C_RAISE, site, callers, function, arg0)
            raise
        self._states.enter()
        if not isinstance(function, FunctionType):
            self._fire_after_call(ev.C_RETURN, FileState.C_RETURN, site, callers, function, arg0)
        return result

    def reach(self, site: int) -> None:
        """Move the frame to ``site`` without firing an event."""
        if not self._files:
            raise RuntimeError(_NOT_RUNNING)
        self._last_sites[-1] = site
        if len(self._frames) == len(self._files):
            place = self._sites[site]
            self._frames[-1].move(place.line, place.offset)

    def within(self, site: int, function: Callable[..., Any], /, *arguments: Any) -> Any:
        """Call a function of the engine from the scope's frame, at ``site``, and return its result. Fires no
        events.

        A function that runs another scope then has this one among its callers. The states are refreshed
        afterwards. Raises what ``function`` raises.
        """
        self.reach(site)
        if LINE_OFFSET is not None:
            self._innermost_frame()
        try:
            return call_outside(self._frames, function, *arguments)
        finally:
            self._states.enter()

    def stop_iteration(self, site: int, value: object = None) -> None:
        """Fire STOP_ITERATION: an iterator at ``site`` has ended. ``value``: its value, or the StopIteration."""
        place = self._sites[site]
        state, file, offset, line = place.state, place.file, place.offset, place.line
        self._fire(ev.STOP_ITERATION, _capi.FIRE_STOP_ITERATION, state, file, offset, line, value)

    # -- exceptions ------------------------------------------------------------------------------------------

    def raise_(self, exception: BaseException, site: int | None = None) -> None:
        """Fire RAISE: ``exception`` is raised at ``site``, or propagates from a call there."""
        self._reported = exception
        self._fire_exception(ev.RAISE, FileState.RAISE, exception, site)
        if site is not None:
            self.reach(site)

    def reraise(self, exception: BaseException, site: int | None = None) -> None:
        """Fire RERAISE: ``exception`` is raised again, by a handler or at the end of a ``finally``."""
        self._fire_exception(ev.RERAISE, FileState.RERAISE, exception, site)

    def exception_handled(self, exception: BaseException, site: int | None = None) -> None:
        """Fire EXCEPTION_HANDLED: ``exception`` has been caught at ``site``."""
        self._fire_exception(ev.EXCEPTION_HANDLED, FileState.HANDLED, exception, site)

    # -- context manager -------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        if not self._files:
            self.py_start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        leaving = exception
        while self._files:
            if leaving is not None:
                leaving = self._unwind(leaving)
                continue
            try:
                self.py_return()
            except BaseException as error:
                leaving = error
        self._states.exit()
        resume_clocks()
        if leaving is not None and leaving is not exception:
            raise leaving

    # -- implementation --------------------------------------------------------------------------------------

    def _unwind(self, exception: BaseException) -> BaseException:
        """Fire RAISE, unless it has been fired, and PY_UNWIND for the innermost file. Returns the exception that
        leaves the file."""
        try:
            if self._reported is not exception:
                self.raise_(exception)
        except BaseException as error:
            exception = error
        try:
            self.py_unwind(exception)
        except BaseException as error:
            exception = error
        return exception

    def _fire(
        self,
        event: Event,
        fire: Callable[..., int],
        state: int,
        file: int,
        offset: int,
        line: int,
        *arguments: Any,
    ) -> bool:
        """Fire an event that the C API supports, if a tool listens. Returns whether one does."""
        active = self._data[2 * state]
        if not active or tracing.count.value:
            return False
        self._notify(event, fire, active, state, file, offset, line, arguments, map(object_, arguments))
        return True

    def _notify(
        self,
        event: Event,
        fire: Callable[..., int],
        active: int,
        state: int,
        file: int,
        offset: int,
        line: int,
        arguments: tuple[Any, ...],
        for_c: Iterable[Any],
    ) -> None:
        """Call the legacy tools, and then the others through the C API. ``for_c``: the C function's last
        arguments."""
        caller = self._move_frame(line, offset)
        if active & DEBUGGER and event in _LEAVING and self._frames:
            prepare_exit(self._frames[-1].frame, sys._getframe(), ends=event is ev.PY_RETURN)
        raised = self._raise_checks[file]
        if self._data[raised] or self._data[raised + _TO_HANDLED]:
            # An exception in a callback passes through the frame; the frame's own instructions must not report it.
            caller = partial(silently, caller)
        handle = self._handles[file]
        if active & LEGACY_TOOLS:
            notify(self._frames, event, *arguments)
            without_legacy(self._data, 2 * state, caller, fire, handle, offset, *for_c)
        else:
            caller(fire, self._states.pointer(state), handle, offset, *for_c)
        if active & DEBUGGER:
            self._refresh_after_debugger()

    def _refresh_after_debugger(self) -> None:
        """Refresh the states after an event was reported to a debugger: its next step may need other events."""
        if self._frames:
            skip_engines(self._frames[-1].frame.f_trace)
        self._states.enter()

    def _call(self, site: int, callable: object, arg0: object) -> int:
        """Fire CALL. Returns the tools that get C_RETURN or C_RAISE of this call.

        As in the VM, a tool that disables CALL gets the end of this call if no other tool listens.
        """
        place = self._sites[site]
        callers = self._data[2 * place.state]
        self._fire(
            ev.CALL, _capi.FIRE_CALL, place.state, place.file, place.offset, place.line, callable, arg0
        )
        remaining = self._data[2 * place.state] & callers
        if callers and not remaining:
            self._disabling[site] = callers
            return callers
        return remaining

    def _callers_of(self, site: int) -> int:
        """The tools that get C_RETURN or C_RAISE for the last CALL at a site."""
        return self._data[2 * self._sites[site].state] | self._disabling.pop(site, 0)

    def _fire_after_call(self, event: Event, number: int, site: int, callers: int, *arguments: Any) -> None:
        """Fire C_RETURN or C_RAISE, which the C API does not support, to those of the tools ``callers`` that
        listen.

        In the VM, the instruction that fires CALL fires these, too, so DISABLE applies to all three.
        """
        place = self._sites[site]
        state = place.file_state + number
        active = self._data[2 * state] & callers
        if active:
            caller = self._move_frame(place.line, place.offset)
            if active & LEGACY_TOOLS:
                notify(self._frames, event, *arguments)
            dispatch(
                event, self._states, state, place.code, place.offset, *arguments, caller=caller, tools=active
            )

    def _fire_exception(self, event: Event, number: int, exception: BaseException, site: int | None) -> bool:
        """Fire an event with an exception, if a tool listens. Returns whether one does."""
        if not self._files:
            raise RuntimeError(_NOT_RUNNING)
        state = self._states.first_of(self._files[-1]) + number
        active = self._data[2 * state]
        if active:
            code, offset, line = self._position_of(site)
            caller = self._move_frame(line, offset)
            if active & LEGACY_TOOLS:
                notify(self._frames, event, exception)
            if active & DEBUGGER and event is ev.PY_UNWIND and self._frames:
                prepare_exit(self._frames[-1].frame, sys._getframe(), ends=True)
            dispatch(event, self._states, state, code, offset, exception, caller=caller)
        return active != 0

    def _position_of(self, site: int | None) -> tuple[CodeType, int, int]:
        """Return the code-like, offset and line of a site; by default of the last one, or of the start."""
        if not self._files:
            raise RuntimeError(_NOT_RUNNING)
        site = self._last_sites[-1] if site is None else site
        if site is not None:
            place = self._sites[site]
            return place.code, place.offset, place.line
        codelike = self._codelikes[self._files[-1]]
        return codelike.code, codelike.start, codelike.code.co_firstlineno

    def _move_frame(self, line: int, offset: int) -> Callable[..., Any]:
        """Move the frame to a position. Returns a function that calls functions from the frame."""
        frames = self._frames
        if len(frames) != len(self._files):
            if LINE_OFFSET is None:
                return call_directly
            self._innermost_frame()
        frames[-1].move(line, offset)
        return frames[0].call if len(frames) == 1 else self._call_nested

    def _call_nested(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return call_in(self._frames, function, *arguments)

    def _innermost_frame(self) -> ScopeFrame:
        if not self._files:
            raise RuntimeError(_NOT_RUNNING)
        while len(self._frames) < len(self._files):
            codelike = self._codelikes[self._files[len(self._frames)]]
            frame = ScopeFrame(codelike.code, *self._namespaces[len(self._frames)])
            last_site = self._last_sites[len(self._frames)]
            if last_site is None:
                frame.move(codelike.code.co_firstlineno, codelike.start)
            else:
                frame.move(self._sites[last_site].line, self._sites[last_site].offset)
            self._frames.append(frame)
        return self._frames[-1]

    def _end_file(self) -> None:
        if not self._files:
            return
        self._files.pop()
        self._last_sites.pop()
        self._reported = None
        # Not kept for the outermost file either: the variables may lead to the activation.
        self._namespaces.pop()
        if self._files:
            # A debugger that steps out has set the events of the outer file in the callback for this one's end.
            self._states.enter()
        while len(self._frames) > len(self._files):
            self._frames.pop().close()


# These two call functions of the host, whose exceptions pass through them.
hide_all(Activation, besides=("invoke", "within"))
