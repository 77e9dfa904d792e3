"""One thread: from its events to its call tree.

Rule: there is one time, `since`, and one cell that it is spent on. Whatever happens first adds what has passed to
that cell, and then says which cell is next. So all time inside of templates is in some cell, exactly once.

The state is in the variables of `followed`, which its functions share: they are what is fastest to reach, and a
line's function is what profiling costs (docs/profiling.md has the figures), where it is not a probe (`inline`).
"""

from collections.abc import Callable
from types import CodeType
from typing import Any

from tmplmon.monitoring.direct import TICK, Account, Cell
from tmplmon.tools.profiler.tree import Node, Scope, make_root

type Clock = Callable[[int], float]


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
    join(lines): what the probes on these lines of the scope work on that has just been entered: the account, and
    the cell of each line. The time since it was entered does not count.
    open(lines): the same for an engine that keeps the account (`monitoring.direct`): the cells by line.
    skip(): the time since the last call does not count. end(now): what runs ended then.
    stack: the code objects that run, outermost first.
    root: the call tree. spent(): the time inside of templates by the clock alone, without a look at the tree.
    """

    __slots__ = ("end", "enter", "join", "leave", "line", "open", "root", "skip", "spent", "stack")

    root: Node
    stack: list[CodeType]
    line: Callable[[CodeType, int], None]
    enter: Callable[[CodeType, Entry], None]
    join: Callable[[tuple[int, ...]], tuple[Any, ...]]
    leave: Callable[[CodeType], None]
    open: Callable[[tuple[int, ...]], tuple[Account, list[Cell | None]]]
    skip: Callable[[], None]
    end: Callable[[float], None]
    spent: Callable[[], float]


def followed(clock: Clock) -> Thread:
    """A new thread."""
    thread = Thread()
    node = thread.root = make_root()
    stack = thread.stack = []
    tick = TICK
    # Outside of templates: what is spent on this cell is nobody's.
    account = Account(Cell(0), clock(tick), clock)
    table: list[Any] = node.table
    callers: list[tuple[Node, Cell]] = []
    began = total = 0.0

    def line(code: CodeType, number: int) -> None:
        now = clock(tick)
        account.cell.time += now - account.since
        account.since = now
        try:
            cell = account.cell = table[number]
            cell.hits += 1.0
        except (AttributeError, IndexError):
            first(number)

    def first(number: int) -> None:
        """A line is reached for the first time (or after the end, by a thread that was late)."""
        cell = account.cell = at(number) if stack else Cell(0)
        cell.hits += 1.0

    def at(number: int) -> Cell:
        table.extend([None] * (number + 1 - len(table)))
        cell = table[number] = node.cell(number)
        return cell

    def enter(code: CodeType, entry: Entry) -> None:
        nonlocal node, table, began
        now = clock(tick)
        cell = account.cell
        cell.time += now - account.since
        stack.append(code)
        callers.append((node, cell))
        node = node.child(cell.line, entry.scope)
        node.calls += entry.calls
        table = node.table
        if not table:
            table += [None] * entry.lines
        account.cell = node.cell(entry.line)
        since = account.since = clock(tick)  # what this took does not count
        began = since if len(stack) == 1 else began + since - now

    def join(lines: tuple[int, ...]) -> tuple[Any, ...]:
        row = node.row
        if row is None:
            row = node.row = (account, *map(at, lines))
        skip()
        return row

    def open_(lines: tuple[int, ...]) -> tuple[Account, list[Cell | None]]:
        if node.row is None:
            node.row = ()
            for number in lines:
                at(number)
        skip()
        return account, table

    def skip() -> None:
        nonlocal began
        now = clock(tick)
        began += now - account.since
        account.since = now

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
        since = account.since = clock(tick)
        began += since - now

    def back(now: float) -> None:
        nonlocal node, table, total
        account.cell.time += now - account.since
        account.since = now
        node, account.cell = callers.pop()
        table = node.table
        if not callers:
            total += now - began

    def end(now: float) -> None:
        # Who goes on to keep the account adds nothing from now on.
        account.clock = lambda _: account.since
        while stack:
            stack.pop()
            back(max(now, account.since))

    thread.line, thread.enter, thread.leave, thread.end = line, enter, leave, end
    thread.join, thread.open, thread.skip = join, open_, skip
    thread.spent = lambda: total
    return thread
