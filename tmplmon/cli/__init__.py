"""The command line: ``tmplmon render``, ``tmplmon check``, ``tmplmon show`` and others.

The modules in reading order: `main` (parses arguments, returns the exit status), `options` (builds an environment
from the arguments), `data` (reads the context from files and ``key=value``), then one module per command: `render`
with `tree` and `output`, `check` with `project`, `references`, `names` and `moving`, `show`, `compile`, `coverage`,
`debug`, `profile`. Every message to the user is a `problems.Problem`.
"""

from tmplmon.cli.main import main

__all__ = ["main"]
