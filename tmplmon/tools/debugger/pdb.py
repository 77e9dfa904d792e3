"""Python's own debugger, at home in templates.

What `pdb` does in Python files it does in templates; this class adds what it cannot know:

    break page.html:4, …     a template by its name or path; the next line with code
    where, up, down          the engine's frames are left out, and steps do not stop in them (`engine on` shows them)
    p, display, conditions   template expressions too, and names that only the context has
    list, longlist           the template's source, coloured on a terminal
    output, context          the output so far, and what the template was given
    jump                     refused: a template cannot go on elsewhere

Rule: what is about Python frames is left to `pdb`. Stepping stops at lines, not at the calls and returns of
templates: they have no `def` line, and nothing to return. (`return` and `until` do stop where a template ends.)

Works with `backend="monitoring"` too, from Python 3.14 on.
"""

import bdb
import linecache
import pdb
import pprint
import reprlib
import sys
from collections.abc import Sequence
from types import CodeType, FrameType
from typing import IO, Any

from tmplmon import Environment, Template
from tmplmon.tools.debugger import locations, source
from tmplmon.tools.debugger.expressions import evaluate, is_expression
from tmplmon.tools.debugger.frames import (
    Names,
    context_of,
    given_names,
    is_engine,
    is_scope_frame,
    nearest_template,
    outputs,
    template_of,
)

_GENERATORS = 0x20 | 0x80 | 0x200  # CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR
HAS_BACKENDS = sys.version_info >= (3, 14)


class Pdb(pdb.Pdb):
    """`pdb.Pdb` for programs with templates. The arguments are those of `pdb.Pdb`, and:

    environment: whose templates are looked at first for the names of breakpoints; by default those of the
        templates that are running, then all there are.
    window: how many lines of a template are shown before and after the one it stops at.
    colour: whether source is coloured; by default if the output is a terminal (see NO_COLOR, FORCE_COLOR).
    backend: "settrace" or, from Python 3.14 on, "monitoring".
    """

    def __init__(
        self,
        *args: Any,
        environment: Environment | None = None,
        window: int = 0,
        colour: bool | None = None,
        backend: str | None = None,
        **kwargs: Any,
    ) -> None:
        if HAS_BACKENDS:
            kwargs["backend"] = backend
        elif backend not in (None, "settrace"):
            raise ValueError(f"pdb has no back end {backend!r} before Python 3.14")
        super().__init__(*args, **kwargs)
        self.environment = environment
        self.window = window
        self.colour = source.wants_colour(self.stdout) if colour is None else colour
        self.shows_engine = False
        self._settled: set[str] = set()  # files whose breakpoints are on lines with code

    # --- frames --------------------------------------------------------------------------------------------

    def hides(self, frame: FrameType) -> bool:
        """Whether a frame is left out and not stopped in."""
        return not self.shows_engine and is_engine(frame)

    def get_stack(self, f: FrameType | None, t: Any) -> tuple[list[tuple[FrameType, int]], int]:
        stack, index = super().get_stack(f, t)
        if f is None:
            # After the fact: the innermost that is not the engine's.
            while index and self.hides(stack[index][0]):
                index -= 1
        kept = [n for n, (frame, _) in enumerate(stack) if n == index or not self.hides(frame)]
        return [stack[n] for n in kept], kept.index(index)

    def _set_caller_tracefunc(self, current_frame: FrameType) -> None:
        """The next frame that can be stopped in is traced, across those of the engine."""
        frame = current_frame.f_back
        while frame is not None and self.hides(frame) and frame is not self.botframe:
            frame = frame.f_back
        if frame is not None and not frame.f_trace:
            frame.f_trace = self.trace_dispatch

    @property
    def template(self) -> Template | None:
        """The template of the current frame."""
        return None if self.curframe is None else template_of(self.curframe)

    def _environments(self) -> list[Environment]:
        """Those to ask first for a template: of the templates that are running, then the one given."""
        template = self.template
        if template is None:
            frame = nearest_template(self.curframe)
            template = None if frame is None else template_of(frame)
        own = [] if template is None else [template.environment]
        return own if self.environment is None else [*own, self.environment]

    # --- stopping ------------------------------------------------------------------------------------------

    def stop_here(self, frame: FrameType) -> bool:
        return not self.hides(frame) and super().stop_here(frame)

    def dispatch_call(self, frame: FrameType, arg: Any) -> Any:
        template = template_of(frame) if self.breaks else None
        if template is not None:
            self._settle_breaks(template)
        return super().dispatch_call(frame, arg)

    def user_call(self, frame: FrameType, argument_list: Any) -> None:
        if template_of(frame) is None:
            super().user_call(frame, argument_list)

    def dispatch_return(self, frame: FrameType, arg: Any) -> Any:
        suspends = frame.f_code.co_flags & _GENERATORS and not is_scope_frame(frame)
        if template_of(frame) is None or suspends:
            return super().dispatch_return(frame, arg)
        if frame is self.returnframe:
            self.stopframe = None  # else a scope's frame counts as one of a generator, which goes on
            return super().dispatch_return(frame, arg)
        if self.stop_here(frame):
            self._set_stopinfo(None, None)
            self._set_caller_tracefunc(frame)
        return self.trace_dispatch

    def dispatch_exception(self, frame: FrameType, arg: Any) -> Any:
        if template_of(frame) is not None and is_handled(frame, arg[1]):
            return self.trace_dispatch
        return super().dispatch_exception(frame, arg)

    def set_return(self, frame: FrameType) -> None:
        if is_scope_frame(frame):
            self._set_stopinfo(frame.f_back, frame)
        else:
            super().set_return(frame)

    def user_return(self, frame: FrameType, return_value: Any) -> None:
        if template_of(frame) is None:
            super().user_return(frame, return_value)
        else:
            self.message("--Return--")
            self.interaction(frame, None)

    def set_trace(self, frame: FrameType | None = None, **kwargs: Any) -> None:
        """Stop here; in a template's frame at once, at the line that is running."""
        if frame is None:
            frame = sys._getframe().f_back
        assert frame is not None
        if template_of(frame) is None:
            super().set_trace(frame, **kwargs)
            return
        if self.enterframe is not None and HAS_BACKENDS:
            return  # called from the prompt
        for command in kwargs.get("commands") or ():
            self.rcLines.append(command)
        # `set_trace` makes all frames traced, and the next event stop. There need not be one on this line, so it
        # is made; until it has been dealt with, nothing else may be.
        super().set_trace(frame)
        self._stop_tracing()
        self._set_stopinfo(None, None)
        self.trace_dispatch(frame, "line", None)
        if not self.quitting and (self.breaks or self.stoplineno != -1):
            self._start_tracing()

    def _start_tracing(self) -> None:
        if HAS_BACKENDS:
            self.start_trace()
        else:
            sys.settrace(self.trace_dispatch)

    def _stop_tracing(self) -> None:
        if HAS_BACKENDS:
            self.stop_trace()
        else:
            sys.settrace(None)

    # --- breakpoints ---------------------------------------------------------------------------------------

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
                    return template  # type: ignore[no-any-return]
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
        environments = self._environments()
        if environments and is_expression(expr, environments[0]):
            return ""
        return super()._compile_error_message(expr)

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
        frame = frame or self.curframe
        if template_of(frame) is None:
            return super()._getval_except(arg, frame)
        try:
            return evaluate(arg, frame)
        except BaseException as error:
            return _Raw(f"** raised {self._format_exc(error)} **")

    def default(self, line: str) -> bool | None:
        """What is no command: an expression is shown, in a template one of either language."""
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

    def _know_lines(self, template: Template | None) -> None:
        """`linecache` reads files as Python's; what it cannot read so, or cannot find, it is told."""
        if template is None:
            return
        file = locations.file_of(template)
        if not linecache.getlines(file):
            text = template.get_source("")
            linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file

    def setup(self, f: FrameType | None, tb: Any) -> Any:
        result = super().setup(f, tb)
        self._know_lines(self.template)
        return result

    def _print_lines(
        self, lines: Sequence[str], start: int, breaks: Sequence[int] = (), frame: FrameType | None = None
    ) -> None:
        template = None if frame is None else template_of(frame)
        if template is None or frame is None:
            super()._print_lines(lines, start, breaks, frame)
        else:
            self._show_lines(template, frame, start, start + len(lines) - 1, self._line_of(frame))

    def _line_of(self, frame: FrameType) -> int:
        """The line a frame of the stack is at; after the fact, that of the traceback."""
        return next((line for each, line in self.stack if each is frame), frame.f_lineno)

    def _show_lines(self, template: Template, frame: FrameType, first: int, last: int, current: int) -> None:
        lines = source.lines_of(template, self.colour)
        breaks = self.get_file_breaks(frame.f_code.co_filename)
        for line in source.numbered(lines, first, last, current, breaks, self.colour):
            self.message(line)

    def _getsourcelines(self, obj: Any) -> tuple[list[str], int]:
        """For `longlist`: a template's body is the whole file, a block or macro the lines of it with code."""
        template = template_of(obj) if isinstance(obj, FrameType) else None
        if template is None:
            return super()._getsourcelines(obj)
        lines = template.get_source("").splitlines(keepends=True)
        code = obj.f_code
        if code.co_name == "<template>":
            return lines, 1
        last = max(_lines_in(code), default=code.co_firstlineno)
        return lines[code.co_firstlineno - 1 : last], code.co_firstlineno

    def format_stack_entry(self, frame_lineno: tuple[FrameType, int], lprefix: str = ": ") -> str:
        frame, line = frame_lineno
        template = template_of(frame)
        if template is None:
            return super().format_stack_entry(frame_lineno, lprefix)
        entry = f"{self._shown(template)} {frame.f_code.co_name}".replace("()", f"({line})", 1)
        lines = source.lines_of(template, self.colour)
        text = lines[line - 1].strip() if 0 < line <= len(lines) else ""
        return f"{entry}{lprefix}{text}" if text else entry

    def _shown(self, template: Template) -> str:
        """How a template's place is written, with `()` for the line."""
        return f"{self.canonic(locations.file_of(template))}()"

    def print_stack_entry(
        self, frame_lineno: tuple[FrameType, int], prompt_prefix: str = pdb.line_prefix
    ) -> None:
        frame, line = frame_lineno
        template = template_of(frame)
        if template is None or not self.window or frame is not self.curframe or self._tracing_stack:
            super().print_stack_entry(frame_lineno, prompt_prefix)
            return
        self.message(f"> {self.format_stack_entry(frame_lineno).partition(': ')[0]}")
        self._show_lines(template, frame, line - self.window, line + self.window, line)

    _tracing_stack = False

    def print_stack_trace(self, *args: Any) -> None:
        self._tracing_stack = True
        try:
            super().print_stack_trace(*args)
        finally:
            self._tracing_stack = False

    # --- commands ------------------------------------------------------------------------------------------

    def do_jump(self, arg: str) -> Any:
        """j(ump) lineno

        Set the next line that will be executed. Not in templates.
        """
        if self.template is None:
            return super().do_jump(arg)
        self.error("A template cannot jump: what a line needs may have been made by those before it")
        return None

    do_j = do_jump

    def do_args(self, arg: str) -> Any:
        """a(rgs)

        Print the argument list of the current function; in a template, its variables.
        """
        if self.template is None:
            return super().do_args(arg)
        names = Names(self.curframe)
        for name in names:
            self.message(f"{name} = {self._safe_repr(names[name], name)}")
        return None

    do_a = do_args

    def do_output(self, arg: str) -> None:
        """output [all]

        Show the end of what the page has put out so far, or all of it. What is still being collected, in a
        macro or a block with a filter, comes after it.
        """
        found = outputs(self.curframe)
        if not found:
            self.error("No template is running here")
        for number, (frame, text) in enumerate(found):
            if number:
                self.message(f"-- collected in {frame.f_code.co_name}, not put out yet:")
            lines = text.split("\n")
            if len(lines) > _MOST_LINES and arg != "all":
                self.message(f"-- {len(lines) - _MOST_LINES} lines before this; `output all` shows them")
                lines = lines[-_MOST_LINES:]
            self.message("\n".join(lines))

    def do_context(self, arg: str) -> None:
        """context [name]

        Show what the template was given and what it has set at its top level, or one of these in full.
        """
        context = context_of(self.curframe)
        if context is None:
            self.error("No template is running here")
            return
        names = given_names(context)
        if not arg:
            width = max(map(len, names), default=0)
            for name, value in names.items():
                self.message(f"{name:{width}} = {reprlib.repr(value)}")
        elif arg in names or arg in context:
            self.message(pprint.pformat(context[arg]))
        else:
            self.error(f"The context has no {arg!r}")

    def do_engine(self, arg: str) -> None:
        """engine [on | off]

        Show and step into the engine's own frames, or leave them out again.
        """
        if arg not in ("", "on", "off"):
            self.error("engine on, or engine off")
            return
        if arg:
            self.shows_engine = arg == "on"
            if self.curframe is not None:
                current = self.curframe
                self.stack, self.curindex = self.get_stack(self.stack[-1][0], None)
                self.curindex = next((n for n, (f, _) in enumerate(self.stack) if f is current), self.curindex)
        self.message(f"The engine's frames are {'shown' if self.shows_engine else 'left out'}")

    # --- completion ----------------------------------------------------------------------------------------

    def _complete_location(self, text: str, line: str, begidx: int, endidx: int) -> list[str]:
        found: list[str] = super()._complete_location(text, line, begidx, endidx)
        if not line.strip().endswith((":", ",")):
            names = locations.template_names(self._environments())
            found += [f"{name}:" for name in names if name.startswith(text)]
        return found

    complete_break = complete_b = complete_tbreak = complete_clear = complete_cl = _complete_location

    def _complete_expression(self, text: str, line: str, begidx: int, endidx: int) -> list[str]:
        if self.template is None or text.startswith("$"):
            return super()._complete_expression(text, line, begidx, endidx)  # type: ignore[no-any-return]
        *path, last = text.split(".")
        if not path:
            context = context_of(self.curframe)
            known = {**(given_names(context) if context is not None else {}), **Names(self.curframe)}
            return sorted(name for name in known if name.startswith(last))
        try:
            value = evaluate(".".join(path), self.curframe)
        except Exception:
            return []
        names = [*value, *dir(value)] if isinstance(value, dict) else dir(value)
        start = ".".join(path)
        return [
            f"{start}.{name}"
            for name in names
            if isinstance(name, str) and name.startswith(last) and (last or not name.startswith("_"))
        ]

    complete_print = complete_p = complete_pp = complete_whatis = complete_display = _complete_expression

    def completedefault(self, text: str, line: str, begidx: int, endidx: int) -> list[str]:  # type: ignore[override]
        if self.template is None:
            return super().completedefault(text, line, begidx, endidx)  # type: ignore[return-value,func-returns-value]
        return self._complete_expression(text, line, begidx, endidx)

    def complete_context(self, text: str, line: str, begidx: int, endidx: int) -> list[str]:
        context = context_of(self.curframe)
        return [] if context is None else [name for name in given_names(context) if name.startswith(text)]

    def complete_engine(self, text: str, line: str, begidx: int, endidx: int) -> list[str]:
        return [word for word in ("on", "off") if word.startswith(text)]

    def complete_output(self, text: str, line: str, begidx: int, endidx: int) -> list[str]:
        return [word for word in ("all",) if word.startswith(text)]


_MOST_LINES = 20


class _Raw(str):
    """A text that is shown without quotes."""

    def __repr__(self) -> str:
        return str(self)


def _lines_in(code: CodeType) -> set[int]:
    """The lines of a code object and of those in it."""
    found = {line for _, _, line in code.co_lines() if line}
    for const in code.co_consts:
        if isinstance(const, CodeType):
            found |= _lines_in(const)
    return found


def is_handled(frame: FrameType, error: BaseException) -> bool:
    """Whether an exception that a template's frame sees is one that it handles itself.

    A template has no ``try``: an attribute that turns out to be an item, and the end of a loop's iterator, are the
    engine's business. They are told from others by the code: a handler covers the instruction.
    """
    if isinstance(error, StopIteration):
        return True
    if not isinstance(error, (AttributeError, KeyError)):
        return False
    return _is_covered(frame.f_code, frame.f_lasti)


def _is_covered(code: CodeType, offset: int) -> bool:
    """Whether an ``except`` covers an instruction."""
    import dis

    handlers = {entry.target for entry in dis.Bytecode(code).exception_entries if entry.start <= offset < entry.end}
    return any(
        instruction.opname == "PUSH_EXC_INFO"
        for instruction in dis.get_instructions(code)
        if instruction.offset in handlers
    )
