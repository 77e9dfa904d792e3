"""Which code has events, and which thread an event belongs to: `sys.monitoring` as the profiler uses it.

- *Only templates.* Template code has local events, set on the code objects that engines announce. PY_UNWIND and
  PY_THROW can only be global: they cost other code a call for each frame that an exception leaves, no more.
- *Threads.* A line's callback does not ask which thread it runs in, as long as one thread at a time is inside of
  templates: it is that thread's own. Each thread's first template is seen to begin, so a second one is noticed
  before its first line, and from then on, until no template runs, lines are looked up by thread.
- *Probes.* Functions that run more than once are given code that records its lines itself (`inline`), and has no
  events for lines. They have their own code again when recording stops.
- *Suspension.* A scope that yields has left, and one that is resumed enters again, where its offset says. So what
  happens between is not counted, and the tasks of an event loop may take turns in any way.
- *Beginnings.* A template that runs already when recording starts is not seen before it calls another, as nothing
  tells which thread its events are in; while there may be one, all lines are looked up by thread.
"""

import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from threading import get_ident
from types import CodeType, FrameType, FunctionType
from typing import Any

from tmplmon.monitoring.announced import (
    announce,
    announce_function,
    announced,
    announced_functions,
    unwatch,
    watch,
    with_nested,
)
from tmplmon.monitoring.direct import CLOCK, TICK, Account, Cell, register_accounts, register_line, unread
from tmplmon.tools.profiler import inline
from tmplmon.tools.profiler.thread import Clock, Entry, Thread, followed
from tmplmon.tools.profiler.tree import Scope, make_root

_mon = sys.monitoring
_E = _mon.events
_LOCAL = _E.LINE | _E.PY_START | _E.PY_RETURN | _E.PY_YIELD | _E.PY_RESUME
_PROBED = _E.PY_START | _E.PY_RETURN  # of code that has probes for its lines
_GLOBAL = _E.PY_UNWIND | _E.PY_THROW
# The id that is meant for profilers first, then those that are nobody's.
_TOOL_IDS = (_mon.PROFILER_ID, 3, 4)
_NAME = "tmplmon.profiler"
_HERE = os.path.dirname(__file__) + os.sep


class Recorder:
    """Records into the call tree `root`, whenever it is on. What was recorded is there when it has stopped.

    spent: the time in templates by the clock alone, which is what the tree has. threads: how many ran templates.
    """

    def __init__(self, clock: Clock = CLOCK) -> None:
        self.root = make_root()
        self.spent = 0.0
        self.is_on = False
        self._clock = clock
        self._tool = -1
        self._lock = threading.RLock()
        self._threads: dict[int, Thread] = {}
        self._seen: set[int] = set()
        # By id: comparing code objects compares all their constants, and hashing them takes microseconds.
        self._starts: dict[int, Entry] = {}
        self._resumes: dict[tuple[int, int], Entry] = {}  # the offset, too
        self._codes: dict[int, CodeType] = {}  # keeps the ids from becoming another's
        self._inside = 0  # threads in which templates run
        self._owner: Thread | None = None  # the one thread whose lines are recorded without asking
        self._mixed = False  # there may be templates that began before
        self._has_probes = False
        # Functions that have other code now, by id, and their own code.
        self._swapped: dict[int, tuple[weakref.ref[FunctionType], CodeType]] = {}

    @property
    def threads(self) -> int:
        return len(self._seen)

    # --- on and off ----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to record. Raises RuntimeError if other tools have all the ids that a profiler may have."""
        with self._lock:
            if self.is_on:
                return
            self._tool = _free_tool()
            for event, callback in self._callbacks().items():
                _mon.register_callback(self._tool, event, callback)
            self._call_for_lines(self._line)
            register_accounts(self._tool, self._open)
            self.is_on = True
            self._has_probes = inline.take(self._join, self._made)
            if self._has_probes:
                self._swap_known()
            watch(self._observe)
            for code in announced():
                self._observe(code)
            _mon.set_events(self._tool, _GLOBAL)
            self._mixed = self._is_any_running()

    def stop(self) -> None:
        """End recording. What runs in templates now counts up to here."""
        with self._lock:
            if not self.is_on:
                return
            now = self._clock(TICK)
            self.is_on = False
            unwatch(self._observe)
            if self._has_probes:
                inline.give_back()
                for reference, code in list(self._swapped.values()):
                    function = reference()
                    if function is not None:
                        function.__code__ = code
                self._swapped.clear()
            _mon.set_events(self._tool, 0)
            for code in self._codes.values():
                _mon.set_local_events(self._tool, code, 0)
            self._call_for_lines(None)
            register_accounts(self._tool, None)
            for event in self._callbacks():
                _mon.register_callback(self._tool, event, None)
            _mon.free_tool_id(self._tool)
        self._settle()
        with self._lock:
            for thread in self._threads.values():
                thread.end(now)
                self.root.add(thread.root)
                self.spent += thread.spent()
            for known in (self._threads, self._starts, self._resumes, self._codes):
                known.clear()
            self._inside, self._owner = 0, None

    def _settle(self) -> None:
        """Wait until no other thread is in the middle of a callback; none begins another. (Not for ever: a debugger
        may have stopped one there.)"""
        for _ in range(1000):
            frames = sys._current_frames()
            frames.pop(get_ident(), None)
            if not any(number in self._threads and _is_ours(frame) for number, frame in frames.items()):
                return
            time.sleep(0.0005)

    def _callbacks(self) -> dict[int, Callable[..., Any]]:
        return {
            _E.PY_START: self._start,
            _E.PY_RESUME: self._resume,
            _E.PY_THROW: self._resume,
            _E.PY_RETURN: self._leave,
            _E.PY_YIELD: self._leave,
            _E.PY_UNWIND: self._leave,
        }

    def _observe(self, code: CodeType) -> None:
        """Template code that there is, or that has just been made."""
        with self._lock:
            if self.is_on and id(code) not in self._codes:
                self._note(code, _LOCAL)

    def _note(self, code: CodeType, events: int) -> Entry:
        self._codes[id(code)] = code
        scope = Scope(code.co_filename, code.co_qualname, code.co_firstlineno)
        entry = self._starts[id(code)] = Entry(scope, inline.lines_of(code), 0, 1)
        _mon.set_local_events(self._tool, code, events)
        return entry

    # --- probes --------------------------------------------------------------------------------------------

    def _swap_known(self) -> None:
        """Give functions code with probes, as far as that has been made before."""
        for function in announced_functions():
            copy = inline.copy_of(function.__code__)
            if copy is not None:
                self._swap(function, function.__code__, copy)

    def _swap_later(self, code: CodeType) -> None:
        """A function runs for the second time: from the next on it has probes."""
        functions = [function for function in announced_functions() if function.__code__ is code]
        with self._lock:
            copy = inline.made_copy_of(code) if functions and self.is_on else None
            if copy is not None:
                for function in functions:
                    self._swap(function, code, copy)

    def _swap(self, function: FunctionType, code: CodeType, copy: CodeType) -> None:
        if id(copy) not in self._codes:
            for each in with_nested(copy):
                self._note(each, _LOCAL if inline.original_of(each) is None else _PROBED)
            self._codes.setdefault(id(code), code)  # Its events are the copy's, unless it has some already.
            announce(copy)
        self._note_swapped(function, code)
        function.__code__ = copy

    def _note_swapped(self, function: FunctionType, code: CodeType) -> None:
        key = id(function)
        self._swapped[key] = weakref.ref(function, lambda _: self._swapped.pop(key, None)), code

    def _made(self, function: FunctionType, code: CodeType) -> None:
        """Code with probes made a function of code with probes, whose own is `code`."""
        announce_function(function)
        with self._lock:
            if self.is_on:
                self._note_swapped(function, code)
            else:
                function.__code__ = code

    def _join(self, lines: tuple[int, ...]) -> tuple[Any, ...]:
        """What the probes of the scope work on that has just begun."""
        thread = self._threads.get(get_ident())
        if thread is None or not thread.stack:
            return inline.nobodys(lines)
        return thread.join(lines)

    def _open(self, lines: tuple[int, ...]) -> tuple[Account, Sequence[Cell | None]]:
        """The same for an engine that keeps the account."""
        thread = self._threads.get(get_ident())
        return unread(lines) if thread is None or not thread.stack else thread.open(lines)

    def _is_any_running(self) -> bool:
        for frame in sys._current_frames().values():
            while frame is not None:
                if id(frame.f_code) in self._starts:
                    return True
                frame = frame.f_back  # type: ignore[assignment]
        return False

    # --- events --------------------------------------------------------------------------------------------

    def _line(self, code: CodeType, number: int) -> None:
        """A line, in whichever thread."""
        thread = self._threads.get(get_ident())
        if thread is not None and thread.stack and thread.stack[-1] is code:
            thread.line(code, number)

    def _start(self, code: CodeType, offset: int) -> None:
        entry = self._starts.get(id(code))
        if entry is not None:
            thread = self._enter(code, entry)
            if thread is not None and self._has_probes:
                entry.runs += 1
                if entry.runs == 2 and inline.original_of(code) is None:
                    self._swap_later(code)
                    thread.skip()

    def _resume(self, code: CodeType, offset: int, _exception: object = None) -> None:
        entry = self._resumes.get((id(code), offset))
        if entry is None:
            start = self._starts.get(id(code))
            if start is None:
                return
            entry = self._resumes[id(code), offset] = Entry(
                start.scope, start.lines, _line_at(code, offset), 0
            )
        self._enter(code, entry)

    def _enter(self, code: CodeType, entry: Entry) -> Thread | None:
        thread = self._threads.get(get_ident())
        if thread is None:
            with self._lock:
                if not self.is_on:
                    return None  # it was late: what is kept now would be there when recording starts again
                thread = self._threads[get_ident()] = followed(self._clock)
                self._seen.add(get_ident())
        if not thread.stack:
            self._claim(thread)
        thread.enter(code, entry)
        return thread

    def _leave(self, code: CodeType, offset: int, _value: object) -> None:
        thread = self._threads.get(get_ident())
        if thread is not None and thread.stack:
            thread.leave(code)
            if not thread.stack:
                with self._lock:
                    self._inside -= 1

    def _claim(self, thread: Thread) -> None:
        """A thread's outermost template begins: who records lines?"""
        with self._lock:
            self._inside += 1
            owner = thread if self._inside == 1 and not self._mixed else None
            if owner is not self._owner and self.is_on:
                self._owner = owner
                self._call_for_lines(self._line if owner is None else owner.line)

    def _call_for_lines(self, callback: Callable[[CodeType, int], None] | None) -> None:
        _mon.register_callback(self._tool, _E.LINE, callback)
        register_line(self._tool, callback)


def _free_tool() -> int:
    for number in _TOOL_IDS:
        if _mon.get_tool(number) is None:
            _mon.use_tool_id(number, _NAME)
            return number
    names = ", ".join(str(_mon.get_tool(number)) for number in _TOOL_IDS)
    raise RuntimeError(f"no tool id of sys.monitoring is free for the profiler: {names} have them; stop one")


def _is_ours(frame: FrameType | None) -> bool:
    """Whether a frame is a callback's, or of what that calls: it may have called a clock of the application's."""
    for _ in range(4):
        if frame is None:
            return False
        if frame.f_code.co_filename.startswith(_HERE):
            return True
        frame = frame.f_back
    return False


def _line_at(code: CodeType, offset: int) -> int:
    """The line that an instruction belongs to."""
    for start, end, line in code.co_lines():
        if start <= offset < end and line is not None:
            return line
    return code.co_firstlineno
