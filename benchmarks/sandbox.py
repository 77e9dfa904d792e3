"""The closures back end and the sandbox: each page in six environments, checked, then timed in interleaved rounds.

    jinja2              Environment                       closures    Environment(backend="closures")
    jinja2 sandbox      its SandboxedEnvironment          sandbox     tmplmon's SandboxedEnvironment
    with fuel           the same with a fuel limit        with all    the same with all limits

It also measures the cost of a tool: a page of the closures back end while a tool listens to LINE and answers each
line with DISABLE, as coverage.py does. The first rendering is not timed. From the second one on all lines are
disabled, and the remaining cost is that of having a tool.
"""

from __future__ import annotations

import importlib
import sys
from functools import partial
from typing import Any

from benchmarks.engines import Render
from benchmarks.engines.jinja_family import OPTIONS
from benchmarks.outputs import difference, normalise
from benchmarks.report import Section, Target, duration, geometric_mean, ratio, ratios
from benchmarks.sections import Run
from benchmarks.timing import Timing, interleave
from benchmarks.workloads import Workload, sources, template_name
from tmplmon.sandbox import Limits

MUCH = 10**12
# Column → module, class and options.
ENVIRONMENTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "jinja2": ("jinja2", "Environment", {}),
    "jinja2 sandbox": ("jinja2.sandbox", "SandboxedEnvironment", {}),
    "bytecode": ("tmplmon", "Environment", {}),
    "closures": ("tmplmon", "Environment", {"backend": "closures"}),
    "sandbox": ("tmplmon.sandbox", "SandboxedEnvironment", {}),
    "with fuel": ("tmplmon.sandbox", "SandboxedEnvironment", {"limits": Limits(fuel=MUCH)}),
    "with all": (
        "tmplmon.sandbox",
        "SandboxedEnvironment",
        {"limits": Limits(fuel=MUCH, output=MUCH, seconds=3600, depth=100)},
    ),
}
_COLUMNS = tuple(column for column in ENVIRONMENTS if column != "bytecode")
WITH_FUEL = "fuel / no limits"
WITH_TOOL = "closures with a LINE tool / without"
_TOOL = 4


def run(config: Run) -> Section:
    section = Section("Closures and sandbox (fastest of the rounds)")
    best: dict[str, dict[str, float]] = {name: {} for name in _COLUMNS}
    to_quiet: dict[str, float] = {}
    for workload in config.workloads:
        name = template_name("jinja", workload)
        assert name is not None
        renders = _renders(workload, name, section)
        timings = interleave(
            renders, rounds=config.rounds, slice_seconds=config.slice_seconds, collect=config.collect
        )
        section.data[workload.name] = {column: timing.rounds for column, timing in timings.items()}
        for column, timing in timings.items():
            best[column][workload.name] = timing.best
        if "closures" in renders:
            quiet, monitored = _with_line_tool(renders["closures"], config.rounds, config.slice_seconds)
            to_quiet[workload.name] = monitored.best / quiet.best

    columns = list(best)
    section.add_table(
        ("time", *columns),
        [
            (w.title, *(duration(best[c][w.name]) if w.name in best[c] else "-" for c in columns))
            for w in config.workloads
        ],
    )
    compared = {
        "closures / jinja2": ratios(best["closures"], best["jinja2"]),
        "closures / jinja2 sandbox": ratios(best["closures"], best["jinja2 sandbox"]),
        "sandbox / jinja2 sandbox": ratios(best["sandbox"], best["jinja2 sandbox"]),
        WITH_TOOL: to_quiet,
        WITH_FUEL: ratios(best["with fuel"], best["sandbox"]),
        "all limits / none": ratios(best["with all"], best["sandbox"]),
    }
    rows = [(w.title, *(ratio(column.get(w.name)) for column in compared.values())) for w in config.workloads]
    means = {title: geometric_mean(column.values()) for title, column in compared.items()}
    rows.append(("geometric mean", *(ratio(mean) for mean in means.values())))
    rows.append(("worst", *(ratio(max(column.values(), default=None)) for column in compared.values())))
    section.add_table(("ratio", *compared), rows)
    section.targets = [
        Target("closures / Jinja2's sandbox, geometric mean", 0.4, means["closures / jinja2 sandbox"]),
        Target("sandbox / Jinja2's sandbox, geometric mean", 0.4, means["sandbox / jinja2 sandbox"]),
        Target("sandbox with fuel / without limits, geometric mean", 1.15, means[WITH_FUEL]),
        Target("a LINE tool that disables / quiet, geometric mean", 1.3, means[WITH_TOOL]),
    ]
    return section


def environment(column: str) -> Any:
    """Return a new environment of a column, with a loader for the pages."""
    module, class_name, options = ENVIRONMENTS[column]
    loader = importlib.import_module(module.partition(".")[0]).DictLoader(sources("jinja"))
    return getattr(importlib.import_module(module), class_name)(loader=loader, **OPTIONS, **options)


def _renders(workload: Workload, name: str, section: Section) -> dict[str, Render]:
    """Return the render function of each environment whose output equals Jinja2's."""
    context = workload.context(workload.size)
    renders: dict[str, Render] = {}
    expected = ""
    for column in _COLUMNS:
        try:
            template = environment(column).get_template(name)
            render = partial(template.render, **context)
            actual = normalise(render(), exact=True)
            expected = expected or actual
            mismatch = difference(actual, expected)
            if mismatch:
                raise AssertionError(mismatch)
            renders[column] = render
        except Exception as error:  # a failure is a result, not the end of the run
            section.failures.append(f"{column}, {workload.name}: {type(error).__name__}: {error}")
    return renders


def _with_line_tool(render: Render, rounds: int, slice_seconds: float) -> tuple[Timing, Timing]:
    """Return the rounds without a tool, and those with a tool that has disabled LINE on every line of the
    page. Each of the latter begins with a rendering that is not timed, because setting events undoes every
    DISABLE."""
    monitoring = sys.monitoring
    quiet, monitored = Timing(), Timing()

    def disabling(code: object, line: int) -> object:
        return monitoring.DISABLE

    for _ in range(rounds):
        quiet.rounds += interleave({"": render}, rounds=1, slice_seconds=slice_seconds)[""].rounds
        monitoring.use_tool_id(_TOOL, "benchmark")
        monitoring.register_callback(_TOOL, monitoring.events.LINE, disabling)
        monitoring.set_events(_TOOL, monitoring.events.LINE)
        try:
            render()
            monitored.rounds += interleave({"": render}, rounds=1, slice_seconds=slice_seconds)[""].rounds
        finally:
            monitoring.set_events(_TOOL, monitoring.events.NO_EVENTS)
            monitoring.register_callback(_TOOL, monitoring.events.LINE, None)
            monitoring.free_tool_id(_TOOL)
    return quiet, monitored
