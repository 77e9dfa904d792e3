"""What signalling costs: entering a scope, the check of a byte, firing, and firing after DISABLE.

    python benchmarks/monitoring.py

prints nanoseconds per operation, the best of several rounds, less the cost of an empty loop. Beside it the
same operation of the C API where ``_testcapi`` is installed (its functions parse their arguments, and it has
a Python call around each, as here), and of the VM, which fires the events of Python code. ``--json`` prints a
JSON object instead.
"""

from __future__ import annotations

import argparse
import json
import pickle
import sys
import timeit
from types import CodeType
from typing import Any

from tmplmon.monitoring import Activation, ScopeBuilder, events, fire
from tmplmon.monitoring.linetable import encode_linetable
from tmplmon.monitoring.states import StateArray

try:
    import _testcapi
except ImportError:
    _testcapi = None

TOOL = 3
ROUNDS = 7
monitoring = sys.monitoring


def nanoseconds(statement: str, names: dict[str, Any], number: int = 100_000) -> float:
    """The cost of one execution of ``statement``, without that of the loop around it."""
    empty = min(timeit.repeat("pass", number=number, repeat=ROUNDS))
    best = min(timeit.repeat(statement, globals=names, number=number, repeat=ROUNDS))
    return (best - empty) / number * 1e9


def quiet(code: CodeType, line: int) -> None:
    """A callback that stays."""


def disabling(code: CodeType, line: int) -> object:
    return monitoring.DISABLE


def make_scope() -> tuple[Any, int]:
    builder = ScopeBuilder("/srv/page", "page")
    lines = [builder.line(number, number, 0, 10) for number in range(1, 21)]
    return builder.build(), lines[0]


def measure() -> dict[str, float]:
    """Return the figures by name. Local events are used where possible, so that the loop itself fires
    nothing."""
    scope, line = make_scope()
    states = StateArray([events.LINE])
    names: dict[str, Any] = {
        "scope": scope,
        "states": states,
        "data": scope.data,
        "check": scope.check(line),
        "line": line,
        "code": scope.code,
        "fire_line": fire.fire_line,
        "function": native,
        "empty": (lambda: None),
    }
    figures: dict[str, float] = {}
    figures["enter, no tool"] = nanoseconds("scope.enter()", names)
    figures["enter, no tool, states only"] = nanoseconds("states.enter()", names)
    figures["check of one byte"] = nanoseconds("if data[check]: pass", names)
    names["activation"] = activation_of(scope)
    figures["line() that nobody wants"] = nanoseconds("activation.line(line)", names)

    monitoring.use_tool_id(TOOL, "benchmark")
    try:
        figures["enter, a tool elsewhere"] = nanoseconds("scope.enter()", names)
        monitoring.register_callback(TOOL, events.LINE.mask, quiet)
        monitoring.set_local_events(TOOL, scope.code, events.LINE.mask)
        scope.states.enter()
        figures["enter, active (and its end)"] = nanoseconds("with scope.enter(): pass", names, 20_000)
        states.set_active(0, 1 << TOOL)
        figures["fire LINE, no frame"] = nanoseconds("fire_line(states, 0, code, 6, 1)", names)
        names["activation"] = activation_of(scope)
        figures["fire LINE, from the scope's frame"] = nanoseconds("activation.line(line)", names)
        monitoring.register_callback(TOOL, events.LINE.mask, disabling)
        names["activation"].line(line)
        figures["fire LINE after DISABLE"] = nanoseconds("activation.line(line)", names)
        states.set_active(0, 0)
        figures["fire LINE after DISABLE, no frame"] = nanoseconds("fire_line(states, 0, code, 6, 1)", names)
        monitoring.set_local_events(TOOL, scope.code, 0)
        measure_vm(figures, names)
        if _testcapi is not None and hasattr(_testcapi, "fire_event_line"):
            measure_c(figures)
    finally:
        monitoring.set_events(TOOL, 0)
        monitoring.free_tool_id(TOOL)
    return figures


def activation_of(scope: Any) -> Any:
    """An activation that has started, whether or not anybody listens."""
    activation = Activation(scope, {})
    activation.py_start()
    return activation


def native() -> None:
    pass
    pass


def measure_vm(figures: dict[str, float], names: dict[str, Any]) -> None:
    """Two lines of a Python function, less the function without events: a LINE event of the VM."""
    plain = nanoseconds("function()", names)
    monitoring.register_callback(TOOL, events.LINE.mask, quiet)
    monitoring.set_local_events(TOOL, native.__code__, events.LINE.mask)
    lines = len({line for _, _, line in native.__code__.co_lines() if line}) - 1
    figures["VM: LINE"] = (nanoseconds("function()", names) - plain) / lines
    monitoring.register_callback(TOOL, events.LINE.mask, disabling)
    figures["VM: LINE after DISABLE"] = max(0.0, (nanoseconds("function()", names) - plain) / lines)
    monitoring.set_local_events(TOOL, native.__code__, 0)


def measure_c(figures: dict[str, float]) -> None:
    """The C API through ``_testcapi``: a call of a C function that parses its arguments, and the callback.

    The C API has global events only, so PY_YIELD stands for them all: a timing loop fires none itself.
    """
    codelike = _testcapi.CodeLike(1)
    names: dict[str, Any] = {"c": _testcapi, "codelike": codelike, "event": events.PY_YIELD.id}
    enter = "c.monitoring_enter_scope(codelike, event)"
    figures["C: enter, no tool"] = nanoseconds(enter, names)
    monitoring.register_callback(TOOL, events.PY_YIELD.mask, lambda code, offset, value: None)
    monitoring.set_events(TOOL, events.PY_YIELD.mask)
    _testcapi.monitoring_enter_scope(codelike, events.PY_YIELD.id)
    statement = "c.fire_event_py_yield(codelike, 0, 1)"
    figures["C: fire PY_YIELD"] = nanoseconds(statement, names)
    monitoring.register_callback(TOOL, events.PY_YIELD.mask, lambda code, offset, value: monitoring.DISABLE)
    _testcapi.fire_event_py_yield(codelike, 0, 1)
    figures["C: fire PY_YIELD after DISABLE"] = nanoseconds(statement, names)
    monitoring.set_events(TOOL, 0)


def sizes() -> dict[str, float]:
    """Bytes per entry of a location table for a 400-line file, next to ``co_linetable`` for the same
    places."""
    builder = ScopeBuilder("/srv/page", "page")
    places = [(n, n, n * 7 % 60, n * 7 % 60 + 9) for n in range(1, 401)]
    for place in places:
        builder.line(*place)
    table = builder.build().locations
    return {
        "location table, bytes an entry": table.nbytes / len(table),
        "co_linetable, bytes an entry": len(encode_linetable(places, 1)) / len(places),
        "location table pickled, bytes an entry": len(pickle.dumps(table)) / len(table),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Costs of tmplmon.monitoring.")
    parser.add_argument("--json", action="store_true", help="print a JSON object")
    arguments = parser.parse_args()
    figures, numbers = measure(), sizes()
    if arguments.json:
        print(json.dumps({"python": sys.version.split()[0], "ns": figures, "bytes": numbers}))
        return
    print(f"Python {sys.version.split()[0]}, ns per operation")
    for name, value in figures.items():
        print(f"  {name:<38}{value:8.0f}")
    for name, value in numbers.items():
        print(f"  {name:<38}{value:8.1f}")


if __name__ == "__main__":
    main()
