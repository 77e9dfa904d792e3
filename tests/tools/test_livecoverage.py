"""Coverage in production: the recorded lines in different circumstances, and the forms of the report."""

import gc
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from coverage import CoverageData

from tmplmon import DictLoader, Environment, FileSystemLoader
from tmplmon.tools.livecoverage import PLUGIN, LiveCoverage

PAGE = "{% if x %}\n  yes\n{% else %}\n  no\n{% endif %}\n{% macro m() %}\n  in\n{% endmacro %}\n"


@pytest.fixture(params=["bytecode", "closures"])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> Environment:
    (tmp_path / "page.html").write_text(PAGE)
    (tmp_path / "other.html").write_text("{% import 'page.html' as page %}\n{{ page.m() }}")
    (tmp_path / "wrong.html").write_text("{% if %}")
    return Environment(loader=FileSystemLoader(tmp_path), backend=request.param)


def lines(live: LiveCoverage, name: str) -> list[int]:
    return sorted(line for file, ran in live.lines.items() if file.endswith(name) for line in ran)


def test_lines_add_up(environment: Environment) -> None:
    page = environment.get_template("page.html")
    with LiveCoverage() as live:
        page.render(x=True)
        assert lines(live, "page.html") == [1, 2, 6]
        page.render(x=False)
        assert lines(live, "page.html") == [1, 2, 4, 6]
        page.render(x=True)
        environment.get_template("other.html").render()
        assert lines(live, "page.html") == [1, 2, 4, 6, 7] and lines(live, "other.html") == [1, 2]


def test_each_line_is_reported_once(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    line = LiveCoverage._on_line

    def counting(self: LiveCoverage, code: Any, number: int) -> Any:
        told.append(number)
        return line(self, code, number)

    monkeypatch.setattr(LiveCoverage, "_on_line", counting)
    with LiveCoverage():
        for _ in range(20):
            environment.get_template("page.html").render(x=True)
    # Code can have several entries for one line.
    assert sorted(set(told)) == [1, 2, 6] and len(told) <= 6


def test_a_function_that_has_run_completely_is_no_longer_monitored(environment: Environment) -> None:
    page = environment.get_template("page.html")
    with LiveCoverage() as live:
        page.render(x=True)
        assert live._monitored
        page.render(x=False)
        page.module.m()
        assert not live._monitored and lines(live, "page.html") == [1, 2, 4, 6, 7]


def test_freed_templates_are_forgotten(environment: Environment) -> None:
    with LiveCoverage() as live:
        page = environment.from_string(PAGE)
        page.render(x=True)
        assert live._monitored
        del page
        gc.collect()
        assert not live._monitored


def test_two_after_another(environment: Environment) -> None:
    page = environment.get_template("page.html")
    for _ in range(2):
        with LiveCoverage() as live:
            page.render(x=True)
        assert lines(live, "page.html") == [1, 2, 6]
        page.render(x=False)
        assert lines(live, "page.html") == [1, 2, 6]


def test_a_template_that_is_compiled_twice() -> None:
    sources = {"page.html": PAGE}
    with LiveCoverage() as live:
        for x in (True, False):
            Environment(loader=DictLoader(sources)).get_template("page.html").render(x=x)
        assert lines(live, ">") == [1, 1, 2, 4, 6, 6]


def test_a_template_that_changes(environment: Environment, tmp_path: Path) -> None:
    with LiveCoverage() as live:
        environment.get_template("page.html").render(x=True)
        (tmp_path / "page.html").write_text("\n\n\n{{ 1 }}\n{% if x %}\n7{% endif %}")
        os.utime(tmp_path / "page.html", ns=(0, 0))
        environment.get_template("page.html").render(x=False)
        assert lines(live, "page.html") == [4, 5]
        # The same source in another environment adds to the existing record.
        Environment(loader=FileSystemLoader(tmp_path), trim_blocks=True).get_template("page.html").render(
            x=True
        )
        assert lines(live, "page.html") == [4, 5, 6]


def test_all_threads(environment: Environment) -> None:
    page = environment.get_template("page.html")
    with LiveCoverage() as live:
        threads = [threading.Thread(target=page.render, kwargs={"x": n % 2}) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert lines(live, "page.html") == [1, 2, 4, 6]


def test_asynchronous_and_streamed(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(PAGE)
    environment = Environment(loader=FileSystemLoader(tmp_path), enable_async=True)
    page = environment.get_template("page.html")
    with LiveCoverage() as live:
        page.render(x=True)
        assert lines(live, "page.html") == [1, 2, 6]
        list(page.generate(x=False))
    assert lines(live, "page.html") == [1, 2, 4, 6]


def test_python_code_is_not_recorded(environment: Environment) -> None:
    with LiveCoverage() as live:
        environment.get_template("page.html").render(x=json.dumps({}))
    assert [Path(file).name for file in live.lines] == ["page.html"]


def test_the_report(environment: Environment) -> None:
    with LiveCoverage() as live:
        environment.get_template("page.html").render(x=True)
    report = live.report(environment)
    assert list(report) == ["other.html", "page.html", "wrong.html"]
    page = report["page.html"]
    assert (page["executable"], page["ran"], page["missing"]) == ([1, 2, 4, 6, 7], [1, 2, 6], [4, 7])
    assert report["other.html"]["ran"] == [] and "error" in report["wrong.html"]
    json.dumps(report)
    metrics = live.prometheus(environment).splitlines()
    assert 'tmplmon_template_lines{template="page.html"} 5' in metrics
    assert 'tmplmon_template_lines_run{template="page.html"} 3' in metrics
    assert 'tmplmon_template_lines_run{template="other.html"} 0' in metrics
    assert "tmplmon_template_processes 1" in metrics
    assert len([line for line in metrics if line.startswith("# TYPE ")]) == 3


def test_a_report_analyses_some_templates_each_time_and_leaves_the_cache_alone() -> None:
    sources = {f"{number:03}": f"{{{{ {number} }}}}\n" for number in range(120)}
    environment = Environment(loader=DictLoader(sources), cache_size=5)
    loaded = [environment.get_template(name) for name in ("007", "100")]
    live = LiveCoverage()
    for pending in (70, 20, 0, 0):
        report = live.report(environment)
        assert len(report) == 120
        assert sum("pending" in entry for entry in report.values()) == pending
        assert live.prometheus(environment).count("tmplmon_template_lines{") >= 120 - pending
        assert list(environment.cache or ()) == ["007", "100"]
        if pending == 70:
            live = LiveCoverage()
            live.report(environment)
    sources["003"] = "{{ 1 }}\n{{ 2 }}\n"
    del sources["004"]
    report = live.report(environment)
    assert report["003"]["executable"] == [1, 2] and report["002"]["executable"] == [1]
    assert len(report) == 119
    assert [environment.get_template(template.name or "") for template in loaded] == loaded


SHARING = """
import sys
from tmplmon import Environment, FileSystemLoader
from tmplmon.tools.livecoverage import LiveCoverage

environment = Environment(loader=FileSystemLoader(sys.argv[1]))
live = LiveCoverage(sys.argv[2])
live.start()
environment.get_template("page.html").render(x=sys.argv[3] == "yes")
"""


def test_processes_share_their_lines(environment: Environment, tmp_path: Path) -> None:
    directory = tmp_path / "lines"
    for x in ("yes", "no"):
        subprocess.run([sys.executable, "-c", SHARING, str(tmp_path), str(directory), x], check=True)
    (directory / "broken.json").write_text("{")
    (directory / "other.json").write_text("[]")
    live = LiveCoverage(directory)
    assert live.report(environment)["page.html"]["ran"] == [1, 2, 4, 6]
    assert len({process["pid"] for process in live.processes()}) == 3
    assert "tmplmon_template_processes 3\n" in live.prometheus(environment)
    assert LiveCoverage().report(environment)["page.html"]["ran"] == []
    # Lines of another version of the template do not count.
    os.utime(tmp_path / "page.html", (1, 1))
    assert live.report(environment)["page.html"]["ran"] == []
    with live:
        environment.get_template("page.html").render(x=True)
    assert LiveCoverage(directory).report(environment)["page.html"]["ran"] == [1, 2, 6]


def test_lines_are_written_while_recording(environment: Environment, tmp_path: Path) -> None:
    live = LiveCoverage(tmp_path / "lines")
    with live:
        before = set(threading.enumerate())
        environment.get_template("page.html").render(x=True)
        (timer,) = set(threading.enumerate()) - before
        environment.get_template("page.html").render(x=False)
        timer.join()
        other = LiveCoverage(tmp_path / "lines")
        assert other.report(environment)["page.html"]["ran"] == [1, 2, 4, 6]


def test_data_for_coverage_py(environment: Environment, tmp_path: Path) -> None:
    page = environment.get_template("page.html")
    combined = CoverageData(str(tmp_path / "combined"))
    for x in (True, False):
        with LiveCoverage() as live:
            page.render(x=x)
            environment.from_string("not a file").render()
        part = CoverageData(live.save(str(tmp_path / ".coverage"), suffix=f"host.{x}"))
        part.read()
        assert part.measured_files() == {str(tmp_path / "page.html")}
        combined.update(part)
    file = str(tmp_path / "page.html")
    assert sorted(combined.lines(file) or ()) == [1, 2, 4, 6] and combined.file_tracer(file) == PLUGIN


def test_numbers_of_tools() -> None:
    monitoring = sys.monitoring
    taken = [number for number in range(6) if monitoring.get_tool(number) is None]
    live = LiveCoverage()
    live.start()
    live.start()
    live.stop()
    live.stop()
    for number in taken:
        monitoring.use_tool_id(number, "another")
    try:
        with pytest.raises(RuntimeError, match="all tool ids"):
            live.start()
    finally:
        for number in taken:
            monitoring.free_tool_id(number)


def test_beside_coverage_py(tmp_path: Path) -> None:
    """Both record, also if coverage.py uses sys.monitoring itself."""
    (tmp_path / "page.html").write_text(PAGE)
    (tmp_path / "program.py").write_text(
        "from tmplmon import Environment, FileSystemLoader\n"
        "from tmplmon.tools.livecoverage import LiveCoverage\n"
        "with LiveCoverage() as live:\n"
        "    Environment(loader=FileSystemLoader('.')).get_template('page.html').render(x=1)\n"
        "print(sorted(line for ran in live.lines.values() for line in ran))\n"
    )
    command = [sys.executable, "-m", "coverage", "run", "program.py"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=60, env={"COVERAGE_CORE": "sysmon"}
    )
    assert done.stdout == "[1, 2, 6]\n", done.stderr


def test_the_report_of_coverage_py(environment: Environment, tmp_path: Path) -> None:
    """coverage.py combines the data of two processes, and reports them with the plugin."""
    (tmp_path / ".coveragerc").write_text("[run]\nplugins = tmplmon\n")
    page = environment.get_template("page.html")
    for number, x in enumerate((True, False)):
        with LiveCoverage() as live:
            page.render(x=x)
        live.save(str(tmp_path / ".coverage"), suffix=f"host{number}")

    def coverage(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "coverage", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    coverage("combine")
    (row,) = [line for line in coverage("report", "-m").splitlines() if line.startswith("page.html")]
    assert row.split() == ["page.html", "5", "1", "80%", "7"]


def test_templates_of_a_relative_directory_or_of_none(
    environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path.parent)
    environment.loader = FileSystemLoader(tmp_path.name)
    in_memory = Environment(loader=DictLoader({"page.html": PAGE}), backend=environment.backend)
    with LiveCoverage() as live:
        for made in (environment, in_memory):
            made.get_template("page.html").render(x=True)
            assert live.report(made)["page.html"]["ran"] == [1, 2, 6]
    assert live.report(environment)["page.html"]["file"] == str(tmp_path / "page.html")


AT_EXIT = """
import os
from tmplmon import Template
from tmplmon.tools import livecoverage, tracing

class Late:
    def __del__(self, write=os.write):
        write(1, b"late")

# Modules that are still there are emptied, the first that was imported last.
os.kept, os.late = (livecoverage, tracing), Late()
livecoverage.LiveCoverage().start()
tracing.TemplateTracing().start()
print(Template("x").render())
"""


def test_nothing_is_recorded_during_the_exit_of_python() -> None:
    """Functions that run for the first time then would find the recorder's module cleared."""
    done = subprocess.run([sys.executable, "-c", AT_EXIT], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("x\nlate", "")
