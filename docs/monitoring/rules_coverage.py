"""A coverage.py plugin for the rules language: which lines of a file can run, and where its branches lead.

    [run]
    plugins = rules_coverage

Measuring needs no plugin, only reports do: without one coverage.py takes a file for Python. It asks the plugin
whose name is in the data, so the name is written there when the data is read or saved.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import rules
from coverage import Coverage, CoveragePlugin, FileReporter


class RulesReporter(FileReporter):
    """What can run in a file: read off the scope, which the events come from, too."""

    def __init__(self, filename: str) -> None:
        super().__init__(filename)
        self.scope, _ = rules.load(filename)

    def lines(self) -> set[int]:
        return set(self.scope.locations.lines_of(self.filename))

    def arcs(self) -> set[tuple[int, int]]:
        return {
            (site.line, self.line_at(offset))
            for site in self.scope.sites
            if site.kind == "branch" and site.code is self.scope.code
            for offset in (site.left, site.right)
        }

    def line_at(self, offset: int) -> int:
        """The line of an offset; -1 is coverage.py's for the end."""
        at_end = offset == self.scope.codelikes[0].end
        return -1 if at_end else self.scope.location(self.scope.code, offset).line

    def exit_counts(self) -> dict[int, int]:
        return dict.fromkeys((line for line, _ in self.arcs()), 2)


class RulesPlugin(CoveragePlugin):
    def configure(self, config: Any) -> None:
        """Called when coverage.py has been configured."""

    def file_reporter(self, filename: str) -> FileReporter:
        return RulesReporter(filename)


def name_the_plugin(get_data: Callable[[Coverage], Any]) -> Callable[[Coverage], Any]:
    @functools.wraps(get_data)
    def get_named_data(coverage: Coverage) -> Any:
        data = get_data(coverage)
        files = [file for file in data.measured_files() if file.endswith(".rules")]
        data.add_file_tracers(dict.fromkeys(files, "rules_coverage.RulesPlugin"))
        return data

    return get_named_data


def coverage_init(registry: Any, options: Any) -> None:
    registry.add_configurer(RulesPlugin())


Coverage.get_data = name_the_plugin(Coverage.get_data)
