"""Start-up: a new process that imports an engine, and one that loads and renders two pages with it.

Each program is timed as a whole process, in turn; the tables show medians. ``import`` is the time that the engine's
import adds to ``python -c pass``. Cold start is the import, loading and first rendering of two pages: 20 dicts, and
six levels of inheritance, seven templates in total; "net" excludes the interpreter. For the disk cache, an earlier
process has filled it (Jinja2: FileSystemBytecodeCache; Mako: module_directory; tmplmon: cache_dir). The data is in
the program as literals, so that nothing else is imported. Python's .pyc files exist in all cases.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.engines import REFERENCE, CannotExpress, Engine
from benchmarks.report import Section, Target, duration, ratio
from benchmarks.sections import Run
from benchmarks.timing import interleave_programs, run_program
from benchmarks.workloads import WORKLOADS, Context

_PAGES = (WORKLOADS["dicts"], 20), (WORKLOADS["inheritance"], 10)


def _pages(engine: Engine) -> list[tuple[str, Context]]:
    return [(engine.file(workload), workload.context(size)) for workload, size in _PAGES]


def run(config: Run) -> Section:
    section = Section(f"Starting a process (median of {config.process_rounds})")
    with TemporaryDirectory() as folder:
        programs = {"bare": "pass"}
        for name, engine in config.engines.items():
            programs[f"{name} import"] = engine.import_line
            templates = Path(folder, name, "templates")
            templates.mkdir(parents=True)
            for file, source in engine.sources().items():
                (templates / file).write_text(source, encoding="utf-8")
            for kind, cache in (("cold", None), ("cached", Path(folder, name, "cache"))):
                if cache is not None:
                    cache.mkdir()
                try:
                    program = engine.script(templates, cache, _pages(engine))
                    run_program(program)
                    if cache is not None and not any(cache.rglob("*.*")):
                        raise RuntimeError("nothing was written to the disk cache")
                    programs[f"{name} {kind}"] = program
                except CannotExpress as reason:
                    section.notes.append(f"{name}, {kind}: {reason}")
                except (RuntimeError, AttributeError) as error:
                    section.failures.append(f"{name}, {kind}: {error}")
        timings = interleave_programs(programs, config.process_rounds)

    section.data = {name: timing.rounds for name, timing in timings.items()}
    median = {name: timing.median for name, timing in timings.items()}
    bare = median["bare"]

    def against(key: str, kind: str) -> float | None:
        """Return the time of the process relative to the reference's; both include the interpreter's start."""
        mine, reference = median.get(key), median.get(f"{REFERENCE} {kind}")
        return mine / reference if mine is not None and reference is not None else None

    rows = []
    for name in config.engines:
        row = [name, duration(median[f"{name} import"] - bare)]
        for kind in ("cold", "cached"):
            key = f"{name} {kind}"
            known = key in median
            row += [
                duration(median[key]) if known else "-",
                duration(median[key] - bare) if known else "-",
                ratio(against(key, kind)),
            ]
        rows.append(row)
    headers = (
        "",
        "import",
        "cold start",
        "net",
        f"/ {REFERENCE}'s",
        "from disk cache",
        "net",
        f"/ {REFERENCE}'s",
    )
    section.lines += [f"Bare interpreter: {duration(bare)}.", ""]
    section.add_table(headers, rows)
    imported = median.get("tmplmon import")
    section.targets = [
        Target(
            "cold start from disk cache / Jinja2's from its own, whole process",
            0.6,
            against("tmplmon cached", "cached"),
        ),
        Target(
            "import, less the interpreter", 25, None if imported is None else (imported - bare) * 1e3, " ms"
        ),
    ]
    return section
