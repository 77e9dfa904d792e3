"""What an engine does for a tool itself, where no other tool listens: it is cheaper than an event.

A LINE event of a scope goes to its tools from the scope's frame and through the C API, which takes most of a
microsecond. A tool that does not look at frames can have less:

- *A callback* that is called where the event happens (`register_line`). While it runs, events are not switched off
  in its thread.
- *An account* of how often each line is reached, and of the time that passes on it (`register_accounts`): the
  engine keeps it, and nothing is called at all.

For the rest nothing differs. The tool registers callbacks and sets events with `sys.monitoring`: those count where
another tool listens to the same scope, and in scopes that can be suspended.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from types import CodeType

__all__ = ["Account", "Cell", "register_accounts", "register_line"]


class Cell:
    """A line's part of an account. hits: how often it was reached; time: in the clock's unit.

    The hits are a float: CPython adds those faster than integers above 256.
    """

    __slots__ = ("hits", "line", "time")

    def __init__(self, line: int) -> None:
        self.line = line
        self.hits = 0.0
        self.time = 0.0


class Account:
    """What a thread spends. Who reaches a line adds what has passed to `cell`, and makes its own cell that:

        now = account.clock(tick)
        account.cell.time += now - account.since
        account.since = now
        account.cell = cell
        cell.hits += 1.0

    clock: a function of one argument, :data:`TICK`, that gives the time. since: up to when it has been added.
    """

    __slots__ = ("cell", "clock", "since")

    def __init__(self, cell: Cell, since: float, clock: Callable[[int], float]) -> None:
        self.cell = cell
        self.since = since
        self.clock = clock


# `clock_gettime` takes an argument, which CPython 3.13 calls faster than a function without.
TICK: int = getattr(time, "CLOCK_MONOTONIC", 0)
"""What a clock is called with."""
CLOCK: Callable[[int], float] = getattr(time, "clock_gettime", lambda _: time.perf_counter())
"""The clock on the wall."""

type LineCallback = Callable[[CodeType, int], object]
type Open = Callable[[tuple[int, ...]], tuple[Account, Sequence[Cell | None]]]

LINE_CALLBACKS: dict[int, LineCallback] = {}
"""The ``active`` byte of a state that one tool alone listens to → that tool's callback."""
OPEN_ACCOUNTS: dict[int, Open] = {}
"""The same byte → what opens an account for that tool."""


def register_line(tool_id: int, callback: LineCallback | None) -> None:
    """Set the function that a tool is told of lines by, ``callback(code, line_number)``; None: none any more.

    It has to do what the callback does that the tool gave ``sys.monitoring.register_callback``: that one is called
    where this one cannot be. To be taken back before the tool's id is freed. Raises ValueError for a number that no
    tool has.
    """
    _register(LINE_CALLBACKS, tool_id, callback)


def register_accounts(tool_id: int, open_account: Open | None) -> None:
    """Set the function that is called when a scope has begun (after PY_START), with the numbers of its lines:
    ``open_account(lines)`` returns the thread's account, and the cells of the scope by the number of their line, at
    least of these. None: no longer.

    Its LINE callback is not called for what an account is kept of. To be taken back before the tool's id is freed.
    Raises ValueError for a number that no tool has.
    """
    _register(OPEN_ACCOUNTS, tool_id, open_account)


def opened(lines: tuple[int, ...]) -> tuple[Account, Sequence[Cell | None]]:
    """An account for a scope that has begun; one that nobody reads if no tool wants any (any more)."""
    for open_account in tuple(OPEN_ACCOUNTS.values()):
        return open_account(lines)
    return unread(lines)


def unread(lines: tuple[int, ...]) -> tuple[Account, Sequence[Cell | None]]:
    """An account that nobody reads."""
    cell = Cell(0)
    return Account(cell, 0.0, CLOCK), [cell] * (max(lines, default=0) + 1)


def _register[F](registered: dict[int, F], tool_id: int, function: F | None) -> None:
    if function is None:
        registered.pop(1 << tool_id, None)
    elif sys.monitoring.get_tool(tool_id) is None:
        raise ValueError(f"tool {tool_id} is not in use")
    else:
        registered[1 << tool_id] = function
