"""The command line: ``tmplmon render``, ``tmplmon check``, ``tmplmon show``.

In the order in which they are read: `main` (arguments in, exit status out), `options` (an environment from the
arguments), `data` (the context from files and ``key=value``), then a command each: `render` with `tree` and
`output`, `check` with `project`, `references` and `names`, `show`. What is reported to the user is a
`problems.Problem`, whatever found it.
"""

from tmplmon.cli.main import main

__all__ = ["main"]
