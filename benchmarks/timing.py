"""Timing by interleaved rounds, and the programs that are timed from outside.

The rule: what is compared is timed in turn, in one process. Each round times every callable once, and the
next round starts with the next callable, so that a slow minute of the machine, a warm cache or a neighbour's
leavings fall on all alike. Within a round a callable runs often enough to fill `slice_seconds` (the clock's
resolution and the call around it then cost well under 0.1 %).

A figure is the *minimum* over the rounds: what disturbs a run only ever adds time, so the fastest round is
the one nearest to the code's own cost. Processes started from outside are another matter (each start differs
in page cache, address layout, and so on, both ways): their figure is the median.

The garbage collector runs between the measurements and is off inside them, for every engine, as `timeit`
does; `collect=True` leaves it on.
"""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

CHECKOUT = Path(__file__).parent.parent


@dataclass
class Timing:
    """Seconds per call, one figure a round."""

    rounds: list[float] = field(default_factory=list)

    @property
    def best(self) -> float:
        return min(self.rounds)

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)


def _repeat(call: Callable[[], object], number: int) -> float:
    """Seconds for `number` calls."""
    start = perf_counter()
    for _ in range(number):
        call()
    return perf_counter() - start


def _calls_per_slice(call: Callable[[], object], slice_seconds: float) -> int:
    """How many calls fill the slice; the first, untimed, warms caches and CPython's specialising."""
    call()
    number = 1
    while (seconds := _repeat(call, number)) < slice_seconds / 4:
        number *= 4
    return max(1, round(number * slice_seconds / seconds))


def interleave(
    calls: Mapping[str, Callable[[], object]], *, rounds: int, slice_seconds: float, collect: bool = False
) -> dict[str, Timing]:
    """Time each of `calls` in each of `rounds`."""
    names = list(calls)
    numbers = {name: _calls_per_slice(call, slice_seconds) for name, call in calls.items()}
    timings = {name: Timing() for name in names}
    for number in range(rounds):
        first = number % len(names) if names else 0
        for name in names[first:] + names[:first]:
            gc.collect()
            if not collect:
                gc.disable()
            try:
                seconds = _repeat(calls[name], numbers[name])
            finally:
                gc.enable()
            timings[name].rounds.append(seconds / numbers[name])
    return timings


def run_program(code: str) -> None:
    """Run ``python -c code`` from the checkout, as a user's shell would; raises with its stderr if it fails.

    PYTHON* variables are dropped: the caller's ``PYTHONDONTWRITEBYTECODE``, say, would be measured as well.
    """
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, env=env, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().rpartition("\n")[2] or f"exit status {done.returncode}")


def interleave_programs(programs: Mapping[str, str], rounds: int) -> dict[str, Timing]:
    """Time whole processes in turn. Each has run once before, so its .pyc files and disk caches are there."""
    return interleave(
        {name: lambda code=code: run_program(code) for name, code in programs.items()},
        rounds=rounds,
        slice_seconds=0,
    )
