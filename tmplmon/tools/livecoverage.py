"""Which lines of templates have run since the process started: coverage that stays on in production.

    live = LiveCoverage()
    live.start()
    …
    live.lines                          # file → lines that have run
    live.save(".coverage", suffix=True) # coverage.py's data, for `coverage combine` over workers and hosts

Rule: each line is told once. The callback for LINE returns DISABLE, upon which CPython takes the event out of the
code again, so a line that has run is as fast as if nobody had asked. Nearly: where code jumps to within a line,
CPython looks each time whether the line is another, and there is no event that could be disabled. So a function
whose lines have all run is not watched any more.

Templates are found by PY_START, which any function in the process fires once, and is disabled for it in the same
way. So the cost is some 0.5 µs for each function and each line of a template, once in the life of a process, and
the memory one number for each line.
"""

import atexit
import os
import sys
import weakref
from collections.abc import Iterator
from threading import Lock
from types import CodeType
from typing import TYPE_CHECKING, Any, Self

from tmplmon.monitoring.announced import with_nested
from tmplmon.monitoring.linetable import iter_lines

if TYPE_CHECKING:
    from tmplmon import Environment

PLUGIN = "tmplmon.TemplatePlugin"
"""What coverage.py knows templates by in its data: the plugin that ``plugins = tmplmon`` switches on."""

# Those of `sys.monitoring`'s numbers that PEP 669 gives no name, then those of tools seldom found in production.
_FREE_IDS = (3, 4, 2, 5)


class LiveCoverage:
    """The lines of templates that run between `start` and `stop`, of all threads. Works as a context manager too.

    lines: file → the lines that have run. It grows; take a copy before you go through it.
    """

    def __init__(self) -> None:
        self.lines: dict[str, set[int]] = {}
        self._id: int | None = None
        # By identity: code compares by value, and what was compiled twice is two things to watch.
        self._watched: dict[int, _Watched] = {}
        self._lock = Lock()
        self._times: dict[str, int] = {}  # file → when it was changed

    # --- recording -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin, or go on. Raises RuntimeError if all numbers for monitoring tools are in use."""
        if self._id is not None:
            return
        monitoring = sys.monitoring
        number = self._id = free_tool_id("tmplmon live coverage")
        events = monitoring.events
        monitoring.register_callback(number, events.PY_START, self._started)
        monitoring.register_callback(number, events.LINE, self._line)
        monitoring.set_events(number, events.PY_START)
        # What an earlier tool of this number disabled would stay so.
        monitoring.restart_events()
        # When Python takes its modules apart there is nothing left to record with.
        atexit.register(self.stop)

    def stop(self) -> None:
        """End; what has been recorded stays."""
        number, self._id = self._id, None
        if number is None:
            return
        atexit.unregister(self.stop)
        monitoring = sys.monitoring
        monitoring.set_events(number, 0)
        with self._lock:
            for watched in list(self._watched.values()):
                code = watched.code()
                if code is not None:
                    monitoring.set_local_events(number, code, 0)
            self._watched.clear()
        for event in (monitoring.events.PY_START, monitoring.events.LINE):
            monitoring.register_callback(number, event, None)
        monitoring.free_tool_id(number)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _started(self, code: CodeType, offset: int) -> Any:
        if is_template(code) and self._id is not None:
            with self._lock:
                self._began(code.co_filename)
                for part in with_nested(code):
                    self._watched[id(part)] = _Watched(part, self._watched)
                    sys.monitoring.set_local_events(self._id, part, sys.monitoring.events.LINE)
        return sys.monitoring.DISABLE

    def _began(self, file: str) -> None:
        """Code of a file runs for the first time. Of a file that has changed meanwhile, and was compiled again, as
        happens in development, the lines that ran before are others."""
        try:
            time = os.stat(file).st_mtime_ns
        except OSError:
            time = 0
        if self._times.setdefault(file, time) != time:
            self._times[file] = time
            self.lines[file] = set()
        self.lines.setdefault(file, set())

    def _line(self, code: CodeType, line: int) -> Any:
        ran = self.lines.setdefault(code.co_filename, set())
        ran.add(line)
        watched = self._watched.get(id(code))
        if watched is not None and watched.lines <= ran and self._id is not None:
            self._watched.pop(id(code), None)
            sys.monitoring.set_local_events(self._id, code, 0)
        return sys.monitoring.DISABLE

    # --- what is known -------------------------------------------------------------------------------------

    def save(self, data_file: str = ".coverage", suffix: str | bool | None = None) -> str:
        """Write the lines as coverage.py's data, and give the file's name.

        suffix: True for a name of this host and process, which `coverage combine` finds. Templates that are no
            files are left out, as there would be nothing to report on.
        """
        from coverage import CoverageData

        data = CoverageData(data_file, suffix=suffix)
        lines = {file: sorted(ran) for file, ran in list(self.lines.items()) if not file.startswith("<")}
        data.add_lines(lines)
        data.add_file_tracers(dict.fromkeys(lines, PLUGIN))
        data.write()
        return data.data_filename()

    def report(self, environment: "Environment") -> dict[str, dict[str, Any]]:
        """For each template of an environment's loader, by name: `file`, the `executable` lines, those that `ran`,
        and those that are `missing`. A template that does not compile has an `error` instead."""
        return dict(self._report(environment))

    def _report(self, environment: "Environment") -> Iterator[tuple[str, dict[str, Any]]]:
        for name in environment.list_templates():
            try:
                template = environment.get_template(name)
            except Exception as error:
                yield name, {"error": str(error)}
                continue
            executable = {line for line, _ in template.debug_info}
            # As its code has it: `filename` may be relative, or None.
            file = template._file
            ran = self.lines.get(file, set()) & executable
            yield (
                name,
                {
                    "file": file,
                    "executable": sorted(executable),
                    "ran": sorted(ran),
                    "missing": sorted(executable - ran),
                },
            )

    def prometheus(self, environment: "Environment") -> str:
        """The report as Prometheus' text format: for each template how many lines there are, and how many ran."""
        report = {name: found for name, found in self.report(environment).items() if "error" not in found}
        shown: list[str] = []
        for metric, key, meaning in (
            ("tmplmon_template_lines", "executable", "Executable lines of the template."),
            ("tmplmon_template_lines_run", "ran", "Lines of the template that have run since the start."),
        ):
            shown += [f"# HELP {metric} {meaning}", f"# TYPE {metric} gauge"]
            shown += [
                f'{metric}{{template="{_label(name)}"}} {len(found[key])}' for name, found in report.items()
            ]
        return "\n".join(shown) + "\n"


class _Watched:
    """Code that is watched, and its lines."""

    __slots__ = ("code", "lines")

    def __init__(self, code: CodeType, watched: "dict[int, _Watched]") -> None:
        key = id(code)
        self.code = weakref.ref(code, lambda _: watched.pop(key, None))
        self.lines = {line for _, _, line in iter_lines(code)}


def free_tool_id(name: str) -> int:
    """A number for a monitoring tool of this name, which it has then. Raises RuntimeError if there is none left."""
    for number in _FREE_IDS:
        if sys.monitoring.get_tool(number) is None:
            sys.monitoring.use_tool_id(number, name)
            return number
    raise RuntimeError("no free number for a monitoring tool: all of sys.monitoring's are in use")


def is_template(code: CodeType) -> bool:
    """Whether code is a template's: its functions have names that no Python function has."""
    name = code.co_qualname
    return name.startswith(("<template>", "block ", "macro "))


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
