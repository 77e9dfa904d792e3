"""One run of a scope that some tool listens to: a method for each event.

Each method is called where the event happens, and does nothing if nobody listens to it there. If somebody
does, the scope's frame is put at the site, and the event goes first to ``sys.settrace``, then to
``sys.setprofile``, then to the tools 5 to 0, the order in which the VM calls them. An exception that one of
them raises comes out of the method.

What an event is to the two legacy tools is :data:`LEGACY`, taken from CPython's ``Python/legacy_tracing.c``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import CodeType, FunctionType, MethodType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from tmplmon.monitoring import _capi
from tmplmon.monitoring import events as ev
from tmplmon.monitoring._capi import object_, tracing
from tmplmon.monitoring.events import Event
from tmplmon.monitoring.fire import MISSING, call_directly, dispatch, without_legacy
from tmplmon.monitoring.frames import LINE_OFFSET, ScopeFrame, call_in, call_outside
from tmplmon.monitoring.legacy import is_c_function, profile, trace
from tmplmon.monitoring.states import LEGACY_TOOLS

if TYPE_CHECKING:
    from tmplmon.monitoring.scope import Scope

__all__ = ["FILE_EVENTS", "SITE_EVENTS", "Activation", "Site"]

FILE_EVENTS: tuple[Event, ...] = (
    ev.PY_START,
    ev.PY_RETURN,
    ev.PY_UNWIND,
    ev.RAISE,
    ev.RERAISE,
    ev.EXCEPTION_HANDLED,
    ev.PY_THROW,
    ev.C_RETURN,
    ev.C_RAISE,
)
"""The events that each code-like has one state for: those that happen once a run, or cannot be disabled."""
_START, _RETURN, _UNWIND, _RAISE, _RERAISE, _HANDLED, _THROW, _C_RETURN, _C_RAISE = range(len(FILE_EVENTS))

SITE_EVENTS: dict[str, tuple[Event, ...]] = {
    "line": (ev.LINE,),
    "call": (ev.CALL,),
    # 3.13 has one event, and disabling it disables both ways.
    "branch": (ev.BRANCH_LEFT,) if ev.BRANCH_LEFT is ev.BRANCH_RIGHT else (ev.BRANCH_LEFT, ev.BRANCH_RIGHT),
    "jump": (ev.JUMP,),
    "return": (ev.PY_RETURN,),
    "yield": (ev.PY_YIELD, ev.PY_RESUME),
    "iterate": (ev.STOP_ITERATION,),
}
"""The events that each site of a kind has a state for, in the order of the states."""

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


@dataclass(frozen=True, slots=True)
class Site:
    """A place that events come from. Offsets are bytes in the site's code-like."""

    kind: str
    """A key of :data:`SITE_EVENTS`."""
    file: int
    """The number of its code-like in the scope."""
    code: CodeType
    offset: int
    line: int
    state: int
    """Its first state in the scope's array."""
    file_state: int
    """The first state of its code-like, those of :data:`FILE_EVENTS`."""
    left: int | None
    """The offset it leads to: a branch on its left, a jump. None after a return."""
    right: int | None
    """The offset that a branch leads to on its right."""


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
        "_names",
        "_raised",
        "_sites",
        "_states",
    )

    def __init__(
        self,
        scope: Scope,
        variables: Mapping[str, Any] | None = None,
        module_globals: Mapping[str, Any] | None = None,
    ) -> None:
        """Internal: use :meth:`Scope.enter`."""
        self._sites = scope.sites
        self._codelikes = scope.codelikes
        self._handles = scope.handles
        self._inclusions = scope.inclusions
        self._states = scope.states
        self._data = scope.data
        # The variables and module globals of each of the files below.
        self._names = [({} if variables is None else variables, module_globals)]
        self._files: list[int] = []  # the code-likes that are running: the scope's own, and includes in it
        self._here: list[int | None] = []  # the last site in each of them that anything was called for
        self._frames: list[ScopeFrame] = []  # theirs, as far as anybody has looked yet
        self._raised: BaseException | None = None

    @property
    def frame(self) -> ScopeFrame | None:
        """The frame of the innermost file that is running, made now if need be; None where there can be
        none."""
        return self._frame() if self._files and LINE_OFFSET is not None else None

    # -- from start to end -----------------------------------------------------------------------------------

    def py_start(
        self,
        inclusion: int = 0,
        variables: Mapping[str, Any] | None = None,
        module_globals: Mapping[str, Any] | None = None,
    ) -> None:
        """PY_START: the scope begins or, with its number, an inclusion in it, until :meth:`py_return`.

        An inclusion may have ``variables`` and ``module_globals`` of its own; else it has those of the file
        around it.
        """
        file = self._inclusions[inclusion]
        if self._files:
            around = self._names[-1]
            self._names.append((around[0] if variables is None else variables, module_globals or around[1]))
        self._files.append(file)
        self._here.append(None)
        codelike = self._codelikes[file]
        state = self._states.first_of(file) + _START
        code = codelike.code
        self._c(ev.PY_START, _capi.FIRE_PY_START, state, file, codelike.start, code.co_firstlineno)
        # coverage.py's sysmon core asks for its local events in there.
        self._states.refresh_local()

    def py_return(self, value: object = None, site: int | None = None) -> None:
        """PY_RETURN: what :meth:`py_start` began ends with ``value``, at a return's site or at the end."""
        if site is None:
            file = self._files[-1]
            state, offset = self._states.first_of(file) + _RETURN, self._codelikes[file].end
            _code, _offset, line = self._place(None)
        else:
            file = self._sites[site].file
            _code, offset, line = self._place(site)
            state = self._sites[site].state
        self._c(ev.PY_RETURN, _capi.FIRE_PY_RETURN, state, file, offset, line, value)
        self._leave()

    def py_unwind(self, exception: BaseException, site: int | None = None) -> None:
        """PY_UNWIND: what :meth:`py_start` began ends with ``exception``, which came up at ``site``."""
        try:
            self._exception(ev.PY_UNWIND, _UNWIND, exception, site)
        finally:
            self._leave()

    def py_yield(self, value: object, site: int) -> None:
        """PY_YIELD: the scope stops for a while at a yield's site and hands out ``value``."""
        place = self._sites[site]
        self._c(ev.PY_YIELD, _capi.FIRE_PY_YIELD, place.state, place.file, place.offset, place.line, value)

    def py_resume(self, site: int) -> None:
        """PY_RESUME: the scope goes on at a yield's site. The states are brought up to date before."""
        self._states.enter()
        place = self._sites[site]
        state = place.state + 1
        self._c(ev.PY_RESUME, _capi.FIRE_PY_RESUME, state, place.file, place.offset, place.line)
        self._states.refresh_local()

    def py_throw(self, exception: BaseException, site: int) -> None:
        """PY_THROW: the scope goes on at a yield's site, with ``exception`` thrown into it."""
        self._states.enter()
        self._exception(ev.PY_THROW, _THROW, exception, site)

    # -- on the way ------------------------------------------------------------------------------------------

    def line(self, site: int) -> None:
        """LINE: execution reaches the line of ``site``."""
        self._here[-1] = site
        place = self._sites[site]
        active = self._data[2 * place.state]
        if not active or tracing.count.value:
            return
        caller = self._at(place.line, place.offset)
        if active & LEGACY_TOOLS and self._frames:
            trace(self._frames, "line")
        self._through_c(active, _capi.FIRE_LINE, caller, place.state, place.file, place.offset, place.line)

    def branch(self, site: int, left: object) -> None:
        """BRANCH_LEFT if ``left`` is true, else BRANCH_RIGHT; BRANCH on 3.13.

        Left is where the condition holds or the loop goes on.
        """
        self._here[-1] = site
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
        self._here[-1] = site
        place = self._sites[site]
        self._c(ev.CALL, _capi.FIRE_CALL, place.state, place.file, place.offset, place.line, callable, arg0)

    def c_return(self, site: int, callable: object, arg0: object = MISSING) -> None:
        """C_RETURN: ``callable``, which is no Python function, returned. Arguments as those of
        :meth:`call`."""
        self._python(ev.C_RETURN, _C_RETURN, site, callable, arg0)

    def c_raise(self, site: int, callable: object, arg0: object = MISSING) -> None:
        """C_RAISE: ``callable``, which is no Python function, raised. Arguments as those of :meth:`call`."""
        self._python(ev.C_RAISE, _C_RAISE, site, callable, arg0)

    def invoke(self, site: int, function: Callable[..., Any], /, *arguments: Any, **keywords: Any) -> Any:
        """Call a function of the host at ``site`` and return its result, with CALL, C_RETURN and C_RAISE.

        It is called from the scope's frame: a debugger that stops in it finds the scope among its callers,
        and a traceback through it has the scope's line.
        """
        arg0 = arguments[0] if arguments else next(iter(keywords.values()), MISSING)
        self.call(site, function, arg0)
        place = self._sites[site]
        self._at(place.line, place.offset)
        in_python = isinstance(function, (FunctionType, MethodType))
        if keywords:
            function = partial(function, **keywords)
        try:
            result = call_outside(self._frames, function, *arguments)
        except BaseException:
            if not in_python:
                self.c_raise(site, function, arg0)
            raise
        if not in_python:
            self.c_return(site, function, arg0)
        return result

    def stop_iteration(self, site: int, value: object = None) -> None:
        """STOP_ITERATION: an iterator at ``site`` ended, with ``value`` or the StopIteration given."""
        place = self._sites[site]
        self._c(
            ev.STOP_ITERATION,
            _capi.FIRE_STOP_ITERATION,
            place.state,
            place.file,
            place.offset,
            place.line,
            value,
        )

    # -- exceptions ------------------------------------------------------------------------------------------

    def raise_(self, exception: BaseException, site: int | None = None) -> None:
        """RAISE: ``exception`` is raised at ``site``, or comes out of something called there."""
        self._raised = exception
        self._exception(ev.RAISE, _RAISE, exception, site)

    def reraise(self, exception: BaseException, site: int | None = None) -> None:
        """RERAISE: ``exception`` is raised once more, after a handler that did not want it or a
        ``finally``."""
        self._exception(ev.RERAISE, _RERAISE, exception, site)

    def exception_handled(self, exception: BaseException, site: int | None = None) -> None:
        """EXCEPTION_HANDLED: ``exception`` was caught at ``site``."""
        self._exception(ev.EXCEPTION_HANDLED, _HANDLED, exception, site)

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
        while self._files:
            if exception is None:
                self.py_return()
            else:
                if self._raised is not exception:
                    self.raise_(exception)
                self.py_unwind(exception)
        self._states.exit()

    # -- inside ----------------------------------------------------------------------------------------------

    def _c(
        self,
        event: Event,
        fire: Callable[..., int],
        state: int,
        file: int,
        offset: int,
        line: int,
        *arguments: Any,
    ) -> None:
        """Fire an event that the C API can fire."""
        active = self._data[2 * state]
        if active and not tracing.count.value:
            caller = self._at(line, offset)
            if active & LEGACY_TOOLS:
                self._legacy(event, *arguments)
            self._through_c(active, fire, caller, state, file, offset, *map(object_, arguments))

    def _through_c(
        self,
        active: int,
        fire: Callable[..., int],
        caller: Callable[..., Any],
        state: int,
        file: int,
        offset: int,
        *arguments: Any,
    ) -> None:
        """Have ``caller`` call a function of the C API. ``arguments`` are as that wants them."""
        pointer = self._states.pointer(state)
        if active & LEGACY_TOOLS:
            check = 2 * state
            without_legacy(self._data, check, caller, fire, pointer, self._handles[file], offset, *arguments)
        else:
            caller(fire, pointer, self._handles[file], offset, *arguments)

    def _python(self, event: Event, number: int, site: int, *arguments: Any) -> None:
        """Fire an event of a site that the C API cannot fire."""
        place = self._sites[site]
        state = place.file_state + number
        active = self._data[2 * state]
        if active:
            caller = self._at(place.line, place.offset)
            if active & LEGACY_TOOLS:
                self._legacy(event, *arguments)
            dispatch(event, self._states, state, place.code, place.offset, *arguments, caller=caller)

    def _exception(self, event: Event, number: int, exception: BaseException, site: int | None) -> None:
        if not self._files:
            raise RuntimeError(f"{event.name} after the scope has ended")
        state = self._states.first_of(self._files[-1]) + number
        active = self._data[2 * state]
        if active:
            code, offset, line = self._place(site)
            caller = self._at(line, offset)
            if active & LEGACY_TOOLS:
                self._legacy(event, exception)
            dispatch(event, self._states, state, code, offset, exception, caller=caller)

    def _place(self, site: int | None) -> tuple[CodeType, int, int]:
        """The code-like, offset and line of a site; without one, of the last one, or of the start."""
        site = self._here[-1] if site is None else site
        if site is not None:
            place = self._sites[site]
            return place.code, place.offset, place.line
        codelike = self._codelikes[self._files[-1]]
        return codelike.code, codelike.start, codelike.code.co_firstlineno

    def _at(self, line: int, offset: int) -> Callable[..., Any]:
        """Put the frame at a place; return what calls a function from there."""
        if LINE_OFFSET is None:
            return call_directly
        frame = self._frame()
        frame.move(line, offset)
        if len(self._frames) == 1:
            return frame.call
        return self._call_nested

    def _call_nested(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return call_in(self._frames, function, *arguments)

    def _frame(self) -> ScopeFrame:
        if not self._files:
            raise RuntimeError("the scope has not started, or has ended")
        while len(self._frames) < len(self._files):
            codelike = self._codelikes[self._files[len(self._frames)]]
            frame = ScopeFrame(codelike.code, *self._names[len(self._frames)])
            frame.move(codelike.code.co_firstlineno, codelike.start)
            self._frames.append(frame)
        return self._frames[-1]

    def _leave(self) -> None:
        self._files.pop()
        self._here.pop()
        if self._files:
            self._names.pop()
        while len(self._frames) > len(self._files):
            self._frames.pop().close()

    def _legacy(self, event: Event, *arguments: Any) -> None:
        """Tell sys.settrace's and sys.setprofile's functions of an event, in their terms."""
        names = LEGACY.get(event)
        if names is None or not self._frames:
            return
        value = arguments[0] if arguments else None
        if event is ev.STOP_ITERATION and not isinstance(value, StopIteration):
            value = StopIteration(value)
        traced, profiled = names
        if traced is not None:
            trace(self._frames, traced, _trace_argument(traced, event, value))
        if profiled is not None and sys.getprofile() is not None:
            if not profiled.startswith("c_"):
                argument = value if profiled == "return" and event is not ev.PY_UNWIND else None
                profile(self._frames, profiled, argument)
            elif is_c_function(value):
                profile(self._frames, profiled, value)


def _trace_argument(what: str, event: Event, value: Any) -> object:
    if what == "exception":
        return (type(value), value, value.__traceback__)
    return value if what == "return" and event is not ev.PY_UNWIND else None
