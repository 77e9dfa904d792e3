"""The profiler's use of `sys.monitoring`: which code has events, and to which thread an event belongs.

- *Only templates.* Local events are set on the code objects that engines announce. PY_UNWIND and PY_THROW can only
  be global: they cost other code a call for each frame that an exception leaves.
- *Threads.* As long as one thread at a time runs templates, the LINE callback is that thread's own function and
  does not look up the thread. When a second thread enters its first template, before its first line, the callback
  is replaced by one that looks up the thread, until no thread runs a template.
- *Suspension.* A scope that yields is left, and a scope that is resumed is entered again at the line of its offset.
  The time between is not counted, and the tasks of an event loop may alternate in any order.
- *Running templates.* A template that is already running when recording starts is not recorded until it calls
  another one, as its thread is not known. While there may be such a template, each line looks up its thread.
- *Calibration.* The first recordings of a process begin with the templates of `calibration`.
"""

import os
import sys
import threading
import time
from collections.abc import Callable
from threading import get_ident
from types import CodeType, FrameType
from typing import Any

from tmplmon.monitoring.announced import announced, unwatch, watch
from tmplmon.monitoring.codelike import is_codelike
from tmplmon.monitoring.direct import register_clock, register_ends, register_line
from tmplmon.tools.profiler.calibration import DEFAULT, Calibration, is_calibration
from tmplmon.tools.profiler.thread import CLOCK, TICK, Clock, Entry, Thread, new_thread
from tmplmon.tools.profiler.tree import Scope, make_root

_mon = sys.monitoring
_E = _mon.events
_LOCAL = _E.LINE | _E.PY_START | _E.PY_RETURN | _E.PY_YIELD | _E.PY_RESUME
_GLOBAL = _E.PY_UNWIND | _E.PY_THROW
# The id that is meant for profilers first, then those that are nobody's.
_TOOL_IDS = (_mon.PROFILER_ID, 3, 4)
_NAME = "tmplmon.profiler"
_HERE = os.path.dirname(__file__) + os.sep


class Recorder:
    """Records into the call tree `root` while it is on. The tree is complete when it has stopped.

    threads: how many threads have run templates.
    """

    def __init__(self, clock: Clock = CLOCK) -> None:
        self.root = make_root()
        self.is_on = False
        self._clock = clock
        self._tool = -1
        self._calibration = DEFAULT if clock is CLOCK else Calibration(clock)
        self._is_calibrating = False
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

    @property
    def threads(self) -> int:
        return len(self._seen)

    # --- on and off ----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to record. Raises RuntimeError if other tools have all the ids that a profiler may have."""
        with self._lock:
            if self.is_on:
                return
            self._is_calibrating = not self._calibration.is_done
            if self._is_calibrating:
                self._calibration.plain()
            self._tool = _free_tool()
            for event, callback in self._callbacks().items():
                _mon.register_callback(self._tool, event, callback)
            self._call_for_lines(self._line)
            register_ends(self._tool, (self._start, self._leave))
            register_clock(self._tool, (self._pause, self._resume_clock))
            self.is_on = True
            watch(self._observe)
            for code in announced():
                self._observe(code)
            _mon.set_events(self._tool, _GLOBAL)
            self._mixed = self._is_any_running()
            if self._is_calibrating:
                self._calibrate()

    def stop(self) -> None:
        """End recording. What runs in templates now counts up to here."""
        with self._lock:
            if not self.is_on:
                return
            now = self._clock(TICK)
            self.is_on = False
            unwatch(self._observe)
            _mon.set_events(self._tool, 0)
            for code in self._codes.values():
                _mon.set_local_events(self._tool, code, 0)
            self._call_for_lines(None)
            register_clock(self._tool, None)
            register_ends(self._tool, None)
            for event in self._callbacks():
                _mon.register_callback(self._tool, event, None)
            _mon.free_tool_id(self._tool)
        self._settle()
        with self._lock:
            for number, thread in self._threads.items():
                thread.end(now)
                if thread.root.children:
                    self._seen.add(number)
                    self.root.add(thread.root, self._calibration.costs)
            for known in (self._threads, self._starts, self._resumes, self._codes):
                known.clear()
            self._inside, self._owner = 0, None

    def _settle(self) -> None:
        """Wait until no other thread is in a callback; no thread enters one any more. Gives up after half a second,
        as a debugger may have stopped a thread there."""
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
        """Record the code of a template: code that exists when recording starts, or that was announced since."""
        with self._lock:
            if self.is_on and id(code) not in self._codes:
                self._record(code)

    def _record(self, code: CodeType) -> None:
        backend = "closures" if is_codelike(code) else "bytecode"
        scope = Scope(code.co_filename, code.co_qualname, code.co_firstlineno, backend)
        if is_calibration(scope) and not self._is_calibrating:
            return
        self._codes[id(code)] = code
        last = max((line for _, _, line in code.co_lines() if line), default=0)
        self._starts[id(code)] = Entry(scope, last + 1, 0, 1)
        _mon.set_local_events(self._tool, code, _LOCAL)

    def _calibrate(self) -> None:
        """Have the calibration's templates rendered and recorded, and forget them."""
        self._calibration.recorded(self._add_thread().root)
        self._is_calibrating = False
        for key, entry in list(self._starts.items()):
            if is_calibration(entry.scope):
                _mon.set_local_events(self._tool, self._codes[key], 0)
                del self._starts[key], self._codes[key]

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

    def _pause(self) -> None:
        """An engine begins to signal."""
        thread = self._threads.get(get_ident())
        if thread is not None:
            thread.pause()

    def _resume_clock(self) -> None:
        """An engine goes on with its program."""
        thread = self._threads.get(get_ident())
        if thread is not None:
            thread.resume()

    def _start(self, code: CodeType, offset: int) -> None:
        now = self._clock(TICK)
        entry = self._starts.get(id(code))
        if entry is None:
            return
        # The most frequent case of `_enter` written out: a template that another one calls.
        thread = self._threads.get(get_ident())
        if thread is not None and thread.stack:
            thread.enter(code, entry, now)
        else:
            self._enter(code, entry, now)

    def _resume(self, code: CodeType, offset: int, _exception: object = None) -> None:
        now = self._clock(TICK)
        entry = self._resumes.get((id(code), offset))
        if entry is None:
            start = self._starts.get(id(code))
            if start is None:
                return
            entry = self._resumes[id(code), offset] = Entry(
                start.scope, start.lines, _line_at(code, offset), 0
            )
        self._enter(code, entry, now)

    def _enter(self, code: CodeType, entry: Entry, now: float) -> None:
        thread = self._threads.get(get_ident())
        if thread is None:
            with self._lock:
                if not self.is_on:
                    return  # this thread was late: its tree would be there when recording starts again
                thread = self._add_thread()
        if not thread.stack:
            self._claim(thread)
        thread.enter(code, entry, now)

    def _add_thread(self) -> Thread:
        thread = self._threads[get_ident()] = new_thread(self._clock)
        return thread

    def _leave(self, code: CodeType, offset: int, _value: object) -> None:
        now = self._clock(TICK)
        thread = self._threads.get(get_ident())
        if thread is not None and thread.stack:
            thread.leave(code, now)
            if not thread.stack:
                with self._lock:
                    self._inside -= 1

    def _claim(self, thread: Thread) -> None:
        """A thread enters its outermost template: choose the LINE callback."""
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
    """Whether a frame is that of a callback, or of a function that a callback has called: a clock may be a function
    of the application."""
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
