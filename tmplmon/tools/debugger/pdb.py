"""Python's own debugger, extended for templates.

`pdb` works in templates as it does in Python files. This class adds:

    break page.html:4, …     a template by name or path; moved to the next line with code
    where, up, down          without the engine's frames; steps do not stop there either (`engine on` shows them)
    p, display, conditions   also template expressions, and names that only the context has
    list, longlist           the template's source, coloured on a terminal
    output, context          the output so far, and the variables of the template
    jump                     refused: a template cannot continue at another line

Rule: everything about Python frames is left to `pdb`. Stepping stops at lines, not at calls and returns of
templates, which have no `def` line and no return value. (`return` and `until` do stop at the end of a template.)

Also works with `backend="monitoring"`, from Python 3.14 on.
"""

# The base class has no type annotations.
# mypy: disable-error-code="no-any-return"

import pprint
import reprlib
from typing import Any

from tmplmon import Environment
from tmplmon.tools.debugger import locations, source
from tmplmon.tools.debugger.expressions import evaluate
from tmplmon.tools.debugger.frames import Names, context_of, outputs, variables_of
from tmplmon.tools.debugger.inspection import Inspection
from tmplmon.tools.debugger.stepping import HAS_BACKENDS

_MAX_LINES = 20
"""The number of lines that `output` shows without `all`."""

_SHORT = reprlib.Repr(maxstring=70, maxother=70)


class Pdb(Inspection):
    """`pdb.Pdb` for programs with templates. It takes the arguments of `pdb.Pdb`, and:

    environment: the environment that is searched first for the templates of breakpoints, after those of the running
        templates and before all others.
    window: the number of lines shown before and after the line at which it stops.
    colour: whether source is coloured; by default if the output is a terminal (see NO_COLOR, FORCE_COLOR).
    backend: "settrace" or, from Python 3.14 on, "monitoring".

    Raises ValueError for "monitoring" on Python 3.13.
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

    # --- commands ------------------------------------------------------------------------------------------

    def do_jump(self, arg: str) -> Any:
        """j(ump) lineno

        Set the next line that will be executed. Not in templates.
        """
        if self.template is None:
            return super().do_jump(arg)
        self.error("A template cannot jump: a line may need values that earlier lines compute")
        return None

    do_j = do_jump

    def do_args(self, arg: str) -> Any:
        """a(rgs)

        Print the argument list of the current function; in a template, its variables.
        """
        if self.template is None:
            return super().do_args(arg)
        names = Names(self.curframe)
        for name in sorted(names):
            self.message(f"{name} = {self._safe_repr(names[name], name)}")
        return None

    do_a = do_args

    def do_output(self, arg: str) -> None:
        """output [all]

        Show the end of the page's output so far, or all of it. Output that is being captured, in a
        macro or a block with a filter, is shown after it.
        """
        captured = outputs(self.curframe)
        if not captured:
            self.error("No template is running here")
        for number, (frame, text) in enumerate(captured):
            if number:
                self.message(f"-- captured in {frame.f_code.co_name}, not in the page yet:")
            lines = text.split("\n")
            if len(lines) > _MAX_LINES and arg != "all":
                self.message(f"-- {len(lines) - _MAX_LINES} lines before this; `output all` shows them")
                lines = lines[-_MAX_LINES:]
            self.message("\n".join(lines))

    def do_context(self, arg: str) -> None:
        """context [name]

        Show the variables that the template was passed or has set at its top level, or one of them in full.
        """
        context = context_of(self.curframe)
        if context is None:
            self.error("No template is running here")
            return
        names = variables_of(context)
        if not arg:
            width = max(map(len, names), default=0)
            for name, value in names.items():
                self.message(f"{name:{width}} = {_SHORT.repr(value)}")
        elif arg in names or arg in context:
            self.message(pprint.pformat(context[arg]))
        else:
            self.error(f"The context has no {arg!r}")

    def do_engine(self, arg: str) -> None:
        """engine [on | off]

        Show the engine's own frames and step into them, or hide them.
        """
        if arg not in ("", "on", "off"):
            self.error("engine on, or engine off")
            return
        if arg:
            self.shows_engine = arg == "on"
            self.refresh_stack()
        self.message(f"The engine's frames are {'shown' if self.shows_engine else 'hidden'}")

    # --- completion ----------------------------------------------------------------------------------------

    def _complete_location(self, text: str, line: str, begidx: int, endidx: int) -> list[str]:
        completions: list[str] = super()._complete_location(text, line, begidx, endidx)
        if not line.strip().endswith((":", ",")):
            names = locations.template_names(self._environments())
            completions += [f"{name}:" for name in names if name.startswith(text)]
        return completions

    complete_break = complete_b = complete_tbreak = complete_clear = complete_cl = _complete_location

    def _complete_expression(self, text: str, line: str, begidx: int, endidx: int) -> list[str]:
        if self.template is None or text.startswith("$"):
            return super()._complete_expression(text, line, begidx, endidx)
        *path, last = text.split(".")
        if not path:
            context = context_of(self.curframe)
            known = {**(variables_of(context) if context is not None else {}), **Names(self.curframe)}
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

    def completedefault(self, text: str, line: str, begidx: int, endidx: int) -> list[str]:
        if self.template is None:
            return super().completedefault(text, line, begidx, endidx)
        return self._complete_expression(text, line, begidx, endidx)

    def complete_context(self, text: str, line: str, begidx: int, endidx: int) -> list[str]:
        context = context_of(self.curframe)
        return [] if context is None else [name for name in variables_of(context) if name.startswith(text)]

    def complete_engine(self, text: str, line: str, begidx: int, endidx: int) -> list[str]:
        return [word for word in ("on", "off") if word.startswith(text)]

    def complete_output(self, text: str, line: str, begidx: int, endidx: int) -> list[str]:
        return [word for word in ("all",) if word.startswith(text)]
