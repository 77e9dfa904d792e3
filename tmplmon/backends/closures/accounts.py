"""Closures that keep an account of the lines they reach (`monitoring.direct`) in place of firing LINE.

Rule: the lines are reached where `Signals` has them reached; only what is done about it is another thing. It is
written out in each closure, as a call would cost more than it does.
"""

from collections.abc import Sequence
from typing import Any

from tmplmon.backends.closures.around import run_after, run_before
from tmplmon.backends.closures.build import Closure, suspends
from tmplmon.backends.closures.frame import DATA, LINE, STATE, Frame
from tmplmon.backends.closures.signals import Signals
from tmplmon.monitoring.direct import TICK


class Accounts(Signals):
    """Puts the account of a frame (DATA, with its cells in STATE) around the closures of one tree."""

    def reach(self, line: int) -> Closure:
        tick = TICK

        def reach(f: Frame) -> None:
            if f[LINE] != line:
                f[LINE] = line
                account = f[DATA]
                now = account.clock(tick)
                account.cell.time += now - account.since
                account.since = now
                account.cell = cell = f[STATE][line]
                cell.hits += 1.0

        return reach

    def reaching(self, found: Sequence[int], closure: Closure) -> Closure:
        if len(found) != 1 or not found[0] or suspends(closure):
            return run_before(self.reach_all(found), closure)
        (line,) = found
        tick = TICK

        def reaching(f: Frame) -> Any:
            if f[LINE] != line:
                f[LINE] = line
                account = f[DATA]
                now = account.clock(tick)
                account.cell.time += now - account.since
                account.since = now
                account.cell = cell = f[STATE][line]
                cell.hits += 1.0
            return closure(f)

        return reaching

    def leading_to(self, closure: Closure, found: Sequence[int]) -> Closure:
        return run_after(closure, self.reach_all(found))
