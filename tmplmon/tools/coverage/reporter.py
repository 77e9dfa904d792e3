"""What coverage.py's reports ask of one template file.

Rule: the answers are those of the template's code map, less what is excluded. Recorded lines and arcs are the
template's own already; a line in the middle of a statement counts as the one where the statement begins.
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
    "If it is right, its syntax is one that the coverage configuration does not name: say [tmplmon] environment ="
    " module:name"
)
# What coverage.py has for the place before the first line and after the last.
END = -1


class TemplateReporter(FileReporter):
    """The reporter of the template file with this absolute path. `config` is coverage.py's."""

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
                f"There is no template {self.relative_filename()!r} ({error.strerror}). If it is somewhere else"
                " now, say where in the section [paths]; if it was made for a test, omit it"
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
            return code_map(environment, text, self.relative_filename(), self.filename)
        except TemplateSyntaxError as error:
            raise self._left_out(
                f"Couldn't parse the template {self.relative_filename()!r}: {error.message}. {_HINT}",
                error.lineno or 1,
            ) from error

    def _left_out(self, message: str, line: int = 1) -> Exception:
        """Tells the user, and gives what leaves this file out of the report."""
        self._plugin.warn(message, self.filename, line)
        return left_out(message)

    def should_be_python(self) -> bool:
        """Asked after an error: whether it should end the report."""
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
        # Older versions of coverage.py take all that is given here for lines that count.
        return self.lines() & {first.get(line, line) for line in lines}

    def multiline_map(self) -> dict[int, int]:
        """Further line of a statement or text → its first, which the HTML report shows it like."""
        return self._map.further

    @cached_property
    def _excluded(self) -> frozenset[int]:
        """The executable lines that are not to count."""
        marked = self._matching("report:exclude_lines")
        for suite in self._map.suites:
            if not marked.isdisjoint(suite.head):
                marked |= suite.lines
        return self._map.lines & self._begun(marked)

    def no_branch_lines(self) -> set[int]:
        marked = self._matching("report:partial_branches") | self._matching("report:partial_branches_always")
        return self._begun(marked)

    def _begun(self, lines: set[int]) -> set[int]:
        """The lines, with those where what is on them begins."""
        further = self._map.further
        return lines | {further[line] for line in lines if line in further}

    def _matching(self, name: str) -> set[int]:
        """The lines that one of the expressions of an option matches. In a comment it need not see the ``#``, which
        delimiters of another kind do not have."""
        expressions = option(self._config, name)
        if not expressions:
            return set()
        expression = re.compile(joined(expressions), re.MULTILINE)
        text = self.source()
        found: set[int] = set()
        for match in expression.finditer(text):
            line = 1 + text.count("\n", 0, match.start())
            found.update(range(line, line + 1 + match[0].count("\n")))
        for line, comment in comments(self._settings.environment_of(self.filename), text):
            if expression.search(f"#{comment}"):
                found.update(range(line, line + 1 + comment.count("\n")))
        return found

    # --- branches ------------------------------------------------------------------------------------------

    def arcs(self) -> set[tuple[int, int]]:
        return set(self._map.arcs)

    def translate_arcs(self, arcs: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
        """Which line a function that is entered or left begins on is recorded differently by cores and versions."""
        first = self._map.first
        mapped = (tuple(first.get(line, line) if line > 0 else END for line in arc) for arc in arcs)
        return {(start, end) for start, end in mapped} & self._map.arcs

    def exit_counts(self) -> dict[int, int]:
        excluded = self._excluded
        return {
            line: len(ways - excluded) for line, ways in self._map.branches.items() if line not in excluded
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
