"""One thread: from its events to its call tree.

Rule: there is one time, `since`, and one line that it is spent on. Whatever happens first adds what has passed to
that line, and then says which line is next. So all time inside of templates is on some line, exactly once.

The state is in the variables of `followed`, which its functions share: they are what is fastest to reach, and a
line's function is what profiling costs (docs/profiling.md has the figures), where it is not a probe (`inline`).
"""

import time
from collections.abc import Callable
from types import CodeType
from typing import Any

from tmplmon.tools.profiler.tree import Node, Scope, make_root

type Clock = Callable[[int], float]

# `clock_gettime` takes an argument, which CPython 3.13 calls faster than a function without.
TICK: int = getattr(time, "CLOCK_MONOTONIC", 0)
CLOCK: Clock = getattr(time, "clock_gettime", lambda _: time.perf_counter())


class Entry:
    """What is known of a place at which a scope begins, or goes on: its line, and whether that is another call.

    lines: one more than its last line. runs: how often it was seen, as far as that is counted.
    """

    __slots__ = ("calls", "line", "lines", "runs", "scope")

    def __init__(self, scope: Scope, lines: int, line: int, calls: int) -> None:
        self.scope = scope
        self.lines = lines
        self.line = line
        self.calls = calls
        self.runs = 0


class Thread:
    """A thread that has run a template.

    line(code, number), enter(code, entry), leave(code): what is to be called when that happens. `leave` is given
    code of other functions, too.
    join(): what the probes of the scope that has just been entered work on (`inline.Joined`). The time since then
    does not count.
    end(now): what runs ended then. stack: the code objects that run, outermost first.
    root: the call tree. spent(): the time inside of templates by the clock alone, without a look at the tree.
    """

    __slots__ = ("end", "enter", "join", "leave", "line", "root", "spent", "stack")

    root: Node
    stack: list[CodeType]
    line: Callable[[CodeType, int], None]
    enter: Callable[[CodeType, Entry], None]
    join: Callable[[], tuple[list[Any], list[float], list[float]]]
    leave: Callable[[CodeType], None]
    end: Callable[[float], None]
    spent: Callable[[], float]


def followed(clock: Clock) -> Thread:
    """A new thread."""
    thread = Thread()
    # Line 0 of the root is outside of templates: what is spent there is nobody's.
    node = thread.root = make_root(1)
    stack = thread.stack = []
    tick = TICK
    state: list[Any] = [
        clock(tick),
        0,
    ]  # `since`, and the line that time is spent on; a list to share with probes
    times, hits = node.times, node.hits
    callers: list[tuple[Node, int]] = []
    began = total = 0.0

    def line(code: CodeType, number: int) -> None:
        now = clock(tick)
        times[state[1]] += now - state[0]
        state[0] = now
        if stack:  # else the thread was late, and has been ended
            state[1] = number
            hits[number] += 1.0

    def enter(code: CodeType, entry: Entry) -> None:
        nonlocal node, times, hits, began
        now = clock(tick)
        times[state[1]] += now - state[0]
        stack.append(code)
        callers.append((node, state[1]))
        node = node.child(state[1], entry.scope, entry.lines)
        node.calls += entry.calls
        times, hits = node.times, node.hits
        state[1] = entry.line
        since = state[0] = clock(tick)  # what this took does not count
        began = since if len(stack) == 1 else began + since - now

    def join() -> tuple[list[Any], list[float], list[float]]:
        nonlocal began
        now = clock(tick)
        began += now - state[0]
        state[0] = now
        return state, times, hits

    def leave(code: CodeType) -> None:
        nonlocal began
        now = clock(tick)
        if not any(each is code for each in tuple(stack)):
            return  # it began before, or is no template
        try:
            while stack.pop() is not code:
                back(now)
            back(now)
        except IndexError:
            return  # another thread has ended this one meanwhile
        state[0] = clock(tick)
        began += state[0] - now

    def back(now: float) -> None:
        nonlocal node, times, hits, total
        times[state[1]] += now - state[0]
        state[0] = now
        node, state[1] = callers.pop()
        times, hits = node.times, node.hits
        if not callers:
            total += now - began

    def end(now: float) -> None:
        while stack:
            stack.pop()
            back(max(now, state[0]))

    thread.line, thread.enter, thread.join, thread.leave, thread.end = line, enter, join, leave, end
    thread.spent = lambda: total
    return thread
