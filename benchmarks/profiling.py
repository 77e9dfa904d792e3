"""What line profiling costs: the page of 200 objects plain, and under ``tmplmon.tools.profiler``.

    python -m benchmarks.profiling        # or: python -m benchmarks --sections profiling

Each figure is a ratio to the plain rendering, on both back ends. Plain and profiled renderings take turns, each is
held against the plain ones before and after it, and the figure is the median of the rounds, so that what else the
machine does matters little; that of ``share`` is an average over seconds, as it is on and off by turns. The floors
below are callbacks that do less than a profiler must: their cost is Python's.

Then the profile's own account is held against the clock on the wall: what it says that templates took, and what the
renderings took from outside.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter, process_time
from types import CodeType

from benchmarks.componentpages import PAGES, Page, renders
from benchmarks.engines import REFERENCE, load
from benchmarks.engines.jinja_family import OPTIONS
from benchmarks.report import Section, Target, duration, target_lines
from benchmarks.sections import Run
from benchmarks.workloads import WORKLOADS, sources

BACKENDS = ("bytecode", "closures")
SHARE = 0.25
LIMITS = {"every line": 2.6, f"share={SHARE}": 1.25}
"""Name of a figure → what it may be at most."""
ROUNDS, RENDERINGS = 25, 12

type Render = Callable[[], object]


def page(backend: str) -> Render:
    from tmplmon import DictLoader, Environment

    workload = WORKLOADS["objects"]
    environment = Environment(loader=DictLoader(sources("jinja")), backend=backend, **OPTIONS)  # type: ignore[arg-type]
    template, context = environment.get_template("people.html"), workload.context(workload.size)
    template.render(**context)
    return lambda: template.render(**context)


def seconds(render: Render) -> float:
    """One rendering, as the mean of some in a row: of the processor, which other processes disturb less."""
    started = process_time()
    for _ in range(RENDERINGS):
        render()
    return (process_time() - started) / RENDERINGS


class Floor:
    """A tool whose callback for lines does as much as it is given."""

    def __init__(self, line: Callable[[CodeType, int], object]) -> None:
        self.line = line

    def start(self) -> None:
        from tmplmon.monitoring.announced import announced

        monitoring = sys.monitoring
        monitoring.use_tool_id(4, "floor")
        monitoring.register_callback(4, monitoring.events.LINE, self.line)
        self.codes = announced()
        for code in self.codes:
            monitoring.set_local_events(4, code, monitoring.events.LINE)

    def stop(self) -> None:
        for code in self.codes:
            sys.monitoring.set_local_events(4, code, 0)
        sys.monitoring.register_callback(4, sys.monitoring.events.LINE, None)
        sys.monitoring.free_tool_id(4)


def nothing(code: CodeType, line: int) -> None:
    """A callback that does nothing."""


def clock(code: CodeType, line: int) -> None:
    """A callback that only looks at the clock."""
    time.perf_counter()


def measured(backend: str) -> dict[str, float]:
    """Name → ratio to the plain rendering, which is in seconds under "plain"."""
    from tmplmon.tools.profiler import Profiler

    render = page(backend)
    with Profiler():
        render()  # builds the signalling tree
    ratios: dict[str, list[float]] = {}
    plain = [seconds(render)]

    def note(name: str, value: float) -> None:
        plain.append(seconds(render))
        ratios.setdefault(name, []).append(2 * value / (plain[-2] + plain[-1]))

    gc.collect()
    gc.disable()
    try:
        for _ in range(ROUNDS):
            for name, tool in (("floor: nothing", Floor(nothing)), ("floor: the clock", Floor(clock))):
                tool.start()
                took = seconds(render)
                tool.stop()
                note(name, took)
            profiler = Profiler()
            profiler.start()
            took = seconds(render)
            started = process_time()
            profiler.stop()
            took += (process_time() - started) / RENDERINGS
            off_again = seconds(render)
            note("every line", took)
            note("off again", off_again)
    finally:
        gc.enable()
    made = {name: median(values) for name, values in ratios.items()}
    return {"plain": min(plain), f"share={SHARE}": in_bursts(render), **made}


def in_bursts(render: Render, span: float = 2.0, turns: int = 3) -> float:
    """What renderings take with a profiler that is on for a share of the time, to what they take without."""
    from tmplmon.tools.profiler import Profiler

    counts, spent = [0, 0], [0.0, 0.0]
    for number in range(2 * turns):
        watched = number % 2
        profiler = Profiler(share=SHARE)
        if watched:
            profiler.start()
        ends, started = perf_counter() + span, process_time()
        while perf_counter() < ends:
            render()
            counts[watched] += 1
        spent[watched] += process_time() - started
        profiler.stop()
    return (spent[1] / counts[1]) / (spent[0] / counts[0])


def account(backend: str) -> tuple[float, float]:
    """(seconds in templates as the profile has it, seconds as the clock on the wall has it), of some renderings."""
    from tmplmon.tools.profiler import Profiler

    render, outside = page(backend), 0.0
    with Profiler():
        render()
    with Profiler() as profiler:
        for _ in range(50):
            started = perf_counter()
            render()
            outside += perf_counter() - started
    return profiler.profile.spent, outside


@dataclass(frozen=True)
class ComponentFigures:
    """What profiling a page of components gives: its cost, and the share of the lines in the component: the true
    one, from the difference to the page without them, and that of the profile."""

    ratio: float
    true_share: float
    profiled_share: float


def components(page: Page, backend: str, rounds: int = 15, renderings: int = 5) -> ComponentFigures:
    """Profile a page of components. Plain, stubbed and profiled renderings take turns."""
    from tmplmon.tools.profiler import Profiler

    whole, stubbed, file = renders(page, backend)
    with Profiler():
        whole()
    figures: dict[str, list[float]] = {"plain": [], "stubbed": [], "profiled": []}

    def note(name: str, render: Render) -> None:
        started = process_time()
        for _ in range(renderings):
            render()
        figures[name].append((process_time() - started) / renderings)

    shares = []
    for _ in range(rounds):
        note("plain", whole)
        note("stubbed", stubbed)
        with Profiler() as profiler:
            note("profiled", whole)
        profile = profiler.profile
        lines = profile.files[file].lines
        own = sum(lines[number].own for number in page.lines if number in lines)
        shares.append(own / profile.spent if profile.spent else 0.0)
    plain, stub = median(figures["plain"]), median(figures["stubbed"])
    return ComponentFigures(median(figures["profiled"]) / plain, 1 - stub / plain, median(shares))


_SHOWN: dict[str, str] = {
    "off again": "profiler off again",
    "every line": "every line",
    f"share={SHARE}": f"in bursts, a share of {SHARE:g} of the time",
    "floor: nothing": "floor: a callback that does nothing",
    "floor: the clock": "floor: one that looks at the clock",
}


def run(config: Run) -> Section:
    """The section of ``python -m benchmarks``."""
    section = Section("Profiling lines of the 200-row page, times the plain rendering")
    figures = {backend: measured(backend) for backend in BACKENDS}
    section.data.update(figures)
    rows = [("plain rendering", *(duration(figures[backend]["plain"]) for backend in BACKENDS))]
    rows += [
        (shown, *(f"{figures[backend][name]:.2f}" for backend in BACKENDS)) for name, shown in _SHOWN.items()
    ]
    section.add_table(("", *BACKENDS), rows)
    rows = []
    for name, each in PAGES.items():
        row = [name]
        for backend in BACKENDS:
            made = components(each, backend)
            section.data[f"{name}, {backend}"] = asdict(made)
            row.append(f"{made.ratio:.2f} · {made.true_share:.0%} / {made.profiled_share:.0%}")
        rows.append(tuple(row))
    section.add_table(
        (
            "pages of components: times plain · share of the component's lines, true / profiled",
            *BACKENDS,
        ),
        rows,
    )
    for backend in BACKENDS:
        inside, outside = account(backend)
        section.notes.append(
            f"{backend}: 50 recorded renderings took {duration(outside)}, {duration(inside)} of it in the profile,"
            f" which leaves out what recording adds ({inside / outside:.1%})"
        )
        for name, limit in LIMITS.items():
            section.targets.append(
                Target(f"profiling, {_SHOWN[name]}, {backend}", limit, figures[backend][name], " times plain")
            )
    return section


def main() -> None:
    section = run(Run({}, load(REFERENCE)))
    print(f"Python {sys.version.split()[0]}\n\n{section}")
    print("\n".join(target_lines(section.targets)))


if __name__ == "__main__":
    main()
