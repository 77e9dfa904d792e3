"""``python -m benchmarks``: runs the sections, prints their tables, then the targets; see docs/performance.md.

The exit status is 0 unless an engine failed, or its output differs from Jinja2's. A missed target is not a failure.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from benchmarks import (
    compiling,
    components,
    constructs,
    memory,
    monitoring,
    profiling,
    rendering,
    sandbox,
    scaling,
    starting,
)
from benchmarks.engines import NAMES, REFERENCE, Unavailable, load, load_all
from benchmarks.report import Section, target_lines
from benchmarks.sections import Run
from benchmarks.workloads import PAGES

SECTIONS: dict[str, Callable[[Run], Section]] = {
    "render": rendering.run,
    "components": components.run,
    "compile": compiling.run,
    "start": starting.run,
    "memory": memory.run,
    "scaling": scaling.run,
    "monitoring": monitoring.run,
    "profiling": profiling.run,
    "sandbox": sandbox.run,
    "constructs": constructs.run,
}


def _names(known: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    """An argparse type: a comma-separated selection from `known`, returned in the order of `known`."""

    def parse(text: str) -> tuple[str, ...]:
        selected = text.split(",")
        for name in selected:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is not one of {', '.join(known)}")
        return tuple(name for name in known if name in selected)

    return parse


def _arguments() -> argparse.Namespace:
    pages = tuple(w.name for w in PAGES)
    parser = argparse.ArgumentParser(
        "python -m benchmarks", description="Benchmarks of tmplmon and other template engines"
    )
    parser.add_argument("--quick", action="store_true", help="only rendering, with few rounds: under 40 s")
    parser.add_argument("--workload", type=_names(pages), default=pages, help=f"of {', '.join(pages)}")
    parser.add_argument("--engines", type=_names(NAMES), default=NAMES, help=f"of {', '.join(NAMES)}")
    parser.add_argument("--sections", type=_names(tuple(SECTIONS)), help=f"of {', '.join(SECTIONS)}")
    parser.add_argument("--gc", action="store_true", help="keep the garbage collector enabled while timing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all measurements to this file")
    return parser.parse_args()


def main() -> int:
    options = _arguments()
    started = perf_counter()
    engines, notes = load_all(options.engines)
    try:
        reference = engines.get(REFERENCE) or load(REFERENCE)
    except Unavailable as error:
        print(f"{error}; it is needed to check the outputs", file=sys.stderr)
        return 2
    config = Run(
        engines,
        reference,
        workloads=tuple(w for w in PAGES if w.name in options.workload),
        quick=options.quick,
        collect=options.gc,
    )
    versions = {name: engine.version() for name, engine in engines.items()}
    python = f"{platform.python_implementation()} {platform.python_version()}"
    print(f"# Benchmarks on {python}, {platform.system()} {platform.machine()}\n")
    print(", ".join(f"{name} {version}".strip() for name, version in versions.items()))
    for note in notes:
        print(f"* {note}")
    print(flush=True)

    chosen = options.sections or (("render",) if options.quick else tuple(SECTIONS))
    sections: dict[str, Section] = {}
    for name in chosen:
        sections[name] = SECTIONS[name](config)
        print(sections[name], flush=True)
    targets = [target for section in sections.values() for target in section.targets]
    if targets:
        print("## Targets\n", *target_lines(targets), sep="\n")
    print(f"\n{perf_counter() - started:.0f} s in total")

    failures = [failure for section in sections.values() for failure in section.failures]
    if options.json:
        record = {
            "python": python,
            "versions": versions,
            "skipped": notes,
            "sections": {name: section.data for name, section in sections.items()},
            "targets": [
                {"title": t.title, "limit": t.limit, "value": t.value, "met": t.met} for t in targets
            ],
            "failures": failures,
        }
        options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
