"""Timing in interleaved rounds, in this process or of separate processes.

Rule: functions that are compared are timed in turn, in one process. Each round times every function once, and the
next round starts with the next function, so that disturbances of the machine and warm caches affect all of them
alike. Within a round a function runs often enough to fill `slice_seconds` (the resolution of the clock and the call
around it then cost well under 0.1 %).

A figure is the *minimum* over the rounds: disturbances only add time, so the fastest round is closest to the
cost of the code itself. For separate processes it is the median, because each start differs in page cache,
address layout and so on, in both directions.

The garbage collector runs between the measurements and is disabled during them, for every engine, as `timeit` does;
`collect=True` keeps it enabled.
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
    """Seconds per call, one figure per round."""

    rounds: list[float] = field(default_factory=list)

    @property
    def best(self) -> float:
        return min(self.rounds)

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)


def _repeat(call: Callable[[], object], number: int) -> float:
    """Return the seconds for `number` calls."""
    start = perf_counter()
    for _ in range(number):
        call()
    return perf_counter() - start


def _calls_per_slice(call: Callable[[], object], slice_seconds: float) -> int:
    """Return how many calls fill the slice. The first call, not timed, warms caches and specializes the
    bytecode."""
    call()
    number = 1
    while (seconds := _repeat(call, number)) < slice_seconds / 4:
        number *= 4
    return max(1, round(number * slice_seconds / seconds))


def interleave(
    calls: Mapping[str, Callable[[], object]], *, rounds: int, slice_seconds: float, collect: bool = False
) -> dict[str, Timing]:
    """Time each of `calls` in each of `rounds` rounds of about `slice_seconds`. Returns name → timing."""
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
    """Run ``python -c code`` in the checkout, as from a user's shell. Raises RuntimeError with the last line of its
    stderr if it fails.

    PYTHON* variables are removed: the caller's ``PYTHONDONTWRITEBYTECODE``, for example, would affect the timing.
    """
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, env=env, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().rpartition("\n")[2] or f"exit status {done.returncode}")


def interleave_programs(programs: Mapping[str, str], rounds: int) -> dict[str, Timing]:
    """Time separate processes in turn. The programs must have run before, so that .pyc files and disk caches
    exist."""
    return interleave(
        {name: lambda code=code: run_program(code) for name, code in programs.items()},
        rounds=rounds,
        slice_seconds=0,
    )
