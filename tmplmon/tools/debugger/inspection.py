"""Inspection at the prompt: values, the template's source, the stack."""

# The base class has no type annotations.
# mypy: disable-error-code="no-any-return"

import linecache
from collections.abc import Sequence
from types import CodeType, FrameType
from typing import Any

from tmplmon import Template
from tmplmon.monitoring import remember_source, split_lines
from tmplmon.monitoring.announced import with_nested
from tmplmon.monitoring.linetable import iter_lines
from tmplmon.tools.debugger import locations, source
from tmplmon.tools.debugger.breakpoints import Breakpoints
from tmplmon.tools.debugger.expressions import evaluate, is_expression
from tmplmon.tools.debugger.frames import Names, template_of
from tmplmon.tools.debugger.stepping import HAS_BACKENDS


class Inspection(Breakpoints):
    """The part of the debugger that shows values and source.

    window: the number of lines shown before and after the current one. colour: whether source is coloured.
    """

    window = 0
    colour = False
    _shows_stack = False
    stack: list[tuple[FrameType, int]]
    curindex: int
    curframe: Any = None  # Python 3.13 has none before it stops

    # --- values --------------------------------------------------------------------------------------------

    def _getval(self, arg: str) -> Any:
        if self.template is None:
            return super()._getval(arg)
        try:
            return evaluate(arg, self.curframe)
        except BaseException:
            self._error_exc()
            raise

    def _getval_except(self, arg: str, frame: FrameType | None = None) -> Any:
        frame = self.curframe if frame is None else frame
        assert frame is not None
        if template_of(frame) is None:
            return super()._getval_except(arg, frame)
        try:
            return evaluate(arg, frame)
        except BaseException as error:
            return _Raw(f"** raised {self._format_exc(error)} **")

    def default(self, line: str) -> bool | None:
        """Run a line that is not a command. In a template an expression of either language is evaluated and
        shown."""
        text = line.removeprefix("!").strip()
        template = self.template
        if template is None or not is_expression(text, template.environment):
            return super().default(line)
        try:
            self.displayhook(evaluate(text, self.curframe))
        except BaseException:
            self._error_exc()
        return None

    def _exec_in_closure(self, source: str, globals: dict[str, Any], locals: Any) -> bool:
        if self.template is not None:
            locals = Names(self.curframe)
        return super()._exec_in_closure(source, globals, locals)

    # --- source --------------------------------------------------------------------------------------------

    def _register_source(self, template: Template | None) -> None:
        """Make the source of a template available to `linecache`, if it cannot read the file itself."""
        if template is None:
            return
        file = locations.file_of(template)
        if not linecache.getlines(file):
            remember_source(file, template.get_source(""))

    def setup(self, f: FrameType | None, tb: Any) -> Any:
        self._stopped_at = f, tb
        result = super().setup(f, tb)
        self._register_source(self.template)
        return result

    def refresh_stack(self) -> None:
        """Compute the stack again after the choice of visible frames has changed. Keeps the current frame."""
        current = self.curframe
        self.stack, self.curindex = self.get_stack(*self._stopped_at)
        frames = [frame for frame, _ in self.stack]
        self.curindex = frames.index(current) if current in frames else self.curindex
        self.curframe = frames[self.curindex]
        if not HAS_BACKENDS:
            self.curframe_locals = self.curframe.f_locals

    def _print_lines(
        self, lines: Sequence[str], start: int, breaks: Sequence[int] = (), frame: FrameType | None = None
    ) -> None:
        template = None if frame is None else template_of(frame)
        if template is None or frame is None:
            super()._print_lines(lines, start, breaks, frame)
        else:
            self._show_lines(template, frame, start, start + len(lines) - 1, self._line_of(frame))

    def do_list(self, arg: str) -> Any:
        frame = self.curframe
        if frame is not None and frame.f_lineno is None and (arg == "." or (not arg and self.lineno is None)):
            arg = str(max(1, self._line_of(frame) - 5))  # `pdb` expects every frame to have a line
        return super().do_list(arg)

    do_l = do_list

    def _line_of(self, frame: FrameType) -> int:
        """The current line of a frame in the stack; for post-mortem, the line of the traceback."""
        return next((line for each, line in self.stack if each is frame), frame.f_lineno)

    def _show_lines(self, template: Template, frame: FrameType, first: int, last: int, current: int) -> None:
        lines = source.lines_of(template, self.colour)
        breaks = self.get_file_breaks(frame.f_code.co_filename)
        for line in source.numbered(lines, first, last, current, breaks, self.colour):
            self.message(line)

    def _getsourcelines(self, obj: Any) -> tuple[list[str], int]:
        """For `longlist`: the whole file for a template's body, the lines with code for a block or macro."""
        template = template_of(obj) if isinstance(obj, FrameType) else None
        if template is None:
            return super()._getsourcelines(obj)
        lines = [f"{line}\n" for line in split_lines(template.get_source(""))]
        code = obj.f_code
        if code.co_qualname == "<template>":
            return lines, 1
        last = max(_lines_in(code), default=code.co_firstlineno)
        return lines[code.co_firstlineno - 1 : last], code.co_firstlineno

    def format_stack_entry(self, frame_lineno: tuple[FrameType, int], lprefix: str = ": ") -> str:
        frame, line = frame_lineno
        template = template_of(frame)
        if template is None:
            return super().format_stack_entry(frame_lineno, lprefix)
        lines = source.lines_of(template, self.colour)
        text = lines[line - 1].strip() if 0 < line <= len(lines) else ""
        entry = self._entry(template, frame, line)
        return f"{entry}{lprefix}{text}" if text else entry

    def _entry(self, template: Template, frame: FrameType, line: int) -> str:
        return f"{self.format_location(template, line)} {frame.f_code.co_name}"

    def format_location(self, template: Template, line: int) -> str:
        """The text for a line of a template."""
        return f"{self.canonic(locations.file_of(template))}({line})"

    def print_stack_entry(self, frame_lineno: tuple[FrameType, int], *prefix: str) -> None:
        frame, line = frame_lineno
        template = template_of(frame)
        if template is None or not self.window or self._shows_stack:
            super().print_stack_entry(frame_lineno, *prefix)
            return
        self.message(source.strong(f"> {self._entry(template, frame, line)}", self.colour))
        self._show_lines(template, frame, line - self.window, line + self.window, line)

    def print_stack_trace(self, *count: Any) -> None:
        self._shows_stack = count != (0,)  # Python 3.14 passes 0 for the current frame only
        try:
            super().print_stack_trace(*count)
        finally:
            self._shows_stack = False


class _Raw(str):
    """A text whose repr has no quotes."""

    def __repr__(self) -> str:
        return str(self)


def _lines_in(code: CodeType) -> set[int]:
    """Return the lines of a code object and of the code objects nested in it."""
    return {line for each in with_nested(code) for _, _, line in iter_lines(each)}
