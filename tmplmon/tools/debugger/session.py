"""A rendering under the debugger, from its first line to its end: what ``tmplmon debug`` runs.

Rule: nothing but templates and what they call is shown. Places are written as they can be typed: ``page.html:7``.
"""

import bdb
import pdb
from collections.abc import Mapping, Sequence
from typing import Any

from tmplmon import Environment, Template
from tmplmon.tools.debugger.frames import template_of
from tmplmon.tools.debugger.pdb import Pdb
from tmplmon.tools.debugger.stepping import HAS_BACKENDS

Restart = pdb.Restart
"""What the command `run` raises: begin again."""

WINDOW = 3
"""Lines shown before and after the current one."""


class Quit(Exception):
    """The command `quit`, or the end of the input."""


class Session(Pdb):
    """Renders templates of an environment. `commands` are given first, once."""

    def __init__(self, environment: Environment, commands: Sequence[str] = (), **options: Any) -> None:
        if HAS_BACKENDS:
            options.setdefault("colorize", True)
        super().__init__(environment=environment, window=WINDOW, **options)
        self.prompt = "(tmplmon) "
        self.rcLines += commands

    def shown_place(self, template: Template, line: int) -> str:
        return f"{template.name}:{line}"

    def render(self, template: Template, context: Mapping[str, Any]) -> str:
        """The output of a template. Raises Quit, Restart, and what the template raises."""
        self.reset()
        self._start_tracing()
        try:
            return template.render(context)
        except bdb.BdbQuit:
            raise Quit from None
        finally:
            self._stop_tracing()

    def look_at(self, error: BaseException) -> None:
        """Look around where a template failed. Raises Quit and Restart."""
        self.reset()
        self.interaction(None, error)
        if self.quitting:
            raise Quit

    def can_look_at(self, error: BaseException) -> bool:
        """Whether an exception came up while a template ran, not while one was compiled."""
        stack, _ = self.get_stack(None, error.__traceback__)
        return any(template_of(frame) is not None for frame, _ in stack)
