"""Peak memory: what rendering 20 MB adds to a process, and how big one gets that streams 100 MB.

Each figure comes from a process of its own (``python -m benchmarks.memory ENGINE MODE``), which prints it.
Streaming is judged by the whole process, interpreter and all: at most 50 MB while 100 MB pass through, from
rows that are made one at a time.

The peak is VmHWM of /proc/self/status where there is one. ``ru_maxrss`` would be wrong there: on Linux a
process inherits the peak of the one that started it through fork and exec. tracemalloc is not used: it slows
an engine down several times over and does not see what a Rust extension allocates.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.engines import CannotExpress, Unavailable, load
from benchmarks.report import Section, Target
from benchmarks.sections import Run
from benchmarks.timing import CHECKOUT
from benchmarks.workloads import WORKLOADS, Context

STREAM_BYTES = 100_000_000
_RENDER_ROWS = 100_000
_LIMIT_MB = 50
MODES = ("render", "generate", "stream", "buffered stream")


def _status(field: str) -> int | None:
    """A field of /proc/self/status, in bytes."""
    path = Path("/proc/self/status")
    if not path.exists():
        return None
    lines = dict(line.split(":", 1) for line in path.read_text().splitlines())
    return int(lines[field].split()[0]) * 1024


def peak() -> int:
    """The largest resident size this process has had so far, in bytes."""
    here = _status("VmHWM")
    if here is not None:
        return here
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


def _endless_rows(total: int) -> Iterator[Context]:
    """As many rows of the `large` workload as make `total` bytes of output (each makes about 200)."""
    row = WORKLOADS["large"].context(2)["rows"][1]
    for _ in range(total // (len(row["text"]) + 50)):
        yield dict(row)


def measure(name: str, mode: str) -> dict[str, int]:
    """In this process: render or stream. Returns, in bytes, the output's size, the peak, and its growth."""
    engine, workload = load(name), WORKLOADS["large"]
    if mode == "render":
        engine.setup(workload, workload.context(10))()
        context = workload.context(_RENDER_ROWS)
        before = _status("VmRSS") or peak()
        size = len(engine.setup(workload, context)())
    else:
        before = _status("VmRSS") or peak()
        size = 0
        rows = _endless_rows(int(STREAM_BYTES * 1.1))
        pieces = engine.stream(engine.file(workload), {"rows": rows}, mode.rpartition(" ")[2])
        if mode.startswith("buffered"):
            pieces.enable_buffering(100)  # type: ignore[attr-defined]
        for piece in pieces:
            size += len(piece)
    return {"output": size, "peak": peak(), "growth": peak() - before}


def _child(name: str, mode: str) -> dict[str, int]:
    command = [sys.executable, "-m", "benchmarks.memory", name, mode]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
    if done.returncode == 3:
        raise CannotExpress(done.stdout.strip())
    if done.returncode:
        raise RuntimeError(done.stderr.strip().rpartition("\n")[2])
    result: dict[str, int] = json.loads(done.stdout)
    return result


def run(config: Run) -> Section:
    section = Section("Peak memory")
    results: dict[str, dict[str, dict[str, int]]] = {}
    unable: dict[str, list[str]] = {}  # reason -> engines
    for name in config.engines:
        results[name] = {}
        for mode in MODES:
            try:
                results[name][mode] = _child(name, mode)
            except CannotExpress as reason:
                names = unable.setdefault(str(reason), [])
                if name not in names:
                    names.append(name)
            except RuntimeError as error:
                section.failures.append(f"{name}, {mode}: {error}")
    section.notes += [f"{reason}: {', '.join(names)}" for reason, names in unable.items()]
    section.data = results
    rows = []
    for name, modes in results.items():
        rendered = modes.get("render")
        row = [name, "-", "-"]
        if rendered:
            row[1:] = [
                f"{rendered['growth'] / 1e6:.0f} MB",
                f"{rendered['growth'] / rendered['output']:.1f}",
            ]
        row += [f"{modes[m]['peak'] / 1e6:.0f} MB" if m in modes else "-" for m in MODES[1:]]
        rows.append(row)
    streamed = f"{STREAM_BYTES / 1e6:.0f} MB by "
    headers = ("", "render() adds", "/ output", *(streamed + m for m in MODES[1:]))
    section.add_table(headers, rows)
    section.notes.append("streaming: the peak of the whole process, interpreter included")
    mine = results.get("tmplmon", {})
    for mode in MODES[1:]:
        if mode in mine and mine[mode]["output"] < STREAM_BYTES:
            section.failures.append(f"tmplmon, {mode}: only {mine[mode]['output']} characters came")
        value = mine[mode]["peak"] / 1e6 if mode in mine else None
        section.targets.append(Target(f"peak while 100 MB pass through {mode}", _LIMIT_MB, value, " MB"))
    return section


if __name__ == "__main__":
    try:
        print(json.dumps(measure(sys.argv[1], sys.argv[2])))
    except (CannotExpress, Unavailable) as reason:
        print(reason)
        sys.exit(3)
