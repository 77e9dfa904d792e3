"""The cost of signalling: entering a scope, the check of a byte, firing, and firing after DISABLE.

    python -m benchmarks.monitoring                           # a table for the running Python
    python -m benchmarks.monitoring --json 313.json           # write the figures, to compare versions:
    python -m benchmarks.monitoring --table 313.json 314.json # several files of one Python: the lower figures

A figure is in nanoseconds per operation: the minimum of 900 rounds, minus the cost of an empty loop. The figures of
this package are compared with those of the C API, if ``_testcapi`` is installed (its functions parse their
arguments and are called from Python, as are the ones here), and with those of the VM, which fires the events
of Python code.
"""

from __future__ import annotations

import argparse
import ast
import decimal
import inspect
import json
import pickle
import sys
import timeit
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType
from typing import Any

from benchmarks.report import Section, table
from benchmarks.sections import Run
from tmplmon.monitoring import Activation, LocationTableBuilder, ScopeBuilder, StateArray, events, fire
from tmplmon.monitoring.linetable import iter_runs

try:
    import _testcapi
except ImportError:
    _testcapi = None

TOOL = 3
# Rounds of one or two milliseconds: short enough that some of them are not interrupted on a busy machine.
ROUNDS = 300
OPERATIONS = 1000
monitoring = sys.monitoring

# The operations. Each has up to three figures, one per column.
ROWS = (
    "enter, no tool exists",
    "the same, states only",
    "enter, a tool listens elsewhere",
    "enter and leave, a tool listens",
    "check of one byte",
    "call of line(), nobody listens",
    "fire LINE, with the scope's frame",
    "fire LINE, without a frame",
    "fire PY_YIELD, without a frame",
    "fire RAISE, without a frame",
    "fire LINE after DISABLE",
    "a whole run with three LINE events",
)
COLUMNS = ("package", "C API", "VM")

type Figures = dict[str, dict[str, float]]
"""Row → column → nanoseconds."""


def nanoseconds(statement: str, names: Mapping[str, Any]) -> float:
    """Return the cost of one execution of ``statement``, without the loop around it."""
    empty = min(timeit.repeat("pass", number=OPERATIONS, repeat=ROUNDS))
    best = min(timeit.repeat(statement, globals=dict(names), number=OPERATIONS, repeat=ROUNDS))
    return max(0.0, best - empty) / OPERATIONS * 1e9


def quiet(code: CodeType, *arguments: object) -> None:
    """A callback that does not return DISABLE."""


def disabling(code: CodeType, *arguments: object) -> object:
    return monitoring.DISABLE


def native() -> None:
    pass
    pass


def native_run() -> None:
    pass
    pass
    pass


def measure(times: int = 3) -> Figures:
    """Return the minimum of several measurements, because a disturbance may last as long as one of them."""
    figures = measure_once()
    for _ in range(times - 1):
        keep_lower(figures, measure_once())
    return figures


def keep_lower(figures: Figures, others: Figures) -> None:
    for row, columns in others.items():
        for column, value in columns.items():
            figures[row][column] = min(value, figures[row].get(column, value))


def measure_once() -> Figures:
    """Measure once. Local events are used where possible, so that the timing loop itself fires no events."""
    figures: Figures = {row: {} for row in ROWS}
    builder = ScopeBuilder("/srv/page", "page")
    sites = [builder.line(number, number, 0, 10) for number in range(1, 21)]
    scope = builder.build()
    measure_idle(figures, scope, sites[0])
    monitoring.use_tool_id(TOOL, "benchmark")
    try:
        measure_package(figures, scope, sites[0])
        measure_vm(figures)
        if _testcapi is not None and hasattr(_testcapi, "fire_event_py_yield"):
            measure_c(figures)
    finally:
        monitoring.set_events(TOOL, 0)
        monitoring.free_tool_id(TOOL)
    return figures


def measure_idle(figures: Figures, scope: Any, site: int) -> None:
    names = {"scope": scope, "data": scope.data, "check": scope.check(site), "site": site}
    put(figures, "enter, no tool exists", "package", nanoseconds("scope.enter()", names))
    put(figures, "the same, states only", "package", nanoseconds("scope.states.enter()", names))
    put(figures, "check of one byte", "package", nanoseconds("if data[check]: pass", names))
    names["activation"] = activation_of(scope)
    idle = nanoseconds("activation.line(site)", names)
    put(figures, "call of line(), nobody listens", "package", idle)


def measure_package(figures: Figures, scope: Any, site: int) -> None:
    states = StateArray([events.LINE, events.PY_YIELD, events.RAISE])
    names = {"scope": scope, "site": site, "states": states, "code": scope.code, "error": ValueError()}
    names |= {name: getattr(fire, name) for name in ("fire_line", "fire_py_yield", "fire_raise")}
    put(figures, "enter, a tool listens elsewhere", "package", nanoseconds("scope.enter()", names))
    for event in (events.LINE, events.PY_YIELD, events.RAISE):
        monitoring.register_callback(TOOL, event.mask, quiet)
    monitoring.set_local_events(TOOL, scope.code, events.LINE.mask)
    active = nanoseconds("with scope.enter(): pass", names)
    put(figures, "enter and leave, a tool listens", "package", active)
    run = "with scope.enter() as run: run.line(0); run.line(1); run.line(2)"
    put(figures, "a whole run with three LINE events", "package", nanoseconds(run, names))
    names["activation"] = activation_of(scope)
    with_frame = nanoseconds("activation.line(site)", names)
    put(figures, "fire LINE, with the scope's frame", "package", with_frame)
    for index in range(3):
        states.set_active(index, 1 << TOOL)
    for name, call in (
        ("LINE", "fire_line(states, 0, code, 6, 1)"),
        ("PY_YIELD", "fire_py_yield(states, 1, code, 6, 1)"),
        ("RAISE", "fire_raise(states, 2, code, 6, error)"),
    ):
        put(figures, f"fire {name}, without a frame", "package", nanoseconds(call, names))
    monitoring.register_callback(TOOL, events.LINE.mask, disabling)
    names["activation"].line(site)
    disabled = nanoseconds("activation.line(site)", names)
    put(figures, "fire LINE after DISABLE", "package", disabled)
    monitoring.set_local_events(TOOL, scope.code, 0)


def activation_of(scope: Any) -> Any:
    """Return an activation that has started, whether or not a tool listens."""
    scope.states.enter()
    activation = Activation(scope, {})
    activation.py_start()
    return activation


def measure_vm(figures: Figures) -> None:
    """A Python function of two lines, minus the same function without events: the VM's LINE event."""
    names = {"function": native}
    plain = nanoseconds("function()", names)
    lines = len({line for _, _, line in native.__code__.co_lines() if line}) - 1
    for row, callback in (
        ("fire LINE, with the scope's frame", quiet),
        ("fire LINE after DISABLE", disabling),
    ):
        monitoring.register_callback(TOOL, events.LINE.mask, callback)
        monitoring.set_local_events(TOOL, native.__code__, events.LINE.mask)
        put(figures, row, "VM", max(0.0, nanoseconds("function()", names) - plain) / lines)
        monitoring.set_local_events(TOOL, native.__code__, 0)
    monitoring.register_callback(TOOL, events.LINE.mask, quiet)
    monitoring.set_local_events(TOOL, native_run.__code__, events.LINE.mask)
    whole = nanoseconds("function()", {"function": native_run})
    put(figures, "a whole run with three LINE events", "VM", whole)
    monitoring.set_local_events(TOOL, native_run.__code__, 0)


def measure_c(figures: Figures) -> None:
    """The C API only has global events. PY_YIELD replaces LINE, because the timing loop does not yield."""
    assert _testcapi is not None
    codelike = _testcapi.CodeLike(1)
    names = {"c": _testcapi, "codelike": codelike, "event": events.PY_YIELD.id}
    enter, fire_one = "c.monitoring_enter_scope(codelike, event)", "c.fire_event_py_yield(codelike, 0, 1)"
    monitoring.free_tool_id(TOOL)
    put(figures, "enter, no tool exists", "C API", nanoseconds(enter, names))
    monitoring.use_tool_id(TOOL, "benchmark")
    put(figures, "enter, a tool listens elsewhere", "C API", nanoseconds(enter, names))
    monitoring.register_callback(TOOL, events.PY_YIELD.mask, quiet)
    monitoring.set_events(TOOL, events.PY_YIELD.mask)
    both = f"{enter}; c.monitoring_exit_scope()"
    put(figures, "enter and leave, a tool listens", "C API", nanoseconds(both, names))
    put(figures, "fire PY_YIELD, without a frame", "C API", nanoseconds(fire_one, names))
    monitoring.register_callback(TOOL, events.PY_YIELD.mask, disabling)
    _testcapi.fire_event_py_yield(codelike, 0, 1)
    put(figures, "fire LINE after DISABLE", "C API", nanoseconds(fire_one, names))
    monitoring.set_events(TOOL, 0)


def put(figures: Figures, row: str, column: str, value: float) -> None:
    figures[row][column] = value


# -- sizes ---------------------------------------------------------------------------------------------------


def nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from nested(constant)


def sizes() -> dict[str, float]:
    """Return the bytes per entry of location tables for Python code, and of its ``co_linetable``.

    The code is that of the modules ``ast``, ``inspect`` and ``_pydecimal``. An entry is a run of code units
    with the same position.
    """
    ours = pickled = theirs = entries = 0
    for file in (ast.__file__, inspect.__file__, str(Path(decimal.__file__).with_name("_pydecimal.py"))):
        for code in nested(compile(Path(file).read_bytes(), file, "exec")):
            builder = LocationTableBuilder(file)
            offset, last = 0, None
            for units, position in iter_runs(code.co_linetable, code.co_firstlineno):
                line, *rest = position
                if line is not None and line > 0 and position != last:
                    builder.add(offset, line, *rest)
                    last = position
                offset += 2 * units
            locations = builder.build()
            entries += len(locations)
            ours += locations.nbytes
            pickled += len(pickle.dumps(locations))
            theirs += len(code.co_linetable)
    return {
        "LocationTable": ours / entries,
        "LocationTable, pickled": pickled / entries,
        "co_linetable": theirs / entries,
    }


# -- output --------------------------------------------------------------------------------------------------


def run(config: Run) -> Section:
    """The section of ``python -m benchmarks``."""
    section = Section("Monitoring: nanoseconds per operation")
    figures, numbers = measure(1 if config.quick else 3), sizes()
    section.data.update(ns=figures, bytes=numbers)
    section.add_table(("", *COLUMNS), rows_of([figures]))
    section.add_table(("bytes per entry", ""), [(name, f"{value:.1f}") for name, value in numbers.items()])
    if _testcapi is None:
        section.notes.append("the C API was not measured: this Python has no _testcapi")
    return section


def rows_of(measured: list[Figures]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each operation, with the columns of each Python version."""
    for row in ROWS:
        values = [figures[row].get(column) for figures in measured for column in COLUMNS]
        yield row, *("" if value is None else f"{value:.0f}" for value in values)


def main() -> None:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.monitoring", description="Costs of tmplmon.monitoring"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    parser.add_argument(
        "--table", type=Path, nargs="+", metavar="FILE", help="compare the figures of these files"
    )
    options = parser.parse_args()
    if options.table:
        best: dict[str, Any] = {}
        for record in (json.loads(path.read_text("utf-8")) for path in options.table):
            keep_lower(best.setdefault(record["python"], record)["ns"], record["ns"])
        records = list(best.values())
    else:
        records = [{"python": sys.version.split()[0], "ns": measure(), "bytes": sizes()}]
    if options.json:
        options.json.write_text(json.dumps(records[0], indent=1) + "\n", "utf-8")
        return
    heads = [f"{record['python']}: {column}" for record in records for column in COLUMNS]
    print(*table(("ns", *heads), rows_of([record["ns"] for record in records])), sep="\n")
    names = records[0]["bytes"]
    rows = [(name, *(f"{record['bytes'][name]:.1f}" for record in records)) for name in names]
    print("", *table(("bytes per entry", *(record["python"] for record in records)), rows), sep="\n")


if __name__ == "__main__":
    main()
