"""One rendering under the debugger, from the first line of the template to its end, for ``tmplmon debug``.

Rule: only templates and the functions that they call are shown. Locations are shown as the user can type them:
``page.html:7``.
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
"""Raised by the command `run`: render again."""

WINDOW = 3
"""The number of lines shown before and after the current one."""


class Quit(Exception):
    """Raised by the command `quit` and at the end of the input."""


class Session(Pdb):
    """Renders templates of an environment in the debugger. `commands`: commands to run first, once."""

    def __init__(self, environment: Environment, commands: Sequence[str] = (), **options: Any) -> None:
        if HAS_BACKENDS:
            options.setdefault("colorize", True)
        super().__init__(environment=environment, window=WINDOW, **options)
        self.prompt = "(tmplmon) "
        self.rcLines += commands  # pyright: ignore[reportOperatorIssue]

    def format_location(self, template: Template, line: int) -> str:
        return f"{template.name}:{line}"

    def render(self, template: Template, context: Mapping[str, Any]) -> str:
        """Return the output of a template. Raises Quit, Restart, and what the template raises."""
        self.reset()
        self._start_tracing()
        try:
            return template.render(context)
        except bdb.BdbQuit:
            raise Quit from None
        finally:
            self._stop_tracing()

    def inspect(self, error: BaseException) -> None:
        """Let the user inspect the place where a template failed. Raises Quit and Restart."""
        self.reset()
        self.interaction(None, error)
        if self.quitting:
            raise Quit

    def can_inspect(self, error: BaseException) -> bool:
        """Whether an exception was raised while a template ran, not while one was compiled."""
        stack, _ = self.get_stack(None, error.__traceback__)
        return any(template_of(frame) is not None for frame, _ in stack)
