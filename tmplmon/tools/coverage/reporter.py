"""The file reporter: the answers to coverage.py's questions about one template.

Rule: the answers come from the template's code map, without the excluded lines. Recorded lines and arcs are the
template's own; a line in the middle of a statement counts as the first line of the statement.
"""

import re
import zipfile
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coverage import FileReporter
from coverage.plugin import CodeRegion

from tmplmon import CodeMap, TemplateSyntaxError, code_map
from tmplmon.monitoring import with_plain_newlines
from tmplmon.tools.coverage.private import joined, left_out, option
from tmplmon.tools.coverage.settings import Settings
from tmplmon.tools.coverage.tokens import comments, token_lines

if TYPE_CHECKING:
    from tmplmon.tools.coverage.plugin import TemplatePlugin

_HINT = (
    "If it is correct, the coverage configuration does not describe its syntax: set [tmplmon] environment ="
    " module:name"
)
# coverage.py's line number for entry and exit.
END = -1


class TemplateReporter(FileReporter):
    """Reports on the template file with the absolute path `filename`. `config` is coverage.py's configuration."""

    def __init__(self, filename: str, settings: Settings, config: Any, plugin: "TemplatePlugin") -> None:
        super().__init__(filename)
        self._settings = settings
        self._config = config
        self._plugin = plugin

    # --- the source ----------------------------------------------------------------------------------------

    @cached_property
    def _text(self) -> str:
        path = Path(self.filename)
        try:
            return path.read_text(self._settings.encoding)
        except OSError as error:
            if any(zipfile.is_zipfile(parent) for parent in path.parents if parent.is_file()):
                raise left_out(f"Template in an archive: {self.filename}") from error
            raise self._left_out(
                f"There is no template {self.relative_filename()!r} ({error.strerror}). If it has moved, name its"
                " location in the section [paths]; if it was created by a test, omit it"
            ) from error
        except (UnicodeError, LookupError) as error:
            raise self._left_out(
                f"Couldn't read the template {self.relative_filename()!r}: {error}. Set [tmplmon] encoding"
            ) from error

    @cached_property
    def _map(self) -> CodeMap:
        text = self._text
        environment = self._settings.environment_of(self.filename)
        try:
            jinja2 = self._settings.is_observed(self.filename)
            return code_map(environment, text, self.relative_filename(), self.filename, jinja2)
        except TemplateSyntaxError as error:
            raise self._left_out(
                f"Couldn't parse the template {self.relative_filename()!r}: {error.message}. {_HINT}",
                error.lineno or 1,
            ) from error

    def _left_out(self, message: str, line: int = 1) -> Exception:
        """Warn the user, and return the exception that makes the report skip this file."""
        self._plugin.warn(message, self.filename, line)
        return left_out(message)

    def should_be_python(self) -> bool:
        """Called after an error: whether the error should end the report."""
        return False

    def source(self) -> str:
        """The text as coverage.py needs it, which splits it with `str.splitlines`."""
        return with_plain_newlines(self._text)

    def source_token_lines(self) -> Iterator[list[tuple[str, str]]]:
        return token_lines(self._settings.environment_of(self.filename), self.source())

    # --- lines ---------------------------------------------------------------------------------------------

    def lines(self) -> set[int]:
        return set(self._map.lines - self._excluded)

    def excluded_lines(self) -> set[int]:
        return set(self._excluded)

    def translate_lines(self, lines: Iterable[int]) -> set[int]:
        first = self._map.first
        # Older versions of coverage.py treat every returned line as executable.
        return self.lines() & {first.get(line, line) for line in lines}

    def multiline_map(self) -> dict[int, int]:
        """Later line of a statement or text → its first line, whose style the HTML report uses for it."""
        return self._map.further

    @cached_property
    def _excluded(self) -> frozenset[int]:
        """The executable lines that are excluded from the report."""
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
        expressions = option(self._config, name)
        if not expressions:
            return set()
        expression = re.compile(joined(expressions), re.MULTILINE)
        text = self.source()
        matching: set[int] = set()
        for match in expression.finditer(text):
            line = 1 + text.count("\n", 0, match.start())
            matching.update(range(line, line + 1 + match[0].count("\n")))
        for line, comment in comments(self._settings.environment_of(self.filename), text):
            if expression.search(f"#{comment}"):
                matching.update(range(line, line + 1 + comment.count("\n")))
        return matching

    # --- branches ------------------------------------------------------------------------------------------

    def arcs(self) -> set[tuple[int, int]]:
        return set(self._map.arcs)

    def translate_arcs(self, arcs: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
        """Normalize arcs: cores and versions differ in the line they record for the entry and exit of a
        function."""
        first = self._map.first
        mapped = (tuple(first.get(line, line) if line > 0 else END for line in arc) for arc in arcs)
        return {(start, end) for start, end in mapped} & self._map.arcs

    def exit_counts(self) -> dict[int, int]:
        excluded = self._excluded
        return {
            line: len(targets - excluded)
            for line, targets in self._map.branches.items()
            if line not in excluded
        }

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
