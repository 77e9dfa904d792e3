"""Budgets: how much a rendering may spend, how much it has spent, and how another thread ends it.

    environment = SandboxedEnvironment(limits=Limits(fuel=100_000, output=1_000_000, seconds=2, depth=50))
    template.render()                               # raises FuelExhausted, OutputLimitExceeded, …

    with environment.budget(fuel=1_000) as budget:  # other limits, and a handle
        template.render()
    budget.spent.fuel                               # during the rendering too, from any thread

Rule: a budget belongs to whoever renders, not to a template: what is current when code of a template runs is what
it spends from, so includes, imports, macros and calls share it, and a macro that outlives its rendering spends from
that of its caller. The closures back end does the counting (`backends.closures.metered`); here is what is counted.

Fuel is handed out in slices, so that one comparison is all the code of a template does; when a slice is used up,
the clock and the flag of `cancel` are looked at as well, and the output is counted that was appended meanwhile. It
is also counted before it is joined to one text, so that no more is ever made of it than the limit allows.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from time import monotonic
from types import TracebackType
from typing import Any, NoReturn, Self

from tmplmon.errors import (
    DepthLimitExceeded,
    FuelExhausted,
    OutputLimitExceeded,
    RenderCancelled,
    TimeLimitExceeded,
)

# Fuel between two looks at the clock: a site takes some 0.1 to 1 µs, so that is a millisecond at most where nothing
# but the template's own code runs.
_SLICE = 500
# Room is looked at after this many characters even if there is no limit: small integers are the faster ones.
_ROOM_SLICE = 1 << 28
# What one operation may cost even if there is no limit to the fuel: texts of 640 million characters.
_MOST_AT_ONCE = 10_000_000

CHARACTERS = 64
"""Of so many characters or items, one costs as much as a site: copying them takes less than a site."""

# What is shorter costs nothing but the site it is made at.
_SHORT = 1024
# Output costs fuel, too, for each so many characters: it is escaped, and joined.
_PUT_OUT = 4096


@dataclass(frozen=True, slots=True)
class Limits:
    """What a rendering may spend. None: no limit.

    fuel: sites executed, of every template that takes part: statements, expressions, rounds of loops; besides,
        one for each item that a filter works through, and one for each 64 characters of a text that it makes.
    output: characters put out, those that are captured (`set` blocks, macros, filter blocks) included.
    seconds: wall time inside of the rendering; what passes between the pieces of `generate` does not count.
    depth: scopes in scopes: blocks, includes, macros, call bodies, levels of a recursive loop. Python's own
        recursion limit may come first; that is the same exception.
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
            wanted = (int, float) if name == "seconds" else (int,)
            if isinstance(limit, bool) or not isinstance(limit, wanted):
                raise TypeError(f"the limit {name!r} must be a number or None, not {limit!r}")
            if not limit >= 0:
                raise ValueError(f"the limit {name!r} must not be negative: {limit!r}")


@dataclass(frozen=True, slots=True)
class Spending:
    """What has been spent, in the units of `Limits`; `depth` is the greatest that was reached."""

    fuel: int
    output: int
    seconds: float
    depth: int


_NONE = Limits()


class Budget:
    """What one rendering, or several one after the other, may spend.

    It is current in a ``with`` (of the thread or task); renderings of sandboxed templates in it spend from it. What
    is used up stays used up: the next rendering ends at once.
    """

    limits: Limits
    """How much that is."""

    left: int
    """Fuel of the slice that is being used; the back end counts it down, and calls `more_fuel` below zero."""

    room: int
    """The same for output: `more_room`."""

    depth: int
    """How many scopes are being run in each other."""

    output: list[Any] | None
    """The list that output is appended to, and how many of its pieces were counted: `tally` counts the others."""

    counted: int

    deepest: int
    """The greatest `depth` there was."""

    _fuel_given: int
    _room_given: int

    # Of the class until they are set, as a budget is made for each rendering. (What a template reads has to be of
    # the instance from the beginning: it is slow to read else.)
    _seconds = 0.0
    _since: float | None = None
    _cancelled = False
    _before: "tuple[Any, ...]" = ()

    def __init__(self, limits: Limits | None = None, /, **changed: Any) -> None:
        """`changed`: limits by their names, in the place of those of `limits`."""
        _fill(self, replace(limits or _NONE, **changed) if changed else limits or _NONE)

    def cancel(self) -> None:
        """End what renders with this budget, from any thread: it raises RenderCancelled at the next look, which
        comes after at most 500 sites. What waits (for a function of the application's, for an awaitable) is not
        woken."""
        self._cancelled = True

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled

    @property
    def spent(self) -> Spending:
        """What has been spent until now; where a limit was in the way, all there was."""
        fuel, output = self._fuel_given - self.left, self._room_given - self.room
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
        self._before = current.get(), self._before
        current.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        before, self._before = self._before
        current.set(before)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.limits}, {self.spent}>"

    # --- for the back end ----------------------------------------------------------------------------------

    def entering(self, depth: int, by_itself: bool = True) -> None:
        """A scope is about to be entered that is the outermost, or deeper than any before: will it do? `by_itself`:
        it has a function of its own, and is not to show in the traceback if it must not be entered."""
        limits = self.limits
        if depth == 1:
            self._since = monotonic()
            seconds = limits.seconds
            if self._cancelled or (seconds is not None and self._seconds >= seconds):
                self.look()
        if depth > self.deepest:
            most = limits.depth
            if most is not None and depth > most:
                error = DepthLimitExceeded(f"more than {most} scopes in each other", self.spent)
                error.is_outside = by_itself and depth > 1
                raise error
            self.deepest = depth

    def start(self) -> None:
        """The clock runs."""
        self._since = monotonic()

    def stop(self) -> None:
        """The clock stands still."""
        if self._since is not None:
            self._seconds += monotonic() - self._since
            self._since = None

    def look(self) -> None:
        """Whether it was cancelled, or the time is over."""
        if self._cancelled:
            raise RenderCancelled("the rendering was cancelled", self.spent)
        seconds = self.limits.seconds
        if seconds is not None and self._elapsed() >= seconds:
            raise TimeLimitExceeded(f"rendering takes longer than {seconds:g} s", self.spent)

    def charge(self, fuel: int) -> None:
        """Take fuel."""
        self.left -= fuel
        if self.left < 0:
            self.more_fuel()

    def more_fuel(self) -> None:
        """The slice is used up (`left` is negative): the next one."""
        if self.output is not None:
            self.tally()
        fuel, owed = self.limits.fuel, -self.left
        if fuel is not None and self._fuel_given + owed > fuel:
            self._out_of_fuel(f"more than {fuel} sites executed")
        if owed > _MOST_AT_ONCE:
            self._out_of_fuel("an operation that works on too much at once")
        self.look()
        given = owed + _SLICE
        if fuel is not None:
            given = min(given, fuel - self._fuel_given)
        self._fuel_given += given
        self.left += given

    def _out_of_fuel(self, message: str) -> NoReturn:
        # Spent is all there was; how far beyond that it went may be a huge number.
        if self.limits.fuel is not None:
            self._fuel_given = self.limits.fuel
        self.left = 0
        raise FuelExhausted(message, self.spent)

    def tally(self) -> None:
        """Count the pieces of output that were appended since the last time. They become one piece, which has to be
        done anyway, and whose length is known."""
        output, counted = self.output, self.counted
        assert output is not None
        pieces = len(output) - counted
        if not pieces:
            return
        try:
            if pieces == 1:
                length = len(output[counted])
            else:
                text = "".join(output[counted:] if counted else output)
                length = len(text)
                output[counted:] = (text,)
            self.counted = counted + 1
        except (
            TypeError
        ):  # values of a native environment, of which one that is no text counts as a character
            new = output[counted:]
            length = sum([len(piece) if isinstance(piece, str) else 1 for piece in new])
            self.counted += len(new)
        self.room -= length
        if length > _PUT_OUT:
            self.left -= length // _PUT_OUT
        if self.room < 0:
            self.more_room()

    def more_room(self) -> None:
        """The room for output is used up (`room` is negative): more of it."""
        output, owed = self.limits.output, -self.room
        if output is not None and self._room_given + owed > output:
            raise OutputLimitExceeded(f"more than {output} characters of output", self.spent)
        given = owed + _ROOM_SLICE
        if output is not None:
            given = min(given, output - self._room_given)
        self._room_given += given
        self.room += given


_new = object.__new__


def budget_of(limits: Limits) -> Budget:
    """A budget for one rendering; quicker than the class."""
    budget = _new(Budget)
    _fill(budget, limits)
    return budget


def _fill(budget: Budget, limits: Limits) -> None:
    budget.limits = limits
    # The first slices: many renderings need no more.
    fuel, output = limits.fuel, limits.output
    budget.left = budget._fuel_given = _SLICE if fuel is None or fuel > _SLICE else fuel
    budget.room = budget._room_given = _ROOM_SLICE if output is None or output > _ROOM_SLICE else output
    budget.depth = budget.deepest = budget.counted = 0
    budget.output = None


def spend(size: int) -> None:
    """Pay for a text or a list of a size that is made or looked through."""
    if size >= _SHORT:
        budget = current.get()
        if budget is not None:
            budget.charge(size // CHARACTERS)


def within[T](step: AbstractContextManager[Any], pieces: Iterator[T]) -> Iterator[T]:
    """The pieces of a generator, each made within `step`: a budget, say."""
    try:
        while True:
            with step:
                try:
                    piece = next(pieces)
                except StopIteration:
                    return
            yield piece
    finally:
        with step:
            pieces.close()  # type: ignore[attr-defined]


async def within_async[T](step: AbstractContextManager[Any], pieces: AsyncIterator[T]) -> AsyncIterator[T]:
    """`within` for an asynchronous generator."""
    try:
        while True:
            with step:
                try:
                    piece = await anext(pieces)
                except StopAsyncIteration:
                    return
            yield piece
    finally:
        with step:
            await pieces.aclose()  # type: ignore[attr-defined]


current: ContextVar[Budget | None] = ContextVar("tmplmon_budget", default=None)
"""The budget that is spent from."""

__all__ = [
    "CHARACTERS",
    "Budget",
    "Limits",
    "Spending",
    "budget_of",
    "current",
    "spend",
    "within",
    "within_async",
]
