"""The third language, docs/monitoring/peg.py, under coverage.py, pdb and cProfile."""

from __future__ import annotations

import bdb
import cProfile
import importlib
import io
import pdb
import pstats
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[2] / "docs" / "monitoring" / "peg.py"
GRAMMAR = """\
date  # what is parsed
    year "-" month "-" day
    word
year
    /\\d{4}/
month
    include numbers.peg
day
    include numbers.peg
    "today"
word
    /[a-z]+/
"""
NUMBERS = """\

    /1[0-2]/
    /0[1-9]/
"""


@pytest.fixture
def peg(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(EXAMPLE.parent))
    return importlib.import_module("peg")


@pytest.fixture
def grammar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dates.peg").write_text(GRAMMAR)
    (tmp_path / "numbers.peg").write_text(NUMBERS)
    return tmp_path.resolve() / "dates.peg"


def test_its_size() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 120
    assert sum(line.endswith("# signal") for line in lines) <= 15


@pytest.mark.parametrize(
    ("text", "end"),
    [("2024-05-10", 10), ("2024-05-today", 13), ("2024-13-01", None), ("soon", 4), ("", None)],
)
def test_matching(text: str, end: int | None, peg: ModuleType, grammar: Path) -> None:
    assert peg.match(peg.load(grammar), "date", text) == end


@pytest.mark.parametrize("core", ("ctrace", "pytrace", *(["sysmon"] if sys.version_info >= (3, 14) else [])))
@pytest.mark.parametrize("branch", (False, True), ids=("lines", "branches"))
def test_coverage(
    branch: bool, core: str, peg: ModuleType, grammar: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("coverage")
    from test_coverage import measured, ways

    monkeypatch.setenv("COVERAGE_CORE", core)
    rules = peg.load(grammar)
    report = measured("peg_coverage", lambda: peg.match(rules, "date", "2024-05-today"), branch)
    dates, numbers = report["dates.peg"], report["numbers.peg"]
    assert (dates["executed_lines"], dates["missing_lines"]) == ([2, 5, 7, 9, 10], [3, 12])
    assert (numbers["executed_lines"], numbers["missing_lines"]) == ([2, 3], [])
    if branch:
        # An alternative leaves its rule if it matches; the last one leaves it in any case.
        assert (ways(dates, "executed"), ways(dates, "missing")) == ([(2, -2), (9, 10)], [(2, 3), (9, -9)])
        assert (ways(numbers, "executed"), ways(numbers, "missing")) == ([(2, 3)], [(2, -2)])


BACKENDS: list[dict[str, Any]] = [{}]
if sys.version_info >= (3, 14):
    BACKENDS = [{"backend": "settrace"}, {"backend": "monitoring"}]


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.get("backend", "settrace"))
def test_pdb(backend: dict[str, Any], peg: ModuleType, grammar: Path) -> None:
    """A breakpoint in an included file; the rule around it; steps from alternative to alternative and to a rule."""
    bdb.Breakpoint.clearBreakpoints()
    commands = ["continue", "p position", "step", "step", "up", "p text", "clear 1", "continue", ""]
    out = io.StringIO()
    debugger = pdb.Pdb(stdin=io.StringIO("\n".join(commands)), stdout=out, nosigint=True, **backend)
    debugger.use_rawinput = False
    assert debugger.set_break(str(grammar.parent / "numbers.peg"), 2) is None
    assert debugger.runcall(peg.match, peg.load(grammar), "date", "2024-05-10") == 10
    shown = out.getvalue().partition("(Pdb) ")[2]
    stops = [(Path(file).name, int(line)) for file, line in re.findall(r"> (\S+)\((\d+)\)", shown)]
    # Step: the next alternative of the included file, its end, and up, the rule that includes it.
    assert stops[0] == ("numbers.peg", 2)
    assert ("numbers.peg", 3) in stops
    assert "-> /1[0-2]/" in shown
    assert "(Pdb) 5\n" in shown
    assert "'2024-05-10'" in shown
    assert not {file for file, _ in stops} - {"numbers.peg", "dates.peg"}


def test_cprofile(peg: ModuleType, grammar: Path) -> None:
    rules = peg.load(grammar)
    profiler = cProfile.Profile()
    with profiler:
        peg.match(rules, "date", "2024-05-today")
    stats = pstats.Stats(profiler, stream=io.StringIO()).stats  # type: ignore[attr-defined]
    calls = {
        (Path(file).name, name): row[0] for (file, _, name), row in stats.items() if file.endswith(".peg")
    }
    assert calls == {
        **{("dates.peg", name): 1 for name in ("date", "year", "month", "day")},
        **{("numbers.peg", name): 1 for name in ("month", "day")},
    }
