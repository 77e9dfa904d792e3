"""Compile time: from source text to a template that can be rendered.

Small is one table row, medium is the page of objects (19 lines in Jinja), large is that page 20 times. Every call
gets a new source (it ends with a comment that contains a serial number), so that caches have no effect. The
last row adds a first rendering with one row of data, because an engine may defer part of the work until then.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from benchmarks.engines import REFERENCE, CannotExpress, Engine
from benchmarks.report import Section, Target, duration, ratio, ratios
from benchmarks.sections import Run
from benchmarks.timing import interleave
from benchmarks.workloads import WORKLOADS, Context

_LARGE = 20
_serial = count()


def compiler(engine: Engine, source: str, context: Context | None) -> Callable[[], object]:
    """Return a function that compiles `source` again on each call, and renders it once if there is a `context`."""

    def compile_only() -> object:
        return engine.compile(f"{source}<!-- {next(_serial)} -->")

    def compile_and_render() -> object:
        return engine.compile(f"{source}<!-- {next(_serial)} -->")(context or {})

    call = compile_only if context is None else compile_and_render
    call()  # raises now if the engine cannot compile it
    return call


def medium_source(engine: Engine) -> str:
    return engine.sources()[engine.file(WORKLOADS["objects"])]


def run(config: Run) -> Section:
    section = Section("Compiling: source to ready template")
    one_person = WORKLOADS["objects"].context(1)
    cases: list[tuple[str, Callable[[Engine], str], Context | None]] = [
        ("small, 1 line", lambda engine: engine.sources()["include_row.html"], None),
        ("medium, 19 lines", medium_source, None),
        (f"large, {_LARGE * 19} lines", lambda engine: medium_source(engine) * _LARGE, None),
        ("medium and its first rendering", medium_source, one_person),
    ]
    names = list(config.engines)
    best: dict[str, dict[str, float]] = {name: {} for name in names}
    for title, source, context in cases:
        calls = {}
        for name, engine in config.engines.items():
            try:
                calls[name] = compiler(engine, source(engine) if engine.sources() else "", context)
            except CannotExpress as reason:
                section.notes.append(f"{name}: {reason}")
            except Exception as error:
                section.failures.append(f"{name}, {title}: {type(error).__name__}: {error}")
        timings = interleave(
            calls, rounds=config.rounds, slice_seconds=config.slice_seconds, collect=config.collect
        )
        section.data[title] = {name: timing.rounds for name, timing in timings.items()}
        for name, timing in timings.items():
            best[name][title] = timing.best

    shown = [name for name in names if best[name]]
    titles = [title for title, _, _ in cases]
    section.add_table(
        ("time", *shown),
        [(t, *(duration(best[n][t]) if t in best[n] else "-" for n in shown)) for t in titles],
    )
    reference = best.get(REFERENCE, {})
    compared = {n: ratios(best[n], reference) for n in shown}
    if reference:
        section.add_table(
            (f"time / {REFERENCE}'s", *shown),
            [(t, *(ratio(compared[n].get(t)) for n in shown)) for t in titles],
        )
    mine = compared.get("tmplmon", {})
    section.targets = [Target(f"compiling / Jinja2, {t}", 1.0, mine.get(t)) for t in titles]
    return section
