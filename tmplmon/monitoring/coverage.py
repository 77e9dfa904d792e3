"""A base class for coverage.py plugins, for languages that signal with this package.

    class RulesPlugin(LanguagePlugin):
        suffixes = (".rules",)

        def scopes(self, path):
            return [rules.load(path)]

    def coverage_init(registry, options):
        RulesPlugin().register(registry)

Rule: the plugin does not trace. Code-likes have the language's files and lines, so every core of coverage.py
records them like Python files. coverage.py only has to learn which of the measured files belong to the language:
when it reads or saves its data, these files are tagged with the plugin's name. A report then asks the plugin for
their lines and branches, which are those of the scopes that also define the events.

coverage.py's own kind of plugin for this, a *file tracer*, is disabled by all cores but one, with a warning. The
plugin therefore registers as a configurer, which every core supports, and wraps public methods of `Coverage` and
`CoverageData`. Everything that is not public in coverage.py is used in functions that say so, and work without it.

This module imports coverage.py; the rest of the package does not import this module.
"""

from __future__ import annotations

import importlib
import os
import re
import warnings
import weakref
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property, wraps
from pathlib import Path
from typing import Any

from coverage import Coverage, CoverageData, CoveragePlugin, FileReporter
from coverage.exceptions import ConfigError, CoverageException, CoverageWarning

from tmplmon.monitoring.flow import Arc, outcomes
from tmplmon.monitoring.lines import with_plain_newlines
from tmplmon.monitoring.scope import Scope

__all__ = ["LanguagePlugin", "LanguageReporter", "ScopeReporter", "left_out", "matching_lines", "option"]


class LanguagePlugin(CoveragePlugin):
    """A plugin for the files of a language.

    A subclass sets `suffixes` and defines `scopes`. `config` is coverage.py's configuration, and relative paths are
    relative to `directory`.
    """

    suffixes: tuple[str, ...] = ()
    """The endings of the language's file names, such as ".rules"."""

    def __init__(self) -> None:
        self.config: Any = None
        self.directory = os.getcwd()
        self._warned: set[str] = set()
        self._touched: weakref.WeakSet[CoverageData] = weakref.WeakSet()

    # --- for subclasses ------------------------------------------------------------------------------------

    def scopes(self, path: str) -> Iterable[Scope]:
        """Return the scopes of a file, as a run builds them: those of all its functions. Code of other files that
        is included into them is not reported here. An exception is shown as a warning, and the file is left out of
        the report."""
        raise NotImplementedError

    def is_own(self, path: str) -> bool:
        """Whether a measured file, given by its absolute path, belongs to the language."""
        return path.endswith(self.suffixes)

    def unmeasured_files(self) -> Iterable[str]:
        """Return files that are reported even if nothing in them ran: by default all with a suffix of the language
        in the directories of the option ``source``."""
        sources = [
            *(option(self.config, "run:source") or ()),
            *(option(self.config, "run:source_dirs") or ()),
        ]
        for source in sources:
            for folder, subfolders, names in os.walk(source):
                subfolders[:] = [name for name in subfolders if not name.startswith(".")]
                yield from (os.path.join(folder, name) for name in names if name.endswith(self.suffixes))

    # --- coverage.py's interface -----------------------------------------------------------------------------

    def register(self, registry: Any) -> None:
        """Register the plugin: called by the plugin's `coverage_init`, with its first argument."""
        registry.add_configurer(self)
        _plugins.add(self)
        _wrap_coverage()
        _leave_files_alone()

    def configure(self, config: Any) -> None:
        """Called by coverage.py before a measurement or report."""
        self.config = config

    def file_reporter(self, filename: str) -> FileReporter | str:
        """Called by coverage.py for each tagged file that is reported."""
        return ScopeReporter(self.absolute(filename), self)

    # --- files ----------------------------------------------------------------------------------------------

    def absolute(self, filename: str) -> str:
        """Return the absolute path of a file in coverage.py's data."""
        return os.path.realpath(os.path.join(self.directory, filename))

    def recorded_as(self, path: str) -> str:
        """Return the name under which coverage.py records a file."""
        path = os.path.realpath(path)
        start = os.path.realpath(self.directory) + os.sep
        if self.config.get_option("run:relative_files") and path.startswith(start):
            return path[len(start) :]
        return path

    def warn(self, message: str, file: str, line: int = 1) -> None:
        """Warn about a line of a file. Each message is shown once."""
        if message not in self._warned:
            self._warned.add(message)
            warnings.warn_explicit(message, CoverageWarning, file, line)

    def tag(self, data: CoverageData, name: str) -> None:
        """Tag the measured files of the language. ``name``: the plugin's registered name."""
        own = [file for file in data.measured_files() if self.is_own(self.absolute(file))]
        data.add_file_tracers({file: name for file in own if not data.file_tracer(file)})

    def touch(self, data: CoverageData, name: str) -> None:
        """Add the files of `unmeasured_files`. Done once, because reports may be written among them."""
        measured = data.measured_files()
        if measured and data not in self._touched:
            self._touched.add(data)
            unmeasured = {self.recorded_as(path) for path in self.unmeasured_files()}
            data.touch_files(sorted(unmeasured - measured), name)


class LanguageReporter(FileReporter):
    """Answers coverage.py's questions about a file, from lines and arcs that a subclass provides."""

    def __init__(self, filename: str, plugin: LanguagePlugin) -> None:
        super().__init__(filename)
        self.plugin = plugin

    # --- for subclasses ------------------------------------------------------------------------------------

    @property
    def all_lines(self) -> frozenset[int]:
        """The executable lines, with those that are excluded from the report."""
        raise NotImplementedError

    @property
    def all_arcs(self) -> frozenset[Arc]:
        """All possible arcs; negative numbers stand for entering and leaving."""
        raise NotImplementedError

    @property
    def branches(self) -> dict[int, frozenset[int]]:
        """The lines with branches, and for each the lines that can follow it."""
        raise NotImplementedError

    @property
    def excluded(self) -> frozenset[int]:
        """The executable lines that are excluded from the report."""
        return self.all_lines & matching_lines(self.plugin.config, "report:exclude_lines", self.source())

    def first_line(self, line: int) -> int:
        """Return the first line of the statement that a line is in."""
        return line

    def exit_of(self, line: int) -> int:
        """Return the negative number that stands for leaving the code that a line is in."""
        return -1

    @cached_property
    def text(self) -> str:
        """The text of the file. Raises an exception that makes the report leave the file out if there is none."""
        try:
            return Path(self.filename).read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            raise self.leave_out(f"Couldn't read {self.relative_filename()!r}: {error}") from error

    def leave_out(self, message: str, line: int = 1) -> Exception:
        """Warn the user, and return the exception that makes the report leave this file out."""
        self.plugin.warn(message, self.filename, line)
        return left_out(message)

    # --- coverage.py's interface -----------------------------------------------------------------------------

    def should_be_python(self) -> bool:
        """Called after an error: whether the error should end the report."""
        return False

    def source(self) -> str:
        """The text as coverage.py needs it, which splits it with `str.splitlines`."""
        return with_plain_newlines(self.text)

    def lines(self) -> set[int]:
        """The executable lines that are not excluded."""
        return set(self.all_lines - self.excluded)

    def excluded_lines(self) -> set[int]:
        """The executable lines that are excluded."""
        return set(self.excluded)

    def no_branch_lines(self) -> set[int]:
        """The lines whose branches are not counted."""
        config, source = self.plugin.config, self.source()
        marked = matching_lines(config, "report:partial_branches", source)
        return marked | matching_lines(config, "report:partial_branches_always", source)

    def translate_lines(self, lines: Iterable[int]) -> set[int]:
        """The executable lines for recorded ones."""
        # Older versions of coverage.py treat every returned line as executable.
        return self.lines() & {self.first_line(line) for line in lines}

    def arcs(self) -> set[Arc]:
        """All possible arcs."""
        return set(self.all_arcs)

    def translate_arcs(self, arcs: Iterable[Arc]) -> set[Arc]:
        """Normalize arcs: cores and versions differ in the line they record for entering and leaving code."""
        translated: set[Arc] = set()
        for start, end in arcs:
            if start > 0 and end > 0:
                translated.add((self.first_line(start), self.first_line(end)))
            elif start > 0:
                line = self.first_line(start)
                translated |= {(line, end), (line, self.exit_of(line))}
            elif end > 0:
                line = self.first_line(end)
                translated |= {(start, line), (self.exit_of(line), line)}
        return translated & self.all_arcs

    def exit_counts(self) -> dict[int, int]:
        """Line with a branch → the number of its outcomes."""
        excluded = self.excluded
        return {
            line: len(targets - excluded) for line, targets in self.branches.items() if line not in excluded
        }

    def missing_arc_description(
        self, start: int, end: int, executed_arcs: Iterable[Arc] | None = None
    ) -> str:
        """Describe an arc that was not taken."""
        return f"line {start} didn't {self.arc_description(start, end)}"

    def arc_description(self, start: int, end: int) -> str:
        """Describe what an arc does."""
        return f"jump to line {end}" if end > 0 else "exit the code"


class ScopeReporter(LanguageReporter):
    """The reporter for a file, which takes the lines and branches from its scopes."""

    @cached_property
    def _scopes(self) -> list[Scope]:
        try:
            return list(self.plugin.scopes(self.filename))
        except Exception as error:
            message = f"Couldn't parse {self.relative_filename()!r}: {type(error).__name__}: {error}"
            raise self.leave_out(message, getattr(error, "lineno", None) or 1) from error

    @cached_property
    def _exits(self) -> dict[int, int]:
        """Line → the exit of the code it is in: the scope's, or the first one's if it is in several."""
        exits: dict[int, int] = {}
        for scope in self._scopes:
            for flow in scope.flows(self.filename):
                for _kind, line in flow.entries:
                    exits.setdefault(line, flow.exit)
        return exits

    @cached_property
    def all_lines(self) -> frozenset[int]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The lines of all scopes."""
        return frozenset(line for scope in self._scopes for line in scope.lines(self.filename))

    @cached_property
    def _flows(self) -> tuple[frozenset[Arc], dict[int, frozenset[int]]]:
        flows = [flow for scope in self._scopes for flow in scope.flows(self.filename)]
        arcs = {arc for flow in flows for arc in flow.arcs()}
        plain = {arc for flow in flows for arc in flow.plain}
        branches = outcomes((arc for flow in flows for arc in flow.branches()), plain)
        counted = {(line, to) for line, to in arcs if line not in branches or to in branches[line]}
        return frozenset(counted), branches

    @property
    def all_arcs(self) -> frozenset[Arc]:
        """The arcs of all scopes."""
        return self._flows[0]

    @property
    def branches(self) -> dict[int, frozenset[int]]:
        """The branches of all scopes."""
        return self._flows[1]

    def exit_of(self, line: int) -> int:
        """The negative first line of the code that a line is in."""
        return self._exits.get(line, -1)

    def arc_description(self, start: int, end: int) -> str:
        """Describe what an arc does; a way out has the name of the code."""
        if end > 0:
            return f"jump to line {end}"
        names = {
            codelike.code.co_name
            for scope in self._scopes
            for codelike in scope.codelikes
            if codelike.code.co_filename == self.filename and codelike.code.co_firstlineno == -end
        }
        return f"exit {min(names)!r}" if names else "exit the code"


# --- for reporters ------------------------------------------------------------------------------------------


def option(config: Any, name: str) -> Any:
    """Return an option of coverage.py; None if this version does not have it, or without a configuration."""
    try:
        return None if config is None else config.get_option(name)
    except ConfigError:
        return None


def matching_lines(config: Any, name: str, text: str) -> set[int]:
    """Return the lines of a text that match one of the regular expressions of an option."""
    expressions = option(config, name)
    if not expressions:
        return set()
    expression = re.compile("|".join(f"(?:{each})" for each in expressions), re.MULTILINE)
    lines: set[int] = set()
    for match in expression.finditer(text):
        line = 1 + text.count("\n", 0, match.start())
        lines.update(range(line, line + 1 + match[0].count("\n")))
    return lines


def left_out(message: str) -> Exception:
    """Return an exception that makes a report leave a file out, if the file's reporter has `should_be_python`.

    Uses `coverage.exceptions.NotPython` and its handling in `get_analysis_to_report`. Without it, the
    exception ends the report as for a Python file, unless errors are ignored.
    """
    try:
        exceptions = importlib.import_module("coverage.exceptions")
        error: Exception = exceptions.NotPython(message)
        return error
    except (ImportError, AttributeError):
        return CoverageException(message)


# --- coverage.py's methods ----------------------------------------------------------------------------------

_plugins: weakref.WeakSet[LanguagePlugin] = weakref.WeakSet()
_stopped: weakref.WeakSet[Coverage] = weakref.WeakSet()


def registered(coverage: Any) -> Iterator[tuple[LanguagePlugin, str]]:
    """Yield the language plugins of a `Coverage`, and their registered names.

    Uses `Coverage._plugins`, which contains the plugins in order, wrapped for ``--debug=plugin``. The object passed
    to `configure` does not identify the `Coverage`: it is the `Coverage` or its configuration, of which
    reports have a copy.
    """
    for plugin in getattr(coverage, "_plugins", ()):
        unwrapped = getattr(plugin, "plugin", plugin)
        if isinstance(unwrapped, LanguagePlugin):
            yield unwrapped, plugin._coverage_plugin_name


def _leave_files_alone() -> None:
    """Make the sysmon core find no multi-line statements in files of a language. With branch coverage it parses
    each measured file as Python to find them: brackets would give false branches, and ``coding:`` in one of the
    first two lines would raise SyntaxError while the code runs.

    Uses `coverage.sysmon.compute_multiline_map`. Versions without it do not parse the files.
    """
    try:
        sysmon = importlib.import_module("coverage.sysmon")
        compute = sysmon.compute_multiline_map
    except (ImportError, AttributeError):
        return
    if hasattr(compute, "__wrapped__"):
        return

    @wraps(compute)
    def compute_multiline_map(filename: str) -> Any:
        return {} if any(plugin.is_own(filename) for plugin in tuple(_plugins)) else compute(filename)

    sysmon.compute_multiline_map = compute_multiline_map  # type: ignore[attr-defined]


def _wrap_coverage() -> None:
    if hasattr(Coverage.get_data, "__wrapped__"):
        return
    stop, get_data, add_arcs = Coverage.stop, Coverage.get_data, CoverageData.add_arcs

    @wraps(add_arcs)
    def adding_arcs_with_lines(
        self: CoverageData, arc_data: Mapping[str, Collection[tuple[int, int]]]
    ) -> None:
        # A generator may resume at an instruction without a line. The pytrace core records that as None, which
        # reports cannot handle.
        add_arcs(self, {file: [arc for arc in arcs if None not in arc] for file, arcs in arc_data.items()})

    @wraps(stop)
    def noting_stop(self: Coverage) -> None:
        _stopped.add(self)
        stop(self)

    @wraps(get_data)
    def tagging_get_data(self: Coverage) -> CoverageData:
        data = get_data(self)
        for plugin, name in registered(self):
            plugin.tag(data, name)
            # Only a measurement adds files: a report must not change the data.
            if self in _stopped or Coverage.current() is self:
                plugin.touch(data, name)
        return data

    Coverage.stop = noting_stop  # type: ignore[method-assign]
    CoverageData.add_arcs = adding_arcs_with_lines  # type: ignore[method-assign]
    Coverage.get_data = tagging_get_data  # type: ignore[method-assign]
