"""One thread: from its events to its call tree.

Rule: there is one time, `since`, and one cell that it is spent on. Whatever happens first adds what has passed to
that cell, and then says which cell is next. So all time inside of templates is in some cell, exactly once.

The state is in the variables of `followed`, which its functions share: they are what is fastest to reach, and a
line's function is what profiling costs (docs/profiling.md has the figures).
"""

import time
from collections.abc import Callable
from types import CodeType
from typing import Any

from tmplmon.tools.profiler.tree import Cell, Node, Scope, make_root

type Clock = Callable[[int], float]

# `clock_gettime` takes an argument, which CPython 3.13 calls faster than a function without.
TICK: int = getattr(time, "CLOCK_MONOTONIC", 0)
CLOCK: Clock = getattr(time, "clock_gettime", lambda _: time.perf_counter())


class Entry:
    """What is known of a place at which a scope begins, or goes on: its line, and whether that is another call.

    lines: one more than its last line.
    """

    __slots__ = ("calls", "line", "lines", "scope")

    def __init__(self, scope: Scope, lines: int, line: int, calls: int) -> None:
        self.scope = scope
        self.lines = lines
        self.line = line
        self.calls = calls


class Thread:
    """A thread that has run a template.

    line(code, number), enter(code, entry), leave(code): what is to be called when that happens. `leave` is given
    code of other functions, too.
    end(now): what runs ended then. stack: the code objects that run, outermost first.
    root: the call tree. spent(): the time inside of templates by the clock alone, without a look at the tree.
    """

    __slots__ = ("end", "enter", "leave", "line", "root", "spent", "stack")

    root: Node
    stack: list[CodeType]
    line: Callable[[CodeType, int], None]
    enter: Callable[[CodeType, Entry], None]
    leave: Callable[[CodeType], None]
    end: Callable[[float], None]
    spent: Callable[[], float]


def followed(clock: Clock) -> Thread:
    """A new thread."""
    thread = Thread()
    node = thread.root = make_root()
    stack = thread.stack = []
    tick = TICK
    cell = Cell(0)  # outside of templates: what is spent on this one is nobody's
    table: list[Any] = node.table
    since = clock(tick)
    callers: list[tuple[Node, Cell]] = []
    began = total = 0.0

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
        """A line is reached for the first time (or after the end, by a thread that was late)."""
        nonlocal cell
        if stack:
            table.extend([None] * (number + 1 - len(table)))
            cell = table[number] = node.cell(number)
            cell.hits += 1.0

    def enter(code: CodeType, entry: Entry) -> None:
        nonlocal node, table, cell, since, began
        now = clock(tick)
        cell.time += now - since
        stack.append(code)
        callers.append((node, cell))
        node = node.child(cell.line, entry.scope)
        node.calls += entry.calls
        table = node.table
        if not table:
            table += [None] * entry.lines
        cell = node.cell(entry.line)
        since = clock(tick)  # what this took does not count
        began = since if len(stack) == 1 else began + since - now

    def leave(code: CodeType) -> None:
        nonlocal since, began
        now = clock(tick)
        if not any(each is code for each in tuple(stack)):
            return  # it began before, or is no template
        try:
            while stack.pop() is not code:
                back(now)
            back(now)
        except IndexError:
            return  # another thread has ended this one meanwhile
        since = clock(tick)
        began += since - now

    def back(now: float) -> None:
        nonlocal node, table, cell, since, total
        cell.time += now - since
        since = now
        node, cell = callers.pop()
        table = node.table
        if not callers:
            total += now - began

    def end(now: float) -> None:
        while stack:
            stack.pop()
            back(max(now, since))

    thread.line, thread.enter, thread.leave, thread.end = line, enter, leave, end
    thread.spent = lambda: total
    return thread
