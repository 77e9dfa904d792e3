"""A coverage.py plugin for the rules language: executable lines, and the destinations of branches.

    [run]
    plugins = rules_coverage

Only reports need the plugin: without it, coverage.py parses a rules file as Python. coverage.py uses the plugin
that the data names for a file, so the name is added whenever the data is read or saved.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import rules
from coverage import Coverage, CoveragePlugin, FileReporter


class RulesReporter(FileReporter):
    """Reads the lines and branches of a file from the scope, which also defines the events."""

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
        """The line of an offset. coverage.py represents the end of the code by -1."""
        at_end = offset == self.scope.codelikes[0].end
        return -1 if at_end else self.scope.location(self.scope.code, offset).line

    def exit_counts(self) -> dict[int, int]:
        return dict.fromkeys((line for line, _ in self.arcs()), 2)


class RulesPlugin(CoveragePlugin):
    def configure(self, config: Any) -> None:
        """Nothing has to be configured."""

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
