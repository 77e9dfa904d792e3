"""The cost of one include and one macro call: a page with 200 of them, minus the same page with inline bodies."""

from __future__ import annotations

from benchmarks.engines import REFERENCE
from benchmarks.report import Section, duration, ratio
from benchmarks.sections import Run
from benchmarks.timing import interleave
from benchmarks.workloads import WORKLOADS


def run(config: Run) -> Section:
    section = Section("Components in a loop: time per row, with the component and with its body inline")
    for inline in WORKLOADS.values():
        if inline.inline_of is None:
            continue
        workload = WORKLOADS[inline.inline_of]
        with_component = config.renders(workload, section)
        in_place = config.renders(inline, section)
        # Both pages in one interleaved run: the result is a difference, so they need the same conditions.
        calls = {f"{name} call": render for name, render in with_component.items()}
        calls |= {f"{name} inline": render for name, render in in_place.items()}
        timings = interleave(
            calls, rounds=config.rounds, slice_seconds=config.slice_seconds, collect=config.collect
        )
        per_row = {name: timing.best / workload.size for name, timing in timings.items()}
        section.data[workload.name] = per_row
        extra_of_reference = per_row.get(f"{REFERENCE} call", 0) - per_row.get(f"{REFERENCE} inline", 0)
        rows = []
        for name in with_component:
            if f"{name} inline" not in per_row:
                continue
            call, body = per_row[f"{name} call"], per_row[f"{name} inline"]
            extra = call - body
            rows.append(
                (
                    name,
                    duration(call),
                    duration(body),
                    duration(extra),
                    ratio(extra / extra_of_reference) if min(extra, extra_of_reference) > 0 else "-",
                )
            )
        headers = (workload.title, "a row", "inline", "the component itself", f"/ {REFERENCE}'s")
        section.add_table(headers, rows)
    return section
