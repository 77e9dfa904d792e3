"""The events of one thread, turned into its call tree.

Rule: at any moment there is one cell that the time is spent on, and `since` says up to when its time was added.
Each event first adds the time that has passed to that cell, and then selects the next cell. So every moment inside
templates is in exactly one cell.

The state is in the local variables of `new_thread`, which its functions share: they are the fastest to reach, and
the function for lines is what profiling costs (docs/profiling.md has the figures).
"""

import time
from collections.abc import Callable
from types import CodeType
from typing import Any

from tmplmon.tools.profiler.tree import Cell, Node, Scope, make_root

type Clock = Callable[[int], float]

# `clock_gettime` takes an argument. CPython calls such a function faster than one without.
TICK: int = getattr(time, "CLOCK_MONOTONIC", 0)
"""The argument that a clock is called with."""
CLOCK: Clock = getattr(time, "clock_gettime", lambda _: time.perf_counter())
"""The default clock: wall-clock time in seconds."""


class Entry:
    """A place at which a scope begins or resumes.

    line: where it begins. calls: 1 if it begins there, 0 if it resumes. lines: its last line plus 1.
    """

    __slots__ = ("calls", "line", "lines", "scope")

    def __init__(self, scope: Scope, lines: int, line: int, calls: int) -> None:
        self.scope = scope
        self.lines = lines
        self.line = line
        self.calls = calls


class Thread:
    """A thread that has run a template.

    line(code, number), enter(code, entry, now), leave(code, now): to be called on these events. `leave` ignores
    code that is not on the stack. `now` is the time at which the callback began.
    pause(), resume(): what passes between them does not count.
    end(now): ends everything that is running.
    stack: the code objects that run, outermost first. root: the call tree.
    """

    __slots__ = ("end", "enter", "leave", "line", "pause", "resume", "root", "stack")

    root: Node
    stack: list[CodeType]
    line: Callable[[CodeType, int], None]
    enter: Callable[[CodeType, Entry, float], None]
    leave: Callable[[CodeType, float], None]
    pause: Callable[[], None]
    resume: Callable[[], None]
    end: Callable[[float], None]


def new_thread(clock: Clock) -> Thread:
    """Return the state of a thread that has run nothing yet."""
    thread = Thread()
    node = thread.root = make_root()
    stack = thread.stack = []
    tick = TICK
    cell = Cell(0)  # outside templates: the time on this cell is not part of the tree
    since = clock(tick)
    is_paused = False
    table: list[Any] = node.table  # of cells; None for a line that was not reached yet
    callers: list[tuple[Node, Cell]] = []

    def line(code: CodeType, number: int) -> None:
        nonlocal cell, since
        now = clock(tick)
        cell.time += now - since
        since = now
        try:
            cell = table[number]
            cell.hits += 1.0
        except (AttributeError, IndexError):
            first(number)

    def first(number: int) -> None:
        """A line is reached for the first time, or by a thread that is late: after `end`."""
        nonlocal cell
        if stack:
            table.extend([None] * (number + 1 - len(table)))
            cell = table[number] = node.cell(number)
        else:
            cell = Cell(0)
        cell.hits += 1.0

    # What `enter` and `leave` take does not count: they look at the clock once more at their end.

    def enter(code: CodeType, entry: Entry, now: float) -> None:
        nonlocal node, table, cell, since
        if not is_paused:
            cell.time += now - since
        stack.append(code)
        callers.append((node, cell))
        callee = cell.callee
        if callee is None or callee.scope is not entry.scope:
            callee = cell.callee = node.child(cell.line, entry.scope)
        node = callee
        node.calls += entry.calls
        node.entries += 1
        table = node.table
        if not table:
            table += [None] * entry.lines
        cell = node.cell(entry.line)
        since = clock(tick)

    def leave(code: CodeType, now: float) -> None:
        nonlocal since
        try:
            if stack[-1] is not code and not any(each is code for each in tuple(stack)):
                since += clock(tick) - now
                return  # it began before recording started, or is no template
            while stack.pop() is not code:
                back(now)
            back(now)
        except IndexError:
            return  # another thread has called `end` meanwhile
        since = clock(tick)

    def back(now: float) -> None:
        nonlocal node, table, cell, since
        if not is_paused:
            cell.time += now - since
        since = now
        node, cell = callers.pop()
        table = node.table

    def pause() -> None:
        nonlocal since, is_paused
        if not is_paused:
            now = clock(tick)
            cell.time += now - since
            since = now
            is_paused = True

    def resume() -> None:
        nonlocal since, is_paused
        is_paused = False
        since = clock(tick)

    def end(now: float) -> None:
        while stack:
            stack.pop()
            back(max(now, since))

    thread.line, thread.enter, thread.leave, thread.end = line, enter, leave, end
    thread.pause, thread.resume = pause, resume
    return thread
