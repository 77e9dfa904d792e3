"""Breakpoints in templates: on a line of a template given by name or path, with conditions in either language.

Rule: a breakpoint is moved to the next line with code when it is set. If the template is not loaded yet, it
is moved when the template starts to run.
"""

# The base class has no type annotations.
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
    """The part of the debugger that handles breakpoints."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._adjusted: set[str] = set()  # files whose breakpoints have been moved to lines with code

    def lookupmodule(self, filename: str) -> str | None:
        if not filename.endswith(".py"):
            template_file = self._find(filename)
            if template_file is not None:
                return template_file.file
        return super().lookupmodule(filename)

    def _find(self, name: str) -> locations.TemplateFile | None:
        try:
            return locations.find(name, self._environments())
        except locations.LocationError as problem:
            self.error(str(problem))
            return None

    def checkline(self, filename: str, lineno: int, *more: Any) -> int:
        template = self._template_of_file(filename)
        if template is None:
            return super().checkline(filename, lineno, *more)
        try:
            return locations.next_line_with_code(template, lineno)
        except locations.LocationError as problem:
            self.error(str(problem))
            return 0

    def _template_of_file(self, filename: str) -> Template | None:
        if filename.endswith(".py"):
            return None
        if self.template is not None and locations.file_of(self.template) == filename:
            return self.template
        for environment in locations.environments(self._environments()):
            for _, template in list((environment.cache or {}).values()):
                if locations.file_of(template) == filename:
                    return template
        template_file = self._find(filename)
        return None if template_file is None else template_file.template

    def _adjust_breaks(self, template: Template) -> None:
        """Move breakpoints that were set before the template was loaded to lines with code."""
        file = self.canonic(locations.file_of(template))
        if file in self._adjusted or file not in self.breaks:
            return
        self._adjusted.add(file)
        for line in list(self.breaks[file]):
            try:
                target = locations.next_line_with_code(template, line)
            except locations.LocationError:
                continue
            if target != line:
                moved = bdb.Breakpoint.bplist.pop((file, line), [])
                for breakpoint in moved:
                    breakpoint.line = target
                bdb.Breakpoint.bplist.setdefault((file, target), []).extend(moved)
                self.breaks[file].remove(line)
                self._add_to_breaks(file, target)

    def set_break(self, filename: str, lineno: int, *args: Any, **kwargs: Any) -> str | None:
        self._register_source(self._template_of_file(filename))
        self._adjusted.discard(self.canonic(filename))
        return super().set_break(filename, lineno, *args, **kwargs)

    def break_here(self, frame: FrameType) -> bool:
        """Like `bdb`, with conditions in either language. A condition that raises is reported, and stops."""
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
