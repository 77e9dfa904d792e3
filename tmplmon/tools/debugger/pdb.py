"""Python's own debugger, at home in templates.

What `pdb` does in Python files it does in templates; this class adds what it cannot know:

    break page.html:4, …     a template by its name or path; the next line with code
    where, up, down          without the engine's frames, where steps do not stop either (`engine on` shows them)
    p, display, conditions   template expressions too, and names that only the context has
    list, longlist           the template's source, coloured on a terminal
    output, context          the output so far, and what the template was given
    jump                     refused: a template cannot go on elsewhere

Rule: what is about Python frames is left to `pdb`. Stepping stops at lines, not at the calls and returns of
templates: they have no `def` line, and nothing to return. (`return` and `until` do stop where a template ends.)

Works with `backend="monitoring"` too, from Python 3.14 on.
"""

# What the base class gives is unknown to type checkers.
# mypy: disable-error-code="no-any-return"

import pprint
import reprlib
from typing import Any

from tmplmon import Environment
from tmplmon.tools.debugger import locations, source
from tmplmon.tools.debugger.expressions import evaluate
from tmplmon.tools.debugger.frames import Names, context_of, given_names, outputs
from tmplmon.tools.debugger.looking import Looking
from tmplmon.tools.debugger.stepping import HAS_BACKENDS

_MOST_LINES = 20
"""What `output` shows without being asked for all."""

_SHORT = reprlib.Repr(maxstring=70, maxother=70)


class Pdb(Looking):
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
        for name in sorted(names):
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
                self.message(f"{name:{width}} = {_SHORT.repr(value)}")
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
            self.look_again()
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
            return super()._complete_expression(text, line, begidx, endidx)
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

    def completedefault(self, text: str, line: str, begidx: int, endidx: int) -> list[str]:
        if self.template is None:
            return super().completedefault(text, line, begidx, endidx)
        return self._complete_expression(text, line, begidx, endidx)

    def complete_context(self, text: str, line: str, begidx: int, endidx: int) -> list[str]:
        context = context_of(self.curframe)
        return [] if context is None else [name for name in given_names(context) if name.startswith(text)]

    def complete_engine(self, text: str, line: str, begidx: int, endidx: int) -> list[str]:
        return [word for word in ("on", "off") if word.startswith(text)]

    def complete_output(self, text: str, line: str, begidx: int, endidx: int) -> list[str]:
        return [word for word in ("all",) if word.startswith(text)]
