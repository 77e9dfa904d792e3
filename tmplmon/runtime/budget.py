"""Budgets: how much a rendering may spend, how much it has spent, and how another thread cancels it.

    environment = SandboxedEnvironment(limits=Limits(fuel=100_000, output=1_000_000, seconds=2, depth=50))
    template.render()                               # raises FuelExhausted, OutputLimitExceeded, …

    with environment.budget(fuel=1_000) as budget:  # other limits, and a handle
        template.render()
    budget.spent.fuel                               # also during the rendering, from any thread

Rule: a budget belongs to the code that renders, not to a template. Template code spends from the budget that is
current when it runs, so includes, imports, macros and calls share one budget, and a macro that outlives its
rendering spends from the budget of its caller. The closures back end does the counting
(`backends.closures.budget`); this module defines what is counted.

Fuel is granted in slices, so that template code only has to compare one number. When a slice is used up, the clock
and the flag set by `cancel` are checked, and the output appended since the last check is counted. Output is also
counted before it is joined, so that no text longer than the limit is ever created.
"""

import sys
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, replace
from time import monotonic
from types import TracebackType
from typing import Any, NoReturn, Protocol, Self

from tmplmon.errors import (
    DepthLimitExceeded,
    FuelExhausted,
    OutputLimitExceeded,
    RenderCancelled,
    TimeLimitExceeded,
)

# Fuel between two checks of the clock. A site takes 0.1 to 1 µs, so the checks are at most about a
# millisecond apart as long as only template code runs.
_SLICE = 500
# The size of an output slice if there is no limit. Small integers are faster than large ones.
_ROOM_SLICE = 1 << 28
# The most fuel that one operation may take even if fuel is not limited: that of a text of 640 million characters.
_MAX_PER_OPERATION = 10_000_000

CHARACTERS = 64
"""The number of characters or items that cost one unit of fuel: copying them takes less time than a site."""

# Texts and lists that are shorter than this cost no extra fuel.
_SHORT = 1024
OUTPUT_PER_FUEL = 4096
"""The number of characters of output that cost one unit of fuel: they are escaped and joined."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a rendering may spend. None means no limit.

    fuel: statements, expressions and loop iterations executed in all participating templates, plus one unit for
        each item that a filter processes, for each 64 characters of a text that it creates, and so on.
    output: characters of output, including captured output (`set` blocks, macros, filter blocks).
    seconds: wall time inside the rendering. Time between the chunks of `generate` does not count.
    depth: nested scopes: blocks, includes, macros, call bodies, levels of a recursive loop. If Python's recursion
        limit is reached first, the same exception is raised.

    Raises TypeError if a limit is not a number, and ValueError if it is negative.
    """

    fuel: int | None = None
    output: int | None = None
    seconds: float | None = None
    depth: int | None = None

    def __post_init__(self) -> None:
        for name in self.__slots__:
            limit = getattr(self, name)
            if limit is None:
                continue
            number_types = (int, float) if name == "seconds" else (int,)
            if isinstance(limit, bool) or not isinstance(limit, number_types):
                raise TypeError(f"the limit {name!r} must be a number or None, not {limit!r}")
            if not limit >= 0:
                raise ValueError(f"the limit {name!r} must not be negative: {limit!r}")


@dataclass(frozen=True, slots=True)
class Spending:
    """How much has been spent, in the units of `Limits`. `depth` is the greatest depth reached."""

    fuel: int
    output: int
    seconds: float
    depth: int


_NONE = Limits()


class Budget:
    """How much one rendering, or several consecutive ones, may spend.

    A budget is a context manager: it is current in the ``with`` block (of the thread or task), and renderings of
    sandboxed templates in the block spend from it. Spending accumulates: after a limit is reached, the next
    rendering stops at once.
    """

    limits: Limits
    """The limits of this budget."""

    left: int
    """Fuel left in the current slice. The back end decrements it, and calls `more_fuel` when it is negative."""

    room: int
    """Characters of output left in the current slice. `more_room` is called when it is negative."""

    depth: int
    """The number of nested scopes that are running."""

    output: list[Any] | None
    """The list that receives the output."""

    counted: int
    """The number of chunks in `output` that have been counted. `tally` counts the others."""

    deepest: int
    """The greatest `depth` so far."""

    _fuel_granted: int
    _room_granted: int

    # Class attributes as defaults, because a budget is created for each rendering. (Attributes that templates read
    # are always set on the instance: class attributes are slower to read.)
    _seconds = 0.0
    _since: float | None = None
    _cancelled = False
    _outer: "tuple[Any, ...]" = ()
    # The task of the rendering that uses the budget, and how many shares of it are running.
    _task: Any = None
    _running = 0

    def __init__(self, limits: Limits | None = None, /, **changed: Any) -> None:
        """`changed`: limits by name, which replace those of `limits`."""
        _fill(self, replace(limits or _NONE, **changed) if changed else limits or _NONE)

    def cancel(self) -> None:
        """Stop the renderings that use this budget. Callable from any thread: a rendering raises RenderCancelled at
        its next check, after at most 500 units of fuel. A rendering that is blocked in application code or in an
        awaitable is not interrupted."""
        self._cancelled = True

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` has been called."""
        return self._cancelled

    @property
    def spent(self) -> Spending:
        """How much has been spent so far. A value that has exceeded its limit is reported as the limit."""
        fuel, output = self._fuel_granted - self.left, self._room_granted - self.room
        limits = self.limits
        return Spending(
            fuel if limits.fuel is None else min(fuel, limits.fuel),
            output if limits.output is None else min(output, limits.output),
            self._elapsed(),
            self.deepest,
        )

    def _elapsed(self) -> float:
        since = self._since
        return self._seconds if since is None else self._seconds + monotonic() - since

    def __enter__(self) -> Self:
        outer = self.begin()
        self._outer = outer, self._outer
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        outer, self._outer = self._outer
        self.end(outer)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.limits}, {self.spent}>"

    # --- for the back end ----------------------------------------------------------------------------------

    def begin(self) -> "Budget | None":
        """Make this budget current, and return the one that was."""
        outer = current.get()
        try:
            current.set(self)
        except BaseException:  # of a signal handler
            current.set(outer)
            raise
        return outer

    def end(self, outer: "Budget | None") -> None:
        """Make another budget current again."""
        current.set(outer)

    def of_this_task(self) -> "Budget":
        """Return the budget for a rendering in the current asyncio task: this one, or a share of it if another task
        is using it."""
        task = _task()
        if self._task is None:
            self._task = task
        return self if self._task is task or task is None else _Share(self, task)

    def finish(self) -> None:
        """Check the clock at the end of a rendering. Raises what `check` raises."""
        if self.limits.seconds is not None:
            self.check()

    def check_entry(self, depth: int, has_function: bool = True) -> None:
        """Check limits before entering the outermost or a new deepest scope.

        depth: the depth of that scope; 1 is the outermost.
        has_function: whether the scope has a function of its own, which is left out of the traceback on error.

        Raises DepthLimitExceeded, TimeLimitExceeded or RenderCancelled.
        """
        limits = self.limits
        if depth == 1:
            self._since = monotonic()
            seconds = limits.seconds
            if self._cancelled or (seconds is not None and self._seconds >= seconds):
                self.check()
        if depth > self.deepest:
            max_depth = limits.depth
            if max_depth is not None and depth > max_depth:
                error = DepthLimitExceeded(f"more than {max_depth} scopes in each other", self.spent)
                error.is_outside = has_function and depth > 1
                raise error
            self.deepest = depth

    def start(self) -> None:
        """Start the clock."""
        self._since = monotonic()

    def stop(self) -> None:
        """Stop the clock."""
        if self._since is not None and not self._running:
            self._seconds += monotonic() - self._since
            self._since = None

    def check(self) -> None:
        """Check the flag and the clock. Raises RenderCancelled or TimeLimitExceeded."""
        if self._cancelled:
            raise RenderCancelled("the rendering was cancelled", self.spent)
        seconds = self.limits.seconds
        if seconds is not None and self._elapsed() >= seconds:
            raise TimeLimitExceeded(f"rendering takes longer than {seconds:g} s", self.spent)

    def charge(self, fuel: int) -> None:
        """Take fuel. Raises FuelExhausted, or what `check` raises."""
        self.left -= fuel
        if self.left < 0:
            self.more_fuel()

    def more_fuel(self) -> None:
        """Grant the next slice of fuel. `left` is negative: its amount is owed. Raises FuelExhausted, or what
        `check` raises."""
        if self.output is not None:
            self.tally()
        max_fuel, owed = self.limits.fuel, -self.left
        if max_fuel is not None and self._fuel_granted + owed > max_fuel:
            self._out_of_fuel(
                f"more than {max_fuel} units of fuel: one for each statement, expression and loop iteration, and"
                " more for operations on many items or long texts"
            )
        if owed > _MAX_PER_OPERATION:
            self._out_of_fuel("an operation that works on too much at once")
        self.check()
        grant = owed + _SLICE
        if max_fuel is not None:
            grant = min(grant, max_fuel - self._fuel_granted)
        self._fuel_granted += grant
        self.left += grant

    def _out_of_fuel(self, message: str) -> NoReturn:
        # Report the limit as spent: the excess may be a huge number.
        if self.limits.fuel is not None:
            self._fuel_granted = self.limits.fuel
        self.left = 0
        raise FuelExhausted(message, self.spent)

    def tally(self) -> None:
        """Count the chunks of output that were appended since the last call. They are joined to one chunk: joining
        gives their length, and has to be done in any case. Raises OutputLimitExceeded, FuelExhausted or what
        `check` raises."""
        output, counted = self.output, self.counted
        assert output is not None
        chunks = len(output) - counted
        if not chunks:
            return
        try:
            if chunks == 1:
                length = len(output[counted])
            else:
                text = "".join(output[counted:] if counted else output)
                length = len(text)
                output[counted:] = (text,)
            self.counted = counted + 1
        except TypeError:
            # A native environment puts out arbitrary values. One that is not a text counts as one character.
            new = output[counted:]
            length = sum([len(chunk) if isinstance(chunk, str) else 1 for chunk in new])
            self.counted += len(new)
        self.room -= length
        if length > OUTPUT_PER_FUEL:
            self.left -= length // OUTPUT_PER_FUEL
        if self.room < 0:
            self.more_room()

    def more_room(self) -> None:
        """Grant the next slice of output. `room` is negative: its amount is owed. Raises OutputLimitExceeded."""
        max_output, owed = self.limits.output, -self.room
        if max_output is not None and self._room_granted + owed > max_output:
            raise OutputLimitExceeded(f"more than {max_output} characters of output", self.spent)
        grant = owed + _ROOM_SLICE
        if max_output is not None:
            grant = min(grant, max_output - self._room_granted)
        self._room_granted += grant
        self.room += grant


class _Share(Budget):
    """The part of one task in a budget that several tasks spend from. It has its own depth and its own output."""

    def __init__(self, budget: Budget, task: Any) -> None:
        self._budget = budget
        self._task = task
        self.limits = budget.limits
        self.depth = self.deepest = self.counted = 0
        self.output = None
        self._is_running = False

    @property
    def left(self) -> int:
        return self._budget.left

    @left.setter
    def left(self, fuel: int) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self._budget.left = fuel

    @property
    def room(self) -> int:
        return self._budget.room

    @room.setter
    def room(self, room: int) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self._budget.room = room

    @property
    def spent(self) -> Spending:
        return self._budget.spent

    def cancel(self) -> None:
        self._budget.cancel()

    @property
    def cancelled(self) -> bool:
        return self._budget.cancelled

    def of_this_task(self) -> Budget:
        task = _task()
        return self if self._task is task or task is None else _Share(self._budget, task)

    def check_entry(self, depth: int, has_function: bool = True) -> None:
        if depth == 1:
            self.start()
            self.check()
        limit = self.limits.depth
        if limit is None or depth <= limit:
            self.deepest = depth
            self._budget.deepest = max(self._budget.deepest, depth)
        else:
            super().check_entry(depth, has_function)

    def start(self) -> None:
        # The clock runs as long as one of the tasks renders.
        if not self._is_running:
            self._is_running = True
            self._budget._running += 1
            if self._budget._since is None:
                self._budget.start()

    def stop(self) -> None:
        if self._is_running:
            self._is_running = False
            self._budget._running -= 1
            if not self._budget._running and not self._budget.depth:
                self._budget.stop()

    def check(self) -> None:
        self._budget.check()

    def more_fuel(self) -> None:
        if self.output is not None:
            self.tally()
        if self.left < 0:
            self._budget.more_fuel()

    def more_room(self) -> None:
        self._budget.more_room()


def _task() -> Any:
    """Return the current asyncio task; None if there is none."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return None
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


_new = object.__new__


def budget_of(limits: Limits) -> Budget:
    """Create a budget for one rendering. Faster than calling the class."""
    budget = _new(Budget)
    _fill(budget, limits)
    return budget


def _fill(budget: Budget, limits: Limits) -> None:
    budget.limits = limits
    # The first slices. Many renderings need no others.
    fuel, output = limits.fuel, limits.output
    budget.left = budget._fuel_granted = _SLICE if fuel is None or fuel > _SLICE else fuel
    budget.room = budget._room_granted = _ROOM_SLICE if output is None or output > _ROOM_SLICE else output
    budget.depth = budget.deepest = budget.counted = 0
    budget.output = None


def spend(size: int) -> None:
    """Take fuel from the current budget for a text or list of `size` that is created or searched. Raises what
    `Budget.charge` raises."""
    if size >= _SHORT:
        budget = current.get()
        if budget is not None:
            budget.charge(size // CHARACTERS)


class Step(Protocol):
    """Makes a budget current while a generator runs."""

    def begin(self) -> Any:
        """Make the budget current. Returns the one that was current."""
        ...

    def end(self, outer: Any) -> None:
        """Make `outer` current again."""
        ...


def within[T](step: Step, chunks: Iterator[T]) -> Iterator[T]:
    """Yield the items of a generator, and call `step.begin` and `step.end` whenever the generator runs."""
    try:
        while True:
            outer = current.get()
            try:
                step.begin()
                chunk = next(chunks)
            except StopIteration:
                return
            finally:
                # Set first, because a signal handler may raise an exception in `end`.
                current.set(outer)
                step.end(outer)
            yield chunk
    finally:
        outer = current.get()
        try:
            step.begin()
            chunks.close()  # type: ignore[attr-defined]
        finally:
            current.set(outer)
            step.end(outer)


async def within_async[T](step: Step, chunks: AsyncIterator[T]) -> AsyncIterator[T]:
    """`within` for an asynchronous generator."""
    try:
        while True:
            outer = current.get()
            try:
                step.begin()
                chunk = await anext(chunks)
            except StopAsyncIteration:
                return
            finally:
                current.set(outer)
                step.end(outer)
            yield chunk
    finally:
        outer = current.get()
        try:
            step.begin()
            await chunks.aclose()  # type: ignore[attr-defined]
        finally:
            current.set(outer)
            step.end(outer)


current: ContextVar[Budget | None] = ContextVar("tmplmon_budget", default=None)
"""The budget from which renderings of the current thread or task spend."""

__all__ = [
    "CHARACTERS",
    "OUTPUT_PER_FUEL",
    "Budget",
    "Limits",
    "Spending",
    "budget_of",
    "current",
    "spend",
    "within",
    "within_async",
]
