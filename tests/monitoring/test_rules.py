"""The example of the documentation with real tools: a line tool, coverage.py and pdb."""

from __future__ import annotations

import bdb
import io
import itertools
import json
import os
import pdb
import re
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pytest

from tmplmon.monitoring import LocationTable

HERE = Path(__file__).resolve()
ROOT = HERE.parents[2]
EXAMPLE = ROOT / "docs" / "monitoring" / "rules.py"

MAIN = """\
total = price * quantity
if total > 100
    include extra.rules
    discount = 10
else
    discount = 0
end
while discount > limit
    discount = lower(discount)
end
"""
EXTRA = "extra = 1\nextra = extra + 1\n"
VALUES = {"price": 30, "quantity": 4, "limit": 8, "lower": lambda value: value - 1}
LINES = [
    *[("main.rules", line) for line in (1, 2, 3)],
    *[("extra.rules", line) for line in (1, 2)],
    *[("main.rules", line) for line in (4, 8, 9, 8, 9, 8)],
]


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(EXAMPLE.parent))
    import rules

    return rules


@pytest.fixture
def main(tmp_path: Path) -> Path:
    (tmp_path / "main.rules").write_text(MAIN)
    (tmp_path / "extra.rules").write_text(EXTRA)
    return tmp_path / "main.rules"


def test_the_language(rules: ModuleType, main: Path) -> None:
    program = rules.load(main)
    expected = {**VALUES, "total": 120, "discount": 8, "extra": 2}
    assert rules.run(program, dict(VALUES)) == expected
    assert rules.run(program, {**VALUES, "price": 1})["discount"] == 0


def test_the_documented_length() -> None:
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) <= 150


def record_lines(run: Callable[[], object]) -> list[tuple[str, int]]:
    """A tool that records all lines of all rules files."""
    monitoring = sys.monitoring
    seen: list[tuple[str, int]] = []

    def line(code: CodeType, number: int) -> None:
        if code.co_filename.endswith(".rules"):
            seen.append((Path(code.co_filename).name, number))

    monitoring.use_tool_id(4, "lines")
    try:
        monitoring.register_callback(4, monitoring.events.LINE, line)
        monitoring.set_events(4, monitoring.events.LINE)
        run()
    finally:
        monitoring.set_events(4, 0)
        monitoring.free_tool_id(4)
    return seen


def test_a_line_tool(rules: ModuleType, main: Path) -> None:
    program = rules.load(main)
    assert record_lines(lambda: rules.run(program, dict(VALUES))) == LINES


def test_locations(rules: ModuleType, main: Path) -> None:
    scope, _ = rules.load(main)
    table: LocationTable = scope.locations
    assert table.files == (str(main), str(main.parent / "extra.rules"))
    assert [location.chain[0].line for _, location in table if location.chain] == [3] * 5
    assert table.lines_of(str(main)) == (1, 2, 3, 4, 6, 8, 9)


def coverage_of(main: Path, *, branch: bool, prelude: str = "") -> dict[str, Any]:
    """Run the example under coverage.py's sysmon core in another process."""
    pytest.importorskip("coverage")
    script = main.parent / "script.py"
    script.write_text(
        f"import sys; sys.path[:0] = [{str(EXAMPLE.parent)!r}, {str(ROOT)!r}]\n"
        "import coverage, json, rules\n"
        f"cov = coverage.Coverage(data_file=None, branch={branch}, include=['*.rules'], config_file=False)\n"
        "cov.start()\n"
        f"rules.run(rules.load({str(main)!r}), dict(price=30, quantity=4, limit=8, lower=lambda v: v - 1))\n"
        "cov.stop()\n"
        "data = cov.get_data()\n"
        "core = cov._collector.tracer_name()\n"
        "rows = {f: [sorted(data.lines(f)), sorted(data.arcs(f) or ())] for f in data.measured_files()}\n"
        "print(json.dumps([core, rows]))\n"
    )
    environment = {**os.environ, "COVERAGE_CORE": "sysmon"}
    environment.pop("COVERAGE_PROCESS_START", None)
    done = subprocess.run(
        [sys.executable, str(script)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    core, rows = json.loads(done.stdout.splitlines()[-1])
    assert core == "SysMonitor"
    return {Path(file).name: row for file, row in rows.items()}


def test_coverage_lines(main: Path) -> None:
    rows = coverage_of(main, branch=False)
    assert {name: lines for name, (lines, _) in rows.items()} == {
        "main.rules": [1, 2, 3, 4, 8, 9],
        "extra.rules": [1, 2],
    }


@pytest.mark.skipif(
    sys.version_info < (3, 14), reason="coverage.py measures branches with sysmon from 3.14 on"
)
def test_coverage_branches(main: Path) -> None:
    """The arcs of the branches that were taken. Lines are arcs to themselves; entry and exit are negative."""
    lines, arcs = coverage_of(main, branch=True)["main.rules"]
    assert lines == [1, 2, 3, 4, 8, 9]
    branches = {tuple(arc) for arc in arcs if arc[0] in (2, 8) and arc[0] != arc[1]}
    assert branches == {(2, 3), (8, 9), (8, -1)}


def test_coverage_reports(main: Path) -> None:
    """The commands of docs/monitoring/rules.md. With the plugin, reports contain rules files."""
    pytest.importorskip("coverage")
    main.write_text(
        "total = price * quantity\nif total > 100\n    include extra.rules\nelse\n    total = 0\nend\n"
    )
    (main.parent / ".coveragerc").write_text("[run]\nplugins = rules_coverage\n")
    path = os.pathsep.join([str(EXAMPLE.parent), str(ROOT)])
    environment = {**os.environ, "COVERAGE_CORE": "sysmon", "PYTHONPATH": path}
    environment.pop("COVERAGE_PROCESS_START", None)
    branch = ["--branch"] if sys.version_info >= (3, 14) else []
    for command in (
        ["run", *branch, "--include=*.rules", str(EXAMPLE), "main.rules", "price=30", "quantity=4"],
        ["json", "-q", "-o", "report.json"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "coverage", *command],
            cwd=main.parent,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
    report = json.loads((main.parent / "report.json").read_text())["files"]
    assert {name: file["missing_lines"] for name, file in report.items()} == {
        "main.rules": [5],
        "extra.rules": [],
    }
    assert report["main.rules"]["executed_lines"] == [1, 2, 3]
    if branch:
        assert report["main.rules"]["executed_branches"] == [[2, 3]]
        assert report["main.rules"]["missing_branches"] == [[2, 5]]


type Stop = tuple[str, int]

BACKENDS = [
    "settrace",
    pytest.param(
        "monitoring",
        marks=pytest.mark.skipif(sys.version_info < (3, 14), reason="pdb has one backend before 3.14"),
    ),
]
each_backend = pytest.mark.parametrize("backend", BACKENDS)


def lowered(value: int) -> int:
    return value - 1


HOST = Path(lowered.__code__.co_filename).name
IN_HOST = lowered.__code__.co_firstlineno


def debug(
    rules: ModuleType, main: Path, backend: str, line: int, commands: list[str]
) -> tuple[str, list[Stop], dict[str, Any]]:
    """Run the example in pdb up to a breakpoint, then the commands. Returns pdb's output, the lines on which it
    stopped (without repetitions), and the variables at the end."""
    bdb.Breakpoint.clearBreakpoints()  # the numbers of breakpoints are global
    arguments: dict[str, Any] = {} if backend == "settrace" else {"backend": backend}
    out = io.StringIO()
    stdin = io.StringIO("\n".join(["continue", *commands, "clear 1", "continue", ""]))
    debugger = pdb.Pdb(stdin=stdin, stdout=out, nosigint=True, skip=["tmplmon.*", "rules"], **arguments)
    debugger.use_rawinput = False
    assert debugger.set_break(str(main), line) is None
    result = debugger.runcall(rules.run, rules.load(main), {**VALUES, "lower": lowered})
    shown = out.getvalue().partition("(Pdb) ")[2]  # without the stop at the first call
    frames = [
        (Path(file).name, int(line))
        for file, line in re.findall(r"(?m)^(?:\(Pdb\) )*> (\S+)\((\d+)\)", shown)
    ]
    return shown, [stop for stop, _ in itertools.groupby(frames)], result


@each_backend
def test_pdb(rules: ModuleType, main: Path, backend: str) -> None:
    """A breakpoint by file and line, ``next``, the value of a variable, and an assignment that takes effect."""
    commands = ["p total", "next", "next", "next", "p discount", "limit = 3", "where"]
    shown, stops, result = debug(rules, main, backend, 3, commands)
    assert stops[:4] == [("main.rules", line) for line in (3, 4, 8, 9)]
    assert "-> include extra.rules" in shown
    assert "(Pdb) 120" in shown
    assert "(Pdb) 10" in shown
    assert result["discount"] == 3, "the debugger changed the limit"


@each_backend
def test_pdb_steps_through_rules_includes_and_functions(rules: ModuleType, main: Path, backend: str) -> None:
    _, stops, _ = debug(rules, main, backend, 1, ["step"] * 18)
    expected = [*LINES[:8], (HOST, IN_HOST), (HOST, IN_HOST + 1), ("main.rules", 8)]
    assert stops[: len(expected)] == expected


@each_backend
def test_pdb_in_a_function_that_a_rule_calls(rules: ModuleType, main: Path, backend: str) -> None:
    """``up`` selects the rule with its variables, and ``return`` continues to the rule."""
    commands = [
        "step",
        "step",
        "up",
        "p discount, sorted(k for k in locals() if k[0] != '_')",
        "down",
        "return",
        "next",
    ]
    shown, stops, _ = debug(rules, main, backend, 9, commands)
    rule, host = ("main.rules", 9), [(HOST, IN_HOST), (HOST, IN_HOST + 1)]
    assert stops[:2] == [rule, host[0]]
    assert rule in stops[2:4]
    assert ("main.rules", 8) in stops
    assert "(Pdb) (10, ['discount', 'extra', 'limit', 'lower', 'price', 'quantity', 'total'])" in shown


@each_backend
def test_pdb_until(rules: ModuleType, main: Path, backend: str) -> None:
    _, stops, _ = debug(rules, main, backend, 1, ["until 8"])
    assert stops[:2] == [("main.rules", 1), ("main.rules", 8)]


@each_backend
def test_pdb_post_mortem(rules: ModuleType, main: Path, backend: str) -> None:
    """The rule is among the frames, with its line and variables."""

    def broken(value: int) -> int:
        raise ArithmeticError("no lower")

    program = rules.load(main)
    caught: list[BaseException] = []

    def run() -> None:
        try:
            rules.run(program, {**VALUES, "lower": broken})
        except ArithmeticError as error:
            caught.append(error)

    record_lines(run)
    out = io.StringIO()
    debugger = pdb.Pdb(stdin=io.StringIO("up\np discount\nquit\n"), stdout=out, nosigint=True)
    debugger.use_rawinput = False
    debugger.reset()
    debugger.interaction(None, caught[0] if sys.version_info >= (3, 13) else caught[0].__traceback__)
    assert f"> {main}(9)main()" in out.getvalue()
    assert "(Pdb) 10" in out.getvalue()


def test_a_traceback(rules: ModuleType, main: Path) -> None:
    """With an active tool, the traceback of an error in a host function has the rule that called it."""
    program = rules.load(main)

    def broken(value: int) -> int:
        raise ArithmeticError("no lower")

    caught: list[BaseException] = []

    def run() -> None:
        try:
            rules.run(program, {**VALUES, "lower": broken})
        except ArithmeticError as error:
            caught.append(error)

    record_lines(run)
    shown = "".join(traceback.format_exception(caught[0]))
    assert f'File "{main}", line 9, in main\n    discount = lower(discount)\n' in shown
