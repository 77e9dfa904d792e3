"""coverage.py plugins of other languages, on every core: lines and branches that were written down by hand."""

from __future__ import annotations

import importlib
import io
import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

coverage = pytest.importorskip("coverage")
coverage_module = pytest.importorskip("tmplmon.monitoring.coverage")

from functions_language import FunctionsPlugin, load, run  # noqa: E402

EXAMPLES = Path(__file__).parents[2] / "docs" / "monitoring"
CORES = ("ctrace", "pytrace", *(["sysmon"] if sys.version_info >= (3, 14) else []))
each_core = pytest.mark.parametrize("core", CORES)

type Report = dict[str, dict[str, Any]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(EXAMPLES))
    if coverage.Coverage.current() is not None:
        pytest.skip("these tests are being measured themselves")
    return tmp_path.resolve()


def measured(plugin: str, call: Callable[[], object], branch: bool = True, **options: Any) -> Report:
    """File → its part of the JSON report. The text report is made, too."""
    counter = coverage.Coverage(data_file=None, config_file=False, branch=branch, source=["."])
    counter.set_option("run:plugins", [plugin])
    for name, value in options.items():
        counter.set_option(name.replace("__", ":", 1), value)
    with warnings.catch_warnings(action="error"):
        with counter.collect():
            call()
        counter.json_report(outfile="out.json")
        counter.report(file=io.StringIO(), show_missing=True)
    return json.loads(Path("out.json").read_text())["files"]


def ways(report: dict[str, Any], which: str) -> list[tuple[int, int]]:
    return [tuple(arc) for arc in report[f"{which}_branches"]]


def rules_report(text: str, **options: Any) -> dict[str, Any]:
    Path("main.rules").write_text(text, encoding="utf-8")
    rules = importlib.import_module("rules")
    options = {"variables": {}, **options}
    variables = options.pop("variables")
    path = Path("main.rules").resolve()
    report = measured("rules_coverage", lambda: rules.run(rules.load(path), variables), **options)
    return report["main.rules"]


@each_core
@pytest.mark.parametrize(
    ("text", "lines", "missing", "taken", "untaken"),
    [
        # A condition without a body has one way only.
        ("total = 1\nif total > 100\nend\n", [1, 2], [], [], []),
        ("\n\ntotal = 1\nif total > 100\ntotal = 2\nend\n", [3, 4], [5], [(4, -3)], [(4, 5)]),
        ("a = 1\nif a > 0\na = 2\nend\na = 3\n", [1, 2, 3, 5], [], [(2, 3)], [(2, 5)]),
        # The jump after a body has no line of its own; `end` and `else` have none either.
        ("a = 1\nif a > 0\na = 2\nelse\na = 4\nend\n", [1, 2, 3], [5], [(2, 3)], [(2, 5)]),
        ("a = 2\nwhile a > 0\na = a - 1\nend\n", [1, 2, 3], [], [(2, -1), (2, 3)], []),
        (
            "a = 2\nwhile a > 0\nif a > 1\na = a - 1\nend\na = a - 1\nend\n",
            [1, 2, 3, 4, 6],
            [],
            [(2, -1), (2, 3), (3, 4)],
            [(3, 6)],
        ),
        # Not read as Python.
        ("a = 1\nif a > coding:x * 0\nend\n".replace("coding:x * ", "len(str(0)) * "), [1, 2], [], [], []),
    ],
)
def test_rules(
    text: str,
    lines: list[int],
    missing: list[int],
    taken: list[tuple[int, int]],
    untaken: list[tuple[int, int]],
    core: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COVERAGE_CORE", core)
    report = rules_report(text, variables={"len": len, "str": str})
    assert (report["executed_lines"], report["missing_lines"]) == (lines, missing)
    assert (ways(report, "executed"), ways(report, "missing")) == (taken, untaken)


@each_core
def test_a_file_that_is_included_twice(core: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The branch at its end leads to its end, not to its beginning in the second include."""
    monkeypatch.setenv("COVERAGE_CORE", core)
    (folder / "part.rules").write_text("b = 1\nif a > 0\nb = 2\nend\n")
    (folder / "main.rules").write_text("a = 0\ninclude part.rules\na = 1\ninclude part.rules\n")
    rules = importlib.import_module("rules")
    program = rules.load("main.rules")
    report = measured("rules_coverage", lambda: rules.run(program, {}))["part.rules"]
    assert report["executed_lines"] == [1, 2, 3]
    assert (ways(report, "executed"), ways(report, "missing")) == ([(2, -1), (2, 3)], [])


SEVERAL = """\
# -*- coding: no-such-encoding -*-

def first
? a
one
def second
? b
two
three
def third
? c
"""


@each_core
@pytest.mark.parametrize("branch", (False, True), ids=("lines", "branches"))
def test_several_functions_in_one_file(
    branch: bool, core: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has an end of its own. The first line would be a SyntaxError in Python."""
    monkeypatch.setenv("COVERAGE_CORE", core)
    path = folder / "several.functions"
    path.write_text(SEVERAL)
    functions = load(str(path))
    report = measured("functions_language", lambda: run(functions, {"b"}), branch)["several.functions"]
    assert (report["executed_lines"], report["missing_lines"]) == ([4, 7, 8, 9, 11], [5])
    if branch:
        assert ways(report, "executed") == [(4, -4), (7, 8)]
        assert ways(report, "missing") == [(4, 5), (7, 9)]


@each_core
def test_excluded_lines_and_files_that_did_not_run(
    core: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COVERAGE_CORE", core)
    (folder / "a.functions").write_text("def f\n? a\none # pragma: no cover\ntwo\n")
    (folder / "deeper").mkdir()
    (folder / "deeper" / "b.functions").write_text("def f\none\ntwo\n")
    functions = load(str(folder / "a.functions"))
    reports = measured("functions_language", lambda: run(functions, set()))
    assert {name: report["missing_lines"] for name, report in reports.items() if "functions" in name} == {
        "a.functions": [],
        str(Path("deeper") / "b.functions"): [2, 3],
    }
    assert reports["a.functions"]["excluded_lines"] == [3]
    assert ways(reports["a.functions"], "executed") == [], "with one of two ways excluded, it is no branch"


def test_a_file_that_cannot_be_parsed_is_left_out(folder: Path) -> None:
    (folder / "good.rules").write_text("a = 1\n")
    (folder / "bad.rules").write_text("what\n")
    rules = importlib.import_module("rules")
    program = rules.load(folder / "good.rules")
    with pytest.warns(
        coverage.exceptions.CoverageWarning, match=r"'bad.rules': SyntaxError: unknown statement"
    ):
        counter = coverage.Coverage(data_file=None, config_file=False, source=["."])
        counter.set_option("run:plugins", ["rules_coverage"])
        with counter.collect():
            rules.run(program, {})
        out = io.StringIO()
        counter.report(file=out)
    assert "good.rules" in out.getvalue()
    assert "bad.rules" not in out.getvalue()


def test_descriptions(folder: Path) -> None:
    path = folder / "several.functions"
    path.write_text(SEVERAL)
    reporter = FunctionsPlugin().file_reporter(str(path))
    assert not isinstance(reporter, str)
    assert reporter.missing_arc_description(4, 5) == "line 4 didn't jump to line 5"
    assert reporter.missing_arc_description(7, -7) == "line 7 didn't exit 'second'"
    assert reporter.exit_counts() == {4: 2, 7: 2}
    assert (4, -4) in reporter.arcs()


class Registry:
    """What coverage.py passes to `coverage_init`."""

    def add_configurer(self, plugin: Any) -> None:
        self.plugin = plugin


def test_other_files_are_still_read_as_python(folder: Path) -> None:
    sysmon = pytest.importorskip("coverage.sysmon")
    if not hasattr(sysmon, "compute_multiline_map"):
        pytest.skip("this version of coverage.py does not parse files")
    FunctionsPlugin().register(Registry())
    (folder / "code.functions").write_text("def f(\n)\n")
    (folder / "code.py").write_text("x = (\n    1,\n    2,\n)\n")
    assert sysmon.compute_multiline_map(str(folder / "code.py")) == dict.fromkeys(range(1, 5), 1)
    assert sysmon.compute_multiline_map(str(folder / "code.functions")) == {}
