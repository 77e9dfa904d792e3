"""Records which lines of templates have run since the process started: coverage for production.

    live = LiveCoverage()
    live.start()
    …
    live.lines                          # file → lines that have run
    live.save(".coverage", suffix=True) # coverage.py's data, for `coverage combine` over workers and hosts
    LiveCoverage(directory)             # the report joins the lines of all processes with the same directory

Rule: each line is reported once. The callback for LINE returns DISABLE, and CPython then removes the event from the
code, so a line that has run is as fast as without recording. There is one exception: where code jumps within
a line, CPython still checks each time whether the line has changed, and there is no event to disable. A
function whose lines have all run is therefore not monitored any longer.

Templates are found by PY_START, which each function of the process fires once; it is disabled in the same way. The
cost is about 0.5 µs for each function and each template line, once per process, and one int of memory per line.
"""

import os
import socket
import sys
import time
import weakref
from threading import Lock
from types import CodeType
from typing import TYPE_CHECKING, Any

from tmplmon.monitoring.announced import with_nested
from tmplmon.monitoring.linetable import iter_lines
from tmplmon.tools.livereport import Analyses
from tmplmon.tools.monitoringtool import MonitoringTool
from tmplmon.tools.sharedlines import Recording, SharedLines

if TYPE_CHECKING:
    from tmplmon import Environment

PLUGIN = "tmplmon.TemplatePlugin"
"""The name by which coverage.py's data refers to the plugin that ``plugins = tmplmon`` enables."""


class LiveCoverage(MonitoringTool):
    """Records the template lines that run between `start` and `stop`, in all threads. Also a context manager.

    directory: a directory in which the processes of an application share their lines, so that the report of each is
        that of all. Each writes its lines about a second after they have run. None: the report is that of this
        process.
    lines: file → the lines that have run. The sets grow while recording; copy them before iterating.
    """

    NAME = "tmplmon live coverage"

    def __init__(self, directory: str | os.PathLike[str] | None = None) -> None:
        events = sys.monitoring.events
        super().__init__({events.PY_START: self._on_py_start, events.LINE: self._on_line}, events.PY_START)
        self.lines: dict[str, set[int]] = {}
        # By id, because code objects compare by value, but each object is monitored separately.
        self._monitored: dict[int, _MonitoredCode] = {}
        self._lock = Lock()
        self._mtimes: dict[str, int] = {}  # file → its modification time in ns
        self._analyses = Analyses()
        self._since = time.time()
        self._shared = (
            None if directory is None else SharedLines(os.fspath(directory), self.process, self._recorded)
        )

    # --- recording -----------------------------------------------------------------------------------------

    def _release(self, tool_id: int) -> None:
        if self._shared is not None:
            self._shared.write()
        with self._lock:
            for monitored in list(self._monitored.values()):
                code = monitored.code()
                if code is not None:
                    sys.monitoring.set_local_events(tool_id, code, 0)
            self._monitored.clear()

    def _on_py_start(self, code: CodeType, offset: int) -> Any:
        if is_template(code) and self._tool_id is not None:
            with self._lock:
                self._reset_if_changed(code.co_filename)
                for each in with_nested(code):
                    self._monitored[id(each)] = _MonitoredCode(each, self._monitored)
                    sys.monitoring.set_local_events(self._tool_id, each, sys.monitoring.events.LINE)
        return sys.monitoring.DISABLE

    def _reset_if_changed(self, file: str) -> None:
        """Forget the lines of a file that has changed since they were recorded, as happens in development."""
        mtime = _mtime(file)
        if self._mtimes.setdefault(file, mtime) != mtime:
            self._mtimes[file] = mtime
            self.lines[file] = set()
        self.lines.setdefault(file, set())

    def _on_line(self, code: CodeType, line: int) -> Any:
        ran = self.lines.setdefault(code.co_filename, set())
        ran.add(line)
        if self._shared is not None:
            self._shared.schedule()
        monitored = self._monitored.get(id(code))
        if monitored is not None and monitored.lines <= ran and self._tool_id is not None:
            self._monitored.pop(id(code), None)
            sys.monitoring.set_local_events(self._tool_id, code, 0)
        return sys.monitoring.DISABLE

    # --- reports -------------------------------------------------------------------------------------------

    def save(self, data_file: str = ".coverage", suffix: str | bool | None = None) -> str:
        """Write the lines as coverage.py data, and return the name of the file.

        data_file: the file to write. suffix: a suffix for its name; True for one made of the host and process,
        which `coverage combine` finds.

        Templates that are not files are left out, because there is no source to report on. Raises ImportError if
        coverage.py is not installed.
        """
        from coverage import CoverageData

        data = CoverageData(data_file, suffix=suffix)
        lines = {file: sorted(ran) for file, ran in list(self.lines.items()) if not file.startswith("<")}
        data.add_lines(lines)
        data.add_file_tracers(dict.fromkeys(lines, PLUGIN))
        data.write()
        return data.data_filename()

    def process(self) -> dict[str, Any]:
        """Return what identifies this process: its `host`, its `pid`, and `since`, the start of the recording in
        seconds since the epoch."""
        return {"host": socket.gethostname(), "pid": os.getpid(), "since": round(self._since, 3)}

    def processes(self) -> list[dict[str, Any]]:
        """Return the processes whose lines the report joins, this one first, each as `process` describes it. Those
        that have ended are among them."""
        own = self.process()
        others = [] if self._shared is None else self._shared.others()
        return [own, *({key: other.get(key) for key in own} for other in others)]

    def report(self, environment: "Environment") -> dict[str, dict[str, Any]]:
        """Report on every template of the environment's loader: name → `file`, the `executable` lines, those that
        `ran`, and those that are `missing`. A template that does not compile has an `error` and its `line` instead.
        The environment may also be one of Jinja2's that `tmplmon.observe` observes.

        Executable lines are computed once for each version of a template, and for at most 50 templates in one
        report. The others have `pending` instead, and the next report continues. Raises TypeError if the loader
        cannot list its templates.
        """
        return dict(self._analyses.report(environment, self._joined()))

    def _recorded(self) -> Recording:
        return {file: (self._mtimes.get(file, 0), sorted(ran)) for file, ran in list(self.lines.items())}

    def _joined(self) -> dict[str, set[int]]:
        """Return the lines that have run in this process and in those with the same directory."""
        joined = {file: set(ran) for file, ran in list(self.lines.items())}
        for other in () if self._shared is None else self._shared.others():
            for file, (mtime, ran) in other["lines"].items():
                if mtime == _mtime(file):
                    joined.setdefault(file, set()).update(ran)
        return joined

    def prometheus(self, environment: "Environment") -> str:
        """Return the report in Prometheus' text format: the executable lines of each template, those that ran, and
        the number of processes that it joins. Pending templates are left out.

        Raises TypeError if the loader cannot list its templates.
        """
        report = {name: entry for name, entry in self.report(environment).items() if "executable" in entry}
        output: list[str] = []
        for metric, key, meaning in (
            ("tmplmon_template_lines", "executable", "Executable lines of the template."),
            ("tmplmon_template_lines_run", "ran", "Lines of the template that have run since the start."),
        ):
            output += [f"# HELP {metric} {meaning}", f"# TYPE {metric} gauge"]
            output += [
                f'{metric}{{template="{_label(name)}"}} {len(entry[key])}' for name, entry in report.items()
            ]
        metric = "tmplmon_template_processes"
        output += [f"# HELP {metric} Processes whose lines are joined.", f"# TYPE {metric} gauge"]
        output.append(f"{metric} {len(self.processes())}")
        return "\n".join(output) + "\n"


def _mtime(file: str) -> int:
    try:
        return os.stat(file).st_mtime_ns
    except OSError:
        return 0


class _MonitoredCode:
    """A code object that is monitored, and its lines."""

    __slots__ = ("code", "lines")

    def __init__(self, code: CodeType, monitored: "dict[int, _MonitoredCode]") -> None:
        key = id(code)
        self.code = weakref.ref(code, lambda _: monitored.pop(key, None))
        self.lines = {line for _, _, line in iter_lines(code)}


def is_template(code: CodeType) -> bool:
    """Whether a code object belongs to a template: its name is not possible for a Python function."""
    name = code.co_qualname
    return name.startswith(("<template>", "block ", "macro "))


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
