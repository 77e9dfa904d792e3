"""Breakpoints in templates: on a line with code of a template by name or path, with a condition in either language.

Rule: a breakpoint is moved to the next line with code when it is set, or, if the template is not known yet, when
it begins to run.
"""

# What the base class gives is unknown to type checkers.
# mypy: disable-error-code="no-any-return"

import bdb
from types import FrameType
from typing import Any

from tmplmon import Template
from tmplmon.tools.debugger import locations
from tmplmon.tools.debugger.expressions import evaluate, is_expression
from tmplmon.tools.debugger.frames import template_of
from tmplmon.tools.debugger.stepping import Stepping


class Breakpoints(Stepping):
    """Breakpoints."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._settled: set[str] = set()  # files whose breakpoints are on lines with code

    def lookupmodule(self, filename: str) -> str | None:
        if not filename.endswith(".py"):
            place = self._find(filename)
            if place is not None:
                return place.file
        return super().lookupmodule(filename)

    def _find(self, what: str) -> locations.Place | None:
        try:
            return locations.find(what, self._environments())
        except locations.NoPlace as problem:
            self.error(str(problem))
            return None

    def checkline(self, filename: str, lineno: int, *more: Any) -> int:
        template = self._template_of_file(filename)
        if template is None:
            return super().checkline(filename, lineno, *more)
        try:
            return locations.snapped(template, lineno)
        except locations.NoPlace as problem:
            self.error(str(problem))
            return 0

    def _template_of_file(self, filename: str) -> Template | None:
        if filename.endswith(".py"):
            return None
        if self.template is not None and locations.file_of(self.template) == filename:
            return self.template
        for environment in locations.environments(self._environments()):
            for _, template in (environment.cache or {}).values():
                if locations.file_of(template) == filename:
                    return template
        place = self._find(filename)
        return None if place is None else place.template

    def _settle_breaks(self, template: Template) -> None:
        """A template begins to run: breakpoints that were set before it was known are put on lines with code."""
        file = self.canonic(locations.file_of(template))
        if file in self._settled or file not in self.breaks:
            return
        self._settled.add(file)
        for line in list(self.breaks[file]):
            try:
                there = locations.snapped(template, line)
            except locations.NoPlace:
                continue
            if there != line:
                moved = bdb.Breakpoint.bplist.pop((file, line), [])
                for breakpoint in moved:
                    breakpoint.line = there
                bdb.Breakpoint.bplist.setdefault((file, there), []).extend(moved)
                self.breaks[file].remove(line)
                self._add_to_breaks(file, there)

    def set_break(self, filename: str, lineno: int, *args: Any, **kwargs: Any) -> str | None:
        self._know_lines(self._template_of_file(filename))
        self._settled.discard(self.canonic(filename))
        return super().set_break(filename, lineno, *args, **kwargs)

    def break_here(self, frame: FrameType) -> bool:
        """As in `bdb`, with conditions in either language; those that fail stop too, and are told of."""
        if template_of(frame) is None:
            return super().break_here(frame)
        file = self.canonic(frame.f_code.co_filename)
        for breakpoint in bdb.Breakpoint.bplist.get((file, frame.f_lineno), ()):
            if not breakpoint.enabled:
                continue
            breakpoint.hits += 1
            failed = False
            if breakpoint.cond:
                try:
                    if not evaluate(breakpoint.cond, frame):
                        continue
                except Exception as error:
                    self.message(f"The condition of breakpoint {breakpoint.number} failed: {error!r}")
                    failed = True
            if breakpoint.ignore > 0 and not failed:
                breakpoint.ignore -= 1
                continue
            self.currentbp = breakpoint.number
            if breakpoint.temporary and not failed:
                self.do_clear(str(breakpoint.number))
            return True
        return False

    def _compile_error_message(self, expr: str) -> str:
        known = locations.environments(self._environments())
        if known and is_expression(expr, known[0]):
            return ""
        return super()._compile_error_message(expr)
