"""The API for applications: a profiler that is started and stopped, and functions for a running application.

In a running application the profiler is on in bursts (`share`). While it is off, templates run at full speed; while
it is on, every line is recorded. So the application chooses the cost, and nothing is sampled.
"""

import os
import threading
from collections.abc import Callable
from types import CodeType, TracebackType
from typing import Self

from tmplmon.monitoring.announced import announced
from tmplmon.monitoring.linetable import iter_lines
from tmplmon.tools.profiler.profile import Profile
from tmplmon.tools.profiler.recorder import Recorder
from tmplmon.tools.profiler.thread import CLOCK, TICK, Clock

# Seconds. Starting and stopping takes about 10 µs for each template function that exists.
BURST = 0.1


class Profiler:
    """Records which lines of templates run, how often and for how long, in all threads, from `start` to `stop`.

    share: the share of the time in which it is on, in bursts, above 0 and at most 1. clock: a function of one
    argument that returns the time in seconds, as `time.clock_gettime`. burst: the length of a burst in seconds.

    After it was stopped it may be started again, and then adds to the same profile. Raises ValueError for a share
    out of range.
    """

    def __init__(self, *, share: float = 1.0, clock: Clock = CLOCK, burst: float = BURST) -> None:
        if not 0 < share <= 1:
            raise ValueError(f"share must be above 0 and at most 1, not {share}")
        self._recorder = Recorder(clock)
        self._clock = clock
        self._pauses = (burst, burst / share - burst) if share < 1 else None
        self._ended = threading.Event()
        self._switcher: threading.Thread | None = None
        self._executable: set[tuple[str, int]] = set()
        self._seconds = 0.0
        self._began = 0.0

    def start(self) -> None:
        """Start recording. Raises RuntimeError if no tool id is free that a profiler may use."""
        if self._switcher is not None:
            return
        self._on()
        if self._pauses is not None:
            self._ended.clear()
            self._switcher = threading.Thread(target=self._switch, name="tmplmon profiler", daemon=True)
            self._switcher.start()

    def stop(self) -> None:
        """Stop recording. Does nothing if it is not on."""
        if self._switcher is not None:
            self._ended.set()
            self._switcher.join()
            self._switcher = None
        self._off()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def profile(self) -> Profile:
        """The result. Raises RuntimeError while it is on."""
        if self._recorder.is_on or self._switcher is not None:
            raise RuntimeError("the profiler is on; there is a profile when it has stopped")
        return Profile(
            self._recorder.root,
            seconds=self._seconds,
            threads=self._recorder.threads,
            executable=self._executable,
        )

    def _on(self) -> None:
        if not self._recorder.is_on:
            self._recorder.start()
            self._began = self._clock(TICK)

    def _off(self) -> None:
        if self._recorder.is_on:
            self._seconds += self._clock(TICK) - self._began
            self._recorder.stop()
            files = {node.scope.file for node in self._recorder.root.walk()}
            for code in announced():
                if code.co_filename in files:
                    self._executable.update(_lines(code))

    def _switch(self) -> None:
        assert self._pauses is not None
        on, off = self._pauses
        while not self._ended.wait(on):
            self._off()
            if self._ended.wait(off):
                return
            self._on()


def _lines(code: CodeType) -> set[tuple[str, int]]:
    """The lines of a code object that have instructions, without the first instruction: it starts the scope, and is
    on the scope's first line even if there is nothing else on that line."""
    return {(code.co_filename, line) for start, _, line in iter_lines(code) if start}


def profile_for(
    seconds: float, *, share: float = 0.25, wait: Callable[[float], object] | None = None
) -> Profile:
    """Profile the templates that other threads render in the next `seconds`, and return the profile.

    This function blocks: in an event loop, call it by `asyncio.to_thread`. wait: called with the seconds instead of
    sleeping. Raises RuntimeError as `Profiler.start` does.
    """
    with Profiler(share=share) as profiler:
        (wait or threading.Event().wait)(seconds)
    return profiler.profile


def profile_on_signal(number: int, path: str, *, seconds: float = 10, share: float = 0.25) -> None:
    """Install a signal handler that profiles the process for `seconds` and writes the profile to a file.

    number: as `signal.SIGUSR1`. path: the end of its name selects the format; ``%d`` in it is replaced by the
    process id. A signal that arrives while the process is being profiled is ignored. Call this function in the main
    thread. Raises ValueError if the name selects no format.
    """
    import signal

    from tmplmon.tools.profiler.formats import format_of

    format_of(path)
    busy = threading.Lock()

    def work() -> None:
        with busy:
            profile_for(seconds, share=share).save(path.replace("%d", str(os.getpid())))

    def received(_number: int, _frame: object) -> None:
        if not busy.locked():
            threading.Thread(target=work, name="tmplmon profiler", daemon=True).start()

    signal.signal(number, received)
