"""For generated templates, a report has exactly the lines and branches that the templates record themselves."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import coverage
import jinja2
import pytest
from effort import runs_everything

from tmplmon import Environment, FileSystemLoader, observe

from .generate import MAIN, Record, Writer, lines_in, write

SEEDS = range(60 if os.environ.get("TMPLMON_COVERAGE_MATRIX") == "full" else 6 if runs_everything() else 2)
# Kind of statement → the number of its sides, and the decisions in its record.
WAYS = {"if": {"True": "true", "False": "false"}, "for": {"started": "in", "ended": "out", "empty": "out"}}
WAYS["for else"] = {"started": "in", "ended": "out", "empty": "else"}
CORES = ("ctrace", "pytrace", "sysmon")


@dataclass(frozen=True)
class Case:
    """The templates of a seed, and their environment."""

    seed: int
    folder: Path
    written: dict[str, Writer]
    environment: Environment | jinja2.Environment


@pytest.fixture(scope="module", params=["bytecode", "closures", "jinja2"])
def cases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Case]]:
    """Written cases for the back ends, and for Jinja2 when it is observed."""
    written_cases = []
    environment: Environment | jinja2.Environment
    for seed in SEEDS:
        folder = tmp_path_factory.mktemp("case").resolve()
        if request.param == "jinja2":
            loader = jinja2.FileSystemLoader(str(folder))
            environment = jinja2.Environment(loader=loader, extensions=["jinja2.ext.loopcontrols"])
        else:
            environment = Environment(
                loader=FileSystemLoader(str(folder)),
                extensions=["tmplmon.ext.loopcontrols"],
                backend=request.param,
            )
        written_cases.append(Case(seed, folder, write(seed, folder), environment))
    if request.param == "jinja2":
        observe.install()
    yield written_cases
    observe.uninstall()


def measured(case: Case, core: str, branch: bool) -> tuple[Record, coverage.Coverage]:
    """Render a case, and once more by `generate`. Returns its record and the measurement."""
    counter = coverage.Coverage(
        data_file=None, branch=branch, config_file=False, include=[f"{case.folder}/*"]
    )
    counter.set_option("run:core", core)
    counter.set_option("run:plugins", ["tmplmon"])
    if isinstance(case.environment, jinja2.Environment):
        counter.set_option("tmplmon:jinja2", "true")
    record = Record()
    outputs = []
    with counter.collect():
        for number in range(2):
            functions = record.functions(case.seed * 7 + number)
            template = case.environment.get_template(MAIN)
            outputs.append(
                "".join(template.generate(v0={}, **functions))
                if number
                else template.render(v0={}, **functions)
            )
    record.lines.update(*map(lines_in, outputs))
    return record, counter


def measured_templates(case: Case, counter: coverage.Coverage) -> list[str]:
    """The names of the templates with at least one line that ran."""
    data = counter.get_data()
    return [name for name in case.written if data.lines(str(case.folder / name))]


def check_lines(case: Case, record: Record, counter: coverage.Coverage) -> int:
    """Compare the lines. Returns their number."""
    count = 0
    names = measured_templates(case, counter)
    assert {name for name, _ in record.lines} <= set(names)
    for name in names:
        path = str(case.folder / name)
        _, lines, excluded, missing, _ = counter.analysis2(path)
        assert not excluded
        # Text without a mark belongs to the text with a mark above it.
        begun = counter._get_file_reporter(path).multiline_map()  # type: ignore[attr-defined]
        ran = {begun.get(line, line) for template, line in record.lines if template == name}
        assert set(lines) - set(missing) == ran, f"seed {case.seed}, {name}"
        count += len(lines)
    return count


def check_branches(case: Case, record: Record, counter: coverage.Coverage) -> int:
    """Compare the branches whose sides lead to different lines. Returns their number."""
    count = 0
    for name in measured_templates(case, counter):
        statistics = counter.branch_stats(str(case.folder / name))
        for line, kind in case.written[name].plain.items():
            ways = WAYS[kind]
            if line in statistics and statistics[line][0] == len(set(ways.values())):
                taken = {ways[way] for way in record.ways.get((name, line), ())}
                assert statistics[line][1] == len(taken), f"seed {case.seed}, {name}:{line} ({kind})"
                count += 1
    return count


@pytest.fixture(autouse=True)
def not_measured_already(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COVERAGE_CORE", raising=False)
    if coverage.Coverage.current() is not None:
        pytest.skip("these tests are being measured themselves")


@pytest.mark.filterwarnings("ignore:No data was collected")
@pytest.mark.parametrize("core", CORES)
def test_reported_lines_are_those_that_ran(cases: list[Case], core: str) -> None:
    assert sum(check_lines(case, *measured(case, core, False)) for case in cases) > 20 * len(cases)


@pytest.mark.filterwarnings("ignore:No data was collected")
@pytest.mark.filterwarnings("ignore:Can't use core=sysmon")
@pytest.mark.parametrize("cases", ["bytecode", "closures", "jinja2"], indirect=True)
def test_reported_branches_are_those_that_were_taken(cases: list[Case]) -> None:
    count = 0
    for case in cases:
        taken = []
        for core in CORES:
            record, counter = measured(case, core, True)
            check_lines(case, record, counter)
            count += check_branches(case, record, counter)
            statistics = {name: ways(case, counter, name) for name in measured_templates(case, counter)}
            taken.append({name: arcs for name, arcs in statistics.items() if arcs})
        assert taken[1:] == taken[:-1], f"seed {case.seed}"
    assert count > 2 * len(cases) * len(CORES)


def ways(case: Case, counter: coverage.Coverage, name: str) -> set[tuple[int, int]]:
    """The arcs of branches that were taken."""
    path = str(case.folder / name)
    report = counter._get_file_reporter(path)
    arcs = report.translate_arcs(counter.get_data().arcs(path) or ())
    return {arc for arc in arcs & report.arcs() if arc[0] in report.exit_counts()}
