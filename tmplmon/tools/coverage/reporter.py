"""The file reporter: the answers to coverage.py's questions about one template.

Rule: the answers come from the template's code map, without the excluded lines. Recorded lines and arcs are the
template's own; a line in the middle of a statement counts as the first line of the statement.
"""

import re
import zipfile
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from coverage.plugin import CodeRegion

from tmplmon import CodeMap, TemplateSyntaxError, code_map
from tmplmon.monitoring.coverage import LanguageReporter, left_out, matching_lines, option
from tmplmon.tools.coverage.settings import Settings
from tmplmon.tools.coverage.tokens import comments, token_lines

if TYPE_CHECKING:
    from tmplmon.tools.coverage.plugin import TemplatePlugin

_HINT = (
    "If it is correct, the coverage configuration does not describe its syntax: set [tmplmon] environment ="
    " module:name"
)


class TemplateReporter(LanguageReporter):
    """Reports on the template file with the absolute path `filename`."""

    def __init__(self, filename: str, settings: Settings, plugin: "TemplatePlugin") -> None:
        super().__init__(filename, plugin)
        self._settings = settings

    # --- the source ----------------------------------------------------------------------------------------

    @cached_property
    def text(self) -> str:
        path = Path(self.filename)
        try:
            return path.read_text(self._settings.encoding)
        except OSError as error:
            if any(zipfile.is_zipfile(parent) for parent in path.parents if parent.is_file()):
                raise left_out(f"Template in an archive: {self.filename}") from error
            raise self.leave_out(
                f"There is no template {self.relative_filename()!r} ({error.strerror}). If it has moved, name its"
                " location in the section [paths]; if it was created by a test, omit it"
            ) from error
        except (UnicodeError, LookupError) as error:
            raise self.leave_out(
                f"Couldn't read the template {self.relative_filename()!r}: {error}. Set [tmplmon] encoding"
            ) from error

    @cached_property
    def _map(self) -> CodeMap:
        text = self.text
        environment = self._settings.environment_of(self.filename)
        try:
            jinja2 = self._settings.is_observed(self.filename)
            return code_map(environment, text, self.relative_filename(), self.filename, jinja2)
        except TemplateSyntaxError as error:
            raise self.leave_out(
                f"Couldn't parse the template {self.relative_filename()!r}: {error.message}. {_HINT}",
                error.lineno or 1,
            ) from error

    def source_token_lines(self) -> Iterator[list[tuple[str, str]]]:
        return token_lines(self._settings.environment_of(self.filename), self.source())

    # --- lines ---------------------------------------------------------------------------------------------

    @property
    def all_lines(self) -> frozenset[int]:
        return self._map.lines

    def first_line(self, line: int) -> int:
        return self._map.first.get(line, line)

    def multiline_map(self) -> dict[int, int]:
        """Later line of a statement or text → its first line, whose style the HTML report uses for it."""
        return self._map.further

    @cached_property
    def excluded(self) -> frozenset[int]:  # pyright: ignore[reportIncompatibleMethodOverride]
        marked = self._matching("report:exclude_lines")
        for suite in self._map.suites:
            if not marked.isdisjoint(suite.head):
                marked |= suite.lines
        return self._map.lines & self._with_first_lines(marked)

    def no_branch_lines(self) -> set[int]:
        marked = self._matching("report:partial_branches") | self._matching("report:partial_branches_always")
        return self._with_first_lines(marked)

    def _with_first_lines(self, lines: set[int]) -> set[int]:
        """Add to the lines the first lines of the statements and texts that they belong to."""
        further = self._map.further
        return lines | {further[line] for line in lines if line in further}

    def _matching(self, name: str) -> set[int]:
        """The lines that match one of the expressions of an option. In a comment, the ``#`` of an expression is
        implied, because template comments have other delimiters."""
        config, text = self.plugin.config, self.source()
        matching = matching_lines(config, name, text)
        expressions = option(config, name) or ()
        for line, comment in comments(self._settings.environment_of(self.filename), text):
            if any(re.search(expression, f"#{comment}", re.MULTILINE) for expression in expressions):
                matching.update(range(line, line + 1 + comment.count("\n")))
        return matching

    # --- branches ------------------------------------------------------------------------------------------

    @property
    def all_arcs(self) -> frozenset[tuple[int, int]]:
        return self._map.arcs

    @property
    def branches(self) -> dict[int, frozenset[int]]:
        return self._map.branches

    def missing_arc_description(
        self, start: int, end: int, executed_arcs: Iterable[tuple[int, int]] | None = None
    ) -> str:
        did_not = f"line {start} didn't {self.arc_description(start, end)}"
        reason = self._map.reasons.get((start, end))
        return f"{did_not} because {reason}" if reason else did_not

    def arc_description(self, start: int, end: int) -> str:
        return f"jump to line {end}" if end > 0 else f"exit {self._map.ends.get(start, 'the template')}"

    # --- regions -------------------------------------------------------------------------------------------

    def code_regions(self) -> Iterable[CodeRegion]:
        return [
            CodeRegion(region.kind, region.name, region.start, set(region.lines))
            for region in self._map.regions
        ]

    def code_region_kinds(self) -> Iterable[tuple[str, str]]:
        return [("block", "blocks"), ("macro", "macros")]
