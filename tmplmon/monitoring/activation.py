"""One run of a scope that some tool listens to: a method for each event.

Each method is called where the event happens, and does nothing if nobody listens to it there. If somebody
does, the scope's frame is put at the site, and the event goes first to ``sys.settrace``, then to
``sys.setprofile``, then to the tools 5 to 0, the order in which the VM calls them. An exception that one of
them raises comes out of the method.

An exception unwinds as in the VM: each file that it leaves tells of RAISE, at the last site there, and PY_UNWIND;
what a callback raises takes the place of the exception it was told of.
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
from tmplmon.monitoring.debuggers import leave, pass_over
from tmplmon.monitoring.direct import LINE_CALLBACKS, pause_clocks, resume_clocks
from tmplmon.monitoring.events import Event
from tmplmon.monitoring.fire import DISABLE, MISSING, call_directly, dispatch, silently, without_legacy
from tmplmon.monitoring.frames import LINE_OFFSET, ScopeFrame, call_in, call_outside
from tmplmon.monitoring.hidden import hide_all
from tmplmon.monitoring.legacy import end_function, keeps_stack, tell
from tmplmon.monitoring.sites import FILE_EVENTS, SITE_EVENTS, FileState, Site
from tmplmon.monitoring.states import DEBUGGER, LEGACY_TOOLS

if TYPE_CHECKING:
    from tmplmon.monitoring.scope import Scope

__all__ = ["FILE_EVENTS", "SITE_EVENTS", "Activation", "Site"]

_TO_HANDLED = 2 * (FileState.HANDLED - FileState.RAISE)
_LEAVING = (ev.PY_RETURN, ev.PY_YIELD)
_NOT_RUNNING = "an event of a scope that has not started, or has ended"


class Activation:
    """What an engine signals with during one run of a scope. Made by :meth:`Scope.enter`; for one thread.

    In a ``with``, PY_START is fired at the beginning and PY_RETURN, or RAISE and PY_UNWIND, at the end,
    unless the engine did. A ``site`` is the number that :class:`ScopeBuilder` gave; where it can be left out,
    it is the last one that :meth:`line`, :meth:`branch` or :meth:`call` was called for, whether or not
    anybody listened.
    """

    __slots__ = (
        "_codelikes",
        "_data",
        "_files",
        "_frames",
        "_handles",
        "_here",
        "_inclusions",
        "_line_calls",
        "_names",
        "_raise_checks",
        "_raised",
        "_sites",
        "_states",
        "is_paused",
    )

    is_paused: bool
    """Whether the scope has stopped for a while (:meth:`py_yield`), as of the event that tells of it."""

    def __init__(
        self,
        scope: Scope,
        variables: Mapping[str, Any] | None = None,
        module_globals: Mapping[str, Any] | None = None,
    ) -> None:
        """Internal: use :meth:`Scope.enter`."""
        self._sites = scope.sites
        self._codelikes = scope.codelikes
        self._handles = scope._handles
        self._raise_checks = scope._raise_checks
        self._line_calls = scope._line_calls
        self._inclusions = scope.inclusions
        self._states = scope.states
        self._data = scope.data
        # The variables and module globals of each of the files below.
        self._names = [({} if variables is None else variables, module_globals)]
        self._files: list[int] = []  # the code-likes that are running: the scope's own, and includes in it
        self._here: list[int | None] = []  # the last site in each of them that anything was called for
        self._frames: list[ScopeFrame] = []  # theirs, as far as anybody has looked yet
        self._raised: BaseException | None = None
        self.is_paused = False

    @property
    def frame(self) -> ScopeFrame | None:
        """The frame of the innermost file that is running, made now if need be; None where there can be none."""
        return self._frame() if self._files and LINE_OFFSET is not None else None

    # -- from start to end -----------------------------------------------------------------------------------

    def py_start(
        self,
        inclusion: int = 0,
        variables: Mapping[str, Any] | None = None,
        module_globals: Mapping[str, Any] | None = None,
    ) -> None:
        """PY_START: the scope begins or, with its number, an inclusion in it, until :meth:`py_return`.

        An inclusion may have ``variables`` and ``module_globals`` of its own; else it has those of the file around
        it. If a callback raises, what began is unwound before the exception comes out.
        """
        pause_clocks()
        file = self._inclusions[inclusion]
        if self._files:
            around = self._names[-1]
            self._names.append((around[0] if variables is None else variables, module_globals or around[1]))
        self._files.append(file)
        self._here.append(None)
        self._raised = None
        codelike = self._codelikes[file]
        state = self._states.first_of(file) + FileState.START
        try:
            firstlineno = codelike.code.co_firstlineno
            if self._c(ev.PY_START, _capi.FIRE_PY_START, state, file, codelike.start, firstlineno):
                # coverage.py's sysmon core asks for its local events in there.
                self._states.refresh_local()
        except BaseException as error:
            raise self._unwind(error)  # noqa: B904 (it is this very exception, but for a tool that raises another)
        resume_clocks()

    def py_return(self, value: object = None, site: int | None = None) -> None:
        """PY_RETURN: what :meth:`py_start` began ends with ``value``, at a return's site or at the end."""
        pause_clocks()
        _code, offset, line = self._place(site)
        if site is None:
            file = self._files[-1]
            state, offset = self._states.first_of(file) + FileState.RETURN, self._codelikes[file].end
        else:
            file, state = self._sites[site].file, self._sites[site].state
        self._c(ev.PY_RETURN, _capi.FIRE_PY_RETURN, state, file, offset, line, value)
        self._leave()
        if self._files:
            resume_clocks()

    def py_unwind(self, exception: BaseException, site: int | None = None) -> None:
        """PY_UNWIND: what :meth:`py_start` began ends with ``exception``, which came up at ``site``."""
        pause_clocks()
        try:
            self._exception(ev.PY_UNWIND, FileState.UNWIND, exception, site)
        finally:
            self._leave()
            if self._files:
                resume_clocks()

    def py_yield(self, value: object, site: int) -> None:
        """PY_YIELD: the scope stops for a while at a yield's site and hands out ``value``."""
        pause_clocks()
        place = self._sites[site]
        self.is_paused = True
        try:
            self._c(
                ev.PY_YIELD, _capi.FIRE_PY_YIELD, place.state, place.file, place.offset, place.line, value
            )
        except BaseException:
            self.is_paused = False
            raise
        finally:
            resume_clocks()

    def py_resume(self, site: int) -> None:
        """PY_RESUME: the scope goes on at a yield's site. The states are brought up to date before."""
        pause_clocks()
        self.is_paused = False
        self._states.enter()
        place = self._sites[site]
        state = place.state + 1
        if self._c(ev.PY_RESUME, _capi.FIRE_PY_RESUME, state, place.file, place.offset, place.line):
            self._states.refresh_local()
        resume_clocks()

    def py_throw(self, exception: BaseException, site: int) -> None:
        """PY_THROW: the scope goes on at a yield's site, with ``exception`` thrown into it."""
        pause_clocks()
        self.is_paused = False
        self._states.enter()
        self._exception(ev.PY_THROW, FileState.THROW, exception, site)
        resume_clocks()

    def begin_function(self) -> bool:
        """A function of the language begins that is a part of this scope (a loop that calls itself).

        There is no event for it, and most tools see the scope go on. Tracers that keep a stack of calls are told,
        when something happens in it, so that they do not take its lines for ones that follow those of the caller.
        Returns whether :meth:`end_function` is to be called when it ends.
        """
        frame = self.frame if keeps_stack(sys.gettrace()) else None
        if frame is None or frame.paused is None:
            return False
        frame.begin_function()
        return True

    def end_function(self) -> None:
        """What :meth:`begin_function` began ends, or has raised an exception."""
        end_function(self._frames[-1])

    # -- on the way ------------------------------------------------------------------------------------------

    def line(self, site: int) -> None:
        """LINE: execution reaches the line of ``site``."""
        try:
            self._here[-1] = site
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
                self._send(ev.LINE, _capi.FIRE_LINE, active, state, file, offset, line, (), (line,))
                return
            # Most events are lines, and go to one tool. This is what `_send` comes to.
            call = self._line_calls[site]
            if call is None:
                pointer, handle = self._states.pointer(state), self._handles[file]
                call = self._line_calls[site] = (_capi.FIRE_LINE, pointer, handle, offset, line)
            self._at(line, offset)(*call)
            if active & DEBUGGER:
                self._look_again()

    def branch(self, site: int, left: object) -> None:
        """BRANCH_LEFT if ``left`` is true, else BRANCH_RIGHT; BRANCH on 3.13.

        Left is where the condition holds or the loop goes on.
        """
        try:
            self._here[-1] = site
        except IndexError:
            raise RuntimeError(_NOT_RUNNING) from None
        place = self._sites[site]
        if left:
            event, fire, state, destination = ev.BRANCH_LEFT, _capi.FIRE_BRANCH_LEFT, place.state, place.left
        else:
            event, fire, destination = ev.BRANCH_RIGHT, _capi.FIRE_BRANCH_RIGHT, place.right
            state = place.state + len(SITE_EVENTS["branch"]) - 1
        self._c(event, fire, state, place.file, place.offset, place.line, destination)

    def jump(self, site: int) -> None:
        """JUMP: the unconditional jump at ``site`` is made."""
        place = self._sites[site]
        self._c(ev.JUMP, _capi.FIRE_JUMP, place.state, place.file, place.offset, place.line, place.left)

    def call(self, site: int, callable: object, arg0: object = MISSING) -> None:
        """CALL: ``callable`` is about to be called at ``site``, with ``arg0`` first if it has arguments."""
        try:
            self._here[-1] = site
        except IndexError:
            raise RuntimeError(_NOT_RUNNING) from None
        place = self._sites[site]
        self._c(ev.CALL, _capi.FIRE_CALL, place.state, place.file, place.offset, place.line, callable, arg0)

    def c_return(self, site: int, callable: object, arg0: object = MISSING) -> None:
        """C_RETURN: ``callable``, which is no Python function, returned. Arguments as those of :meth:`call`."""
        self._python(ev.C_RETURN, FileState.C_RETURN, site, callable, arg0)

    def c_raise(self, site: int, callable: object, arg0: object = MISSING) -> None:
        """C_RAISE: ``callable``, which is no Python function, raised. Arguments as those of :meth:`call`."""
        self._python(ev.C_RAISE, FileState.C_RAISE, site, callable, arg0)

    def invoke(self, site: int, function: Callable[..., Any], /, *arguments: Any, **keywords: Any) -> Any:
        """Call a function of the host at ``site`` and return its result, with CALL, C_RETURN and C_RAISE.

        It is called from the scope's frame: a debugger that stops in it finds the scope among its callers,
        and a traceback through it has the scope's line.
        """
        called = partial(function, **keywords) if keywords else function
        # A method is a function called with its object first: so the VM, and so the events.
        if isinstance(function, MethodType):
            arg0: object = function.__self__
            function = function.__func__
        else:
            arg0 = arguments[0] if arguments else next(iter(keywords.values()), MISSING)
        self.call(site, function, arg0)
        place = self._sites[site]
        self._at(place.line, place.offset)
        try:
            result = call_outside(self._frames, called, *arguments)
        except BaseException:
            self._states.enter()
            if not isinstance(function, FunctionType):
                self.c_raise(site, function, arg0)
            raise
        self._states.enter()
        if not isinstance(function, FunctionType):
            self.c_return(site, function, arg0)
        return result

    def reach(self, site: int) -> None:
        """Be at a site without an event: for whoever looks at the frame later."""
        if not self._files:
            raise RuntimeError(_NOT_RUNNING)
        self._here[-1] = site
        if len(self._frames) == len(self._files):
            place = self._sites[site]
            self._frames[-1].move(place.line, place.offset)

    def within(self, site: int, function: Callable[..., Any], /, *arguments: Any) -> Any:
        """Call a function of the engine from the scope's frame, at ``site``: one that runs another scope, say,
        which then has this one among its callers. Fires nothing. A tool that came meanwhile is seen."""
        self.reach(site)
        if LINE_OFFSET is not None:
            self._frame()
        try:
            return call_outside(self._frames, function, *arguments)
        finally:
            self._states.enter()

    def stop_iteration(self, site: int, value: object = None) -> None:
        """STOP_ITERATION: an iterator at ``site`` ended, with ``value`` or the StopIteration given."""
        place = self._sites[site]
        state, file, offset, line = place.state, place.file, place.offset, place.line
        self._c(ev.STOP_ITERATION, _capi.FIRE_STOP_ITERATION, state, file, offset, line, value)

    # -- exceptions ------------------------------------------------------------------------------------------

    def raise_(self, exception: BaseException, site: int | None = None) -> None:
        """RAISE: ``exception`` is raised at ``site``, or comes out of something called there."""
        self._raised = exception
        self._exception(ev.RAISE, FileState.RAISE, exception, site)
        if site is not None:
            self.reach(site)

    def reraise(self, exception: BaseException, site: int | None = None) -> None:
        """RERAISE: ``exception`` is raised once more, after a handler that did not want it or a
        ``finally``."""
        self._exception(ev.RERAISE, FileState.RERAISE, exception, site)

    def exception_handled(self, exception: BaseException, site: int | None = None) -> None:
        """EXCEPTION_HANDLED: ``exception`` was caught at ``site``."""
        self._exception(ev.EXCEPTION_HANDLED, FileState.HANDLED, exception, site)

    # -- with ------------------------------------------------------------------------------------------------

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

    # -- inside ----------------------------------------------------------------------------------------------

    def _unwind(self, exception: BaseException) -> BaseException:
        """RAISE, if it was not told yet, and PY_UNWIND of the file that is running; return what leaves it."""
        try:
            if self._raised is not exception:
                self.raise_(exception)
        except BaseException as error:
            exception = error
        try:
            self.py_unwind(exception)
        except BaseException as error:
            exception = error
        return exception

    def _c(
        self,
        event: Event,
        fire: Callable[..., int],
        state: int,
        file: int,
        offset: int,
        line: int,
        *arguments: Any,
    ) -> bool:
        """Fire an event that the C API can fire, if anybody listens; return whether anybody does."""
        active = self._data[2 * state]
        if not active or tracing.count.value:
            return False
        self._send(event, fire, active, state, file, offset, line, arguments, map(object_, arguments))
        return True

    def _send(
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
        """Tell the legacy tools, and then the others by a function of the C API. ``for_c``: its last arguments."""
        caller = self._at(line, offset)
        if active & DEBUGGER and event in _LEAVING and self._frames:
            leave(self._frames[-1].frame, sys._getframe(), ends=event is ev.PY_RETURN)
        raised = self._raise_checks[file]
        if self._data[raised] or self._data[raised + _TO_HANDLED]:
            # What a callback raises passes through the frame, whose own instructions are nobody's business.
            caller = partial(silently, caller)
        handle = self._handles[file]
        if active & LEGACY_TOOLS:
            tell(self._frames, event, *arguments)
            without_legacy(self._data, 2 * state, caller, fire, handle, offset, *for_c)
        else:
            caller(fire, self._states.pointer(state), handle, offset, *for_c)
        if active & DEBUGGER:
            self._look_again()

    def _look_again(self) -> None:
        """A debugger was told of an event. Its user's next step may need other events, but not those of engines."""
        if self._frames:
            pass_over(self._frames[-1].frame.f_trace)
        self._states.enter()

    def _python(self, event: Event, number: int, site: int, *arguments: Any) -> None:
        """Fire an event of a site that the C API cannot fire."""
        place = self._sites[site]
        state = place.file_state + number
        active = self._data[2 * state]
        if active:
            caller = self._at(place.line, place.offset)
            if active & LEGACY_TOOLS:
                tell(self._frames, event, *arguments)
            dispatch(event, self._states, state, place.code, place.offset, *arguments, caller=caller)

    def _exception(self, event: Event, number: int, exception: BaseException, site: int | None) -> None:
        if not self._files:
            raise RuntimeError(_NOT_RUNNING)
        state = self._states.first_of(self._files[-1]) + number
        active = self._data[2 * state]
        if active:
            code, offset, line = self._place(site)
            caller = self._at(line, offset)
            if active & LEGACY_TOOLS:
                tell(self._frames, event, exception)
            if active & DEBUGGER and event is ev.PY_UNWIND and self._frames:
                leave(self._frames[-1].frame, sys._getframe(), ends=True)
            dispatch(event, self._states, state, code, offset, exception, caller=caller)

    def _place(self, site: int | None) -> tuple[CodeType, int, int]:
        """The code-like, offset and line of a site; without one, of the last one, or of the start."""
        if not self._files:
            raise RuntimeError(_NOT_RUNNING)
        site = self._here[-1] if site is None else site
        if site is not None:
            place = self._sites[site]
            return place.code, place.offset, place.line
        codelike = self._codelikes[self._files[-1]]
        return codelike.code, codelike.start, codelike.code.co_firstlineno

    def _at(self, line: int, offset: int) -> Callable[..., Any]:
        """Put the frame at a place; return what calls a function from there."""
        frames = self._frames
        if len(frames) != len(self._files):
            if LINE_OFFSET is None:
                return call_directly
            self._frame()
        frames[-1].move(line, offset)
        return frames[0].call if len(frames) == 1 else self._call_nested

    def _call_nested(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return call_in(self._frames, function, *arguments)

    def _frame(self) -> ScopeFrame:
        if not self._files:
            raise RuntimeError(_NOT_RUNNING)
        while len(self._frames) < len(self._files):
            codelike = self._codelikes[self._files[len(self._frames)]]
            frame = ScopeFrame(codelike.code, *self._names[len(self._frames)])
            here = self._here[len(self._frames)]
            if here is None:
                frame.move(codelike.code.co_firstlineno, codelike.start)
            else:
                frame.move(self._sites[here].line, self._sites[here].offset)
            self._frames.append(frame)
        return self._frames[-1]

    def _leave(self) -> None:
        if not self._files:
            return
        self._files.pop()
        self._here.pop()
        self._raised = None
        if self._files:
            self._names.pop()
            # A debugger that steps out asks for the events of the file it comes to while this one ends.
            self._states.enter()
        while len(self._frames) > len(self._files):
            self._frames.pop().close()


# What these two call is not part of the signalling, and its exceptions pass through them.
hide_all(Activation, besides=("invoke", "within"))
