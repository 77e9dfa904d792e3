"""Rendering: each page by each engine, checked first, then timed in interleaved rounds."""

from __future__ import annotations

from benchmarks.engines import REFERENCE
from benchmarks.report import Section, Target, duration, geometric_mean, ratio, ratios
from benchmarks.sections import Run
from benchmarks.timing import interleave


def run(config: Run) -> Section:
    section = Section("Rendering (fastest of the rounds)")
    names = list(config.engines)
    best: dict[str, dict[str, float]] = {name: {} for name in names}  # engine -> workload -> seconds
    for workload in config.workloads:
        renders = config.renders(workload, section)
        timings = interleave(
            renders, rounds=config.rounds, slice_seconds=config.slice_seconds, collect=config.collect
        )
        section.data[workload.name] = {name: timing.rounds for name, timing in timings.items()}
        for name, timing in timings.items():
            best[name][workload.name] = timing.best

    section.add_table(
        ("time", *names),
        [
            (w.title, *(duration(best[n][w.name]) if w.name in best[n] else "-" for n in names))
            for w in config.workloads
        ],
    )
    if REFERENCE in best:
        _ratio_table(section, config, best)
    section.targets = _targets(config, best)
    return section


def _ratio_table(section: Section, config: Run, best: dict[str, dict[str, float]]) -> None:
    names = list(best)
    to_reference = {name: ratios(best[name], best[REFERENCE]) for name in names}
    rows = [(w.title, *(ratio(to_reference[n].get(w.name)) for n in names)) for w in config.workloads]
    rows.append(("geometric mean", *(ratio(geometric_mean(to_reference[n].values())) for n in names)))
    rows.append(("worst", *(ratio(max(to_reference[n].values(), default=None)) for n in names)))
    rows.append(("pages expressed", *(f"{len(best[n])}/{len(config.workloads)}" for n in names)))
    section.add_table((f"time / {REFERENCE}'s", *names), rows)
    if "tmplmon" in best:
        peers = [n for n in names if n != "tmplmon"]
        versus = {n: ratios(best["tmplmon"], best[n]) for n in peers}
        rows = [(w.title, *(ratio(versus[n].get(w.name)) for n in peers)) for w in config.workloads]
        rows.append(("geometric mean", *(ratio(geometric_mean(versus[n].values())) for n in peers)))
        section.add_table(("tmplmon's time / of", *peers), rows)
    section.notes.append("a geometric mean is over the pages that both engines can express")


def _targets(config: Run, best: dict[str, dict[str, float]]) -> list[Target]:
    def versus(peer: str) -> dict[str, float]:
        return ratios(best.get("tmplmon", {}), best.get(peer, {}))

    reference = versus(REFERENCE)
    over = f"{len(config.workloads)} pages" if len(config.workloads) > 1 else config.workloads[0].name
    targets = [
        Target(f"rendering / Jinja2, geometric mean of {over}", 0.25, geometric_mean(reference.values())),
        Target("rendering / minijinja, geometric mean", 0.7, geometric_mean(versus("minijinja").values())),
        Target(
            "rendering / hand-written, geometric mean", 1.5, geometric_mean(versus("handwritten").values())
        ),
        Target("rendering / Jinja2, worst page", 0.6, max(reference.values(), default=None)),
    ]
    targets += [
        Target(f"{name} in a loop / Jinja2", 0.3, reference.get(name)) for name in ("include", "macro")
    ]
    return targets
