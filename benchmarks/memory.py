"""Peak memory: how much rendering 20 MB adds to a process, and the size of a process that streams 100 MB.

Each figure comes from a separate process (``python -m benchmarks.memory ENGINE MODE``), which prints it. For
streaming the size of the whole process counts, including the interpreter: at most 50 MB while it puts out 100 MB,
from rows that are created one at a time.

The peak is VmHWM of /proc/self/status if available. ``ru_maxrss`` would be wrong: on Linux a process inherits the
peak of its parent through fork and exec. tracemalloc is not used: it makes an engine several times slower, and does
not see allocations of a Rust extension.
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
    """Return a field of /proc/self/status, in bytes; None if the file does not exist."""
    path = Path("/proc/self/status")
    if not path.exists():
        return None
    lines = dict(line.split(":", 1) for line in path.read_text().splitlines())
    return int(lines[field].split()[0]) * 1024


def peak() -> int:
    """Return the peak resident size of this process, in bytes."""
    high_water_mark = _status("VmHWM")
    if high_water_mark is not None:
        return high_water_mark
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


def _endless_rows(total: int) -> Iterator[Context]:
    """Yield rows of the `large` workload for `total` bytes of output (about 200 bytes each)."""
    row = WORKLOADS["large"].context(2)["rows"][1]
    for _ in range(total // (len(row["text"]) + 50)):
        yield dict(row)


def measure(name: str, mode: str) -> dict[str, int]:
    """Render or stream in this process. Returns the size of the output, the peak, and its growth, in bytes."""
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
        chunks = engine.stream(engine.file(workload), {"rows": rows}, mode.rpartition(" ")[2])
        if mode.startswith("buffered"):
            chunks.enable_buffering(100)  # type: ignore[attr-defined]
        for chunk in chunks:
            size += len(chunk)
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
            section.failures.append(f"tmplmon, {mode}: only {mine[mode]['output']} characters of output")
        value = mine[mode]["peak"] / 1e6 if mode in mine else None
        section.targets.append(Target(f"peak while 100 MB pass through {mode}", _LIMIT_MB, value, " MB"))
    return section


if __name__ == "__main__":
    try:
        print(json.dumps(measure(sys.argv[1], sys.argv[2])))
    except (CannotExpress, Unavailable) as reason:
        print(reason)
        sys.exit(3)
