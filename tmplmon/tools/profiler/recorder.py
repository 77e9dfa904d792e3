"""sys.monitoring's events of template code to a log for each thread: the part that runs while templates run.

Rule: nothing is done here that can be done later. A line costs two appends and a look at the clock, and even those
are most of what profiling costs (docs/profiling.md has the figures); who called whom is worked out by `replay`.

- Only template code has events: local ones, set on the code objects that engines announce. PY_UNWIND and PY_THROW
  can only be global; they cost other code a call per frame that an exception leaves, and nothing otherwise.
- *Threads.* A line's callback does not ask which thread it runs in, as long as one thread at a time is inside of
  templates: it then is one made for that thread. Each thread's first template is seen to begin, so a second one is
  noticed before its first line, and from then on, until no template runs, lines are looked up by thread.
- *Suspension.* A scope that yields has left, and one that is resumed enters again, where its offset says. So what
  happens between is not counted, and tasks of an event loop may be interleaved in any way.
- A template that runs already when recording starts is not seen before it calls another, as nothing tells which
  thread its events are in; while there is one, all lines are looked up by thread.
"""

import sys
import threading
import time
from collections.abc import Callable
from threading import get_ident
from types import CodeType
from typing import Any

from tmplmon.monitoring.announced import announced, unwatch, watch
from tmplmon.tools.profiler.replay import LEAVE, SKIP, Enter, Replay, Resume
from tmplmon.tools.profiler.tree import Scope, make_root

type Clock = Callable[[int], float]

# `clock_gettime` takes an argument, which CPython 3.13 calls faster than a function without.
TICK: int = getattr(time, "CLOCK_MONOTONIC", 0)
CLOCK: Clock = getattr(time, "clock_gettime", lambda _: time.perf_counter())

# A log of so many items is replayed: 8 MB, 200,000 lines, some 15 ms of work.
MOST_ITEMS = 400_000
# Seconds between two looks at how long a log is, while a template runs: time for some 300,000 lines at most.
LOOK_EVERY = 0.05

_mon = sys.monitoring
_E = _mon.events
_LOCAL = _E.LINE | _E.PY_START | _E.PY_RETURN | _E.PY_YIELD | _E.PY_RESUME
_GLOBAL = _E.PY_UNWIND | _E.PY_THROW
# The id that is meant for profilers first, then those that are nobody's.
_TOOL_IDS = (_mon.PROFILER_ID, 3, 4)
_NAME = "tmplmon.profiler"


class Thread:
    """A thread that has run a template. `stack`: the code objects that run in it, outermost first."""

    __slots__ = ("limit", "line", "log", "replay", "stack")

    def __init__(self, replay: Replay) -> None:
        self.replay = replay
        self.log: list[Any] = []
        self.stack: list[CodeType] = []
        self.limit = 0.0  # when the log is to be replayed
        self.line: Callable[[CodeType, int], None]  # the callback for its lines


class Recorder:
    """Records into the call tree `root`, whenever it is on.

    clock: a function of one argument (which is `TICK`), as `time.clock_gettime`. look_every, most_items: see the
    constants.
    """

    def __init__(
        self, clock: Clock = CLOCK, look_every: float = LOOK_EVERY, most_items: int = MOST_ITEMS
    ) -> None:
        self.root = make_root()
        self.spent = 0.0
        self.threads = 0
        self.is_on = False
        self._clock = clock
        self._look_every = look_every
        self._most_items = most_items
        self._tool = -1
        self._lock = threading.RLock()
        self._threads: dict[int, Thread] = {}
        self._seen: set[int] = set()
        self._enters: dict[int, Enter] = {}  # id of a code object → its token
        self._resumes: dict[tuple[int, int], Resume] = {}
        self._codes: dict[int, CodeType] = {}  # keeps the ids above from being another's
        self._inside = 0  # threads in which templates run
        self._owner: Thread | None = None  # the one thread whose lines are recorded without asking
        self._mixed = False  # there are templates that began before

    # --- on and off ----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to record. Raises RuntimeError if three other tools use the ids a profiler may have."""
        with self._lock:
            if self.is_on:
                return
            self._tool = _free_tool()
            for event, callback in self._callbacks().items():
                _mon.register_callback(self._tool, event, callback)
            self.is_on = True
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
            _mon.set_events(self._tool, 0)
            for code in self._codes.values():
                _mon.set_local_events(self._tool, code, 0)
            for event in self._callbacks():
                _mon.register_callback(self._tool, event, None)
            _mon.free_tool_id(self._tool)
            for thread in self._threads.values():
                thread.replay.feed(thread.log)
                thread.replay.end(now)
                self.spent += thread.replay.spent
            self._threads.clear()
            self._enters.clear()
            self._resumes.clear()
            self._codes.clear()
            self._inside, self._owner = 0, None

    def _callbacks(self) -> dict[int, Callable[..., Any]]:
        return {
            _E.LINE: self._line,
            _E.PY_START: self._start,
            _E.PY_RESUME: self._resume,
            _E.PY_THROW: self._throw,
            _E.PY_RETURN: self._leave,
            _E.PY_YIELD: self._leave,
            _E.PY_UNWIND: self._leave,
        }

    def _observe(self, code: CodeType) -> None:
        """Template code that there is, or that has just been made."""
        with self._lock:
            if self.is_on and id(code) not in self._codes:
                self._codes[id(code)] = code
                scope = Scope(code.co_filename, code.co_qualname, code.co_firstlineno)
                self._enters[id(code)] = Enter(scope)
                _mon.set_local_events(self._tool, code, _LOCAL)

    def _is_any_running(self) -> bool:
        for frame in sys._current_frames().values():
            while frame is not None:
                if id(frame.f_code) in self._enters:
                    return True
                frame = frame.f_back  # type: ignore[assignment]
        return False

    # --- lines ---------------------------------------------------------------------------------------------

    def _line_of(self, thread: Thread) -> Callable[[CodeType, int], None]:
        """The callback for lines of one thread. The defaults are local variables, the fastest there are."""

        def line(
            code: CodeType,
            number: int,
            log: list[Any] = thread.log,
            clock: Clock = self._clock,
            tick: int = TICK,
            limit: float = thread.limit,
        ) -> None:
            now = clock(tick)
            log.append(number)
            log.append(now)
            if now > limit:
                self._look(thread)

        return line

    def _line(self, code: CodeType, number: int) -> None:
        """The callback for lines of whichever thread."""
        thread = self._threads.get(get_ident())
        if thread is not None and thread.stack and thread.stack[-1] is code:
            now = self._clock(TICK)
            thread.log += (number, now)
            if now > thread.limit:
                self._look(thread)

    def _look(self, thread: Thread) -> None:
        """Replay a thread's log if it is long, in that thread. The time it takes does not count."""
        with self._lock:
            if self._threads.get(get_ident()) is not thread:
                return  # recording has ended meanwhile
            log = thread.log
            if len(log) >= self._most_items:
                thread.replay.feed(log)
                log.clear()
            now = self._clock(TICK)
            thread.limit = now + self._look_every
            thread.line = self._line_of(thread)
            if self._owner is thread:
                _mon.register_callback(self._tool, _E.LINE, thread.line)
            if thread.stack:
                log += (SKIP, now)

    # --- scopes --------------------------------------------------------------------------------------------

    def _start(self, code: CodeType, offset: int) -> None:
        token = self._enters.get(id(code))
        if token is not None:
            self._enter(code, token)

    def _resume(self, code: CodeType, offset: int) -> None:
        token = self._resumes.get((id(code), offset))
        if token is None:
            enter = self._enters.get(id(code))
            if enter is None:
                return
            token = Resume(enter.scope, _line_at(code, offset))
            self._resumes[id(code), offset] = token
        self._enter(code, token)

    def _throw(self, code: CodeType, offset: int, exception: BaseException) -> None:
        if id(code) in self._enters:
            self._resume(code, offset)

    def _enter(self, code: CodeType, token: Enter) -> None:
        thread = self._threads.get(get_ident())
        if thread is None:
            thread = self._new_thread()
        if not thread.stack:
            self._claim(thread)
        thread.stack.append(code)
        thread.log += (token, self._clock(TICK))

    def _leave(self, code: CodeType, offset: int, value: object) -> None:
        now = self._clock(TICK)
        thread = self._threads.get(get_ident())
        if thread is None or not thread.stack:
            return
        stack = thread.stack
        while stack[-1] is not code:
            if not any(each is code for each in stack):
                return  # it began before, or is no template
            stack.pop()
            thread.log += (LEAVE, now)
        stack.pop()
        thread.log += (LEAVE, now)
        if not stack:
            with self._lock:
                self._inside -= 1
            if len(thread.log) >= self._most_items:
                self._look(thread)

    def _new_thread(self) -> Thread:
        with self._lock:
            thread = Thread(Replay(self.root))
            thread.limit = self._clock(TICK) + self._look_every
            thread.line = self._line_of(thread)
            self._threads[get_ident()] = thread
            self._seen.add(get_ident())
            self.threads = len(self._seen)
            return thread

    def _claim(self, thread: Thread) -> None:
        """A thread's outermost template begins: who records lines?"""
        with self._lock:
            self._inside += 1
            owner = thread if self._inside == 1 and not self._mixed else None
            if owner is not self._owner and self.is_on:
                self._owner = owner
                line = self._line if owner is None else owner.line
                _mon.register_callback(self._tool, _E.LINE, line)


def _free_tool() -> int:
    for number in _TOOL_IDS:
        if _mon.get_tool(number) is None:
            _mon.use_tool_id(number, _NAME)
            return number
    names = ", ".join(str(_mon.get_tool(number)) for number in _TOOL_IDS)
    raise RuntimeError(f"no tool id of sys.monitoring is free for the profiler: {names} have them; stop one")


def _line_at(code: CodeType, offset: int) -> int:
    """The line that an instruction belongs to."""
    for start, end, line in code.co_lines():
        if start <= offset < end and line is not None:
            return line
    return code.co_firstlineno
